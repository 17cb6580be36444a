"""Learning to draft: heads or a block drafter beside a model that stays as it is (generate/drafters/heads.py, block.py).

What is learned at each place is the model's own distribution there, not the text's next token: it is the model that will be foretold, and
a distribution says more than a draw from it (Hinton et al. 2015, arXiv 1503.02531). Best are texts as the model will write them, so for a
chat model its own answers (onward distil --answers-only). Left out: changing the model, so that it is easier to foretell (Medusa-2).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from onward.align.instruct import cut_chats
from onward.corpus.chats import read_chats
from onward.errors import DataError, PlanError
from onward.generate.drafters.block import Block
from onward.generate.drafters.heads import Heads
from onward.generate.drafters.learned import BESIDE, Foretelling, save
from onward.lineage import Lineage, Result
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine, measure, pretrain, processes, size
from onward.train.learned import weight_bytes
from onward.train.measure import Measured, Metric
from onward.train.objectives import Loss, backwards
from onward.train.packing import IGNORE, Batch, Batches, Packing
from onward.train.parent import Parent, boundaries, files_of
from onward.train.plan import TrainPlan, Wishes
from onward.train.shards import Shards
from onward.train.soft_targets import summed_soft_cross_entropy
from onward.train.texts import TextData
from onward.train.training import Training, settled, sources_of, sources_of_texts
from onward.train.workspace import Workspace

KINDS: dict[str, type[Heads | Block]] = {"heads": Heads, "block": Block}
SUITE = "held-out texts, foretold"
IN_A_ROW = Metric(name="held_out_in_a_row", words="tokens foretold in a row", short="foretold in a row", chance=None)
"""How many of the guesses, from the first on, are what the model itself finds likeliest, the text being given."""
PASSES = 10.0
"""Over the data at most, where nothing is said. The model's own distributions are harder to learn by heart than tokens."""
RATES = {"heads": (0.006, 0.008), "block": (0.006, 0.005)}
"""Of matrices in blocks (Muon), and of everything else (AdamW)."""
LONGEST = 1024


# --- what is learned --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Places of a batch from which to foretell, N in all: a text has been read up to there, and the next token has been drawn.

    rows, at: (N,).   ids, there: (N, window), as `Foretelling.guesses` takes them.
    """

    rows: Tensor
    at: Tensor
    ids: Tensor
    there: Tensor

    @classmethod
    def of(cls, batch: Batch, learned: Foretelling) -> Places:
        """Every so many of the places that have a target; with which one it begins is decided by what the row says."""
        has = (batch.targets != IGNORE) & (batch.documents >= 0)
        number = has.cumsum(1) + batch.inputs.sum(1, keepdim=True)
        rows, at = (has & (number % learned.every == 0)).nonzero().T
        drawn = batch.targets[rows, at]
        back = at[:, None] - torch.arange(learned.window - 2, -1, -1, device=at.device)
        before = batch.inputs[rows[:, None], back.clamp(min=0)]
        own = batch.documents[rows[:, None], back.clamp(min=0)] == batch.documents[rows, at][:, None]
        there = torch.cat([own & (back >= 0), torch.ones_like(drawn[:, None], dtype=torch.bool)], dim=1)
        return cls(rows, at, torch.cat([before, drawn[:, None]], dim=1), there)

    def after(self, batch: Batch, further: int) -> tuple[Tensor, Tensor]:
        """Which of them have a target so many places on, (N,) bool; and where that is, (N,)."""
        at = (self.at + further).clamp(max=batch.targets.shape[1] - 1)
        alike = batch.documents[self.rows, at] == batch.documents[self.rows, self.at]
        return alike & (at == self.at + further) & (batch.targets[self.rows, at] != IGNORE), at


def _guessed(model: LanguageModel, batch: Batch) -> tuple[Foretelling, Tensor, Places, Tensor]:
    """What learns; the model's hidden states, (B, L, width); the places that are looked at; and what is guessed there."""
    learned = beside(model)
    with torch.no_grad():
        hidden = model.hidden(batch.inputs, batch.positions, backwards(batch))
    places = Places.of(batch, learned)
    return learned, hidden, places, learned.guesses(model, hidden[places.rows, places.at], places.ids, places.there)


