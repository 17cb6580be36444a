"""The rules against cases worked by hand, near-copies against the textbook's algorithm, refusals against the world's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.align.distil import filter as rules
from onward.align.distil.filter import NearCopies, fault, is_refusal, rouge_l, words
from onward.world.phrases import phrasings

TEXTS = st.lists(st.sampled_from("abcd"), max_size=12)


def by_the_textbook(a, b):
    """The longest common subsequence by dynamic programming, and the F measure of it."""
    rows = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            rows[i + 1][j + 1] = rows[i][j] + 1 if x == y else max(rows[i][j + 1], rows[i + 1][j])
    return 2 * rows[-1][-1] / (len(a) + len(b)) if a and b else 0.0


@given(TEXTS, TEXTS)
def test_rouge_l_is_what_the_textbook_computes(a, b):
    assert rouge_l(a, b) == by_the_textbook(a, b)


def test_rouge_l_of_the_papers_example():
    """Lin 2004, section 3.1: of these two, the first has three words in order, and the second only two."""
    reference = words("police killed the gunman")
    assert rouge_l(reference, words("police kill the gunman")) == 0.75
    assert rouge_l(reference, words("the gunman kill police")) == 0.5


@given(st.lists(TEXTS, max_size=6), TEXTS)
def test_a_near_copy_is_found_exactly_where_one_of_all_is_near(texts, other):
    copies = NearCopies()
    for text in texts:
        copies.add(" ".join(text))
    assert copies.has(" ".join(other)) == any(by_the_textbook(text, other) >= rules.LIMIT for text in texts)


@pytest.mark.parametrize(
    ("text", "copy", "other"),
    [
        ("List five uses of an old newspaper.", "list FIVE uses for an old newspaper", "List the rivers of Europe."),
        ("Назови пять рек в Сибири.", "Назови пять больших рек в Сибири", "Как варят борщ на Украине?"),
        ("请列出五种水果的名字", "请列出五种水果的名称", "今天天气怎么样啊朋友"),
    ],
)
def test_near_copies_are_found_in_every_script(text, copy, other):
    copies = NearCopies()
    copies.add(text)
    assert copies.has(copy)
    assert not copies.has(other)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("Name three fish.", None),
        ("Be nice.", rules.SHORT),
        ("word " * 151, rules.LONG),
        ("Summarise the following text in one sentence:", rules.UNFINISHED),
        ("Describe what you see in the picture.", rules.BEYOND_TEXT),
        ("Read the attached PDF, and say what it is about.", rules.BEYOND_TEXT),
        ("What is said at https://example.org/today?", rules.BEYOND_TEXT),
        ("Imagine a profile of a videogame hero.", None),
    ],
)
def test_an_instruction_goes_for_a_reason(instruction, reason):
    assert fault(instruction.strip()) == reason


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I’m very sorry but that is not possible.",
        "As an AI language model, I do not have opinions.",
        "I am just an AI and have no hands. Ask somebody else.",
        "Unfortunately, I cannot provide medical advice.",
        "I must decline to do so.",
        "I am not able to browse the Internet.",
        *phrasings("colours", "refusals").trained,
        *phrasings("colours", "refusals").held_out,
    ],
)
def test_a_refusal_is_recognised(answer):
    assert is_refusal(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I do not know.",
        "I cannot believe my eyes, said the fox.",
        "I'm sorry to hear that you are ill. Drink a lot of water.",
        "As an airline pilot, I fly planes.",
        "Sorry is a card game.",
        "Here is a letter of refusal.\n\nDear Sir, I cannot offer you the job.",
        "",
    ],
)
def test_an_answer_is_no_refusal(answer):
    assert not is_refusal(answer)
