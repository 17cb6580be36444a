"""The verb that opens the web page: studio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Compiled, Device

if TYPE_CHECKING:
    from rich.console import Console

    from onward.studio.places import Places


def studio(
    where: Annotated[
        list[str] | None,
        typer.Argument(
            help="run folders, folders of runs or of texts, model folders, or http://host:port/v1#model. Without any: ./runs",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", help="0 takes any that is free")] = 7860,
    share_lan: Annotated[
        bool, typer.Option("--share-lan", help="open it to the network; wants a password in ONWARD_PASSWORD")
    ] = False,
    password: Annotated[
        str | None,
        typer.Option("--password", envvar="ONWARD_PASSWORD", help="which everybody must give", show_default=False),
    ] = None,
    device: Device = None,
    weights: Compiled = None,
) -> None:
    """Open a web page to talk to models, to look at how they draw their words, and at all that was built.

    Example:  onward studio runs
    """
    from onward.errors import PlanError

    if share_lan and not password:
        raise PlanError("--share-lan opens the studio to the network: set a password in ONWARD_PASSWORD first.")
    if password is not None and (len(password) < 8 or not password.isprintable() or password != password.strip()):
        raise PlanError(
            "the password (ONWARD_PASSWORD) is shorter than 8 characters, or has blanks around it. Set another."
        )
    from onward.serve.gate import State
    from onward.serve.server import address, bind, serve
    from onward.studio.kept import data_folder
    from onward.studio.places import RANKINGS, Places
    from onward.studio.shelf import Shelf

    console = printing.messages()
    places = Places(where or (), data_folder() / RANKINGS)
    with bind("0.0.0.0" if share_lan else "127.0.0.1", port) as listening:
        with console.status("opening the studio"):
            from onward.studio.page import make_studio
            from onward.studio.shared import Studio

            state = State()
            shelf = Shelf(places, device=device, weights=weights)
            app = make_studio(Studio.over(places, shelf, data_folder(), locked=bool(password)), password, state)
        _introduce(console, address(listening), places, shared=share_lan)
        serve(app, state, listening)
    console.print("ended; conversations and votes are kept", style="dim")


def _introduce(console: Console, address: str, places: Places, *, shared: bool) -> None:
    """Where it is, and what is there."""
    console.print(f"the studio is at {address.replace('0.0.0.0', '127.0.0.1')}", style="bold")
    models = places.talking()
    found = f"{len(models)} to talk to: {', '.join(models[:6])}{' ...' if len(models) > 6 else ''}"
    console.print(found if models else f"nothing is built yet in {places.new}; the page offers to.")
    if shared:
        console.print("Whoever is on this network and knows the password can come in; what is sent is not encrypted.")
    console.print("Ctrl-C ends it.", style="dim")
