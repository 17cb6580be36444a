"""What pretraining asks of a model, and all that follows from it: next, masked, prefix, diffusion.

A task is a choice of objective and mask, of special tokens, of how rows are corrupted, of the family that the folder belongs to, and
of how held-out text is measured. The next token needs none of the further parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from onward.errors import PlanError
from onward.lineage import Result
from onward.model import families
from onward.model.config import TrunkConfig
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel
from onward.tokens import special
from onward.tokens.tokenizer import Tokenizer
from onward.train import diffusion, hidden, measure, spans
from onward.train.corruption import CorruptedRows, Corruption, Masking, Noise, corrupted
from onward.train.diffusion import Hiding
from onward.train.objectives import (
    Loss,
    backwards,
    block_by_block,
    both_ways,
    masked_diffusion,
    masked_token,
    next_token,
    prefix_first,
    prefix_token,
)
from onward.train.packing import Batch, Ints, Packing, Rows
from onward.train.plan import TrainPlan
from onward.train.spans import SpanCorruption
from onward.train.texts import TextData, text_results


@dataclass(frozen=True, kw_only=True)
class Task:
    """suite: what its held-out data measures.   tokens: gives a tokeniser the special tokens it needs.   grows: whether a model to go on
    from that lacks them gets vectors for them.   corruption: of batches cut by
    that tokeniser; None where texts stay as they are.   spread: see `corrupted`.   places: see `Packing`."""

    suite: str
    objective: Callable[[LanguageModel, Batch], Loss]
    mask: Callable[[Batch], Mask]
    tokens: Callable[[Tokenizer], Tokenizer] = lambda tokenizer: tokenizer
    grows: bool = False
    corruption: Callable[[Tokenizer], Corruption] | None = None
    spread: Callable[[Noise], Noise] = lambda noise: noise
    places: Callable[[Ints], Ints] | None = None
    architecture: Callable[[TrunkConfig], tuple[str, TrunkConfig]] = lambda shape: (
        families.onward_family(shape),
        shape,
    )
    results: Callable[[TextData, LanguageModel, TrainPlan], list[Result]] = text_results

    def batches(self, clean: Callable[[int], Batch], tokenizer: Tokenizer, seed: int) -> Callable[[int], Batch]:
        """Batch i of the training data as the task wants it."""
        return clean if self.corruption is None else corrupted(clean, self.corruption(tokenizer), seed, self.spread)

    def held_out(self, packing: Packing, tokenizer: Tokenizer) -> Rows:
        """The held-out rows as the task wants them, always the same."""
        return packing if self.corruption is None else CorruptedRows(packing, self.corruption(tokenizer))


def task(name: str, block: int | None = None) -> Task:
    """The task of a name; PlanError for one that there is not.   block: tokens that diffusion writes together; None: a whole row."""
    if name not in TASKS:
        raise PlanError(f"--objective {name}: choose {', '.join(TASKS)}.")
    if name == "diffusion":
        return in_blocks(block)
    if block is not None:
        raise PlanError(
            f"--block {block}: only --objective diffusion writes blocks. Leave it out, or choose that objective."
        )
    return TASKS[name]


def in_blocks(block: int | None) -> Task:
    """Diffusion with blocks of this size; None: of the longest text, which becomes known with the model's shape."""
    if block is not None and block < 1:
        raise PlanError(f"--block {block}: at least 1.")
    if block is None:
        return replace(TASKS["diffusion"], architecture=lambda shape: _blocked(shape, shape.max_positions))
    return replace(
        TASKS["diffusion"],
        architecture=lambda shape: _blocked(shape, min(block, shape.max_positions)),
        corruption=lambda tokenizer: Hiding(block, _mask_id(tokenizer)),
        places=diffusion.places(block),
    )


def _blocked(shape: TrunkConfig, block: int) -> tuple[str, TrunkConfig]:
    blocked = replace(shape, block=block)
    return families.onward_family(blocked), blocked


def _mask_id(tokenizer: Tokenizer) -> int:
    mask = special.mask_id(tokenizer)
    assert mask is not None
    return mask


def _masking(tokenizer: Tokenizer) -> Masking:
    boundary = tokenizer.bos_id
    assert boundary is not None
    ordinary = np.setdiff1d(np.arange(tokenizer.highest_id + 1), list(tokenizer.special_ids))
    return Masking(mask_id=_mask_id(tokenizer), boundary_id=boundary, ordinary=ordinary)


def _span_corruption(tokenizer: Tokenizer) -> SpanCorruption:
    assert tokenizer.bos_id is not None
    return SpanCorruption(sentinels=np.array(special.span_ids(tokenizer)), boundary_id=tokenizer.bos_id)


def bert(shape: TrunkConfig) -> tuple[str, TrunkConfig]:
    """The BERT as deep, wide and long as a decoder; its feed-forward layer is four widths, which has as many weights as SwiGLU's."""
    raw = {
        "model_type": "bert",
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.depth,
        "num_attention_heads": shape.heads,
        "intermediate_size": 4 * shape.width,
        "max_position_embeddings": shape.max_positions,
    }
    return families.from_hf_config(raw)


def _tally(data: TextData, model: LanguageModel, plan: TrainPlan) -> hidden.Tally:
    return hidden.tally(
        model,
        data.held_out,
        data.tokenizer,
        data.train.shards,
        data.mask,
        targets=measure.AT_THE_END,
        device=plan.device,
        precision=plan.precision,
    )


def _masked_results(data: TextData, model: LanguageModel, plan: TrainPlan) -> list[Result]:
    return hidden.masked_results(_tally(data, model, plan), data.suite, data.tokenizer, plan.seed)


def _removed_results(data: TextData, model: LanguageModel, plan: TrainPlan) -> list[Result]:
    return [hidden.removed_result(_tally(data, model, plan), data.suite, plan.seed)]


TASKS = {
    "next": Task(suite="held-out text", objective=next_token, mask=backwards),
    "masked": Task(
        suite="masked tokens of held-out text",
        objective=masked_token,
        mask=both_ways,
        tokens=special.with_mask,
        corruption=_masking,
        architecture=bert,
        results=_masked_results,
    ),
    "prefix": Task(
        suite="spans taken out of held-out text",
        objective=prefix_token,
        mask=prefix_first,
        tokens=special.with_spans,
        corruption=_span_corruption,
        places=spans.places,
        results=_removed_results,
    ),
    "diffusion": Task(
        suite="held-out text",
        objective=masked_diffusion,
        mask=block_by_block,
        tokens=special.with_mask,
        grows=True,
        spread=diffusion.spread,
        results=diffusion.bound_results,
    ),
}
