"""What a model folder holds, without reading its weights: for `onward show`, and for planning.

Everything is arithmetic on config.json and on the headers of the safetensors files. Left out: lineage and results
(onward.lineage reads them) and the tokenizer's own vocabulary.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from onward.files import COPY_AGAIN, read_json
from onward.model.config import TrunkConfig
from onward.model.folder import ADAPTER, ADAPTER_WEIGHTS, open_safetensors, read_config, weight_files

BYTES = {"float32": 4, "bfloat16": 2}


def describe(path: Path) -> dict[str, Any]:
    """Plain data about a folder; FolderError or ConfigError where it is not whole.

    Keys: family; architecture (the fields of TrunkConfig); vocabulary (tokens); parameters (by part, and total);
    stored (numbers in the files, by type as safetensors spells it); memory (bytes: weights and the cache of keys and
    values for 1,000 tokens of one sequence by precision, and training in float32 with AdamW, without activations);
    flops_per_token (forward, at the longest sequence); files (bytes by name).
    """
    family, config = read_config(path, outputs=None)
    parts = config.parameters()
    total = sum(parts.values())
    return {
        "family": family,
        "architecture": dataclasses.asdict(config),
        "vocabulary": config.vocab_size,
        "parameters": parts | {"total": total},
        "stored": _stored(weight_files(path)),
        "memory": {
            "weights": {name: total * size for name, size in BYTES.items()},
            "cache_per_1000_tokens": {name: cache_numbers(config, 1000) * size for name, size in BYTES.items()},
            "training": total * 16,  # weights, gradients and AdamW's two moments, 4 bytes each
        },
        "flops_per_token": config.flops_per_token(config.max_positions),
        "files": {file.name: file.stat().st_size for file in sorted(path.iterdir()) if file.is_file()},
    }


def describe_adapter(path: Path) -> dict[str, Any]:
    """The same of an adapter's folder: method, base, settings, numbers stored, and files."""
    settings = read_json(path / ADAPTER, COPY_AGAIN)
    given = {name: value for name, value in settings.items() if value not in (None, False, [], {}, "")}
    return {
        "method": str(given.pop("peft_type", "unknown")).lower(),
        "base": given.pop("base_model_name_or_path", None),
        "settings": given,
        "stored": _stored([path / ADAPTER_WEIGHTS]),
        "files": {file.name: file.stat().st_size for file in sorted(path.iterdir()) if file.is_file()},
    }


def cache_numbers(config: TrunkConfig, tokens: int) -> int:
    """Numbers that a cache holds for one sequence: a key and a value per layer, key head and token in sight."""
    in_sight = (min(tokens, config.window or tokens) if config.windowed(n) else tokens for n in range(config.depth))
    return 2 * config.kv_heads * config.head_size * sum(in_sight)


def _stored(files: list[Path]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for file in files:
        with open_safetensors(file) as opened:
            for name in opened.keys():  # noqa: SIM118 (not a dictionary)
                header = opened.get_slice(name)
                numbers[header.get_dtype()] = numbers.get(header.get_dtype(), 0) + math.prod(header.get_shape())
    return numbers
