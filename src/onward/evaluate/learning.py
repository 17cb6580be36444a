"""Learning over training: one suite on every model that was kept (--keep), and from which step each kind of item is above chance.

A kind is above chance from the first checkpoint from which it is so at every later one, up to the last. It is looked at many times, and by
luck alone would sooner or later be above. So the checkpoints are tested from the last one back, and the first that is not above ends the
claim: a test in a fixed order, which needs no further correction, since a false claim must begin with one false test (Maurer, Hothorn and
Lehmacher 1995; Westfall and Krishen 2001). Of several kinds each has its share of the level (Bonferroni).
Left out: several trainings with different seeds as one curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onward import lineage
from onward.errors import FolderError, SuiteError
from onward.evaluate import references, statistics
from onward.evaluate.answering import usual_share
from onward.evaluate.examined import Examined, mean
from onward.evaluate.items import Item
from onward.evaluate.statistics import LEVEL
from onward.generate.stages import furthest_stage
from onward.train.callbacks import read_metrics
from onward.train.measure import Measured
from onward.train.training import KEPT

WHOLE = "all"
"""What all kinds together are called."""


@dataclass(frozen=True)
class Kept:
    """A model on the way.   tokens: that had been learned from."""

    path: Path
    step: int
    tokens: int


@dataclass(frozen=True)
class Look:
    """One kind at one checkpoint.   p: how often chance does as well."""

    kept: Kept
    measured: Measured
    p: float


@dataclass(frozen=True)
class Curve:
    """One kind over training.   floor: what a guess gets, or who always gives the most frequent answer, whichever is more; None where
    neither is known.   since: the first look from which it is above that at every later one."""

    kind: str
    floor: float | None
    looks: Sequence[Look]
    since: Look | None


def place(where: str) -> Path:
    """The folder of one training: of a run folder its furthest stage, as everywhere; or the workspace of a training on its way."""
    return Path(furthest_stage(where))


def kept(path: Path) -> list[Kept]:
    """The models of one training, the first one first, and the folder itself last.   Raises FolderError where there are not two."""
    found = []
    for one in sorted((path / KEPT).glob("step-*")):
        plan = lineage.of(one).plan
        if "kept_after" in plan:
            found.append(Kept(one, plan["kept_after"], plan["tokens"]))
    metrics = read_metrics(path / "metrics.jsonl")
    if metrics and (path / lineage.FILE).exists():
        found.append(Kept(path, metrics[-1]["step"], metrics[-1]["tokens"]))
    if len(found) < 2:
        raise FolderError(
            f"{path} has kept {'only its last model' if found else 'no models'}, so there is nothing to see over training. "
            f"Train with --keep, and each checkpoint's model stays in {path / KEPT}; --checkpoint-every says how many there are."
        )
    return found


def curves(looked: Sequence[tuple[Kept, Examined]]) -> list[Curve]:
    """All kinds as one first, where there are several.   looked: one suite, at every checkpoint, the first one first.

    Raises SuiteError where a budget has left something unasked: a curve is of the same items everywhere.
    """
    left = next((one for one, found in looked if found.unreached), None)
    if left is not None:
        raise SuiteError(
            f"the budget has left items unasked of {left.path}. Give a larger --budget; what was answered is not asked again."
        )
    items = [item for item in looked[0][1].suite.items if all(item.id in found.scores for _, found in looked)]
    kinds = dict[str, list[Item]]()
    for item in items:
        kinds.setdefault(item.kind, []).append(item)
    groups = {WHOLE: items} | kinds if len(kinds) > 1 else {next(iter(kinds)) or WHOLE: items}
    return [_curve(kind, of_kind, looked, LEVEL / len(groups)) for kind, of_kind in groups.items()]


def _curve(kind: str, items: Sequence[Item], looked: Sequence[tuple[Kept, Examined]], level: float) -> Curve:
    floor = floor_of(items)
    looks = []
    for one, found in looked:
        scores = [found.scores[item.id] for item in items]
        p = 1.0 if floor is None else statistics.p_above(scores, floor, [item.cluster for item in items])
        looks.append(Look(one, mean(items, scores), p))
    begin = since([look.p for look in looks], level)
    return Curve(kind, floor, looks, None if begin is None else looks[begin])


def floor_of(items: Sequence[Item]) -> float | None:
    """What is got without knowing anything; None where that is not known, as of metrics of wording."""
    if any(item.rule in references.METRICS for item in items):
        return None
    guessed = [item.chance for item in items if item.chance is not None]
    chance = sum(guessed) / len(items) if len(guessed) == len(items) else None
    known = [one for one in (chance, None if items[0].options else usual_share(items)) if one is not None]
    return max(known, default=None)


def since(ps: Sequence[float], level: float) -> int | None:
    """The place of the first p from which on all are at most `level`; None where the last one is not."""
    begin = len(ps)
    while begin > 0 and ps[begin - 1] <= level:
        begin -= 1
    return begin if begin < len(ps) else None
