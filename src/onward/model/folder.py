"""The model folder: a Hugging Face checkpoint of a stock architecture, and `onward.json`, its lineage. Saved, loaded.

Weights are safetensors, in one file or in shards, a tied head stored once; a pickle is refused, because opening one can
run anything. A folder appears whole or not at all. Left out: the tokenizer, whose files are only copied along
(onward.tokens reads them), and the names and shapes of other architectures (families.py).
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from onward import lineage as lineages
from onward.errors import ConfigError, FolderError
from onward.files import COPY_AGAIN, new_folder, read_json, write_bytes, write_json
from onward.lineage import Lineage
from onward.model.config import Outputs, TrunkConfig
from onward.model.families import (
    Stored,
    from_hf_config,
    from_hf_weights,
    onward_family,
    shapes_of,
    stored,
    to_hf_config,
)
from onward.model.trunk import LanguageModel

CONFIG, WEIGHTS, INDEX, GENERATION = (
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "generation_config.json",
)
ADAPTER, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
"""An adapter's folder, in PEFT's format (adapters.py)."""
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "tokenizer.model",
)
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
SPECIAL_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
SHARD_BYTES = 5_000_000_000  # as transformers cuts, so that tools and file systems that know its shards are at home


# --- saving -----------------------------------------------------------------------------------------------------------


def save(
    path: Path,
    model: LanguageModel,
    *,
    lineage: Lineage,
    family: str | None = None,
    tokenizer_folder: Path | None = None,
    generation: Mapping[str, Any] | None = None,
    dtype: torch.dtype | None = None,
    shard_bytes: int = SHARD_BYTES,
    force: bool = False,
    further: Mapping[str, bytes] | None = None,
) -> None:
    """Write a model folder, whole or not at all. ConfigError if the family cannot express the model.

    family: by default the first that can, Qwen3 before all. tokenizer_folder: whose tokenizer files are copied.
    generation: becomes generation_config.json; its bos, eos and pad ids go into config.json too. A reward model takes
    only the ids from it, and must have the pad id, by which transformers finds the last token of a row (ConfigError).
    dtype: of the stored weights, by default the model's. shard_bytes: the size above which a file is begun anew.
    force: replace `path`. further: more files that belong in the folder, by name.
    """
    family = family or onward_family(model.config)
    dtype = dtype or next(model.parameters()).dtype
    raw = to_hf_config(model.config, family) | {name: (generation or {}).get(name) for name in SPECIAL_IDS}
    judges = model.config.outputs == "score"
    if judges and raw["pad_token_id"] is None:
        raise ConfigError(
            "a reward model is saved with the id that fills rows up (pad_token_id in `generation`), "
            "by which transformers finds the last token of each"
        )
    raw["dtype"] = raw["torch_dtype"] = str(dtype).removeprefix("torch.")  # named so by transformers 5, and by 4
    with new_folder(path, force=force) as folder:
        write_json(folder / CONFIG, raw)
        write_companions(folder, lineage, None if judges else generation, tokenizer_folder, further)
        _save_weights(folder, model, family, dtype, shard_bytes)


def write_companions(
    folder: Path,
    lineage: Lineage,
    generation: Mapping[str, Any] | None,
    tokenizer_folder: Path | None,
    further: Mapping[str, bytes] | None,
) -> None:
    """What stands beside the weights of a model, or of an adapter; see `save`. FolderError where there is no tokenizer to copy."""
    if generation is not None:
        write_json(folder / GENERATION, dict(generation))
    if tokenizer_folder is not None:
        _copy_tokenizer(tokenizer_folder, folder)
    for name, data in (further or {}).items():
        write_bytes(folder / name, data)
    lineages.write(folder, lineage)


def _copy_tokenizer(source: Path, folder: Path) -> None:
    if not (source / "tokenizer.json").is_file():
        raise FolderError(f"{source} has no tokenizer.json, so there is no tokenizer to put beside the model")
    for name in TOKENIZER:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def _save_weights(folder: Path, model: LanguageModel, family: str, dtype: torch.dtype, shard_bytes: int) -> None:
    """Shard by shard, so that no more than one is held twice."""
    tensors = stored(model.config, family, shapes_of(model.config))
    state = model.state_dict()
    shards = _shards(tensors, dtype, shard_bytes)
    count = len(shards)
    names = [WEIGHTS] if count == 1 else [f"model-{n:05}-of-{count:05}.safetensors" for n in range(1, count + 1)]
    for name, shard in zip(names, shards, strict=True):
        save_tensors(folder / name, {one.name: one.join(state).to("cpu", dtype) for one in shard})
        # safetensors makes files that only their owner can read; they shall be as readable as the rest of the folder.
        shutil.copymode(folder / CONFIG, folder / name)
    if count > 1:
        places = {one.name: name for name, shard in zip(names, shards, strict=True) for one in shard}
        size = sum(_bytes(one, dtype) for one in tensors)
        write_json(folder / INDEX, {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))})


def _bytes(one: Stored, dtype: torch.dtype) -> int:
    return torch.Size(one.shape).numel() * dtype.itemsize


def _shards(tensors: list[Stored], dtype: torch.dtype, limit: int) -> list[list[Stored]]:
    """In order, a new shard whenever the next tensor would exceed the limit; a tensor is never cut."""
    shards: list[list[Stored]] = [[]]
    room = limit
    for one in tensors:
        if _bytes(one, dtype) > room and shards[-1]:
            shards.append([])
            room = limit
        shards[-1].append(one)
        room -= _bytes(one, dtype)
    return shards


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a safetensors file; a refusal of the operating system comes as an OSError, as from any other file."""
    try:
        save_file(tensors, path, metadata={"format": "pt"})
    except SafetensorError as error:
        # It reports the operating system's refusal as text only; `new_folder` explains a real one.
        code = re.search(r"os error (\d+)", str(error))
        raise OSError(int(code[1]) if code else errno.EIO, str(error), str(path)) from error


