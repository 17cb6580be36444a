"""Data: what stands in the files there are, one after the other; how a text is cut into tokens, and how a conversation is learnt, with its
loss mask; which answers were preferred; and what a cleaning dropped."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import gradio as gr
from markupsafe import Markup

from onward.corpus.preferences import Ranking
from onward.corpus.read import Document
from onward.errors import ChatError
from onward.report.cleaning.funnel import funnel_of
from onward.studio import pieces
from onward.studio.door import PAGE
from onward.studio.items import item
from onward.studio.places import printable
from onward.studio.shared import Studio, empty, html, told
from onward.tokens.chat import encode_chat
from onward.tokens.tokenizer import Tokenizer

TEXT = "The quick brown fox jumps over 13 lazy dogs.\nÅngström, naïve, €5."
CHAT = [
    {"role": "system", "content": "You are a friendly guide."},
    {"role": "user", "content": "Who are you?"},
    {"role": "assistant", "content": "I am a model that you have built."},
    {"role": "user", "content": "And what do you know?"},
    {"role": "assistant", "content": "What stands in the texts that I have learned from."},
]
LONGEST = 20_000
"""Characters that are shown."""


def data(studio: Studio) -> None:
    """Build the tab."""
    with gr.Tab("Data", id="data") as tab:
        with gr.Row(elem_classes="o-ask"):
            file = gr.Dropdown([], label="A file, to look at what stands in it", scale=4, elem_id="o-data-file")
            number = gr.Number(1, precision=0, minimum=1, label="Which", scale=1, min_width=90, elem_id="o-data-number")
            model = gr.Dropdown([], label="Tokenizer and template of", scale=2, elem_id="o-data-model")
        ranked = html(elem_id="o-data-ranked")
        with gr.Row():
            with gr.Column(min_width=300):
                text = gr.Textbox(TEXT, label="A text", lines=5, max_lines=12, elem_id="o-data-text")
                cut = html(elem_id="o-cut")
            with gr.Column(min_width=300):
                chat = gr.Textbox(
                    _json(CHAT), label="A conversation, as JSON", lines=5, max_lines=12, elem_id="o-data-chat"
                )
                masked = html(elem_id="o-masked")
        cleaned = gr.Dropdown([], label="What a cleaning dropped", elem_id="o-data-cleaned")
        dropped = html(elem_id="o-dropped")

        def read(name: str | None, which: float) -> list[Any]:
            """A text or a conversation into its field; a ranking above them, and its best answer as a conversation."""
            if not name:
                return ["", gr.skip(), gr.skip()]
            with told():
                found = item(studio.places.file(name), int(which or 1))
            if isinstance(found, Document):
                return ["", printable(found.text[:LONGEST]), gr.skip()]
            if isinstance(found, Ranking):
                best = [*found.prompt, {"role": "assistant", "content": found.answers[0]}]
                return [str(pieces.ranked(found)), gr.skip(), _json(best)]
            return ["", gr.skip(), _json(found.messages)]

        def look(name: str | None, text: str, chat: str) -> tuple[str, str]:
            if not name:
                return "", str(empty("Its tokens are shown here as soon as there is a model."))
            with told():
                tokenizer = Tokenizer.load(studio.places.stage(name).path)
                return str(pieces.cut(tokenizer, (text or "")[:LONGEST])), _masked(tokenizer, (chat or "")[:LONGEST])

        def clean(name: str | None) -> str:
            if not name:
                return ""
            with told():
                picture = Markup(funnel_of(studio.places.cleaning(name) / "report.json"))
            link = Markup('<a href="{}" target="_blank" rel="noopener">with examples of what was dropped</a>')
            return str(picture + Markup("<p>{}</p>").format(link.format(f"{PAGE}-cleaning/{quote(name)}")))

        def choices(name: str | None, there: str | None) -> list[Any]:
            models, cleanings = list(studio.places.stages()), list(studio.places.cleanings())
            return [
                gr.update(choices=list(studio.places.data())),
                gr.update(choices=models, value=name if name in models else models[-1] if models else None),
                gr.update(choices=cleanings, value=there if there in cleanings else next(iter(cleanings), None)),
            ]

        quiet: dict[str, Any] = {"show_progress": "hidden"}
        tab.select(choices, [model, cleaned], [file, model, cleaned], **quiet)
        file.change(lambda: 1, None, number, **quiet)
        gr.on([file.change, number.change], read, [file, number], [ranked, text, chat], **quiet)
        gr.on([model.change, text.change, chat.change], look, [model, text, chat], [cut, masked], **quiet)
        cleaned.change(clean, cleaned, dropped, **quiet)


def _json(messages: list[dict[str, str]]) -> str:
    return printable(json.dumps(messages, indent=1, ensure_ascii=False))


def _masked(tokenizer: Tokenizer, chat: str) -> str:
    """What is wrong with a conversation is said in its place: it is being typed."""
    try:
        return str(pieces.masked(tokenizer, encode_chat(tokenizer, json.loads(chat))))
    except (ChatError, ValueError, RecursionError) as error:
        why = f"this is no JSON yet: {error}" if isinstance(error, ValueError) else str(error)
        return str(empty(why))
