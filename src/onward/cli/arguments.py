"""Arguments and options that several verbs have. The same flag means the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from onward.generate.settings import Computed

_TEXTS = "files (.txt .md .jsonl .parquet, also .gz .zst), folders of them, or hf:org/name"

Texts = Annotated[list[str], typer.Argument(help=_TEXTS)]
TextsOrWorld = Annotated[
    list[str] | None, typer.Argument(help=f"{_TEXTS}. Without any: the built-in world", show_default=False)
]
Mixture = Annotated[
    list[str], typer.Argument(help=f"{_TEXTS}; each with =WEIGHT for a mixture: books=0.7 chats.jsonl=0.3")
]
Vocab = Annotated[int | None, typer.Option("--vocab", help="tokens of the tokenizer that is trained")]
Out = Annotated[Path, typer.Option("-o", "--out", help="where to write; must not exist yet")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="leave out lines that cannot be read, and count them")]
Force = Annotated[bool, typer.Option("--force", help="replace what Onward has made there before")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="show what would be done, and stop")]
Log = Annotated[
    str | None, typer.Option("--log", help="send all figures to tensorboard, wandb or trackio too", show_default=False)
]
Compiled = Annotated[
    Computed | None,
    typer.Option(
        "--weights",
        help="on a CPU: answer by compiled code with the weights so (int8 is the quickest), or by torch; by default compiled, as stored",
        show_default=False,
    ),
]
Draft = Annotated[
    list[str] | None,
    typer.Option(
        "--draft",
        help="what foretells tokens, for the model to verify: lookup, int8, layers:N, store:FOLDER, heads:FOLDER, "
        "block:FOLDER, or a smaller model's folder; several work together. The text stays as it is",
        show_default=False,
    ),
]
Verify = Annotated[
    Literal["coupled", "ratio"],
    typer.Option("--verify", help="coupled: drafts change no text; ratio: other texts of the same distribution"),
]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda or cuda:1")]
Json = Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")]
