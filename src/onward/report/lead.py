"""What was done, in one paragraph: a sentence a stage."""

from __future__ import annotations

from collections.abc import Sequence

from onward.report.stage import Stage


def lead(stages: Sequence[Stage]) -> str:
    """stages: in the order in which they were made."""
    return " ".join(f"{_subject(stage, first=stage is stages[0])} {_done(stage)}{_time(stage)}." for stage in stages)


def _subject(stage: Stage, *, first: bool) -> str:
    if stage.adapter:
        return f"An adapter of {stage.parameters:,} numbers, beside a model that stays as it is,"
    if first:
        return f"A model of {stage.parameters:,} parameters"
    return "A copy of it" if stage.history.verb == "reward" else "Then the model"


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
    return "" if stage.minutes is None else f" in {stage.minutes:.1f} minutes"
