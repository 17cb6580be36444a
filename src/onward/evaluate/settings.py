"""How a suite is put to a model, as plain values. No torch here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from onward.errors import SuiteError
from onward.generate.settings import Sampling

Mode = Literal["said", "letter", "full", "cloze"]
LAYOUTS = ("A)", "A.", "(A)")


@dataclass(frozen=True, kw_only=True)
class How:
    """How items are put to a model, and how often."""

    ask: Literal["auto", "chat", "text"] = field(
        default="auto",
        metadata={"help": "as a chat, or as a text to carry on; auto: a text for models that were only pretrained"},
    )
    mode: Literal["auto", "said", "letter", "full", "cloze"] = field(
        default="auto",
        metadata={
            "help": "for choices: what is said; or the likeliest letter, the likeliest option below the options (full) or without "
            "seeing them (cloze); auto: letter for folders, said for endpoints"
        },
    )
    layout: Literal["A)", "A.", "(A)", "all"] = field(
        default="A)",
        metadata={"help": "for choices: how options are lettered; all: each way, to see how far that matters"},
    )
    as_written: bool = field(
        default=False, metadata={"help": "for choices: only the order as written, and not all cyclic orders"}
    )
    shots: int = field(default=0, metadata={"help": "examples of the suite that are shown before each item"})
    seeds: int = field(default=1, metadata={"help": "answers to each item; more than 1 wants a temperature"})
    temperature: float = field(
        default=0.0, metadata={"help": "0 always takes the likeliest token; 1 is the model as it is"}
    )
    seed: int = field(default=0, metadata={"help": "same seed, same text"})

    def __post_init__(self) -> None:
        checks = (
            (self.shots >= 0, f"--shots {self.shots}: 0 or more"),
            (self.seeds >= 1, f"--seeds {self.seeds}: at least 1"),
            (
                self.seeds == 1 or self.temperature > 0,
                f"--seeds {self.seeds}: at --temperature 0 they would all be alike. Give a temperature",
            ),
        )
        for fine, message in checks:
            if not fine:
                raise SuiteError(message + ".")

    @property
    def layouts(self) -> tuple[str, ...]:
        return LAYOUTS if self.layout == "all" else (self.layout,)

    @property
    def called(self) -> str:
        """What is not as usual, in short: results that were come by differently have different names."""
        said = {
            f"as {self.ask}": self.ask != "auto",
            self.mode: self.mode != "auto",
            f"lettered {self.layout}": self.layout != LAYOUTS[0],
            "as written": self.as_written,
            f"{self.shots} shots": self.shots > 0,
            f"{self.seeds} seeds": self.seeds > 1,
            f"temperature {self.temperature:g}": self.temperature > 0,
            f"seed {self.seed}": self.seed != 0,
        }
        return ", ".join(words for words, so in said.items() if so)

    def sampling(self, number: int, max_tokens: int, stop: tuple[str, ...]) -> Sampling:
        """Of sample `number`."""
        return Sampling(temperature=self.temperature, seed=self.seed + number, max_tokens=max_tokens, stop=stop)
