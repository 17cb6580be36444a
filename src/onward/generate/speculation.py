"""Speculation: what drafters propose is verified in the passes that are made anyway, as long as that pays.

How many tokens are drafted follows from what earned most on this machine, in tokens a second, no drafts at all being one of the choices;
the others are tried now and then, the more seldom the more often they lost. So drafts that do not pay switch themselves off. Source of the
idea: Leviathan et al. 2023 (arXiv 2211.17192); the modelled speed-up is its theorem 3.8. Left out: which tokens stand (verify.py).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from onward.errors import PlanError
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.many import Many
from onward.generate.drafters.tree import Tree
from onward.generate.pages import NoRoomError
from onward.generate.reader import News
from onward.generate.run import Run
from onward.generate.streams import derived
from onward.generate.verify import Mode, Verified, check_vocabulary

SIZES = (0, 1, 3, 7, 15)
"""Tokens drafted for a pass: with the one that is read anyway they make 1, 2, 4, 8, 16, as compiled products like them."""
BEGIN = (0, 3, 1)
"""Which of these are tried first: none, to know what a pass costs, then a middling number, and few."""
TRIES = 2
SOONEST, LATEST = 32, 512
"""Passes after which a choice that lost is tried again: at first, and at most, but for what follows."""
LOSS = 0.02
"""The share of the time that trying again what lost may cost: where a try is dear, the next one waits for longer."""
KEPT = 32
"""Passes of a choice that count: the last ones."""


class Pace:
    """How many tokens to draft: the choice that earned most tokens a second, of those tried."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self.passes = 0
        self._seen: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}  # tokens, seconds
        self._trying = [size for size in BEGIN if size in sizes]
        self._best: int | None = None
        self._gap = dict.fromkeys(sizes, SOONEST)
        self._due = dict.fromkeys(sizes, 0)

    def choose(self) -> int:
        self.passes += 1
        self._trying = [size for size in self._trying if len(self._seen[size]) < TRIES]
        if self._trying:
            return self._trying[0]
        best = max(self.sizes, key=self.rate)
        place = self.sizes.index(best)
        beside = [size for size in self.sizes[max(0, place - 1) : place + 2] if size != best]
        if best != self._best:
            self._best = best
            self._gap |= dict.fromkeys(beside, SOONEST)
            self._due |= {size: self.passes + (SOONEST if self._seen[size] else 0) for size in beside}
        for size in beside:
            if self.passes >= self._due[size]:
                self._gap[size] = min(2 * self._gap[size], LATEST)
                self._due[size] = self.passes + max(self._gap[size], self._paid_by(best, size))
                self._seen[size] = []  # what was so long ago may not be so any more
                self._trying = [size]
                return size
        return best

    def _paid_by(self, best: int, size: int) -> int:
        """After how many passes of the best choice what a try of another loses is a small share of the time."""
        if not self._seen[size]:
            return 0
        tokens, seconds = (sum(numbers) / len(self._seen[size]) for numbers in zip(*self._seen[size], strict=True))
        usual = sum(seconds for _, seconds in self._seen[best]) / len(self._seen[best])
        return int(TRIES * max(0.0, seconds - tokens / self.rate(best)) / (LOSS * usual))

    def note(self, size: int, tokens: float, seconds: float) -> None:
        """What a pass with so many drafted tokens gave, of each sequence, and what it took, with the drafting."""
        self._seen[size] = [*self._seen[size], (tokens, seconds)][-KEPT:]

    def rate(self, size: int) -> float:
        """Tokens a second of one sequence. A pass that something else on the machine held up counts as three usual ones at most."""
        seen = self._seen.get(size)
        if not seen:
            return 0.0
        usual = median(seconds for _, seconds in seen)
        return sum(tokens for tokens, _ in seen) / sum(min(seconds, 3 * usual) for _, seconds in seen)


@dataclass
class Report:
    """What came of it.   passes: of single sequences through the model, where something was drawn.   drafted: those with a draft."""

    drafter: str
    passes: int = 0
    tokens: int = 0
    drafted: int = 0
    proposed: int = 0
    accepted: int = 0
    tried: int = 0
    """Proposed tokens whose turn came: each accepted one, and the first that was not."""
    off: int = 0
    """Passes for which drafting had switched itself off."""
    drafting: float = 0.0
    """Seconds."""
    seconds: float = 0.0
    """Of all passes, with drafting."""
    without: float = 0.0
    """Seconds that the same tokens would have taken without drafts, going by the passes without any in between; 0: there were none."""

    @property
    def acceptance(self) -> float:
        """The share of the proposed tokens whose turn came that stood."""
        return self.accepted / self.tried if self.tried else 0.0

    @property
    def modelled(self) -> float:
        """The speed-up if a pass over a draft cost as much as one over a token: (1 - a^(k + 1)) / ((1 - a) (k c + 1)), with a the
        acceptance, k the mean length of drafts, and c what drafting a token costs beside a pass."""
        if not self.proposed or not self.without:
            return 1.0
        a, k = min(self.acceptance, 1 - 1e-9), self.proposed / self.drafted
        cost = self.drafting / self.proposed * self.tokens / self.without
        return float((1 - a ** (k + 1)) / ((1 - a) * (k * cost + 1)))

    @property
    def measured(self) -> float:
        """Seconds without drafts, divided by seconds as it was, with all that was tried."""
        return self.without / self.seconds if self.without else 1.0

    def lines(self) -> list[str]:
        """For people."""
        if not self.passes:
            return ["nothing was drawn"]
        plain = f", without drafts {self.tokens / self.without:,.0f}" if self.without else ""
        found = [
            f"{self.tokens:,} tokens in {self.passes:,} passes, {self.tokens / self.passes:.2f} a pass, in {self.seconds:.2f} s: "
            f"{self.tokens / self.seconds:,.0f} tokens/s{plain}",
            f"{self.drafter}: {self.proposed:,} tokens proposed in {self.drafted:,} passes, {self.accepted:,} accepted "
            f"({self.acceptance:.0%} of those whose turn came), {self.drafting:.2f} s of drafting",
            f"speed-up modelled {self.modelled:.2f}, measured {self.measured:.2f}",
        ]
        if self.off > self.passes / 2:
            found.append("drafting did not pay on this machine with this text: it was switched off most of the time")
        return found