def foretelling(model: LanguageModel, batch: Batch) -> Loss:
    """KL(model || guess) in nats, a mean over the guesses; every target of the batch is counted as if it had been guessed from."""
    learned, hidden, places, guesses = _guessed(model, batch)
    words = model.embedding.tokens.weight
    total = guesses.sum() * 0.0  # so that there is a gradient, where there is nothing to foretell
    for number in range(learned.ahead):
        has, at = places.after(batch, number + 1)
        rows, at = places.rows[has], at[has]
        told = model.head.factors(hidden[rows, at], words)
        guessed = model.head.factors(guesses[has, number], words)
        total = total + summed_soft_cross_entropy(guessed, told, batch.targets[rows, at], 1.0)[0]
    return Loss(total * learned.every / (learned.ahead * batch.learnable), batch.learnable)


@torch.no_grad()
def in_a_row(model: LanguageModel, batch: Batch) -> Tensor:
    """To each place that is looked at, how many guesses are right from the first on, times `every`; 0 elsewhere.   Returns (B, L)."""
    learned, hidden, places, guesses = _guessed(model, batch)
    right, count = torch.ones_like(places.rows, dtype=torch.bool), torch.zeros_like(places.rows)
    for number in range(learned.ahead):
        has, at = places.after(batch, number + 1)
        own = model.logits(hidden[places.rows, at]).argmax(-1)
        right &= has & (model.logits(guesses[:, number]).argmax(-1) == own)
        count += right
    found = torch.zeros(batch.targets.shape, device=count.device)
    found[places.rows, places.at] = count.float() * learned.every
    return found


def beside(model: LanguageModel) -> Heads | Block:
    """What learns beside a model."""
    found = getattr(model, BESIDE)
    assert isinstance(found, Heads | Block)
    return found


def put_beside(model: LanguageModel, kind: str, shape: Mapping[str, int], seed: int) -> LanguageModel:
    """Something that will learn, beside a model that stays as it is.   Returns the model.   Raises PlanError."""
    model.requires_grad_(False)
    model.add_module(BESIDE, KINDS[kind].shaped(model, **shape).initialise(model, seed))
    return model


@dataclass(kw_only=True)
class ForetoldData(TextData):
    """Texts or chats, of which a model's further tokens are foretold."""

    metric: Metric = field(default=IN_A_ROW)

    def measure(self, model: LanguageModel, plan: TrainPlan, targets: int) -> dict[str, Measured]:
        found = measure.over_documents(
            model,
            self.held_out,
            lambda batch: in_a_row(model, batch),
            torch.ones(model.config.vocab_size, dtype=torch.int64),
            targets=targets,
            device=plan.device,
            precision=plan.precision,
        )
        return {"": found}

    def results(self, model: LanguageModel, plan: TrainPlan) -> list[Result]:
        """Beside what it was before it had learned anything."""
        learned, after = beside(model), self.measure(model, plan, measure.AT_THE_END)[""]
        put_beside(model, learned.kind, learned.shape(), plan.seed).to(plan.device)
        before = self.measure(model, plan, measure.AT_THE_END)[""].value
        model.add_module(BESIDE, learned)
        said = measure.result(
            self.suite, after, seed=plan.seed, baseline=before, metric=IN_A_ROW.words, chance=IN_A_ROW.chance
        )
        return [said]


# --- the training -----------------------------------------------------------------------------------------------------


