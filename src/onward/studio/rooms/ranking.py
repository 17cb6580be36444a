"""Rank: two answers of one model to the same question, and which is better; what a reward model learns from."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr

from onward.align.ranking.prompts import Prompt, key_of
from onward.align.ranking.settings import ME
from onward.align.ranking.terminal import WORTH
from onward.align.ranking.votes import Votes
from onward.errors import PlanError
from onward.generate.settings import Sampling
from onward.studio.pieces import side_by_side
from onward.studio.places import RANKINGS
from onward.studio.shared import Studio, empty, html, told
from onward.studio.shelf import Asked

PASSED = "rankings-passed.jsonl"
BUTTONS = {"A is better": "a", "tie": "t", "B is better": "b"}
DRAWS = 6
"""Of an answer, until there are two that differ."""


def ranking(studio: Studio) -> None:
    """Build the tab."""
    with gr.Tab("Rank", id="rank") as tab:
        held = gr.State(None)
        model = gr.Dropdown([], label="Whose answers", elem_id="o-rank-model")
        with gr.Row(elem_classes="o-ask"):
            words = gr.Textbox(label="What shall it be asked?", scale=6, elem_id="o-rank-words")
            ask = gr.Button("Two answers", variant="primary", scale=1, min_width=140)
        shown = html(empty("A model answers twice; you say which answer is better."), elem_id="o-rank-shown")
        with gr.Row():
            buttons = [gr.Button(name, interactive=False) for name in BUTTONS]
        told_last = html(elem_id="o-rank-told")
        views = [held, shown, *buttons, told_last]
        quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}

        async def draw(name: str, text: str) -> list[Any]:
            with told():
                if not name or not text.strip():
                    raise PlanError("choose a model and write what it is to be asked.")
                prompt = Prompt([{"role": "user", "content": text}])
                answers = await asyncio.to_thread(_different, Asked(studio.shelf, name), prompt)
            page = side_by_side(text, ("A", answers[0]), ("B", answers[1]))
            return [(prompt, answers), str(page), *_enabled(True), ""]

        def vote(pressed: str, found: tuple[Prompt, list[str]] | None) -> list[Any]:
            with told():
                if found is None or pressed not in BUTTONS:
                    raise PlanError("there is nothing to judge. Ask for two answers first.")
                votes = Votes(studio.data / RANKINGS, studio.data / PASSED, judge=ME, pairs=True, scores=False)
                became = votes.add(*found, WORTH[BUTTONS[pressed]], {})
                counted = votes.found()["prompts"]["vote"]
            said = empty(f"{pressed}: written down ({became}). {counted:,} pairs are in {studio.data / RANKINGS}")
            return [None, gr.skip(), *_enabled(False), str(said)]

        def look(name: str | None) -> Any:
            names = studio.places.talking()
            return gr.update(choices=names, value=name if name in names else next(iter(names), None))

        tab.select(look, model, model, show_progress="hidden")
        gr.on([ask.click, words.submit], draw, [model, words], views, **quiet)
        for each in buttons:
            each.click(vote, [each, held], views, **quiet)


def _different(model: Asked, prompt: Prompt) -> list[str]:
    """Two answers that differ, at temperature 1; in a thread of its own.   Raises OnwardError."""
    first = int(key_of(prompt.messages)[:7], 16)
    found: dict[str, None] = {}
    for number in range(DRAWS):
        reply = model.replies(prompt.messages, [Sampling(temperature=1.0, seed=first + number, max_tokens=512)])[0]
        if reply.text.strip() and reply.finish == "stop":
            found[reply.text.strip()] = None
        if len(found) == 2:
            return list(found)
    raise PlanError(f"the model has not given two different answers in {DRAWS} draws. Ask something else.")


def _enabled(whether: bool) -> list[Any]:
    return [gr.update(interactive=whether) for _ in BUTTONS]
