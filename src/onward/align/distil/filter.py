"""What is kept: rules for a new instruction, near-copies by ROUGE-L, and how a refusal is recognised.

The rules are Self-Instruct's (Wang et al. 2022, arXiv 2212.10560, section 2.2): no near-copy, not too short or long, nothing that text
alone cannot do. They look at words, and not at sense: an instruction about "the missing link" goes too, which costs a little and
harms nobody. Refusals are recognised in English only.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

LIMIT = 0.7
"""ROUGE-L F from which two instructions are near-copies: Self-Instruct's."""
SHORTEST, LONGEST = 3, 150
"""Words of an instruction, its input included."""

UNFINISHED, SHORT, LONG, BEYOND_TEXT, NEAR_COPY = "unfinished", "too-short", "too-long", "beyond-text", "near-copy"
REFUSED, EMPTY, CUT_OFF, NOT_TAKEN, NO_LIST = "refused", "empty", "cut-off", "not-taken", "no-list"
OF_INSTRUCTIONS = {
    UNFINISHED: "announces something that does not follow",
    SHORT: f"fewer than {SHORTEST} words",
    LONG: f"more than {LONGEST} words",
    BEYOND_TEXT: "speaks of a picture, a sound, a file or a link",
    NEAR_COPY: f"ROUGE-L of {LIMIT:g} or more with a seed or an earlier one",
}
OF_ANSWERS = {
    REFUSED: "says that it will not answer",
    EMPTY: "says nothing",
    CUT_OFF: "longer than --max-tokens, or than the teacher's room",
    NOT_TAKEN: "the teacher takes no such request: too long, or against its rules",
}
OF_LISTS = {
    REFUSED: "says that it will not write any",
    NO_LIST: "no instructions in it",
    NOT_TAKEN: OF_ANSWERS[NOT_TAKEN],
}
"""Why something is dropped, by what is dropped: an instruction, an answer, a reply in which instructions should be."""

_BEYOND_TEXT = re.compile(
    r"\b(?:images?|pictures?|photos?|photographs?|screenshots?|diagrams?|graphs?|videos?|audio|recordings?|files?|pdfs?|attachments?|"
    r"attached|upload(?:ed)?|download(?:ed)?|links?|urls?|websites?|web ?pages?)\b|https?://|www\.",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+"
)  # Chinese and Japanese by the character


def words(text: str) -> list[str]:
    """Letters and digits in lower case, of every script; rouge-score, Self-Instruct's choice, knows a to z alone."""
    return _WORD.findall(text.lower())


def fault(instruction: str) -> str | None:
    """Why an instruction cannot be used, as a key of OF_INSTRUCTIONS; None where it can. Near-copies are another matter."""
    count = len(words(instruction))
    if instruction.endswith((":", ",")):
        return UNFINISHED
    if not SHORTEST <= count <= LONGEST:
        return SHORT if count < SHORTEST else LONG
    return BEYOND_TEXT if _BEYOND_TEXT.search(instruction) else None


# --- near-copies ------------------------------------------------------------------------------------------------------


class NearCopies:
    """Instructions, and whether another one is nearly one of them."""

    def __init__(self) -> None:
        self._texts: list[list[str]] = []
        self._having: defaultdict[tuple[str, int], list[int]] = defaultdict(list)

    def add(self, text: str) -> None:
        for word in _counted(found := words(text)):
            self._having[word].append(len(self._texts))
        self._texts.append(found)

    def has(self, text: str) -> bool:
        """Whether ROUGE-L F with any of them reaches LIMIT.

        A common subsequence is at most as long as the words in common are many, which an index counts for all texts at once; only where
        those are enough is it computed.
        """
        found, common = words(text), Counter[int]()
        for word in _counted(found):
            common.update(self._having.get(word, ()))
        return any(
            2 * count >= LIMIT * (len(found) + len(self._texts[other])) and rouge_l(found, self._texts[other]) >= LIMIT
            for other, count in common.items()
        )


def _counted(found: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each word with how often it has come: what two texts share of these is what they share as multisets."""
    seen = Counter[str]()
    for word in found:
        seen[word] += 1
        yield word, seen[word]


def rouge_l(a: Sequence[str], b: Sequence[str]) -> float:
    """ROUGE-L F1 of two lists of words: twice their longest common subsequence, over their lengths together (Lin 2004, section 3).

    The subsequence by one addition a word, on integers whose bits are the words of `a`: Hyyrö 2004, "Bit-parallel LCS-length
    computation revisited".
    """
    if not a or not b:
        return 0.0
    places = dict[str, int]()
    for place, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << place
    everywhere = (1 << len(a)) - 1
    zeros = everywhere  # a bit that has become 0 is one more word of the subsequence
    for word in b:
        matched = zeros & places.get(word, 0)
        zeros = (zeros + matched) | (zeros - matched)
    return 2 * (len(a) - (zeros & everywhere).bit_count()) / (len(a) + len(b))


# --- refusals ---------------------------------------------------------------------------------------------------------

_WORKS = (
    r"(?:answer|help|assist|provide|comply|fulfil|discuss|engage|generate|create|write|access|browse|support|respond|complete|share|"
    r"talk|speak|say anything|do (?:that|this|so)|offer|participate|carry out)"
)
_REFUSAL = re.compile(
    r"^\W*(?:(?:i am|i'm) (?:\w+ )?)?sorry,? but\b"
    r"|\b(?:as|i am|i'm)(?: just| only)? an? (?:\w+ )?(?:ai|artificial intelligence|language model)(?: \w+){0,2},? (?:i|my|and|so)\b"
    r"|\bi (?:must|have to|need to) (?:decline|refuse)\b"
    rf"|\bi(?: can(?:no| no|')t| won't| will not| do not| don't| may not| am not (?:able|allowed|going) to|'m not (?:able|allowed|going) to"
    rf"| am unable to|'m unable to| would rather not|'d rather not) (?:\w+ )?{_WORKS}\b",
    re.IGNORECASE,
)


def is_refusal(answer: str) -> bool:
    """Whether the first sentence of an answer says that none will be given: "I'm sorry, but", "As an AI", "I cannot help".

    Not "I do not know", which is an answer, and not "I cannot believe my eyes".
    """
    opening = answer.strip().replace("’", "'")[:300]
    return bool(_REFUSAL.search(re.split(r"(?<=[.!?])\s|\n", opening, maxsplit=1)[0]))
