"""Texts and chats as the data of a training: what they are, what a row of them looks like, and bits per byte of what is held out.

Left out: where they come from (pretrain.py, align/instruct.py), and batches (packing.py, mixture.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch

from onward.lineage import Result
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import measure
from onward.train.measure import BITS_PER_BYTE, Measured, Metric
from onward.train.mixture import Part, results_together, together
from onward.train.objectives import backwards
from onward.train.packing import IGNORE, Batch, Packing, Rows
from onward.train.plan import TrainPlan
from onward.train.training import Example


def text_results(data: TextData, model: LanguageModel, plan: TrainPlan) -> list[Result]:
    """The bits per byte of held-out data; for plain text, beside those of `xz`."""
    measured = data.measure(model, plan, measure.AT_THE_END)[""]
    baseline = measure.xz_bits_per_byte(data.train.shards, data.held_out, data.tokenizer, targets=measure.AT_THE_END)
    return [measure.result(data.suite, measured, seed=plan.seed, baseline=baseline)]


Results = Callable[["TextData", LanguageModel, TrainPlan], list[Result]]


@dataclass(kw_only=True)
class TextData:
    """train, held_out: of a mixture those of the first corpus, and `mixture` has them all.   mask: that of the objective.
    measured: what becomes a result in the lineage.   carries_on: whether a place has the next one as its target, and not itself."""

    suite: str
    tokenizer: Tokenizer
    train: Packing
    held_out: Rows
    mask: Callable[[Batch], Mask] = backwards
    measured: Results = text_results
    mixture: list[Part] = field(default_factory=list)
    carries_on: bool = True
    metric: Metric = BITS_PER_BYTE
    counted: str = "tokens"

    @property
    def parts(self) -> list[Part]:
        """The corpora; of one alone, that one, without a name."""
        return self.mixture or [Part("", 1.0, self.train, self.held_out)]

    def figures(self) -> dict[str, int | float]:
        """Of all corpora together, and each one's share."""
        train, held_out = [part.train for part in self.parts], [part.held_out for part in self.parts]
        rows = sum(one.rows for one in train)
        return {
            "documents": sum(one.shards.documents for one in train),
            "tokens": sum(one.shards.tokens for one in train),
            "rows": rows,
            "padding": round(sum(one.padding_share * one.rows for one in train) / rows, 4),
            "too long, truncated": sum(one.truncated for one in train),
            "left out: no answer within the length": sum(one.dropped for one in train),
            "held-out documents": sum(one.shards.documents for one in held_out),
        } | {f"share of {part.name}": part.share for part in self.mixture}

    def examples(self, batches: Callable[[int], Batch], number: int, shown: int) -> list[Example]:
        return [self._example(batches, i, shown) for i in range(min(number, self.train.rows))]

    def _example(self, batches: Callable[[int], Batch], number: int, shown: int) -> Example:
        i, row = divmod(number, len(batches(0).inputs))
        batch = batches(i)
        inputs, targets = batch.inputs[row].tolist(), batch.targets[row].tolist()
        seen = batch.documents[row] == 0
        learned = [target != IGNORE for target in targets]
        if self.carries_on:  # what is learned at a place stands at the next one
            learned = [False, *learned[:-1]]
        if batch.starts is not None:  # each token of a block once: the first place of a block holds the one before it
            seen = (batch.positions > batch.starts)[row] & (seen | torch.tensor(learned))
        return Example(
            [
                (self.tokenizer.decode([inputs[place]], skip_special=False), learned[place])
                for place in seen.nonzero()[:shown, 0].tolist()
            ]
        )

    def measure(self, model: LanguageModel, plan: TrainPlan, targets: int) -> dict[str, Measured]:
        """Bits per byte; of a mixture, the corpora's mean by their shares, and each one's by its name."""
        found = {part.name: self._measured(part, model, plan, targets) for part in self.parts}
        return {"": together([(part.share, found[part.name]) for part in self.parts])} | found

    def _measured(self, part: Part, model: LanguageModel, plan: TrainPlan, targets: int) -> Measured:
        return measure.held_out(
            model,
            part.held_out,
            self.tokenizer,
            targets=targets,
            device=plan.device,
            precision=plan.precision,
            mask=self.mask,
        )

    def results(self, model: LanguageModel, plan: TrainPlan) -> list[Result]:
        """Of a mixture, the whole and then each corpus, measured as if it were alone."""
        if not self.mixture:
            return self.measured(self, model, plan)
        found = []
        for part in self.mixture:
            suite = f"{self.suite}: {part.name}"
            alone = replace(self, mixture=[], suite=suite, train=part.train, held_out=part.held_out)
            found.append((part.share, alone.results(model, plan)))
        return results_together(self.suite, found) + [result for _, results in found for result in results]

    def files(self) -> dict[str, bytes]:
        return {}
