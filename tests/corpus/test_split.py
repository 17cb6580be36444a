"""The split: by the text alone, never empty on one side, and with nothing on both."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.corpus.read import Document
from onward.corpus.split import is_held_out, place, split_documents


def documents(texts: list[str]) -> list[Document]:
    return [Document(text, "a.txt", number) for number, text in enumerate(texts, start=1)]


def sides(texts: list[str], share: float = 0.05) -> tuple[list[str], list[str]]:
    found = list(split_documents(iter(documents(texts)), share))
    return [d.text for d, held in found if not held], [d.text for d, held in found if held]


def test_about_the_share_is_held_out_and_always_the_same() -> None:
    places = [place(f"text {i}") for i in range(20_000)]
    for share in (0.01, 0.05, 0.5):
        found = sum(is_held_out(at, (0.0, 1.0), share) for at in places) / len(places)
        assert found == pytest.approx(share, abs=4 * (share * (1 - share) / len(places)) ** 0.5)
    assert [i for i in range(60) if places[i] < 0.05] == [3, 33, 43], "pinned: on every machine"


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_first_place_is_held_out_and_the_last_never(share: float) -> None:
    assert [is_held_out(at, (0.2, 0.9), share) for at in (0.2, 0.9)] == [True, False]


@given(texts=st.lists(st.integers(0, 99).map(str), min_size=20, max_size=60))
@settings(max_examples=100, deadline=None)
def test_many_documents_are_held_out_whole_with_copies_on_one_side(texts: list[str]) -> None:
    train, held = sides(texts)
    if len(set(texts[:20])) > 1:
        assert sorted(train + held) == sorted(texts)
        assert not set(train) & set(held)
        assert train
        assert held


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_neither_side_is_empty_whatever_the_hashes_say(share: float) -> None:
    train, held = sides([f"text {i}" for i in range(20)], share)
    assert train
    assert held


@pytest.mark.parametrize("count", [20, 21, 500])
def test_a_small_corpus_has_both_sides_whatever_its_texts_are(count: int) -> None:
    for start in range(40):
        train, held = sides([f"{start} {i}" for i in range(count)])
        assert train
        assert held
        assert len(held) < count / 2


def test_few_documents_lose_their_ends_at_a_line_end() -> None:
    text = "".join(f"line {i}\n" for i in range(1000))
    train, held = sides([text, text.upper()])
    assert [a + b for a, b in zip(train, held, strict=True)] == [text, text.upper()]
    for kept, end in zip(train, held, strict=True):
        assert kept.endswith("\n")
        assert len(end) / len(text) == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("word " * 200, "word " * 10),
        ("A title\n" + "word " * 200, "word " * 10),
        ("\u5b57" * 200, "\u5b57" * 10),
        ("a" * 190 + "\n" + " " * 9, None),
        ("short", None),
        ("a", None),
    ],
)
def test_a_text_without_line_ends_near_its_end_is_cut_at_a_space_or_not_at_all(text: str, end: str | None) -> None:
    train, held = sides([text])
    assert held == ([] if end is None else [end])
    assert "".join(train + held) == text


@given(text=st.text(alphabet="ab \n", min_size=1, max_size=300), share=st.floats(0.01, 0.5))
@settings(max_examples=300, deadline=None)
def test_a_cut_loses_nothing_and_holds_out_at_most_about_twice_the_share(text: str, share: float) -> None:
    train, held = sides([text], share)
    assert "".join(train + held) == text
    if held:
        assert train[0].strip()
        assert held[0].strip()
        assert len(held[0]) <= 2 * len(text) * share + 1


def test_a_thousand_copies_of_one_text_are_cut_and_not_all_held_out() -> None:
    text = "".join(f"line {i}\n" for i in range(100))
    train, held = sides([text] * 1000)
    assert len(train) == len(held) == 1000


def test_the_split_reads_no_further_ahead_than_it_says() -> None:
    taken = []

    def stream() -> object:
        for document in documents([f"text {i}" for i in range(100)]):
            taken.append(document.number)
            yield document

    found = split_documents(stream())  # type: ignore[arg-type]
    next(found)
    assert len(taken) == 20
