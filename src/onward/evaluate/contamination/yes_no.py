"""Does the model say that it has seen a text, and more often than of texts that it cannot have seen?

A model knows little about what it has learned from, and many say yes, or no, to everything: the rate of yes means something only beside
that of texts which are certainly new. Left out: questions on where it has seen them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from random import Random

from onward.evaluate.asking import Answer, Wanted
from onward.generate.settings import Sampling

LONGEST = 100
"""Words of a text that are shown."""
ASKED = "Was the text above, word for word, in the data that you were trained on? Answer with yes or no."
COMMON = 0.2
"""Words in more than this share of the texts hold them together, and stay where they are."""
_WORD = re.compile(r"\S+")


def wanted(text: str, *, chat: bool, scores: bool) -> Wanted:
    """scores: whether the two answers are to be weighed, and not said."""
    shown = _cut(text)
    options = (("Yes", "No") if chat else (" yes", " no")) if scores else ()
    sampling = Sampling(temperature=0.0, max_tokens=8)
    if chat:
        return Wanted(
            messages=({"role": "user", "content": f"{shown}\n\n{ASKED}"},), sampling=sampling, options=options
        )
    return Wanted(text=f"{shown}\n\nQuestion: {ASKED}\nAnswer:", sampling=sampling, options=options)


def says_yes(answer: Answer) -> float:
    """1 where yes is likelier than no, or is the first word that is said; all else is no yes."""
    if answer.log_probs and not answer.text:
        yes, no = answer.log_probs
        return float(yes > no)
    return float(bool(re.match(r"\W*yes\b", answer.text, re.IGNORECASE)))


def made_up(texts: Sequence[str], seed: int) -> list[str]:
    """To each text one that nobody has ever written: its common words stay, each of the others is one drawn from all the texts.

    They are fresh for certain, but worse English than the texts are; real texts that are newer than the model are a better control.
    """
    words = [_WORD.findall(text) for text in texts]
    counts = Counter(word for own in words for word in set(own))
    most = max(1, COMMON * len(texts))
    rare = [word for own in words for word in own if counts[word] <= most]
    random = Random(f"made up {seed}")
    if not rare:
        return [" ".join(random.sample(own, len(own))) for own in words]
    return [
        _WORD.sub(lambda found: found[0] if counts[found[0]] > most else random.choice(rare), text) for text in texts
    ]


def _cut(text: str) -> str:
    words = list(_WORD.finditer(text))
    return text if len(words) <= LONGEST else text[: words[LONGEST - 1].end()]
