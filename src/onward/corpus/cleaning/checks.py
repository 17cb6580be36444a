"""Checks: each says why a text goes, under the name of a reason, and what goes lies in dropped/REASON.

The order is that of the funnel: a text goes for the first reason that is found.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datatrove.data import Document, DocumentsPipeline

from onward.corpus.cleaning import boilerplate, encoding, language, parts, quality, rude, spam, symbols, word_order
from onward.corpus.cleaning.rules import Rules
from onward.corpus.cleaning.word_order import WordOrder

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


@dataclass
class Checks:
    """As a step of a pipeline. Models and tables are loaded where the work is done, and not sent from one process to another.

    rude_words: more of them, besides our own.
    """

    folder: str
    rules: Rules
    rude_words: tuple[str, ...]

    def __call__(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:  # noqa: ARG002
        place = Path(self.folder)
        with np.load(place / "corpus.npz") as corpus:
            repeated = frozenset(corpus["repeated"].tolist())
            judges = self._judges(place, corpus["order"])
        with ExitStack() as stack:
            reasons = (BOILERPLATE, *judges)
            gone = {reason: stack.enter_context(parts.dropped(place, reason)) for reason in reasons}
            for document in data:
                found = _without_boilerplate(document, repeated) or _first(judges, document.text)
                if found is None:
                    yield document
                    continue
                reason, document.metadata["why"] = found
                gone[reason].write(document, rank)

    def _judges(self, place: Path, order: word_order.Counts) -> dict[str, Judge]:
        """By reason, in order."""
        english = "en" in self.rules.language
        found: dict[str, Judge] = {
            "too-short": quality.too_short,
            "symbols": symbols.soup,
            "broken-encoding": encoding.damage,
            "other-language": language.in_other_language(self.rules.language),
            "repetition": quality.judged_by(quality.repetition),
            "low-quality": _quality(english_only=self.rules.language == ("en",)),
            "spam": spam.judge,
            "rude": rude.rude(self.rude_words),
            "word-salad": WordOrder(order + (word_order.english_counts() if english else 0)).judge,
        }
        if self.rules.good:
            from onward.corpus.cleaning.classifier import Classifier

            found["like-bad-examples"] = Classifier.load(place).judge
        if self.rules.model:
            from onward.corpus.cleaning.unlikely import Unlikely

            found["unlikely"] = Unlikely.load(self.rules.model, place).judge
        return found


def _quality(*, english_only: bool) -> Judge:
    published = quality.judged_by(quality.quality)
    return (lambda text: published(text) or quality.few_function_words(text)) if english_only else published


def _first(judges: dict[str, Judge], text: str) -> tuple[str, str] | None:
    """The first reason that is found, and why."""
    for reason, judge in judges.items():
        why = judge(text)
        if why is not None:
            return reason, why
    return None


def _without_boilerplate(document: Document, repeated: frozenset[int]) -> tuple[str, str] | None:
    """Takes lines of web sites out of the text. A text that is nothing else, or from which they cannot be taken, goes."""
    text, gone = boilerplate.without_boilerplate(document.text, repeated)
    why = boilerplate.remains(text) if text.strip() else f"{len(gone)} lines of web sites, and nothing else"
    if why is not None:
        return BOILERPLATE, why
    if gone:
        document.metadata["changed"] = dict(
            sorted((document.metadata.get("changed", {}) | {BOILERPLATE: len(gone)}).items())
        )
        document.text = text
    return None
