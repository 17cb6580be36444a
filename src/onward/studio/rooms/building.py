"""Build: start a road, watch it, stop it and let it go on. It goes on without this page."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr
from markupsafe import Markup

from onward.generate.stages import STAGES
from onward.studio import pictures
from onward.studio.building import Asked, Builds
from onward.studio.shared import Studio, empty, html, joined, told

SECONDS = 2
"""Between two looks at a road that is being built."""


def building(studio: Studio) -> None:
    """Build the tab."""
    builds = Builds(studio.places)
    with gr.Tab("Build", id="build") as tab:
        with gr.Row():
            with gr.Column(scale=1, min_width=240):
                name = gr.Textbox("default", label="Name of the run", elem_id="o-build-name")
                minutes = gr.Number(10, label="Minutes", minimum=0.1, elem_id="o-build-minutes")
                seed = gr.Number(0, label="Seed", precision=0)
                start = gr.Button("Build it, or go on", variant="primary", elem_id="o-build-start")
                stop = gr.Button("Stop", elem_id="o-build-stop")
                plan = gr.Button("Show the plan")
                gr.HTML(
                    '<p class="o-soft o-small">Texts, questions and wishes come from the built-in world: a tokenizer, a base model, '
                    "an instructed one, a reward model and an aligned one, with a report. It goes on when this page is closed.</p>",
                    js_on_load=None,
                )
            with gr.Column(scale=3, min_width=300):
                shown = html(elem_id="o-build")
        clock = gr.Timer(SECONDS, active=False)
        quiet: dict[str, Any] = {"show_progress": "hidden"}

        def asked(name: str, minutes: float, seed: float) -> Asked:
            return Asked(name.strip(), float(minutes or 0), int(seed or 0))

        def look(name: str) -> tuple[str, Any]:
            found = builds.progress(name.strip())
            return _page(builds, name.strip()), gr.Timer(SECONDS, active=found.running)

        def begin(name: str, minutes: float, seed: float) -> tuple[str, Any]:
            with told():
                builds.start(asked(name, minutes, seed))
            return look(name)

        def end(name: str) -> tuple[str, Any]:
            with told():
                builds.stop(name.strip())
            return look(name)

        async def planned(name: str, minutes: float, seed: float) -> str:
            with told():
                text = await asyncio.to_thread(builds.plan, asked(name, minutes, seed))
            return str(Markup("<h2>The plan</h2><pre>{}</pre>").format(text))

        start.click(begin, [name, minutes, seed], [shown, clock], **quiet)
        stop.click(end, name, [shown, clock], **quiet)
        plan.click(planned, [name, minutes, seed], shown, show_progress="hidden")
        gr.on([clock.tick, tab.select, name.submit], look, name, [shown, clock], **quiet)


def _page(builds: Builds, name: str) -> str:
    found = builds.progress(name)
    if not found.log and not found.stages:
        return str(
            empty(f"{builds.runs / name} is not built yet. One button builds it; ten minutes are a good beginning.")
        )
    at_work = (
        "being built"
        if found.running
        else "not at work: all is made"
        if (builds.runs / name / "report.html").exists()
        else "stopped"
    )
    stages = joined(
        Markup('<span><i style="--tone: {}"></i>{}</span>').format(
            "var(--o-accent)" if stage in found.stages else "var(--o-line)", stage
        )
        for stage in STAGES
    )
    picture = Markup(pictures.compared(found.metrics))
    return str(
        Markup('<h2>{}: {}</h2><div class="o-key">{}</div>{}<pre>{}</pre>').format(
            name, at_work, stages, picture, found.log
        )
    )
