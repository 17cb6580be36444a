import json

import numpy as np
import pytest
import torch

from onward.align import rankings
from onward.align.rankings import Encoded, Rankings
from onward.corpus.preferences import read_preferences
from onward.errors import DataError


def ranking(*sizes, longer=()):
    """Answers of these numbers of tokens; their texts as many letters long."""
    answers = tuple("x" * size for size in (longer or sizes))
    return Encoded(prompt="?", answers=answers, ids=tuple([7] * size for size in sizes), scores=None)


def test_a_batch_holds_whole_rankings_padded_at_the_right():
    held = Rankings([ranking(2, 3), ranking(4, 1, 2)], 10, pad_id=0)
    batch = held.batch(np.array([1, 0]))
    assert held.by_length(np.array([1, 0])).tolist() == [0, 1]
    assert batch.ids.tolist() == [[7, 7, 0, 0], [7, 7, 7, 0], [7, 7, 7, 7], [7, 0, 0, 0], [7, 7, 0, 0]]
    assert batch.lengths.tolist() == [2, 3, 4, 1, 2]
    assert batch.ranking.tolist() == [0, 0, 1, 1, 1]
    assert batch.learnable == 2


def test_a_batch_is_cut_between_rankings_and_never_in_one():
    held = Rankings([ranking(2, 3), ranking(4, 1, 2), ranking(1, 1)], 10, pad_id=0)
    parts = held.batch(np.array([0, 1, 2])).split(4)
    assert [part.ranking.tolist() for part in parts] == [[0, 0, 1, 1], [0, 0, 0]]
    assert [part.ids.shape[1] for part in parts] == [3, 4]
    assert [part.ranking.tolist() for part in held.batch(np.array([0, 1, 2])).split(1)] == [[0, 0], [0, 0], [0, 0, 0]]


def test_rankings_with_an_answer_that_is_too_long_are_left_out_and_counted():
    held = Rankings([ranking(2, 3), ranking(9, 1)], 5, pad_id=0)
    assert (held.rows, held.too_long) == (1, 1)
    with pytest.raises(DataError, match="exceeds 1 tokens"):
        Rankings([ranking(2, 3)], 1, pad_id=0)


def test_length_control_makes_the_longer_answer_better_in_half_of_what_is_learned():
    kinds = [ranking(5, 2)] * 6 + [ranking(2, 5)] * 2 + [ranking(3, 3)]
    weights = Rankings(kinds, 10, pad_id=0, length_controlled=True).weights
    assert weights[:6].sum() == pytest.approx(weights[6:8].sum())
    assert weights.mean() == pytest.approx(1)
    assert Rankings(kinds, 10, pad_id=0).longer_is_better == 0.75


def test_a_prompt_is_on_one_side_only_and_ids_are_those_of_the_chat(tokenizer, tmp_path):
    path = tmp_path / "pairs.jsonl"
    pairs = [{"prompt": f"{i % 40}?", "chosen": f"Yes {i}.", "rejected": "No."} for i in range(120)]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    learned, held_out, skipped = rankings.encode(read_preferences(path), tokenizer, skip_bad=False)
    assert len(learned) + len(held_out) == 120
    assert skipped == 0
    assert held_out
    assert not {one.prompt for one in learned} & {one.prompt for one in held_out}
    text = tokenizer.decode(learned[0].ids[0], skip_special=False)
    assert learned[0].prompt in text
    assert learned[0].answers[0] in text
    assert "<|im_end|>" in text.rpartition(learned[0].answers[0])[2]


def test_one_prompt_alone_is_too_few(tokenizer, tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": "a?", "chosen": "Yes.", "rejected": "No."}) + "\n")
    with pytest.raises(DataError, match="at least two prompts"):
        rankings.encode(read_preferences(path), tokenizer, skip_bad=False)


def test_moving_keeps_everything():
    batch = Rankings([ranking(2, 3)], 10, pad_id=0).batch(np.array([0])).to("cpu")
    assert isinstance(batch.weights, torch.Tensor)


def test_where_the_answers_stand_in_their_ids_is_known_with_their_end_marks(tokenizer, tmp_path):
    path = tmp_path / "pairs.jsonl"
    pairs = [{"prompt": f"{i}?", "chosen": f"Yes {i}.", "rejected": "No."} for i in range(30)]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    learned, _, _ = rankings.encode(read_preferences(path), tokenizer, skip_bad=False)
    for one in learned:
        said = [tokenizer.decode(i[a:b], skip_special=False) for i, (a, b) in zip(one.ids, one.spans, strict=True)]
        assert said == [answer + "<|im_end|>" for answer in one.answers]
