"""Warnings in plain words: what commonly goes wrong in reinforcement, seen in the figures of a training.

Each is a pure function of the metrics so far, a dict a drawing. Left out: mending it, which is for whoever reads them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

History = Sequence[dict[str, float]]
FEWEST = 8
"""Drawings before anything is said: of fewer, chance says more than the figures."""


def warnings(history: History) -> dict[str, str]:
    """What is to be said, by what it is about.   history: the figures of each drawing, the first one first."""
    if len(history) < FEWEST:
        return {}
    found = {name: check(history) for name, check in CHECKS.items()}
    return {name: text for name, text in found.items() if text}


def _parts(history: History, name: str) -> tuple[list[float], list[float]]:
    """The first and the last quarter of a figure's values."""
    values = [figures[name] for figures in history if name in figures]
    quarter = max(1, len(values) // 4)
    return values[:quarter], values[-quarter:]


def _flat(history: History) -> str:
    first, last = (np.array(part) for part in _parts(history, "reward"))
    spread = np.std([figures["reward"] for figures in history])
    if len(history) >= 2 * FEWEST and last.mean() - first.mean() < 0.5 * spread:
        return (
            f"the reward does not rise ({first.mean():.3f} at first, {last.mean():.3f} now): raise --lr or --rollouts, or look whether "
            "the answers differ in what they are worth at all."
        )
    return ""


def _ties(history: History) -> str:
    _, last = _parts(history, "ties")
    if last and (share := float(np.mean(last))) > 0.7:
        return (
            f"{share:.0%} of the prompts have answers that are all worth the same, which teaches nothing: give other prompts, or more "
            "--answers."
        )
    return ""


def _collapsed(history: History) -> str:
    first, last = (float(np.mean(part)) for part in _parts(history, "entropy"))
    if last < 0.2 * first:
        return (
            f"the entropy has collapsed, from {first:.2f} to {last:.2f} nats a token: the answers are nearly always the same ones. "
            "Raise --entropy or --kl, or lower --lr."
        )
    return ""


def _long(history: History) -> str:
    first, last = (float(np.mean(part)) for part in _parts(history, "answer_tokens"))
    _, cut = _parts(history, "cut_off")
    if last > 2 * first:
        return f"the answers have grown from {first:.0f} to {last:.0f} tokens: the reward may pay for length."
    if float(np.mean(cut)) > 0.2:
        return f"{float(np.mean(cut)):.0%} of the answers are cut off before they end: raise --max-tokens."
    return ""


def _fooled(history: History) -> str:
    """The reward has gone on to rise since the watched one was at its best."""
    for name in [name for name in history[0] if name.startswith("watched ")]:
        of_it, proxy = (
            np.array(
                [
                    float(np.mean([figures[key] for figures in part]))
                    for part in np.array_split(np.array(history, dtype=object), 4)
                ]
            )
            for key in (name, "reward")
        )
        best = int(of_it.argmax())
        if best < 3 and of_it[best] - of_it[-1] > 0.02 * abs(of_it[best]) and proxy[-1] > proxy[best]:
            return (
                f"the reward goes on rising while {name.removeprefix('watched ')} falls, from {of_it[best]:.3f} to {of_it[-1]:.3f}: it is "
                "being fooled. Stop earlier, raise --kl, or take a better reward."
            )
    return ""


def _far(history: History) -> str:
    _, last = _parts(history, "kl")
    if float(np.mean(last)) > 30:
        return f"it is {float(np.mean(last)):.0f} nats an answer away from where it began: raise --kl, or lower --lr."
    return ""


CHECKS = {
    "reward": _flat,
    "ties": _ties,
    "entropy": _collapsed,
    "length": _long,
    "watched": _fooled,
    "kl": _far,
}
