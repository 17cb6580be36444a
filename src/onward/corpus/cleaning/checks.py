"""Checks: each says why a text goes, under the name of a reason, and what goes lies in dropped/REASON.

The order is that of the funnel: a text goes for the first reason that is found. Each check is a filter of datatrove, with its own count.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter

from onward.corpus.cleaning import boilerplate, encoding, language, parts, quality, rude, spam, symbols, word_order
from onward.corpus.cleaning.word_order import WordOrder

if TYPE_CHECKING:
    from onward.corpus.cleaning.rules import Rules

Judge = Callable[[str], str | None]
BOILERPLATE = "boilerplate"
REASONS = {
    "exact-duplicate": "the same text, but for white space, came before",
    "nothing-left": "nothing but markup, menus and symbols",
    BOILERPLATE: "hardly anything but lines of web sites",
    "too-short": "fewer than ten words",
    "symbols": "signs instead of words",
    "broken-encoding": "letters that cannot be brought back",
    "other-language": "in a language that was not asked for",
    "repetition": "the same lines and phrases again and again",
    "low-quality": "odd words, lists without sentences, filler text",
    "spam": "sells, lures or promises",
    "rude": "rude or harmful words",
    "word-salad": "words that are in no order",
    "like-bad-examples": "more like the bad examples than the good ones",
    "unlikely": "far less likely than the rest, by the model",
    "near-duplicate": "nearly the same text came before",
}
"""Every reason, in the order of the funnel, in words."""


class Check(BaseFilter):
    """Drops a document for its reason where `make()` gives a function that says why.

    The function is made where the work is done: models and tables are not sent from one process to another.
    """

    type = "check"

    def __init__(self, reason: str, make: Callable[[], Judge], folder: str) -> None:
        super().__init__(exclusion_writer=parts.dropped(folder, reason))
        self.name = reason
        self._make = make
        self._judge: Judge | None = None

    def filter(self, doc: Document) -> bool:
        self._judge = self._judge or self._make()
        why = self._judge(doc.text)
        if why is not None:
            doc.metadata["why"] = why
        return why is None


class WithoutBoilerplate(PipelineStep):
    """Takes lines of web sites out of texts; a text that is nothing else, or from which they cannot be taken, is dropped."""

    type = "repair"
    name = BOILERPLATE

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:  # noqa: ARG002
        with np.load(Path(self.folder, "corpus.npz")) as corpus:
            repeated = frozenset(corpus["repeated"].tolist())
        with parts.dropped(self.folder, BOILERPLATE) as writer:
            for document in data:
                text, gone = boilerplate.without_boilerplate(document.text, repeated)
                why = boilerplate.remains(text) if text.strip() else f"{len(gone)} lines of web sites, and nothing else"
                if why is not None:
                    document.metadata["why"] = why
                    writer.write(document, rank)
                    continue
                if gone:
                    changed = document.metadata.get("changed", {}) | {BOILERPLATE: len(gone)}
                    document.metadata["changed"] = dict(sorted(changed.items()))
                    document.text = text
                yield document


def checks(folder: Path, rules: Rules) -> list[PipelineStep]:
    """The steps that judge, in order."""
    place = str(folder)
    makers: dict[str, Callable[[], Judge]] = {
        "too-short": lambda: quality.too_short,
        "symbols": lambda: symbols.soup,
        "broken-encoding": lambda: encoding.damage,
        "other-language": partial(language.in_other_language, rules.language),
        "repetition": lambda: quality.judged_by(quality.repetition),
        "low-quality": partial(_quality, english=rules.language == ("en",)),
        "spam": lambda: spam.judge,
        "rude": partial(rude.rude, rude.words_of(rules.rude_words)),
        "word-salad": partial(_word_order, place, english="en" in rules.language),
    }
    if rules.good:
        makers["like-bad-examples"] = partial(_classifier, place)
    if rules.model:
        makers["unlikely"] = partial(_model, rules.model, place)
    return [WithoutBoilerplate(place), *(Check(reason, make, place) for reason, make in makers.items())]


def _quality(*, english: bool) -> Judge:
    published = quality.judged_by(quality.quality)
    return (lambda text: published(text) or quality.few_function_words(text)) if english else published


def _word_order(folder: str, *, english: bool) -> Judge:
    with np.load(Path(folder, "corpus.npz")) as corpus:
        return WordOrder(corpus["order"] + (word_order.english_counts() if english else 0)).judge


def _classifier(folder: str) -> Judge:
    from onward.corpus.cleaning.classifier import Classifier

    return Classifier.load(Path(folder)).judge


def _model(model: str, folder: str) -> Judge:
    from onward.corpus.cleaning.unlikely import Unlikely

    return Unlikely.load(model, Path(folder)).judge
