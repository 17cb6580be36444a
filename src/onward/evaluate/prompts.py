"""Prompts: how an item is put to a model, as a chat or as a text to be carried on, with examples before it and options below it.

Left out: prompts that are tuned to a model; the same words go to all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onward.evaluate.choices import LAYOUTS, in_order, shown
from onward.evaluate.items import Item
from onward.evaluate.rules import LETTERS
from onward.evaluate.settings import Mode
from onward.generate.chat_model import Message

LEFT_OUT = "(no question)"
"""What the control asks instead of the question."""
ASKS: dict[Mode, str] = {
    "said": "Answer with the letter.",
    "letter": "Answer with the letter.",
    "full": "Answer with the words of the right one.",
}
"""How a chat asks for an option."""


@dataclass(frozen=True)
class Prompt:
    """Messages or a text.   options: their wording as it may follow, where options are scored."""

    messages: tuple[Message, ...] = ()
    text: str = ""
    options: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return self.text or "\n".join(message["content"] for message in self.messages)

    @property
    def stop(self) -> tuple[str, ...]:
        """An answer in a text ends with its line."""
        return ("\n",) if self.text else ()


def open_prompt(item: Item, examples: Sequence[Item], *, chat: bool) -> Prompt:
    """For an answer in the model's own words. An item that is a text stays one, whether the model talks or not."""
    if item.text:
        return Prompt(text="\n\n".join([*(f"{one.text} {one.answers[0]}" for one in examples), item.text]))
    if chat:
        turns = [message for one in examples for message in (*one.messages, _said(one.answers[0]))]
        return Prompt(messages=(*turns, *item.messages))
    asked = [f"Question: {one.question}\nAnswer: {one.answers[0]}" for one in examples]
    return Prompt(text="\n\n".join([*asked, f"Question: {item.question}\nAnswer:"]))


def choice_prompt(
    item: Item, examples: Sequence[Item], *, mode: Mode, layout: str, order: int, chat: bool, blind: bool = False
) -> Prompt:
    """blind: without the question, for the control."""
    before = [
        (_below(one.question, one.options, mode, layout, chat), _answer(one.options, one.right, mode, layout))
        for one in examples
    ]
    last = _below(LEFT_OUT if blind else item.question, in_order(item.options, order), mode, layout, chat)
    options = (
        () if mode == "said" else tuple(_answer(item.options, at, mode, layout) for at in range(len(item.options)))
    )
    if chat:
        turns = [message for question, said in before for message in (_asked(question), _said(said))]
        return Prompt(messages=(*item.messages[:-1], *turns, _asked(last)), options=options)
    text = "\n\n".join([*(f"{question} {said}" for question, said in before), last])
    return Prompt(text=text, options=tuple(f" {option}" for option in options))


def _below(question: str, options: Sequence[str], mode: Mode, layout: str, chat: bool) -> str:
    """A question with its options, up to where the answer begins."""
    if mode == "cloze":
        return question if chat else f"Question: {question}\nAnswer:"
    return f"{question}\n{shown(options, layout)}\n{ASKS[mode] if chat else 'Answer:'}"


def _answer(options: Sequence[str], place: int, mode: Mode, layout: str) -> str:
    """As it is scored and, in examples, said: the option's words, or the letter as far as it tells options apart."""
    if mode in ("full", "cloze"):
        return options[place]
    return LAYOUTS[layout].split("{letter}")[0] + LETTERS[place]


def _asked(words: str) -> Message:
    return {"role": "user", "content": words}


def _said(words: str) -> Message:
    return {"role": "assistant", "content": words}
