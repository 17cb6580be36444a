"""The verb that puts models behind HTTP: serve."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Compiled, Device, Draft
from onward.serve.settings import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from onward.serve.models import Served


def serve(
    models: Annotated[list[str], typer.Argument(help="model or run folders, or NAME=FOLDER")],
    limits: Limits,
    adapters: Annotated[
        list[str] | None,
        typer.Option("--adapter", help="NAME=FOLDER: an adapter beside its base, as a model of that name; repeatable"),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="where to listen; 0.0.0.0 is open to the network")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes any that is free")] = 8000,
    key: Annotated[
        str | None,
        typer.Option("--api-key", envvar="ONWARD_API_KEY", help="which every client must send", show_default=False),
    ] = None,
    cache: Annotated[
        float | None,
        typer.Option("--cache", help="megabytes of each folder's key-value cache; 2000 where it is not said", min=1),
    ] = None,
    device: Device = None,
    weights: Compiled = None,
    draft: Draft = None,
) -> None:
    """Answer over HTTP, as OpenAI's API does.

    Example:  onward serve runs/world --port 8000
    """
    from onward.errors import PlanError
    from onward.serve.app import make_app
    from onward.serve.gate import State
    from onward.serve.models import open_all
    from onward.serve.server import address, bind
    from onward.serve.server import serve as run

    if key is not None and (not key or not key.isprintable() or key != key.strip()):
        raise PlanError("the API key (--api-key or ONWARD_API_KEY) is empty, or has blanks around it. Set it anew.")
    console = printing.messages()
    with bind(host, port) as listening:
        with console.status(f"opening {', '.join(models)}"):
            served = open_all(models, adapters or (), device=device, weights=weights, cache=cache, draft=draft or ())
        state = State()
        _introduce(console, address(listening), served, key)
        run(make_app(served, limits, key, state), state, listening)
    console.print("ended; everybody has been answered", style="dim")


def _introduce(console: Console, address: str, served: Mapping[str, Served], key: str | None) -> None:
    """Where it is, what is there, and what to try first."""
    console.print(f"serving at {address}/v1", style="bold")
    for one in served.values():
        if one.parent is not None:
            console.print(f"  {one.name}: an adapter beside {one.parent}, {one.model.name}")
            continue
        console.print(
            f"  {one.name}: {one.model.name}, {one.parameters:,} parameters, {one.model.engine.room:,} positions"
        )
    first = next(iter(served.values()))
    talks = first.model.engine.tokenizer.template is not None
    body = {"messages": [{"role": "user", "content": "Hello!"}]} if talks else {"prompt": "Once upon a time"}
    header = " -H 'Authorization: Bearer '$ONWARD_API_KEY" if key else ""
    console.print(
        f"try:  curl {address}/v1/{'chat/completions' if talks else 'completions'} -H 'Content-Type: application/json'{header} "
        f"-d '{json.dumps({'model': first.name, **body})}'",
        soft_wrap=True,
    )
    if talks:
        console.print(f" or:  onward chat {address}/v1#{first.name}", soft_wrap=True)
    console.print(f"all that can be asked: {address}/docs; figures: {address}/metrics. Ctrl-C ends it in good order.")
    if not key and not _is_loopback(address):
        console.print("No API key: whoever reaches this address can use it. --api-key, or ONWARD_API_KEY, sets one.")


def _is_loopback(address: str) -> bool:
    from urllib.parse import urlsplit

    return ipaddress.ip_address(urlsplit(address).hostname or "").is_loopback
