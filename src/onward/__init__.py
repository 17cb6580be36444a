"""Onward: from raw text to a chat model of your own. `onward.load(where)` opens one; the command line is `onward --help`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onward.generate.load import load as load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """`onward.load` brings torch with it, so it is imported when first asked for and not before."""
    if name == "load":
        from onward.generate.load import load

        return load
    raise AttributeError(f"module 'onward' has no attribute {name!r}")
