"""`onward distil`: seeds in, conversations out, in which a teacher has answered what it was asked.

    OUT               JSON Lines of OpenAI messages
    OUT.onward.json   lineage: teacher, settings, what was read, counts, tokens
    OUT.distilling/   while it is not done: the request that began it, and every reply so far

Started again by the same command, it goes on where it stopped; --count, --budget and --at-once may differ, since they only say where to
stop and how fast to go. Left out: a price in money, which the tokens and the teacher's list of prices give.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from onward import lineage
from onward.align.distil.asking import Asker
from onward.align.distil.journal import Journal
from onward.align.distil.progress import Show
from onward.align.distil.rounds import VAIN, Rounds
from onward.align.distil.seeds import Seed, read_seeds
from onward.align.distil.settings import Distillation
from onward.corpus.chats import chat_files
from onward.corpus.read import PASSED_OVER, kind
from onward.errors import BadLine, DataError, OutputError
from onward.files import check_apart, check_name, remove_whole, write_bytes, write_json
from onward.generate.endpoint import EndpointModel
from onward.generate.load import load
from onward.generate.stages import furthest_stage
from onward.lineage import Lineage, Result
from onward.model import folder
from onward.train.parent import files_of
from onward.train.training import sources_of
from onward.train.workspace import claimed

REPLIES = "replies.jsonl"
SUITE = "distillation"
STANDARD = Distillation()


def distil(
    teacher: str | Path,
    seeds: Path,
    out: Path,
    wanted: Distillation = STANDARD,
    *,
    device: str | None = None,
    skip_bad: bool = False,
    force: bool = False,
    console: Console | None = None,
) -> dict[str, Any]:
    """Have a teacher write and answer instructions. Returns what the verb shows: counts, tokens, seconds, why it ended.

    teacher: as `onward.load` takes it.   seeds: conversations, or Self-Instruct's seed tasks.   console: where progress is shown; nowhere,
    if there is none.   Raises OnwardError, KeyboardInterrupt.
    """
    console = console or Console(quiet=True)
    _check_out(out, seeds, force)
    skipped = list[BadLine]()
    read = read_seeds(seeds, skip_bad=skip_bad, on_skip=skipped.append)
    if skipped:
        console.print(f"{len(skipped):,} bad lines left out; the first: {skipped[0]}")
    work = out.with_name(out.name + ".distilling")
    request = _request(teacher, seeds, wanted, skip_bad)
    with claimed(work, request, force=force, worth=(REPLIES,), made=(REPLIES,)):
        (work / PASSED_OVER).touch()
        opened = load(teacher, device=device)
        journal = Journal(work / REPLIES)
        if len(journal):
            console.print(f"{len(journal):,} replies are there already")
        asker = Asker(opened, journal, budget=wanted.budget, at_once=wanted.at_once, console=console)
        rounds, ended = _ask(read, wanted, asker, console)
        name = f"{opened.address}#{opened.model}" if isinstance(opened, EndpointModel) else opened.name
        found = _found(rounds, journal, name, ended)
        _check_kept(found, work)
        write_json(lineage.beside(out), _history(teacher, seeds, out, wanted, found).to_json())
        lines = (json.dumps({"messages": messages}, ensure_ascii=False) for messages in rounds.kept)
        write_bytes(out, "".join(line + "\n" for line in lines).encode(errors="backslashreplace"))
    remove_whole(work)
    return found


def _ask(read: list[Seed], wanted: Distillation, asker: Asker, console: Console) -> tuple[Rounds, str]:
    try:
        with Show(console) as show:
            rounds = Rounds(read, wanted, asker, show.rounds)
            ended = rounds.run()
        asker.finish()
    finally:
        asker.stop()
    return rounds, ended


def _check_out(out: Path, seeds: Path, force: bool) -> None:
    """Raise OutputError unless a file may be written there: none is there, or `force` says to replace one that this verb made."""
    check_name(out)
    if kind(out) != ".jsonl":
        raise OutputError(f"-o {out}: conversations are written as JSON Lines. Give it a name that ends in .jsonl.")
    check_apart(out, chat_files(seeds))
    if not os.path.lexists(out):
        return
    if not force:
        raise OutputError(f"{out} exists already. Choose another place with -o, or replace it with --force.")
    if not out.is_file() or not lineage.beside(out).is_file():
        raise OutputError(f"{out} was not made by Onward, so --force leaves it alone. Choose another place with -o.")


def _teacher_files(teacher: str | Path) -> Path | None:
    """The folder of a teacher that is one."""
    if str(teacher).startswith(("http://", "https://")):
        return None
    return folder.resolve(furthest_stage(teacher))


def _request(teacher: str | Path, seeds: Path, wanted: Distillation, skip_bad: bool) -> dict[str, Any]:
    """What makes two starts the same run."""
    place = _teacher_files(teacher)
    who = str(teacher) if place is None else sources_of(files_of(place))
    read = {"teacher": who, "seeds": sources_of(chat_files(seeds)), "skip_bad": skip_bad}
    return {"verb": "distil"} | read | wanted.deciding()


def _found(rounds: Rounds, journal: Journal, teacher: str, ended: str) -> dict[str, Any]:
    found = rounds.found()
    return {
        "teacher": teacher,
        "ended": ended,
        **found,
        "prompt_tokens": journal.prompt_tokens,
        "tokens": journal.tokens,
        "tokens_per_kept": journal.spent / max(1, found["kept"]),
        "seconds": round(journal.seconds, 3),
    }


def _check_kept(found: dict[str, Any], work: Path) -> None:
    """Raise DataError where nothing came of it, and say why."""
    if found["kept"]:
        return
    writing, answering = found["writing"], found["answering"]
    dropped = {"lists": writing["in_vain"], "instructions": writing["dropped"], "answers": answering["dropped"]}
    why = ", ".join(
        f"{count:,} {what} {reason}" for what, counts in dropped.items() for reason, count in counts.items() if count
    )
    hint = (
        " A teacher that cannot write instructions can still answer: --answers-only." if found["ended"] == VAIN else ""
    )
    raise DataError(
        f"{found['teacher']} has given no answer to keep, and {found['ended']} ({why or 'nothing was asked'}). "
        f"Its replies are in {work / REPLIES}.{hint}"
    )


def _history(teacher: str | Path, seeds: Path, out: Path, wanted: Distillation, found: dict[str, Any]) -> Lineage:
    place = _teacher_files(teacher)
    command, date = lineage.command_line(), lineage.now()
    figures = {
        name: found[name] for name in ("kept", "refusals", "prompt_tokens", "tokens", "tokens_per_kept", "seconds")
    }
    return Lineage(
        verb="distil",
        command=command,
        date=date,
        seed=wanted.seed,
        plan=asdict(wanted) | {"teacher": found["teacher"], "found": found},
        data=sources_of(chat_files(seeds)),
        versions=lineage.versions(),
        results=[
            Result(suite=SUITE, metric=name, value=value, command=command, date=date) for name, value in figures.items()
        ],
        parents=[] if place is None else [lineage.of(place)],
        folder=str(out),
    )
