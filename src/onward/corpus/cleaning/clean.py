"""`onward clean`: raw texts in, clean documents out. Goes through the stages, and puts the output together when all are done.

    OUT/            clean/   dropped/   report.json   report.html   onward.json
    OUT.cleaning/   while it is not done: the request that began it and what each stage has made

Started again by the same command, it goes on with the first part that is missing. Nothing is deleted: `take_back.py`.
"""

from __future__ import annotations

import importlib.metadata
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from onward import lineage
from onward.corpus.cleaning import assemble, executors, language, pages, parts, rude
from onward.corpus.cleaning.rules import STANDARD, Rules
from onward.corpus.cleaning.stages import COUNT, stages
from onward.corpus.read import files_below, look_at
from onward.errors import DataError
from onward.files import check_apart, check_free, new_folder, remove_whole
from onward.lineage import Lineage
from onward.train.workspace import claim

WORTH = ("logs/*/completions/*",)
"""What minutes were spent on."""
Page = Callable[[Path], object]
"""Called with the output folder before it gets its name: writes the page (report.html), which is made on a higher floor."""


def clean(
    texts: Sequence[str | Path],
    out: Path,
    rules: Rules = STANDARD,
    *,
    force: bool = False,
    console: Console | None = None,
    page: Page | None = None,
) -> dict[str, Any]:
    """Clean files, folders of them and data sets (`hf:org/name`), and return what stands in OUT/report.json.

    console: where progress is shown; nowhere, if there is none.   page: `onward.report.cleaning.page.write_page`, if a page is wanted.
    Raises OnwardError, KeyboardInterrupt.
    """
    console = console or Console(quiet=True)
    places = _places(texts)
    work = out.absolute().with_name(out.name + ".cleaning")  # workers may be elsewhere
    local = [Path(place) for place in places if not place.startswith("hf:")]
    check_free(out, force=force)
    check_apart(out, local)
    _check(rules, places)
    lock = claim(work, _request(places, rules), force=force, worth=WORTH, inputs=local)
    try:
        _walk(places, work, rules, console)
        with new_folder(out, force=force) as folder:
            report = assemble.put_together(work, folder, rules)
            lineage.write(folder, _history(work, out, rules))
            if page is not None:
                page(folder)
    finally:
        lock.close()
    remove_whole(work)
    return report


def _places(texts: Iterable[str | Path]) -> list[str]:
    """Files and data sets, in the order in which they are read. Raises DataError for what is not there."""
    found: list[str] = []
    for text in map(str, texts):
        if not text.startswith("hf:") and stat.S_ISDIR(look_at(Path(text)).st_mode):
            found += map(str, files_below(Path(text), parts.KINDS))
        else:
            found.append(text)
    return found


def _check(rules: Rules, places: Sequence[str]) -> None:
    """Raise OnwardError for what would fail later."""
    language.check(rules.language)
    rude.words_of(rules.rude_words)
    executors.check(rules)
    if page := next((place for place in places if pages.is_page(place)), None):
        pages.check(page)
    if rules.good:
        from onward.corpus.cleaning import classifier

        classifier.check()
    if rules.model:
        from onward.corpus.cleaning import unlikely

        unlikely.check(rules.model)


def _request(places: Iterable[str], rules: Rules) -> dict[str, Any]:
    """What the same command asks for again: the sizes and times of the files, since their hashes would take a reading."""
    given = {"texts": places, "good": _places(rules.good), "bad": _places(rules.bad), "rude_words": rules.rude_words}
    return rules.deciding() | {name: [_state(place) for place in found] for name, found in given.items()}


def _state(place: str) -> tuple[str, int, int]:
    state = None if place.startswith("hf:") else Path(place).stat()
    return place, state.st_size if state else 0, state.st_mtime_ns if state else 0


def _walk(places: list[str], work: Path, rules: Rules, console: Console) -> None:
    sizes = [0 if place.startswith("hf:") else Path(place).stat().st_size for place in places]
    each = parts.part_bytes(sum(sizes))
    for number, stage in enumerate(stages(work, rules, parts.groups(places, each), each), start=1):
        if stage.name == "judge":
            _learn(work, rules)
        executors.run(stage, work, rules, console, f"{number}/{COUNT}")
        if stage.name == "read":
            _check_read(places, work, console)


def _check_read(places: Sequence[str], work: Path, console: Console) -> None:
    """Say what could not be read. Raises DataError where nothing could."""
    sources = parts.read_sources(work)
    for source in sources:
        if source.broken:
            console.print(f"passed over: {source.broken}")
        elif source.bad:
            console.print(f"{source.path}: {source.bad:,} bad lines passed over; the first: {source.first_bad[0]}")
    if not any(source.documents for source in sources):
        named = ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
        raise DataError(f"no documents in {named}. Give at least one text that can be read.")


def _learn(work: Path, rules: Rules) -> None:
    """What is learned from the examples and from the corpus, once."""
    if rules.good:
        from onward.corpus.cleaning.classifier import learn

        learn(rules.good, rules.bad, work)
    if rules.model:
        from onward.corpus.cleaning.unlikely import settle

        settle(rules.model, work)


def _history(work: Path, out: Path, rules: Rules) -> Lineage:
    return Lineage(
        verb="clean",
        command=lineage.command_line(),
        date=lineage.now(),
        plan=rules.deciding(),
        data=assemble.data_of(work),
        versions=lineage.versions() | {"datatrove": importlib.metadata.version("datatrove")},
        folder=str(out),
    )
