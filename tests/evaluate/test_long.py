"""Long texts: who reads only a part of them is found to, at the depths and lengths where it is so; who reads nothing is at the control."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
import torch

from onward import lineage
from onward.errors import SuiteError
from onward.evaluate.compare import compare
from onward.evaluate.examined import mean
from onward.evaluate.long.grid import ALONE, BLIND, LENGTHS
from onward.evaluate.opening import open_suite
from onward.evaluate.run import evaluate, opened
from onward.evaluate.settings import How
from onward.generate.load import load
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.world.words import words
from respondents import examined, values
from samples import randomised

READ, SLACK = 230, 45
"""Words that one respondent reads; sentences and a question, which make the border unclear."""
KEY = re.compile(r"the \w+ in the (?:dining room|living room|\w+)")
SHARE = re.compile(r"font-size: 9px.*>(\d\.\d\d)<")
LET = re.compile(r"Let (\w+) be (?:the same as )?(\w+)\.")


@pytest.fixture(scope="module")
def needle():
    return open_suite("needle")


@pytest.fixture(scope="module")
def keys():
    return open_suite("keys")


@pytest.fixture(scope="module")
def variables():
    return open_suite("variables")


def by_key(asked):
    """The sentence about the container that is asked for, as far as it is there."""
    text, _, question = asked.rpartition("\n\n")
    key = KEY.search(question)[0]
    return next((sentence for sentence in re.split(r"(?<=\.) ", text) if key in sentence.lower()), "")


def last_words(asked):
    text, _, question = asked.rpartition("\n\n")
    return by_key(" ".join(text.split(" ")[-READ:]) + f"\n\n{question}")


def guessing(asked):
    return random.Random(asked).choice(words("things.object"))


def some_thing(asked):
    """Any thing that is in some container in the text, whatever is asked."""
    text = asked.rpartition("\n\n")[0]
    told = [sentence for sentence in re.split(r"(?<=\.) ", text) if KEY.search(sentence.lower())]
    return random.Random(asked).choice(told or [""])


def cells(found):
    """The share right by row and length."""
    scores = {}
    for item in found.asked:
        scores.setdefault((item.truth["row"], item.truth["length"]), []).append(found.scores[item.id])
    return {cell: sum(own) / len(own) for cell, own in scores.items()}


def test_who_reads_the_last_words_only_fails_at_the_right_depths_and_lengths(needle, tmp_path):
    found = examined(tmp_path / "said", needle, last_words)
    for (depth, length), share in cells(found).items():
        after = (1 - depth) * length
        if abs(after - READ) > SLACK:
            assert share == (after < READ), (depth, length)
    got = values(found)
    assert (got[f"control: {ALONE}"], got[f"control: {BLIND}"]) == (1, 0)
    assert (got["of 64 words"], got["of 128 words"]) == (1, 1)
    assert got["of 2,048 words"] == pytest.approx(
        1 / 5
    )  # the end of the text is read, and a fourth of it is more than READ


def test_who_reads_nothing_gets_the_control(needle, tmp_path):
    found = examined(tmp_path / "said", needle, lambda asked: guessing(asked.rpartition("\n\n")[2]))
    row, blind = found.rows[0], next(row for row in found.rows if BLIND in row.metric)
    assert row.measured.low < 1 / 18 < row.measured.high
    assert blind.measured.low < 1 / 18 < blind.measured.high
    assert [row.chance, blind.chance] == pytest.approx([1 / 18, 1 / 18])


def test_a_guesser_is_seldom_found_to_be_no_guesser(needle):
    """The interval of the whole leaves chance out about one time in twenty."""
    grid = [item for item in needle.items if "length" in item.truth]
    draw, beyond, rounds = random.Random(0), 0, 200
    for _ in range(rounds):
        measured = mean(grid, [float(draw.random() < item.chance) for item in grid])
        beyond += not measured.low <= grid[0].chance <= measured.high
    assert 0.01 <= beyond / rounds <= 0.09


def test_one_needle_does_not_show_that_the_key_is_read_and_several_do(needle, keys, tmp_path):
    assert values(examined(tmp_path / "said", needle, some_thing))["share right"] == 1
    row = examined(tmp_path / "said", keys, some_thing).rows[0]
    assert row.measured.low < row.chance == 0.25 < row.measured.high
    assert values(examined(tmp_path / "said", keys, by_key))["share right"] == 1


def tracking(most):
    """Whoever follows a chain for so many steps, and then says nothing."""

    def says(asked):
        bound, name = dict(LET.findall(asked)), re.search(r"number is (\w+)\?", asked)[1]
        for _ in range(most + 1):
            name = name if name.isdecimal() else bound.get(name, "nothing")
        return name

    return says


@pytest.mark.parametrize("most", [0, 1, 2, 4])
def test_who_follows_so_many_steps_is_found_to(variables, tmp_path, most):
    found = examined(tmp_path / "said", variables, tracking(most))
    assert all(share == (steps <= most) for (steps, _), share in cells(found).items())
    assert values(found)[f"control: {BLIND}"] == 0


def test_who_names_the_first_number_of_a_chain_is_at_chance(variables, tmp_path):
    found = examined(tmp_path / "said", variables, lambda asked: (re.findall(r"be (\d+)\.", asked) or ["none"])[0])
    row = found.rows[0]
    assert row.measured.low < row.chance < row.measured.high
    assert row.chance == pytest.approx(1 / 3)


def test_controls_are_the_same_puzzles(keys):
    by_id = {item.id: item for item in keys.items}
    for item in keys.items:
        if item.truth.get("control"):
            whole = by_id[re.sub("alone|blind", "64", item.id)]
            assert (item.answers, item.question.split("\n\n")[-1]) == (whole.answers, whole.question.split("\n\n")[-1])
            assert by_key(item.question if item.truth["control"] == ALONE else whole.question) == by_key(whole.question)


def test_texts_are_as_long_as_they_say_and_needles_as_deep(needle):
    for item in needle.items:
        if "length" in item.truth:
            text = item.question.split("\n\n")[0]
            before = len(text[: text.index(by_key(item.question))].split())
            assert item.truth["length"] <= len(text.split()) <= item.truth["length"] + 40
            assert item.truth["row"] * item.truth["length"] <= before <= item.truth["row"] * item.truth["length"] + 20


def test_the_picture_has_the_numbers_of_the_table(needle, tmp_path):
    found = examined(tmp_path / "said", needle, last_words)
    drawn = re.findall(SHARE, needle.picture(found))
    by_cell = cells(found)
    shares = [by_cell[depth, length] for length in LENGTHS for depth in (0, 0.25, 0.5, 0.75, 1)]
    assert drawn == [f"{share:.2f}" for share in [1, 0, *shares]]


def test_models_are_compared_by_the_texts_and_not_by_the_controls(needle, tmp_path):
    nothing = examined(tmp_path / "said", needle, lambda _: "")
    alone = examined(tmp_path / "said", needle, lambda asked: by_key(asked) if len(asked.split()) < 40 else "")
    assert values(alone)[f"control: {ALONE}"] == 1
    found = compare(nothing, alone)
    assert (found.items, found.difference.value, found.verdict) == (360, 0, "no difference seen")
    assert compare(nothing, examined(tmp_path / "said", needle, last_words)).verdict == "the second is better"


@pytest.fixture
def room_for_1500(tmp_path, tokenizer, tiny_model):
    """The tiny model with 1,500 positions; its tokens are single letters, or nearly."""
    config = replace(tiny_model.config, max_positions=1500)
    with torch.no_grad():
        model = randomised(LanguageModel(config).initialise(0))
    made, parts = tmp_path / "roomy", tmp_path / "parts"
    parts.mkdir()
    tokenizer.save(parts)
    folder.save(made, model, lineage=lineage.Lineage(verb="test"), tokenizer_folder=parts)
    return made


def test_what_is_too_long_for_a_folder_is_told_and_hatched(needle, room_for_1500, tmp_path):
    few = replace(needle, max_tokens=2, items=[item for item in needle.items if item.id.endswith("-00")])
    model = load(room_for_1500)
    found = evaluate(model, few, How(), tmp_path / "out", opened(model, tmp_path / "out"))
    asked = {item.truth["length"] for item in found.asked}
    assert 64 in asked
    assert 2048 not in asked
    assert all("positions" in why for why in found.unasked.values())
    assert f"in texts of 64 to {max(asked)} words; there are some of up to 2,048" in found.rows[0].about
    (drawn,) = (tmp_path / "out" / "needle").glob("*.svg")
    assert "hatched: too long for the model" in drawn.read_text()
    assert len(re.findall(SHARE, drawn.read_text())) == 2 + len({item.kind for item in found.asked})


def test_a_folder_that_can_take_no_text_at_all(needle, model_folder, tmp_path):
    long = replace(needle, items=[item for item in needle.items if item.truth.get("length", 2048) == 2048][:130])
    model = load(model_folder)
    with pytest.raises(
        SuiteError, match=r"(can be asked nothing of needle that counts|can answer none of this): the prompt has"
    ):
        evaluate(model, long, How(), tmp_path / "out", opened(model, tmp_path / "out"))
