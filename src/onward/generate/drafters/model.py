"""A model as a drafter: a small one, the same one quantised, or the same one's first layers. It drafts a chain, token by token.

Speculative decoding with a draft model is Leviathan et al. 2023 (arXiv 2211.17192); with the same model's first layers, Zhang et al. 2023
(arXiv 2309.08168) and LayerSkip (arXiv 2404.16710), of which here is only the drafting. It draws as the target will: where verification is
coupled, with the target's own noise, so that models that nearly agree nearly always draw alike. Left out: presence and frequency
penalties, bias and grammar, which a drafter is not told of; and the target's cache, of which the first layers could use their part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from onward.errors import PlanError
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.tree import Tree
from onward.generate.engine import Engine
from onward.generate.pages import NoRoomError, Table
from onward.generate.processors import Said, processed
from onward.generate.reader import News
from onward.generate.sampling import perturbed, probabilities
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel

SURE = 0.4
"""Where the chance that everything drafted so far is right falls below this, drafting ends. Measured in docs/drafters.md."""
TEXTS = 64
"""Texts whose keys and values are kept at once."""


PIECE = 512
"""Tokens of a text that are read in one pass."""


@dataclass(eq=False)
class _Text:
    """A text, and what was drafted after it.   ids: of both; the table says how many of them have been read.   told: the text's own."""

    table: Table
    ids: list[int]
    told: int

    def begins(self, ids: list[int]) -> bool:
        """Whether it is a beginning of `ids`. The last token is looked at first: it tells most texts apart."""
        told = self.told
        return told <= len(ids) and self.ids[told - 1] == ids[told - 1] and self.ids[:told] == ids[:told]

    def carry_on(self, ids: list[int]) -> None:
        """It is `ids` now. What was read of them stays; the last one is read again, for what follows it."""
        alike = next((i for i, (a, b) in enumerate(zip(self.ids, ids, strict=False)) if a != b), len(self.ids))
        self.table.truncate(min(alike, self.table.length, len(ids) - 1))
        self.ids, self.told = ids, len(ids)


@dataclass(frozen=True)
class _Drawn:
    """A drafted token.   second: the one that would have been drawn without it, -1 for none.   sure: how likely the target draws it too.
    chances: (V,) float64, what it was drawn from; None where nobody asks."""

    token: int
    second: int
    sure: float
    chances: Tensor | None


class ModelDrafter(Drafter):
    """engine: runs the drafting model; nothing else may run in it.   target: whose texts these will be.

    sure: 0 always drafts all that is asked for.   branch: whether the runner-up at the least sure place is proposed too, as the last node.
    texts: kept at once; the one longest out of use goes first, and is read again where it is needed.
    While it exists, both models must stay as they are.   Raises PlanError where the two have not the same tokens.
    """

    def __init__(
        self, engine: Engine, target: Engine, name: str, *, sure: float = SURE, branch: bool = True, texts: int = TEXTS
    ) -> None:
        if not 0 <= sure <= 1 or texts < 1:
            raise PlanError(f"a drafting model as sure as {sure:g}, with {texts} texts: 0 to 1, and at least 1.")
        check_vocabulary(engine, target, name)
        self.engine, self.ends = engine, target.ends
        self.name, self.sure, self.branch, self.texts = name, sure, branch, texts
        self._texts: list[_Text] = []

    @torch.inference_mode()
    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Tree:
        most = min(k - (self.branch and k > 1), self.engine.room - len(ids) + 1)
        if most < 1 or not ids:
            return Tree([], [])
        text = self._text(list(ids))
        drawn: list[_Drawn] = []
        trust = 1.0
        # A token is drafted before its chance is looked at: were it left out for that, it would not be as if drawn.
        while len(drawn) < most and trust >= self.sure and (logits := self._after(text)) is not None:
            found = _drawn(logits, text.ids, aim)
            if found is None:
                self._drop(text, spoilt=True)
                break
            drawn.append(found)
            text.ids.append(found.token)
            trust *= found.sure
            if found.token in self.ends:
                break
        return _tree(drawn, branch=self.branch and len(drawn) < k)

    def forget(self, ids: Sequence[int]) -> None:
        gone = list(ids)
        for text in list(self._texts):
            if text.ids[: text.told][: len(gone)] == gone[: text.told]:
                self._drop(text)

    def _text(self, ids: list[int]) -> _Text:
        """What is kept of a beginning of this text, the longest, carried on; or a new one, which shares with others what is alike."""
        fit = [text for text in self._texts if text.begins(ids)]
        if fit:
            text = max(fit, key=lambda text: text.told)
            self._texts.remove(text)
            text.carry_on(ids)
        else:
            text = _Text(Table(self.engine.pages, None), ids, len(ids))
            text.table.adopt(ids)
        self._texts.append(text)
        while len(self._texts) > self.texts:
            self._drop(self._texts[0])
        return text

    def _after(self, text: _Text) -> Tensor | None:
        """The logits (1, V) after the last token; None where there is no room for it."""
        while True:
            news = min(PIECE, len(text.ids) - text.table.length)
            while text.table.wanted(news) > self.engine.pages.available and self._texts[0] is not text:
                self._drop(self._texts[0])
            try:
                logits = self.engine.reader.read([News(text.table, text.ids, news)]).logits
            except NoRoomError:
                self._drop(text)
                return None
            if text.table.length == len(text.ids):
                return logits

    def _drop(self, text: _Text, *, spoilt: bool = False) -> None:
        self._texts.remove(text)
        text.table.release(spoilt=spoilt)