# --- loading ----------------------------------------------------------------------------------------------------------


def load(
    path: Path,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    outputs: Outputs | None = "words",
) -> LanguageModel:
    """The model of a folder, any family's. FolderError or ConfigError, in one line, if the folder is not whole.

    dtype: by default that of the stored weights. No second copy of the weights is made on the way.
    outputs: what the model must give, "score" for a reward model; None for either. FolderError if it gives the other.
    """
    family, config = read_config(path, outputs=outputs)
    files = weight_files(path)
    try:
        state = from_hf_weights(_tensors(files, dtype, device), config, family)
    except FolderError as error:
        raise FolderError(f"{path}: {error}") from error
    with torch.device("meta"):
        model = LanguageModel(config)
    model.load_state_dict(state, assign=True)
    return model


def read_config(path: Path, *, outputs: Outputs | None = "words") -> tuple[str, TrunkConfig]:
    """The family and the architecture of a folder, by its config.json.   outputs: as in `load`."""
    if not path.is_dir():
        why = "is a file; give the folder that holds it" if path.exists() else "does not exist; check the path"
        raise FolderError(f"{path} {why}")
    if is_adapter(path):
        raise FolderError(
            f"{path} holds an adapter, which is no model without its base. Make one of both:  onward merge BASE {path} -o OUT"
        )
    if not (path / CONFIG).is_file():
        raise FolderError(f"{path} has no {CONFIG}, so it is not a model folder; give the folder that holds one")
    try:
        family, config = from_hf_config(read_json(path / CONFIG, COPY_AGAIN))
    except ConfigError as error:
        raise ConfigError(f"{path / CONFIG}: {error}") from error
    if outputs is not None and config.outputs != outputs:
        raise FolderError(
            f"{path} holds a reward model, which judges answers and gives none. Give the folder of a language model."
            if config.outputs == "score"
            else f"{path} holds a language model, which gives words and judges nothing. Give the folder of a reward model."
        )
    return family, config