def prepare(
    base: Path,
    data: Sequence[str],
    workspace: Workspace,
    wishes: Wishes,
    *,
    kind: str,
    ahead: int,
    skip_bad: bool = False,
    console: Console,
) -> Training[ForetoldData]:
    """Everything up to the first step.   data: texts as pretraining takes them, or one file or folder of conversations.   ahead: tokens.

    Raises FolderError, TokenizerError, ChatError, DataError, PlanError.
    """
    began = time.perf_counter()
    processes.alone("train-heads")
    _check(kind)
    tokenizer, parent = Tokenizer.load(base), Parent.instructed(base)
    found = machine.measure(wishes.device, wishes.precision)
    model = put_beside(parent.load(tokenizer.highest_id), kind, {"ahead": ahead}, wishes.seed)
    learning = sum(parameter.numel() for parameter in beside(model).parameters())
    length = parent.length(wishes.length, LONGEST)
    train, held_out = _packed(base, data, tokenizer, length, workspace, skip_bad, console)
    lr, lr_embedding = RATES[kind]
    draft = size.begin(
        TrainPlan(
            steps=1,
            length=length,
            batch_tokens=size.batch(train.shards.tokens, length, most=4096),
            rows_per_pass=1,
            lr=lr,
            lr_embedding=lr_embedding,
        ),
        wishes,
        found,
        model.config,
        weights=weight_bytes(model, found.precision),
    )
    said = {
        kind: f"{ahead}: tokens foretold after the next one; {learning:,} weights learn, the model stays as it is",
        "compile": "the model that computes is not the part that learns",
        "lr": "instruction tuning's",
        "lr_embedding": "the best of those tried for heads (docs/drafters.md)",
    }
    draft = size.explained(replace(draft, compile=False), said)
    batches = Batches(train, draft.rows, draft.seed).batch

    def finish(seconds: float) -> TrainPlan:
        most = None if wishes.steps else wishes.passes or PASSES
        spent = time.perf_counter() - began
        return size.with_time(draft, wishes, seconds_per_step=seconds, rows=train.rows, most_passes=most, spent=spent)

    return Training(
        verb="train-heads",
        workspace=workspace,
        model=model,
        tokenizer=tokenizer,
        tokenizer_folder=base,
        plan=settled(workspace, model, foretelling, batches, draft, finish),
        objective=foretelling,
        batches=batches,
        data=ForetoldData(suite=SUITE, tokenizer=tokenizer, train=train, held_out=held_out),
        sources=sources_of_texts(data),
        parents=[parent.lineage],
        family=parent.family,
        write=write,
    )


def write(
    out: Path,
    model: LanguageModel,
    *,
    lineage: Lineage,
    family: str | None,
    tokenizer_folder: Path,
    generation: Mapping[str, Any] | None,
    force: bool,
    further: Mapping[str, bytes],
) -> None:
    """The drafter's folder. The model and its tokeniser stay where they are."""
    del family, tokenizer_folder, generation
    save(out, model, beside(model), lineage, further, force)


def request(
    base: Path, data: Sequence[str], wishes: Wishes, *, kind: str, ahead: int, skip_bad: bool
) -> dict[str, Any]:
    """What makes two starts the same run.   Raises FolderError where the base is no model folder, PlanError for an unknown kind."""
    _check(kind)
    folder.read_config(base)
    sources = {"base": sources_of(files_of(base)), "data": sources_of_texts(data)}
    return {"verb": "train-heads", "kind": kind, "ahead": ahead, "skip_bad": skip_bad} | sources | asdict(wishes)


def _check(kind: str) -> None:
    if kind not in KINDS:
        raise PlanError(f"--kind {kind}: choose {' or '.join(KINDS)}.")


def _packed(
    base: Path,
    data: Sequence[str],
    tokenizer: Tokenizer,
    length: int,
    workspace: Workspace,
    skip_bad: bool,
    console: Console,
) -> tuple[Packing, Packing]:
    """To learn from, and held out: of conversations the answers, of texts everything."""
    if not _are_chats(data, skip_bad):
        begin, end = boundaries(tokenizer, base)
        sides = pretrain.both_sides(data, workspace, tokenizer, skip_bad, console)
        train, kept = (Packing(side, length, begin, end_id=end) for side in sides)
        return train, kept

    def side(name: str, wanted: bool) -> Packing:
        part = workspace.part(name, lambda path: cut_chats(Path(data[0]), tokenizer, path, wanted, skip_bad, console))
        return Packing(Shards(part), length, tokenizer.pad_id)

    return side("chats", False), side("chats-held-out", True)


def _are_chats(data: Sequence[str], skip_bad: bool) -> bool:
    if len(data) != 1 or data[0].startswith("hf:"):
        return False
    try:
        read_chats(data[0], skip_bad=skip_bad)
    except DataError:
        return False
    return True
