"""Repair: what can be mended in a document is mended, and noted with it. The first step that looks at texts.

In order: pages to text, broken encodings, markup, symbols, personal data. Every change is counted in the document's `changed`; a few
examples of each kind are kept for the report, as they were and as they are. The step also counts, over the whole corpus, which lines
are repeated (boilerplate.py) and in which order words come (word_order.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datatrove.data import Document, DocumentsPipeline

from onward.corpus.cleaning import boilerplate, encoding, markup, pages, parts, private, symbols, word_order
from onward.files import write_json

EXAMPLES = 10
AROUND = 160
"""Characters of an example."""
STEPS: dict[str, Callable[[str], str]] = {
    "encoding": lambda text: (
        encoding.without_lost(encoding.mended(text)) if not encoding.damage(text) else encoding.mended(text)
    ),
    "html": markup.without_markup,
    "symbols": symbols.without_symbols,
}


@dataclass
class Repair:
    """As a step of a pipeline. What is left without text is dropped as `nothing-left`."""

    folder: str
    examples: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def __call__(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:  # noqa: ARG002
        self.examples = {}
        order = word_order.empty_counts()
        lines: list[boilerplate.Pairs] = []
        documents = 0
        with ExitStack() as stack:
            gone = stack.enter_context(parts.dropped(self.folder, "nothing-left"))
            reader: pages.Reader | None = None
            for document in data:
                if document.metadata.pop("page", False):
                    reader = reader or stack.enter_context(pages.Reader())
                    document.metadata["changed"] = {"page": 1}
                    page, document.text = document.text, reader.text(document.text)
                    if not document.text.strip():
                        document.text = page
                        gone.write(_why(document, "a page without text"), rank)
                        continue
                before = document.text
                self.mend(document)
                if not document.text.strip():
                    document.text = before
                    gone.write(_why(document, "nothing but markup and symbols"), rank)
                    continue
                documents += 1
                lines.append(boilerplate.line_pairs(document.text))
                found, times = np.unique(word_order.pairs(document.text), return_counts=True)
                order[found] += times
                yield document
        self._write(rank, order, lines, documents)

    def mend(self, document: Document) -> None:
        """Change the document's text where it needs it, and note how often."""
        changed = Counter(document.metadata.get("changed", {}))
        for kind, step in STEPS.items():
            before = document.text
            document.text = step(before)
            if document.text != before:
                changed[kind] += 1
                self._example(kind, before, document.text)
        before = document.text
        document.text, masks = private.masked(before)
        if masks:
            changed += masks
            self._example("personal-data", before, document.text)
        if changed:
            document.metadata["changed"] = dict(sorted(changed.items()))

    def _example(self, kind: str, before: str, after: str) -> None:
        kept = self.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            at = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
            start = max(0, at - AROUND // 4)
            kept.append({"before": before[start : start + AROUND], "after": after[start : start + AROUND]})

    def _write(self, rank: int, order: word_order.Counts, lines: list[boilerplate.Pairs], documents: int) -> None:
        folder = Path(self.folder, "counts")
        folder.mkdir(parents=True, exist_ok=True)
        pairs = np.unique(np.concatenate([*lines, np.zeros((0, 2), np.uint64)]), axis=0)
        seen = np.flatnonzero(order)
        np.savez(folder / f"{rank:05d}.npz", pairs=pairs, seen=seen, times=order[seen], documents=documents)
        write_json(folder / f"{rank:05d}.json", self.examples)


def _why(document: Document, why: str) -> Document:
    document.metadata["why"] = why
    return document


@dataclass
class Together:
    """The counts of all parts added up: one task."""

    folder: str

    def __call__(self, _data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> None:  # noqa: ARG002
        order = word_order.empty_counts()
        pairs: list[boilerplate.Pairs] = [np.zeros((0, 2), np.uint64)]
        documents = 0
        for path in sorted(Path(self.folder, "counts").glob("*.npz")):
            with np.load(path) as counts:
                order[counts["seen"]] += counts["times"]
                pairs.append(counts["pairs"])
                documents += int(counts["documents"])
        repeated = boilerplate.repeated_lines(np.concatenate(pairs), documents)
        np.savez(Path(self.folder, "corpus.npz"), order=order, repeated=repeated)
