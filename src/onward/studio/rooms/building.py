"""Build: start a road or a training, watch it, stop it and let it go on. It goes on without this page."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import Any

import gradio as gr
from markupsafe import Markup

from onward.studio import progress
from onward.studio.building import Asked, Builds
from onward.studio.form import component, value
from onward.studio.places import printable
from onward.studio.shared import Studio, empty, html, told
from onward.studio.verbs import VERBS, command
from onward.train.plan import Wishes

SECONDS = 2
"""Between two looks at what is being built."""
FIRST = ("minutes", "seed")
"""Of the wishes, what stands above the rest."""
BEGIN = "Nothing was started here yet. One button on the left builds the default; ten minutes are a good beginning."


class Form:
    """What a person fills in: for each verb its arguments, and for each kind of settings its fields, which verbs share."""

    def __init__(self, studio: Studio) -> None:
        self.places = studio.places
        self.verb = gr.Radio(list(VERBS), value="build", label="What", elem_id="o-build-verb")
        self.does = html(Markup('<p class="o-soft o-small">{}</p>').format(VERBS["build"].does))
        self.name = gr.Textbox("default", label="Name: RUN, or RUN/STAGE", max_lines=1, elem_id="o-build-name")
        self.arguments: dict[tuple[str, str], gr.Dropdown] = {}
        self.groups: dict[str, gr.Column] = {}
        for verb, asked in VERBS.items():
            with gr.Column(visible=verb == "build") as self.groups[verb]:
                for one in asked.arguments:
                    self.arguments[verb, one.label] = gr.Dropdown([], value=None, label=one.label, multiselect=one.many)
        self.fields: dict[tuple[type, str], gr.components.Component] = {}
        for name in FIRST:
            self.fields[Wishes, name] = component(Wishes, name)
        self.more: dict[type, gr.Accordion] = {}
        for kind in dict.fromkeys(kind for verb in VERBS.values() for kind in verb.settings):
            title = "More of the training" if kind is Wishes else TITLES[kind.__name__]
            with gr.Accordion(title, open=False, visible=kind in VERBS["build"].settings) as self.more[kind]:
                for name in (each.name for each in fields(kind)):
                    if (kind, name) not in self.fields:
                        self.fields[kind, name] = component(kind, name)

    @property
    def inputs(self) -> list[Any]:
        return [self.verb, self.name, *self.arguments.values(), *self.fields.values()]

    def asked(self, *values: Any) -> Asked:
        """What was filled in.   Raises PlanError, FolderError."""
        verb, name, *rest = values
        given = dict(zip([*self.arguments, *self.fields], rest, strict=True))
        chosen = {label: given[of, label] for of, label in self.arguments if of == verb}
        settings: dict[type, dict[str, Any]] = {kind: {} for kind in VERBS[verb].settings}
        for kind, one in self.fields:
            if kind in settings:
                settings[kind][one] = value(kind, one, given[kind, one])
        words = command(verb, self.places, chosen, settings)
        return Asked(VERBS[verb].place(name), tuple(words))

    def shown(self, verb: str) -> list[Any]:
        """What belongs to a verb is visible, and nothing else: does, groups and more."""
        return [
            str(Markup('<p class="o-soft o-small">{}</p>').format(VERBS[verb].does)),
            *(gr.update(visible=one == verb) for one in self.groups),
            *(gr.update(visible=kind in VERBS[verb].settings) for kind in self.more),
        ]

    def choices(self) -> list[Any]:
        """Of all arguments, and of settings that are models, what there is now."""
        models = list(self.places.stages())
        found = {
            (verb, one.label): gr.update(choices=one.choices(self.places))
            for verb, asked in VERBS.items()
            for one in asked.arguments
        }
        folders = [gr.update(choices=models) for one in self.fields.values() if isinstance(one, gr.Dropdown)]
        return [*(found[key] for key in self.arguments), *folders]

    @property
    def lists(self) -> list[Any]:
        return [*self.arguments.values(), *(one for one in self.fields.values() if isinstance(one, gr.Dropdown))]


TITLES = {
    "Shape": "Shape of the model",
    "Adapter": "An adapter beside the model",
    "Teaching": "A teacher",
    "RewardWishes": "How rankings are learned",
    "RolloutWishes": "How answers are drawn",
}


def building(studio: Studio) -> None:
    """Build the tab."""
    builds = Builds(studio.places)
    with gr.Tab("Build", id="build") as tab:
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                form = Form(studio)
                start = gr.Button("Build it", variant="primary", elem_id="o-build-start")
                plan = gr.Button("Show the plan", elem_id="o-build-plan")
            with gr.Column(scale=3, min_width=300):
                with gr.Row(elem_classes="o-ask"):
                    watched = gr.Dropdown([], label="Watch", scale=4, elem_id="o-build-watched")
                    stop = gr.Button("Stop", scale=1, min_width=90, elem_id="o-build-stop")
                    on = gr.Button("Go on", scale=1, min_width=90, elem_id="o-build-on")
                shown = html(empty(BEGIN), elem_id="o-build")
        clock = gr.Timer(SECONDS, active=False)
        quiet: dict[str, Any] = {"show_progress": "hidden"}
        views = [watched, shown, clock]

        def look(name: str | None) -> list[Any]:
            """At one that was started here; at first, the last one."""
            names = builds.names()
            name = name if name in names else next(iter(names), None)
            if name is None:
                return [gr.update(choices=[], value=None), str(empty(BEGIN)), gr.Timer(SECONDS, active=False)]
            found = progress.look(builds, name)
            page, time = printable(str(progress.page(found))), gr.Timer(SECONDS, active=found.running)
            return [gr.update(choices=names, value=name), page, time]

        def begin(*values: Any) -> list[Any]:
            with told():
                asked = form.asked(*values)
                builds.start(asked)
            return look(asked.name)

        def go_on(name: str | None) -> list[Any]:
            with told():
                builds.go_on(name or "")
            return look(name)

        def end(name: str | None) -> list[Any]:
            with told():
                builds.stop(name or "")
            return look(name)

        async def planned(*values: Any) -> str:
            with told():
                asked = form.asked(*values)
                text = await asyncio.to_thread(builds.plan, asked)
            return str(Markup("<h2>The plan</h2><pre>$ {}\n\n{}</pre>").format(asked.said(builds.runs), text))

        start.click(begin, form.inputs, views, **quiet)
        plan.click(planned, form.inputs, shown, show_progress="minimal")
        stop.click(end, watched, views, **quiet)
        on.click(go_on, watched, views, **quiet)
        gr.on([clock.tick, tab.select, watched.input], look, watched, views, **quiet)
        tab.select(form.choices, None, form.lists, **quiet)
        form.verb.change(form.shown, form.verb, [form.does, *form.groups.values(), *form.more.values()], **quiet)