def is_adapter(path: Path) -> bool:
    """Whether a folder holds an adapter alone, and no model."""
    return (path / ADAPTER).is_file() and not (path / CONFIG).is_file()


def weight_files(path: Path) -> list[Path]:
    """The safetensors files of a folder, each checked to be whole."""
    if (path / WEIGHTS).is_file():
        files = [path / WEIGHTS]
    elif (path / INDEX).is_file():
        files = _indexed(path)
    else:
        raise FolderError(_without_weights(path))
    for file in files:
        with open_safetensors(file):
            pass
    return files


def _indexed(path: Path) -> list[Path]:
    places = read_json(path / INDEX, COPY_AGAIN).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
        raise FolderError(f"{path / INDEX} has no weight_map; copy it again from the original")
    files = [path / name for name in sorted(set(places.values()))]
    if outside := [file for file in files if file.parent != path or file.suffix != ".safetensors"]:
        raise FolderError(f"{path / INDEX} names {outside[0]}, which is not a safetensors file of this folder")
    if absent := [file.name for file in files if not file.is_file()]:
        raise FolderError(f"{path} lacks {', '.join(absent)}, which {INDEX} names; copy it again from the original")
    return files


def _without_weights(path: Path) -> str:
    pickles = sorted(file.name for pattern in PICKLES for file in path.glob(pattern))
    if pickles:
        return (
            f"{path} holds its weights as a pickle ({pickles[0]}), which can run code when opened, so Onward does not. "
            "Convert it to safetensors first: with transformers, from_pretrained and then save_pretrained"
        )
    return f"{path} has no {WEIGHTS}; copy it again from the original"


def open_safetensors(file: Path) -> Any:
    """The opened file, its header read; FolderError where it is cut off or something else."""
    try:
        return safe_open(file, framework="pt")
    except (SafetensorError, OSError) as error:
        raise FolderError(
            f"{file} is cut off, damaged or not a safetensors file ({error}); copy it again from the original"
        ) from error


def _tensors(files: list[Path], dtype: torch.dtype | None, device: torch.device | str) -> Iterator[tuple[str, Tensor]]:
    for file in files:
        with open_safetensors(file) as opened:
            for name in opened.keys():  # noqa: SIM118 (not a dictionary)
                tensor = opened.get_tensor(name)
                if tensor.is_floating_point():
                    if tensor.dtype not in DTYPES:
                        raise FolderError(
                            f"{file.name} stores {name} as {str(tensor.dtype).removeprefix('torch.')}, which needs scales that "
                            "Onward does not read; take the original model, in bf16, fp16 or fp32"
                        )
                    dtype = dtype or tensor.dtype
                    tensor = tensor.to(device, dtype)
                yield name, tensor


def check_tokenizer(config: TrunkConfig, highest_id: int) -> None:
    """FolderError if the tokenizer can give an id that the model has no vector for."""
    if highest_id >= config.vocab_size:
        raise FolderError(
            f"the tokenizer has ids up to {highest_id}, but the model knows only {config.vocab_size} tokens (0 to "
            f"{config.vocab_size - 1}); put the tokenizer beside the model that it was made for"
        )


# --- finding ----------------------------------------------------------------------------------------------------------


def resolve(where: str | Path) -> Path:
    """A folder that exists, or the local snapshot of a Hugging Face model ("org/name"), fetched where needed."""
    try:
        path = Path(where).expanduser()
    except RuntimeError as error:
        raise FolderError(f"{where}: there is no such user's home here; give a model folder") from error
    if path.exists():
        return path
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", str(where)):
        raise FolderError(f"{where} does not exist; give a model folder, or a Hugging Face model as org/name")
    from huggingface_hub import snapshot_download

    wanted = [CONFIG, GENERATION, lineages.FILE, INDEX, "model*.safetensors", *TOKENIZER]
    try:
        return Path(snapshot_download(str(where), allow_patterns=wanted))
    except Exception as error:  # whatever the network and the hub can do: to the user it is one thing
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise FolderError(f"{where} is no folder here, and Hugging Face did not give it either: {first}") from error
