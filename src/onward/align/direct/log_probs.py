"""How likely a model finds whole answers, with gradients for learning; and what the start model gives to all of them, once.

Left out: losses (losses.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from onward.align.direct.pairs import Answers, LogProbs, Row, padded
from onward.model.trunk import LanguageModel
from onward.train.cross_entropy import log_probs
from onward.train.plan import TrainPlan
from onward.train.working import working_copy


def of_answers(model: LanguageModel, answers: Answers) -> Tensor:
    """The log-probability of each answer, given its prompt: a sum over its tokens, in nats, (N,), float32 at least."""
    hidden, targets, places = learned(model, answers)
    found = log_probs(*model.head.factors(hidden, model.embedding.tokens.weight), model.head.bias, targets)
    table = torch.zeros(places.shape, dtype=found.dtype, device=found.device)
    return table.masked_scatter(places, found).sum(1)


def learned(model: LanguageModel, answers: Answers) -> tuple[Tensor, Tensor, Tensor]:
    """What the trunk makes of the places before the answers' tokens, (M, width); the tokens, (M,); where they are, (N, T - 1) bool."""
    places = answers.answer[:, 1:]
    return model.hidden(answers.ids[:, :-1])[places], answers.ids[:, 1:][places], places


@torch.no_grad()
def reference(model: LanguageModel, rows: Sequence[Row], plan: TrainPlan, pad_id: int, console: Console) -> LogProbs:
    """What a model gives to the answers of all rows, (N,), computed as a training step computes it.

    The rows go through the longest first, so that what is too long for the memory fails at once.
    """
    working = working_copy(model.to(plan.device), plan.precision).eval()
    found = np.zeros(len(rows), dtype=np.float32)
    order = sorted(range(len(rows)), key=lambda number: -len(rows[number].ids))
    parts = [order[first : first + plan.rows_per_pass] for first in range(0, len(order), plan.rows_per_pass)]
    said = "reading all answers once with the start model"
    for part in track(parts, said, console=console, transient=True, disable=not console.is_terminal):
        answers = padded([rows[number] for number in part], pad_id).to(plan.device)
        found[part] = of_answers(working, answers).float().cpu().numpy()
    model.train()
    return found
