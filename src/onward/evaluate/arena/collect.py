"""Collecting votes at the terminal: a prompt, the answers of two models whose names are not shown, on sides that are drawn, and one key.

Who has met whom least meets next. From a file, the prompts that have had the fewest votes come first, so the same command goes on; while
a person reads, the next two answers are drawn. Keys and screen are those of `onward rank` (align/ranking/terminal.py). Left out:
conversations of several turns, and a page in a browser.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random

from onward.align.ranking.prompts import Prompt
from onward.align.ranking.terminal import FIRST, KEYS, QUIT, SECOND, TIE, UNDO, Terminal
from onward.errors import ChatError, PlanError, RequestRefused
from onward.evaluate.arena.settings import Answering
from onward.evaluate.arena.votes import Battle, Choice, Votes
from onward.generate.chat_model import ChatModel

CHOICES: dict[str, Choice] = {FIRST: "left", SECOND: "right", TIE: "tie"}
ASK = "\nWhat shall they be asked? An empty line stops.\n> "


@dataclass(frozen=True)
class Shown:
    """Two answers, before anybody has voted on them. Left is what the terminal calls A."""

    prompt: Prompt
    left: tuple[str, str]
    right: tuple[str, str]

    def chosen(self, choice: Choice) -> Battle:
        return Battle(self.prompt.messages, self.left[0], self.right[0], self.left[1], self.right[1], choice)


@dataclass
class Collected:
    """What came of a sitting.   whole: every prompt of the file was shown.   alike: pairs of equal answers, which are ties without a
    question.   refused: prompts that a model does not take."""

    votes: int = 0
    alike: int = 0
    refused: int = 0
    whole: bool = False


class Arena:
    """Models by the names that votes are kept under, how they answer, and the votes."""

    def __init__(self, models: Mapping[str, ChatModel], answering: Answering, votes: Votes) -> None:
        if len(models) < 2:
            raise PlanError("an arena needs two models that differ. Name one more.")
        self.models, self.answering, self.votes = models, answering, votes
        battles = votes.battles()
        self.met = Counter(frozenset((one.left_model, one.right_model)) for one in battles)
        self.asked = Counter(Prompt(list(one.messages)).key for one in battles)

    def order(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """Those that have had the fewest votes first, else as they are."""
        return sorted(prompts, key=lambda prompt: self.asked[prompt.key])

    def next_pair(self, prompt: Prompt) -> tuple[str, str]:
        """Two models that have met least, the left one first: both drawn by the seed, the prompt and the number of meetings."""
        random = Random(f"{self.answering.seed} {prompt.key} {self.met.total()}")
        pairs = list(combinations(self.models, 2))
        fewest = min(self.met[frozenset(pair)] for pair in pairs)
        left, right = random.sample(random.choice([pair for pair in pairs if self.met[frozenset(pair)] == fewest]), 2)
        self.met[frozenset((left, right))] += 1
        return left, right

    def show(self, prompt: Prompt) -> Shown | None:
        """Have two models answer. None where one of them does not take the prompt.   Raises EndpointError."""
        try:
            left, right = ((name, self._answer(name, prompt)) for name in self.next_pair(prompt))
        except (PlanError, ChatError, RequestRefused):
            return None
        return Shown(prompt, left, right)

    def _answer(self, name: str, prompt: Prompt) -> str:
        """With a seed of its own: two copies of a model shall not say the same."""
        hashed = hashlib.sha256(f"{self.answering.seed} {prompt.key} {name}".encode()).digest()
        sampling = replace(self.answering.sampling, seed=int.from_bytes(hashed[:4], "big") >> 1)
        return self.models[name].replies(prompt.messages, [sampling])[0].text.strip()


def collect(arena: Arena, prompts: Sequence[Prompt] | None, terminal: Terminal) -> Collected:
    """Show one pair of answers after the other until the prompts end or the person stops.   prompts: None to have them typed.

    Raises EndpointError, KeyboardInterrupt; every vote until then is kept.
    """
    found, done = Collected(), list[tuple[int, Shown]]()
    with closing(_typed(arena, terminal) if prompts is None else _from_list(arena, prompts, terminal)) as coming:
        for new in coming:
            if new is None:
                found.refused += 1
                terminal.say("one of the models does not take this prompt")
            elif new.left[1] == new.right[1]:
                found.alike += 1
                arena.votes.add(new.chosen("tie"))
                terminal.say("both said the same: a tie")
            elif not _judged(new, done, arena, terminal):
                break
        else:
            found.whole = prompts is not None
    found.votes = len(done)
    return found


def _judged(new: Shown, done: list[tuple[int, Shown]], arena: Arena, terminal: Terminal) -> bool:
    """Have a pair judged, and those again whose votes are taken back. False where the person stops.   done: the votes of this sitting."""
    waiting = [new]
    while waiting:
        with terminal.single_keys():  # before anything is shown: a key that comes early shall not be lost
            terminal.show(f"vote {len(done) + 1}", waiting[-1].prompt, (waiting[-1].left[1], waiting[-1].right[1]))
            pressed = terminal.key()
        terminal.say(KEYS[pressed])
        if pressed == QUIT:
            return False
        if pressed != UNDO:
            shown = waiting.pop()
            if pressed in CHOICES:
                done.append((arena.votes.add(shown.chosen(CHOICES[pressed])), shown))
        elif done:
            number, before = done.pop()
            arena.votes.take_back(number)
            waiting.append(before)
        else:
            terminal.say("there is no vote of this sitting to take back")
    return True


def _from_list(arena: Arena, prompts: Sequence[Prompt], terminal: Terminal) -> Generator[Shown | None]:
    """While one pair is looked at, the next one is drawn."""
    first, *rest = arena.order(prompts)
    with ThreadPoolExecutor(1) as pool:
        coming: Future[Shown | None] | None = pool.submit(arena.show, first)
        for following in [*rest, None]:
            assert coming is not None
            with terminal.console.status("two models answer"):
                shown = coming.result()
            coming = None if following is None else pool.submit(arena.show, following)
            yield shown


def _typed(arena: Arena, terminal: Terminal) -> Generator[Shown | None]:
    while True:
        try:
            line = terminal.console.input(ASK).strip()
        except EOFError:
            return
        if not line:
            return
        with terminal.console.status("two models answer"):
            shown = arena.show(Prompt([{"role": "user", "content": line}]))
        yield shown