def _drawn(logits: Tensor, ids: Sequence[int], aim: Aim) -> _Drawn | None:
    """What follows `ids`, drawn as the target will; None where the logits, (1, V), are no numbers.

    How sure: coupled, by how much the draw leads once the noise is added, since that has to be made up for before the target draws another;
    else the draw's own chance. Nothing that was tried tells hits from misses better (docs/drafters.md).
    """
    logits = processed(logits, [Said(sampling=aim.sampling, ids=ids, drawn=(), bias={})])
    scores = perturbed(logits, [aim.sampling], torch.tensor([len(ids)], device=logits.device))[0]
    best = scores.topk(2)
    (token, second), (lead, runner_up) = best.indices.tolist(), best.values.tolist()
    if not math.isfinite(lead):  # no number is larger than any
        return None
    sure = float((scores if aim.coupled else logits[0].double()).softmax(-1)[token])
    chances = None if aim.coupled else probabilities(logits, [aim.sampling])[0]
    there = runner_up > -math.inf and (chances is None or float(chances[second]) > 0)
    return _Drawn(token, second if there else -1, sure, chances)


def _tree(drawn: list[_Drawn], *, branch: bool) -> Tree:
    """The chain; with `branch`, also the runner-up where it is least sure."""
    tokens, parents = [one.token for one in drawn], list(range(-1, len(drawn) - 1))
    rows = [one.chances for one in drawn if one.chances is not None]
    least = min(range(len(drawn)), key=lambda node: drawn[node].sure, default=-1)
    if branch and least >= 0 and drawn[least].second >= 0:
        tokens.append(drawn[least].second)
        parents.append(least - 1)
        if rows:
            rest = rows[least].clone()
            rest[drawn[least].token] = 0
            rows.append(rest / rest.sum())
    return Tree(tokens, parents, torch.stack(rows).cpu().numpy() if rows else None)


def check_vocabulary(engine: Engine, target: Engine, name: str) -> None:
    """PlanError unless the tokens of one are the tokens of the other."""
    if engine.tokenizer.hash != target.tokenizer.hash:
        raise PlanError(
            f"the drafter {name} has another tokeniser than the model, so it would speak of other tokens. Draft with a model that was made "
            "with the same one (onward pretrain --tokenizer)."
        )
    own, wanted = engine.model.config.vocab_size, target.model.config.vocab_size
    if own != wanted:
        raise PlanError(f"the drafter {name} has {own:,} tokens, the model {wanted:,}. Draft with a model of as many.")


def first_layers(model: LanguageModel, depth: int) -> LanguageModel:
    """The first layers of a model, with its embedding, norm and head: the same tensors, not copies of them.   Raises PlanError."""
    config = model.config
    if not 1 <= depth < config.depth:
        raise PlanError(f"the first {depth} layers of a model that has {config.depth}: from 1 to {config.depth - 1}.")
    with torch.device("meta"):
        first = LanguageModel(shallower(config, depth))
    first.embedding, first.head = model.embedding, model.head
    first.trunk.blocks = model.trunk.blocks[:depth]
    first.trunk.norm = model.trunk.norm
    return first.eval()


def shallower(config: TrunkConfig, depth: int) -> TrunkConfig:
    """The same architecture with fewer layers; those that are named by their numbers, as far as they are left."""

    def left(layers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(layer for layer in layers if layer < depth)

    moe = config.moe and replace(config.moe, dense_layers=left(config.moe.dense_layers))
    window_layers = None if config.window_layers is None else left(config.window_layers)
    return replace(config, depth=depth, moe=moe, window_layers=window_layers)
