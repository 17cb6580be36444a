"""References: how near the wording of a text is to the wording of one that is right.

BLEU, chrF and TER are sacrebleu's (Post 2018, arXiv 1804.08771), ROUGE is rouge-score's; the rest is short enough to stand here. All of
them compare words and none of them compares meaning: paraphrases.py shows how far apart these are. Where there are several references
the best one counts. Left out: metrics by models, which are judges.
"""

from __future__ import annotations

import importlib.metadata
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from onward.errors import SuiteError

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
ROUGES = {"rouge1": "rouge1", "rouge2": "rouge2", "rougeL": "rougeL"}


def normalised(text: str) -> str:
    """In lower case, without punctuation, articles and superfluous blanks, as SQuAD compares (arXiv 1606.05250)."""
    plain = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def exact_match(text: str, references: Sequence[str]) -> float:
    """1 where it is one of the references, normalised."""
    return float(normalised(text) in map(normalised, references))


def f1(text: str, references: Sequence[str]) -> float:
    """The harmonic mean of the shares of words, normalised, that are shared with the reference (SQuAD)."""
    return max(_f1(normalised(text).split(), normalised(one).split()) for one in references)


def _f1(said: list[str], wanted: list[str]) -> float:
    shared = sum((Counter(said) & Counter(wanted)).values())
    if not said or not wanted:
        return float(said == wanted)
    return 2 * shared / (len(said) + len(wanted))


def word_error_rate(text: str, references: Sequence[str]) -> float:
    """Words put in, left out and changed, over the words of the reference; less is better, and it can exceed 1."""
    return min(edits(text.split(), one.split()) / max(len(one.split()), 1) for one in references)


def edits(said: Sequence[str], wanted: Sequence[str]) -> int:
    """The least number of words to put in, leave out or change (Levenshtein 1966), row by row."""
    row = list(range(len(wanted) + 1))
    for count, word in enumerate(said, start=1):
        above, row = row, [count]
        for at, other in enumerate(wanted, start=1):
            row.append(min(above[at] + 1, row[-1] + 1, above[at - 1] + (word != other)))
    return row[-1]


def bleu(text: str, references: Sequence[str]) -> float:
    """Of one sentence, from 0 to 1, smoothed; corpora have a BLEU of their own (`of_corpus`)."""
    return float(_sacrebleu("bleu").sentence_score(text, list(references)).score) / 100


def chrf(text: str, references: Sequence[str]) -> float:
    """Characters that are shared, in runs of up to six; from 0 to 1."""
    return float(_sacrebleu("chrf").sentence_score(text, list(references)).score) / 100


def ter(text: str, references: Sequence[str]) -> float:
    """Edits, shifts of phrases among them, over the words of the reference; less is better, and it can exceed 1."""
    return float(_sacrebleu("ter").sentence_score(text, list(references)).score) / 100


def _rouge(name: str) -> Callable[[str, Sequence[str]], float]:
    def rouge(text: str, references: Sequence[str]) -> float:
        return max(float(_rouge_scorer().score(one, text)[name].fmeasure) for one in references)

    return rouge


METRICS: dict[str, Callable[[str, Sequence[str]], float]] = {
    "exact_match": exact_match,
    "f1": f1,
    "wer": word_error_rate,
    "bleu": bleu,
    "chrf": chrf,
    "ter": ter,
} | {name: _rouge(name) for name in ROUGES}
"""Of a text and its references."""
FEWER = ("wer", "ter")
"""Those that count errors."""
OF_CORPORA = ("bleu", "chrf", "ter")


def of_corpus(name: str, texts: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """BLEU, chrF or TER of all texts together, which is no mean over texts. From 0 to 1.   references: those of each text."""
    most = max(map(len, references))
    columns = [[own[at] if at < len(own) else None for own in references] for at in range(most)]
    return float(_sacrebleu(name, corpus=True).corpus_score(list(texts), columns).score) / 100


def signature(name: str) -> str:
    """Everything that the number depends on besides the texts, as sacrebleu writes it; empty for what stands in this file."""
    if name in OF_CORPORA:
        metric = _sacrebleu(name, corpus=True)
        metric.corpus_score(["a"], [["a"]])
        return f"{name}|{metric.get_signature()}"
    if name in ROUGES:
        return f"{name}|fmeasure|stemmer:no|version:{importlib.metadata.version('rouge-score')}"
    return ""


@cache
def _sacrebleu(name: str, *, corpus: bool = False) -> Any:
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
        from sacrebleu.metrics.ter import TER
    except ImportError as error:
        raise SuiteError(f"{name} is sacrebleu's, which is not installed: pip install 'onward[eval]'.") from error
    if name == "bleu":
        return BLEU(effective_order=not corpus)  # a sentence shorter than four words has no runs of four
    return CHRF() if name == "chrf" else TER()


@cache
def _rouge_scorer() -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise SuiteError("ROUGE is rouge-score's, which is not installed: pip install 'onward[eval]'.") from error
    return RougeScorer(list(ROUGES), use_stemmer=False)
