"""Judged by a model: documents that a model folder finds far less likely than the rest of the corpus, in bits per byte.

As CCNet does with an n-gram model (Wenzek et al. 2020), with a model of one's own. What is far is told by the corpus itself: the median of
a sample, and FAR times the median distance from it. Short texts cost more bits a byte, and have more room.
Left out: documents that are too likely; the rules on repetition see those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from onward.corpus.cleaning import parts
from onward.files import read_json, write_json

if TYPE_CHECKING:
    from torch import Tensor

    from onward.model.trunk import LanguageModel
    from onward.tokens.tokenizer import Tokenizer

SAMPLE = 500
"""Documents from which the threshold is set."""
FAR = 6.0
"""Median distances from the median, about four standard deviations of a normal distribution."""
CHARACTERS = 2000
"""Of a document, read from its beginning."""
FILE = "unlikely.json"


def check(model: str) -> None:
    """Raise FolderError where there is no model folder."""
    from onward.model.folder import resolve

    resolve(model)


@dataclass(frozen=True)
class Unlikely:
    """Judges texts by the bits per byte that a model needs for them."""

    model: str
    most: float

    @classmethod
    def load(cls, model: str, folder: Path) -> Unlikely:
        return cls(model, float(read_json(folder / FILE, "Begin anew with --force.")["most"]))

    def judge(self, text: str) -> str | None:
        """Why a text goes, or None."""
        found = bits_per_byte(self.model, text)
        return f"{found:.2f} bits per byte, and {self.most:.2f} are the most" if found > self.most else None


def settle(model: str, folder: Path) -> None:
    """Write into `folder`, unless it is there, how many bits per byte a text may need: by a sample of the repaired ones."""
    if (folder / FILE).exists():
        return
    counts = [int(np.load(path)["documents"]) for path in sorted((folder / "counts").glob("*.npz"))]
    step = max(1, sum(counts) // SAMPLE)
    texts = (
        document.text for path in sorted((folder / "repaired").glob("*.jsonl")) for document in parts.lines_of(path)
    )
    found = [bits_per_byte(model, text) for number, text in enumerate(texts) if number % step == 0]
    middle = float(np.median(found)) if found else 0.0
    distance = float(np.median(np.abs(np.array(found) - middle))) if found else math.inf
    write_json(folder / FILE, {"most": middle + FAR * distance, "median": middle, "documents": len(found)})


@lru_cache(maxsize=1)
def _loaded(model: str) -> tuple[LanguageModel, Tokenizer, Tensor]:
    from onward.model.folder import load, resolve
    from onward.tokens.tokenizer import Tokenizer
    from onward.train.measure import byte_lengths

    path = resolve(model)
    found = load(path)
    found.eval()
    tokenizer = Tokenizer.load(path)
    return found, tokenizer, byte_lengths(tokenizer, found.config.vocab_size)


def bits_per_byte(model: str, text: str) -> float:
    """Of a text's first CHARACTERS, cut to the model's positions."""
    import torch

    trunk, tokenizer, lengths = _loaded(model)
    ids = tokenizer.encode(text[:CHARACTERS])[: trunk.config.max_positions]
    boundary = tokenizer.bos_id if tokenizer.bos_id is not None else ids[0]
    with torch.inference_mode():
        logits = trunk(torch.tensor([[boundary, *ids[:-1]]])).float()
        nats = torch.nn.functional.cross_entropy(logits[0], torch.tensor(ids), reduction="sum")
    return float(nats) / math.log(2) / max(int(lengths[torch.tensor(ids)].sum()), 1)
