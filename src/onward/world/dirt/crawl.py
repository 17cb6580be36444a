"""The crawl: clean texts as the web would have them, most of them whole, others damaged in known amounts, and what was dirt from the start.

Each text that is passed in comes out exactly once, clean or damaged; a damaged one is not there clean as well, since a cleaner that mends
it would then find two. Copies are made besides. In a record's truth stands: "wrong", the labels, none for a clean document, in the order
in which the damage was done; "source", the kind of text that it was; "clean", what the text was before the damage, where there was one;
of copies "of", the id of the original, which comes earlier and is not itself a copy; and what the files in dirt/ say of their damage.

Documents are shuffled within windows of WINDOW, so that a stream of any length takes the memory of one; a copy and its original lie in the
same one. An id counts the documents of the stream, so records must be written in their order, with nothing else of this kind and split.
Left out: texts shorter than about twenty words, which no rule could tell from dirt, and texts that come twice: they are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count, islice
from typing import Any

from onward.errors import WorldError
from onward.world.dirt.copies import near
from onward.world.dirt.draw import Draw, Page
from onward.world.dirt.encoding import broken, typographic
from onward.world.dirt.markup import markup
from onward.world.dirt.noise import cut_off, fragment, shuffled, symbol_soup, symbols_in, word_salad
from onward.world.dirt.pages import boilerplate
from onward.world.dirt.personal import located, personal_data
from onward.world.dirt.rudeness import remarks, rude_page
from onward.world.dirt.spam import spam
from onward.world.dirt.tongues import other_language
from onward.world.record import Record
from onward.world.world import World

SHARES = {
    "exact-duplicate": 0.04,
    "near-duplicate": 0.04,
    "boilerplate": 0.04,
    "html": 0.04,
    "broken-encoding": 0.03,
    "symbols": 0.02,
    "word-salad": 0.02,
    "spam": 0.03,
    "rude": 0.02,
    "personal-data": 0.03,
    "other-language": 0.02,
    "too-short": 0.02,
}
"""Of all documents, those in which this is the first thing that is wrong. Together 0.35; all others are clean."""
TYPOGRAPHIC = 0.05
"""Share of clean texts that are set with curly quotes, dashes and accents, so that these alone give nothing away."""
SECOND = 0.15
"""Share of damaged documents that are damaged once more, where SECONDS has something for them."""
SECONDS = {
    "boilerplate": ("html", "broken-encoding"),
    "html": ("broken-encoding",),
    "personal-data": ("boilerplate",),
    "spam": ("boilerplate", "html", "broken-encoding"),
    "rude": ("boilerplate", "html"),
    "word-salad": ("boilerplate", "html"),
    "other-language": ("boilerplate", "html", "broken-encoding"),
}
WINDOW = 4096
"""Documents that are held and shuffled together."""
COPIES = ("exact-duplicate", "near-duplicate")

DAMAGES: dict[str, Callable[[Draw, str], Page]] = {
    "boilerplate": boilerplate,
    "html": markup,
    "broken-encoding": broken,
    "symbols": symbols_in,
    "word-salad": shuffled,
    "rude": remarks,
    "personal-data": personal_data,
    "too-short": cut_off,
}
INVENTIONS: dict[str, Callable[[Draw], Page]] = {
    "symbols": symbol_soup,
    "word-salad": word_salad,
    "spam": spam,
    "rude": rude_page,
    "other-language": other_language,
    "too-short": fragment,
}
"""What was wrong from the start; of the labels that are among the damages, too, every second document."""


def crawl(world: World, texts: Iterable[Record], *, held_out: bool = False) -> Iterator[Record]:
    """Until the texts are at an end.   held_out: damaged with held-out templates only; split "phrasing".   Raises WorldError."""
    documents = _documents(world, texts, held_out)
    number = 0
    for window in count():
        block = list(islice(documents, WINDOW))
        if not block:
            return
        world.random("crawl", held_out, "order", window).shuffle(block)
        for record in _with_copies(world, block, number, held_out):
            yield record
            number += 1


def _documents(world: World, texts: Iterable[Record], held_out: bool) -> Iterator[Record | str]:
    """In the order of the texts. A copy is a label only, as long as it is not known what lies in its window."""
    sources = iter(texts)
    labels, weights = ("", *SHARES), (1 - sum(SHARES.values()), *SHARES.values())
    for number in count():
        draw = Draw(world, world.random("crawl", held_out, number), held_out)
        label = draw.random.choices(labels, weights)[0]
        if label in COPIES:
            yield label
        elif label in INVENTIONS and (label not in DAMAGES or draw.chance(0.5)):
            yield _document(draw, [label, *_second(draw, label)], None)
        else:
            source = next(sources, None)
            if source is None:
                return
            yield _document(draw, [label, *_second(draw, label)] if label else [], source)


def _second(draw: Draw, label: str) -> list[str]:
    """What else is wrong with a document: mostly nothing."""
    return [draw.random.choice(SECONDS[label])] if label in SECONDS and draw.chance(SECOND) else []


def _document(draw: Draw, labels: list[str], source: Record | None) -> Record:
    """A source that is clean or damaged; or, without a source, an invention."""
    truth: dict[str, Any] = {"wrong": labels}
    left = list(labels)
    if source is None:
        page = INVENTIONS[left.pop(0)](draw)
    elif source.text is None:
        raise WorldError(f"a record of the kind {source.kind} has no text; a crawl is made of texts, not of chats.")
    else:
        page = Page(source.text)
        truth["source"] = source.kind
    if "broken-encoding" in labels or (source is not None and draw.chance(TYPOGRAPHIC)):
        page = replace(page, text=typographic(draw, page.text))
    if source is not None and labels:
        truth["clean"] = page.text
    for label in left:
        truth |= page.truth
        page = DAMAGES[label](draw, page.text)
    truth |= page.truth
    if "items" in truth:
        truth["items"] = located(truth["items"], page.text)
    return Record(kind="crawl", split="phrasing" if draw.held_out else "train", text=page.text, truth=truth)


def _with_copies(world: World, block: list[Record | str], first: int, held_out: bool) -> Iterator[Record]:
    """The block, the labels in it replaced by copies of what comes before them.   first: the number of its first document in the stream."""
    whole = (at for at, each in enumerate(block) if isinstance(each, Record) and not each.truth["wrong"])
    opening = next(whole, None)
    if opening is None:  # nothing that a copy could be of: only at the end of a stream
        yield from (document for document in block if not isinstance(document, str))
        return
    block[0], block[opening] = block[opening], block[0]
    originals, clean = list[tuple[str, Record]](), list[tuple[str, Record]]()
    for number, document in enumerate(block, first):
        if isinstance(document, str):
            draw = Draw(world, world.random("crawl", held_out, "copy", number), held_out)
            if document == "near-duplicate":
                yield _near(draw, *draw.random.choice(clean))
            else:
                yield _exact(*draw.random.choice(originals))
        else:
            originals.append((document.id(number), document))
            if not document.truth["wrong"]:
                clean.append(originals[-1])
            yield document


def _exact(of: str, original: Record) -> Record:
    """A copy of a clean document or of dirt: of dirt it says what is wrong with the original, too."""
    truth = original.truth | {"wrong": [*original.truth["wrong"], "exact-duplicate"], "of": of}
    if not original.truth["wrong"]:
        truth["clean"] = original.text
    return replace(original, truth=truth)


def _near(draw: Draw, of: str, original: Record) -> Record:
    assert original.text is not None
    page = near(draw, original.text)
    wrong = {"wrong": ["near-duplicate"], "of": of, "clean": original.text}
    return replace(original, text=page.text, truth=original.truth | wrong | page.truth)
