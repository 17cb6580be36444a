"""The road: from texts and chats to a model that one can talk to, in one run folder.

    runs/NAME/   data/ (tokeniser, token shards)   base/   sft/   samples.json   report.html

Whoever gives no texts walks it in the built-in world (country.py), whose data lie in data/ too. There it goes on, from votes on the model's
own answers (votes.py) to reward/, a model of what is liked, and by reinforcement to chat/; the stages are examined (exam.py, manners.py).
Each stage is a model folder that appears whole; started again by the same command, the road goes on with the first that is missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from onward import lineage
from onward.align import instruct, reward
from onward.align.policy import reinforce
from onward.align.wishes import RewardWishes, RolloutWishes
from onward.build import country, exam, manners, votes
from onward.corpus.chats import chat_files, read_chats
from onward.errors import OutputError
from onward.files import write_json
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Request
from onward.generate.load import open_folder
from onward.generate.settings import Sampling
from onward.generate.stages import STAGES
from onward.lineage import Result
from onward.report.judging import page as judging
from onward.report.page import write_report
from onward.report.reinforcing import page as reinforcing
from onward.train import cutting, logs, machine, measure, pretrain, size
from onward.train.packing import Packing
from onward.train.plan import Shape, TrainPlan, Wishes
from onward.train.shards import Shards
from onward.train.size import MINUTES
from onward.train.training import Training, sources_of, sources_of_texts
from onward.train.workspace import CHECKPOINTS, Workspace, claimed, goes_on

SHARES = {"base": 0.7, "sft": 0.24}
"""Of the minutes; half of the second goes over the texts again. The rest is for measuring and the report."""
SHARES_IN_THE_WORLD = {"base": 0.55, "sft": 0.19, "reward": 0.09, "chat": 0.14}
PRICE = 0.2
"""Of a nat of divergence, in the reward model's units, where a difference of one is e to 1. At 0.05 it learns to say that it does not know,
which the reward model finds safe (docs/results.md)."""
SAMPLES = 4
MADE = ("data", *STAGES, *(f"{stage}.training" for stage in STAGES), "samples.json", "report.html")
"""What a road puts into its folder. Only this is ever replaced; anything else in it is somebody's own."""
WORTH = ("*/onward.json", f"*.training/{CHECKPOINTS}/step-*")
"""What minutes were spent on."""


@dataclass(frozen=True, kw_only=True)
class Road:
    """What to build, from what, and where.   world: from texts and chats that do not exist yet, and are made on the way."""

    out: Path
    texts: Sequence[str]
    chats: Path | None
    wishes: Wishes
    asked: Shape
    vocab: int | None = None
    world: bool = False
    skip_bad: bool = False
    force: bool = False
    log: str | None = None

    @classmethod
    def in_the_world(cls, out: Path, wishes: Wishes, asked: Shape, vocab: int | None = None, **further: Any) -> Road:
        """The default."""
        data = out / "data"
        return cls(
            out=out,
            texts=country.texts(data),
            chats=country.chats(data),
            wishes=country.wishes(wishes),
            asked=country.shape(asked),
            vocab=vocab or country.VOCAB,
            world=True,
            **further,
        )

    def request(self) -> dict[str, Any]:
        """What makes two starts the same run. The chats are left out: they may be mended while the base model stays."""
        texts = "the built-in world" if self.world else sources_of_texts(self.texts)
        return {"verb": "build", "texts": texts, "vocab": self.vocab} | asdict(self.wishes) | asdict(self.asked)

    @property
    def chat_parts(self) -> Path:
        """Where the token shards of the chats lie, apart from those of chats that have been mended since."""
        assert self.chats is not None
        hashes = "".join(source["sha256"] for source in sources_of(chat_files(self.chats)))
        return self.out / "data" / f"chats-{hashlib.sha256(hashes.encode()).hexdigest()[:12]}"

    def wishes_of(self, stage: str) -> Wishes:
        """A stage's share of the minutes, or of the steps; the base model gets the shares of stages that are not asked for."""
        shares = SHARES_IN_THE_WORLD if self.world else SHARES
        share = shares[stage] if self.chats else sum(shares.values())
        if self.wishes.steps:
            return replace(self.wishes, steps=max(1, round(self.wishes.steps * share)))
        return replace(self.wishes, minutes=(self.wishes.minutes or MINUTES) * share)


