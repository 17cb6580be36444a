"""`onward judge`: one model marked, or two beside one another; printed, written down, and added to the lineage of the folders judged.

    DIR/answers/HASH.jsonl                   all that a model, and a judge, has said; nothing in it is asked again
    DIR/judged/MODEL-by-JUDGE.jsonl          a line for each verdict, with the judge's own words
    DIR/judged/MODEL-by-JUDGE.json           the numbers

Left out: the judge's own lineage, which a verdict on others does not change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from onward import lineage
from onward.errors import SuiteError
from onward.evaluate.arena.settings import Answering
from onward.evaluate.asking import Model, Respondent, model_hash
from onward.evaluate.examined import Row
from onward.evaluate.judging.asked import Answered, Bench
from onward.evaluate.judging.outcome import CONTROLLED, MARK, WON, Outcome, dueled, from_the_other_side, marked
from onward.evaluate.judging.questions import Question
from onward.evaluate.run import called, plain
from onward.files import write_bytes, write_json
from onward.generate.endpoint import EndpointModel
from onward.lineage import Result

Asked = tuple[Model, Respondent]
SHOWN = 80
"""Characters of a judge's reply that an error shows."""


@dataclass(frozen=True)
class Case:
    """What is judged: one model or two, by whom, on which questions.   name: of the questions, for results."""

    models: Sequence[Asked]
    judge: Asked
    questions: Sequence[Question]
    name: str
    answering: Answering

    @property
    def suite(self) -> str:
        return f"{self.name}, judged by {self.judge[0].name}"


def carry_out(case: Case, said: Sequence[Answered], out: Path) -> Outcome:
    """said: by each model.   Raises SuiteError where the judge is never in form; EndpointError, FolderError, OutputError."""
    bench = Bench(case.judge[1])
    if len(said) == 1:
        found = marked(case.questions, said[0].answers, bench)
    else:
        found = dueled(case.questions, said[0].answers, said[1].answers, bench)
    found.remarks += _remarks(case, {key: why for one in said for key, why in one.refused.items()})
    place = _place(case, out)
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in found.records]
    write_bytes(place.with_name(place.name + ".jsonl"), "".join(lines).encode(errors="backslashreplace"))
    if not found.rows:
        raise SuiteError(_never_in_form(case, found, place))
    write_json(place.with_name(place.name + ".json"), summary(case, found))
    for number, (model, _) in enumerate(case.models):
        if not isinstance(model, EndpointModel) and Path(model.name).is_dir():
            lineage.add_results(Path(model.name), results(case, found, number))
    return found


def results(case: Case, found: Outcome, number: int) -> list[Result]:
    """What stands in the lineage of one of the models: its marks, or what it has won."""
    if len(case.models) == 1:
        return [_result(case, row, row.metric) for row in found.rows if row.metric == MARK]
    other = case.models[1 - number][0].name
    own = [row for row in found.rows if row.metric in (WON, CONTROLLED)]
    names = {WON: f"won against {other}", CONTROLLED: f"won against {other}, were answers equally long"}
    return [_result(case, from_the_other_side(row) if number else row, names[row.metric]) for row in own]


def summary(case: Case, found: Outcome) -> dict[str, object]:
    """All but the verdicts, as JSON."""
    return {
        "models": [model.name for model, _ in case.models],
        "hashes": [model_hash(model) for model, _ in case.models],
        "judge": case.judge[0].name,
        "judge_hash": model_hash(case.judge[0]),
        "questions": found.questions,
        "answering": asdict(case.answering),
        "replies": found.replies,
        "not_in_form": found.unformed,
        "results": [asdict(_result(case, row, row.metric.strip())) for row in found.rows],
        "remarks": found.remarks,
    }


def _result(case: Case, row: Row, metric: str) -> Result:
    return Result(
        suite=case.suite,
        metric=metric,
        value=row.measured.value,
        low=row.measured.low,
        high=row.measured.high,
        n=row.measured.n,
        seeds=[case.answering.seed],
        chance=row.chance,
        command=lineage.command_line(),
        date=lineage.now(),
    )


def _remarks(case: Case, refused: dict[str, str]) -> list[str]:
    found = list[str]()
    if refused:
        why = next(iter(refused.values()))
        found.append(f"{len(refused):,} questions could not be asked, and are not in the numbers: {why}")
    if model_hash(case.judge[0]) in [model_hash(model) for model, _ in case.models]:
        found.append("The judge judges its own answers: whether it likes them for being its own cannot be told here.")
    return found


def _never_in_form(case: Case, found: Outcome, place: Path) -> str:
    words = next((record["judge_said"] for record in found.records if record["judge_said"]), "")
    first = f" The first: {' '.join(words.split())[:SHOWN]!r}." if words else ""
    return (
        f"{case.judge[0].name} has judged nothing: none of its {found.replies:,} replies is in form, with a verdict as [[A]] or a mark as "
        f"[[5]] at the end.{first} All are in {place}.jsonl. Take a judge that follows instructions better."
    )


def _place(case: Case, out: Path) -> Path:
    names = [called(model) for model, _ in case.models]
    return out / "judged" / f"{plain(case.name)}-{'-beside-'.join(names)}-by-{called(case.judge[0])}"
