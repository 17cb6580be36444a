"""`onward clean`: raw texts in, clean documents out. Goes through the stages, and puts the output together when all are done.

    OUT/            clean/   dropped/   report.json   report.html   onward.json
    OUT.cleaning/   while it is not done: the request that began it and what each stage has made

Started again by the same command, it goes on with the first part that is missing. Nothing is deleted: `take_back.py`.
"""

from __future__ import annotations

import importlib.metadata
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from onward import lineage
from onward.corpus.cleaning import assemble, executors, language, pages, parts, rude
from onward.corpus.cleaning.job import Cleaning
from onward.corpus.cleaning.stages import COUNT, stages
from onward.corpus.read import files_below, look_at
from onward.errors import DataError
from onward.files import check_apart, check_free, new_folder, remove_whole
from onward.lineage import Lineage
from onward.train.workspace import claim

WORTH = ("logs/*/completions/*",)
"""What minutes were spent on."""
Finish = Callable[[Path], object]
"""Called with the output folder before it gets its name: writes the page (report.html), which is made on a higher floor."""


def clean(job: Cleaning, console: Console, finish: Finish) -> dict[str, Any]:
    """Clean, and return what stands in OUT/report.json.   Raises OnwardError, KeyboardInterrupt."""
    places = _places(job.texts)
    local = [Path(place) for place in places if not place.startswith("hf:")]
    check_free(job.out, force=job.force)
    check_apart(job.out, local)
    _check(job, places)
    lock = claim(job.work, _request(job, places), force=job.force, worth=WORTH, inputs=local)
    try:
        report = _walk(job, places, console, finish)
    finally:
        lock.close()
    remove_whole(job.work)
    return report


def _places(texts: Sequence[str]) -> list[str]:
    """Files and data sets, in the order in which they are read. Raises DataError for what is not there."""
    found: list[str] = []
    for text in texts:
        if not text.startswith("hf:") and stat.S_ISDIR(look_at(Path(text)).st_mode):
            found += map(str, files_below(Path(text), parts.KINDS))
        else:
            found.append(text)
    return found


def _check(job: Cleaning, places: Sequence[str]) -> None:
    """Raise OnwardError for what would fail later."""
    language.check(job.rules.language)
    rude.words_of(job.rules.rude_words)
    executors.check(job.rules)
    if page := next((place for place in places if pages.is_page(place)), None):
        pages.check(page)
    if job.rules.good:
        from onward.corpus.cleaning import classifier

        classifier.check()
    if job.rules.model:
        from onward.corpus.cleaning import unlikely

        unlikely.check(job.rules.model)


def _request(job: Cleaning, places: Sequence[str]) -> dict[str, Any]:
    """What the same command asks for again: the sizes and times of the files, since their hashes would take a reading."""
    sources = []
    for place in places:
        state = None if place.startswith("hf:") else Path(place).stat()
        sources.append([place, state.st_size if state else 0, state.st_mtime_ns if state else 0])
    return {"texts": sources} | job.rules.deciding()


def _walk(job: Cleaning, places: list[str], console: Console, finish: Finish) -> dict[str, Any]:
    sizes = [0 if place.startswith("hf:") else Path(place).stat().st_size for place in places]
    each = parts.part_bytes(sum(sizes))
    absolute = replace(job, out=job.out.absolute())  # workers may be elsewhere
    groups = parts.groups(places, each)
    for number, stage in enumerate(stages(absolute.work, job.rules, groups, each), start=1):
        if stage.name == "judge":
            _learn(absolute)
        executors.run(stage, absolute.work, job.rules, console, f"{number}/{COUNT}")
        if stage.name == "read":
            _check_read(job, console)
    with new_folder(job.out, force=job.force) as folder:
        report = assemble.put_together(absolute, folder)
        assemble.write_report(folder, report)
        lineage.write(folder, _history(absolute))
        finish(folder)
    return report


def _check_read(job: Cleaning, console: Console) -> None:
    """Say what could not be read. Raises DataError where nothing could."""
    sources = parts.read_sources(job.work)
    for source in sources:
        if source.broken:
            console.print(f"passed over: {source.broken}")
        elif source.bad:
            console.print(f"{source.path}: {source.bad:,} bad lines passed over; the first: {source.first_bad[0]}")
    if not any(source.documents for source in sources):
        raise DataError(f"no documents in {', '.join(job.texts)}. Give at least one text that can be read.")


def _learn(job: Cleaning) -> None:
    """What is learned from the examples and from the corpus, once."""
    if job.rules.good:
        from onward.corpus.cleaning.classifier import learn

        learn(job.rules.good, job.rules.bad, job.work)
    if job.rules.model:
        from onward.corpus.cleaning.unlikely import settle

        settle(job.rules.model, job.work)


def _history(job: Cleaning) -> Lineage:
    return Lineage(
        verb="clean",
        command=lineage.command_line(),
        date=lineage.now(),
        plan=job.rules.deciding(),
        data=assemble.data_of(job),
        versions=lineage.versions() | {"datatrove": importlib.metadata.version("datatrove")},
        folder=str(job.out),
    )
