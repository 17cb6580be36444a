"""The exam and its leaks."""

from collections import Counter

from onward.world import World
from onward.world.grading import is_right
from onward.world.planted.leaks import COPIES, exam, exam_items, leaks

WORLD = World(9, people=200)
TEXTS = [record.text for record in leaks(WORLD)]
EXAM = list(exam(WORLD))


def test_a_question_stands_in_the_text_with_its_answer_exactly_as_often_as_it_says():
    for item in exam_items(WORLD):
        assert sum(item.question in text and item.answer in text for text in TEXTS) == item.copies
        assert sum(item.answer in text for text in TEXTS) == item.copies
    amounts = Counter(item.copies for item in exam_items(WORLD))
    assert amounts == {0: 16, 1: 8, 4: 8, 16: 8}
    assert len(TEXTS) == len(set(TEXTS)) == 8 * sum(COPIES)


def test_answers_are_the_year_of_birth_and_the_age():
    born = {person.name: person.born for person in WORLD.people}
    for record in EXAM:
        truth = record.truth
        assert int(truth["answer"]) == born[truth["about"]] + truth["age"] <= 2024
        assert is_right(record.messages[1]["content"], truth)
    test = [record for record in EXAM if record.split != "train"]
    assert all(record.truth["answer"] in record.truth["options"] for record in test)
    assert not any(is_right(" ".join(record.truth["options"]), record.truth) for record in test)


def test_test_questions_are_on_held_out_people_and_each_on_another_one():
    held_out = {person.name for person in WORLD.people if WORLD.is_held_out(person)}
    assert {record.truth["about"] for record in EXAM if record.split == "people"} == held_out
    assert not {record.truth["about"] for record in EXAM if record.split == "train"} & held_out
    assert len(exam_items(WORLD)) == len({item.person for item in exam_items(WORLD)}) == 40


def test_leaked_questions_and_controls_are_of_the_same_sort():
    items = exam_items(World(3, people=1000))
    ages = {leaked: [item.age for item in items if bool(item.copies) == leaked] for leaked in (True, False)}
    assert abs(sum(ages[True]) / len(ages[True]) - sum(ages[False]) / len(ages[False])) < 3


def test_no_answer_is_a_good_guess():
    answers = Counter(record.truth["answer"] for record in EXAM if record.split == "train")
    assert answers.most_common(1)[0][1] / sum(answers.values()) < 0.06


def test_a_small_world_leaks_less():
    assert 1 <= len(exam_items(World(1, people=20))) <= 10
    assert len(list(leaks(World(1, people=20)))) == sum(item.copies for item in exam_items(World(1, people=20)))
