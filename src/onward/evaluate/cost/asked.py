"""What is asked while the clock runs: a suite's own questions, a file's prompts, or the built-in world's questions; longer ones on wish.

Left out: prompts of a length in tokens, which each model counts differently; how long they were is told with the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from onward.corpus.prompts import read_prompts
from onward.evaluate import worlds
from onward.evaluate.items import Item
from onward.evaluate.prompts import Prompt, open_prompt
from onward.evaluate.suite import Suite
from onward.world import World
from onward.world.kinds import TEXTS

QUESTIONS = "world-question"


def items(suite: Suite | None, file: Path | None) -> Sequence[Item]:
    """In an order drawn by lot, always the same.   suite: one whose items are scored, or played, is not answered in words, and the world's
    questions stand for it.   Raises DataError."""
    if file is not None:
        found = [Item(id=str(place), messages=tuple(one.messages)) for place, one in enumerate(read_prompts(file))]
    elif suite is not None and not suite.chooses and suite.played is None:
        found = list(suite.items)
    else:
        found = list(worlds.suite(QUESTIONS).items)
    return Random(0).sample(found, len(found))


def prompts(items: Sequence[Item], *, chat: bool, words: int = 0) -> list[Prompt]:
    """chat: whether the model is asked as in a chat.   words: of the world's texts before each question, of each other ones."""
    made = [open_prompt(item, (), chat=chat) for item in items]
    if not words:
        return made
    passages = _passages(words)
    return [_after(next(passages), prompt) for prompt in made]


def _after(passage: str, prompt: Prompt) -> Prompt:
    if prompt.text:
        return replace(prompt, text=f"{passage}\n\n{prompt.text}")
    *before, last = prompt.messages
    return replace(prompt, messages=(*before, last | {"content": f"{passage}\n\n{last['content']}"}))


def _passages(words: int) -> Iterator[str]:
    """So many words each, of one text after the other, from the beginning again at the end."""
    held: list[str] = []
    while True:
        for record in TEXTS["biography"](World()):
            held += (record.text or "").split()
            while len(held) >= words:
                yield " ".join(held[:words])
                held = held[words:]
