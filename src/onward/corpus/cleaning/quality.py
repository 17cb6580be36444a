"""The rules of Gopher, C4 and FineWeb, as datatrove has them, with thresholds that short documents survive.

The published thresholds were set for web pages of many hundred words. In 50 to 300 words of a story half of the
words may be punctuation marks, and a poem has short lines: with the published numbers a large part of good short texts goes
(docs/cleaning.md has the table, `benchmarks/cleaning.py thresholds` makes it). Ours are the loosest that still drop what is repeated,
listed or made of odd words. Three rules are off: C4's against curly brackets, since programs are text here; and FineWeb's on lines that end
in punctuation, since in books with hard line ends few do. And Gopher's on the most frequent pair of words, since a text of 50 words about
Juniper and Sons has their name in it five times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.filters.base_filter import BaseFilter, get_filter_result

from onward.corpus.cleaning.words import Words, listed, plain_words

LOOKED_AT = 4000
"""Characters."""
MANY, LEAST_FUNCTIONS = 12, 0.08
"""Words from which a text is judged, and the share of function words that it needs: prose has 0.35 and more (docs/cleaning.md)."""
SHORTEST = 10
"""Words, without signs, below which a document is nothing to learn from."""


def too_short(text: str) -> str | None:
    """Why a text is too short, or None."""
    words = len(plain_words(text))
    return f"{words} words" if words < SHORTEST else None


@lru_cache
def repetition() -> Sequence[BaseFilter]:
    """Gopher's rules on repeated lines, paragraphs and n-grams (Rae et al. 2021, arXiv 2112.11446, table A1). Of the n from 5 to 10 only
    the ends: those between hardly ever decide, and all six take as long as the rest of the rules together."""
    return (
        GopherRepetitionFilter(
            dup_line_frac=0.5,
            dup_para_frac=0.4,
            dup_line_char_frac=0.35,
            dup_para_char_frac=0.3,
            top_n_grams=(),
            dup_n_grams=((5, 0.5), (10, 0.4)),
            language=Words(),
        ),
    )


@lru_cache
def quality() -> Sequence[BaseFilter]:
    """Gopher's rules on words (section A1.1), C4's on filler text (Raffel et al. 2020), FineWeb's on lines (Penedo et al. 2024)."""
    words = Words()
    return (
        GopherQualityFilter(
            min_doc_words=None,
            max_doc_words=None,
            min_avg_word_length=2.5,
            max_avg_word_length=10,
            max_symbol_word_ratio=0.1,
            max_bullet_lines_ratio=0.95,
            max_ellipsis_lines_ratio=0.4,
            max_non_alpha_words_ratio=0.4,
            min_stop_words=None,
            language=words,
        ),
        C4QualityFilter(
            filter_no_terminal_punct=False,
            filter_curly_bracket=False,
            filter_javascript=False,
            filter_policy=False,
            remove_citations=False,
            min_num_sentences=-1,
            min_words_per_line=-1,
            language=words,
        ),
        FineWebQualityFilter(
            line_punct_thr=0,
            short_line_thr=1.0,
            char_duplicates_ratio=0.35,
            new_line_ratio=0.5,
            language=words,
        ),
    )


def few_function_words(text: str) -> str | None:
    """Why an English text is a heap of words, or None: Gopher's rule on stop words, made a share.

    Of Gopher's eight words, two at least, one in sixty biographies of 80 words has fewer; of the 250 of data/english.txt prose is made to
    a half, and lists and search words hardly at all.
    """
    words = [word for word in plain_words(text[:LOOKED_AT]) if word.isalpha()]
    share = sum(word in _functions() for word in words) / max(len(words), 1)
    return (
        f"{share:.2f} of the words hold sentences together" if len(words) >= MANY and share < LEAST_FUNCTIONS else None
    )


@lru_cache
def _functions() -> frozenset[str]:
    return frozenset(listed("english.txt"))


def judged_by(filters: Callable[[], Sequence[BaseFilter]]) -> Callable[[str], str | None]:
    """A function that says by which rule of the filters a text goes, or None. The text itself stays as it is, whatever a filter does."""

    def judge(text: str) -> str | None:
        for one in filters():
            kept, why = get_filter_result(one.filter(Document(text=text, id="")))
            if not kept:
                return str(why)
        return None

    return judge