Look = Callable[[Training[Any]], None]
"""Called with each stage before its minutes are spent: the preflight."""


def build(road: Road, console: Console, look: Look) -> Path:
    """Walk the road, or what is left of it. Returns the folder of the last stage.   Raises OnwardError, KeyboardInterrupt."""
    logs.check(road.log)
    check(road)
    inputs = [road.chats] if road.chats and not road.world else []
    with claimed(road.out, road.request(), force=road.force, worth=WORTH, made=MADE, inputs=inputs):
        return _walk(road, console, look)


def _walk(road: Road, console: Console, look: Look) -> Path:
    if road.world:
        country.make(road.out / "data", road.wishes.seed, console)
    if road.chats is not None:
        _check_same_chats(road, road.chats)
    stages = {"base": _base, "sft": _sft} if road.chats else {"base": _base}
    if road.world:
        stages |= {"reward": _reward, "chat": _chat}
    for stage, make in stages.items():
        if not (road.out / stage).exists():
            console.print(stage, style="bold")
            make(road, console, look)
    if not (road.out / "samples.json").exists():
        _compare(road, list(stages), console)
    write_report(road.out)
    return road.out / stage


def _compare(road: Road, stages: Sequence[str], console: Console) -> None:
    """Measure every stage on what each has held out, let it speak, and say in the last one's lineage what to ask it."""
    console.print("comparing the stages on held-out data")
    models = {stage: open_folder(road.out / stage, device=road.wishes.device) for stage in stages if stage != "reward"}
    worth: manners.Worth | None = None
    for stage, model in models.items():
        lineage.add_results(road.out / stage, _measured(road, stage, model))
        if road.world:
            console.print(f"examining {stage}: questions and requests on people whom no training question was about")
            world, talks, seed = country.world(road.out / "data"), stage != "base", road.wishes.seed
            found, worth = manners.examine(model, world, talks=talks, seed=seed, before=worth)
            lineage.add_results(road.out / stage, exam.examine(model, world, talks=talks, seed=seed) + found)
    samples = _samples(road, models)
    about = country.ABOUT if road.world else ""
    lineage.introduce(road.out / stages[-1], about, [answered["question"] for answered in samples["answered"]])
    write_json(road.out / "samples.json", samples)


def check(road: Road) -> None:
    """See, before anything is touched or minutes are spent, that the chats can be read, that a model of this shape can be trained
    here, and that the folder may be written."""
    if road.chats is not None and not road.world:
        for _ in instruct.sides(read_chats(road.chats, skip_bad=road.skip_bad)):
            pass
    wishes, found = road.wishes_of("base"), machine.measure(road.wishes.device, road.wishes.precision, seconds=0)
    flops = size.compute(found, wishes)
    length = size.sequence_length(wishes, flops)
    config, _ = size.shape(road.asked, vocab_size=road.vocab or size.vocabulary(flops), flops=flops, length=length)
    size.begin(TrainPlan(steps=1, length=length, batch_tokens=length, rows_per_pass=1), wishes, found, config)
    goes_on(road.out, road.request(), force=road.force, worth=WORTH)


def _check_same_chats(road: Road, chats: Path) -> None:
    """See that a stage made from chats was made from these."""
    made = lineage.read(road.out / "sft")
    if made is not None and made.data != sources_of(chat_files(chats)):
        raise OutputError(
            f"{road.out}/sft was made from other chats. Choose another place with -o, or remove that folder to make it anew."
        )


def _base(road: Road, console: Console, look: Look) -> None:
    request = pretrain.request(road.texts, road.wishes_of("base"), road.asked, vocab=road.vocab)
    with Workspace(road.out / "base", request, parts=road.out / "data") as place:
        training = _prepared(road, place, console)
        look(training)
        training.run(console, road.log)


def plan(road: Road, place: Workspace, console: Console) -> Training[Any]:
    """The base model's training as it would be prepared, in a place that goes away."""
    if road.world:
        country.make(place.folder, road.wishes.seed, console)
        road = replace(road, texts=country.texts(place.folder))
    return _prepared(road, place, console)


def _prepared(road: Road, place: Workspace, console: Console) -> Training[Any]:
    wishes = road.wishes_of("base")
    return pretrain.prepare(
        road.texts, place, wishes, road.asked, vocab=road.vocab, skip_bad=road.skip_bad, console=console
    )


