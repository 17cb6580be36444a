"""What is learned beside a model to foretell, all at once, what that model says next; its folder, and how it drafts.

`drafter.safetensors` holds the weights, `drafter.json` their kind and shape and the base's fingerprint, `onward.json` the lineage, as in a
model folder. The kinds are in heads.py and block.py; they learn in align/drafting.py. Left out: the model itself. What is foretold is
scored by its own head, so that the two only work together, and a drafter's folder is small.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol, Self

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from onward import lineage as lineages
from onward.errors import FolderError, PlanError
from onward.files import COPY_AGAIN, new_folder, read_json, write_bytes, write_json
from onward.generate.drafters.best_first import best_first
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.tree import Tree
from onward.generate.engine import Engine
from onward.lineage import Lineage
from onward.model.folder import open_safetensors, save_tensors
from onward.model.trunk import LanguageModel

VERSION = 1
ABOUT, WEIGHTS = "drafter.json", "drafter.safetensors"
SAMPLED = 64
"""Numbers of each weight that the fingerprint of a model covers."""


class Foretelling(Protocol):
    """A torch module that guesses the tokens after a text. Subclass it beside nn.Module.

    kind: its name in files and on the command line.   ahead: how many tokens it foretells.   window: how many of the text's last tokens it
    looks at.   listens: whether it needs what the last token was drawn from.   every: while it learns, of so many places it takes one.
    """

    kind: str
    ahead: int
    window: int
    listens: bool
    every: int

    @classmethod
    def shaped(cls, model: LanguageModel, **shape: int) -> Self:
        """Weights without meaning, for a model.   Raises TypeError, PlanError for what is no shape."""
        ...

    def initialise(self, model: LanguageModel, seed: int) -> Self:
        """Weights to begin learning with."""
        ...

    def shape(self) -> dict[str, int]: ...

    def guesses(self, model: LanguageModel, hidden: Tensor, ids: Tensor, there: Tensor) -> Tensor:
        """What the model's head turns into scores of the tokens after N texts: (N, ahead, width).

        hidden: (N, width), what each text's last token was drawn from.   ids: (N, window), its last tokens, at the right.   there: (N,
        window), false at the left where a text is shorter.
        """
        ...


class LearnedDrafter(Drafter):
    """Drafts with what was learned beside the target's model; nothing is kept between calls."""

    def __init__(self, learned: Foretelling, target: Engine) -> None:
        self.name, self.learned, self.target = learned.kind, learned, target

    @torch.inference_mode()
    def propose(self, ids: Sequence[int], k: int, aim: Aim) -> Tree:
        learned, engine = self.learned, self.target
        if k < 1 or not ids or (learned.listens and aim.hidden is None):
            return Tree([], [])
        seen = list(ids[-learned.window :])
        window = torch.tensor([[0] * (learned.window - len(seen)) + seen], device=engine.device)
        there = torch.arange(learned.window, device=engine.device)[None] >= learned.window - len(seen)
        hidden = torch.zeros(engine.model.config.width) if aim.hidden is None else aim.hidden
        guesses = learned.guesses(engine.model, hidden[None].to(engine.device, engine.reader.dtype), window, there)
        logits = engine.model.logits(guesses[0, :k])
        if not logits.isfinite().all():
            return Tree([], [])
        return best_first(logits, ids, k, aim, engine.ends)


# --- the folder -------------------------------------------------------------------------------------------------------


def save(
    path: Path, model: LanguageModel, learned: Foretelling, lineage: Lineage, further: Mapping[str, bytes], force: bool
) -> None:
    """Write a drafter's folder, whole or not at all.   model: beside which it was learned.   further: more files, by name."""
    assert isinstance(learned, nn.Module)
    about = {"format": "onward drafter", "version": VERSION, "kind": learned.kind, "shape": learned.shape()}
    with new_folder(path, force=force) as folder:
        write_json(folder / ABOUT, about | {"base": fingerprint(model)})
        save_tensors(folder / WEIGHTS, {name: part.cpu().contiguous() for name, part in learned.state_dict().items()})
        shutil.copymode(folder / ABOUT, folder / WEIGHTS)  # safetensors makes files that only their owner can read
        for name, data in further.items():
            write_bytes(folder / name, data)
        lineages.write(folder, lineage)


def opened(path: Path, kind: type[Foretelling], engine: Engine) -> LearnedDrafter:
    """The drafter in a folder, for an engine's texts.   Raises FolderError, and PlanError where it was learned beside another model."""
    if not (path / ABOUT).is_file():
        raise FolderError(
            f"{path} holds no drafter ({ABOUT} is missing). Make one:  onward train-heads MODEL TEXTS -o OUT"
        )
    about = read_json(path / ABOUT, COPY_AGAIN)
    if about.get("format") != "onward drafter" or about.get("version") != VERSION:
        raise FolderError(f"{path / ABOUT} describes no drafter that this Onward reads. {COPY_AGAIN}")
    if about.get("kind") != kind.kind:
        raise PlanError(f"{path} holds a drafter of the kind {about.get('kind')}:  --draft {about.get('kind')}:{path}")
    if about.get("base") != fingerprint(engine.model):
        raise PlanError(
            f"{path} was learned beside another model than this one, whose words it cannot foretell. Train it beside this one."
        )
    with open_safetensors(path / WEIGHTS):
        pass
    try:
        with torch.device("meta"):
            learned = kind.shaped(engine.model, **about["shape"])
        assert isinstance(learned, nn.Module)
        learned.load_state_dict(load_file(path / WEIGHTS), assign=True)
    except (LookupError, TypeError, RuntimeError, PlanError) as error:
        raise FolderError(f"{path}: its weights do not fit its {ABOUT} ({error}). {COPY_AGAIN}") from error
    learned.to(engine.device, engine.reader.dtype).eval().requires_grad_(False)
    return LearnedDrafter(learned, engine)


@torch.no_grad()
def fingerprint(model: LanguageModel) -> str:
    """SHA-256 of a model's architecture and of some numbers of each weight, in bf16: the same in whatever precision it was opened."""
    told = hashlib.sha256(json.dumps(asdict(model.config), sort_keys=True).encode())
    for name, weight in sorted(model.named_parameters()):
        if not name.startswith(f"{BESIDE}."):
            step = max(1, weight.numel() // SAMPLED)
            some = weight.flatten()[::step][:SAMPLED].to("cpu", torch.bfloat16)
            told.update(name.encode() + some.view(torch.int16).numpy().tobytes())
    return told.hexdigest()


BESIDE = "drafting"
"""The name under which it stands beside a model while it learns."""
