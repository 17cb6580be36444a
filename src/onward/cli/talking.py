"""Verbs that let a model speak: chat and generate."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onward.cli import printing
from onward.cli.arguments import Compiled, Device, Draft, Json, Verify
from onward.generate.parallel.settings import Parallel
from onward.generate.settings import Form, Sampling

if TYPE_CHECKING:
    from rich.console import Console

    from onward.generate.chat_model import ChatModel, Message

Model = Annotated[str, typer.Argument(help="a model or run folder, org/name on the hub, or http://host:port/v1#model")]

HELP = "/reset forgets the conversation, /system TEXT sets the system prompt, /save FILE writes it, /quit leaves (so does Ctrl-D)"


def chat(
    model: Model,
    sampling: Sampling,
    parallel: Parallel,
    system: Annotated[str | None, typer.Option("--system", help="the system prompt")] = None,
    device: Device = None,
    weights: Compiled = None,
    draft: Draft = None,
    verify: Verify = "coupled",
) -> None:
    """Talk to a model. It keeps the conversation; Ctrl-C stops an answer.

    Example:  onward chat runs/mine
    """
    from onward import load

    console = printing.messages()
    with console.status(f"opening {model}"):
        opened = load(model, device=device, weights=weights)
        _tell(opened, parallel)
        _draft(opened, draft, verify)
    console.print(f"{opened.name}. {HELP}", style="dim")
    _introduce(model, console)
    conversation = Conversation(opened, sampling, system, console)
    while (line := conversation.ask()) is not None:
        if not conversation.obey(line):
            conversation.answer(line)
    _report_drafts(opened)


def _draft(opened: ChatModel, draft: list[str] | None, verify: Literal["coupled", "ratio"]) -> None:
    if not draft:
        return
    from onward.errors import PlanError
    from onward.generate.chat_model import FolderModel
    from onward.generate.drafters.make import made

    if not isinstance(opened, FolderModel):
        raise PlanError(f"--draft needs a model folder. What drafts for {opened.name} is for whoever serves it to say.")
    opened.engine.draft(made(opened.engine, draft), verify)


def _report_drafts(opened: ChatModel) -> None:
    """On stderr, what came of drafting, if there was any."""
    from onward.generate.chat_model import FolderModel

    if isinstance(opened, FolderModel) and (speculation := opened.engine.speculation) is not None:
        for line in speculation.lines():
            printing.messages().print(line, style="dim", soft_wrap=True)


def _tell(opened: ChatModel, parallel: Parallel) -> None:
    """Tell a model that writes in blocks how; PlanError for any other that is to be told so."""
    from onward.errors import PlanError
    from onward.generate.parallel.chat import ParallelModel

    if isinstance(opened, ParallelModel):
        opened.writer.how = parallel
    elif parallel != Parallel():
        raise PlanError(
            "--steps, --block and --order are for models that write in blocks (onward pretrain --objective diffusion). Leave them out."
        )


def _introduce(model: str, console: Console) -> None:
    """What the model can talk about, and what to ask it, where its lineage says so."""
    from onward import lineage
    from onward.generate.stages import furthest_stage

    folder = Path(furthest_stage(model))
    history = lineage.read(folder) if folder.is_dir() else None
    if history is not None and history.about:
        console.print(f"It knows {history.about}.", style="dim")
    if history is not None and history.try_asking:
        console.print("\n  ".join(["Things to try:", *history.try_asking[:5]]), style="dim")


class Conversation:
    """One conversation in a terminal: what has been said, and the model that answers."""

    def __init__(self, model: ChatModel, sampling: Sampling, system: str | None, console: Console) -> None:
        self.model, self.sampling, self.console = model, sampling, console
        self.system = system
        self.turns: list[Message] = []

    def say(self, remark: str) -> None:
        """A remark that is not the model's."""
        self.console.print(remark, style="dim")

    def ask(self) -> str | None:
        """The next line that the user types; None when there is no more."""
        while True:
            try:
                self.console.print("you ", end="", style="bold")
                line = input().strip()
            except (EOFError, KeyboardInterrupt):
                self.console.print()
                return None
            except UnicodeDecodeError:
                self.say("(that was not UTF-8; type it again)")
                continue
            if line == "/quit":
                return None
            if line:
                return line

    def obey(self, line: str) -> bool:
        """Carry out a command; False where the line is none."""
        command, _, rest = line.partition(" ")
        if command == "/reset":
            self.turns = []
            self.say("forgotten")
        elif command == "/system":
            self.system, self.turns = rest.strip() or None, []
            self.say(
                "a new conversation with this system prompt"
                if self.system
                else "a new conversation without a system prompt"
            )
        elif command == "/save":
            self._save(rest.strip())
        elif command.startswith("/"):
            self.say(HELP)
        else:
            return False
        return True

    def _save(self, name: str) -> None:
        """Append the conversation to a JSONL file, in the form that `onward sft` reads."""
        from onward.errors import OnwardError
        from onward.files import explained

        path = Path(name or "conversation.jsonl")
        try:
            with explained(path), path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"messages": self._messages()}, ensure_ascii=False) + "\n")
        except (OnwardError, ValueError) as error:  # ValueError: a NUL in the name
            self.say(f"not saved: {error}")
        else:
            self.say(f"added to {path}")

    def _messages(self) -> list[Message]:
        return ([{"role": "system", "content": self.system}] if self.system else []) + self.turns

    def answer(self, line: str) -> None:
        """Stream the answer. Where the conversation has outgrown the model, its oldest turns are left out, and this is said."""
        from onward.errors import OnwardError

        self.turns.append({"role": "user", "content": line})
        pieces: list[str] = []
        try:
            self._make_room()
            for piece in self.model.stream(
                self._messages(), replace(self.sampling, seed=self.sampling.seed + len(self.turns))
            ):
                pieces.append(piece)
                sys.stdout.write(piece)
                sys.stdout.flush()
        except KeyboardInterrupt:
            sys.stdout.write(" (stopped)")
        except OnwardError as error:
            self.say(str(error))
            self.turns.pop()
            return
        sys.stdout.write("\n")
        sys.stdout.flush()
        if answer := "".join(pieces).strip():
            self.turns.append({"role": "assistant", "content": answer})
        else:
            self.say("(it said nothing; the question is taken back)")
            self.turns.pop()

    def _make_room(self) -> None:
        """Leave out the oldest turns until a quarter of the model's positions is free for the answer."""
        from onward.generate.chat_model import LocalModel

        if not isinstance(self.model, LocalModel):
            return
        room, left_out = self.model.carrier.room, 0
        while len(self.turns) > 1 and len(self.model.prompt(self._messages())) > room - min(
            room // 4, self.sampling.max_tokens
        ):
            del self.turns[:2]
            left_out += 1
        if left_out:
            self.say(f"(the conversation has outgrown the model's {room:,} tokens; its oldest turn is left out)")


