"""One suite put to one model: its numbers, printed, written down, and added to the lineage of the folder that was measured.

    DIR/answers/HASH.jsonl          all that a model has said, whatever the suite; nothing in it is asked again (asking.py)
    DIR/SUITE/NAME-HASH.jsonl       a line for each answer: prompt, answer, score, log-probabilities
    DIR/SUITE/NAME-HASH.json        the numbers
    DIR/SUITE/NAME-HASH.svg         a picture, where the suite has one

Left out: the comparison of two models (compare.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from onward import lineage
from onward.errors import SuiteError
from onward.evaluate import answering, choosing, references
from onward.evaluate.asking import EndpointRespondent, Model, Respondent, model_hash, respondent
from onward.evaluate.examined import Examined, Row
from onward.evaluate.settings import How, Mode
from onward.evaluate.suite import Suite
from onward.files import write_bytes, write_json
from onward.generate.endpoint import EndpointModel
from onward.lineage import Result

ANSWERS = "answers"


def examine(asked: Respondent, suite: Suite, how: How, *, chat: bool) -> Examined:
    """The suite's numbers for whoever is asked.   chat: whether it talks.   Raises SuiteError, EndpointError, FolderError, OutputError."""
    if suite.played:
        return suite.played(suite, asked, how, chat)
    if not suite.chooses:
        if how.mode not in ("auto", "said"):
            raise SuiteError(
                f"--mode {how.mode}: not every item of {suite.name} is a choice between options. Leave it out."
            )
        return answering.examine(asked, suite, how, chat=chat)
    mode: Mode = how.mode if how.mode != "auto" else "letter" if asked.scores else "said"
    if mode != "said" and not (asked.scores or isinstance(asked, EndpointRespondent)):
        raise SuiteError(f"--mode {mode}: {asked.name} gives no log-probabilities. Use --mode said.")
    if how.seeds > 1:
        raise SuiteError("--seeds: options are asked for in all orders, and once in each. Leave it out.")
    return choosing.examine(asked, suite, how, mode=mode, chat=chat)


def talks(model: Model, how: How) -> bool:
    """Whether it is asked as in a chat: not where that is said, and not a folder that was pretrained and no more."""
    if how.ask != "auto":
        return how.ask == "chat"
    if isinstance(model, EndpointModel):
        return True
    history = lineage.read(Path(model.name))
    return history is None or history.verb != "pretrain"


def evaluate(model: Model, suite: Suite, how: How, out: Path, asked: Respondent) -> Examined:
    """Ask, write down, and add to the lineage of a folder.   asked: the model as `opened` gives it.   Raises as `examine` does."""
    found = examine(asked, suite, how, chat=talks(model, how))
    name = out / plain(label(suite, how)) / called(model)
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in found.records]
    write_bytes(name.with_name(name.name + ".jsonl"), "".join(lines).encode(errors="backslashreplace"))
    write_json(name.with_name(name.name + ".json"), summary(model, found, how))
    if suite.picture and found.rows:
        write_bytes(name.with_name(name.name + ".svg"), suite.picture(found).encode())
    if not isinstance(model, EndpointModel) and Path(model.name).is_dir() and not found.unreached:
        lineage.add_results(Path(model.name), results(found, how))
    return found


def opened(model: Model, out: Path, budget: int | None = None, at_once: int = 8) -> Respondent:
    """Raises FolderError, SuiteError."""
    return respondent(model, out / ANSWERS, budget, at_once)


def label(suite: Suite, how: How) -> str:
    """What its results are called."""
    return f"{suite.name}, {how.called}" if how.called else suite.name


def results(found: Examined, how: How) -> list[Result]:
    """As they stand in a lineage."""
    seeds = list(range(how.seed, how.seed + how.seeds))
    return [_result(label(found.suite, how), row, len(found.scores), seeds) for row in found.rows]


def keep(model: Model, suite: str, rows: Sequence[Row], seed: int, out: Path) -> None:
    """Numbers that are of no items, as of cost: written down, and added to the lineage of a folder."""
    known = [_result(suite, row, row.measured.n, [seed]) for row in rows]
    told = {"model": model.name, "hash": model_hash(model), "suite": suite, "results": [asdict(one) for one in known]}
    write_json(out / plain(suite) / f"{called(model)}.json", told)
    if not isinstance(model, EndpointModel) and Path(model.name).is_dir():
        lineage.add_results(Path(model.name), known)


def _result(suite: str, row: Row, n: int, seeds: list[int]) -> Result:
    measured = row.measured
    return Result(
        suite=suite,
        metric=row.metric,
        value=measured.value,
        low=measured.low,
        high=measured.high,
        n=n,
        seeds=seeds,
        chance=row.chance,
        baseline=row.baseline,
        command=lineage.command_line(),
        date=lineage.now(),
    )


def summary(model: Model, found: Examined, how: How) -> dict[str, object]:
    """Everything about one examination but its answers, as JSON."""
    return {
        "model": model.name,
        "hash": model_hash(model),
        "suite": label(found.suite, how),
        "how": asdict(how),
        "items": len(found.scores),
        "independent": len({item.cluster for item in found.asked}),
        "unasked": found.unasked,
        "unreached": found.unreached,
        "results": [asdict(result) for result in results(found, how)],
        "by_kind": {kind: asdict(measured) for kind, measured in found.by_kind().items()},
        "signatures": signatures(found),
    }


def signatures(found: Examined) -> list[str]:
    """What the numbers of reference metrics depend on besides the texts."""
    rules = dict.fromkeys(item.rule for item in found.suite.items)
    return [signature for rule in rules if (signature := references.signature(rule))]


def called(model: Model) -> str:
    """A file's name: what people call it, and enough of the hash that two of one name are two."""
    place = Path(model.name)
    words = "-".join(place.resolve().parts[-2:]) if not isinstance(model, EndpointModel) else model.model
    return f"{plain(words)}-{model_hash(model)[:8]}"


def plain(words: str) -> str:
    """As a file's name."""
    return re.sub(r"[^\w.]+", "-", words).strip("-.")
