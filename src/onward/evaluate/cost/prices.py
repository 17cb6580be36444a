"""Prices: of an hour of one's own machine, or of a million tokens, from the user's table. None comes with Onward: prices change.

    # prices.yaml, in any money, for a million tokens; names as they are given on the command line, or as the endpoint calls the model
    http://localhost:8000/v1#mine:
      input: 0.10
      output: 0.40

Left out: discounts for prompts that begin alike, and for answers that may wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onward.errors import SuiteError

FIELDS = ("input", "output")


@dataclass(frozen=True)
class Price:
    """Of a million tokens."""

    input: float
    output: float

    def of(self, prompt_tokens: float, tokens: float) -> float:
        """What one answer costs."""
        return (self.input * prompt_tokens + self.output * tokens) / 1e6


def read(path: Path) -> dict[str, Price]:
    """Raises SuiteError, one line."""
    import yaml

    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SuiteError(f"--prices {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SuiteError(f"--prices {path}{where}: it is no YAML ({getattr(error, 'problem', error)}).") from error
    if not isinstance(table, dict) or not table:
        raise SuiteError(f"--prices {path}: a table is wanted, with a model's name and below it input: and output:.")
    return {str(name): _price(path, name, entry) for name, entry in table.items()}


def _price(path: Path, name: object, entry: object) -> Price:
    if not isinstance(entry, dict) or set(entry) != set(FIELDS):
        raise SuiteError(
            f"--prices {path}: {name} wants input: and output:, the prices of a million tokens, and no more."
        )
    for field, value in entry.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise SuiteError(f"--prices {path}: {field} of {name} is {value!r}, and no price.")
    return Price(float(entry["input"]), float(entry["output"]))


def of(prices: Mapping[str, Price], *names: str) -> Price | None:
    """The first of the names that the table has."""
    return next((prices[name] for name in names if name in prices), None)


def per_million(per_hour: float, tokens_per_second: float) -> float:
    """What a million tokens cost on a machine that costs so much an hour."""
    return per_hour / 3600 / max(tokens_per_second, 1e-12) * 1e6
