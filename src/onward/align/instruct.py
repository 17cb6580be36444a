"""Instruction tuning: a base model learns to answer. The loss is on the assistant's tokens alone.

With `replay`, half of the rows are texts as the base model was trained on, so that it does not forget, while it learns to answer, what it
could answer from: rehearsal (Robins 1995, "Catastrophic forgetting, rehearsal and pseudorehearsal"). Source of the rest: Ouyang et al. 2022
(arXiv 2203.02155), section 3.5, step 1; in section 3.5, step 3, they mix pretraining texts into reinforcement learning for the same reason.
A model that writes blocks learns to answer in blocks, with only the answers' tokens hidden (LLaDA, arXiv 2502.09992, section 2.3).
With `beside`, an adapter learns and the model stays as it is; with `teaching`, another model's probabilities are learned too (teacher.py).
Left out: conversations that a teacher writes (distil).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from onward.align import teacher as teachers
from onward.align.wishes import Teaching
from onward.corpus.chats import Chats, Conversation, chat_files, read_chats
from onward.corpus.split import is_held_out, place
from onward.errors import BadLine, ChatError, DataError, FolderError, PlanError
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.chat import encode_chat
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine, processes, size
from onward.train.learned import weight_bytes
from onward.train.machine import Machine
from onward.train.mixture import MixedBatches, Part
from onward.train.objectives import Loss
from onward.train.packing import Batch, Batches, Packing
from onward.train.parent import Parent, boundaries, files_of
from onward.train.plan import Adapter, TrainPlan, Wishes
from onward.train.said import beginnings
from onward.train.shards import Shards, write_shards
from onward.train.tasks import task
from onward.train.texts import Results, TextData
from onward.train.training import Training, settled, sources_of
from onward.train.workspace import Workspace

SUITE = "held-out answers"
HELD_OUT = 0.05
REPLAY = 0.5
"""Share of the rows that are texts, where there are any to go over again. Measured in docs/results.md."""
WHOLE_MODEL, DATA_ALONE = Adapter(), Teaching()
BASE_PRECISION = "base.json"
LONGEST = 2048
"""Tokens of a conversation where --length says nothing and the model has positions for more."""


def prepare(
    base: Path,
    chats: Path,
    workspace: Workspace,
    wishes: Wishes,
    *,
    beside: Adapter = WHOLE_MODEL,
    teaching: Teaching = DATA_ALONE,
    replay: Callable[[Tokenizer], Shards] | None = None,
    replayed: Sequence[dict[str, Any]] = (),
    skip_bad: bool = False,
    console: Console,
) -> Training[TextData]:
    """Everything up to the first step.

    beside: an adapter that learns instead of the model.   teaching: a larger model whose probabilities are learned too.
    replay: gives the texts to go over again, cut by the base model's tokeniser.   replayed: what they are, for the lineage.
    Raises FolderError, TokenizerError, ChatError, DataError, PlanError.
    """
    began = time.perf_counter()
    tokenizer, parent = Tokenizer.load(base), Parent.at(base, blocks=True)
    found = machine.measure(wishes.device, wishes.precision)
    if not parent.config.causal:
        raise FolderError(
            f"{base} holds an encoder, which fills blanks and cannot answer. Give a base model that carries texts on."
        )
    goal = task("next") if parent.config.block is None else task("diffusion", parent.config.block)
    if parent.config.block is not None and teaching != DATA_ALONE:
        raise PlanError(
            f"{base} writes {parent.config.block} tokens together, and a teacher says one after the other. Leave --teacher out."
        )
    length, parents = _length(parent, wishes), [parent.lineage]
    objective: Callable[[LanguageModel, Batch], Loss] = goal.objective
    measured: Results = goal.results
    write, reasons, suite = folder.save, {"lr_embedding": "a third of pretraining's, as for lr"}, SUITE
    if (teacher := teachers.opened(teaching, base, tokenizer, found)) is not None:
        length, parents = teacher.parent.length(wishes.length, length), [*parents, teacher.parent.lineage]
        objective, measured = teacher.loss, teacher.results(lambda: parent.load(tokenizer.highest_id))
        found, reasons = replace(found, memory=found.memory - teacher.bytes), reasons | {"teacher": teacher.words}
    base_precision = None
    if beside.adapter is None:
        model = parent.load(tokenizer.highest_id)
    else:
        base_precision, why = _base_precision(parent, beside, length, found, workspace)
        model = parent.load(tokenizer.highest_id, int8=base_precision == "int8")
        write, said = _add_adapter(model, parent.family, beside, base, wishes.seed)
        del reasons["lr_embedding"]
        reasons |= {"adapter": said, "base_precision": why}
    if base_precision == "int8":
        suite = f"{SUITE}, beside a base in int8"

    def side(name: str, wanted: bool) -> Shards:
        return Shards(workspace.part(name, lambda path: cut_chats(chats, tokenizer, path, wanted, skip_bad, console)))

    boundary = tokenizer.pad_id
    train = Packing(side("chats", False), length, boundary, goal.places)
    kept = goal.held_out(Packing(side("chats-held-out", True), length, boundary, goal.places), tokenizer)

    draft = size.begin(
        TrainPlan(
            steps=1,
            length=length,
            batch_tokens=size.batch(train.shards.tokens, length, most=8192),
            rows_per_pass=1,
            lr=0.006,
            lr_embedding=0.005,
            base_precision=base_precision,
            reasons=reasons,
        ),
        wishes,
        found,
        model.config,
        weights=weight_bytes(model, found.precision),
    )

    clean, rows = Batches(train, draft.rows, draft.seed).batch, train.rows
    if replay is not None:
        begin, end = boundaries(tokenizer, base)
        texts = Packing(replay(tokenizer), length, begin, goal.places, end_id=end)
        parts = [Part("chats", 1 - REPLAY, train, kept), Part("texts", REPLAY, texts, kept)]
        clean, rows = MixedBatches(parts, draft.rows, draft.seed).batch, round(train.rows / (1 - REPLAY))
        draft = size.explained(
            draft, {"replay": f"{REPLAY:g}: share of the rows that are texts, so that nothing is forgotten"}
        )
    batches = goal.batches(clean, tokenizer, draft.seed)

    def finish(seconds: float) -> TrainPlan:
        most = None if wishes.steps else wishes.passes or passes(train.shards.documents)
        return size.with_time(
            draft,
            wishes,
            seconds_per_step=seconds,
            rows=rows,
            most_passes=most,
            spent=time.perf_counter() - began,
        )

    return Training(
        verb="sft",
        workspace=workspace,
        model=model,
        tokenizer=tokenizer,
        tokenizer_folder=base,
        plan=settled(workspace, model, objective, batches, draft, finish),
        objective=objective,
        batches=batches,
        data=TextData(suite=suite, tokenizer=tokenizer, train=train, held_out=kept, mask=goal.mask, measured=measured),
        sources=[*sources_of(chat_files(chats)), *({"corpus": "replay"} | source for source in replayed)],
        parents=parents,
        family=parent.family,
        write=write,
        beginnings=beginnings(kept.shards, boundary, length) if parent.config.block is None else (),
    )


def _length(parent: Parent, wishes: Wishes) -> int:
    """Of the training sequences: of a model that writes blocks, whole blocks; of one that writes whole texts, as long as these."""
    block = parent.config.block or 1
    if parent.config.whole and wishes.length not in (None, block):
        raise PlanError(
            f"--length {wishes.length}: {parent.path} writes texts of {block} tokens, all together. Leave it out."
        )
    return max(parent.length(wishes.length, max(LONGEST, block)) // block * block, 1)


def _base_precision(
    parent: Parent, wanted: Adapter, length: int, found: Machine, workspace: Workspace
) -> tuple[str, str]:
    """Of the weights beside which the adapter learns, and why; once for each run, which goes on as it began, however much memory there
    is then.   Raises PlanError where the method is none for int8."""
    from onward.model import adapters  # peft, and with it transformers, is slow to import

    assert wanted.adapter is not None
    processes.alone("sft --adapter")
    if wanted.base_precision == "int8":
        adapters.check_int8(wanted.adapter)

    def decide() -> dict[str, str]:
        precision, why = size.base_precision(parent.config, length, wanted.base_precision, found)
        if precision == "int8" and wanted.adapter in adapters.NEEDS_FLOAT:
            precision, why = "fp32", f"{wanted.adapter} is none for int8, though {why}"
        return {"precision": precision, "why": why}

    decided = workspace.once(BASE_PRECISION, decide)
    return decided["precision"], decided["why"]


def _add_adapter(
    model: LanguageModel, family: str, wanted: Adapter, base: Path, seed: int
) -> tuple[Callable[..., None], str]:
    """Put the adapter beside the model. Returns what writes its folder, and what the plan says of it."""
    from onward.model import adapters  # peft, and with it transformers, is slow to import

    assert wanted.adapter is not None
    whole = sum(model.config.parameters().values())
    adapters.add(model, family, wanted.adapter, rank=wanted.rank, base=base, seed=seed)
    learned = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    said = f"{wanted.adapter}: {learned:,} weights learn, {learned / whole:.1%} as many as the model has, which stays as it is"
    return adapters.save, said


def passes(conversations: int) -> float:
    """Over the conversations, where time is not the limit: the fewer there are, the more often they may be seen, from 3 to 30 times.

    InstructGPT took 16 passes over 13,000 (arXiv 2203.02155, section 3.5), LIMA 15 over 1,000 (arXiv 2305.11206, section 3).
    """
    return min(30.0, max(3.0, 20_000 / conversations))


def request(base: Path, chats: Path, wishes: Wishes, teaching: Teaching = DATA_ALONE, **further: Any) -> dict[str, Any]:
    """What makes two starts the same run.   Raises FolderError where the base, or the teacher, is no model folder."""
    folder.read_config(base)
    found: dict[str, Any] = {"verb": "sft", "base": sources_of(files_of(base)), "chats": sources_of(chat_files(chats))}
    if teaching.teacher is not None:
        folder.read_config(teaching.teacher)
        found |= {"teacher": sources_of(files_of(teaching.teacher)), "teacher_share": teaching.teacher_share}
    return found | asdict(wishes) | further


def cut_chats(chats: Path, tokenizer: Tokenizer, path: Path, wanted: bool, skip_bad: bool, console: Console) -> None:
    """One side of the conversations as token shards with their loss mask."""
    source = read_chats(chats, skip_bad=skip_bad)
    encoded = Encoded(source, tokenizer, wanted, skip_bad)
    if not wanted:
        console.print(f"{chats}: {source.format} conversations")
    write_shards(
        encoded,
        path,
        vocab_size=tokenizer.highest_id + 1,
        tokenizer_hash=tokenizer.hash,
        meta={"format": source.format},
    )
    if source.trimmed and not wanted:
        console.print(f"{source.trimmed:,} answers ended with another model's end mark, as text; it was taken away")
    if source.skipped and not wanted:
        console.print(f"{source.skipped:,} bad lines left out")
    if encoded.skipped:
        console.print(f"{encoded.skipped:,} conversations without an answer to learn from left out")


class Encoded:
    """Ids, loss mask and bytes of the conversations of one side, one after the other."""

    def __init__(self, source: Chats, tokenizer: Tokenizer, wanted: bool, skip_bad: bool) -> None:
        self.source, self.tokenizer, self.wanted, self.skip_bad = source, tokenizer, wanted, skip_bad
        self.skipped = 0

    def __iter__(self) -> Iterator[tuple[list[int], list[bool], int]]:
        for conversation, side in sides(self.source):
            if side == self.wanted:
                try:
                    chat = encode_chat(self.tokenizer, conversation.messages)
                except ChatError as error:
                    if not self.skip_bad:
                        raise BadLine(conversation.source, conversation.number, str(error).removesuffix(".")) from error
                    self.skipped += 1
                    continue
                yield chat.ids, chat.learn, len(_text(conversation).encode())


def sides(source: Chats) -> Iterator[tuple[Conversation, bool]]:
    """Every conversation, and whether it is held out: some 5 %, by the hash of its text, and always at least one of them, with all
    its copies. Gone through twice, so that nothing but numbers is kept in memory.   Raises DataError."""
    places = [place(_text(conversation)) for conversation in source]
    if len(set(places)) < 2:
        raise DataError(
            f"{source.path} has {'one conversation' if places else 'no conversation'} that can be used, apart from copies; "
            "at least two are needed: one to learn from, one to measure on."
        )
    ends = (min(places), max(places))
    for conversation, at in zip(source, places, strict=True):
        yield conversation, is_held_out(at, ends, HELD_OUT)


def _text(conversation: Conversation) -> str:
    return "\n".join(message["content"] for message in conversation.messages)
