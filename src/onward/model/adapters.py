"""Adapters: a few weights put beside a model, which itself stays as it is. peft makes, computes and merges them; all methods of it will do
that need nothing but linear layers (LoRA, DoRA, IA3 and some twenty more).

An adapter folder is in PEFT's own format, `adapter_config.json` and `adapter_model.safetensors`, under the names that the base model's
family has on the hub, so that PEFT and vLLM open it beside the base. Here it is told how those names become ours, and back. Left out:
adapters of embeddings and of the output layer, of experts, and of GPT-2, which stores the layers that ours are parts of.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, get_peft_model_state_dict, inject_adapter_in_model, set_peft_model_state_dict
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file

from onward import lineage as lineages
from onward.errors import ConfigError, FolderError, PlanError
from onward.files import COPY_AGAIN, check_apart, check_free, new_folder, read_json
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.families import shapes_of, stored
from onward.model.folder import (
    ADAPTER,
    ADAPTER_WEIGHTS,
    GENERATION,
    open_safetensors,
    resolve,
    save_tensors,
)
from onward.model.int8 import Int8Linear
from onward.model.trunk import LanguageModel

OURS = "adapter"
"""The name, inside the model, of the adapter that is trained."""
PREFIX = "base_model.model."
METHODS = (
    *("lora", "dora", "ia3", "boft", "c3a", "deft", "delora", "fourierft", "glora", "gralora", "hira", "hra"),
    *("loha", "lokr", "miss", "oft", "osf", "peanut", "psoft", "randlora", "road", "shira", "supertuning", "waveft"),
)
"""Those of peft that need linear layers only, and can be merged into them; a test does so with each."""

NEEDS_FLOAT = ("glora", "hira", "hra", "osf", "peanut", "psoft", "shira", "supertuning")
"""Those that cannot stand beside weights in int8 (int8.py). Most of them compute with the weights themselves, and would keep a float copy
of each for the way back; osf and psoft are made from the weights' singular vectors, which in int8 are others; glora takes plain linear
layers only, says peft."""


def base_of(path: Path) -> Path:
    """The folder of the model that an adapter was trained on, as its configuration names it.   Raises FolderError."""
    base = read_json(path / ADAPTER, COPY_AGAIN).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise FolderError(
            f"{path / ADAPTER} does not say which model it belongs to (base_model_name_or_path). Put it there."
        )
    try:
        return resolve(base)
    except FolderError as error:
        raise FolderError(
            f"{path} is an adapter of a model that is not there: {error}. Name it in {path / ADAPTER}."
        ) from error


def add(model: LanguageModel, family: str, method: str, *, rank: int | None, base: Path, seed: int) -> None:
    """Put a fresh adapter beside all linear layers of the blocks, in place; from now on it alone learns.

    method: one of METHODS.   rank: of the matrices, where the method has such a thing.   base: the folder that the
    model is from.   Raises PlanError, ConfigError.
    """
    names = _modules(model.config, family)
    config: Any = _config(method, rank)
    config.base_model_name_or_path = str(base)
    config.target_modules = sorted(names)
    if hasattr(config, "feedforward_modules"):
        config.feedforward_modules = [name for name in sorted(names) if name.endswith("down_proj")]
    torch.manual_seed(seed)
    try:
        _inject(model, config, OURS)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise PlanError(f"--adapter {method}: peft cannot make it for this model: {_first_line(error)}.") from error


def check_int8(method: str) -> None:
    """PlanError where a method cannot stand beside weights in int8."""
    if method in NEEDS_FLOAT:
        others = ", ".join(name for name in METHODS if name not in NEEDS_FLOAT)
        raise PlanError(
            f"--adapter {method} works with the model's weights in float, so --base-precision int8 is not for it. "
            f"Choose fp32, or one of {others}."
        )


def _config(method: str, rank: int | None) -> Any:
    """peft's configuration of a method, with its own defaults. LoRA's strength (alpha) is twice its rank, here as in most tools."""
    kinds = {kind.value.lower(): make for kind, make in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    make = kinds.get("lora" if method == "dora" else method)
    if method not in METHODS or make is None:
        raise PlanError(
            f"--adapter {method}: choose one of {', '.join(name for name in METHODS if name in {*kinds, 'dora'})}."
        )
    config: Any = make(task_type="CAUSAL_LM")
    if rank is not None and not hasattr(config, "r"):
        raise PlanError(f"--rank {rank}: {method} has no rank. Leave it out.")
    if rank is not None or method in ("lora", "dora"):
        config.r = rank or 16
    if method in ("lora", "dora"):
        config.use_dora, config.lora_alpha = method == "dora", 2 * config.r
    return config


def _inject(model: LanguageModel, config: PeftConfig, name: str) -> None:
    with warnings.catch_warnings():  # it looks for a transformers model, and says what ours is not
        warnings.simplefilter("ignore")
        inject_adapter_in_model(config, model, adapter_name=name)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].removesuffix(".")


# --- names ------------------------------------------------------------------------------------------------------------


def _modules(config: TrunkConfig, family: str) -> dict[str, str]:
    """The linear layers of the blocks, by our names, with the names that they have on the hub.

    Raises ConfigError where a family stores one of them as a part of another, as GPT-2 does.
    """
    found = {}
    for one in stored(config, family, shapes_of(config)):
        plain = all(name.endswith("_proj.weight") and ".experts." not in name for name in one.ours)
        if plain and (one.transposed or len(one.ours) > 1):
            raise ConfigError(f"adapters are not to be had for {family}, which stores several linear layers as one")
        if plain:
            found[one.ours[0].removesuffix(".weight")] = one.name.removesuffix(".weight")
    return found


def _endings(names: Mapping[str, str], chosen: Any) -> list[str]:
    """Their names of `chosen` modules of ours (peft shortens long lists of them to their endings): the last part alone, as most tools
    expect it, where that says the same."""
    theirs = [names[name] for name in names if any(name == one or name.endswith(f".{one}") for one in chosen)]
    last = {name.rpartition(".")[2] for name in theirs}
    covered = {name for name in names.values() if name.rpartition(".")[2] in last}
    return sorted(last if covered == set(theirs) else theirs)


def _ours(key: str, names: Mapping[str, str]) -> tuple[str, str] | None:
    """The module of ours that a stored tensor belongs to, and the rest of its name.   names: theirs to ours."""
    parts = key.removeprefix(PREFIX).split(".")
    for end in range(len(parts), 0, -1):
        if module := names.get(".".join(parts[:end])):
            return module, ".".join(parts[end:])
    return None


# --- files ------------------------------------------------------------------------------------------------------------


def save(
    path: Path,
    model: LanguageModel,
    *,
    lineage: Lineage,
    family: str,
    tokenizer_folder: Path,
    generation: Mapping[str, Any] | None = None,
    force: bool = False,
    further: Mapping[str, bytes] | None = None,
) -> None:
    """Write the folder of the adapter that was trained, whole or not at all; as `folder.save` for a model.   family: of its base."""
    names = _modules(model.config, family)
    config = copy.deepcopy(_configs(model)[OURS])
    config.inference_mode = True
    for field in ("target_modules", "feedforward_modules"):
        if chosen := getattr(config, field, None):
            setattr(config, field, _endings(names, chosen))
    tensors = {}
    for key, tensor in get_peft_model_state_dict(model, adapter_name=OURS, save_embedding_layers=False).items():
        found = _ours(key, {name: name for name in names})
        assert found is not None, key
        tensors[f"{PREFIX}{names[found[0]]}.{found[1]}"] = tensor.clone(
            memory_format=torch.contiguous_format
        )  # some share a part
    with new_folder(path, force=force) as place:
        config.save_pretrained(str(place))
        folder.write_companions(place, lineage, generation, tokenizer_folder, further)
        save_tensors(place / ADAPTER_WEIGHTS, tensors)


def attach(model: LanguageModel, family: str, path: Path, name: str = OURS) -> None:
    """Put the adapter of a folder beside the model that it was trained on, in place.

    Raises FolderError where the folder is not whole, or belongs to another model.
    """
    names = {theirs: ours for ours, theirs in _modules(model.config, family).items()}
    tensors, modules = {}, set()
    for key, tensor in _read(path).items():
        found = _ours(key, names)
        if found is None:
            raise FolderError(
                f"{path} changes {key.removeprefix(PREFIX)}, which is no linear layer in a block of this model."
            )
        modules.add(found[0])
        tensors[".".join(found)] = tensor
    try:
        config = PeftConfig.from_pretrained(str(path))
        if hasattr(config, "feedforward_modules"):
            config.feedforward_modules = [m for m in modules if _named(m, names, config.feedforward_modules)]
        config.target_modules = sorted(modules)
        config.inference_mode = True
        _inject(model, config, name)
        result: Any = set_peft_model_state_dict(model, tensors, adapter_name=name)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise FolderError(
            f"{path} does not fit this model ({_first_line(error)}). Give the model that it was trained on."
        ) from error
    lacking = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False).keys() - tensors.keys()
    if lacking:
        raise FolderError(f"{path} lacks {min(lacking)}. {COPY_AGAIN}")
    if result.unexpected_keys:
        raise FolderError(
            f"{path} holds {result.unexpected_keys[0]}, which {config.peft_type.value} does not have. {COPY_AGAIN}"
        )


def _named(module: str, names: Mapping[str, str], listed: Any) -> bool:
    """Whether a list of their names, whole or the last parts, has this module of ours."""
    theirs = next(one for one, ours in names.items() if ours == module)
    return any(theirs == one or theirs.endswith(f".{one}") for one in listed or ())


def _read(path: Path) -> dict[str, torch.Tensor]:
    if not (path / ADAPTER_WEIGHTS).is_file():
        raise FolderError(f"{path} has no {ADAPTER_WEIGHTS}. {COPY_AGAIN}")
    with open_safetensors(path / ADAPTER_WEIGHTS):
        return dict(load_file(path / ADAPTER_WEIGHTS))


# --- in the model -----------------------------------------------------------------------------------------------------


def _configs(model: LanguageModel) -> dict[str, PeftConfig]:
    return getattr(model, "peft_config", {})


def _layers(model: LanguageModel) -> Iterator[tuple[str, BaseTunerLayer]]:
    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            yield name, module


def use(model: LanguageModel, name: str | None) -> None:
    """Compute with the adapter of that name from now on; with None, as the base model alone."""
    for _, layer in _layers(model):
        layer.enable_adapters(name is not None)
        if name is not None:
            layer.set_adapter(name, inference_mode=True)


def switch(model: LanguageModel) -> Callable[[str | None], None]:
    """`use`, for who calls it before every pass: nothing is done where nothing changes."""
    current: list[str | None] = []

    def to(name: str | None) -> None:
        if current != [name]:
            use(model, name)
            current[:] = [name]

    return to


def merge(model: LanguageModel) -> None:
    """Work the adapter into the weights beside which it stands, in place; what is left is a plain model."""
    for name, layer in _layers(model):
        if isinstance(layer.get_base_layer(), Int8Linear):
            raise ConfigError(
                "an adapter is merged into weights in float, and this model has them in int8; load it anew"
            )
        layer.merge(safe_merge=True)
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer.get_base_layer())
    model.requires_grad_(True)
    vars(model).pop("peft_config", None)


def merged_folder(base: Path, adapter: Path, out: Path, *, force: bool = False) -> None:
    """A model folder of both, in the precision of the base; its lineage has both as parents.   Raises FolderError, OutputError."""
    check_free(out, force=force)
    check_apart(out, [base, adapter])
    if not folder.is_adapter(adapter):
        raise FolderError(f"{adapter} holds no adapter ({ADAPTER}). Give the base first, and then the adapter.")
    family = folder.read_config(base)[0]
    model = folder.load(base)
    attach(model, family, adapter)
    merge(model)
    history = Lineage(
        verb="merge",
        command=lineages.command_line(),
        date=lineages.now(),
        versions=lineages.versions(),
        parents=[lineages.of(base), lineages.of(adapter)],
        folder=str(out),
    )
    generation = read_json(base / GENERATION, COPY_AGAIN) if (base / GENERATION).is_file() else None
    tokenizer = adapter if (adapter / "tokenizer.json").is_file() else base
    folder.save(
        out, model, lineage=history, family=family, tokenizer_folder=tokenizer, generation=generation, force=force
    )
