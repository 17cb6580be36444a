"""What a judge's reply says, and what comes of two orders."""

import pytest

from onward.align.ranking.judging import found, letter


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("A", "A"),
        (" b.\n", "B"),
        ("**B**", "B"),
        ("T", "T"),
        ("tie", "T"),
        ("[[A]]", "A"),
        ("First I thought [[A]], but no: [[B]]", "B"),
        ("<think>A seems fine. B is better.</think>\n\nA", "A"),
        ("The better answer is B, since it says more.", "B"),
        ("Answer: A", "A"),
        ("I find that A is clearly better than B.", "A"),
        ("A. It is short.", "A"),
        ("A good answer would be shorter.", None),
        ("Both are fine.", None),
        ("", None),
    ],
)
def test_the_letter_that_a_reply_means(reply, expected):
    assert letter(reply) == expected


@pytest.mark.parametrize(
    ("letters", "worth", "swayed"),
    [
        (("A", "B"), (1.0, 0.0), 0),
        (("B", "A"), (0.0, 1.0), 0),
        (("A", "A"), (0.5, 0.5), 1),
        (("B", "B"), (0.5, 0.5), 1),
        (("A", "T"), (0.5, 0.5), 0),
        ((None, "A"), (0.5, 0.5), 0),
    ],
)
def test_a_pair_is_won_only_in_both_orders(letters, worth, swayed):
    verdict = found(2, [(0, 1)], [letters])
    assert verdict.worth == worth
    assert verdict.asked["swayed"] == swayed
    assert verdict.asked["unread"] == letters.count(None)


def test_of_three_answers_the_pairs_won_are_counted():
    verdict = found(3, [(0, 1), (0, 2), (1, 2)], [("A", "B"), ("B", "A"), ("B", "A")])
    assert verdict.worth == (1.0, 0.0, 2.0)
