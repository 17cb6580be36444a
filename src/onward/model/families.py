"""Families, both ways: config.json to `TrunkConfig` and back, a checkpoint's tensors to ours and back.

Everything that tells one family from another is in tables.py; here is only how a table is read. What a table cannot
express is refused, field by field: writing is checked by reading back.   Left out: files (folder.py).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from onward.errors import ConfigError, FolderError
from onward.model.config import MoEConfig, RopeScaling, TrunkConfig
from onward.model.tables import FAMILIES, HEAD, SCORE_HEAD, Family, Weight, width_per_head


def named(family: str) -> Family:
    """The table of a family; ConfigError for a name that Onward does not know."""
    if family not in FAMILIES:
        raise ConfigError(f"architecture {family!r} is not one that Onward knows ({', '.join(FAMILIES)})")
    return FAMILIES[family]


# --- config.json to TrunkConfig, and back -----------------------------------------------------------------------------


def from_hf_config(raw: Mapping[str, Any]) -> tuple[str, TrunkConfig]:
    """The family and the architecture that a `config.json` describes; ConfigError where Onward cannot compute it."""
    name = raw.get("model_type")
    if not isinstance(name, str):
        raise ConfigError("there is no model_type, so this is not the configuration of a Hugging Face model")
    family = named(name)
    if raw.get("quantization_config"):
        raise ConfigError("the weights are quantised, which Onward does not read; take the original model")
    for theirs, value in family.required.items():
        if raw.get(theirs, value) != value:
            raise ConfigError(f"{name} with {theirs}={raw[theirs]!r} is not supported, only with {value!r}")
    ours = dict(family.fixed) | _plain_fields(raw, family) | {"outputs": _outputs(raw, name, family)}
    ours["block"] = raw.get(BLOCK)
    theirs, activations = family.activation
    activation = raw.get(theirs, family.defaults[theirs])
    if not isinstance(activation, str) or activation not in activations:
        raise ConfigError(f"{theirs}={activation!r} is not supported in {name}, only {', '.join(activations)}")
    ours["activation"] = activations[activation]
    for theirs, fields in family.biases.items():
        ours |= dict.fromkeys(fields, raw.get(theirs, False))
    if family.rope_theta is not None:
        ours |= _rope(raw, family.rope_theta, ours["max_positions"])
    ours |= _window(raw, family, ours["depth"])
    if family.experts:
        ours["moe"] = _experts(raw, family, ours["depth"])
    config = TrunkConfig(**ours)
    _check_heads(config, name, family)
    return name, config


BLOCK = "diffusion_block"
"""Our own word in config.json, which other tools pass over: of a model that writes so many tokens together."""
CLASSIFIER = "ForSequenceClassification"
ONE_LABEL = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
"""How transformers writes num_labels=1."""


def _outputs(raw: Mapping[str, Any], name: str, family: Family) -> str:
    """What the head gives, by `architectures` and the number of labels; without labels there are two, as in transformers."""
    given = raw.get("architectures")
    classifiers = [str(one) for one in given if str(one).endswith(CLASSIFIER)] if isinstance(given, list) else []
    if not classifiers:
        return "words"
    if family.classifier is None or family.classifier not in classifiers:
        known = f"only {family.classifier}" if family.classifier else "whose classifiers Onward does not read"
        raise ConfigError(f"{classifiers[0]} is not supported in {name}, {known}")
    labels = raw.get("id2label")
    number = len(labels) if isinstance(labels, dict) else raw.get("num_labels", 2)
    if type(number) is not int or number != 1:
        raise ConfigError(
            f"{family.classifier} with {number} labels (id2label) is not supported, only with one: a reward model"
        )
    return "score"


def _plain_fields(raw: Mapping[str, Any], family: Family) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for ours, theirs in family.names.items():
        fields[ours] = _value(raw, theirs, family, fields)
        if ours in ("width", "depth", "heads") and (type(fields[ours]) is not int or fields[ours] < 1):
            raise ConfigError(f"{theirs} must be a whole number above 0, not {fields[ours]!r}")
    if family.plain_heads:
        fields |= {"kv_heads": fields["heads"], "head_size": width_per_head(fields)}
    return fields


def _value(raw: Mapping[str, Any], theirs: str, family: Family, fields: Mapping[str, Any]) -> Any:
    if raw.get(theirs) is not None:
        return raw[theirs]
    if theirs not in family.defaults:
        raise ConfigError(f"{theirs} is missing")
    default = family.defaults[theirs]
    return default(fields) if callable(default) else default


SCALINGS: dict[str, dict[str, str]] = {
    "linear": {"factor": "factor"},
    "llama3": {
        "factor": "factor",
        "original_max_positions": "original_max_position_embeddings",
        "low_freq_factor": "low_freq_factor",
        "high_freq_factor": "high_freq_factor",
    },
    "yarn": {
        "factor": "factor",
        "original_max_positions": "original_max_position_embeddings",
        "beta_fast": "beta_fast",
        "beta_slow": "beta_slow",
        "attention_factor": "attention_factor",
        "mscale": "mscale",
        "mscale_all_dim": "mscale_all_dim",
        "truncate": "truncate",
    },
}


def _rope(raw: Mapping[str, Any], theta: float, max_positions: int) -> dict[str, Any]:
    """RoPE, told as transformers 5 does (rope_parameters) or as 4 did (rope_theta, rope_scaling)."""
    given = raw.get("rope_scaling") or raw.get("rope_parameters") or {}
    if not isinstance(given, dict) or any(isinstance(value, dict) for value in given.values()):
        raise ConfigError("RoPE that differs from layer to layer is not supported")
    kind = given.get("rope_type", given.get("type", "default"))
    fields: dict[str, Any] = {"rope_theta": given.get("rope_theta") or raw.get("rope_theta") or theta}
    if given.get("partial_rotary_factor", raw.get("partial_rotary_factor") or 1.0) != 1.0:
        raise ConfigError("RoPE on a part of each head (partial_rotary_factor) is not supported")
    if kind in ("default", None):
        return fields
    if not isinstance(kind, str) or kind not in SCALINGS:
        raise ConfigError(f"RoPE scaling {kind!r} is not supported, only {', '.join(SCALINGS)}")
    scaling = {ours: given[theirs] for ours, theirs in SCALINGS[kind].items() if given.get(theirs) is not None}
    if kind != "linear":
        # transformers lets a value beside the rope parameters win, and takes the model's length where nothing is said.
        beside = raw.get("original_max_position_embeddings")
        scaling["original_max_positions"] = beside or scaling.get("original_max_positions") or max_positions
    if kind == "yarn" and "factor" not in scaling:
        original = scaling["original_max_positions"]
        whole = type(max_positions) is int and type(original) is int and original > 0
        scaling["factor"] = max_positions / original if whole else None
    needed = {"factor"} | ({"low_freq_factor", "high_freq_factor"} if kind == "llama3" else set())
    if lacking := sorted(needed - scaling.keys()):
        raise ConfigError(f"RoPE scaling {kind} lacks {', '.join(lacking)}")
    return fields | {"rope_scaling": RopeScaling(**{"kind": kind, **scaling})}


def _window(raw: Mapping[str, Any], family: Family, depth: int) -> dict[str, Any]:
    size = raw.get("sliding_window", family.window_default)
    if family.window == "none" or size is None or (family.window_switch and not raw.get("use_sliding_window", False)):
        return {}
    if family.window == "all layers":
        return {"window": size}
    kinds = raw.get("layer_types")
    if kinds is None:
        first = raw.get("max_window_layers", 28)
        if type(first) is not int:
            raise ConfigError(f"max_window_layers must be a whole number, not {first!r}")
        kinds = ["sliding_attention" if layer >= first else "full_attention" for layer in range(depth)]
    known = ("sliding_attention", "full_attention")
    if not isinstance(kinds, list) or len(kinds) != depth or any(kind not in known for kind in kinds):
        raise ConfigError(f"layer_types must name full_attention or sliding_attention for each of {depth} layers")
    layers = tuple(layer for layer, kind in enumerate(kinds) if kind == "sliding_attention")
    if not layers:
        return {}
    return {"window": size, "window_layers": None if len(layers) == depth else layers}


def _experts(raw: Mapping[str, Any], family: Family, depth: int) -> MoEConfig:
    if "num_experts" not in raw and "num_local_experts" in raw:  # transformers 5 writes the one name for the other
        raw = {**raw, "num_experts": raw["num_local_experts"]}
    fields = {ours: _value(raw, theirs, family, {}) for ours, theirs in family.experts.items()}
    if not family.experts_some_layers:
        return MoEConfig(**fields)
    step, dense = raw.get("decoder_sparse_step", 1), raw.get("mlp_only_layers") or []
    if type(step) is not int or step < 1:
        raise ConfigError(f"decoder_sparse_step must be a whole number above 0, not {step!r}")
    if not isinstance(dense, list):
        raise ConfigError(f"mlp_only_layers must be a list of layers, not {dense!r}")
    layers = tuple(layer for layer in range(depth) if layer in dense or (layer + 1) % step)
    return MoEConfig(**fields, dense_layers=layers)


def _check_heads(config: TrunkConfig, name: str, family: Family) -> None:
    if (family.heads_divide_width or family.plain_heads) and config.width % config.heads:
        raise ConfigError(f"{name} needs a width that its heads divide; {config.width} does not go into {config.heads}")


def to_hf_config(config: TrunkConfig, family: str) -> dict[str, Any]:
    """The `config.json` of an architecture in a family; ConfigError, naming the fields, where the family lacks them."""
    table = named(family)
    if table.experts and config.moe is None:
        raise ConfigError(f"{family} is a mixture of experts, and this model has none")
    if config.outputs == "score" and table.classifier is None:
        raise ConfigError(f"{family} has no sequence classifier that Onward can write, so it cannot be a reward model")
    architecture = table.classifier if config.outputs == "score" else table.architecture
    raw: dict[str, Any] = {"architectures": [architecture], "model_type": family, **table.required}
    raw |= ONE_LABEL if config.outputs == "score" else {}
    raw |= {} if config.block is None else {BLOCK: config.block}
    raw |= {theirs: getattr(config, ours) for ours, theirs in table.names.items()}
    theirs, activations = table.activation
    raw[theirs] = next((one for one, ours in activations.items() if ours == config.activation), config.activation)
    raw |= {theirs: getattr(config, ours[0]) for theirs, ours in table.biases.items()}
    if table.rope_theta is not None:
        raw |= _rope_to_hf(config)
    if table.window != "none":
        raw |= _window_to_hf(config, table)
    if config.moe is not None:
        raw |= {theirs: getattr(config.moe, ours) for ours, theirs in table.experts.items()}
    if config.moe is not None and table.experts_some_layers:
        raw |= {"decoder_sparse_step": 1, "mlp_only_layers": list(config.moe.dense_layers)}
    # The reading direction is the judge: what does not come back the same cannot be said in this family.
    try:
        back = from_hf_config(raw)[1]
    except ConfigError as error:
        raise ConfigError(f"{family} cannot express this architecture: {error}") from error
    if differing := _differences(config, back):
        raise ConfigError(f"{family} cannot express this architecture: it has no choice of {', '.join(differing)}")
    return raw


def _rope_to_hf(config: TrunkConfig) -> dict[str, Any]:
    """Said twice, as transformers 5 and as 4 (and many other tools) want it; they agree."""
    scaling: dict[str, Any] | None = None
    if config.rope_scaling is not None:
        names = SCALINGS[config.rope_scaling.kind]
        scaling = {theirs: getattr(config.rope_scaling, ours) for ours, theirs in names.items()}
        scaling = {"rope_type": config.rope_scaling.kind} | {k: v for k, v in scaling.items() if v is not None}
    parameters = (scaling or {"rope_type": "default"}) | {"rope_theta": config.rope_theta}
    return {"rope_theta": config.rope_theta, "rope_scaling": scaling, "rope_parameters": parameters}


def _window_to_hf(config: TrunkConfig, table: Family) -> dict[str, Any]:
    windowed = [config.windowed(layer) for layer in range(config.depth)]
    raw: dict[str, Any] = {"sliding_window": config.window if any(windowed) else None}
    if table.window == "all layers" and not all(windowed):
        raw["sliding_window"] = None
    if table.window_switch:
        raw["use_sliding_window"] = raw["sliding_window"] is not None
    if table.window == "some layers":
        raw["max_window_layers"] = windowed.index(True) if True in windowed else config.depth
        raw["layer_types"] = ["sliding_attention" if one else "full_attention" for one in windowed]
    return raw


def _differences(one: TrunkConfig, other: TrunkConfig) -> list[str]:
    """Fields in which two architectures mean different things (what has no effect in a model does not count)."""
    first, second = _meaning(one), _meaning(other)
    return [name for name in first if first[name] != second[name]]


def _meaning(config: TrunkConfig) -> dict[str, Any]:
    meaning = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    meaning["window_layers"] = [config.windowed(layer) for layer in range(config.depth)]
    if not any(meaning["window_layers"]):
        meaning["window"] = None
    if config.positions != "rope":
        meaning["rope_theta"] = None
    if config.moe is not None:
        dense = tuple(layer for layer in range(config.depth) if not config.sparse(layer))
        meaning["moe"] = dataclasses.replace(config.moe, dense_layers=dense)
        meaning["ffn_width"] = config.ffn_width if dense else None
    return meaning


def onward_family(config: TrunkConfig) -> str:
    """The first family that can express an architecture, Qwen3 before all; ConfigError with its reason if none can."""
    reasons: list[str] = []
    for name in FAMILIES:
        try:
            to_hf_config(config, name)
        except ConfigError as error:
            reasons.append(str(error))
        else:
            return name
    raise ConfigError(f"no Hugging Face family has this architecture; to begin with, {reasons[0]}")


# --- weights, both ways -----------------------------------------------------------------------------------------------

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Stored:
    """One tensor of a checkpoint: its name, its shape there, and which of ours it holds, one below the other."""

    name: str
    shape: tuple[int, ...]
    ours: tuple[str, ...]
    transposed: bool

    def split(self, tensor: Tensor, shapes: Shapes) -> dict[str, Tensor]:
        """Ours out of theirs."""
        tensor = tensor.t() if self.transposed else tensor
        tensor = tensor.flatten(0, 1) if tensor.dim() == 3 else tensor
        if len(self.ours) == 1:
            return {self.ours[0]: tensor.contiguous()}
        parts = torch.split(tensor, [shapes[name][0] for name in self.ours])
        return {
            name: part.clone(memory_format=torch.contiguous_format) for name, part in zip(self.ours, parts, strict=True)
        }

    def join(self, state: Mapping[str, Tensor]) -> Tensor:
        """Theirs out of ours."""
        parts = [state[name].detach() for name in self.ours]
        whole = parts[0] if len(parts) == 1 else torch.cat(parts)
        return (whole.t() if self.transposed else whole).reshape(self.shape).contiguous()


def shapes_of(config: TrunkConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter, without making one."""
    from onward.model.trunk import LanguageModel

    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in LanguageModel(config).state_dict().items()}


