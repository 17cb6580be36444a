"""Going on from a model: what a pretraining with --init takes over from a folder, and what it must not ask for.

Architecture, family, weights and tokeniser come from the folder, of whatever family; the learning rates are lower. Where the objective
hides tokens and the model has no mask, it gets a vector for one. Left out: another tokeniser under old weights, and models that grow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from onward import lineage
from onward.errors import DataError, FolderError, PlanError
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import Outputs, TrunkConfig
from onward.model.int8 import quantise
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import processes
from onward.train.plan import Shape, TrainPlan, Wishes

RATE = 0.01
RATE_EMBEDDING = 0.008
SHARE_OF_EMBEDDING = 0.03
"""Largest rate of the embeddings as a share of their size: as GPT-3's smallest model had it, 6e-4 (arXiv 2005.14165, table 2.1) at 0.02."""


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A folder to go on from."""

    path: Path
    family: str
    config: TrunkConfig

    @classmethod
    def find(cls, where: str, objective: str) -> Parent:
        """A model folder, or `org/name` on the Hugging Face hub.

        Raises FolderError, ConfigError; PlanError where it is an encoder and `objective` is not for encoders, or the other way round.
        """
        found = cls.at(processes.by_first(lambda: folder.resolve(where)), blocks=objective == "diffusion")
        if found.config.causal == (objective == "masked"):
            raise PlanError(
                f"{where} is {'a decoder' if found.config.causal else 'an encoder'} ({found.family}), and --objective {objective} trains "
                f"{'encoders, which see' if found.config.causal else 'decoders, which must not see'} what comes after a place. "
                "Give --init another model, or choose another --objective."
            )
        return found

    @classmethod
    def at(cls, path: Path, outputs: Outputs = "words", *, blocks: bool = False) -> Parent:
        """A model folder; with outputs "score", that of a reward model; with `blocks`, one that writes in blocks too.

        Raises FolderError, ConfigError.
        """
        family, config = folder.read_config(path, outputs=outputs)
        if config.block is not None and not blocks:
            raise FolderError(
                f"{path} holds a model that writes {config.block} tokens together (--objective diffusion), and not each after the one "
                "before, which this needs. Give a model made with --objective next."
            )
        return cls(path=path, family=family, config=config)

    @classmethod
    def instructed(cls, path: Path) -> Parent:
        """A model folder that can answer.   Raises FolderError, ConfigError."""
        found = cls.at(path)
        if not found.config.causal:
            raise FolderError(
                f"{path} holds an encoder, which fills blanks and cannot answer. Give an instructed model."
            )
        return found

    def shape(
        self, architecture: Callable[[TrunkConfig], tuple[str, TrunkConfig]], length: int, highest_id: int
    ) -> TrunkConfig:
        """What becomes of its architecture: with blocks, if the objective has such, of at most `length` tokens; and as many words as
        there are tokens. A model that writes all of a text together reads no more than it was trained on."""
        wide = replace(self.config, vocab_size=max(self.config.vocab_size, highest_id + 1), block=None)
        blocked = architecture(replace(wide, max_positions=length))[1]
        if blocked.block is None:
            return self.config
        return blocked if blocked.whole else replace(blocked, max_positions=wide.max_positions)

    def load_as(self, shape: TrunkConfig) -> LanguageModel:
        """The model in another shape of its own, in fp32: new words begin as the mean of all."""
        own = folder.load(self.path, dtype=torch.float32)
        state = own.state_dict()
        for name in ("embedding.tokens.weight", "head.weight"):
            if name in state:
                new = state[name].mean(0, keepdim=True).expand(shape.vocab_size - self.config.vocab_size, -1)
                state[name] = torch.cat([state[name], new])
        with torch.device("meta"):
            model = LanguageModel(shape)
        model.load_state_dict(state, assign=True)
        return model.requires_grad_(True)

    def load(self, highest_id: int, *, int8: bool = False) -> LanguageModel:
        """The model, in fp32: small updates would be lost in bf16.

        int8: its blocks in int8, for an adapter beside them. The folder's own weights are mapped, not read, so that no more than one of
        them is in memory in float.
        """
        folder.check_tokenizer(self.config, highest_id)
        return quantise(folder.load(self.path)) if int8 else folder.load(self.path, dtype=torch.float32)

    def check_tokens(self, own: Tokenizer, needed: Tokenizer) -> None:
        """PlanError where the objective needs special tokens that the model has none for."""
        if own.highest_id != needed.highest_id:
            raise PlanError(
                f"{self.path} has no tokens for what is hidden, which this --objective needs. Give --init a model made with it."
            )

    def length(self, wished: int | None, usual: int) -> int:
        """Of the training sequences: as wished, or the usual one; never more than the model has positions."""
        if wished is not None and wished > self.config.max_positions:
            raise PlanError(f"--length {wished} is more than the {self.config.max_positions} positions of {self.path}.")
        return wished or min(usual, self.config.max_positions)

    @property
    def lineage(self) -> Lineage:
        return lineage.of(self.path)


def check_alone(asked: Shape, tokenizer: Path | None, vocab: int | None) -> None:
    """PlanError where something is asked for that the folder given with --init has settled already."""
    given = {f"--{name}": getattr(asked, name) for name in ("depth", "width", "heads")}
    given |= {"--tokenizer": tokenizer, "--vocab": vocab}
    if named := [name for name, value in given.items() if value is not None]:
        raise PlanError(
            f"{' and '.join(named)} cannot be set with --init: shape and tokenizer are those of the model that it names."
        )


def with_rates(plan: TrainPlan, model: LanguageModel, wishes: Wishes) -> TrainPlan:
    """The plan with the learning rates to go on with; that of the matrices may be set by hand.

    Half of those from scratch. The higher the rate, the better the new text is learned and the more of the old is lost (Ibrahim et al.
    2024, arXiv 2403.08763); in a small sweep of ours (docs/training.md), half gave up 3 % of the gain and spared a quarter of the loss.
    AdamW moves each number by about its rate whatever its size, so that of the rest is also held against the size of the embeddings:
    those of models made elsewhere are often a tenth of ours.
    """
    size = model.embedding.tokens.weight.detach().square().mean().sqrt().item()
    embedding = min(RATE_EMBEDDING, float(f"{SHARE_OF_EMBEDDING * size:.2g}"))
    reasons = {"lr_embedding": "half of the rate from scratch, as for lr"}
    if embedding < RATE_EMBEDDING:
        reasons = {"lr_embedding": f"3 % of the size of its embeddings, which is {size:.2g}"}
    if not wishes.lr:
        reasons["lr"] = (
            "half of the rate from scratch: it learns the new text nearly as well, and loses less of the old"
        )
    return replace(plan, lr=wishes.lr or RATE, lr_embedding=embedding, reasons=plan.reasons | reasons)


def boundaries(tokenizer: Tokenizer, where: object) -> tuple[int, int]:
    """The tokens that begin and end a document.   where: what the tokeniser came from.   Raises DataError where it has none.

    One token for both where the model was made so (ours, GPT-2, Qwen); else `<s>` and `</s>` or whatever they are called.
    """
    ends = [
        tokenizer.special[name] for name in ("<|endoftext|>", "<|end_of_text|>", "</s>") if name in tokenizer.special
    ]
    begin = tokenizer.bos_id if tokenizer.bos_id is not None else next(iter(ends), None)
    if begin is None:
        raise DataError(
            f"{where}: its tokenizer has no token that begins a document (bos_token), which pretraining needs."
        )
    return begin, begin if begin in tokenizer.eos_ids else next(iter([*ends, *tokenizer.eos_ids]), begin)


def files_of(path: Path) -> list[Path]:
    """The files that decide what a model folder is: weights, configuration, tokeniser. Its lineage does not."""
    return [
        f for f in sorted(path.iterdir()) if f.suffix in (".safetensors", ".json", ".jinja") and f.name != lineage.FILE
    ]


def request(where: str | None, sources: Any) -> dict[str, Any]:
    """What of a parent makes two starts the same run."""
    return {} if where is None else {"init": sources(files_of(folder.resolve(where)))}
