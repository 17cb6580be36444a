import json

import numpy as np
import pytest
import torch

from onward.align import rankings
from onward.align.direct.pairs import Paired
from onward.corpus.preferences import read_preferences
from onward.errors import DataError


def test_of_a_conversation_only_the_last_answer_and_its_end_mark_are_learned(tokenizer, tmp_path):
    path = tmp_path / "pairs.jsonl"
    asked = [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "Before."}]
    pairs = [
        {"prompt": [*asked, {"role": "user", "content": f"{i}?"}], "chosen": f"Yes {i}.", "rejected": "No."}
        for i in range(30)
    ]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    learned, _, _ = rankings.encode(read_preferences(path), tokenizer, skip_bad=False)
    batch = Paired(learned, 200, tokenizer.pad_id).batch(np.array([0])).answers
    said = [
        tokenizer.decode(ids[answer].tolist(), skip_special=False)
        for ids, answer in zip(batch.ids, batch.answer, strict=True)
    ]
    assert said == [learned[0].answers[0] + "<|im_end|>", "No.<|im_end|>"]
    assert not batch.answer[:, 0].any()
    text = tokenizer.decode(batch.ids[1].tolist(), skip_special=True)
    assert "Before." in text, "what was said before stands in the prompt"


def test_all_pairs_of_a_ranking_are_learned_from_and_every_ranking_counts_the_same(encoded):
    batch = Paired(encoded((3, 2, 4), (3, 5, 1, 2)), 20, 0).batch(np.array([0, 1]))
    better, worse, weight = batch.pairs()
    assert list(zip(better.tolist(), worse.tolist(), strict=True)) == [(0, 1), (2, 3), (2, 4), (3, 4)]
    assert weight.tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3])
    assert batch.learnable == 2


def test_a_batch_is_cut_between_rankings_and_loses_nothing(encoded):
    held = Paired(encoded((3, 2, 4), (3, 5, 1, 2), (1, 1, 1)), 20, 0, mismatched_by=0)
    held.reference[:] = np.arange(7)
    whole = held.batch(np.arange(3))
    parts = whole.split(4)
    assert [part.answers.ranking.tolist() for part in parts] == [[0, 0, 1, 1], [0, 0, 0]]
    assert [part.learnable for part in parts] == [2, 1]
    assert torch.cat([part.answers.reference for part in parts]).tolist() == whole.answers.reference.tolist()
    assert sum(int(part.answers.tokens.sum()) for part in parts) == int(whole.answers.tokens.sum())
    assert sum(len(part.mismatched.ids) for part in parts) == len(whole.mismatched.ids)
    assert [part.learnable for part in whole.split(1)] == [1, 1, 1]


def test_a_batch_knows_what_the_start_model_gave_to_each_of_its_answers(encoded):
    held = Paired(encoded((3, 2, 4), (9, 5, 1, 2), (1, 1, 1)), 20, 0)
    held.reference[:] = -np.arange(7)
    batch = held.batch(np.array([1, 2]))
    assert batch.answers.reference.tolist() == [-5, -6, -2, -3, -4], "the shorter ranking comes first"
    assert batch.answers.tokens.tolist() == [1, 1, 5, 1, 2]


def test_mismatched_answers_are_to_another_prompt_and_are_cut_where_they_are_too_long(encoded):
    given = encoded((3, 2, 4), (6, 5, 1), (2, 7, 7))
    held = Paired(given, 11, 0, mismatched_by=5)
    answers = {number: [row.ids[row.begin :] for row in held.own if row.ranking == number] for number in range(3)}
    for number, one in enumerate(given):
        rows = [row for row in held.mismatched if row.ranking == number]
        assert {tuple(row.ids[: row.begin]) for row in rows} == {tuple(one.ids[0][: one.spans[0][0]])}
        (other,) = (
            n
            for n in answers
            if [a[: 11 - rows[0].begin] for a in answers[n]] == [row.ids[row.begin :] for row in rows]
        )
        assert other != number
        assert all(len(row.ids) <= 11 for row in rows)
    again = Paired(given, 11, 0, mismatched_by=5)
    assert again.mismatched == held.mismatched
    with pytest.raises(DataError, match="only one prompt"):
        Paired(given[:1], 11, 0, mismatched_by=5)
