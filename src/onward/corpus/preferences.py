"""Preferences in, in the formats that are common, and out as one: a prompt and two or more answers to it, the best first.

Pairs of a chosen and a rejected answer (as TRL reads them, in messages or plain), hh-rlhf dialogues, rankings, OpenAI's preference
fine-tuning, and what the built-in world writes; as .jsonl (also .gz and .zst) or a .json list, or a folder of these. The first record
says which format a file has; messages are read as in chats.py. Left out: single answers with a thumb up or down, of which nobody says
what they are better than.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.corpus.chats import (
    Message,
    alpaca_question,
    as_text,
    from_openai,
    from_sharegpt,
    trim,
    with_system,
    with_tools,
)
from onward.corpus.read import RecordError, check_unicode
from onward.corpus.records import Records, record_files
from onward.errors import BadLine, ChatError
from onward.tokens.chat import check

PROMPTS = ("prompt", "conversations", "instruction")
ANSWERS = ("answers", "responses", "completions")
TEXTS = ("text", "content")
WORTHS = ("score", "gold", "reward")
SCORES = (("score_chosen", "score_rejected"), ("chosen_score", "rejected_score"))
SPEAKER = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")
"""What begins a turn of an hh-rlhf dialogue (Bai et al. 2022, arXiv 2204.05862)."""


@dataclass(frozen=True)
class Ranking:
    """A prompt and answers to it, the best first.

    prompt: ends with what a user or a tool said; may begin with a system message.   answers: two or more.
    scores: what each was worth, falling, where the data say so.   number: from 1, the line, or the place in a list.
    truth: what the built-in world knows of the prompt and of the answers, in the record's own form.
    """

    prompt: list[Message]
    answers: tuple[str, ...]
    scores: tuple[float, ...] | None
    source: str
    number: int
    truth: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Judged:
    """What a record says.   worth: higher is better; without it, the best answer comes first.   scored: worth are scores, and not ranks."""

    prompt: list[Message]
    answers: list[str]
    worth: list[float] | None
    scored: bool = True


def read_preferences(
    path: Path | str, *, skip_bad: bool = False, on_skip: Callable[[BadLine], None] | None = None
) -> Preferences:
    """The preferences of a file or folder, whose formats are found at once and whose contents are read as they are asked for.

    `skip_bad` leaves out records that cannot be used, and calls `on_skip` with each. Raises DataError, one line.
    """
    return Preferences(Path(path), skip_bad, on_skip)


class Preferences(Records[Ranking]):
    """The rankings of a file, or of all files in a folder; can be gone through again and again.

    formats: for each file "pairs", "hh-rlhf", "rankings" or "OpenAI preferences".   After going through: `read` rankings, `skipped`
    records left out as bad, `ties` answers left out because one before them is worth as much (a ranking of which only one is left is
    passed over), and `trimmed` answers from whose end another tokeniser's end mark was taken away.
    """

    one = "preference"
    known = (
        '"chosen" and "rejected" (beside a "prompt", as conversations, or as hh-rlhf writes them), "prompt" and "answers", '
        'OpenAI "input", "preferred_output" and "non_preferred_output"'
    )
    ties = trimmed = 0

    def __iter__(self) -> Iterator[Ranking]:
        self.ties = self.trimmed = 0
        yield from super().__iter__()

    def _format_of(self, record: Any) -> str | None:
        return format_of(record)

    def _left_out(self) -> str:
        return f"{super()._left_out()}, {self.ties:,} as ties"

    def _item(self, record: Any, format: str, source: str, number: int) -> Ranking | None:
        judged = READERS[format](record)
        answers = [{"role": "assistant", "content": answer} for answer in judged.answers]
        trimmed = trim(judged.prompt) + trim(answers)
        texts = [answer["content"] for answer in answers]
        _check_prompt(judged.prompt)
        _check_answers(texts, ranking=format == "rankings")
        order = list(range(len(texts))) if judged.worth is None else _falling(judged.worth)
        _check_different(texts, order)
        self.trimmed += trimmed
        self.ties += len(texts) - len(order)
        if len(order) < 2:
            return None
        scores = tuple(judged.worth[place] for place in order) if judged.worth is not None and judged.scored else None
        truth = record["truth"] if isinstance(record.get("truth"), dict) else None
        return Ranking(judged.prompt, tuple(texts[place] for place in order), scores, source, number, truth)


def preference_files(path: Path) -> list[Path]:
    """The files that preferences are read from: the one named, or all below a folder, sorted.   Raises DataError."""
    return record_files(path, Preferences.one)


def _check_prompt(prompt: list[Message]) -> None:
    if not prompt:
        raise RecordError(f"there is no prompt: none of {', '.join(PROMPTS)}, and no messages before the answers")
    try:
        check(prompt, answered=False)
    except ChatError as error:
        raise RecordError(f"the prompt: {str(error).removesuffix('.')}") from error
    if (role := prompt[-1]["role"]) not in ("user", "tool"):
        raise RecordError(f"the prompt ends with {'an answer' if role == 'assistant' else 'a system message'}")


def _check_answers(answers: Sequence[str], *, ranking: bool) -> None:
    if len(answers) < 2:
        raise RecordError(f"it takes two answers to compare, and there is {'only one' if answers else 'none'}")
    for place, answer in enumerate(answers):
        which = f"answer {place + 1}" if ranking else ("the chosen answer", "the rejected answer")[place]
        if not answer.strip():
            raise RecordError(f"{which} is empty")
        try:
            check_unicode(answer)
        except RecordError as error:
            raise RecordError(f"{which}: {error}") from error


def _check_different(answers: Sequence[str], order: Sequence[int]) -> None:
    """Refuse to call one text better than itself."""
    been: dict[str, int] = {}
    for place in order:
        before = been.setdefault(answers[place].strip(), place)
        if before != place:
            both = " and ".join(str(found + 1) for found in sorted((before, place)))
            raise RecordError("the two answers are the same" if len(answers) == 2 else f"answers {both} are the same")


def _falling(worth: Sequence[float]) -> list[int]:
    """The places of the best value, of the next one below it, and so on; of equal values, the first one's."""
    first = {value: place for place, value in reversed(list(enumerate(worth)))}
    return [first[value] for value in sorted(first, reverse=True)]