def stored(config: TrunkConfig, family: str, shapes: Shapes) -> list[Stored]:
    """The tensors that a checkpoint of this family consists of, in the order of the table."""
    rows = named(family).weights
    if config.outputs == "score":
        rows = tuple(SCORE_HEAD if row is HEAD else row for row in rows)
    return [one for row in rows for one in _expand(row, config, shapes)]


def _expand(row: Weight, config: TrunkConfig, shapes: Shapes) -> Iterator[Stored]:
    ours = (row.ours,) if isinstance(row.ours, str) else row.ours
    experts = range(config.moe.experts if config.moe else 0)
    stacks = "{e}" in ours[0] and "{e}" not in row.theirs
    endings = ("",) if ours[0].endswith((".weight", ".bias")) else (".weight", ".bias")
    for n in range(config.depth) if "{n}" in row.theirs else (0,):
        for e in experts if "{e}" in row.theirs else (0,):
            for ending in endings:
                all_of = experts if stacks else (e,)
                names = tuple(one.format(n=n, e=expert) + ending for expert in all_of for one in ours)
                if names and all(name in shapes for name in names):
                    shape = (sum(shapes[name][0] for name in names), *shapes[names[0]][1:])
                    if stacks:
                        shape = (len(experts), shape[0] // len(experts), *shape[1:])
                    transposed = row.transposed and len(shape) == 2
                    shape = shape[::-1] if transposed else shape
                    yield Stored(row.theirs.format(n=n, e=e) + ending, shape, names, transposed)


def to_hf_weights(state: Mapping[str, Tensor], config: TrunkConfig, family: str) -> Iterator[tuple[str, Tensor]]:
    """A model's `state_dict` under the family's names, one tensor at a time; a tied head is not stored again."""
    for one in stored(config, family, shapes_of(config)):
        yield one.name, one.join(state)


def from_hf_weights(tensors: Iterable[tuple[str, Tensor]], config: TrunkConfig, family: str) -> dict[str, Tensor]:
    """A checkpoint's tensors, in any order, as our `state_dict`; FolderError where one is missing or odd."""
    table, shapes = named(family), shapes_of(config)
    known = {one.name: one for one in stored(config, family, shapes)}
    known |= {one.name: one for row in table.stacked for one in _expand(row, config, shapes)}
    twins = dict(table.copies if config.outputs == "words" else ())
    state: dict[str, Tensor] = {}
    copies: dict[str, Tensor] = {}
    unknown: list[str] = []
    for given, tensor in tensors:
        name = _full_name(given, table, known)
        if name in known:
            _check_shape(given, tensor, known[name].shape)
            state |= known[name].split(tensor, shapes)
        elif name in twins:
            copies[name] = tensor
        elif not re.match(table.ignored, name):
            unknown.append(given)
    _check_whole(state, unknown, config, family, shapes)
    for theirs, ours in twins.items():
        if theirs in copies and not torch.equal(copies[theirs], state[ours]):
            raise FolderError(
                f"{theirs} is stored beside the embedding and differs from it, though the configuration ties them; "
                "set tie_word_embeddings to false in config.json if the head is to be its own"
            )
    return state


def _full_name(name: str, table: Family, known: Mapping[str, Stored]) -> str:
    """A name as the table spells it: old endings renewed, and the prefix that a bare model's checkpoint leaves out."""
    for old, new in table.renamed:
        name = name.removesuffix(old) + new if name.endswith(old) else name
    whole = table.base + name
    return whole if name not in known and (whole in known or re.match(table.ignored, whole)) else name


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if not tensor.is_floating_point():
        raise FolderError(f"{name} holds {tensor.dtype} numbers; Onward reads float weights only, not quantised ones")
    if tuple(tensor.shape) != shape:
        raise FolderError(f"{name} has shape {list(tensor.shape)}, but config.json makes it {list(shape)}")


def _check_whole(
    state: Mapping[str, Tensor], unknown: list[str], config: TrunkConfig, family: str, shapes: Shapes
) -> None:
    missing = [one.name for one in stored(config, family, shapes) if not all(name in state for name in one.ours)]
    for what, names in (("missing from the weights", missing), ("unknown in this architecture", unknown)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise FolderError(f"{what}: {', '.join(names[:3])}{more}; config.json and weights are not of one model")
