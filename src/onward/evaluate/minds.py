"""What counts in stories about beliefs: pairs of which both are right, each half, and the controls of memory and reality.

An item's truth says what it `asks`: about a false belief, about a true one, or one of the controls; and of which `pair` it is. Who always
names the real place, or always the first one, has no pair right. Left out: the stories (builtin/sally_anne.py, tomi.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from onward.evaluate.examined import Row, mean
from onward.evaluate.suite import Said

FALSE, TRUE, MEMORY, REALITY = "false", "true", "memory", "reality"
ABOUT = {
    FALSE: "who always names the first place is right",
    TRUE: "who always names the real place is right",
    MEMORY: "where was it at first?",
    REALITY: "where is it really?",
}
BOTH = "both beliefs right"


def pairs(said: Sequence[Said]) -> list[tuple[list[Said], list[Said]]]:
    """What was said of the false and of the true belief of each pair. Half a pair is left out."""
    halves = dict[str, dict[str, list[Said]]]()
    for one in said:
        if one.item.truth["asks"] in (FALSE, TRUE):
            halves.setdefault(one.item.truth["pair"], {}).setdefault(one.item.truth["asks"], []).append(one)
    return [(half[FALSE], half[TRUE]) for half in halves.values() if len(half) == 2]


def counted(said: Sequence[Said]) -> dict[str, float]:
    """For each pair, at the id of its false belief, the share of the draws in which both halves are right."""
    return {false[0].item.id: _both(false, true) for false, true in pairs(said)}


def rows(said: Sequence[Said]) -> list[Row]:
    """The pairs, those of each kind, and each half and control for itself."""
    known = pairs(said)
    found = [_of_pairs(BOTH, known, "of a pair, the false one and the true one")]
    kinds = dict.fromkeys(false[0].item.kind for false, _ in known)
    found += [_of_pairs(f"  {kind}", [pair for pair in known if pair[0][0].item.kind == kind]) for kind in kinds]
    for asks, about in ABOUT.items():
        own = [one for one in said if one.item.truth["asks"] == asks]
        if own:
            metric = f"{asks} belief" if asks in (FALSE, TRUE) else f"control: {asks}"
            values = mean([one.item for one in own], [one.score.value for one in own])
            found.append(Row(metric, values, _mean([one.item.chance or 0 for one in own]), about=about))
    return found


def _of_pairs(metric: str, known: Sequence[tuple[list[Said], list[Said]]], about: str = "") -> Row:
    """Chance: that of both halves."""
    items = [false[0].item for false, _ in known]
    chance = _mean([(false[0].item.chance or 0) * (true[0].item.chance or 0) for false, true in known])
    return Row(metric, mean(items, [_both(false, true) for false, true in known]), chance, about=about)


def _both(false: Sequence[Said], true: Sequence[Said]) -> float:
    return _mean([one.score.value * other.score.value for one, other in zip(false, true, strict=True)]) or 0


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
