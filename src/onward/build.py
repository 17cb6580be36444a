"""The main job: the whole road, from texts and chats to a model that one can talk to, in one run folder.

    runs/NAME/   data/ (tokeniser, token shards)   base/   sft/   samples.json   report.html

Each stage is a model folder that appears whole; started again by the same command, the road goes on with the first that is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from onward import lineage
from onward.align import instruct
from onward.corpus.chats import read_chats
from onward.files import write_json
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Request
from onward.generate.load import open_folder
from onward.generate.settings import Sampling
from onward.lineage import Result
from onward.report.page import write_report
from onward.train import measure, pretrain
from onward.train.packing import Packing
from onward.train.plan import Wishes
from onward.train.shards import Shards
from onward.train.training import Training, sources_of
from onward.train.workspace import CHECKPOINTS, Workspace, claim

SHARES = {"base": 0.65, "sft": 0.20}
"""Of the minutes. The rest is for the tokeniser, cutting, measuring and the report."""
MINUTES = 10.0
SAMPLES = 4


@dataclass(frozen=True, kw_only=True)
class Road:
    """What to build, from what, and where."""

    out: Path
    texts: Sequence[str]
    chats: Path | None
    wishes: Wishes
    skip_bad: bool = False
    force: bool = False

    def request(self) -> dict[str, Any]:
        """What makes two starts the same run."""
        texts, chats = sources_of(self.texts), sources_of([self.chats] if self.chats else [])
        return {"verb": "build", "texts": texts, "chats": chats, "skip_bad": self.skip_bad} | asdict(self.wishes)

    def wishes_of(self, stage: str) -> Wishes:
        """A stage's share of the minutes, or of the steps; the base model gets the shares of stages that are not asked for."""
        share = SHARES[stage] if self.chats else sum(SHARES.values())
        if self.wishes.steps:
            return replace(self.wishes, steps=max(1, round(self.wishes.steps * share)))
        return replace(self.wishes, minutes=(self.wishes.minutes or MINUTES) * share)


Look = Callable[[Training], None]
"""Called with each stage before its minutes are spent: the preflight."""


def build(road: Road, console: Console, look: Look) -> Path:
    """Walk the road, or what is left of it. Returns the folder of the last stage.   Raises OnwardError, KeyboardInterrupt."""
    claim(road.out, road.request(), force=road.force, worth=("*/config.json", f"*.training/{CHECKPOINTS}/step-*"))
    prepare_stage = {"base": _base, "sft": _sft} if road.chats else {"base": _base}
    for stage, prepare in prepare_stage.items():
        if not (road.out / stage).exists():
            console.print(stage, style="bold")
            training = prepare(road, console)
            look(training)
            training.run(console)
    if not (road.out / "samples.json").exists():
        console.print("comparing the stages on held-out data")
        models = {stage: open_folder(road.out / stage, device=road.wishes.device) for stage in prepare_stage}
        for stage, model in models.items():
            lineage.add_results(road.out / stage, _measured(road, model))
        write_json(road.out / "samples.json", _samples(road, models))
    write_report(road.out)
    return road.out / stage


def _workspace(road: Road, stage: str, request: dict[str, Any]) -> Workspace:
    return Workspace(road.out / stage, request, parts=road.out / "data")


def _base(road: Road, console: Console) -> Training:
    wishes = road.wishes_of("base")
    workspace = _workspace(road, "base", pretrain.request(road.texts, wishes))
    return pretrain.prepare(road.texts, workspace, wishes, skip_bad=road.skip_bad, console=console)


def _sft(road: Road, console: Console) -> Training:
    assert road.chats is not None
    wishes = replace(road.wishes_of("sft"), depth=None, width=None, heads=None, lr=None)
    workspace = _workspace(road, "sft", instruct.request(road.out / "base", road.chats, wishes))
    return instruct.prepare(road.out / "base", road.chats, workspace, wishes, skip_bad=road.skip_bad, console=console)


def _measured(road: Road, model: FolderModel) -> list[Result]:
    """Bits per byte of everything held out, whatever the stage was trained on: what a later stage has cost shows too."""
    engine, found = model.engine, []
    assert engine.tokenizer.bos_id is not None
    for part, suite in (("text-held-out", pretrain.SUITE), ("chats-held-out", instruct.SUITE)):
        if (road.out / "data" / part).exists():
            shards = Shards(road.out / "data" / part)
            packing = Packing(shards, engine.room, engine.tokenizer.bos_id)
            value = measure.held_out(
                engine.model,
                packing,
                engine.tokenizer,
                targets=measure.AT_THE_END,
                device=str(engine.device),
                precision="fp32",
            )
            baseline = measure.compressed_bits_per_byte(shards, engine.tokenizer)
            found.append(measure.result(suite, value, seed=road.wishes.seed, baseline=baseline))
    return found


def _samples(road: Road, models: dict[str, FolderModel]) -> dict[str, Any]:
    """What each stage says, with the same seed: beginnings of held-out texts carried on, and held-out questions answered."""
    base = models["base"]
    shards = Shards(road.out / "data" / "text-held-out")
    beginnings = [shards.document(i)[:24].tolist() for i in range(min(SAMPLES, shards.documents))]
    settings = Sampling(temperature=0.7, top_p=0.95, max_tokens=60, seed=road.wishes.seed)
    begin = [i for i in [base.engine.tokenizer.bos_id] if i is not None]
    done = base.engine.run([Request(prompt=begin + ids, sampling=settings) for ids in beginnings])
    carried = [
        {"prompt": base.engine.tokenizer.decode(ids), "base": c.text} for ids, c in zip(beginnings, done, strict=True)
    ]
    return {"carried_on": carried, "answered": [_answers(question, models, settings) for question in _questions(road)]}


def _answers(question: dict[str, str], models: dict[str, FolderModel], settings: Sampling) -> dict[str, str]:
    asked = [{"role": "user", "content": question["question"]}]
    return question | {stage: model.replies(asked, [settings])[0].text for stage, model in models.items()}


def _questions(road: Road) -> list[dict[str, str]]:
    """The first short held-out questions with the answer that a person gave."""
    found: list[dict[str, str]] = []
    if road.chats is None:
        return found
    for conversation, is_held_out in instruct.sides(read_chats(road.chats, skip_bad=road.skip_bad)):
        first = [message["content"] for message in conversation.messages if message["role"] != "system"][:2]
        if is_held_out and len(first[0]) < 200 and len(found) < SAMPLES:
            found.append({"question": first[0], "person": first[1]})
    return found
