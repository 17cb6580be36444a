"""A quality classifier from examples: logistic regression on hashed words and pairs of words (scikit-learn).

As GPT-3's data were chosen (Brown et al. 2020, appendix A), with your own examples of good and bad. Words come in lower case, so that the
form of a page decides less than its words. The threshold is set by cross-validation: of the good examples, GOOD_KEPT stay.
Left out: labels from a model; a few hundred examples by hand are worth more. Needs the extra `onward[clean]` to learn; to judge, numpy.
"""

from __future__ import annotations

import importlib.util
import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onward.corpus.cleaning.words import plain_words
from onward.corpus.read import documents
from onward.errors import DataError

FEATURES = 2**18
FOLDS = 5
GOOD_KEPT = 0.99
FEWEST = 20
"""Examples of each kind."""
FILE = "classifier.npz"


def check() -> None:
    """Raise DataError where scikit-learn is missing."""
    if importlib.util.find_spec("sklearn") is None:
        raise DataError("--good and --bad need an extra. pip install 'onward[clean]'")


@dataclass(frozen=True)
class Classifier:
    """weights: (FEATURES,). A text with a higher score than `threshold` is more like the bad examples."""

    weights: NDArray[np.float64]
    intercept: float
    threshold: float

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        with np.load(folder / FILE) as found:
            return cls(found["weights"], float(found["intercept"]), float(found["threshold"]))

    def score(self, text: str) -> float:
        """The log-odds that the text is bad."""
        places, values = features(text)
        return float(self.weights[places] @ values + self.intercept)

    def judge(self, text: str) -> str | None:
        """Why a text goes, or None."""
        score = self.score(text)
        if score <= self.threshold:
            return None
        return f"bad with odds of {math.exp(min(score, 50)):.3g}, and {math.exp(self.threshold):.3g} are the most"


def features(text: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where the words and pairs of words of a text lie, and their weights: 1 + log of their number, of Euclidean length 1."""
    words = plain_words(text)
    grams = Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))])
    counted: Counter[int] = Counter()
    for gram, times in grams.items():
        counted[zlib.crc32(gram.encode("utf-8", "surrogatepass")) % FEATURES] += times
    places = np.fromiter(counted.keys(), dtype=np.int64, count=len(counted))
    values = 1 + np.log(np.fromiter(counted.values(), dtype=np.float64, count=len(counted)))
    return places, values / max(float(np.linalg.norm(values)), 1e-9)


def learn(good: Sequence[str], bad: Sequence[str], folder: Path) -> None:
    """Write the classifier that the examples make into `folder`, unless it is there.   Raises DataError for too few examples."""
    path = folder / FILE
    if path.exists():
        return
    found = fitted(_texts("--good", good), _texts("--bad", bad))
    beside = path.with_suffix(".partial.npz")
    np.savez(beside, weights=found.weights, intercept=found.intercept, threshold=found.threshold)
    beside.replace(path)


def _texts(option: str, sources: Sequence[str]) -> list[str]:
    texts = [document.text for document in documents(sources, skip_bad=True)]
    if len(texts) < FEWEST:
        raise DataError(
            f"{option} {' '.join(sources)} has {len(texts)} texts. Give at least {FEWEST}, better a few hundred."
        )
    return texts


def fitted(good: Sequence[str], bad: Sequence[str]) -> Classifier:
    """The classifier of the examples. Its threshold: by FOLDS-fold cross-validation, the score that GOOD_KEPT of the good ones stay below,
    and never less than even odds."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rows = [features(text) for text in (*good, *bad)]
    starts = np.concatenate([[0], np.cumsum([len(places) for places, _ in rows])])
    places, values = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
    matrix = csr_matrix((values, places, starts), shape=(len(rows), FEATURES))
    labels = np.array([0] * len(good) + [1] * len(bad))
    model: Any = LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    scores = cross_val_predict(model, matrix, labels, cv=folds, method="decision_function")
    model.fit(matrix, labels)
    threshold = max(0.0, float(np.quantile(scores[labels == 0], GOOD_KEPT)))
    return Classifier(model.coef_[0], float(model.intercept_[0]), threshold)
