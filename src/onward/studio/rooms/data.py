"""Data: how a text is cut into tokens, and how a conversation is learnt: as the template writes it, with its loss mask."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from onward.errors import ChatError
from onward.studio import pieces
from onward.studio.places import Stage
from onward.studio.shared import Studio, html, told
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
        model = gr.Dropdown([], label="Tokenizer and template of", elem_id="o-data-model")
        with gr.Row():
            with gr.Column(min_width=300):
                text = gr.Textbox(TEXT, label="A text", lines=5, max_lines=12, elem_id="o-data-text")
                cut = html(elem_id="o-cut")
            with gr.Column(min_width=300):
                chat = gr.Textbox(
                    json.dumps(CHAT, indent=1),
                    label="A conversation, as JSON",
                    lines=5,
                    max_lines=12,
                    elem_id="o-data-chat",
                )
                masked = html(elem_id="o-masked")

        def look(name: str, text: str, chat: str) -> tuple[str, str]:
            if not name:
                return "", ""
            with told():
                tokenizer = _tokenizer(studio.places.stage(name))
                return str(pieces.cut(tokenizer, (text or "")[:LONGEST])), _masked(tokenizer, (chat or "")[:LONGEST])

        def choices() -> Any:
            names = list(studio.places.stages())
            return gr.update(choices=names, value=names[-1] if names else None)

        quiet: dict[str, Any] = {"show_progress": "hidden"}
        tab.select(choices, None, model, **quiet)
        gr.on([model.change, text.change, chat.change], look, [model, text, chat], [cut, masked], **quiet)


def _tokenizer(stage: Stage) -> Tokenizer:
    return Tokenizer.load(stage.path)


def _masked(tokenizer: Tokenizer, chat: str) -> str:
    """What is wrong with a conversation is said in its place: it is being typed."""
    try:
        return str(pieces.masked(tokenizer, encode_chat(tokenizer, json.loads(chat))))
    except (ChatError, ValueError, RecursionError) as error:
        from onward.studio.shared import empty

        why = f"this is no JSON yet: {error}" if isinstance(error, ValueError) else str(error)
        return str(empty(why))
