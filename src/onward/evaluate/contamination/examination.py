"""All of it, put to one model: the parts that it can take, and what their p-values come to together.

Left out: how each part is asked (parts.py), and where results are written (evaluate/run.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from onward.errors import SuiteError
from onward.evaluate import statistics
from onward.evaluate.asking import FolderRespondent, Respondent
from onward.evaluate.contamination import parts, separation
from onward.evaluate.contamination.gathering import AGAINST, Asking, P
from onward.evaluate.contamination.parts import BLIND, MIN_K, ORDER
from onward.evaluate.examined import Examined
from onward.evaluate.items import Item
from onward.evaluate.settings import How
from onward.evaluate.suite import Suite


def suite(name: str, texts: Sequence[Item], unseen: Sequence[Item] = ()) -> Suite:
    """For `run.evaluate`.   name: of the test.   unseen: texts of the same sort, which cannot have been learned."""
    played = partial(_played, test=name, unseen=[replace(one, id=AGAINST + one.id) for one in unseen])
    return Suite(name=f"contamination-{name}" + ("-against" if unseen else ""), items=texts, played=played)


def lacking(found: Examined) -> list[str]:
    """Which parts are not in it, and why."""
    there = {row.metric for row in found.rows}
    reasons = {
        ORDER: "Orders: they want a folder that carries texts on, into which neighbours fit together.",
        MIN_K: "Min-K%: it wants such a folder, and unseen texts of the same sort (--against).",
    }
    return [why for metric, why in reasons.items() if metric not in there]


def verdict(found: Examined) -> str:
    """What the p-values come to together, by Holm's correction.   A part whose control fails has no say."""
    rows = {row.metric: row.measured.value for row in found.rows}
    ps = {metric.removeprefix(P): value for metric, value in rows.items() if metric.startswith(P)}
    by_words = ps.pop(BLIND, 1.0) <= statistics.LEVEL
    if by_words:
        ps = {metric: value for metric, value in ps.items() if not metric.endswith("AUC")}
    together = dict(zip(ps, separation.holm(list(ps.values())), strict=True))
    seen = [f"{metric} (p = {p:.2g})" for metric, p in together.items() if p <= statistics.LEVEL]
    told = f"Traces of it: {'; '.join(seen)}" if seen else "No trace of it is seen. That is no proof of absence"
    off = " The unseen texts are of another sort by their words, so what is held against them counts for nothing."
    return f"{told}; all p together by Holm.{off if by_words else ''}"


def _played(
    suite: Suite, respondent: Respondent, how: How, chat: bool, *, test: str, unseen: Sequence[Item]
) -> Examined:
    found = Examined(suite)
    asked = Asking(found, respondent, how, chat)
    parts.completed(asked, test, unseen)
    parts.said(asked, unseen)
    if isinstance(respondent, FolderRespondent):
        parts.likely(asked, respondent, unseen)
        parts.ordered(asked, respondent)
    if not found.rows and not asked.late:
        why = next(iter(found.unasked.values()), "no two texts are known of each side")
        raise SuiteError(f"{respondent.name} can be asked nothing about {test}: {why}")
    found.records = list(asked.records.values())
    found.unreached = min(len(asked.late), len(suite.items))
    return found
