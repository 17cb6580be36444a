"""Reference metrics against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from onward.evaluate import references


def test_exact_match_and_f1_as_squad_counts():
    assert references.exact_match("The cat.", ["a cat"]) == 1
    assert references.exact_match("cats", ["a cat"]) == 0
    # "black cat sat" against "cat sat down": two of three words each way
    assert references.f1("the black cat sat", ["A cat sat down"]) == pytest.approx(2 / 3)
    assert references.f1("dog", ["cat", "the dog"]) == 1
    assert references.f1("", ["cat"]) == 0


def test_word_errors_are_counted():
    assert references.edits(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert references.word_error_rate("the cat sat", ["the cat sat down"]) == 0.25
    assert references.word_error_rate("a b c d", ["x"]) == 4
    assert references.word_error_rate("x y", ["y", "x y"]) == 0


def test_bleu_by_hand():
    """5 of 6 words, 3 of 5 pairs, 1 of 4 threes, 0 of 3 fours, smoothed to 1 / (2 * 3): the fourth root of the product."""
    reference, said = "the cat is on the mat", "the cat sat on the mat"
    expected = (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25
    assert references.bleu(said, [reference]) == pytest.approx(expected, abs=1e-3)
    assert references.bleu(reference, [reference]) == pytest.approx(1)


def test_bleu_of_a_corpus_is_no_mean_of_sentences():
    texts, wanted = ["a b c d e", "x"], [["a b c d e"], ["y z"]]
    whole = references.of_corpus("bleu", texts, wanted)
    # 5 of 6 words, all pairs, threes and fours; 6 words for 7: the brevity penalty is exp(1 - 7/6)
    assert whole == pytest.approx((5 / 6) ** 0.25 * math.exp(1 - 7 / 6), abs=1e-3)


def test_a_corpus_may_have_several_references_for_some_texts():
    assert references.of_corpus("chrf", ["abc", "xyz"], [["abc", "other"], ["xyz"]]) == pytest.approx(1)


def test_ter_counts_a_shift_as_one():
    assert references.ter("b a c d", ["a b c d"]) == 0.25
    assert references.ter("a c d", ["a b c d"]) == 0.25


def test_chrf_by_hand():
    """ "ab" and "ac": of single characters one of two fits, of pairs none: precision and recall are the mean, 0.25."""
    assert references.chrf("ab", ["ac"]) == pytest.approx(0.25)
    assert references.chrf("same words", ["same words"]) == pytest.approx(1)


def test_rouge_by_hand():
    # words: 2 of 3 each way; pairs: 0 of 2; the longest common subsequence is "the sat"
    metrics = {name: references.METRICS[name]("the dog sat", ["the cat sat"]) for name in references.ROUGES}
    assert metrics == {"rouge1": pytest.approx(2 / 3), "rouge2": 0, "rougeL": pytest.approx(2 / 3)}


def test_signatures_say_what_a_number_depends_on():
    assert "tok:13a" in references.signature("bleu")
    assert "version:2" in references.signature("bleu")
    assert "nc:6" in references.signature("chrf")
    assert references.signature("rougeL").startswith("rougeL|fmeasure|stemmer:no")
    assert references.signature("f1") == ""
