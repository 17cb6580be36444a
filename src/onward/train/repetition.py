"""Texts that are few for the compute at hand: what a further pass over them is worth, and what that means for the size of the model.

Sources: Hoffmann et al. 2022 (arXiv 2203.15556): with new data all the way, about 20 tokens a parameter; Muennighoff et al. 2023 (arXiv
2305.16264), section 3.1, equations 5 and 6, and the constants of their fit: up to four passes are nearly as good as new data. Left out:
that more passes can make held-out loss rise again, which their law cannot say; hence the cap on passes.
"""

from __future__ import annotations

import math

import numpy as np

TOKENS_PER_PARAMETER = 20.0
EXPONENT = 0.353
"""Of the loss in parameters and in tokens alike. It decides only how a lack of one weighs against a lack of the other."""
REPEATS = 15.39
"""R*_D: repeated tokens are worth less and less; after so many repeats, 1/e of new ones."""
EXCESS = 5.31
"""R*_N: the same for parameters in excess of what the different tokens call for."""
MOST_PASSES = 4
"""By their law, further ones would still teach a little. In models and texts of our size they do harm (docs/scaling.md)."""


def effective_tokens(tokens: float, unique: float) -> float:
    """New tokens that would teach as much as `tokens` taken from texts of `unique` tokens.   Equation 5."""
    return _diminished(tokens, unique, REPEATS)


def effective_parameters(parameters: float, unique: float) -> float:
    """Parameters that would do as well if there were enough new tokens for them.   Equation 6."""
    return _diminished(parameters, unique / TOKENS_PER_PARAMETER, EXCESS)


def _diminished(amount: float, full: float, decay: float) -> float:
    """What is above `full` counts less and less, as if it had a half-life: full * (1 + decay * (1 - exp(-repeats / decay)))."""
    if amount <= full:
        return amount
    return full * (1 - decay * math.expm1(-(amount / full - 1) / decay))


def best_size(flops: float, unique: float = math.inf, most_passes: float = MOST_PASSES) -> tuple[float, float]:
    """The parameters with which `flops` = 6 * parameters * tokens get the lowest loss from texts of `unique` tokens; and the passes.

    With enough text this is 20 tokens a parameter. With less, both grow, the passes first. Past the cap on passes, compute is left over:
    a still larger model would only learn the texts by heart sooner.
    """
    plenty = math.sqrt(flops / (6 * TOKENS_PER_PARAMETER))
    if TOKENS_PER_PARAMETER * plenty <= unique:
        return plenty, TOKENS_PER_PARAMETER * plenty / unique

    def lack(parameters: float) -> float:
        """The loss above the floor, in units that cancel: A and B are such that plenty of text gives 20 tokens a parameter."""
        tokens = effective_tokens(flops / (6 * parameters), unique) / TOKENS_PER_PARAMETER
        return math.pow(effective_parameters(parameters, unique), -EXPONENT) + math.pow(tokens, -EXPONENT)

    best = min((plenty * np.geomspace(0.1, 10, 401)).tolist(), key=lack)
    return best, min(most_passes, flops / (6 * best) / unique)