def format_of(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    if {"chosen", "rejected"} <= set(record):
        return "hh-rlhf" if _is_dialogue(record) else "pairs"
    if {"input", "preferred_output", "non_preferred_output"} <= set(record):
        return "OpenAI preferences"
    return "rankings" if _answers_of(record) is not None else None


def _is_dialogue(record: dict[str, Any]) -> bool:
    """Whether the answers are the ends of dialogues written as one text, which stand alone or after a prompt that begins them."""
    if not isinstance(record["chosen"], str) or not isinstance(record["rejected"], str):
        return False
    asked = _asked_in(record)
    return asked is None or (asked == "prompt" and str(record[asked]).startswith("\n\nHuman:"))


def _from_pair(record: dict[str, Any]) -> _Judged:
    """`{"prompt", "chosen", "rejected"}`, with texts or with messages; "instruction" and "input", or ShareGPT's "conversations", for
    the prompt; or conversations alone, as TRL has them. "score_chosen" and "score_rejected", or a "margin", say what they are worth."""
    prompt, answers = _compared(_prompt(record), record, ("chosen", "rejected"))
    return _Judged(_told(prompt, record), answers, _pair_worth(record))


def _from_openai(record: dict[str, Any]) -> _Judged:
    """`{"input": {"messages", "tools"}, "preferred_output": [message], "non_preferred_output": [message]}`."""
    given = record["input"]
    if not isinstance(given, dict):
        raise RecordError('"input" is no object with "messages"')
    asked = _turns(given.get("messages"), '"input"')
    prompt, answers = _compared(asked, record, ("preferred_output", "non_preferred_output"))
    return _Judged(_told(prompt, given), answers, None)


def _from_dialogues(record: dict[str, Any]) -> _Judged:
    """`{"chosen", "rejected"}`, each a text of turns "\\n\\nHuman: ...\\n\\nAssistant: ..."."""
    begun = record.get("prompt") or ""
    said = {}
    for name in ("chosen", "rejected"):
        text = record[name] if record[name].startswith(begun) else begun + record[name]
        before, *turns = SPEAKER.split(text)
        if before.strip() or not turns:
            raise RecordError(
                f'"{name}" does not begin with "Human:", as an hh-rlhf dialogue does, and there is no "prompt" beside it'
            )
        said[name] = [
            {"role": "user" if who == "Human" else "assistant", "content": words.strip(" \n")}
            for who, words in zip(turns[::2], turns[1::2], strict=True)
        ]
    prompt, answers = _compared([], said, ("chosen", "rejected"))
    return _Judged(prompt, answers, _pair_worth(record))


def _from_ranking(record: dict[str, Any]) -> _Judged:
    """`{"prompt", "answers": [...]}`: texts, the best first or with a list of "scores" or "ranks" beside them; or `{"text", "score"}`."""
    answers = _answers_of(record)
    if not isinstance(answers, list):
        raise RecordError("the answers are no list")
    prompt = asked_by(record)
    texts = [_answer_text(answer, f"answer {number}") for number, answer in enumerate(answers, start=1)]
    for name in ("scores", "ranks"):
        if (beside := record.get(name)) is not None:
            if not isinstance(beside, list) or len(beside) != len(answers):
                raise RecordError(f'"{name}" is no list of {len(answers)} numbers, one for each answer')
            worth = [_number(value, f"{name[:-1]} {number}") for number, value in enumerate(beside, start=1)]
            return _Judged(prompt, texts, [-rank for rank in worth] if name == "ranks" else worth, name == "scores")
    if all(isinstance(answer, str) for answer in answers):
        return _Judged(prompt, texts, None)
    return _Judged(
        prompt, texts, [_worth(answer, f"answer {number}") for number, answer in enumerate(answers, start=1)]
    )


READERS: dict[str, Callable[[dict[str, Any]], _Judged]] = {
    "pairs": _from_pair,
    "hh-rlhf": _from_dialogues,
    "rankings": _from_ranking,
    "OpenAI preferences": _from_openai,
}


def _asked_in(record: dict[str, Any]) -> str | None:
    """The name of the field that says what was asked."""
    return next((name for name in PROMPTS if record.get(name)), None)


def asked_by(record: dict[str, Any]) -> list[Message]:
    """What was asked, where a field of its own says so, with the system message and the tools beside it."""
    return _told(_prompt(record), record)


def _prompt(record: dict[str, Any]) -> list[Message]:
    """What was asked, where a field of its own says so."""
    name = _asked_in(record)
    if name is None:
        return []
    if name == "instruction":
        return [alpaca_question(record)]
    if isinstance(record[name], str):
        return [{"role": "user", "content": record[name]}]
    return _turns(record[name], f'"{name}"')


def _told(prompt: list[Message], record: dict[str, Any]) -> list[Message]:
    """The prompt with the system message and the tools that stand beside it."""
    begins = prompt[0]["content"] if prompt and prompt[0]["role"] == "system" else None
    prompt = prompt if begins is not None and begins == record.get("system") else with_system(prompt, record)
    return with_tools(prompt, record.get("tools"))


def _turns(value: Any, where: str) -> list[Message]:
    """A message or a list of messages, as OpenAI or ShareGPT writes them."""
    turns = [value] if isinstance(value, dict) else value
    sharegpt = isinstance(turns, list) and any(isinstance(turn, dict) and "from" in turn for turn in turns)
    try:
        return from_sharegpt({"conversations": turns}) if sharegpt else from_openai({"messages": turns})
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from error


def _compared(prompt: list[Message], record: dict[str, Any], names: tuple[str, str]) -> tuple[list[Message], list[str]]:
    """The prompt of two answers, and the answers. The messages before an answer are the prompt, or tell it again."""
    (before, better), (again, worse) = (_said(record[name], f'"{name}"') for name in names)
    if before != again:
        raise RecordError("the two answers are to different prompts")
    if before and prompt and not any(before[at : at + len(prompt)] == prompt for at in range(len(before))):
        raise RecordError("the messages before the answers are not those of the prompt")
    return before or prompt, [better, worse]


def _said(value: Any, where: str) -> tuple[list[Message], str]:
    """The messages before an answer, where there are any, and the answer."""
    if isinstance(value, str):
        return [], value
    messages = _turns(value, where)
    if not messages or messages[-1]["role"] != "assistant":
        raise RecordError(f"{where} does not end with an answer of the assistant")
    return messages[:-1], messages[-1]["content"]


def _pair_worth(record: dict[str, Any]) -> list[float] | None:
    for names in SCORES:
        if any(record.get(name) is not None for name in names):
            better, worse = (_number(record.get(name), f'"{name}"') for name in names)
            if better < worse:
                raise RecordError(
                    f"the rejected answer has a higher score ({worse:g}) than the chosen one ({better:g})"
                )
            return [better, worse]
    if record.get("margin") is None:
        return None
    margin = _number(record["margin"], '"margin"')
    if margin < 0:
        raise RecordError(f"the margin is negative ({margin:g}): the rejected answer would be the better one")
    return [margin, 0.0]


def _answers_of(record: dict[str, Any]) -> Any:
    """The answers of a ranking. The built-in world keeps them with the truth."""
    found = next((record[name] for name in ANSWERS if record.get(name) is not None), None)
    truth = record.get("truth")
    return truth.get("candidates") if found is None and isinstance(truth, dict) else found


def _answer_text(answer: Any, where: str) -> str:
    name = next((name for name in TEXTS if name in answer), None) if isinstance(answer, dict) else None
    return as_text(answer if name is None else answer[name], where)


def _worth(answer: Any, where: str) -> float:
    name = next((name for name in WORTHS if answer.get(name) is not None), None) if isinstance(answer, dict) else None
    if name is None:
        raise RecordError(f"{where} has none of {', '.join(WORTHS)}, and no list of scores stands beside the answers")
    value = answer[name]
    return _number(value.get("total") if isinstance(value, dict) else value, f"the {name} of {where}")


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordError(f"{where} is {json.dumps(value)[:40]}, and no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise RecordError(f"{where} is {str(value)[:40]}, and no finite number")
    return number
