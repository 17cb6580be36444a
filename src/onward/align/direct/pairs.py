"""Rankings as the data of direct preference optimisation: answers with their prompts, what the start model gives to each, and their pairs.

All pairs of a ranking are learned from, as Ouyang et al. 2022 (arXiv 2203.02155, section 3.5) do for rewards: of k answers, each goes
through the model once and is in k - 1 pairs, so that the further pairs cost nothing; best against worst alone would throw away what is
known of the others. Every ranking counts the same. For KTO, an answer in the middle is as often a worse as it is a better one.

What the start model, the reference, gives to an answer is worked out once and kept beside it, so that a batch stays a function of (data,
seed, number) and no second model is in memory. Left out: pairs over two prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onward.align.rankings import Encoded, Rankings
from onward.errors import DataError
from onward.train.packing import Ints, shuffled

LogProbs = NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """Answers behind their prompts, (N, T) ids padded at the right.

    answer: (N, T) bool, the places of the answers' own tokens, the mark that ends each included.   ranking: (N,) which one each belongs to,
    from 0, rising.   reference: (N,) its log-probability as the start model gives it, in nats.
    """

    ids: Tensor
    answer: Tensor
    ranking: Tensor
    reference: Tensor

    @property
    def tokens(self) -> Tensor:
        """Of each answer, (N,)."""
        return self.answer.sum(1)

    def of(self, first: int, end: int) -> Answers:
        """Those of the rankings from `first` up to before `end`, which are then numbered from 0."""
        chosen = (self.ranking >= first) & (self.ranking < end)
        answer = self.answer[chosen]
        longest = int(answer.any(0).nonzero().max()) + 1
        return Answers(
            self.ids[chosen, :longest], answer[:, :longest], self.ranking[chosen] - first, self.reference[chosen]
        )

    def to(self, device: str) -> Answers:
        return Answers(**{name: value.to(device) for name, value in vars(self).items()})


@dataclass(frozen=True)
class PairBatch:
    """Rankings with their answers, each with the best answer first.   learnable: rankings.   mismatched: the same prompts with answers to
    other prompts, where the loss needs them."""

    answers: Answers
    learnable: int
    mismatched: Answers | None = None

    def pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Better and worse answers, by their place in the batch, and the weights of the pairs, 1 in sum for each ranking.   (P,) each."""
        ranking = self.answers.ranking
        better, worse = (ranking[:, None] == ranking[None]).triu(1).nonzero(as_tuple=True)
        each = torch.bincount(ranking[better], minlength=self.learnable)
        return better, worse, 1 / each[ranking[better]]

    def split(self, rows: int) -> list[PairBatch]:
        """In parts of whole rankings, with at most `rows` answers each where that can be."""
        sizes = torch.bincount(self.answers.ranking, minlength=self.learnable).tolist()
        ends, held = [0], 0
        for number, size in enumerate(sizes):
            if held and held + size > rows:
                ends.append(number)
                held = 0
            held += size
        return [self._part(first, end) for first, end in zip(ends, [*ends[1:], self.learnable], strict=True)]

    def _part(self, first: int, end: int) -> PairBatch:
        mismatched = None if self.mismatched is None else self.mismatched.of(first, end)
        return PairBatch(self.answers.of(first, end), end - first, mismatched)

    def to(self, device: str) -> PairBatch:
        mismatched = None if self.mismatched is None else self.mismatched.to(device)
        return replace(self, answers=self.answers.to(device), mismatched=mismatched)


@dataclass(frozen=True)
class Row:
    """An answer behind a prompt, up to the answer's end.   begin: where the answer begins.   ranking: the number of the prompt's."""

    ids: list[int]
    begin: int
    ranking: int


class Paired:
    """The rankings of one side of the split, for direct preference optimisation.

    rankings: the same, up to where their answers end.   own: every answer, ranking after ranking.   mismatched: behind every prompt the
    answers to another one, drawn by `mismatched_by`, a seed; none without it.   reference, reference_mismatched: the log-probabilities
    that the start model gives to them, 0 until they are put in.
    """

    def __init__(
        self, encoded: Sequence[Encoded], length: int, pad_id: int, *, mismatched_by: int | None = None
    ) -> None:
        self.rankings = Rankings([_up_to_the_end(one) for one in encoded], length, pad_id)
        self.own = [
            Row(ids, begin, number)
            for number, one in enumerate(self.rankings.all)
            for ids, (begin, _) in zip(one.ids, one.spans, strict=True)
        ]
        self.mismatched = [] if mismatched_by is None else list(self._mismatched(mismatched_by))
        self.reference, self.reference_mismatched = (
            np.zeros(len(rows), dtype=np.float32) for rows in (self.own, self.mismatched)
        )
        self._first = [
            np.searchsorted([row.ranking for row in rows], np.arange(self.rows + 1))
            for rows in (self.own, self.mismatched)
        ]

    @property
    def rows(self) -> int:
        return self.rankings.rows

    def _mismatched(self, seed: int) -> Iterator[Row]:
        """Each prompt with the answers to the prompt that comes next in an order drawn once, cut where they would be too long."""
        first = {one.prompt: one for one in reversed(self.rankings.all)}
        if len(first) < 2:
            raise DataError("there is only one prompt to learn from, and KTO compares with answers to another one.")
        prompts = list(first)
        order = shuffled(len(prompts), seed, epoch=0)
        following = {prompts[a]: first[prompts[b]] for a, b in zip(order, np.roll(order, -1), strict=True)}
        for number, one in enumerate(self.rankings.all):
            begin, other = one.spans[0][0], following[one.prompt]
            for ids, (other_begin, _) in zip(other.ids, other.spans, strict=True):
                yield Row((one.ids[0][:begin] + ids[other_begin:])[: self.rankings.length], begin, number)

    def batch(self, numbers: Ints) -> PairBatch:
        """The rankings of these numbers, (R,), as one batch; those of like length side by side, for parts with little padding."""
        numbers = self.rankings.by_length(numbers)
        own = self._answers(self.own, self.reference, self._first[0], numbers)
        if not self.mismatched:
            return PairBatch(own, len(numbers))
        other = self._answers(self.mismatched, self.reference_mismatched, self._first[1], numbers)
        return PairBatch(own, len(numbers), other)

    def _answers(self, rows: list[Row], reference: LogProbs, first: Ints, numbers: Ints) -> Answers:
        chosen = np.concatenate([np.arange(first[number], first[number + 1]) for number in numbers])
        found = padded([rows[number] for number in chosen], self.rankings.pad_id)
        place = np.repeat(np.arange(len(numbers)), first[numbers + 1] - first[numbers])
        return replace(found, ranking=torch.tensor(place), reference=torch.tensor(reference[chosen]))


def _up_to_the_end(one: Encoded) -> Encoded:
    """Without what a template writes behind the last answer."""
    return replace(one, ids=tuple(ids[:end] for ids, (_, end) in zip(one.ids, one.spans, strict=True)))


def padded(rows: Sequence[Row], pad_id: int) -> Answers:
    """Rows as tensors, with 0 for what the start model gives to them."""
    ids = torch.full((len(rows), max(len(row.ids) for row in rows)), pad_id)
    answer = torch.zeros(ids.shape, dtype=torch.bool)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = torch.tensor(row.ids)
        answer[place, row.begin : len(row.ids)] = True
    return Answers(ids, answer, torch.tensor([row.ranking for row in rows]), torch.zeros(len(rows)))
