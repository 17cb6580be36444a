"""Verbs that make a model: build, tokenizer, pretrain, sft."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onward.align.wishes import Teaching
from onward.cli import printing
from onward.cli.arguments import Force, Json, Log, Mixture, Out, PlanOnly, SkipBad, Texts, TextsOrWorld, Vocab
from onward.train import processes
from onward.train.plan import Adapter, Shape, Wishes

if TYPE_CHECKING:
    from rich.console import Console

    from onward.tokens.tokenizer import Tokenizer
    from onward.train.shards import Shards
    from onward.train.training import Training
    from onward.train.workspace import Workspace


def build(
    wishes: Wishes,
    shape: Shape,
    texts: TextsOrWorld = None,
    vocab: Vocab = None,
    chat: Annotated[Path | None, typer.Option("--chat", help="questions and answers to learn from, as JSONL")] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="the run folder", show_default="runs/NAME of the first text, or runs/world"),
    ] = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    plan: PlanOnly = False,
    log: Log = None,
) -> None:
    """The whole road: tokenizer, pretraining, instruction tuning, the stages compared, a report.

    Without texts it is walked in the built-in world, a small country that does not exist: its texts are made, found as a dirty crawl, and
    cleaned first; at the end every stage is asked what only its texts have told it. Started again by the same command, it goes on where
    it stopped.

    Example:  onward build
              onward build books/ --chat questions.jsonl --minutes 10 -o runs/mine
    """
    processes.alone("build")
    from onward.build import Road, check
    from onward.build import build as walk
    from onward.build import plan as prepare
    from onward.errors import PlanError

    console = printing.messages()
    common: dict[str, Any] = {"vocab": vocab, "skip_bad": skip_bad, "force": force, "log": log}
    if texts:
        out = out or Path("runs") / (Path(texts[0]).resolve().name.strip(".").split(".")[0] or "mine")
        road = Road(out=out, texts=texts, chats=chat, wishes=wishes, asked=shape, **common)
    elif chat is not None:
        raise PlanError(
            "--chat without texts: a base model must be made from some first. onward build TEXTS --chat ..."
        )
    else:
        out = out or Path("runs") / "world"
        road = Road.in_the_world(out, wishes, shape, **common)
    if plan:
        check(road)
        run_training(None, partial(prepare, road), request=dict, force=force, plan=True)
        return
    last = walk(road, console, lambda training: printing.preflight(console, training))
    console.print(f"\nThe report is {out}/report.html.")
    console.print(
        f"Talk to it:  onward chat {out}" if road.chats else f"Let it carry on a text:  onward generate {last}"
    )


def tokenizer(
    texts: Texts,
    out: Out,
    vocab: Annotated[int, typer.Option("--vocab", help="tokens in the vocabulary, control tokens included")] = 4096,
    skip_bad: SkipBad = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train a tokenizer, and say how it cuts each kind of text.

    Example:  onward tokenizer books/ news.jsonl -o mine/tokenizer --vocab 8192
    """
    processes.alone("tokenizer")
    from onward import lineage
    from onward.cli.looking import print_statistics
    from onward.corpus.read import documents, files
    from onward.errors import BadLine
    from onward.files import check_apart, check_free, new_folder
    from onward.tokens.statistics import statistics
    from onward.tokens.train import train
    from onward.train.pretrain import TOKENIZER_BYTES, up_to
    from onward.train.training import sources_of_texts

    check_free(out, force=force)
    check_apart(out, files(texts))
    console, skipped = printing.messages(), list[BadLine]()
    with console.status("reading, and counting pairs"):
        read = documents(texts, skip_bad=skip_bad, on_skip=skipped.append)
        made = train(up_to(TOKENIZER_BYTES, (document.text for document in read)), vocab)
        kinds = {text: up_to(5_000_000, (d.text for d in documents([text], skip_bad=skip_bad))) for text in texts}
        found = statistics(made, kinds)
    if skipped:
        console.print(f"{len(skipped):,} bad lines left out; the first: {skipped[0]}")
    history = lineage.Lineage(
        verb="tokenizer",
        command=lineage.command_line(),
        date=lineage.now(),
        plan={"vocab": vocab},
        data=sources_of_texts(texts),
        versions=lineage.versions(),
        folder=str(out),
    )
    with new_folder(out, force=force) as folder:
        made.save(folder)
        lineage.write(folder, history)
    if as_json:
        printing.print_json(asdict(found))
    else:
        print_statistics(printing.results(), found)


