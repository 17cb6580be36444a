"""Word chain: each token of an answer can be looked at and exchanged for another, and the story goes on from there."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr
from markupsafe import Markup

from onward.errors import PlanError
from onward.generate.settings import Sampling
from onward.studio import draws, links
from onward.studio.chain import Branch, Chain, grow
from onward.studio.saying import prompt
from onward.studio.shared import Studio, empty, html, told
from onward.studio.watched import OFFERED

COLOURS = ("probability", "drafter", "none")
TEXT, CHAT = "carry on a text", "answer a message"


def chain(studio: Studio) -> None:
    """Build the tab."""
    with gr.Tab("Word chain", id="chain") as tab:
        held = gr.State(None)
        with gr.Row():
            with gr.Column(scale=1, min_width=240):
                model = gr.Dropdown([], label="Model", elem_id="o-chain-model")
                how = gr.Radio([CHAT, TEXT], value=CHAT, label="What it does")
                text = gr.Textbox(label="Begin with", lines=3, elem_id="o-chain-text", value="Hello! Who are you?")
                begin = gr.Button("Begin", variant="primary", elem_id="o-chain-begin")
                temperature = gr.Slider(0, 2, 0.7, step=0.05, label="Temperature")
                top_p = gr.Slider(0.05, 1, 1.0, step=0.05, label="Top-p")
                most = gr.Slider(1, 400, 60, step=1, label="Tokens at most")
                seed = gr.Number(0, precision=0, label="Seed")
                drafters = gr.CheckboxGroup(list(OFFERED), label="Drafters that guess ahead", elem_id="o-drafters")
            with gr.Column(scale=3, min_width=300):
                colour = gr.Radio(list(COLOURS), value=COLOURS[0], label="Colours", elem_id="o-colours")
                shown = html(empty("Begin a chain, then choose any of its words."), clicks=True, elem_id="o-chain")
                place = html(clicks=True, elem_id="o-place")
                tree = html(clicks=True, elem_id="o-tree")
        also: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}
        knobs = [temperature, top_p, most, seed]

        async def start(
            name: str, how: str, text: str, colour: str, drafters: list[str], *knobs: float
        ) -> AsyncIterator[list[Any]]:
            with told():
                if not name:
                    raise PlanError("there is no model to carry this on. Build one, under Build.")
                served = await studio.shelf.engine(name)
                local = served.model
                ids = local.text_prompt(text) if how == TEXT else prompt(local, [{"role": "user", "content": text}])
                made = Chain(name, ids, text if how == TEXT else "", _sampling(*knobs))
            async for view in follow(made, colour, drafters):
                yield view

        async def follow(made: Chain, colour: str, drafters: list[str]) -> AsyncIterator[list[Any]]:
            with told():
                served = await studio.shelf.engine(made.name)
                async for _ in grow(served, made, drafters):
                    yield [made, str(links.page(served, made, colour)), "", gr.skip()]
            yield [made, *await _view(studio, made, colour)]

        async def act(
            event: gr.EventData, made: Chain | None, colour: str, drafters: list[str], *knobs: float
        ) -> AsyncIterator[list[Any]]:
            asked = {name: str(value) for name, value in event._data.items()}
            with told():
                if made is None:
                    raise PlanError("this chain is gone: the page was loaded again. Begin it anew.")
                made.sampling = _sampling(*knobs)
                grown = _acted(made, asked, (await studio.shelf.engine(made.name)).model.engine.model.config.vocab_size)
            if grown is not None:
                async for view in follow(made, colour, drafters):
                    yield view
            else:
                with told():
                    yield [made, *await _view(studio, made, colour)]

        async def again(made: Chain | None, colour: str, *knobs: float) -> list[Any]:
            if made is None:
                return [gr.skip()] * 3
            with told():
                made.sampling = _sampling(*knobs)
                return await _view(studio, made, colour)

        views = [held, shown, place, tree]
        gr.on([begin.click, text.submit], start, [model, how, text, colour, drafters, *knobs], views, **also)
        gr.on([shown.click, place.click, tree.click], act, [held, colour, drafters, *knobs], views, **also)
        gr.on([colour.change, temperature.release, top_p.release], again, [held, colour, *knobs], views[1:], **also)
        page = gr.context.Context.root_block
        gr.on([page.load, tab.select], lambda name: _choices(studio, name), model, model, show_progress="hidden")


def _choices(studio: Studio, name: str | None) -> Any:
    """What there is now; what was chosen stays."""
    names = [name for name in studio.places.talking() if name not in studio.places.addresses]
    return gr.update(choices=names, value=name if name in names else next(iter(names), None))


def _sampling(temperature: float, top_p: float, most: float, seed: float) -> Sampling:
    return Sampling(temperature=temperature, top_p=top_p, max_tokens=int(most), seed=int(seed or 0))


def _acted(made: Chain, asked: dict[str, str], words: int) -> Branch | None:
    """What a button of the chain does: a branch that is now to grow, or None.   Raises PlanError."""
    number = {
        name: int(value) for name, value in asked.items() if name in ("at", "token", "branch") and value.isdecimal()
    }
    if asked.get("do") == "look" and "at" in number:
        made.selected = number["at"] if number["at"] < len(made.links()) else None
    elif asked.get("do") == "walk" and "branch" in number:
        made.walk(number["branch"])
    elif asked.get("do") == "choose" and made.selected is not None and number.get("token", words) < words:
        return made.choose(made.selected, number["token"], _log(asked.get("log", "")))
    return None


def _log(said: str) -> float:
    """The log-probability that the button came with."""
    try:
        return min(0.0, float(said))
    except ValueError:
        return math.nan


async def _view(studio: Studio, made: Chain, colour: str) -> list[Any]:
    served = await studio.shelf.engine(made.name)
    shown = links.page(served, made, colour)
    there: Markup | str = Markup(
        '<p class="o-soft o-small">Choose a word to see what else could have stood there. The arrow keys walk along.</p>'
    )
    if made.selected is not None:
        at = len(made.prompt) + made.selected
        found = await draws.look(served, made.ids(), at, len(made.prompt), replace(made.sampling))
        there = links.place(served, made, found)
    return [str(shown), str(there), str(links.tree(served, made))]
