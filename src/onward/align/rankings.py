"""Rankings as the data of a reward model: prompts with their answers, cut into tokens; batches of whole rankings; how many held-out pairs a
model puts in the right order, beside what the length of an answer alone would tell.

They are held in memory: a hundred thousand pairs are some hundred megabytes. Left out: reading them (corpus/preferences.py), and the loss
(reward.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from onward.align.calibration import Floats, Judgement, calibration, ranked_right
from onward.corpus.preferences import Preferences, Ranking, read_preferences
from onward.corpus.split import is_held_out, place
from onward.errors import BadLine, ChatError, DataError
from onward.lineage import Result
from onward.model.reward import rewards
from onward.model.trunk import LanguageModel
from onward.tokens.chat import encode_chat
from onward.tokens.tokenizer import Tokenizer
from onward.train import measure
from onward.train.measure import Measured, Metric
from onward.train.packing import Ints, shuffled
from onward.train.plan import TrainPlan
from onward.train.training import Example

SUITE = "held-out preferences"
RANKED_RIGHT = Metric(name="held_out_pairs_right", words="pairs ranked right", short="of pairs right", chance=0.5)
HELD_OUT = 0.1


@dataclass(frozen=True)
class RankedBatch:
    """Answers with their prompts, (N, T) ids padded at the right, ranking after ranking and each with the best answer first.

    lengths: (N,) tokens of each.   ranking: (N,) its number, from 0.   scores: (N,) what each answer was worth, where the data says it.
    weights: (R,) of the rankings, on average 1.   learnable: R.
    """

    ids: Tensor
    lengths: Tensor
    ranking: Tensor
    scores: Tensor
    weights: Tensor

    @property
    def learnable(self) -> int:
        return len(self.weights)

    def split(self, rows: int) -> list[RankedBatch]:
        """In parts of whole rankings, with at most `rows` answers each where that can be."""
        sizes = torch.bincount(self.ranking, minlength=self.learnable).tolist()
        parts: list[list[int]] = [[]]
        for number, size in enumerate(sizes):
            if parts[-1] and sum(sizes[n] for n in parts[-1]) + size > rows:
                parts.append([])
            parts[-1].append(number)
        return [self._part(part[0], part[-1] + 1) for part in parts]

    def _part(self, first: int, end: int) -> RankedBatch:
        chosen = (self.ranking >= first) & (self.ranking < end)
        longest = int(self.lengths[chosen].max())
        return RankedBatch(
            ids=self.ids[chosen, :longest],
            lengths=self.lengths[chosen],
            ranking=self.ranking[chosen] - first,
            scores=self.scores[chosen],
            weights=self.weights[first:end],
        )

    def to(self, device: str) -> RankedBatch:
        moved = {name: value.to(device) for name, value in vars(self).items()}
        return replace(self, **moved)


@dataclass(frozen=True)
class Encoded:
    """A ranking as ids, prompt and answer together, the best answer first.

    spans: where in its ids each answer stands, (begin, end), the mark that ends it included.
    """

    prompt: str
    answers: tuple[str, ...]
    ids: tuple[list[int], ...]
    scores: tuple[float, ...] | None
    spans: tuple[tuple[int, int], ...] = ()


class Rankings:
    """The rankings of one side of the split. rows: how many.   too_long: those left out since an answer exceeds `length` tokens."""

    def __init__(
        self, encoded: Sequence[Encoded], length: int, pad_id: int, *, length_controlled: bool = False
    ) -> None:
        self.all = [one for one in encoded if max(map(len, one.ids)) <= length]
        self.too_long = len(encoded) - len(self.all)
        self.length, self.pad_id = length, pad_id
        if not self.all:
            raise DataError(
                f"each of the {len(encoded):,} rankings has an answer that exceeds {length} tokens with its prompt. Raise --length."
            )
        self.weights = without_length(self.all) if length_controlled else np.ones(len(self.all))

    @property
    def rows(self) -> int:
        return len(self.all)

    @cached_property
    def longer_is_better(self) -> float:
        """Share of the pairs of different length whose better answer is the longer one, in characters; 0.5 where there is none."""
        longer = [len(a) > len(b) for one in self.all for a, b in combinations(one.answers, 2) if len(a) != len(b)]
        return float(np.mean(longer)) if longer else 0.5

    def by_length(self, numbers: Ints) -> Ints:
        """The same numbers, in the order of the longest answers."""
        return numbers[np.argsort([max(map(len, self.all[int(number)].ids)) for number in numbers], kind="stable")]

    def batch(self, numbers: Ints) -> RankedBatch:
        """The rankings of these numbers, (R,), as one batch; those of like length side by side, for parts with little padding."""
        numbers = self.by_length(numbers)
        chosen = [self.all[int(number)] for number in numbers]
        rows = [ids for one in chosen for ids in one.ids]
        ids = torch.full((len(rows), max(map(len, rows))), self.pad_id)
        for row, own in zip(ids, rows, strict=True):
            row[: len(own)] = torch.tensor(own)
        sizes = torch.tensor([len(one.ids) for one in chosen])
        scores = [score for one in chosen for score in one.scores or [0.0] * len(one.ids)]
        return RankedBatch(
            ids=ids,
            lengths=torch.tensor([len(row) for row in rows]),
            ranking=torch.arange(len(chosen)).repeat_interleave(sizes),
            scores=torch.tensor(scores, dtype=torch.float32),
            weights=torch.tensor(self.weights[numbers], dtype=torch.float32),
        )


def without_length(rankings: Sequence[Encoded]) -> Floats:
    """A weight for each ranking, such that the longer answer is the better one in exactly half of what is learned.

    Length then tells nothing. A ranking counts as longer-is-better by its first and last answers. Where all are of one kind there is
    nothing to balance. Source: weighting by the inverse of how likely a case is to be seen (Horvitz and Thompson 1952).
    """
    kinds = np.sign([len(one.answers[0]) - len(one.answers[-1]) for one in rankings])
    longer, shorter = (kinds > 0).sum(), (kinds < 0).sum()
    weights = np.ones(len(kinds))
    if longer and shorter:
        weights[kinds > 0] = (longer + shorter) / (2 * longer)
        weights[kinds < 0] = (longer + shorter) / (2 * shorter)
    return weights


# --- reading ----------------------------------------------------------------------------------------------------------


def read(path: Path, tokenizer: Tokenizer, *, skip_bad: bool, console: Console) -> tuple[list[Encoded], list[Encoded]]:
    """The rankings of a file or folder, learned from and held out, as `encode` parts them; and says what was found."""
    source = read_preferences(path, skip_bad=skip_bad)
    learned, kept, skipped = encode(source, tokenizer, skip_bad=skip_bad)
    console.print(f"{path}: {source.format}")
    if out := source.skipped + skipped:
        console.print(f"{out:,} bad lines left out")
    return learned, kept


def encode(source: Preferences, tokenizer: Tokenizer, *, skip_bad: bool) -> tuple[list[Encoded], list[Encoded], int]:
    """Both sides: learned from, and held out, by the prompt, so that no prompt is on both; and how many could not be rendered.

    Raises BadLine for one that the model's template cannot show, unless `skip_bad`; DataError for fewer than two prompts.
    """
    found: list[tuple[float, Encoded]] = []
    skipped = 0
    for ranking in source:
        try:
            found.append((place(_text(ranking)), _encoded(ranking, tokenizer)))
        except ChatError as error:
            if not skip_bad:
                raise BadLine(ranking.source, ranking.number, str(error).removesuffix(".")) from error
            skipped += 1
    places = {at for at, _ in found}
    if len(places) < 2:
        raise DataError(f"{source.path}: at least two prompts are needed, one to learn from and one to measure on.")
    ends = (min(places), max(places))
    sides: tuple[list[Encoded], list[Encoded]] = ([], [])
    for at, one in found:
        sides[is_held_out(at, ends, HELD_OUT)].append(one)
    return *sides, skipped


def _encoded(ranking: Ranking, tokenizer: Tokenizer) -> Encoded:
    chats = [[*ranking.prompt, {"role": "assistant", "content": answer}] for answer in ranking.answers]
    encoded = [encode_chat(tokenizer, chat) for chat in chats]
    ids, spans = tuple(one.ids for one in encoded), tuple(_last_answer(one.learn) for one in encoded)
    return Encoded(_text(ranking), ranking.answers, ids, ranking.scores, spans)


def _last_answer(learn: list[bool]) -> tuple[int, int]:
    """The last run of tokens that are learnt, as (begin, end)."""
    end = len(learn) - learn[::-1].index(True)
    begin = end - [*learn[:end][::-1], False].index(False)
    return begin, end


def _text(ranking: Ranking) -> str:
    return "\n".join(message["content"] for message in ranking.prompt)


# --- measuring --------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class RankingData:
    """What a reward model learns from and is measured on."""

    tokenizer: Tokenizer
    train: Rankings
    held_out: Rankings
    suite: str = SUITE
    metric: Metric = RANKED_RIGHT
    counted: str = "rankings"
    judged: list[Judgement] = field(default_factory=list)
    """The held-out rankings as the trained model has judged them, once there are results."""

    def figures(self) -> dict[str, int | float]:
        sides = (self.train, self.held_out)
        return {
            "rankings": self.train.rows,
            "answers": sum(len(one.ids) for one in self.train.all),
            "tokens": sum(len(ids) for one in self.train.all for ids in one.ids),
            "the better answer is the longer one": self.train.longer_is_better,
            "too long, left out": sum(side.too_long for side in sides),
            "held-out rankings": self.held_out.rows,
        }

    def examples(self, batches: Callable[[int], RankedBatch], number: int, shown: int) -> list[Example]:
        """Answers of the first rankings, the better ones marked as learned."""
        batch, found = batches(0), []
        for row in range(min(number, len(batch.ids))):
            ids = batch.ids[row, : batch.lengths[row]].tolist()[:shown]
            best = row == 0 or bool(batch.ranking[row] != batch.ranking[row - 1])
            found.append(Example([(self.tokenizer.decode([i], skip_special=False), best) for i in ids]))
        return found

    def measure(self, model: LanguageModel, plan: TrainPlan, targets: int) -> dict[str, Measured]:
        return {"": ranked_right(self.judge(model, plan, targets))}

    def judge(self, model: LanguageModel, plan: TrainPlan, targets: int) -> list[Judgement]:
        return judge(model, self.held_out, plan, targets)

    def results(self, model: LanguageModel, plan: TrainPlan) -> list[Result]:
        """Pairs ranked right, of all and of those whose better answer is the shorter one; and how far off its confidence is."""
        self.judged = self.judge(model, plan, measure.AT_THE_END)
        sign = 1.0 if self.train.longer_is_better >= 0.5 else -1.0
        by_length = [one.right_by_length(sign) for one in self.judged]
        pairs = [one.comparisons for one in self.judged]
        common: dict[str, Any] = {"seed": plan.seed, "chance": self.metric.chance}
        found = [
            measure.result(
                self.suite,
                ranked_right(self.judged),
                baseline=sum(by_length) / sum(pairs),
                metric=self.metric.words,
                **common,
            )
        ]
        if shorter := [one for one in self.judged if len(one.answers[0]) < len(one.answers[-1])]:
            words = f"{self.metric.words}, the better answer being shorter"
            found.append(measure.result(self.suite, ranked_right(shorter), baseline=None, metric=words, **common))
        off = Measured(value=calibration(self.judged).error, low=None, high=None, n=sum(pairs))
        words = "calibration error"
        return [*found, measure.result(self.suite, off, seed=plan.seed, baseline=None, metric=words, chance=None)]

    def files(self) -> dict[str, bytes]:
        """Every held-out ranking with the rewards given to its answers, the ones most wrong about first."""
        lines = [
            asdict(one) | {"rewards": [round(reward, 4) for reward in one.rewards]}
            for one in sorted(self.judged, key=lambda one: one.rewards[0] - one.rewards[-1])
        ]
        return {"held_out.jsonl": "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()}


@torch.inference_mode()
def judge(model: LanguageModel, held_out: Rankings, plan: TrainPlan, targets: int) -> list[Judgement]:
    """The rewards of held-out rankings, of so many that they have about `targets` tokens: always the same ones."""
    was_training = model.training
    model.eval()
    found: list[Judgement] = []
    seen = 0
    order = shuffled(held_out.rows, seed=0, epoch=0)
    at_once = max(1, plan.rows_per_pass)
    for first in range(0, len(order), at_once):
        if seen >= targets:
            break
        numbers = held_out.by_length(order[first : first + at_once])
        batch = held_out.batch(numbers).to(plan.device)
        with measure.autocast(plan.device, plan.precision), torch.compiler.set_stance("force_eager"):
            given = rewards(model, batch.ids, batch.lengths).double().cpu().numpy()
        rows = batch.ranking.cpu().numpy()
        for i, number in enumerate(numbers):
            one = held_out.all[int(number)]
            found.append(Judgement(prompt=one.prompt, answers=one.answers, rewards=given[rows == i].tolist()))
        seen += int(batch.lengths.sum())
    model.train(was_training)
    return found
