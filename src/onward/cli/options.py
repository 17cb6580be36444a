"""Options made from dataclasses: a configuration is its own help, on the command line too."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from onward.cli import Terminated
from onward.errors import ConfigError


class StoppedError(Exception):
    """Ctrl-C, or SIGTERM, while the verb named was at work."""


class UnreadError(Exception):
    """The reader of our output, as in `onward show X | head`, has had enough."""


def expanded(function: Callable[..., None]) -> Callable[..., None]:
    """The function with every parameter that is a frozen dataclass replaced by one option for each of its fields."""
    hints = get_type_hints(function, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if dataclasses.is_dataclass(kind) and isinstance(kind, type)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        kind = groups.get(name)
        plain = parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        parameters += [plain] if kind is None else _options(kind)

    @functools.wraps(function)
    def wrapped(**given: Any) -> None:
        made = {name: _take(kind, given) for name, kind in groups.items()}
        try:
            function(**given, **made)
        except (KeyboardInterrupt, Terminated) as error:  # the app would end without a word
            raise StoppedError(function.__name__) from error
        except BrokenPipeError as error:
            raise UnreadError from error

    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


def _options(kind: type) -> list[inspect.Parameter]:
    """One keyword option a field, with the field's own help and default."""
    hints, found = get_type_hints(kind), []
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING or "help" not in field.metadata:
            raise ConfigError(f"{kind.__name__}.{field.name} needs a default and a help text to be an option.")
        many = hints[field.name] == tuple[str, ...]
        option = typer.Option(
            f"--{field.name.replace('_', '-')}",
            help=field.metadata["help"],
            show_default=field.default not in (None, ()) and field.default is not False,
        )
        annotation: Any = Annotated[list[str] if many else hints[field.name], option]
        default = list(field.default) if many else field.default
        found.append(
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )
    return found


def _take(kind: type, given: dict[str, Any]) -> Any:
    """Take the fields of a dataclass out of what was given, and make it."""
    values = {field.name: given.pop(field.name) for field in dataclasses.fields(kind)}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
