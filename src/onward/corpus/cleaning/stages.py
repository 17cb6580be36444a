"""The stages of a cleaning, each a pipeline of datatrove over all parts; what one writes, the next one reads.

    read      files -> parts/        cut        exact     parts/ -> exact/        find     -> exact-found/
    repair    parts/ -> repaired/ + counts/     add up    -> corpus.npz
    judge     repaired/ -> judged/ + near/      pairs     -> near-pairs/          cluster  -> near-found/
    last      judged/ -> kept/                  all       -> dropped/REASON/

Everything lies in the working folder beside the output, until it is put together (assemble.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from onward.corpus.cleaning import duplicates, parts, rude
from onward.corpus.cleaning.checks import Checks
from onward.corpus.cleaning.executors import Stage
from onward.corpus.cleaning.repair import Repair, Together
from onward.corpus.cleaning.rules import Rules

COUNT = 9


def stages(folder: Path, rules: Rules, groups: list[list[str]], each: int) -> Iterator[Stage]:
    """One after the other: how many parts there are is known when the first is done."""
    place = str(folder)
    yield Stage(name="read", title="reading", pipeline=[parts.Cut(groups, place, each)], tasks=len(groups))
    count = len(list((folder / "parts").glob("*.jsonl")))
    numbered = [parts.reader(folder / "parts"), parts.numbered]
    yield Stage(name="exact", title="hashing", pipeline=[*numbered, *duplicates.exact_signatures(folder)], tasks=count)
    yield Stage(
        name="exact-found",
        title="finding exact duplicates",
        pipeline=duplicates.exact_search(folder),
        tasks=min(count, 1),
    )
    yield Stage(
        name="repair",
        title="repairing",
        pipeline=[*numbered, *duplicates.without_exact(folder), Repair(place), parts.Keep(folder / "repaired")],
        tasks=count,
    )
    yield Stage(name="together", title="adding up", pipeline=[Together(place)], tasks=min(count, 1))
    checks = Checks(place, rules, rude.words_of(rules.rude_words))
    judging = [parts.reader(folder / "repaired"), checks, parts.Keep(folder / "judged")]
    yield Stage(name="judge", title="judging", pipeline=[*judging, *duplicates.near_signatures(folder)], tasks=count)
    yield Stage(
        name="near-pairs",
        title="looking for near duplicates",
        pipeline=duplicates.near_buckets(folder),
        tasks=min(count, duplicates.BUCKETS),
    )
    yield Stage(
        name="near-found", title="comparing them", pipeline=duplicates.near_clusters(folder), tasks=min(count, 1)
    )
    last = [parts.reader(folder / "judged"), *duplicates.without_near(folder), parts.Keep(folder / "kept")]
    yield Stage(name="last", title="leaving them out", pipeline=last, tasks=count)
