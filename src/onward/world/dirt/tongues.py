"""Pages in other languages: German, French, Spanish and Dutch by template, and tongues that are invented, of syllables by chance.

Left out: Faric, the world's own second language, which is no dirt; what is invented here means nothing.
"""

from __future__ import annotations

from onward.world.dirt.draw import Draw, Page
from onward.world.grammar import capital
from onward.world.words import split, table, words

LANGUAGES = {"german": "de", "french": "fr", "spanish": "es", "dutch": "nl"}
FILLED = ("animal", "food", "place", "when", "work")
TONGUES, WORDS = 10, 150
"""Invented tongues, the last fifth held out, and the words of each."""


def other_language(draw: Draw) -> Page:
    """From five to fourteen sentences, all of different frames. truth: "language", by its code, or "invented"."""
    name = draw.random.choice((*LANGUAGES, "invented"))
    count = draw.random.randint(5, 14)
    if name == "invented":
        found = _invented(draw, count)
    else:
        templates = draw.templates(name, "sentences")
        found = [_sentence(draw, name, each) for each in draw.random.sample(templates, min(count, len(templates)))]
    between = draw.random.choice((" ", " ", "\n"))
    return Page(between.join(found), {"language": LANGUAGES.get(name, name)})


def _sentence(draw: Draw, language: str, template: str) -> str:
    own = table(f"dirt/{language}")
    return draw.fill(template, {slot: draw.random.choice(split(own[slot])) for slot in FILLED})


def _invented(draw: Draw, count: int) -> list[str]:
    """Sentences of four to twelve words, of which the first ones of the vocabulary are frequent."""
    kept = TONGUES // 5
    index = draw.pick(range(TONGUES - kept), range(TONGUES - kept, TONGUES))
    own = draw.world.random("tongue", index)
    starts, vowels, ends = (own.sample(words(part, "dirt/tongues"), 5) for part in ("starts", "vowels", "ends"))
    starts += own.sample(words("starts", "dirt/tongues"), 5)
    ends += ["", "", ""]  # most syllables are open
    vocabulary = [
        "".join(own.choice(part) for _ in range(own.choice((1, 1, 2, 2, 3))) for part in (starts, vowels, ends))
        for _ in range(WORDS)
    ]
    weights = [1 / rank for rank in range(1, WORDS + 1)]  # Zipf's law, as in languages that are spoken
    return [
        capital(" ".join(draw.random.choices(vocabulary, weights, k=draw.random.randint(4, 12))))
        + draw.random.choice("...!?")
        for _ in range(count)
    ]
