"""The split into what is learned from and what is held out, decided by the text alone: the same on every run and
machine, and the same for exact copies, which therefore never stand on both sides. Left out: near copies, which
deduplication takes away before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from onward.corpus.read import Document


def is_held_out(at: float, among: Collection[float], share: float) -> bool:
    """Whether a text at this place belongs to the `share` (0 to 1) of all texts that is held out.

    Of the places in `among`, which are two at least, the first is always held out and the last never.
    """
    return at != max(among) and (at == min(among) or at < share)


def place(text: str) -> float:
    """A number from 0 up to 1, evenly distributed over texts: the first 8 bytes of the text's BLAKE2b hash."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def split_documents(
    documents: Iterable[Document], share: float = 0.05, few: int = 20
) -> Iterator[tuple[Document, bool]]:
    """Each document and whether it is held out; a stream, of which only the first `few` documents are looked at ahead.

    Of `few` documents or more, some are held out whole: those that `is_held_out` names, and of the first `few` always at
    least one, and never all. Of fewer documents, or copies of one, each is cut in two: its end is held out, about
    `share` of it, from a line end on. A text too short to be cut is learned from.
    """
    documents = iter(documents)
    first = list(islice(documents, few))
    places = {place(document.text) for document in first}
    if len(first) < few or len(places) < 2:
        for document in chain(first, documents):
            yield from _cut(document, share)
        return
    ends = (min(places), max(places))
    for document in chain(first, documents):
        yield document, is_held_out(place(document.text), ends, share)


def _cut(document: Document, share: float) -> Iterator[tuple[Document, bool]]:
    text = document.text
    at = _place_to_cut(text, share)
    if at is None:
        yield document, False
        return
    yield replace(document, text=text[:at]), False
    yield replace(document, text=text[at:]), True


def _place_to_cut(text: str, share: float) -> int | None:
    """Where the end to hold out begins: after the line end nearest to the wanted place, else a space, else right there.

    Line ends that would hold out more than twice the share do not count: a single long line may follow them. None where
    one of the sides would have nothing but white space.
    """
    wanted = len(text) - round(len(text) * share)
    earliest = len(text) - round(2 * len(text) * share)
    for mark in ("\n", " "):
        ends = (text.rfind(mark, earliest, wanted) + 1, text.find(mark, wanted) + 1)
        usable = [at for at in ends if at and text[:at].strip() and text[at:].strip()]
        if usable:
            return min(usable, key=lambda at: abs(at - wanted))
    return wanted if text[:wanted].strip() and text[wanted:].strip() else None
