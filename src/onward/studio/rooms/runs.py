"""Runs: all that were made, where they come from, their curves and results side by side, and their reports."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import Markup

from onward.studio import histories, pictures
from onward.studio.places import printable
from onward.studio.shared import Studio, html, joined, told


def runs(studio: Studio) -> None:
    """Build the tab."""
    with gr.Tab("Runs", id="runs") as tab:
        listed = html(elem_id="o-runs")
        chosen = gr.Dropdown([], label="Compare", multiselect=True, elem_id="o-compared")
        shown = html(elem_id="o-comparison")

        def compare(names: list[str]) -> str:
            with told():
                stages = {name: studio.places.stage(name) for name in names or []}
            if not stages:
                return ""
            found = {name: stage.history() for name, stage in stages.items()}
            picture = pictures.compared({name: stage.metrics() for name, stage in stages.items()})
            lineages = joined(
                Markup("<section>{}</section>").format(histories.tree(history)) for history in found.values()
            )
            parts = [
                Markup("<h2>Curves</h2>{}").format(Markup(picture)) if picture else "",
                Markup("<h2>Results</h2>{}").format(histories.results(found)),
                Markup('<h2>Where they come from</h2><div class="o-pair">{}</div>').format(lineages),
            ]
            return printable(str(joined(parts)))

        def look() -> tuple[str, Any]:
            return printable(str(histories.table(studio.places.runs()))), gr.update(
                choices=list(studio.places.stages())
            )

        def first(names: list[str]) -> Any:
            """To begin with, the stages of the first run that talk."""
            there = studio.places.runs()
            return names or ([stage.name for stage in there[0].stages if stage.talks] if there else [])

        quiet: dict[str, Any] = {"show_progress": "hidden"}
        tab.select(look, None, [listed, chosen], **quiet).then(first, chosen, chosen, **quiet)
        chosen.change(compare, chosen, shown, **quiet)
