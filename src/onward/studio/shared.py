"""What all rooms share: the places, the open models, what is kept; and how they write HTML and say what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from markupsafe import Markup, escape

from onward.errors import OnwardError
from onward.studio.answers import Answers
from onward.studio.kept import Kept
from onward.studio.places import Places
from onward.studio.shelf import Shelf
from onward.studio.theme import CLICKS, FOLLOW


@dataclass(frozen=True)
class Studio:
    """data: the folder for what people do here, conversations and votes.   locked: whether programs must send the password as a key."""

    places: Places
    shelf: Shelf
    kept: Kept
    answers: Answers
    data: Path
    locked: bool = False

    @classmethod
    def over(cls, places: Places, shelf: Shelf, data: Path, *, locked: bool = False) -> Studio:
        kept = Kept(data / "studio.db")
        return cls(places, shelf, kept, Answers(shelf, kept), data, locked)


@contextmanager
def told() -> Iterator[None]:
    """What the person can mend is said on the page, as text."""
    try:
        yield
    except OnwardError as error:
        raise gr.Error(str(escape(str(error))), title="That did not work", print_exception=False) from error


def html(text: Markup | str = "", *, clicks: bool = False, follow: bool = False, **further: object) -> gr.HTML:
    """A place for HTML that a room writes.   clicks: whether its buttons are listened to (theme.CLICKS).   follow: whether the page is
    scrolled along as it grows (theme.FOLLOW)."""
    return gr.HTML(
        str(escape(text)),
        js_on_load="\n".join([CLICKS] * clicks + [FOLLOW] * follow) or None,
        elem_classes="o-page",
        apply_default_css=False,
        **further,
    )


def button(words: str, do: str, *, title: str = "", disabled: bool = False, **data: object) -> Markup:
    """A button that says to the room: `do`, with these data."""
    attributes = [Markup(' data-{}="{}"').format(name, value) for name, value in data.items()]
    attributes += [Markup(' title="{0}" aria-label="{0}"').format(title)] if title else []
    attributes += [Markup(" disabled")] if disabled else []
    return Markup('<button type="button" data-do="{}"{}>{}</button>').format(do, Markup("").join(attributes), words)


def joined(parts: object) -> Markup:
    return Markup("").join(parts)  # type: ignore[arg-type]


def empty(words: str) -> Markup:
    """What stands where there is nothing yet."""
    return Markup('<div class="o-empty">{}</div>').format(words)
