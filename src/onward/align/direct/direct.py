"""Direct preference optimisation: DPO, IPO and KTO on rankings of answers, without a reward model and without drawing answers.

The model that they begin with is the reference that they are held to. The losses are in losses.py. Left out: learning a reward and then
reinforcing it (reward.py, policy), which can go beyond the answers that were given; thumbs up or down on single answers, for which KTO was
made: here its better and worse answers come from rankings; and the balance of experts, where there are any.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from safetensors.numpy import load, save

from onward.align.direct import losses
from onward.align.direct.log_probs import of_answers, reference
from onward.align.direct.measuring import DirectData
from onward.align.direct.pairs import PairBatch, Paired
from onward.align.ranked_steps import LONGEST, RankedSteps
from onward.align.rankings import read
from onward.corpus.preferences import preference_files
from onward.errors import PlanError
from onward.files import write_bytes
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine, processes, size
from onward.train.objectives import Loss
from onward.train.packing import Batches
from onward.train.parent import Parent, files_of
from onward.train.plan import TrainPlan, Wishes
from onward.train.training import Training, settled, sources_of
from onward.train.workspace import Workspace

METHODS = ("dpo", "ipo", "kto")
PASSES = 3.0
"""Most passes over the rankings where nothing is said."""
RATE = 0.0003
"""A twentieth of instruction tuning's. Three times as much ranked no more held-out pairs right, and went six times as far from the start
model (the small chat model on polite against rude, 45 steps)."""
SHARE = 0.8
"""Of the rate of the matrices that embeddings and gains have, as in pretraining."""


def objective_of(method: str, beta: float) -> Callable[[LanguageModel, PairBatch], Loss]:
    """The method's loss: a mean over the pairs of a ranking, and over rankings.

    Its stats: margin, how far the implicit rewards of better and worse answers are apart; right, the share of pairs that they rank right;
    log_prob_better and log_prob_worse, so that one sees whether both fall; of KTO, kl, the divergence that it compares with.
    """

    def objective(model: LanguageModel, batch: PairBatch) -> Loss:
        answers, (better, worse, weight) = batch.answers, batch.pairs()
        policy, start, tokens = of_answers(model, answers), answers.reference, answers.tokens
        given = policy[better], policy[worse], start[better], start[worse]
        stats = {}
        if method == "ipo":
            found = losses.ipo(*given, tokens[better], tokens[worse], beta)
        elif method == "kto":
            assert batch.mismatched is not None
            with torch.no_grad():
                away = losses.reference_point(of_answers(model, batch.mismatched), batch.mismatched.reference)
            found, stats["kl"] = losses.kto(*given, away, beta), away.item()
        else:
            found = losses.dpo(*given, beta)
        share = weight / batch.learnable
        rewards = beta * (policy - start).detach() / (tokens if method == "ipo" else 1)
        ahead = rewards[better] - rewards[worse]
        stats["margin"] = (share * ahead).sum().item()
        stats["right"] = (share * ((ahead > 0) + 0.5 * (ahead == 0))).sum().item()
        stats["log_prob_better"] = (share * policy[better].detach()).sum().item()
        stats["log_prob_worse"] = (share * policy[worse].detach()).sum().item()
        return Loss((share * found).sum(), batch.learnable, stats)

    return objective


def prepare(
    base: Path,
    preferences: Path,
    workspace: Workspace,
    wishes: Wishes,
    *,
    method: str,
    beta: float,
    skip_bad: bool = False,
    console: Console,
) -> Training[DirectData]:
    """Everything up to the first step.   base: an instructed model, which is the reference too.   method: of METHODS.

    Raises FolderError, TokenizerError, DataError, PlanError.
    """
    began = time.perf_counter()
    _check(method, beta)
    processes.alone("rl")
    tokenizer, parent = Tokenizer.load(base), Parent.instructed(base)
    found = machine.measure(wishes.device, wishes.precision)
    model = parent.load(tokenizer.highest_id)
    train, held_out = _read(preferences, tokenizer, parent, wishes, method, skip_bad, console)
    steps = _steps(train, wishes, found, model)
    draft = size.explained(
        steps.draft, {"method": f"{method}, beta {beta:g}: how strongly it is held to the model that it begins with"}
    )
    _refer(workspace, model, train, held_out, draft, console)
    batches, objective = Batches(train, steps.at_once, draft.seed).batch, objective_of(method, beta)
    finish = replace(steps, draft=draft).finish(wishes, PASSES, began)

    return Training(
        verb="rl",
        workspace=workspace,
        model=model,
        tokenizer=tokenizer,
        tokenizer_folder=base,
        plan=settled(workspace, model, objective, batches, draft, finish),
        objective=objective,
        batches=batches,
        data=DirectData(
            tokenizer=tokenizer,
            train=train.rankings,
            held_out=held_out.rankings,
            paired=train,
            paired_held_out=held_out,
            beta=beta,
            per_token=method == "ipo",
            confident=method == "dpo",
            start=lambda: parent.load(tokenizer.highest_id),
        ),
        sources=sources_of(preference_files(preferences)),
        parents=[parent.lineage],
        family=parent.family,
    )


def _check(method: str, beta: float) -> None:
    if method not in METHODS:
        raise PlanError(f"{method} does not learn from preferences directly; choose {', '.join(METHODS)}.")
    if not 0 < beta <= 1000:
        raise PlanError(f"--kl {beta:g}: it must be a number above 0, and at most 1000, such as 0.1.")


def _read(
    path: Path,
    tokenizer: Tokenizer,
    parent: Parent,
    wishes: Wishes,
    method: str,
    skip_bad: bool,
    console: Console,
) -> tuple[Paired, Paired]:
    """Learned from, and held out."""
    learned, kept = read(path, tokenizer, skip_bad=skip_bad, console=console)
    length = parent.length(wishes.length, LONGEST)
    train = Paired(learned, length, tokenizer.pad_id, mismatched_by=wishes.seed if method == "kto" else None)
    return train, Paired(kept, length, tokenizer.pad_id)


def _steps(train: Paired, wishes: Wishes, found: machine.Machine, model: LanguageModel) -> RankedSteps:
    rate, sizes = wishes.lr or RATE, [len(row.ids) for row in train.own]
    reasons = {"lr_embedding": f"{SHARE:g} of lr, as in pretraining"}
    steps = RankedSteps.begin(
        sizes, train.rows, wishes, found, model.config, lr=rate, lr_embedding=SHARE * rate, reasons=reasons
    )
    if wishes.lr is not None:
        return steps
    why = "a twentieth of instruction tuning's: more goes further from the start model and ranks no more pairs right"
    return replace(steps, draft=size.explained(steps.draft, {"lr": why}))


def _refer(
    workspace: Workspace, model: LanguageModel, train: Paired, held_out: Paired, plan: TrainPlan, console: Console
) -> None:
    """Put what the start model gives to all answers beside them: read once, and kept in the workspace."""

    def make(path: Path) -> None:
        sides = {"own": train.own, "mismatched": train.mismatched, "held_out": held_out.own}
        pad_id = train.rankings.pad_id
        write_bytes(path, save({name: reference(model, rows, plan, pad_id, console) for name, rows in sides.items()}))

    kept = load(workspace.part("reference.safetensors", make).read_bytes())
    train.reference, train.reference_mismatched = kept["own"], kept["mismatched"]
    held_out.reference = kept["held_out"]


def request(
    base: Path, preferences: Path, wishes: Wishes, *, method: str, beta: float, **further: Any
) -> dict[str, Any]:
    """What makes two starts the same run.   Raises FolderError where the base is no model folder."""
    folder.read_config(base)
    sources = {"base": sources_of(files_of(base)), "preferences": sources_of(preference_files(preferences))}
    return {"verb": "rl", "method": method, "beta": beta} | sources | asdict(wishes) | further
