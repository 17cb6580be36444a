"""Arena: two models answer without their names, a person says which answer is better, and the votes make an order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import gradio as gr
from markupsafe import Markup

from onward.align.ranking.prompts import Prompt
from onward.errors import DataError, PlanError
from onward.evaluate.arena.bradley_terry import Standing, standings
from onward.evaluate.arena.collect import Arena, Shown
from onward.evaluate.arena.settings import Answering
from onward.evaluate.arena.votes import Choice, Votes, as_votes
from onward.generate.chat_model import ChatModel
from onward.studio.pieces import side_by_side
from onward.studio.shared import Studio, empty, html, joined, told
from onward.studio.shelf import Asked

FILE = "arena.db"
FIRST = 4
"""Models that may be asked, where nobody has chosen: so few that their order is soon known."""
FEW = 20
"""Votes below which no interval is shown."""
CHOICES: dict[str, Choice] = {"A is better": "left", "tie": "tie", "B is better": "right"}


def arena(studio: Studio) -> None:
    """Build the tab."""
    with gr.Tab("Arena", id="arena") as tab:
        held, last = gr.State(None), gr.State(None)
        models = gr.Dropdown([], label="Who may be asked", multiselect=True, elem_id="o-arena-models")
        with gr.Row(elem_classes="o-ask"):
            words = gr.Textbox(label="What shall they be asked?", scale=6, elem_id="o-arena-words")
            ask = gr.Button("Ask two of them", variant="primary", scale=1, min_width=140)
        shown = html(empty("Two models answer; you see who it was after you have voted."), elem_id="o-arena-shown")
        with gr.Row():
            buttons = [gr.Button(name, interactive=False) for name in CHOICES]
            back = gr.Button("take the vote back", interactive=False)
        table = html(elem_id="o-standings")
        views = [held, last, shown, *buttons, back, table]
        quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}

        async def meet(names: list[str], text: str) -> list[Any]:
            with told():
                if not text.strip():
                    raise PlanError("there is nothing to ask yet. Write something.")
                models = {name: Asked(studio.shelf, name) for name in names or []}
                found = await asyncio.to_thread(_met, studio, models, text)
            page = side_by_side(text, ("A", found.left[1]), ("B", found.right[1]))
            return [found, None, str(page), *_enabled(True), gr.update(interactive=False), gr.skip()]

        def vote(pressed: str, found: Shown | None) -> list[Any]:
            with told():
                if found is None or pressed not in CHOICES:
                    raise PlanError("there is nothing to vote on. Ask two models first.")
                with _votes(studio) as votes:
                    number = votes.add(found.chosen(CHOICES[pressed]))
            text = str(found.prompt.messages[-1]["content"])
            left, right = (f"{side}: {model}" for side, (model, _) in zip("AB", (found.left, found.right), strict=True))
            page = side_by_side(text, (left, found.left[1]), (right, found.right[1]))
            page += Markup('<p class="o-soft">You said: {}.</p>').format(pressed)
            return [None, number, str(page), *_enabled(False), gr.update(interactive=True), _standings(studio)]

        def take_back(number: int | None) -> list[Any]:
            with told(), _votes(studio) as votes:
                if number is not None:
                    votes.take_back(number)
            said = str(empty("The vote is taken back."))
            return [None, None, said, *_enabled(False), gr.update(interactive=False), _standings(studio)]

        def look(chosen: list[str] | None) -> tuple[Any, str]:
            names = studio.places.talking()
            value = [name for name in chosen or [] if name in names] or names[:FIRST]
            return gr.update(choices=names, value=value), _standings(studio)

        tab.select(look, models, [models, table], show_progress="hidden")
        gr.on([ask.click, words.submit], meet, [models, words], views, **quiet)
        for each in buttons:
            each.click(vote, [each, held], views, **quiet)
        back.click(take_back, last, views, **quiet)


def _votes(studio: Studio) -> Votes:
    return Votes(studio.data / FILE)


def _met(studio: Studio, models: Mapping[str, ChatModel], text: str) -> Shown:
    """In a thread of its own.   Raises OnwardError."""
    with _votes(studio) as votes:
        asked = len(votes.battles())
        found = Arena(models, Answering(seed=asked), votes).show(Prompt([{"role": "user", "content": text}]))
    if found is None:
        raise PlanError("one of the models does not take this: it may be too long. Ask something else.")
    return found


def _enabled(whether: bool) -> list[Any]:
    return [gr.update(interactive=whether) for _ in CHOICES]


def _interval(one: Standing, votes: int) -> str:
    """A bootstrap over a handful of votes knows nothing of those that were not cast."""
    return f"{one.low:.0f} to {one.high:.0f}" if votes >= FEW else "too few votes"


def _standings(studio: Studio) -> str:
    """The order so far, where votes connect all models that have met."""
    with told(), _votes(studio) as votes:
        battles = votes.battles()
    try:
        found = standings(as_votes(battles))
    except DataError as error:
        return str(Markup('<p class="o-soft">{:,} votes so far: {}</p>').format(len(battles), str(error)))
    rows = joined(
        Markup(
            '<tr><td class="n">{}</td><td>{}</td><td class="n">{:.0f}</td><td class="n">{}</td><td class="n">{}</td></tr>'
        ).format(one.rank, one.model, one.rating, _interval(one, len(battles)), one.votes)
        for one in found
    )
    head = Markup(
        '<tr><th class="n">rank</th><th>model</th><th class="n">rating</th><th class="n">95 % interval</th><th class="n">votes</th></tr>'
    )
    return str(
        Markup('<h2>The order so far</h2><div class="o-scroll"><table>{}{}</table></div>').format(head, rows)
        + Markup('<p class="o-soft o-small">{:,} votes, in {}</p>').format(len(battles), studio.data / FILE)
    )
