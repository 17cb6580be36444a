"""The page: its head and its rooms, mounted on the server's app. One process, one port; nothing is fetched from anywhere else."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before Gradio is imported: it asks when it is
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from onward.errors import FolderError
from onward.serve.app import make_app
from onward.serve.gate import State
from onward.serve.settings import Limits
from onward.studio.door import PAGE, Door
from onward.studio.rooms import ROOMS
from onward.studio.shared import Studio
from onward.studio.theme import CSS, ICON, TOGGLE, theme

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox allow-popups"
)
"""Of reports: pages without scripts, whatever a run folder from elsewhere may hold."""
TITLE = "Onward studio"


def make_page(studio: Studio) -> gr.Blocks:
    """All rooms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
            gr.HTML(
                '<header class="o-head"><h1>Onward</h1><span class="o-soft o-small">build it, talk to it, look at it</span>'
                '<button type="button" aria-label="light or dark">◐</button></header>',
                js_on_load=TOGGLE,
                elem_classes="o-page",
                apply_default_css=False,
            )
            with gr.Tabs():
                for room in ROOMS:
                    room(studio)
    return page


def make_studio(studio: Studio, password: str | None = None, state: State | None = None) -> FastAPI:
    """The server's app with the page on it. The models that the page opens answer at /v1 too."""
    state = state or State()
    app = make_app(studio.shelf.served, Limits(), state=state)

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse(PAGE + "/")

    @app.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return Response(ICON, media_type="image/svg+xml")

    @app.get(PAGE + "-report/{run}", include_in_schema=False)
    async def report(run: str) -> HTMLResponse:
        return _report(studio, run, None)

    @app.get(PAGE + "-report/{run}/{stage}", include_in_schema=False)
    async def report_of_stage(run: str, stage: str) -> HTMLResponse:
        return _report(studio, run, stage)

    @app.get(PAGE + "-cleaning/{name:path}", include_in_schema=False)
    async def cleaning(name: str) -> HTMLResponse:
        return _shown(
            lambda: studio.places.cleaning(name) / "report.html", f"{name}: there is no page of this cleaning."
        )

    gr.mount_gradio_app(
        app,
        make_page(studio),
        PAGE,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
        max_file_size=0,
        theme=theme(),
        css=CSS,
    )
    app.add_middleware(Door, password=password, state=state)
    return app


def _report(studio: Studio, run: str, stage: str | None) -> HTMLResponse:
    """A run's report by names that are looked up."""
    return _shown(
        lambda: studio.places.run(run).page(stage), f"{run} has no report yet. Make one:  onward report FOLDER"
    )


def _shown(find: Callable[[], Path | None], otherwise: str) -> HTMLResponse:
    """A page of a folder, without its scripts, whatever it holds."""
    try:
        page = find()
    except FolderError as error:
        raise HTTPException(404, str(error)) from error
    if page is None or not page.is_file():
        raise HTTPException(404, otherwise)
    return HTMLResponse(
        page.read_text(encoding="utf-8", errors="replace"), headers={"Content-Security-Policy": REPORT_POLICY}
    )
