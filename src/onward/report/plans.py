"""The plans of a run's stages side by side: a row a field, and its reason where there is one.

A reason that all stages share is said once. What has a reason and is no field of the plan, such as the method of a reinforcement, has a
row too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onward.report.stage import Stage

HIDDEN = ("reasons", "planned_again", "most_steps", "minutes")
"""Of no use to a reader: the reason for the steps says it in words."""


@dataclass(frozen=True)
class Row:
    """values: by stage, in words, each with the reason if it is this stage's own.   reason: that all share.

    together: instead of the values, what holds for all of them, or is a line for each stage that has one.
    """

    field: str
    values: Sequence[tuple[str, str]] = ()
    reason: str = ""
    together: Sequence[tuple[str, str]] = ()


def planned(stages: Sequence[Stage]) -> list[Row]:
    """stages: those that have a plan."""
    plans = [stage.history.plan for stage in stages]
    reasons = [found if isinstance(found := plan.get("reasons"), dict) else {} for plan in plans]
    fields = [name for plan in plans for name, value in plan.items() if value is not None and name not in HIDDEN]
    rows = [_row(field, plans, reasons) for field in dict.fromkeys(fields)]
    further = dict.fromkeys(name for why in reasons for name in why if not any(name in plan for plan in plans))
    return rows + [_further(name, stages, reasons) for name in further]


def _row(field: str, plans: Sequence[dict[str, Any]], reasons: Sequence[dict[str, Any]]) -> Row:
    values = [_words(plan.get(field)) for plan in plans]
    whys = [str(why.get(field, "")) for why in reasons]
    if len(set(values)) == 1 and len(set(whys)) == 1:
        return Row(_spelled(field), together=[(values[0], whys[0])])
    if len(set(whys)) == 1:
        return Row(_spelled(field), [(value, "") for value in values], whys[0])
    return Row(_spelled(field), list(zip(values, whys, strict=True)))


def _further(name: str, stages: Sequence[Stage], reasons: Sequence[dict[str, Any]]) -> Row:
    """Of what is said and is no field."""
    there = [(stage.name, str(why[name])) for stage, why in zip(stages, reasons, strict=True) if name in why]
    return Row(_spelled(name), together=[(stage if len(stages) > 1 else "", why) for stage, why in there])


def _spelled(field: str) -> str:
    return field.replace("_", " ")


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