def generate(
    model: Model,
    text: Annotated[str | None, typer.Argument(help="the beginning; - reads it from stdin")] = None,
    *,
    sampling: Sampling,
    form: Form,
    parallel: Parallel,
    device: Device = None,
    weights: Compiled = None,
    draft: Draft = None,
    verify: Verify = "coupled",
    as_json: Json = False,
) -> None:
    """Carry a text on.

    Example:  onward generate runs/mine/base "Once upon a time" --temperature 0.8 --seed 7

    Or in a form:  onward generate runs/mine/base "Is Ada a baker?" --choice " yes" --choice " no"

    Or quicker:    onward generate runs/mine/base "Once upon a time" --draft lookup --draft layers:2

    Many tokens at a time:  onward generate mine/blocks "Once upon a time" --steps 4
    """
    from onward import load
    from onward.errors import PlanError
    from onward.generate.chat_model import LocalModel
    from onward.generate.constraint import of_form
    from onward.generate.request import Request

    opened = load(model, device=device, weights=weights)
    if not isinstance(opened, LocalModel):
        raise PlanError(
            "onward generate carries plain text on, which needs a model folder. Behind a URL, use onward chat."
        )
    _tell(opened, parallel)
    _draft(opened, draft, verify)
    writer = opened.carrier
    beginning = _piped() if text == "-" else text or ""
    constraint = of_form(writer.tokenizer, form, writer.ends)
    request = Request(prompt=opened.text_prompt(beginning), sampling=sampling, constraint=constraint)
    if as_json:
        done = writer.run([request])[0]
        printing.print_json(
            {"text": done.text, "finish": done.finish, "prompt_tokens": done.prompt_tokens, "tokens": len(done.ids)}
        )
        _report_drafts(opened)
        return
    sys.stdout.write(beginning)
    for piece in writer.stream(request):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
    _report_drafts(opened)


def _piped() -> str:
    from onward.errors import DataError

    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise DataError(
            f"what came through the pipe is not UTF-8 ({error.reason} at byte {error.start}). Convert it first, as with iconv."
        ) from error
