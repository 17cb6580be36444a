"""A form from a dataclass of settings: a component for each field, with the field's own help and default, as the command line has options.

Numbers are typed as text, so that a field can be left empty: then it is chosen, or the default. Left out: what the settings mean, and
whether they go together, which the dataclasses know.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import gradio as gr

from onward.errors import PlanError

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(\D|$))")
"""Commas of whole numbers; in others one may be meant as a decimal point."""
LABELS = {"lr": "Learning rate", "ema": "EMA", "kl": "KL", "kl_target": "KL target"}
"""Names that are no words."""


def label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())


def component(kind: type, name: str) -> gr.components.Component:
    """The component of a field; where it is a model's folder, its choices come later."""
    field, asked = _field(kind, name), _type(kind, name)
    common: dict[str, Any] = {"label": label(name), "info": field.metadata["help"]}
    if asked is bool:
        return gr.Checkbox(bool(field.default), **common)
    if asked is Path:
        return gr.Dropdown([], value=None, **common)
    shown = "" if field.default is None else f"{field.default}"
    return gr.Textbox(shown, placeholder="chosen for you", max_lines=1, **common)


def value(kind: type, name: str, given: Any) -> Any:
    """What was filled in, as the field wants it; None where it was left empty.   Raises PlanError."""
    asked = _type(kind, name)
    if not isinstance(given, str) or asked not in (int, float):
        return given or None
    try:
        return asked(_THOUSANDS.sub("", given) if asked is int else given) if given.strip() else None
    except ValueError:
        kind_of = "whole number" if asked is int else "number; write 0.5"
        raise PlanError(f"{label(name)}: {given.strip()[:40]!r} is no {kind_of}.") from None


def _field(kind: type, name: str) -> dataclasses.Field[Any]:
    return next(field for field in dataclasses.fields(kind) if field.name == name)


def _type(kind: type, name: str) -> Any:
    """Without the None that it may be."""
    hint = get_type_hints(kind)[name]
    return next((part for part in get_args(hint) if part is not type(None)), hint)
