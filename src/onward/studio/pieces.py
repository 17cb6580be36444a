"""Texts as HTML: cut into tokens, in colour; and conversations as a model learns them, with what is learnt marked."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from onward.corpus.preferences import Ranking
from onward.studio.chain import words
from onward.studio.shared import joined
from onward.tokens.chat import EncodedChat
from onward.tokens.tokenizer import Tokenizer

HUES = (205, 45, 145, 300)


def cut(tokenizer: Tokenizer, text: str) -> Markup:
    """Each token in the colour of its turn, with its number as a title; and how many bytes a token has."""
    ids = tokenizer.encode(text)
    spans = joined(
        Markup('<span style="--tone: hsl({} 65% 55% / .25)" title="token {}">{}</span>').format(
            HUES[at % len(HUES)], id, words(tokenizer, id).replace("\n", "⏎\n")
        )
        for at, id in enumerate(ids)
    )
    each = len(text.encode()) / max(1, len(ids))
    told = f"{len(ids):,} tokens, {each:.2f} bytes each, of a vocabulary of {tokenizer.vocab_size:,}"
    return Markup('<div class="o-cut">{}</div><p class="o-soft o-small">{}</p>').format(spans, told)


def masked(tokenizer: Tokenizer, chat: EncodedChat) -> Markup:
    """The conversation as its template writes it; what is learnt from is marked."""
    parts = groupby(zip(chat.ids, chat.learn, strict=True), key=lambda one: one[1])
    spans = joined(
        Markup('<span class="{}">{}</span>').format(
            "o-learnt" if learnt else "o-masked",
            b"".join(tokenizer.token_bytes(id) for id, _ in group).decode(errors="replace"),
        )
        for learnt, group in parts
    )
    told = f"{sum(chat.learn):,} of {len(chat.ids):,} tokens are learnt from: those that are marked"
    return Markup('<div class="o-pre">{}</div><p class="o-soft o-small">{}</p>').format(spans, told)


def side_by_side(prompt: str, left: tuple[str, str], right: tuple[str, str]) -> Markup:
    """A question and two answers, each with its title."""
    sections = joined(
        Markup('<section><div class="o-who">{}</div><div class="o-said">{}</div></section>').format(*one)
        for one in (left, right)
    )
    return Markup('<div class="o-turn"><div class="o-asked">{}</div></div><div class="o-pair">{}</div>').format(
        prompt, sections
    )


def ranked(ranking: Ranking) -> Markup:
    """A prompt and the answers to it, the best first, with what each was worth."""
    asked = "\n".join(f"{message['role']}: {message['content']}" for message in ranking.prompt)
    sections = joined(
        Markup('<section><div class="o-who">{}</div><div class="o-said">{}</div></section>').format(
            ("preferred" if at == 0 else f"number {at + 1}")
            + (f", worth {ranking.scores[at]:g}" if ranking.scores is not None else ""),
            answer,
        )
        for at, answer in enumerate(ranking.answers)
    )
    return Markup('<div class="o-turn"><div class="o-asked">{}</div></div><div class="o-pair">{}</div>').format(
        asked, sections
    )