@dataclass(eq=False)
class Speculation:
    """words: of the model's vocabulary.   most: tokens of a draft.   fixed: always draft so many, whether it pays or not.   windowed: the
    model looks through a window, where trees would stand too near: chains are drafted then."""

    drafter: Drafter
    words: int
    mode: Mode = "coupled"
    most: int = SIZES[-1]
    fixed: bool = False
    windowed: bool = False
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        if not 1 <= self.most <= SIZES[-1]:
            raise PlanError(f"drafts of {self.most} tokens: 1 to {SIZES[-1]} are wanted.")
        self.report = Report(self.drafter.name)
        self._sizes = sorted({size for size in SIZES if size < self.most and not self.fixed} | {self.most})
        self._paces: dict[int, Pace] = {}
        self._size, self._began = 0, 0.0
        self._proposed: list[tuple[Tree, list[int] | None]] = []

    def news(self, runs: Sequence[Run]) -> list[News]:
        """What to read of sequences of which one token is to be read: that, and a draft where there is one and room for it."""
        self._began = time.perf_counter()
        self._size = self._pace(runs).choose()
        self._proposed = [self._propose(run) for run in runs]
        trees = [tree if path is None else tree.along(path) for tree, path in self._proposed]
        self.report.drafting += time.perf_counter() - self._began if self._size else 0.0
        return [News(run.table, run.all_ids, 1, tree) for run, tree in zip(runs, trees, strict=True)]

    def _propose(self, run: Run) -> tuple[Tree, list[int] | None]:
        """What the drafter says, and which of its nodes are taken, None: all."""
        most = min(self._size, run.left - 1)
        if most < 1:
            return Tree.nothing(), None
        try:
            run.table.reserve(1 + most)
        except NoRoomError:
            return Tree.nothing(), None
        sampling, coupled = run.request.sampling, self.mode == "coupled"
        if not coupled:
            sampling = replace(sampling, seed=derived(sampling.seed, 0))
        tree = self.drafter.propose(run.all_ids, most, Aim(sampling=sampling, coupled=coupled, hidden=run.hidden))
        if len(tree) > most:
            raise ValueError(f"{self.drafter.name} proposed {len(tree)} tokens where {most} were asked for")
        check_vocabulary(tree, self.words)
        return tree, tree.first_path if self.windowed and not tree.is_chain else None

    def learn(self, runs: Sequence[Run], found: Sequence[Verified], tokens: int) -> None:
        """What came of the drafts: for the drafter, the pace and the report.   tokens: that were drawn, up to the ends of the texts."""
        for (tree, path), verified in zip(self._proposed, found, strict=True):
            stood = verified.path if path is None else [path[node] for node in verified.path]
            if len(tree):
                self.drafter.observe(tree, stood)
                self.report.drafted += 1
                self.report.proposed += len(tree if path is None else path)
                self.report.accepted += len(stood)
                self.report.tried += len(stood) + bool(tree.children(stood[-1] if stood else -1))
        pace, report = self._pace(runs), self.report
        seconds = time.perf_counter() - self._began
        pace.note(self._size, tokens / len(runs), seconds)
        report.passes += len(runs)
        report.off += len(runs) if not self._size else 0
        report.tokens += tokens
        report.seconds += seconds
        report.without += tokens / len(runs) / plain if (plain := pace.rate(0)) else 0.0

    def lines(self) -> list[str]:
        """The report for people; of several drafters, what each has earned."""
        if not isinstance(self.drafter, Many):
            return self.report.lines()
        parts = [
            f"  {drafter.name}: {earned.proposed:,} proposed, {earned.accepted:,} accepted, {earned.seconds:.2f} s"
            for drafter, earned in zip(self.drafter.drafters, self.drafter.earned, strict=True)
        ]
        return [*self.report.lines(), *parts]

    def _pace(self, runs: Sequence[Run]) -> Pace:
        """Companies of about the same size share one: what pays for one sequence need not pay for many."""
        return self._paces.setdefault(len(runs).bit_length(), Pace(self._sizes))
