"""What the runs of a study say: the law with its intervals, the prediction beside what came, the best use of further compute.

All of it is arithmetic on the runs' figures; it ends in scale.json, a picture, a page, and the lineage.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from onward import lineage
from onward.files import write_bytes, write_json
from onward.lineage import Lineage, Result
from onward.report.page import filled
from onward.scale import picture
from onward.scale.law import Fit, fit, middle
from onward.scale.runs import Ground, Study
from onward.train.repetition import effective_tokens

FURTHER = (1, 10, 100)
"""Multiples of the largest small run's compute for which the best use is told."""


def law(points: list[dict[str, Any]], unique: float) -> Fit:
    """The law of the small runs. Repeated tokens count as what they are worth.   unique: tokens of the texts."""
    sizes, tokens, losses = (
        np.array([point[name] for point in points], dtype=np.float64)
        for name in ("parameters", "tokens", "bits_per_byte")
    )
    return fit(sizes, np.array([effective_tokens(t, unique) for t in tokens]), losses)


def prediction(found: Fit, points: list[dict[str, Any]], larger: dict[str, Any], unique: float) -> dict[str, Any]:
    """What the larger run should come to, and between which values 19 times in 20."""
    where = larger["parameters"], effective_tokens(larger["tokens"], unique)
    low, high = found.interval(*where)
    times = larger["flops"] / max(point["flops"] for point in points)
    return larger | {"times": times, "predicted": found.law.loss(*where), "low": low, "high": high}


def write(study: Study, ground: Ground, found: Fit, points: list[dict[str, Any]], larger: dict[str, Any]) -> None:
    """scale.json last, since with it the study is whole."""
    data = _data(ground, found, points, larger)
    drawn = picture.draw(data, found)
    write_bytes(study.out / "scale.svg", picture.alone(drawn).encode())
    history = Lineage(
        verb="scale",
        command=lineage.command_line(),
        date=lineage.now(),
        seed=study.budget.seed,
        plan={"minutes": study.budget.minutes, "runs": len(points), "batch_tokens": ground.first.plan.batch_tokens},
        data=ground.first.sources,
        versions=lineage.versions(),
        results=_results(study, data),
        folder=str(study.out),
    )
    page = filled("onward.scale", name=study.out.resolve().name, picture=drawn, history=history, **data)
    write_bytes(study.out / "scale.html", page.encode())
    lineage.write(study.out, history)
    write_json(study.out / "scale.json", data)


def _data(ground: Ground, found: Fit, points: list[dict[str, Any]], larger: dict[str, Any]) -> dict[str, Any]:
    def by_law(point: dict[str, Any]) -> float:
        return found.law.loss(point["parameters"], effective_tokens(point["tokens"], ground.unique))

    numbers = {
        name: {"value": getattr(found.law, name), **dict(zip(("low", "high"), found.range(name), strict=True))}
        for name in ("E", "A", "alpha", "B", "beta")
    }
    most = max(point["flops"] for point in points)
    return {
        "unit": "bits per byte of held-out text",
        "minutes": ground.study.budget.minutes,
        "tokens": ground.unique,
        "machine": f"{ground.machine.name}, {ground.machine.precision}",
        "runs": [point | {"law": by_law(point)} for point in points],
        "law": numbers,
        "residual": found.residual,
        "larger": larger | {"inside": larger["low"] <= larger["bits_per_byte"] <= larger["high"]},
        "further": [_further(found, times, times * most) for times in FURTHER],
    }


def _further(found: Fit, times: float, flops: float) -> dict[str, Any]:
    """The best use of compute by the law, had one enough text, and how sure that is."""
    parameters, tokens = found.law.best(flops)
    ratios = [d / n for n, d in (other.best(flops) for other in found.others)]
    losses = [other.loss(*other.best(flops)) for other in found.others]
    return {
        "times": times,
        "flops": flops,
        "parameters": parameters,
        "tokens_per_parameter": tokens / parameters,
        "tokens_per_parameter_range": middle(ratios),
        "loss": found.law.loss(parameters, tokens),
        "loss_range": middle(losses),
    }


def _results(study: Study, data: dict[str, Any]) -> list[Result]:
    larger = data["larger"]
    shared: dict[str, Any] = {
        "suite": "scaling law",
        "seeds": [study.budget.seed],
        "command": lineage.command_line(),
        "date": lineage.now(),
    }
    foretold = Result(
        metric=f"bits per byte at {larger['times']:.1f} times the compute, foretold",
        value=larger["predicted"],
        low=larger["low"],
        high=larger["high"],
        n=len(data["runs"]),
        **shared,
    )
    came = Result(
        metric=f"bits per byte at {larger['times']:.1f} times the compute, measured",
        value=larger["bits_per_byte"],
        baseline=larger["predicted"],
        **shared,
    )
    return [foretold, came]
