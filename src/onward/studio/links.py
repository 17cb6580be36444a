"""A word chain as HTML: its tokens, what could have been drawn at one of them, and the tree of its branches."""

from __future__ import annotations

import math

from markupsafe import Markup

from onward.serve.models import Served
from onward.studio.chain import Chain, Link, words
from onward.studio.draws import Place, Word
from onward.studio.shared import button, joined
from onward.tokens.tokenizer import Tokenizer

HUES = (205, 145, 290, 40, 340, 95)
"""Of the drafters, in the order in which they appear."""
SHOWN = 8
"""Words of a branch in the tree."""
VISIBLE = str.maketrans({"\n": "⏎", "\t": "⇥"})


def page(served: Served, chain: Chain, colour: str) -> Markup:
    """The branch that is looked at."""
    tokenizer, found = served.model.engine.tokenizer, chain.links()
    who = _drafters(found)
    tokens = joined(_token(tokenizer, chain, at, link, colour, who) for at, link in enumerate(found))
    key = _key(colour, who)
    given = Markup('<span class="o-given">{}</span>').format(chain.given) if chain.given else ""
    return Markup('<div class="o-chain" role="group" aria-label="the chain">{}{}</div>{}').format(given, tokens, key)


def _token(tokenizer: Tokenizer, chain: Chain, at: int, link: Link, colour: str, who: dict[str, int]) -> Markup:
    told = f"probability {_percent(math.exp(link.log_prob))}" if math.isfinite(link.log_prob) else "chosen"
    if link.guess is not None:
        told += f"; guessed by {', '.join(link.guess.who) or 'nobody'}"
        if link.guess.lost:
            told += "; thrown away: " + ", ".join(repr(words(tokenizer, token)) for token in link.guess.lost)
    tone = {"probability": _heat(link), "drafter": _hue(link, who)}.get(colour, "none")
    return Markup(
        '<button type="button" class="o-token{}" data-do="look" data-at="{}" style="--tone: {}" title="{}" aria-pressed="{}">{}</button>'
    ).format(
        " o-chosen" if link.chosen else "",
        at,
        tone,
        told,
        "true" if chain.selected == at else "false",
        _broken(words(tokenizer, link.id)),
    )


def _broken(text: str) -> str:
    """A line end is shown, and then made."""
    return text.replace("\n", "⏎\n") or "∅"


def _heat(link: Link) -> str:
    """The less likely, the warmer."""
    share = 0 if not math.isfinite(link.log_prob) else round(60 * (1 - math.exp(link.log_prob)))
    return f"color-mix(in srgb, var(--o-warm) {share}%, transparent)"


def _hue(link: Link, who: dict[str, int]) -> str:
    if link.guess is None or not link.guess.who:
        return "none"
    return f"hsl({who[' + '.join(link.guess.who)]} 70% 55% / .38)"


def _drafters(found: list[Link]) -> dict[str, int]:
    """Hues of those who guessed right, by name; of those who did together, too."""
    names = dict.fromkeys(" + ".join(link.guess.who) for link in found if link.guess is not None and link.guess.who)
    return {name: HUES[at % len(HUES)] for at, name in enumerate(names)}


def _key(colour: str, who: dict[str, int]) -> Markup:
    if colour == "probability":
        entries = [
            (f"color-mix(in srgb, var(--o-warm) {round(60 * (1 - p))}%, var(--o-tint))", _percent(p))
            for p in (1, 0.5, 0.1, 0.01)
        ]
    elif colour == "drafter":
        entries = [(f"hsl({hue} 70% 55% / .38)", f"guessed by {name}") for name, hue in who.items()]
        entries.append(
            (
                "var(--o-tint)",
                "drawn by the model alone" if who else "no drafter has guessed a word here: choose some, and begin",
            )
        )
    else:
        entries = []
    return Markup('<div class="o-key">{}</div>').format(
        joined(Markup('<span><i style="--tone: {}"></i>{}</span>').format(tone, words) for tone, words in entries)
    )


def place(served: Served, chain: Chain, found: Place) -> Markup:
    """What could have been drawn at the selected place, with bars; each word can be chosen."""
    tokenizer = served.model.engine.tokenizer
    link = chain.links()[chain.selected or 0]
    lines = [
        Markup("<h2>“{}” is number {:,} of {:,}</h2>").format(
            words(tokenizer, found.here.id).translate(VISIBLE), found.here.rank, found.vocabulary
        ),
        Markup(
            '<p class="o-small">Probability <b>{}</b>; drawn with chance <b>{}</b>. Entropy <b>{:.2f} bits</b>, '
            "after temperature and top-p <b>{:.2f}</b>: {:,} of {:,} words are left.{}</p>"
        ).format(
            _percent(found.here.probability),
            _percent(found.here.chance),
            found.entropy,
            found.settled,
            found.left,
            found.vocabulary,
            _guessed(tokenizer, link),
        ),
        Markup(
            '<div class="o-bars"><b>choose another</b><b></b><b class="n">model</b><b class="n">drawn</b>{}</div>'
        ).format(joined(_bar(tokenizer, word, word.id == link.id) for word in found.words)),
    ]
    return joined(lines)


def _bar(tokenizer: Tokenizer, word: Word, here: bool) -> Markup:
    name = words(tokenizer, word.id).translate(VISIBLE) or "∅"
    label = button(
        f"{'▸ ' if here else ''}{name}",
        "choose",
        token=word.id,
        log=math.log(max(word.probability, 1e-300)),
        disabled=here,
    )
    chance = (
        Markup('<span class="n">{}</span>').format(_percent(word.chance))
        if word.chance
        else Markup('<span class="n o-out">cut</span>')
    )
    return Markup(
        '{}<span class="o-bar"><i style="width: {:.2f}%"></i><i style="width: {:.2f}%"></i></span><span class="n">{}</span>{}'
    ).format(label, 100 * word.probability, 100 * word.chance, _percent(word.probability), chance)


def _guessed(tokenizer: Tokenizer, link: Link) -> str:
    if link.guess is None:
        return ""
    lost = ", ".join(f"“{words(tokenizer, token).translate(VISIBLE)}”" for token in link.guess.lost)
    right = f" Guessed by {', '.join(link.guess.who)}." if link.guess.who else " No drafter guessed it."
    return right + (f" Guessed in vain and thrown away: {lost}." if lost else "")


def tree(served: Served, chain: Chain) -> Markup:
    """All branches, each below the one that it left."""
    if len(chain.branches) == 1:
        return Markup("")
    return Markup('<h2>Branches</h2><ul class="o-branches">{}</ul>').format(
        _below(served.model.engine.tokenizer, chain, None)
    )


def _below(tokenizer: Tokenizer, chain: Chain, parent: int | None) -> Markup:
    found = []
    for number, branch in enumerate(chain.branches):
        if branch.parent != parent:
            continue
        first = "".join(words(tokenizer, link.id) for link in branch.links[:SHOWN]).translate(VISIBLE)
        where = f"from word {branch.at + 1}: " if parent is not None else ""
        rest = " …" if len(branch.links) > SHOWN else ""
        current = Markup(' aria-current="true"') if number == chain.here else ""
        found.append(
            Markup(
                '<li><button type="button" data-do="walk" data-branch="{}"{}>{}{}{}</button><ul>{}</ul></li>'
            ).format(number, current, where, first, rest, _below(tokenizer, chain, number))
        )
    return joined(found)


def _percent(share: float) -> str:
    return (
        f"{100 * share:.0f} %"
        if share >= 0.0995 or share == 0
        else f"{100 * share:.1f} %"
        if share >= 0.001
        else "< 0.1 %"
    )
