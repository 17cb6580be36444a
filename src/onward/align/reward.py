"""A reward model: an instructed model whose head gives one number, learned from which of several answers were found better.

The loss is Bradley and Terry's (1952) for pairs, with the number at the answer's last token as its strength, as in Ouyang et al. 2022
(arXiv 2203.02155, section 3.5), and Plackett and Luce's for longer rankings, which is the same where there are two. Left out: rewards of
single steps, and what is done with a reward (reinforcement).
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from rich.console import Console
from torch import Tensor

from onward.align.ranked_steps import LONGEST, RankedSteps
from onward.align.rankings import RankedBatch, RankingData, Rankings, read
from onward.align.wishes import RewardWishes
from onward.corpus.preferences import preference_files
from onward.errors import PlanError
from onward.model import folder
from onward.model.reward import rewards, with_score_head
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine
from onward.train.objectives import Loss
from onward.train.packing import Batches
from onward.train.parent import Parent, files_of
from onward.train.plan import Wishes
from onward.train.training import Training, settled, sources_of
from onward.train.workspace import Workspace

PASSES = 2.0
"""Most passes over the rankings where nothing is said: with more, reward models learn them by heart."""
CENTRE = 0.01
"""Weight of the squared sum of a ranking's rewards. Only differences are learned; this holds their middle at zero, where adding up several
reward models needs it (Eisenstein et al. 2023, arXiv 2312.09244, section 2)."""


def preference_loss(model: LanguageModel, batch: RankedBatch) -> Loss:
    """Plackett-Luce: minus the log-probability of each ranking, a mean over its choices; of two answers, Bradley-Terry.

    With answers 1 to k, the best first: mean over i < k of logsumexp(r_i ... r_k) - r_i.
    """
    table, there = _by_ranking(rewards(model, batch.ids, batch.lengths), batch)
    rest = table.flip(1).logcumsumexp(1).flip(1)  # of each answer and all that are worse
    chosen = there[:, 1:]  # the last one is no choice
    losses = ((rest - table)[:, :-1] * chosen).sum(1) / chosen.sum(1)
    return _loss(losses, table, there, batch)


def margin_loss(model: LanguageModel, batch: RankedBatch) -> Loss:
    """Bradley-Terry over all pairs of a ranking, where the better answer must be ahead by as much as its score is.

    -log sigmoid(r_better - r_worse - (s_better - s_worse)), a mean over the pairs.   Source: Touvron et al. 2023 (arXiv 2307.09288), eq. 2.
    """
    table, there = _by_ranking(rewards(model, batch.ids, batch.lengths), batch)
    scores, _ = _by_ranking(batch.scores, batch)
    pairs = (there[:, :, None] & there[:, None, :]).triu(1)  # better, worse
    ahead = (table[:, :, None] - table[:, None, :]) - (scores[:, :, None] - scores[:, None, :])
    losses = (-F.logsigmoid(ahead) * pairs).sum((1, 2)) / pairs.sum((1, 2))
    return _loss(losses, table, there, batch)


def _by_ranking(values: Tensor, batch: RankedBatch) -> tuple[Tensor, Tensor]:
    """A row for each ranking, (R, K), with a very low number where it has no further answer; and where it has one, (R, K) bool."""
    sizes = torch.bincount(batch.ranking, minlength=batch.learnable)
    there = torch.arange(int(sizes.max()), device=values.device)[None] < sizes[:, None]
    table = torch.full(there.shape, -1e9, dtype=values.dtype, device=values.device)
    return table.masked_scatter(there, values), there


def _loss(losses: Tensor, table: Tensor, there: Tensor, batch: RankedBatch) -> Loss:
    """The weighted mean over the rankings, and the share of neighbours in the right order."""
    centre = torch.where(there, table, 0.0).sum(1).square()
    value = (batch.weights * losses).mean() + CENTRE * centre.mean()
    neighbours = there[:, 1:]
    right = ((table[:, :-1] > table[:, 1:]) & neighbours).sum() / neighbours.sum()
    return Loss(value, batch.learnable, {"right": right.item()})


def prepare(
    base: Path,
    preferences: Path,
    workspace: Workspace,
    wishes: Wishes,
    asked: RewardWishes,
    *,
    skip_bad: bool = False,
    console: Console,
) -> Training[RankingData]:
    """Everything up to the first step.   base: an instructed model.   Raises FolderError, TokenizerError, DataError, PlanError."""
    began = time.perf_counter()
    tokenizer, parent = Tokenizer.load(base), Parent.at(base)
    found = machine.measure(wishes.device, wishes.precision)
    model = with_score_head(parent.load(tokenizer.highest_id), wishes.seed)
    length = parent.length(wishes.length, LONGEST)
    data = _data(preferences, tokenizer, length, asked, skip_bad, console)
    sizes = [len(ids) for one in data.train.all for ids in one.ids]
    reasons = {"lr_embedding": "as for lr: a third of pretraining's"}
    steps = RankedSteps.begin(
        sizes, data.train.rows, wishes, found, model.config, lr=0.006, lr_embedding=0.005, reasons=reasons
    )
    batches = Batches(data.train, steps.at_once, steps.draft.seed).batch
    objective = margin_loss if asked.margin else preference_loss

    return Training(
        verb="reward",
        workspace=workspace,
        model=model,
        tokenizer=tokenizer,
        tokenizer_folder=base,
        plan=settled(workspace, model, objective, batches, steps.draft, steps.finish(wishes, PASSES, began)),
        objective=objective,
        batches=batches,
        data=data,
        sources=sources_of(preference_files(preferences)),
        parents=[parent.lineage],
        family=parent.family,
    )


def _data(
    path: Path, tokenizer: Tokenizer, length: int, asked: RewardWishes, skip_bad: bool, console: Console
) -> RankingData:
    learned, kept = read(path, tokenizer, skip_bad=skip_bad, console=console)
    if asked.margin and not any(one.scores for one in learned):
        raise PlanError(f"--margin needs scores of the answers, and {path} has none. Leave it out.")
    train = Rankings(learned, length, tokenizer.pad_id, length_controlled=asked.length_controlled)
    return RankingData(tokenizer=tokenizer, train=train, held_out=Rankings(kept, length, tokenizer.pad_id))


def request(base: Path, preferences: Path, wishes: Wishes, asked: RewardWishes, **further: Any) -> dict[str, Any]:
    """What makes two starts the same run.   Raises FolderError where the base is no model folder."""
    folder.read_config(base)
    sources = {"base": sources_of(files_of(base)), "preferences": sources_of(preference_files(preferences))}
    return {"verb": "reward"} | sources | asdict(wishes) | asdict(asked) | further
