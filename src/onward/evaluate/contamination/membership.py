"""Are texts that may have been learned likelier than unseen ones, where they are least likely? Min-K% and Min-K%++.

A text that was not learned has some tokens that surprise; in one that was, there are few. A score by itself says nothing: simple texts
have high ones too. So it is only told how well it separates the texts from a reference set of unseen ones of the same sort. The whole
distribution at each place is wanted, and so a folder. Left out: endpoints, which tell the likeliest tokens at most; and ratios to another
model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from onward.errors import FolderError
from onward.evaluate.asking import Answer, FolderRespondent, Wanted
from onward.generate.chat_model import FolderModel
from onward.generate.engine import DAMAGED

K = 0.2
"""The share of tokens, the least likely ones, that count: the papers' usual 20 %."""
AT_ONCE = 256
"""Places whose whole distribution is in memory together."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Places(Wanted):
    """Asks for what a text's tokens are worth, and not for an answer."""

    what: str = "log-probability of each token, with its mean and standard deviation over the vocabulary"


@dataclass(frozen=True)
class Tokens:
    """Of each token of a text, (T,) each, in nats: its log-probability; and what the log-probability of a token drawn there is on average,
    and how far it varies."""

    log_probs: Floats
    means: Floats
    deviations: Floats


def mean_log_prob(tokens: Tokens) -> float:
    """Over all tokens: the loss, the oldest of these scores (Yeom et al. 2018, arXiv 1709.01604)."""
    return float(tokens.log_probs.mean())


def min_k(tokens: Tokens, k: float = K) -> float:
    """The mean log-probability of the share k of tokens that are least likely, of one at least.

    Source: Shi et al. 2024, arXiv 2310.16789.
    """
    return _lowest(tokens.log_probs, k)


def min_k_plus_plus(tokens: Tokens, k: float = K) -> float:
    """As Min-K%, of (log p - mean) / deviation: a token counts as likely where others would be less so. Of a place at which all tokens
    are equally likely it is 0.   Source: Zhang et al. 2024, arXiv 2404.02936, equation 3."""
    off, spread = tokens.log_probs - tokens.means, tokens.deviations
    normed = np.divide(off, spread, out=np.zeros_like(off), where=spread > 1e-9)
    return _lowest(normed, k)


SCORES: dict[str, Callable[[Tokens], float]] = {
    "Min-K%++": min_k_plus_plus,
    "Min-K%": min_k,
    "mean log-probability": mean_log_prob,
}


def _lowest(values: Floats, k: float) -> float:
    return float(np.sort(values)[: max(1, int(len(values) * k))].mean())


@torch.inference_mode()
def read(model: FolderModel, text: str) -> Tokens:
    """One pass over a text, as far as the model has positions. The first token counts where something stands before it.

    Raises FolderError where the weights are damaged.
    """
    engine = model.engine
    ids = torch.tensor([model.text_prompt(text)[: engine.room]], device=engine.device)
    engine.reader.use(model.adapter)
    hidden, told = engine.model.hidden(ids)[0, :-1], ids[0, 1:]
    parts = []
    for begin in range(0, len(told), AT_ONCE):
        logits = engine.model.logits(hidden[begin : begin + AT_ONCE])
        if not logits.isfinite().all():
            raise FolderError(DAMAGED)
        parts.append(moments(logits, told[begin : begin + AT_ONCE]))
    log_probs, means, deviations = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))
    return Tokens(log_probs, means, deviations)


def moments(logits: torch.Tensor, told: torch.Tensor) -> Floats:
    """logits: (T, V); told: (T,), the tokens that are there.   Returns (3, T): log-probability, and the mean and deviation of one drawn."""
    log_probs = logits.double().log_softmax(-1)
    chances = log_probs.exp()
    means = (chances * log_probs).sum(-1)
    deviations = ((chances * log_probs.square()).sum(-1) - means.square()).clamp(min=0).sqrt()
    found: Floats = torch.stack([log_probs.gather(-1, told[:, None])[:, 0], means, deviations]).cpu().numpy()
    return found


def readings(respondent: FolderRespondent, texts: Sequence[str]) -> list[Tokens | None]:
    """Of each text, from what is known already or from the model; None where the budget was spent before. Of a text with no token to be
    foretold there is nothing: (0,) each."""
    found: list[Tokens | None] = []
    for text in texts:
        wanted = Places(text=text)
        answer = respondent.cache.get(wanted)
        if answer is None and (respondent.budget is None or respondent.spent < respondent.budget):
            tokens = read(respondent.model, text)
            values = np.stack([tokens.log_probs, tokens.means, tokens.deviations]).ravel().tolist()
            answer = Answer(log_probs=values, prompt_tokens=len(tokens.log_probs) + 1)
            respondent.spent += answer.prompt_tokens
            respondent.cache.add(wanted, answer)
            respondent.told()
        found.append(None if answer is None else Tokens(*np.reshape(answer.log_probs, (3, -1))))
    return found
