"""`onward.load(where)`: a chat model from a folder, from the hub, or from behind a URL, all with one face."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from onward.errors import FolderError, NativeError
from onward.files import COPY_AGAIN, read_json
from onward.generate.chat_model import FolderModel
from onward.generate.endpoint import EndpointModel
from onward.generate.engine import Engine
from onward.generate.native.build import library
from onward.generate.native.step import why_not
from onward.generate.parallel.chat import ParallelModel
from onward.generate.parallel.write import Writer
from onward.generate.settings import Computed, Weights
from onward.generate.stages import furthest_stage
from onward.model import folder
from onward.model.device import choose
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train.limits import memory_left


def load(
    where: str | Path,
    *,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    weights: Computed | None = None,
) -> FolderModel | ParallelModel | EndpointModel:
    """Open a model.

    where: a model folder; a run folder (its furthest stage is opened); `org/name` on the Hugging Face hub; or an address that speaks the
    OpenAI protocol, `http://host:port/v1#model`.   device: chosen where None.   dtype: as stored where None.
    weights: "fp32", "bf16", "int8" or "int4": carry texts on by compiled code with the weights so, on a CPU; "torch": without; None:
    compiled with the weights as they are, where this machine and the model allow it.
    Raises FolderError, TokenizerError, EndpointError, NativeError.
    """
    if str(where).startswith(("http://", "https://")):
        return EndpointModel(str(where))
    path = folder.resolve(furthest_stage(where))
    if not folder.is_adapter(path) and folder.read_config(path)[1].block is not None:
        if weights not in (None, "torch"):
            raise NativeError(
                f"{path} writes many tokens together, which compiled code does not know. Leave --weights out."
            )
        return open_parallel(path, device=device, dtype=dtype)
    return open_folder(path, device=device, dtype=dtype, weights=weights)


def open_parallel(path: Path, *, device: str | None = None, dtype: torch.dtype | None = None) -> ParallelModel:
    """The model in a folder made by diffusion.   Raises FolderError, TokenizerError."""
    tokenizer = Tokenizer.load(path)
    model = folder.load(path, device=choose(device), dtype=dtype)
    folder.check_tokenizer(model.config, tokenizer.highest_id)
    return ParallelModel(str(path), Writer(model, tokenizer, _ends(path)))


def open_folder(
    path: Path,
    *,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    weights: Computed | None = None,
) -> FolderModel:
    """The model in a folder on this machine; of an adapter's folder, its base with it. As for `load`."""
    if folder.is_adapter(path):
        if weights not in (None, "torch"):
            raise NativeError(
                f"{path} is an adapter, which compiled code does not know. Merge it first (onward merge)."
            )
        return _open_adapter(path, device, dtype)
    family, config = folder.read_config(path)
    if not config.causal:
        raise FolderError(
            f"{path} holds an encoder ({family}), which fills blanks and carries no text on. Use onward fill."
        )
    if config.block is not None:
        raise FolderError(
            f"{path} holds a model that writes {config.block} tokens together (--objective diffusion), and not each after the one "
            "before, which this needs. Use onward generate or chat, or give a model made with --objective next."
        )
    tokenizer = Tokenizer.load(path)
    model = folder.load(path, device=choose(device), dtype=dtype)
    folder.check_tokenizer(model.config, tokenizer.highest_id)
    compiled = None if weights == "torch" else weights or as_they_are(model)
    return FolderModel(str(path), Engine(model, tokenizer, _ends(path), weights=compiled))


def as_they_are(model: LanguageModel) -> Weights | None:
    """How compiled code would keep the weights without rounding them; None where it cannot, or there is no memory for a second copy."""
    dtype = next(model.parameters()).dtype
    kept: Weights = "bf16" if dtype == torch.bfloat16 else "fp32"
    size = sum(parameter.numel() for parameter in model.parameters()) * (2 if kept == "bf16" else 4)
    if why_not(model) is not None or 2 * size > memory_left():
        return None
    try:
        library()
    except NativeError:
        return None
    return kept


def _open_adapter(path: Path, device: str | None, dtype: torch.dtype | None) -> FolderModel:
    from onward.model import adapters  # peft, and with it transformers, is slow to import

    base = adapters.base_of(path)
    model = open_folder(base, device=device, dtype=dtype)
    return beside(model, {adapters.OURS: path})[adapters.OURS]


def beside(model: FolderModel, paths: Mapping[str, Path]) -> dict[str, FolderModel]:
    """Several adapters over one base that is in memory once: for each name a model that answers with that adapter.

    paths: the adapters' folders.   Raises FolderError where one was not made for this base.
    """
    from onward.model import adapters

    family = folder.read_config(Path(model.name))[0]
    for name, path in paths.items():
        adapters.attach(model.engine.model, family, path, name)
    model.engine.reader.use = adapters.switch(model.engine.model)
    return {name: FolderModel(str(path), model.engine, adapter=name) for name, path in paths.items()}


def _ends(path: Path) -> list[int]:
    """The ids that end a text as `generation_config.json` has them, which may be more than the tokeniser's."""
    file = path / folder.GENERATION
    ends = read_json(file, COPY_AGAIN).get("eos_token_id") if file.exists() else None
    listed = ends if isinstance(ends, list) else [] if ends is None else [ends]
    for end in listed:
        if not isinstance(end, int):
            raise FolderError(
                f"{file}: eos_token_id holds {end!r}, which is no token's number. Mend it, or remove the entry."
            )
    return listed
