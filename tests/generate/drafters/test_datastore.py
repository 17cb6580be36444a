import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from onward.errors import DataError, OutputError, PlanError
from onward.generate.drafters.datastore import LONGEST, SEEN, Datastore, build
from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.tree import Tree
from onward.tokens.tokenizer import Tokenizer
from onward.train.shards import Shards, write_shards
from samples import story

VOCAB = 3


def store(folder: Path, documents: list[list[int]], tokenizer: Tokenizer, vocab_size: int = VOCAB) -> Datastore:
    """A datastore of token shards."""
    write_shards(
        ((ids, None, len(ids)) for ids in documents),
        folder / "shards",
        vocab_size=vocab_size,
        tokenizer_hash=tokenizer.hash,
        meta={},
        shard_tokens=40,
    )
    build(Shards(folder / "shards"), tokenizer, folder / "store")
    return Datastore(folder / "store", tokenizer, shortest=1)


@pytest.fixture(scope="module")
def documents() -> list[list[int]]:
    random = np.random.default_rng(0)
    return [random.integers(0, VOCAB, size=size).tolist() for size in (1, 2, 30, 17, 1, 60, 25)]


@pytest.fixture(scope="module")
def datastore(tmp_path_factory, documents, tokenizer) -> Datastore:
    return store(tmp_path_factory.mktemp("datastore"), documents, tokenizer)


def scanned(documents: list[list[int]], ids: list[int], k: int) -> list[list[int]]:
    """What followed the longest end of a text in the corpus, by a plain scan."""
    for size in range(min(LONGEST, len(ids)), 0, -1):
        found = [
            document[end : end + k]
            for document in documents
            for end in range(size, len(document))
            if document[end - size : end] == ids[-size:]
        ]
        if found:
            return found
    return []


def weights(continuations: list[list[int]]) -> Counter[tuple[int, ...]]:
    """How many continuations begin in each way."""
    return Counter(tuple(one[:size]) for one in continuations for size in range(1, len(one) + 1))


def texts(tree: Tree) -> list[tuple[int, ...]]:
    return [tuple(tree.tokens[n] for n in tree.path(node)) for node in range(len(tree))]


@settings(max_examples=200, deadline=None)
@given(ids=some.lists(some.integers(0, VOCAB), max_size=24), k=some.integers(0, 12))
def test_it_finds_what_a_scan_finds_and_keeps_the_likeliest(datastore, documents, ids, k):
    """Token 3 stands in the texts that ask and in no document."""
    said = texts(datastore.propose(ids, k, Aim()))
    weight = weights(scanned(documents, ids, k))
    assert len(said) == min(k, len(weight))
    assert set(said) <= set(weight)
    assert [weight[text] for text in said] == sorted(weight.values(), reverse=True)[: len(said)]


def test_ends_of_documents_and_of_the_corpus_are_ends(datastore, documents):
    for document in documents[2:]:
        if len(document) > LONGEST + 1:
            assert datastore.propose(document[:-1], 50, Aim()).tokens == document[-1:]


def test_of_very_many_places_some_stand_for_all(tmp_path, tokenizer):
    datastore = store(tmp_path, [[0, 1] * 1000 + [0, 2] * 500 + [0, 3] * 20], tokenizer, vocab_size=4)
    assert datastore._find([0])[1] > SEEN
    assert datastore.propose([0], 2, Aim()).tokens[0] == 1


def test_a_datastore_of_texts_carries_a_story_on(tmp_path, tokenizer):
    build((story(i) for i in range(30)), tokenizer, tmp_path / "store")
    datastore = Datastore(tmp_path / "store", tokenizer)
    ids = tokenizer.encode(story(7))
    proposed = [datastore.propose(ids[:end], 8, Aim()) for end in range(LONGEST, len(ids))]
    right = sum(tuple(ids[end : end + 1]) in texts(tree) for end, tree in enumerate(proposed, LONGEST))
    assert right > 0.9 * len(proposed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_the_same_texts_give_the_same_bytes(tmp_path, tokenizer):
    for name in ("a", "b"):
        build((story(i) for i in range(10)), tokenizer, tmp_path / name)
    for part in ("ids.bin", "order.bin", "index.json"):
        assert (tmp_path / "a" / part).read_bytes() == (tmp_path / "b" / part).read_bytes()


def test_another_tokeniser_is_refused(tmp_path, tokenizer):
    build([story(0)], tokenizer, tmp_path / "store")
    other = tokenizer.extended(["<|more|>"])
    with pytest.raises(PlanError, match="another tokeniser"):
        Datastore(tmp_path / "store", other)
    write_shards([([1, 2], None, 2)], tmp_path / "shards", vocab_size=9, tokenizer_hash="x", meta={})
    with pytest.raises(DataError, match="another tokeniser"):
        build(Shards(tmp_path / "shards"), tokenizer, tmp_path / "other")


def test_what_cannot_be_used_is_refused_in_one_line_and_leaves_nothing(tmp_path, tokenizer):
    with pytest.raises(DataError, match="no tokens"):
        build(["", ""], tokenizer, tmp_path / "store")
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="holds no datastore"):
        Datastore(tmp_path, tokenizer)
    build([story(0)], tokenizer, tmp_path / "store")
    with pytest.raises(OutputError, match="exists"):
        build([story(0)], tokenizer, tmp_path / "store")
    with pytest.raises(PlanError, match="looks up"):
        Datastore(tmp_path / "store", tokenizer, shortest=0)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "order.bin").unlink(),
        lambda folder: (folder / "ids.bin").write_bytes(b"12"),
        lambda folder: (folder / "index.json").write_text("{"),
        lambda folder: (folder / "index.json").write_text("[]"),
        lambda folder: (folder / "index.json").write_text('{"format": "another"}'),
        lambda folder: (folder / "index.json").write_text(
            json.dumps(json.loads((folder / "index.json").read_text()) | {"tokens": "many"})
        ),
    ],
)
def test_a_damaged_datastore_is_refused_in_one_line(tmp_path, tokenizer, damage):
    build([story(0)], tokenizer, tmp_path / "store")
    damage(tmp_path / "store")
    with pytest.raises(DataError, match="Make the datastore again") as refusal:
        Datastore(tmp_path / "store", tokenizer)
    assert "\n" not in str(refusal.value)


def test_flipped_bits_cost_proposals_and_no_crash(tmp_path, tokenizer):
    build([story(0), story(1)], tokenizer, tmp_path / "store")
    for part in ("ids.bin", "order.bin"):
        path = tmp_path / "store" / part
        random = np.random.default_rng(0)
        path.write_bytes(random.bytes(path.stat().st_size))
        datastore = Datastore(tmp_path / "store", tokenizer, shortest=1)
        for last in range(50):
            assert all(0 <= token < datastore.vocab_size for token in datastore.propose([1, 2, last], 8, Aim()).tokens)
