"""What an answer is worth: a number from a reward model, from a function in Python, from what the built-in world knows, or a sum of these.

    runs/reward         a reward model's folder
    rules.py:polite     a function `(record, answer) -> number` in a file, or `module:function` where Python finds it; the record is
                        the prompt's line of JSON, as a dict; instead of a number it may give those of single steps (steps.py)
    gold                the world's own judgement, from 0 to 1, of prompts that carry their truth
    right               1 for the right answer and 0 for any other, from the truth
    0.5*gold            so much of it; of several, the sum

Left out: reward models that judge single steps of an answer.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from onward.align.policy.steps import Stepwise, weighted
from onward.corpus.prompts import Prompt
from onward.errors import ChatError, DataError, FolderError, OnwardError, PlanError
from onward.model import folder
from onward.model.reward import rewards
from onward.tokens.chat import encode_chat
from onward.tokens.tokenizer import Tokenizer
from onward.world.grading import is_right
from onward.world.preferences import gold

Reward = Callable[[Sequence[Prompt], Sequence[str]], list[float]]
"""What answers to prompts are worth, one by one."""
AT_ONCE = 64
"""Answers that a reward model reads together."""


@dataclass(frozen=True)
class Weighted:
    """Several rewards as one. names: as they were asked for, without their weights."""

    names: list[str]
    weights: list[float]
    parts: list[Reward]

    def __call__(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
        found = [part(prompts, answers) for part in self.parts]
        return [weighted(self.weights, values) for values in zip(*found, strict=True)]


def opened(asked: Sequence[str], device: str) -> Weighted:
    """The rewards that were asked for.   Raises PlanError for one that there is not, FolderError, TokenizerError."""
    weights, names = zip(*map(_parted, asked), strict=True)
    return Weighted(list(names), list(weights), [_source(name, device) for name in names])


def folders(asked: Sequence[str]) -> list[Path]:
    """Those of the rewards that are reward models."""
    return [Path(name) for _, name in map(_parted, asked) if _is_folder(name)]


def written(asked: Sequence[str]) -> list[Path]:
    """The files of those of the rewards that are functions in a file."""
    names = [name for _, name in map(_parted, asked) if name not in KNOWN and not _is_folder(name)]
    return [path for name in names if (path := Path(name.rpartition(":")[0])).suffix == ".py" and path.is_file()]


def _parted(asked: str) -> tuple[float, str]:
    before, star, name = asked.partition("*")
    if not star:
        return 1.0, asked
    try:
        weight = float(before)
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight) or not name:
        raise PlanError(f"the reward {asked}: before the * stands a number, and after it a reward, as in 0.5*gold.")
    return weight, name


def _is_folder(name: str) -> bool:
    return name not in KNOWN and (":" not in name or Path(name).is_dir())


def _source(name: str, device: str) -> Reward:
    if name in KNOWN:
        return KNOWN[name]
    if _is_folder(name):
        return FolderReward(Path(name), device)
    return _each(_function(name), name)


# --- a reward model ---------------------------------------------------------------------------------------------------


class FolderReward:
    """A reward model's folder: what it says of a conversation that ends with the answer."""

    def __init__(self, path: Path, device: str) -> None:
        if not path.is_dir():
            raise PlanError(
                f"the reward {path}: there is no such folder. Give a reward model's folder, FILE.py:FUNCTION, {' or '.join(KNOWN)}."
            )
        self.path, self.device = path, device
        self.tokenizer = Tokenizer.load(path)
        self.model = folder.load(path, device=device, outputs="score").eval()
        folder.check_tokenizer(self.model.config, self.tokenizer.highest_id)

    @torch.inference_mode()
    def __call__(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
        """Those of like length are read together. Of what exceeds the model's positions, the beginning is left out."""
        chats = [self._encoded(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
        found = [0.0] * len(chats)
        order = sorted(range(len(chats)), key=lambda number: len(chats[number]))
        for first in range(0, len(order), AT_ONCE):
            chosen = order[first : first + AT_ONCE]
            lengths = torch.tensor([len(chats[number]) for number in chosen], device=self.device)
            ids = pad_sequence([torch.tensor(chats[number]) for number in chosen], batch_first=True)
            for number, value in zip(chosen, rewards(self.model, ids.to(self.device), lengths).tolist(), strict=True):
                if not math.isfinite(value):
                    raise FolderError(
                        f"{self.path}: its reward for an answer is no finite number. The folder is damaged."
                    )
                found[number] = value
        return found

    def _encoded(self, prompt: Prompt, answer: str) -> list[int]:
        try:
            ids = self._conversation(prompt, answer) if answer.strip() else self._unanswered(prompt)
            return ids[-self.model.config.max_positions :]
        except ChatError as error:
            raise DataError(
                f"{prompt.source}, line {prompt.number}: the reward model {self.path} cannot read it: {error}"
            ) from error

    def _conversation(self, prompt: Prompt, answer: str) -> list[int]:
        return encode_chat(self.tokenizer, [*prompt.messages, {"role": "assistant", "content": answer}]).ids

    def _unanswered(self, prompt: Prompt) -> list[int]:
        """With an answer that ends before it begins, which no conversation may have, but which a policy can draw."""
        begun = encode_chat(self.tokenizer, prompt.messages, add_generation_prompt=True).ids
        with_a_word = encode_chat(self.tokenizer, [*prompt.messages, {"role": "assistant", "content": "."}])
        end = max(place for place, learned in enumerate(with_a_word.learn) if learned)  # the token that ends the answer
        return begun + with_a_word.ids[end:]


# --- functions --------------------------------------------------------------------------------------------------------


def _each(judge: Callable[[Prompt, str], Any], name: str) -> Reward:
    """One after the other. What it raises, or gives that is no number, is said with the prompt for which it did."""

    def one(prompt: Prompt, answer: str) -> float:
        where = f"{prompt.source}, line {prompt.number}"
        try:
            value = judge(prompt, answer)
        except OnwardError:
            raise
        except Exception as error:  # whatever somebody's own code raises, or a truth that nobody's world has written
            raise DataError(f"the reward {name} failed on {where}: {_said(error)}") from error
        number = _number(value)
        if not math.isfinite(number):
            raise DataError(
                f"the reward {name} gave {str(value)[:40]!r} for an answer to {where}, and no finite number."
            )
        return number

    return lambda prompts, answers: [one(*pair) for pair in zip(prompts, answers, strict=True)]


def _number(value: Any) -> float:
    """Or the sum of those of single steps. NaN for what is none."""
    try:
        return Stepwise(value) if isinstance(value, list) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _said(error: Exception) -> str:
    """In one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _function(name: str) -> Callable[[Prompt, str], Any]:
    """FILE.py:FUNCTION, or MODULE:FUNCTION."""
    place, _, called = name.rpartition(":")
    try:
        found = getattr(_module(place), called, None)
    except Exception as error:  # whatever somebody's own code raises while it is read
        raise PlanError(f"the reward {name}: {place} cannot be imported ({_said(error)}).") from error
    if not callable(found):
        raise PlanError(f"the reward {name}: {place} has no function {called!r}.")
    function: Callable[[dict[str, Any], str], Any] = found
    return lambda prompt, answer: function(prompt.record, answer)


def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())
        return importlib.import_module(place)
    spec = importlib.util.spec_from_file_location(f"reward:{Path(place).resolve()}", place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} is no file of Python")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


# --- the world's ------------------------------------------------------------------------------------------------------


ASKED = {"answer", "accept", "some", "all", "parts", "forms"}
"""One of these stands in every truth of a single question: without any, as in that of a conversation, all answers would seem unknown."""


def _truth(prompt: Prompt, name: str) -> Mapping[str, Any]:
    truth = prompt.record.get("truth")
    if not isinstance(truth, dict):
        raise DataError(
            f'{prompt.source}, line {prompt.number}: --reward {name} needs the "truth" that the built-in world writes beside a prompt.'
        )
    return truth


def _gold(prompt: Prompt, answer: str) -> float:
    truth = _truth(prompt, "gold")
    if not truth.keys() & ASKED:
        raise DataError(
            f"{prompt.source}, line {prompt.number}: --reward gold needs to know what was asked, and the truth does not say it."
        )
    return gold.reward(answer, truth).total


def _right(prompt: Prompt, answer: str) -> float:
    truth = _truth(prompt, "right")
    if "answer" not in truth and "accept" not in truth:
        raise DataError(
            f"{prompt.source}, line {prompt.number}: --reward right needs a right answer, and the truth has none."
        )
    return float(is_right(answer, truth))


KNOWN: dict[str, Reward] = {"gold": _each(_gold, "gold"), "right": _each(_right, "right")}
