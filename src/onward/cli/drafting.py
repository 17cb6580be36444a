"""Verbs that make a drafter: train-heads, datastore. What is made with them is named with --draft."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onward.cli import printing
from onward.cli.arguments import Force, Log, Out, PlanOnly, SkipBad, Texts
from onward.cli.making import run_training
from onward.train import processes
from onward.train.plan import Wishes


def train_heads(
    base: Annotated[Path, typer.Argument(help="the model whose tokens are to be foretold")],
    data: Annotated[
        list[str],
        typer.Argument(
            help="texts, as for pretrain; or conversations, as for sft. Best are such as the model itself writes"
        ),
    ],
    out: Out,
    wishes: Wishes,
    heads: Annotated[int, typer.Option("--heads", help="tokens that are foretold, after the next one")] = 4,
    kind: Annotated[
        str,
        typer.Option("--kind", help="heads: from the model's last hidden state; block: by a few layers of their own"),
    ] = "heads",
    skip_bad: SkipBad = False,
    force: Force = False,
    plan: PlanOnly = False,
    log: Log = None,
) -> None:
    """Heads beside a model: learn to foretell several of its tokens at once, so that it can verify them in one pass.

    The model stays as it is, and so does every text that it writes; it writes them faster where the heads are right. How many tokens they
    foretell in a row is measured on what is held out.

    Example:  onward train-heads mine/chat questions.jsonl -o mine/heads --minutes 5
              onward generate mine/chat "Once" --draft heads:mine/heads
    """
    from onward.align import drafting as room

    run_training(
        out,
        lambda workspace, console: room.prepare(
            base, data, workspace, wishes, kind=kind, ahead=heads, skip_bad=skip_bad, console=console
        ),
        request=lambda: room.request(base, data, wishes, kind=kind, ahead=heads, skip_bad=skip_bad),
        force=force,
        plan=plan,
        log=log,
    )
    if not plan:
        printing.messages().print(f"\nDraft with it:  onward generate {base} --draft {kind}:{out}", soft_wrap=True)


def datastore(
    texts: Texts,
    out: Out,
    tokenizer: Annotated[Path, typer.Option("--tokenizer", help="the folder of the model that will draft from it")],
    skip_bad: SkipBad = False,
    force: Force = False,
) -> None:
    """A search engine over texts, to draft from: what followed the last words there may follow them again.

    Example:  onward datastore books/ --tokenizer mine/base -o mine/store
              onward generate mine/base "Once" --draft store:mine/store
    """
    processes.alone("datastore")
    from onward.corpus.read import documents, files
    from onward.errors import BadLine
    from onward.files import check_apart, check_free
    from onward.generate.drafters.datastore import build
    from onward.tokens.tokenizer import Tokenizer

    check_free(out, force=force)
    check_apart(out, files(texts))
    console, skipped = printing.messages(), list[BadLine]()
    with console.status("reading, and sorting what stands before each token"):
        read = documents(texts, skip_bad=skip_bad, on_skip=skipped.append)
        build((document.text for document in read), Tokenizer.load(tokenizer), out, force=force)
    if skipped:
        console.print(f"{len(skipped):,} bad lines left out; the first: {skipped[0]}")
    console.print(f"Draft from it:  onward generate {tokenizer} --draft store:{out}", soft_wrap=True)
