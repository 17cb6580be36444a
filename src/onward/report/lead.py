"""What was done, in one paragraph: a sentence a stage."""

from __future__ import annotations

from collections.abc import Sequence

from onward.generate.stages import STAGES
from onward.report.stage import Stage


def lead(stages: Sequence[Stage]) -> str:
    """stages: in the order in which they were made."""
    return " ".join(f"{_subject(stage, first=stage is stages[0])} {_done(stage)}{_time(stage)}." for stage in stages)


def _subject(stage: Stage, *, first: bool) -> str:
    """What is beside the road is named, since it need not have been made from the stage before."""
    where = "" if first or stage.name in STAGES else f"In {stage.name} "
    if stage.adapter:
        return f"{where}{'an' if where else 'An'} adapter of {stage.parameters:,} numbers, beside a model that stays as it is,"
    if first:
        return f"A model of {stage.parameters:,} parameters"
    if stage.history.verb == "reward":
        return f"{where}{'a' if where else 'A'} copy of it"
    return f"{where}the model" if where else "Then the model"


def _done(stage: Stage) -> str:
    amount, reasons = f"{stage.tokens:,} {stage.counted}", stage.history.plan.get("reasons")
    if not stage.metrics:
        return f"was made by onward {stage.history.verb}"
    if stage.history.verb == "sft":
        again = " and of texts gone over again" if isinstance(reasons, dict) and "replay" in reasons else ""
        return f"learned to answer from {amount} of answers{again}"
    if stage.history.verb == "rl":
        own = " of its own answers" if stage.counted == "tokens" else ""
        return f"learned to give the answers that are liked, from {amount}{own}"
    words = {"pretrain": "learned a language from", "reward": "learned to judge answers from"}
    return f"{words.get(stage.history.verb, 'learned from')} {amount}"


def _time(stage: Stage) -> str:
    if stage.minutes is None:
        return ""
    return f" in {stage.minutes:.1f} minutes" if stage.minutes >= 1 else f" in {60 * stage.minutes:.0f} seconds"
