"""Pretraining: from texts to a base model that carries a text on; or, by the objective, to one that fills blanks.

Reads documents, trains or takes a tokeniser, cuts the documents into token shards, settles shape and plan, and hands over a `Training`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console

from onward.corpus.read import Document, documents, files
from onward.corpus.split import split_documents
from onward.errors import BadLine
from onward.model import families
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.tokens.train import train as train_tokenizer
from onward.train import cutting, machine, mixture, parent, said, size
from onward.train.mixture import Corpus, MixedBatches, Part
from onward.train.packing import Batch, Batches, Packing
from onward.train.parent import Parent
from onward.train.plan import Shape, TrainPlan, Wishes
from onward.train.progress import reading
from onward.train.repetition import MOST_PASSES
from onward.train.shards import Shards
from onward.train.tasks import TASKS, Task, task
from onward.train.texts import TextData
from onward.train.training import Training, keep_tokenizer, settled, sources_of, sources_of_texts
from onward.train.workspace import Workspace

SUITE = TASKS["next"].suite
HELD_OUT = f"text/{cutting.HELD_OUT}"
"""Where among the parts of a workspace the held-out shards lie."""
TOKENIZER_BYTES = 50_000_000
"""Text that the tokeniser is trained on, at most: more changes hardly any merge."""


def prepare(
    texts: Sequence[str],
    workspace: Workspace,
    wishes: Wishes,
    asked: Shape,
    *,
    tokenizer: Path | None = None,
    vocab: int | None = None,
    init: str | None = None,
    skip_bad: bool = False,
    objective: str = "next",
    block: int | None = None,
    console: Console,
) -> Training[TextData]:
    """Everything up to the first step. Parts that the workspace holds already are taken as they are.

    texts: files, folders, `hf:org/name`; with weights, as in `books.jsonl=0.7`, they are a mixture.   asked: of the new model's shape.
    tokenizer: a folder whose tokeniser to use, instead of training one of `vocab` tokens.   init: a model to go on from.
    objective: next, masked, prefix or diffusion; see tasks.py.   block: tokens that diffusion writes together; None: a whole text.
    Raises DataError, TokenizerError, PlanError, ConfigError, FolderError.
    """
    began, goal, most = time.perf_counter(), task(objective, block), wishes.passes or MOST_PASSES
    corpora = mixture.corpora(texts)
    reads = [Reading(corpus, skip_bad, console) for corpus in corpora]
    if init is not None:
        parent.check_alone(asked, tokenizer, vocab)
    before = Parent.find(init, objective) if init is not None else None
    found = machine.measure(wishes.device, wishes.precision)
    flops = size.compute(found, wishes)
    place = (
        _tokens_of(before, workspace, goal)
        if before
        else _tokenizer_place(workspace, reads, tokenizer, vocab, flops, goal)
    )
    cut = Tokenizer.load(place)
    bounds = parent.boundaries(cut, init or tokenizer)
    sides = [_cut(workspace, read, cut) for read in reads]
    tokens = sum(train.tokens for train, _ in sides)
    config, length, reasons, make = _model(before, workspace, wishes, asked, cut, flops, goal, tokens, most)
    goal = task(objective, config.block)
    parts = [_packed(read, side, cut, length, bounds, goal) for read, side in zip(reads, sides, strict=True)]
    found = machine.now(found)  # cutting has left less memory
    batch = size.batch(tokens, length, most=8192 if flops < 1e16 else 262_144)
    draft = TrainPlan(steps=1, length=length, batch_tokens=batch, rows_per_pass=1)
    draft = size.begin(draft, wishes, found, config)
    model = make()
    if before is not None:
        draft = parent.with_rates(draft, model, wishes)

    mixed = len(parts) > 1

    def batches(plan: TrainPlan) -> Callable[[int], Batch]:
        rows, seed = plan.rows, plan.seed
        clean = MixedBatches(parts, rows, seed) if mixed else Batches(parts[0].train, rows, seed)
        return goal.batches(clean.batch, cut, seed)

    def finish(seconds: float) -> TrainPlan:
        rows, spent = mixture.rows_in_a_pass(parts), time.perf_counter() - began
        plan = size.with_time(draft, wishes, seconds_per_step=seconds, rows=rows, most_passes=most, spent=spent)
        return size.explained(plan, reasons | (_passes(parts, plan) if mixed else {}))

    plan = settled(workspace, model, goal.objective, batches(draft), draft, finish)
    return Training(
        verb="pretrain",
        workspace=workspace,
        model=model,
        tokenizer=cut,
        tokenizer_folder=place,
        plan=plan,
        objective=goal.objective,
        batches=batches(plan),
        data=TextData(
            suite=goal.suite,
            tokenizer=cut,
            train=parts[0].train,
            held_out=parts[0].held_out,
            mask=goal.mask,
            measured=goal.results,
            mixture=parts if mixed else [],
            carries_on=config.causal,
        ),
        sources=_sources(corpora),
        parents=[before.lineage] if before else [],
        family=before.family if before else None,
        beginnings=said.beginnings(sides[0][1], bounds[0], length) if objective == "next" else (),
    )


def _model(
    before: Parent | None,
    workspace: Workspace,
    wishes: Wishes,
    asked: Shape,
    cut: Tokenizer,
    flops: float,
    goal: Task,
    unique: int,
    most: float,
) -> tuple[TrunkConfig, int, dict[str, str], Callable[[], LanguageModel]]:
    """The architecture to train, the length of its training sequences, why it has this shape, and what makes the model of it."""
    length = size.sequence_length(wishes, flops)
    if before is not None:
        usual = length
        length = workspace.once("length.json", lambda: {"length": before.length(wishes.length, usual)})["length"]
        before.check_tokens(cut, goal.tokens(cut))
        shape = before.shape(goal.architecture, length, cut.highest_id)
        return (
            shape,
            length,
            {},
            lambda: before.load(cut.highest_id) if shape == before.config else before.load_as(shape),
        )
    shape, reasons = size.shape(
        asked, vocab_size=cut.highest_id + 1, flops=flops, length=length, unique=unique, most_passes=most
    )
    family, wanted = goal.architecture(shape)
    config = families.from_hf_config(workspace.once("config.json", lambda: families.to_hf_config(wanted, family)))[1]
    said = {name: f"{getattr(config, name)}: {reason}" for name, reason in reasons.items()}
    return config, config.max_positions, said, lambda: LanguageModel(config).initialise(wishes.seed)


def _cut(workspace: Workspace, read: Reading, cut: Tokenizer) -> tuple[Shards, Shards]:
    """Both sides of a corpus as tokens: to train on, and held out."""
    name = "-".join(filter(None, ("text", mixture.label(read.corpus))))
    sides = workspace.part(name, lambda path: cutting.cut(read.documents("cutting the texts into tokens"), cut, path))
    return Shards(sides / cutting.TRAIN), Shards(sides / cutting.HELD_OUT)


def _packed(
    read: Reading, sides: tuple[Shards, Shards], cut: Tokenizer, length: int, bounds: tuple[int, int], goal: Task
) -> Part:
    train, kept = (Packing(side, length, bounds[0], goal.places, end_id=bounds[1]) for side in sides)
    return Part(read.corpus.name, read.corpus.share, train, goal.held_out(kept, cut))


def _passes(parts: Sequence[Part], plan: TrainPlan) -> dict[str, str]:
    """For the plan: each corpus with its share, and how often it is gone through."""
    rows = plan.steps * plan.rows
    return {
        part.name: f"{part.share:.4g}: share of the rows; {rows * part.share / part.train.rows:.1f} passes over it"
        for part in parts
    }


def _sources(corpora: Sequence[Corpus]) -> list[dict[str, Any]]:
    """What the texts were; those of a mixture with the share of the corpus that they belong to."""
    return [
        source | ({"corpus": corpus.name, "share": corpus.share} if corpus.name else {})
        for corpus in corpora
        for source in sources_of_texts(corpus.texts)
    ]


def cut_again(texts: Sequence[str], workspace: Workspace, cut: Tokenizer, skip_bad: bool, console: Console) -> Shards:
    """Texts that a model has been trained on, or others like them, for going over them again in a later stage."""
    return both_sides(texts, workspace, cut, skip_bad, console)[0]


def both_sides(
    texts: Sequence[str], workspace: Workspace, cut: Tokenizer, skip_bad: bool, console: Console
) -> tuple[Shards, Shards]:
    """Texts for a later stage: to train on, and held out."""
    return _cut(workspace, Reading(Corpus("", tuple(texts)), skip_bad, console), cut)


def request(
    texts: Sequence[str],
    wishes: Wishes,
    asked: Shape,
    *,
    init: str | None = None,
    objective: str = "next",
    block: int | None = None,
    **further: Any,
) -> dict[str, Any]:
    """What makes two starts the same run: the verb, the data as it is now, and everything that was asked for.

    Raises PlanError for an objective that there is not; and what `Parent.find` raises, before a workspace is begun.
    """
    task(objective, block)
    if init is not None:
        Parent.find(init, objective)
    found = {"verb": "pretrain", "texts": _sources(mixture.corpora(texts)), "objective": objective}
    if block is not None:
        further |= {"block": block}
    return found | asdict(wishes) | asdict(asked) | parent.request(init, sources_of) | further


class Reading:
    """The texts, read as often as they are needed, with progress; what is left out is told once, after the first whole reading."""

    def __init__(self, corpus: Corpus, skip_bad: bool, console: Console) -> None:
        self.corpus, self.skip_bad, self.console = corpus, skip_bad, console
        self.size = sum(path.stat().st_size for path in files(corpus.texts))
        self.told = False

    def documents(self, why: str) -> Iterator[Document]:
        skipped: list[BadLine] = []
        found = documents(self.corpus.texts, skip_bad=self.skip_bad, on_skip=skipped.append)
        title = f"{self.corpus.name}: {why}" if self.corpus.name else why
        yield from reading(self.console, title, found, self.size)
        if skipped and not self.told:
            self.told = True
            self.console.print(f"{len(skipped):,} bad lines left out; the first: {skipped[0]}")


def _tokens_of(before: Parent, workspace: Workspace, goal: Task) -> Path:
    """Where the tokeniser of a model to go on from lies: in its folder; in the workspace, if it gets special tokens that it lacks."""
    own = Tokenizer.load(before.path)
    needed = goal.tokens(own)
    if needed.highest_id == own.highest_id or not goal.grows:
        return before.path
    return workspace.part("tokenizer", lambda path: keep_tokenizer(needed, path))


def _tokenizer_place(
    workspace: Workspace, reads: Sequence[Reading], given: Path | None, vocab: int | None, flops: float, goal: Task
) -> Path:
    """Where the tokeniser of a new model lies: the one given, or one that is trained; with the special tokens of the objective."""

    def make(path: Path) -> None:
        made = Tokenizer.load(given) if given is not None else _train_tokenizer(reads, vocab or size.vocabulary(flops))
        keep_tokenizer(goal.tokens(made), path)

    return workspace.part("tokenizer", make)


def _train_tokenizer(reads: Sequence[Reading], wanted: int) -> Tokenizer:
    """From what is learned from; of a mixture, each corpus has its share of the text too."""

    def texts(read: Reading) -> Iterator[str]:
        found = read.documents(f"training a tokenizer of {wanted:,} tokens")
        sides = (document.text for document, is_held_out in split_documents(found) if not is_held_out)
        return up_to(round(TOKENIZER_BYTES * read.corpus.share), sides)

    return train_tokenizer(chain.from_iterable(map(texts, reads)), wanted)


def up_to(most: int, texts: Iterable[str]) -> Iterator[str]:
    """Texts until together they have `most` characters."""
    taken = 0
    for text in texts:
        yield text
        taken += len(text)
        if taken >= most:
            return
