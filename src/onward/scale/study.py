"""`onward scale`: small runs, the law fitted to them, its prediction for ten times the compute, and the larger run that tests it.

    OUT/   data/ (tokeniser, token shards)   plan.json   runs/NAME/   prediction.json   largest/ (a model folder)
           scale.json   scale.svg   scale.html   onward.json

The prediction is written down before the larger run begins. Started again by the same command, a study goes on with the first run
that is missing.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console

from onward.files import BEGIN_ANEW, read_json, write_json
from onward.scale import findings, runs
from onward.scale.grid import Run
from onward.scale.runs import Ground, Study
from onward.train.plan import clock
from onward.train.workspace import CHECKPOINTS, claimed

WORTH = (
    "runs/*/run.json",
    f"runs/*.training/{CHECKPOINTS}/*",
    "largest/onward.json",
    f"largest.training/{CHECKPOINTS}/*",
)
"""What minutes were spent on."""
MADE = (
    *("data", "runs", "largest", "largest.training", "plan.json", "prediction.json"),
    *("scale.json", "scale.svg", "scale.html", "onward.json"),
)
"""What a study puts into its folder. Only this is ever replaced."""


def scale(study: Study, console: Console) -> dict[str, Any]:
    """Make what is missing of the study, and return what stands in its scale.json.   Raises OnwardError, KeyboardInterrupt."""
    with claimed(study.out, study.request(), force=study.force, worth=WORTH, made=MADE):
        if not (study.out / "scale.json").exists():
            _walk(study, console)
    return read_json(study.out / "scale.json", BEGIN_ANEW)


def _walk(study: Study, console: Console) -> None:
    ground, small, larger = runs.prepare(study, console)
    _say(console, ground, small, larger)
    points = _all_small(console, ground, small, larger)
    found = findings.law(points, ground.unique)
    file = study.out / "prediction.json"
    if not file.exists():
        write_json(file, findings.prediction(found, points, runs.point(ground, larger), ground.unique))
    foretold = read_json(file, BEGIN_ANEW)
    console.print(
        f"foretold for {larger.parameters:,} parameters and {larger.tokens:,} tokens, {foretold['times']:.1f} times the compute "
        f"of the largest: {foretold['predicted']:.3f} bits per byte, {foretold['low']:.3f} to {foretold['high']:.3f}"
    )
    came = runs.larger(ground, larger, console)
    findings.write(study, ground, found, points, foretold | came)


def _say(console: Console, ground: Ground, small: list[Run], larger: Run) -> None:
    """The plan, before minutes are spent."""
    sizes, tokens = [run.parameters for run in small], [run.tokens for run in small]
    seconds = sum(run.seconds for run in small)
    console.print(
        f"{len(small)} runs of {min(sizes):,} to {max(sizes):,} parameters and {min(tokens):,} to {max(tokens):,} tokens, "
        f"{clock(seconds)}; then one of {larger.parameters:,} and {larger.tokens:,}, {clock(larger.seconds)}"
    )
    passes = larger.tokens / ground.unique
    if passes > 4:
        console.print(
            f"The texts are small for these minutes: the larger run reads them {passes:.0f} times. The law counts a repeated token as "
            "worth less than a new one (docs/scaling.md), which is itself an estimate."
        )


def _all_small(console: Console, ground: Ground, small: list[Run], larger: Run) -> list[dict[str, Any]]:
    points, left = [], sum(run.seconds for run in (*small, larger))
    for number, run in enumerate(small, 1):
        points.append(runs.small(ground, run))
        left -= run.seconds
        console.print(
            f"{number} of {len(small)}: {run.parameters:,} parameters, {run.tokens:,} tokens, "
            f"{points[-1]['bits_per_byte']:.3f} bits per byte; {clock(left)} left",
            highlight=False,
        )
    return points


def plan(study: Study, console: Console) -> None:
    """Choose the runs, say which, and stop."""
    ground, small, larger = runs.prepare(study, console)
    for run in (*small, larger):
        console.print(
            f"{run.parameters:>12,} parameters  {run.tokens:>14,} tokens  {run.flops:.1e} operations  {clock(run.seconds)}"
        )
    _say(console, ground, small, larger)
