"""`onward rank`: prompts in, votes out, in which a judge says which of a model's answers are better.

    OUT               the votes: JSON Lines, as `onward reward` reads them
    OUT.onward.json   lineage: model, judge, settings, what was read, counts
    OUT.ranking/      while not all is judged: the request that began it, every reply so far, the prompts without a vote

A vote is on the disk as soon as it is made. Started again by the same command, it goes on with the prompts that are not judged yet;
--budget and --at-once may differ. Left out: a price in money, which the tokens and a list of prices give.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from rich.console import Console

from onward import lineage
from onward.align.distil.asking import Asker, BudgetSpent
from onward.align.distil.journal import Journal
from onward.align.progress import Show
from onward.align.ranking.answers import Answers
from onward.align.ranking.judging import Case, ChatJudge, Judge, RewardJudge
from onward.align.ranking.prompts import Prompt, prompt_files, read_prompts
from onward.align.ranking.settings import ME, Wanted
from onward.align.ranking.terminal import Terminal, vote
from onward.align.ranking.votes import ALIKE, OF_PROMPTS, UNJUDGED, UNTAKEN, VOTE, Votes
from onward.corpus.read import PASSED_OVER, kind
from onward.errors import BadLine, DataError, OutputError, PlanError
from onward.files import check_apart, check_name, remove, remove_whole, write_json
from onward.generate.chat_model import ChatModel
from onward.generate.endpoint import EndpointModel
from onward.generate.load import load
from onward.generate.stages import furthest_stage
from onward.lineage import Lineage, Result
from onward.model import folder
from onward.train.aside import REQUEST
from onward.train.parent import files_of
from onward.train.training import sources_of
from onward.train.workspace import claimed

REPLIES, PASSED = "replies.jsonl", "passed.jsonl"
SUITE = "ranking"
STANDARD = Wanted()
AT_ONCE = 16
"""Prompts whose answers are drawn together, where no person waits for them."""
ADVICE = "Look at the prompts, or at what the server says."
WHOLE, SPENT, STOPPED = "every prompt has been judged", "the budget is used up", "you stopped"


def rank(
    model: str | Path,
    prompts: Path,
    judge: str | Path,
    out: Path,
    wanted: Wanted = STANDARD,
    *,
    device: str | None = None,
    skip_bad: bool = False,
    force: bool = False,
    console: Console | None = None,
) -> dict[str, Any]:
    """Have answers of a model ranked. Returns what the verb shows: counts, tokens, seconds, why it ended.

    model: as `onward.load` takes it.   judge: a reward model's folder, the URL of a chat model, or "me".   console: where progress is
    shown, and where a person votes.   Raises OnwardError, KeyboardInterrupt.
    """
    console = console or Console(quiet=True)
    work = out.with_name(out.name + ".ranking")
    _check_wanted(judge, wanted, console)
    _check_out(out, prompts, work, force)
    skipped = list[BadLine]()
    read = read_prompts(prompts, skip_bad=skip_bad, on_skip=skipped.append)
    if skipped:
        console.print(f"{len(skipped):,} bad lines left out; the first: {skipped[0]}")
    request = _request(model, prompts, judge, wanted, skip_bad)
    with claimed(work, request, force=force, worth=(REPLIES, PASSED), made=(REPLIES, PASSED)):
        (work / PASSED_OVER).touch()
        askers = _Askers(Journal(work / REPLIES), wanted, console)
        answers = Answers(askers.of(load(model, device=device)), wanted)
        judging = _judge(judge, askers, device, console)
        if force:
            remove(out)
        votes = Votes(
            out, work / PASSED, judge=judging.name, pairs=wanted.answers == 2, scores=isinstance(judging, RewardJudge)
        )
        with askers:
            ended = _judge_all(read, answers, judging, votes, askers)
        found = {"judge": judging.name, "model": _name(answers.asker.teacher), "ended": ended, **votes.found()}
        found |= {"left": len(read) - sum(found["prompts"].values()), **askers.found()}
        _check_voted(found, work)
        write_json(lineage.beside(out), _history(model, prompts, judge, out, wanted, found).to_json())
    if ended == WHOLE:
        remove_whole(work)
    return found


class _Askers:
    """Those who ask model and judge, with one journal and one budget. In a `with`; at the end nothing more is asked."""

    def __init__(self, journal: Journal, wanted: Wanted, console: Console) -> None:
        self.journal, self.wanted, self.console = journal, wanted, console
        self._all: list[Asker] = []

    def of(self, model: ChatModel) -> Asker:
        wanted = self.wanted
        asker = Asker(
            model, self.journal, budget=wanted.budget, at_once=wanted.at_once, console=self.console, advice=ADVICE
        )
        self._all.append(asker)
        return asker

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for asker in self._all:
            asker.finish() if kind is None else asker.stop()

    def found(self) -> dict[str, Any]:
        journal = self.journal
        return {
            "prompt_tokens": journal.prompt_tokens,
            "tokens": journal.tokens,
            "seconds": round(journal.seconds, 3),
        }


def _judge(judge: str | Path, askers: _Askers, device: str | None, console: Console) -> Judge | Terminal:
    if judge == ME:
        return Terminal(console)
    if _is_url(judge):
        model = load(judge)
        return ChatJudge(askers.of(model), _name(model))
    return RewardJudge(folder.resolve(judge), device)


def _judge_all(
    read: Sequence[Prompt], answers: Answers, judging: Judge | Terminal, votes: Votes, askers: _Askers
) -> str:
    """Go on with the prompts that are not judged yet. Returns why it ended."""
    console, judged = askers.console, votes.judged
    pending = [prompt for prompt in read if prompt.key not in judged]
    if done := len(read) - len(pending):
        console.print(f"{done:,} of {len(read):,} prompts are judged already")
    try:
        if isinstance(judging, Terminal):
            return WHOLE if vote(pending, done, answers, votes, judging, askers.wanted.seed) else STOPPED
        with Show(console, "rank") as show:
            for first in range(0, len(pending), AT_ONCE):
                for _ in _judge_some(pending[first : first + AT_ONCE], answers, judging, votes):
                    done += 1
                    show(done / len(read), f"{done:,}/{len(read):,} judged  {askers.journal.spent:,} tokens")
    except BudgetSpent:
        return SPENT
    return WHOLE


def _judge_some(prompts: Sequence[Prompt], answers: Answers, judge: Judge, votes: Votes) -> Iterator[None]:
    """Have some prompts answered together, and judged. Yields after each."""
    cases = list[Case]()
    for prompt, drawn in zip(prompts, answers.of(prompts), strict=True):
        if len(drawn.answers) < 2:
            votes.pass_over(prompt, ALIKE if drawn.taken else UNTAKEN)
            yield
        else:
            cases.append(Case(prompt, tuple(drawn.answers)))
    for case, verdict in zip(cases, judge.verdicts(cases), strict=True):
        if verdict.worth is None:
            votes.pass_over(case.prompt, UNJUDGED)
        else:
            votes.add(case.prompt, case.answers, verdict.worth, verdict.asked)
        yield


# --- checks, and what is said ------------------------------------------------------------------------------------------


def _check_wanted(judge: str | Path, wanted: Wanted, console: Console) -> None:
    """Before anything is opened."""
    if judge == ME:
        Terminal(console)
        if wanted.answers != 2:
            raise PlanError(f"--answers {wanted.answers}: with --judge me there are two, A and B. Leave it out.")


def _check_out(out: Path, prompts: Path, work: Path, force: bool) -> None:
    """Raise OutputError unless votes may be written to a file: none is there, it is gone on with, or `force` says to replace it."""
    check_name(out)
    if kind(out) != ".jsonl":
        raise OutputError(f"-o {out}: votes are written as JSON Lines. Give it a name that ends in .jsonl.")
    check_apart(out, prompt_files(prompts))
    if not os.path.lexists(out) or (work / REQUEST).is_file():
        return
    if not force:
        raise OutputError(f"{out} exists already. Choose another place with -o, or replace it with --force.")
    if not out.is_file() or not lineage.beside(out).is_file():
        raise OutputError(f"{out} was not made by Onward, so --force leaves it alone. Choose another place with -o.")


def _check_voted(found: dict[str, Any], work: Path) -> None:
    """Raise DataError where all has been judged and there is no vote, and say why."""
    if found["ended"] == WHOLE and not found["prompts"][VOTE]:
        why = ", ".join(f"{count:,} {name}: {OF_PROMPTS[name]}" for name, count in found["prompts"].items() if count)
        raise DataError(f"there is no vote to write ({why}). All replies are in {work / REPLIES}.")


def _is_url(where: str | Path) -> bool:
    return str(where).startswith(("http://", "https://"))


def _name(model: ChatModel) -> str:
    return f"{model.address}#{model.model}" if isinstance(model, EndpointModel) else model.name


def _files(where: str | Path) -> Any:
    """What a model is: the files of a folder, or else its name."""
    if where == ME or _is_url(where):
        return str(where)
    return sources_of(files_of(folder.resolve(furthest_stage(where))))


def _request(model: str | Path, prompts: Path, judge: str | Path, wanted: Wanted, skip_bad: bool) -> dict[str, Any]:
    """What makes two starts the same run."""
    read = {"model": _files(model), "judge": _files(judge), "prompts": sources_of(prompt_files(prompts))}
    return {"verb": "rank", "skip_bad": skip_bad} | read | wanted.deciding()


def _history(
    model: str | Path, prompts: Path, judge: str | Path, out: Path, wanted: Wanted, found: dict[str, Any]
) -> Lineage:
    command, date = lineage.command_line(), lineage.now()
    figures = {name: float(count) for name, count in found["prompts"].items() if count}
    if found["longer"] is not None:
        figures["pairs whose longer answer was found better"] = found["longer"]
    places = [folder.resolve(furthest_stage(one)) for one in (model, judge) if one != ME and not _is_url(one)]
    return Lineage(
        verb="rank",
        command=command,
        date=date,
        seed=wanted.seed,
        plan=asdict(wanted) | {"model": found["model"], "judge": found["judge"], "found": found},
        data=sources_of(prompt_files(prompts)),
        versions=lineage.versions(),
        results=[
            Result(suite=SUITE, metric=name, value=value, command=command, date=date) for name, value in figures.items()
        ],
        parents=[lineage.of(place) for place in places],
        folder=str(out),
    )