def _sft(road: Road, console: Console, look: Look) -> None:
    assert road.chats is not None
    wishes = replace(road.wishes_of("sft"), lr=None, passes=None)  # these were meant for the base
    request = instruct.request(road.out / "base", road.chats, wishes, skip_bad=road.skip_bad)
    with Workspace(road.out / "sft", request, parts=road.chat_parts) as place:
        training = instruct.prepare(
            road.out / "base",
            road.chats,
            place,
            wishes,
            replay=lambda _: Shards(road.out / "data" / "text" / cutting.TRAIN),
            skip_bad=road.skip_bad,
            console=console,
        )
        look(training)
        training.run(console, road.log)


def _later(road: Road, stage: str) -> Wishes:
    """What was meant for the base model is not meant for these."""
    return replace(road.wishes_of(stage), lr=None, passes=None, batch=None, length=None)


def _reward(road: Road, console: Console, look: Look) -> None:
    data, sft, wishes, asked = road.out / "data", road.out / "sft", _later(road, "reward"), RewardWishes()
    voted = data / "votes.jsonl"
    if not voted.exists():
        console.print("letting the model answer requests, and voting on its answers")
        with console.status("it answers"):
            model = open_folder(sft, device=wishes.device)
            number = votes.collect(model, country.requests(data), voted, wishes.seed)
        console.print(f"{number:,} votes on the model's own answers, two by two, a tenth of them wrong")
    with Workspace(road.out / "reward", reward.request(sft, voted, wishes, asked)) as place:
        training = reward.prepare(sft, voted, place, wishes, asked, console=console)
        look(training)
        judging.write_page(training.run(console, road.log))


def _chat(road: Road, console: Console, look: Look) -> None:
    sft, requests, wishes = road.out / "sft", country.requests(road.out / "data"), _later(road, "chat")
    asked = RolloutWishes(max_tokens=votes.LONGEST, kl=PRICE)
    by: dict[str, Any] = {"method": "ppo", "rewards": [str(road.out / "reward")], "watched": ["gold"]}
    with Workspace(road.out / "chat", reinforce.request(sft, requests, wishes, asked=asked, **by)) as place:
        training = reinforce.prepare(sft, requests, place, wishes, asked=asked, console=console, **by)
        look(training)
        reinforcing.write_page(training.run(console, road.log))


def _measured(road: Road, stage: str, model: FolderModel) -> list[Result]:
    """Bits per byte of what is held out and was not measured yet: a stage measures its own suite when it is trained. What a later
    stage has cost, and what an earlier one knew already, shows too."""
    history = lineage.read(road.out / stage)
    known = {result.suite for result in history.results} if history else set()
    places = {pretrain.SUITE: road.out / "data" / pretrain.HELD_OUT}
    if road.chats is not None:
        places[instruct.SUITE] = road.chat_parts / "chats-held-out"
    return [_result(road, model, suite, place) for suite, place in places.items() if suite not in known]


def _result(road: Road, model: FolderModel, suite: str, place: Path) -> Result:
    engine = model.engine
    packing = Packing(Shards(place), engine.room, engine.tokenizer.pad_id)
    value = measure.held_out(
        engine.model,
        packing,
        engine.tokenizer,
        targets=measure.AT_THE_END,
        device=str(engine.device),
        precision="fp32",
    )
    return measure.result(suite, value, seed=road.wishes.seed, baseline=None)


def _samples(road: Road, models: dict[str, FolderModel]) -> dict[str, Any]:
    """What each stage says, with the same seed: beginnings of held-out texts carried on, and held-out questions answered."""
    base = models["base"]
    shards = Shards(road.out / "data" / pretrain.HELD_OUT)
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
    if road.world:
        return country.tries(road.out / "data")
    found: list[dict[str, str]] = []
    if road.chats is None:
        return found
    for conversation, is_held_out in instruct.sides(read_chats(road.chats, skip_bad=road.skip_bad)):
        turns = [message for message in conversation.messages if message["role"] != "system"]
        asked = turns[0]["role"] == "user" and turns[1:2] and turns[1]["role"] == "assistant"
        if is_held_out and asked and len(turns[0]["content"]) < 200:
            found.append({"question": turns[0]["content"], "person": turns[1]["content"]})
        if len(found) == SAMPLES:
            break
    return found
