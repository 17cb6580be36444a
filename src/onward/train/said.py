"""What a model says while it learns: held-out beginnings, always the same ones, carried on by the likeliest token.

It is asked after the first step and at each measurement. `said.jsonl` lies in the workspace, and then in the model folder: {"step",
"prompt", "text"} a line, to be looked at. Left out: models that write no token after the other, and trainings of several processes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from onward.errors import FolderError
from onward.files import explained, write_bytes
from onward.generate.engine import Engine
from onward.generate.pages import BLOCK
from onward.generate.request import Request
from onward.generate.settings import Sampling
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train.shards import Shards

SAID = "said.jsonl"
BEGINNINGS = 2
GIVEN = 16
"""Tokens of a text that are given; of a conversation, all up to its first answer."""
LONGEST_GIVEN = 256
LOOKS = 4
"""Times at each beginning that people are shown."""
TOKENS = 40
"""That are said, at most."""


def beginnings(held_out: Shards, boundary: int, room: int) -> list[list[int]]:
    """Ids of the first held-out texts' or conversations' beginnings that leave room for more.   room: positions of the model."""
    found: list[list[int]] = []
    for number in range(held_out.documents):
        ids, learn = held_out.document(number).tolist(), held_out.learn(number).tolist()
        begin = ids[: learn.index(True)] if held_out.masked and True in learn else [boundary, *ids[:GIVEN]]
        if len(begin) <= min(LONGEST_GIVEN, room - 1):
            found.append(begin)
        if len(found) == BEGINNINGS:
            break
    return found


def carried_on(model: LanguageModel, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]]) -> list[dict[str, str]]:
    """Each beginning, and what the model as it is now says after it."""
    was_training = model.training
    most = [min(TOKENS, model.config.max_positions - len(prompt)) for prompt in prompts]
    blocks = sum(-(-(len(prompt) + tokens) // BLOCK) for prompt, tokens in zip(prompts, most, strict=True))
    requests = [
        Request(prompt=list(prompt), sampling=Sampling(temperature=0.0, max_tokens=tokens))
        for prompt, tokens in zip(prompts, most, strict=True)
    ]
    with torch.compiler.set_stance("force_eager"):  # compiled blocks have one shape, and a pass here has many
        done = Engine(model, tokenizer, blocks=blocks).run(requests)
    model.train(was_training)
    return [
        {"prompt": tokenizer.decode(list(prompt)), "text": completion.text}
        for prompt, completion in zip(prompts, done, strict=True)
    ]


def keep(path: Path, start: int) -> None:
    """Lines past the step that a training goes on from are taken back."""
    if path.exists():
        kept = [line for line in read(path) if line["step"] <= start]
        write_bytes(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept).encode())


def write(path: Path, step: int, said: Sequence[dict[str, str]]) -> None:
    """Add what was said after a step."""
    with explained(path), path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({"step": step} | one, ensure_ascii=False) + "\n" for one in said)


def read(path: Path) -> list[dict[str, Any]]:
    """All lines; a last one that a crash cut short is left out, and none where there is no file.   Raises FolderError."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [_line(path, number, line) for number, line in enumerate(lines, 1) if line.endswith(b"\n")]


@dataclass(frozen=True)
class Said:
    """A beginning, and what the model said after it: at first, on the way, and at last, each with its step."""

    prompt: str
    texts: list[tuple[int, str]]


def early_and_late(path: Path) -> list[Said]:
    """Of each beginning a few times, at equal distances. None where there is no file.   Raises FolderError."""
    found: dict[str, list[tuple[int, str]]] = {}
    for line in read(path):
        found.setdefault(line["prompt"], []).append((line["step"], line["text"]))
    return [Said(prompt, _few(texts)) for prompt, texts in found.items()]


def _few(texts: list[tuple[int, str]]) -> list[tuple[int, str]]:
    if len(texts) <= LOOKS:
        return texts
    return [texts[round(at * (len(texts) - 1) / (LOOKS - 1))] for at in range(LOOKS)]


def _line(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
        if isinstance(found["step"], int) and isinstance(found["prompt"], str) and isinstance(found["text"], str):
            return dict(found)
    except (ValueError, RecursionError, KeyError, TypeError):
        pass
    raise FolderError(
        f"{path}, line {number}: this is nothing that a model has said. Put back the original, or remove the file."
    )
