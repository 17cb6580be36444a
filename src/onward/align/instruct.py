"""Instruction tuning: a base model learns to answer. The loss is on the assistant's tokens alone.

Source: Ouyang et al. 2022 (arXiv 2203.02155), section 3.5, step 1. Left out: adapters, mixtures, and data made by a teacher.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from onward import lineage
from onward.corpus.chats import Chats, Conversation, read_chats
from onward.corpus.split import held_out
from onward.errors import BadLine, ChatError, DataError, PlanError
from onward.lineage import Lineage
from onward.model import folder
from onward.tokens.chat import encode_chat
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine, size
from onward.train.packing import Packing
from onward.train.plan import TrainPlan, Wishes
from onward.train.shards import Shards, write_shards
from onward.train.training import Training, settled, sources_of
from onward.train.workspace import Workspace

SUITE = "held-out answers"
HELD_OUT = 0.05
PASSES = 3.0
"""Over the conversations, where the time is not the limit."""


def prepare(
    base: Path, chats: Path, workspace: Workspace, wishes: Wishes, *, skip_bad: bool = False, console: Console
) -> Training:
    """Everything up to the first step.   Raises FolderError, TokenizerError, ChatError, DataError, PlanError."""
    tokenizer = Tokenizer.load(base)
    found = machine.measure(wishes.device, wishes.precision)
    model = folder.load(base)
    folder.check_tokenizer(model.config, tokenizer.highest_id)
    length = wishes.length or model.config.max_positions
    if length > model.config.max_positions:
        raise PlanError(f"--length {length} is more than the {model.config.max_positions} positions of {base}.")

    def side(name: str, wanted: bool) -> Shards:
        return Shards(workspace.part(name, lambda path: _cut(chats, tokenizer, path, wanted, skip_bad, console)))

    boundary = tokenizer.pad_id
    train = Packing(side("chats", False), length, boundary)
    kept = Packing(side("chats-held-out", True), length, boundary)

    draft = size.begin(
        TrainPlan(
            steps=1,
            length=length,
            batch_tokens=size.batch(train.shards.tokens, length, most=8192),
            rows_per_pass=1,
            lr=0.006,
            lr_embedding=0.0025,
            reasons={"lr_embedding": "a third of pretraining's, as for lr"},
        ),
        wishes,
        found,
    )
    size.check_memory(model.config, draft, found)

    def finish(seconds: float) -> TrainPlan:
        most = None if wishes.steps else PASSES
        return size.with_time(draft, wishes, seconds_per_step=seconds, rows=train.rows, most_passes=most)

    parent = lineage.read(base) or Lineage(verb="from elsewhere", folder=str(base))
    return Training(
        verb="sft",
        suite=SUITE,
        workspace=workspace,
        model=model,
        tokenizer=tokenizer,
        tokenizer_folder=base,
        plan=settled(workspace, model, train, draft, finish),
        train=train,
        held_out=kept,
        sources=sources_of([chats]),
        parents=[parent],
    )


def request(base: Path, chats: Path, wishes: Wishes, **further: Any) -> dict[str, Any]:
    """What makes two starts the same run."""
    weights = sources_of(sorted(base.glob("*.safetensors")))
    return {"verb": "sft", "base": weights, "chats": sources_of([chats])} | asdict(wishes) | further


def _cut(chats: Path, tokenizer: Tokenizer, path: Path, is_held_out: bool, skip_bad: bool, console: Console) -> None:
    """One side of the conversations as token shards with their loss mask."""
    skipped: list[BadLine] = []
    source = read_chats(chats, skip_bad=skip_bad, on_skip=skipped.append)
    if not is_held_out:
        console.print(f"{chats}: {source.format} conversations")
    write_shards(
        _encoded(source, tokenizer, is_held_out),
        path,
        vocab_size=tokenizer.highest_id + 1,
        tokenizer_hash=tokenizer.hash,
        meta={"format": source.format},
    )
    if source.trimmed and not is_held_out:
        console.print(f"{source.trimmed:,} answers ended with another model's end mark, as text; it was taken away")
    if skipped and not is_held_out:
        console.print(f"{source.skipped:,} bad lines left out; the first: {skipped[0]}")


def sides(source: Chats) -> Iterator[tuple[Conversation, bool]]:
    """Every conversation, and whether it is held out. Of so few that none is, or all are, the last one is.   Raises DataError."""
    found = [held_out(_text(conversation), HELD_OUT) for conversation in source]
    if len(found) < 2:
        raise DataError(
            f"{source.path} has one conversation; at least two are needed: one to learn from, one to measure on."
        )
    if not any(found) or all(found):
        found = [False] * (len(found) - 1) + [True]
    yield from zip(source, found, strict=True)


def _encoded(source: Chats, tokenizer: Tokenizer, wanted: bool) -> Iterator[tuple[list[int], list[bool], int]]:
    """Ids, loss mask and bytes of the conversations of one side."""
    for conversation, is_held_out in sides(source):
        if is_held_out == wanted:
            try:
                chat = encode_chat(tokenizer, conversation.messages)
            except ChatError as error:
                raise ChatError(f"{conversation.source}, line {conversation.number}: {error}") from error
            yield chat.ids, chat.learn, len(_text(conversation).encode())


def _text(conversation: Conversation) -> str:
    return "\n".join(message["content"] for message in conversation.messages)
