"""Gold: the reward that the world itself gives to a reply, since it knows the truth; what a reward model is a proxy of.

Five parts, each from 0 to 1, and their weighted sum (WEIGHTS):
- true: of what is claimed about the question, the share that is so; 0.5 for "I don't know" where the world does say, 1 where it does
  not; 0 for saying nothing.
- complete: the share of what was asked that is answered right. Naming several options for one question answers it wrong.
- polite: 0 with a rude word, 0.6 without one, 1 with a courtesy besides; courtesies beyond the first one count no more.
- form: 1 in the form that was asked for, otherwise 0; and 0 for saying the same thing twice. Instead of one word or of a list there may be
  a sentence that says that it is not known.
- length: 1 within the bounds, falling to 0 at no words and at twice the upper bound.

It reads any text, not only what the world renders, so some care is taken that it cannot be talked into a high reward: a question claims
nothing, a denied value is not claimed, to deny the right one is a false claim. Left out: grammar, and claims about what was not asked.

A truth says: "answer", "accept" and "options" (as for grading.py), or a list of such "parts" where several things were asked; no answer,
or one that says that it is not known, where the world does not say; "form", one of CHECKS; "words", the fewest and the most. Truths of
instructions (forms.py) are understood, too: their "forms" are checked there, and where these ask for no fact, form is all there is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from onward.world.grading import names_in
from onward.world.rude import is_rude
from onward.world.talk.forms import FORMS, follows

WEIGHTS = {"true": 0.4, "complete": 0.2, "polite": 0.15, "form": 0.15, "length": 0.1}
ABSTAINED = 0.5
"""How true "I don't know" is where the world does say."""
PLAIN = 0.6
"""How polite it is to be neither rude nor courteous."""
WORDS = (1, 40)
"""Bounds of the length where the truth does not say."""
FACTUAL = ("fact", "several", "claim")
"""What the forms of instructions need, if they are about facts."""
REPEATED = 5
"""So many words in a row that were there before are a repetition."""

COURTESY = re.compile(
    r"\b(?:please|thank you|thanks|sorry|glad to|happy to|pleasure|good question|you are welcome|you're welcome|"
    r"hope (?:that|this|it) helps|kind of you|nice of you|wish you)\b",
    re.IGNORECASE,
)
UNKNOWN = re.compile(
    r"\b(?:(?:do not|don't|cannot|can't|could not|couldn't) (?:know|say|tell)|not known|unknown|no idea|not sure|nobody knows|"
    r"(?:does not|doesn't) say)\b",
    re.IGNORECASE,
)
DENIAL = re.compile(r"\b(?:not|never|neither|nor)\b|n't\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Gold:
    """The five parts, each from 0 to 1."""

    true: float
    complete: float
    polite: float
    form: float
    length: float

    @property
    def total(self) -> float:
        """From 0 to 1."""
        return sum(weight * float(getattr(self, part)) for part, weight in WEIGHTS.items())

    def as_data(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in (asdict(self) | {"total": self.total}).items()}


def reward(reply: str, truth: Mapping[str, Any]) -> Gold:
    """What a reply is worth. truth: of the prompt, as described above."""
    reply = reply.strip().replace("’", "'")
    if not reply:
        return Gold(true=0, complete=0, polite=0, form=0, length=0)
    form, words = truth.get("form", "any"), truth.get("words", WORDS)
    if form in ("word", "list") and abstains(reply):
        form, words = "sentence", WORDS
    forms = truth.get("forms", [])
    formed = float(follows(reply, forms) if forms else CHECKS[form](reply) and not repeats(reply))
    factual = all(FORMS[each["form"]].needs in FACTUAL for each in forms if each["form"] in FORMS)
    true, complete = _judged(reply, _parts(truth)) if factual else (formed, formed)
    return Gold(
        true=true,
        complete=complete,
        polite=0 if is_rude(reply) else 1 if COURTESY.search(reply) else PLAIN,
        form=formed,
        length=_length(len(reply.split()), *words),
    )


def abstains(text: str) -> bool:
    """Whether it says that it does not know."""
    return UNKNOWN.search(text.replace("’", "'")) is not None


def _parts(truth: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What was asked for, one by one. Of "some", any one will do."""
    if "some" in truth:
        return [{"accept": truth["some"], "options": truth["options"]}]
    return truth.get("parts") or [{"answer": value} for value in truth.get("all", [])] or [truth]


def _judged(reply: str, parts: list[Mapping[str, Any]]) -> tuple[float, float]:
    """How true, how complete. The claims of all parts are counted together."""
    so = not_so = right = unknown = 0
    for part in parts:
        accepted = _accepted(part)
        claimed, denied = claims(reply, accepted | set(map(str.lower, part.get("options", []))))
        wrong = len(claimed - accepted) + len(denied & accepted)
        so, not_so = so + len(claimed & accepted), not_so + wrong
        right += not wrong and (abstains(reply) if not accepted else bool(claimed & accepted))
        unknown += not accepted
    if so + not_so:
        return so / (so + not_so), right / len(parts)
    if abstains(reply):
        return (1.0 if unknown == len(parts) else ABSTAINED), right / len(parts)
    return 0.0, 0.0


def _accepted(part: Mapping[str, Any]) -> set[str]:
    """All right answers, in lower case; none where the world does not say."""
    found = part.get("accept") or [part.get("answer")]
    return {str(answer).lower() for answer in found if answer is not None and not abstains(str(answer))}


def claims(reply: str, options: set[str]) -> tuple[set[str], set[str]]:
    """Which options a reply claims to be so, and which not to be so, clause by clause. A question claims nothing."""
    claimed, denied = set[str](), set[str]()
    for sentence in sentences(reply):
        if not sentence.endswith("?"):
            for clause in re.split(r",\s+|\s+but\s+|;", sentence):
                (denied if DENIAL.search(clause) else claimed).update(names_in(clause, options))
    return claimed, denied - claimed


def sentences(text: str) -> list[str]:
    """Parted after full stops and the like, and at ends of lines."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]


def repeats(text: str) -> bool:
    """Whether a word stands twice in a row in a sentence, or REPEATED words in a row stand there twice."""
    words = text.lower().split()
    bare = re.findall(r"\w+", text.lower())
    runs = [tuple(bare[i : i + REPEATED]) for i in range(len(bare) - REPEATED + 1)]
    return any(a == b for a, b in pairwise(words)) or len(set(runs)) < len(runs)


def _length(words: int, fewest: int, most: int) -> float:
    return max(0.0, min(1.0, words / fewest, 2 - words / most))


# --- forms ------------------------------------------------------------------------------------------------------------


def _is_list(text: str) -> bool:
    """Lines with a dash or a number, with at most one line before and one after them."""
    points = [re.match(r"(?:[-*]|\d+[.)])\s", line) is not None for line in text.splitlines() if line.strip()]
    return any(points) and all(points[1:-1])


def _is_in_sentences(text: str) -> bool:
    """Each with a capital letter, two words at least and a full stop or the like; three words in all; not all in capitals."""
    whole = all(
        (part[0].isupper() or part[0].isdigit()) and part[-1] in ".!?" and " " in part for part in sentences(text)
    )
    return whole and len(text.split()) >= 3 and not text.isupper()


CHECKS: dict[str, Callable[[str], bool]] = {
    "any": lambda text: bool(text),
    "sentence": _is_in_sentences,
    "word": lambda text: len(text.split()) == 1,
    "capitals": str.isupper,
    "list": _is_list,
}