def pretrain(
    texts: Mixture,
    out: Out,
    wishes: Wishes,
    shape: Shape,
    init: Annotated[
        str | None,
        typer.Option("--init", help="go on from this model folder (or org/name on the hub)", show_default=False),
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", help="a folder whose tokenizer to use; else one is trained")
    ] = None,
    vocab: Vocab = None,
    objective: Annotated[
        str,
        typer.Option(
            "--objective",
            help="next: carry a text on; masked: an encoder; prefix: write what is left out; diffusion: write many tokens together",
        ),
    ] = "next",
    block: Annotated[
        int | None,
        typer.Option(
            "--block",
            help="tokens that diffusion writes together, block after block; as long as a text",
            show_default=False,
        ),
    ] = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    plan: PlanOnly = False,
    log: Log = None,
) -> None:
    """From texts to a base model that carries a text on; with --objective masked or prefix, to one that fills blanks.

    With --objective diffusion it carries a text on too, many tokens at a time.

    Example:  onward pretrain books/ --minutes 5 -o mine/base
    """
    from onward.errors import PlanError
    from onward.train import pretrain as room

    if tokenizer is not None and vocab is not None:
        raise PlanError(f"--tokenizer {tokenizer} has its own vocabulary. Leave out --vocab, or train a tokenizer.")
    run_training(
        out,
        lambda workspace, console: room.prepare(
            texts,
            workspace,
            wishes,
            shape,
            tokenizer=tokenizer,
            vocab=vocab,
            init=init,
            skip_bad=skip_bad,
            objective=objective,
            block=block,
            console=console,
        ),
        request=lambda: room.request(
            texts,
            wishes,
            shape,
            init=init,
            tokenizer=str(tokenizer),
            vocab=vocab,
            skip_bad=skip_bad,
            objective=objective,
            block=block,
        ),
        force=force,
        plan=plan,
        log=log,
    )
    if not plan:
        carry_on, fill = (
            f"Let it carry on a text:  onward generate {out}",
            f'Let it fill a blank:  onward fill {out} "A ___."',
        )
        printing.messages().print(f"\n{carry_on if objective in ('next', 'diffusion') else fill}")


def sft(
    base: Annotated[Path, typer.Argument(help="the model folder to begin with")],
    chats: Annotated[
        Path, typer.Argument(help="conversations as JSONL, or a folder of them: OpenAI messages, ShareGPT or Alpaca")
    ],
    out: Out,
    wishes: Wishes,
    beside: Adapter,
    teaching: Teaching,
    replay: Annotated[
        list[str] | None,
        typer.Option(
            "--replay", help="texts to go over again, half of the rows, so that the base model forgets nothing"
        ),
    ] = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    plan: PlanOnly = False,
    log: Log = None,
) -> None:
    """Instruction tuning: teach a base model to answer. The loss is on the assistant's tokens alone.

    Example:  onward sft mine/base questions.jsonl --replay books/ --minutes 3 -o mine/chat
              onward sft mine/base questions.jsonl --adapter lora --rank 16 -o mine/adapter
              onward sft small/base questions.jsonl --teacher large/chat -o small/chat
    """
    from onward.align import instruct
    from onward.train import pretrain as texts
    from onward.train.training import sources_of_texts

    def prepare(workspace: Workspace, console: Console) -> Training[Any]:
        def again(cut: Tokenizer) -> Shards:
            return texts.cut_again(replay or (), workspace, cut, skip_bad, console)

        further: dict[str, Any] = {"beside": beside, "teaching": teaching, "skip_bad": skip_bad, "console": console}
        if replay:
            further |= {"replay": again, "replayed": sources_of_texts(replay)}
        return instruct.prepare(base, chats, workspace, wishes, **further)

    run_training(
        out,
        prepare,
        request=lambda: instruct.request(
            base, chats, wishes, teaching, skip_bad=skip_bad, replay=sources_of_texts(replay or ()), **asdict(beside)
        ),
        force=force,
        plan=plan,
        log=log,
    )
    if not plan:
        printing.messages().print(f"\nTalk to it:  onward chat {out}")


def merge(
    base: Annotated[Path, typer.Argument(help="the model folder that the adapter was trained on")],
    adapter: Annotated[Path, typer.Argument(help="the adapter's folder, from sft --adapter or from PEFT")],
    out: Out,
    force: Force = False,
) -> None:
    """Work an adapter into the weights of its base: a whole model again, which computes the same without it.

    Example:  onward merge mine/base mine/adapter -o mine/chat
    """
    processes.alone("merge")
    from onward.model import adapters

    adapters.merged_folder(base, adapter, out, force=force)
    printing.messages().print(f"\nTalk to it:  onward chat {out}")


def run_training(
    out: Path | None,
    prepare: Callable[[Workspace, Console], Training[Any]],
    *,
    request: Callable[[], dict[str, Any]],
    force: bool,
    plan: bool,
    log: str | None = None,
) -> None:
    """Prepare, show the preflight, train. With `plan`, prepare in a folder that goes away, show, and stop; `out`, where it has not been
    looked at yet, must be free all the same."""
    from onward.files import check_free
    from onward.train import logs
    from onward.train.workspace import Workspace

    logs.check(log)

    console = printing.messages()
    if out is not None:
        processes.by_first(lambda: check_free(out, force=force))
    if plan or out is None:
        with tempfile.TemporaryDirectory() as temporary:
            place = Path(processes.agreed(temporary)) / "plan"
            printing.preflight(console, prepare(Workspace(place, {}), console))
            processes.agreed(None)  # the folder must not go before all have looked at it
        return
    with Workspace(out, request(), force=force) as workspace:
        training = prepare(workspace, console)
        printing.preflight(console, training)
        training.run(console, log)
