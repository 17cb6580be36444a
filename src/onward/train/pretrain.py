"""Pretraining: from texts to a base model that carries a text on.

Reads documents, trains or takes a tokeniser, cuts the documents into token shards, settles shape and plan, and hands over a `Training`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console

from onward.corpus.read import Document, documents, files
from onward.corpus.split import split_documents
from onward.errors import BadLine, DataError, TokenizerError
from onward.model import families
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.tokens.train import train as train_tokenizer
from onward.train import machine, size
from onward.train.objectives import next_token
from onward.train.packing import Batches, Packing
from onward.train.plan import Shape, TrainPlan, Wishes
from onward.train.progress import reading
from onward.train.repetition import MOST_PASSES
from onward.train.shards import Shards, write_shards
from onward.train.training import Training, keep_tokenizer, settled, sources_of_texts
from onward.train.workspace import Workspace

SUITE = "held-out text"
TOKENIZER_BYTES = 50_000_000
"""Text that the tokeniser is trained on, at most: more changes hardly any merge."""


def prepare(
    texts: Sequence[str],
    workspace: Workspace,
    wishes: Wishes,
    asked: Shape,
    *,
    tokenizer: Path | None = None,
    vocab: int | None = None,
    skip_bad: bool = False,
    console: Console,
) -> Training:
    """Everything up to the first step. Parts that the workspace holds already are taken as they are.

    texts: files, folders, `hf:org/name`.   asked: of the new model's shape.   tokenizer: a folder whose tokeniser to use, instead of
    training one of `vocab` tokens.
    Raises DataError, TokenizerError, PlanError, ConfigError.
    """
    read = Reading(texts, skip_bad, console)
    found = machine.measure(wishes.device, wishes.precision)
    flops = size.compute(found, wishes)
    place = workspace.part("tokenizer", lambda path: keep_tokenizer(_tokenizer(read, tokenizer, vocab, flops), path))
    cut = Tokenizer.load(place)
    if cut.bos_id is None:
        raise DataError(
            f"{tokenizer}: its tokenizer has no token that begins a document (bos_token), which pretraining needs."
        )

    def side(name: str, held_out: bool) -> Shards:
        return Shards(workspace.part(name, lambda path: _cut(read, cut, path, held_out=held_out)))

    text, text_held_out = side("text", False), side("text-held-out", True)
    length = size.sequence_length(wishes, flops)
    shape, reasons = size.shape(asked, vocab_size=cut.highest_id + 1, flops=flops, length=length, unique=text.tokens)
    family = families.onward_family(shape)
    config = families.from_hf_config(workspace.once("config.json", lambda: families.to_hf_config(shape, family)))[1]
    length = config.max_positions
    train, kept = Packing(text, length, cut.bos_id), Packing(text_held_out, length, cut.bos_id)
    batch = size.batch(text.tokens, length, most=8192 if flops < 1e16 else 262_144)
    draft = size.begin(TrainPlan(steps=1, length=length, batch_tokens=batch, rows_per_pass=1), wishes, found, config)
    model = LanguageModel(config).initialise(wishes.seed)

    batches = Batches(train, draft.rows, draft.seed).batch

    def finish(seconds: float) -> TrainPlan:
        plan = size.with_time(draft, wishes, seconds_per_step=seconds, rows=train.rows, most_passes=MOST_PASSES)
        return size.explained(plan, {n: f"{getattr(config, n)}: {reason}" for n, reason in reasons.items()})

    return Training(
        verb="pretrain",
        suite=SUITE,
        workspace=workspace,
        model=model,
        tokenizer=cut,
        tokenizer_folder=place,
        plan=settled(workspace, model, next_token, batches, draft, finish),
        objective=next_token,
        batches=batches,
        train=train,
        held_out=kept,
        sources=sources_of_texts(texts),
        parents=[],
    )


def request(texts: Sequence[str], wishes: Wishes, asked: Shape, **further: Any) -> dict[str, Any]:
    """What makes two starts the same run: the verb, the data as it is now, and everything that was asked for."""
    return {"verb": "pretrain", "texts": sources_of_texts(texts)} | asdict(wishes) | asdict(asked) | further


class Reading:
    """The texts, read as often as they are needed, with progress; what is left out is told once, after the first whole reading."""

    def __init__(self, texts: Sequence[str], skip_bad: bool, console: Console) -> None:
        self.texts, self.skip_bad, self.console = texts, skip_bad, console
        self.size = sum(path.stat().st_size for path in files(texts))
        self.told = False

    def documents(self, why: str) -> Iterator[Document]:
        skipped: list[BadLine] = []
        found = documents(self.texts, skip_bad=self.skip_bad, on_skip=skipped.append)
        yield from reading(self.console, why, found, self.size)
        if skipped and not self.told:
            self.told = True
            self.console.print(f"{len(skipped):,} bad lines left out; the first: {skipped[0]}")


def _tokenizer(read: Reading, given: Path | None, vocab: int | None, flops: float) -> Tokenizer:
    if given is not None:
        return Tokenizer.load(given)
    wanted = vocab or size.vocabulary(flops)
    found = read.documents(f"training a tokenizer of {wanted:,} tokens")
    texts = (document.text for document, is_held_out in split_documents(found) if not is_held_out)
    return train_tokenizer(up_to(TOKENIZER_BYTES, texts), wanted)


def up_to(most: int, texts: Iterable[str]) -> Iterator[str]:
    """Texts until together they have `most` characters."""
    taken = 0
    for text in texts:
        yield text
        taken += len(text)
        if taken >= most:
            return


def _cut(read: Reading, tokenizer: Tokenizer, path: Path, *, held_out: bool) -> None:
    """One side of the split as token shards."""
    found = read.documents("cutting the held-out texts into tokens" if held_out else "cutting the texts into tokens")
    side = (document for document, is_held_out in split_documents(found) if is_held_out == held_out)
    first = next(side, None)
    if first is None:
        raise DataError(
            f"too little text to {'hold any of it out' if held_out else 'train on'}. Give at least a few sentences."
        )
    write_shards(
        ((ids, None, size) for ids, size in encoded(tokenizer, chain([first], side))),
        path,
        vocab_size=tokenizer.highest_id + 1,
        tokenizer_hash=tokenizer.hash,
        meta={},
    )


def encoded(tokenizer: Tokenizer, side: Iterable[Document], at_once: int = 2**22) -> Iterator[tuple[list[int], int]]:
    """Token ids and UTF-8 bytes of each document; some megabytes at a time, on all cores.

    Raises DataError naming the documents among which is one that the tokeniser cannot take.
    """
    for group in _groups(side, at_once):
        try:
            ids = tokenizer.encode_batch([document.text for document in group])
        except TokenizerError as error:
            raise DataError(f"{group[0].source}, from document {group[0].number}: {error}") from error
        yield from zip(ids, (len(document.text.encode()) for document in group), strict=True)


def _groups(side: Iterable[Document], size: int) -> Iterator[list[Document]]:
    """Documents in groups of about `size` characters, so that memory stays flat whether they are short or long."""
    group: list[Document] = []
    held = 0
    for document in side:
        group.append(document)
        held += len(document.text)
        if held >= size:
            yield group
            group, held = [], 0
    if group:
        yield group
