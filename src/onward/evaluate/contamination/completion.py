"""Does the model carry a text on as the text itself does, and the better for being told which test it is from?

Each text is cut in half; the first half is given twice, with the test's name and without. A model that has seen the test comes nearer to
the true second half with the name, says the paper; without it, it shows what can be guessed.   Source: Golchin and Surdeanu 2023,
arXiv 2308.08493 (guided instruction, ROUGE-L, bootstrap). Left out: the paper's judge by GPT-4, and its BLEURT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onward.evaluate import references
from onward.evaluate.asking import Wanted
from onward.generate.settings import Sampling

LONGEST = 100
"""Words of a text that are looked at, the first ones."""
TOKENS = 128
"""Of a completion, at most."""
GUIDED = "Here is how a text of the data set {name} begins. Write the rest, exactly as it stands there.\n\n{first}"
GENERAL = "Here is how a text begins. Write the rest.\n\n{first}"


@dataclass(frozen=True)
class Halves:
    first: str
    second: str

    @classmethod
    def of(cls, text: str) -> Halves:
        """Cut at the middle word of the first LONGEST; what stands between words stays with the first half."""
        words = text.split()[:LONGEST]
        at, seen = 0, 0
        for word in words:
            begin = text.index(word, at)
            if seen == len(words) // 2:
                middle = begin
            at, seen = begin + len(word), seen + 1
        return cls(text[:middle], text[middle:at])


def wanted(halves: Halves, name: str, *, chat: bool) -> Wanted:
    """What follows a first half, likeliest token by token.   name: of the test, for the guided instruction; without one, the general."""
    tokens = min(TOKENS, len(halves.second.encode()) // 2 + 8)
    sampling = Sampling(temperature=0.0, max_tokens=tokens)
    if chat:
        asked = (GUIDED if name else GENERAL).format(name=name, first=halves.first)
        return Wanted(messages=({"role": "user", "content": asked},), sampling=sampling)
    # A blank at its end would be a token of its own, after which no word begins as it does in a text.
    first = halves.first.rstrip(" ")
    return Wanted(text=f"{name}\n\n{first}" if name else first, sampling=sampling)


def near(completion: str, halves: Halves) -> float:
    """ROUGE-L to the true second half, of as many words as that has: how long a model goes on is not what is asked."""
    return references.METRICS["rougeL"](_as_long(completion, halves), [halves.second])


def exact(completion: str, halves: Halves) -> float:
    """1 where it is the true second half, word for word."""
    return references.exact_match(_as_long(completion, halves), [halves.second])


def _as_long(completion: str, halves: Halves) -> str:
    return " ".join(completion.split()[: len(halves.second.split())])


def to_others(completions: Sequence[str], halves: Sequence[Halves]) -> list[float]:
    """The control: each completion held against the second half of the next text."""
    others = [*halves[1:], *halves[:1]]
    return [near(completion, other) for completion, other in zip(completions, others, strict=True)]
