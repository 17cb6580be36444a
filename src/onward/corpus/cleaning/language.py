"""Which language a text is in, by py3langid: naive Bayes over byte n-grams, its model inside the package, nothing to download.

datatrove's own LanguageFilter needs fastText and a model from the network. py3langid told all of 600 English texts of 20 words and more
right, and no invented one for English (docs/cleaning.md). Left out: texts in two languages, of which the larger part decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from onward.corpus.cleaning.words import WITHOUT_SPACES
from onward.errors import DataError

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

ANY = "any"
WINDOW = 200
"""Characters that are looked at in the beginning, the middle and the end of a long text."""
FEW_WORDS = 20
"""Below this a text is told apart less well, and is dropped only if another language is likely."""
LIKELY = 0.8
ENOUGH = 0.5
"""Probability that the wanted languages need together: texts of 20 English words and more have 0.8 in 99 of 100 cases."""
FEW_LETTERS = 20
"""Sums and tables have too few letters to be in any language."""


@lru_cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def check(languages: Sequence[str]) -> None:
    """Raise DataError for a code that cannot be told."""
    for code in languages:
        if code in WITHOUT_SPACES:
            raise DataError(
                f"--language {code}: it is written without spaces, and its words cannot be told apart here."
            )
        if code != ANY and code not in _identifier().labels:
            known = ", ".join(sorted(_identifier().labels))
            raise DataError(f"--language {code} is not known. Give {ANY}, or an ISO 639 code: {known}.")


def sample(text: str) -> str:
    """The text, or of a long one three windows."""
    if len(text) <= 3 * WINDOW:
        return text
    middle = (len(text) - WINDOW) // 2
    return " ".join((text[:WINDOW], text[middle : middle + WINDOW], text[-WINDOW:]))


def probabilities(text: str) -> list[tuple[str, float]]:
    """All languages, the likeliest first."""
    ranked: list[tuple[str, float]] = _identifier().rank(sample(text))
    return ranked


def in_other_language(languages: Sequence[str]) -> Callable[[str], str | None]:
    """A function that says why a text is in none of the languages, or None."""
    if ANY in languages:
        return lambda _text: None

    def judge(text: str) -> str | None:
        if sum(map(str.isalpha, sample(text))) < FEW_LETTERS:
            return None
        ranked = probabilities(text)
        wanted = sum(probability for code, probability in ranked if code in languages)
        code, probability = ranked[0]
        if len(text[:1000].split()) < FEW_WORDS:
            return (
                f"{code}, with probability {probability:.2f}"
                if code not in languages and probability > LIKELY
                else None
            )
        if wanted >= ENOUGH:
            return None
        return f"probability of {', '.join(languages)}: {wanted:.2f}; likeliest is {code}, {probability:.2f}"

    return judge
