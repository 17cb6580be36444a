"""What is checked: a folder, its model on a device, and made-up text for it.

Numbers are float32 at least, also where the folder stores bfloat16: going up changes no weight, and rounding in bfloat16 would hide
every fault that is smaller than itself. The text is random token ids, the same for the same seed: no equivalence asks for sense.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from onward.errors import PlanError
from onward.model import folder
from onward.model.device import choose
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel, at_least_float32
from onward.tokens.tokenizer import DEFINITION, Tokenizer
from onward.train.objectives import Loss, backwards, both_ways, summed_loss, token_losses
from onward.train.packing import IGNORE, PADDING, Batch
from onward.train.size import memory_needed

LENGTH = 64
"""Tokens in a sequence; fewer where the model has fewer positions."""
SHORTEST = 8
ROWS = 4
"""Sequences in a training batch."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A folder under check. stored: the type of its weights on the disk.   tokenizer: None where the folder has none.
    base: of an adapter's folder, the model that it stands beside.
    """

    path: Path
    family: str
    model: LanguageModel
    stored: torch.dtype
    tokenizer: Tokenizer | None
    seed: int
    base: Path | None = None

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.model.parameters()).dtype

    @property
    def length(self) -> int:
        return min(LENGTH, self.model.config.max_positions)

    @property
    def causal(self) -> bool:
        return self.model.config.causal

    @property
    def weight_bytes(self) -> int:
        return sum(parameter.nbytes for parameter in self.model.parameters())

    @property
    def activation_bytes(self) -> int:
        """What a pass over a batch leaves behind until its gradient is known, in float64, from above."""
        config = self.model.config
        return 2 * (memory_needed(config, ROWS * self.length) - memory_needed(config, 0))

    def ids(self, rows: int, length: int) -> Tensor:
        """Random tokens, (rows, length) int64."""
        chance = torch.Generator().manual_seed(self.seed)
        return torch.randint(0, self.model.config.vocab_size, (rows, length), generator=chance).to(self.device)

    def batch(self, number: int) -> Batch:
        """Batch `number` of an endless training set: a function of (seed, number). Rows hold several documents and a little padding,
        and differ in how much of them is to be learned."""
        chance = torch.Generator().manual_seed(self.seed + number)
        shape = (ROWS, self.length)
        inputs, targets = torch.randint(0, self.model.config.vocab_size, (2, *shape), generator=chance)
        begins = torch.rand(shape, generator=chance) < 0.1
        begins[:, 0], begins[:, self.length // 2] = False, True
        places = torch.arange(self.length).expand(shape)
        documents = begins.cumsum(1)
        share = torch.linspace(0.25, 1, ROWS)[:, None]
        targets[torch.rand(shape, generator=chance) > share] = IGNORE
        documents[:, -self.length // SHORTEST :], targets[:, -self.length // SHORTEST :] = PADDING, IGNORE
        targets[:, 0] = inputs[:, 1]  # something to learn in every row
        return Batch.of(
            inputs=inputs,
            targets=targets,
            positions=places - torch.where(begins, places, 0).cummax(1).values,
            documents=documents,
        )


def open_subject(path: Path, *, device: str | None = None, seed: int = 0) -> Subject:
    """Raises FolderError, ConfigError, TokenizerError, PlanError where the folder, the device or the seed cannot be used."""
    if not 0 <= seed < 2**32:
        raise PlanError(f"--seed {seed}: a whole number from 0 to {2**32 - 1:,}.")
    if folder.is_adapter(path):
        return _open_adapter(path, device, seed)
    where = choose(device)
    family, config = folder.read_config(path)
    if config.max_positions < SHORTEST:
        raise PlanError(f"{path} has {config.max_positions} positions; there is nothing to check below {SHORTEST}.")
    tokenizer = Tokenizer.load(path) if (path / DEFINITION).is_file() else None
    if tokenizer is not None:
        folder.check_tokenizer(config, tokenizer.highest_id)
    model = folder.load(path, device=where)
    stored = next(model.parameters()).dtype
    model = model.to(at_least_float32(stored)).eval()
    return Subject(path=path, family=family, model=model, stored=stored, tokenizer=tokenizer, seed=seed)


def _open_adapter(path: Path, device: str | None, seed: int) -> Subject:
    from onward.model import adapters  # peft is slow to import

    base = adapters.base_of(path)
    found = open_subject(base, device=device, seed=seed)
    adapters.attach(found.model, found.family, path)
    return replace(found, path=path, base=base, model=found.model.to(found.device, found.dtype).eval())


def mask_of(model: LanguageModel, batch: Batch) -> Mask:
    """What a place sees of its document: what came before, or in an encoder all of it."""
    return backwards(batch) if model.config.causal else both_ways(batch)


def losses(model: LanguageModel, batch: Batch) -> Tensor:
    """Minus the log-probability of each target in nats, 0 where there is none, (B, L)."""
    return token_losses(model, batch, mask_of(model, batch))


def mean_loss(model: LanguageModel, batch: Batch) -> Loss:
    """The objective for passes that are to add up: the mean over the targets, and nothing else."""
    return Loss(summed_loss(model, batch, mask_of(model, batch)) / batch.learnable, batch.learnable)
