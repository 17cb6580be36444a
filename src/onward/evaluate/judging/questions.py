"""What models are asked before they are judged: questions of one turn or several, as MT-bench has them, and a model's answers.

Source: Zheng et al. 2023 (arXiv 2306.05685), section 3.1. Left out: another temperature for each kind of question, as MT-bench has it; one
is given for all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onward.align.ranking.prompts import Prompt, read_prompts
from onward.errors import BadLine, DataError
from onward.generate.chat_model import ChatModel, Message

Answers = tuple[str, ...]
"""One for each turn."""


@dataclass(frozen=True)
class Question:
    """turns: what the user says, in order.   references: a right answer for each, where there is one.   kind: such as "writing"."""

    key: str
    turns: tuple[str, ...]
    references: Answers = ()
    kind: str = ""

    def up_to(self, turn: int) -> Question:
        """Its first turns."""
        return replace(self, turns=self.turns[:turn], references=self.references[:turn])


def read_questions(path: Path, references: Path | None = None) -> list[Question]:
    """The questions of a JSONL file with "question_id", "turns" and perhaps "category" and "reference" on each line.

    references: another, with "question_id" and the turns of the first of its "choices".   Raises DataError, BadLine.
    """
    known = {} if references is None else {key: turns for key, turns, _ in _lines(references, _reference)}
    found = [
        Question(key, turns, known.get(key, tuple(record.get("reference") or ())), str(record.get("category", "")))
        for key, turns, record in _lines(path, _turns)
    ]
    if not found:
        raise DataError(f"{path} holds no question. Write one on each line, as JSON with question_id and turns.")
    return found


def open_questions(path: Path) -> list[Question]:
    """As `read_questions`; or prompts as `onward rank` takes them, each turn of a user's being a turn.   Raises DataError, BadLine."""
    if _named(path):
        found = read_questions(path)
    else:
        found = [Question(prompt.key[:8], _said_by_user(path, prompt)) for prompt in read_prompts(path)]
    keys = [question.key for question in found]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise DataError(f"{path} has two questions with the question_id {twice}. Give each its own.")
    return found


def _named(path: Path) -> bool:
    """Whether the first line has a question_id."""
    try:
        with path.open(encoding="utf-8") as file:
            return '"question_id"' in file.readline()
    except (OSError, ValueError):
        return False


def _said_by_user(path: Path, prompt: Prompt) -> tuple[str, ...]:
    if odd := next((one["role"] for one in prompt.messages if one["role"] not in ("user", "assistant")), None):
        raise DataError(f"{path}: a prompt has a {odd} message, which judges are not shown. Leave such prompts out.")
    return tuple(one["content"] for one in prompt.messages if one["role"] == "user")


def answer(model: ChatModel, question: Question, *, temperature: float, seed: int, max_tokens: int) -> Answers:
    """What a model says to a question, turn by turn, each with all that was said before.   Raises ChatError, PlanError, EndpointError."""
    said: list[Message] = []
    for turn in question.turns:
        said.append({"role": "user", "content": turn})
        reply = model(said, temperature=temperature, seed=seed, max_tokens=max_tokens)[0]
        said.append({"role": "assistant", "content": reply.text})
    return tuple(message["content"] for message in said[1::2])


def told(question: Question, answers: Answers, assistant: str) -> str:
    """The conversation, for a judge to read."""
    parts = zip(question.turns, answers, strict=True)
    return "\n\n".join(f"User:\n{turn}\n\n{assistant}:\n{said}" for turn, said in parts)


def told_references(question: Question) -> str:
    """Right answers, for a judge to read; nothing where there are none."""
    if not question.references:
        return ""
    right = "\n\n".join(f"To turn {number}:\n{text}" for number, text in enumerate(question.references, 1))
    return f"[Right answers]\n{right}\n\n"


def _lines(path: Path, turns_of: Any) -> Sequence[tuple[str, tuple[str, ...], dict[str, Any]]]:
    found = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}).") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            found.append((str(record["question_id"]), turns_of(record), record))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise BadLine(path, number, f"not a question with question_id and turns ({error!r})") from error
    return found


def _turns(record: dict[str, Any]) -> tuple[str, ...]:
    turns = record["turns"]
    if not (isinstance(turns, list) and turns and all(isinstance(turn, str) for turn in turns)):
        raise ValueError("turns is a list of texts")
    return tuple(turns)


def _reference(record: dict[str, Any]) -> tuple[str, ...]:
    return _turns(record["choices"][0])
