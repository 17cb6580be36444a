"""Multiple choice, from log-probabilities: what is chosen, whether the letter counts more than the answer, and what is left without that.

The options are shown in all cyclic orders: in order o, place j shows option (j + o) mod k, so that each option stands once at each letter.
A model that knows chooses the same option each time; one that likes a letter chooses the same letter. Source: Zheng et al. 2023 (arXiv
2309.03882): RStd, section 2.3; PriDe, section 4. Left out: what a model is asked (asking.py), and orders that are not cyclic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onward.evaluate.rules import LETTERS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LAYOUTS = {"A)": "{letter}) {option}", "A.": "{letter}. {option}", "(A)": "({letter}) {option}"}
"""How an option is written, by what stands before it (settings.LAYOUTS)."""
FLIPS = 2000
EVEN = 1e-12
"""A sum of squares that is rounding."""
SHARE, FEWEST = 0.05, 20
"""Of the items, and at least so many, from which PriDe estimates the prior; the paper's share."""


@dataclass(frozen=True)
class Picks:
    """Which letter one item got.   letters: (orders,), their places; -1 where none was chosen.   right: the place of the right option as it
    was written.   options: k."""

    letters: Ints
    right: int
    options: int

    @property
    def chosen(self) -> Ints:
        """The option at that letter, or -1.   (orders,)"""
        at = (self.letters + np.arange(len(self.letters))) % self.options
        return np.where(self.letters < 0, -1, at)

    @property
    def score(self) -> float:
        """The share of orders in which the right option is chosen."""
        return float((self.chosen == self.right).mean())

    @property
    def flips(self) -> float:
        """The share of the other orders in which another option is chosen than in the order as written."""
        return float((self.chosen[1:] != self.chosen[0]).mean()) if len(self.chosen) > 1 else 0.0


@dataclass(frozen=True)
class Ballot:
    """One item's letters.   log_probs: (orders, k), of each letter in each order, in nats.   right: as of Picks."""

    log_probs: Floats
    right: int

    @property
    def options(self) -> int:
        return int(self.log_probs.shape[1])

    @property
    def picks(self) -> Picks:
        """The likeliest letter in each order."""
        return Picks(self.log_probs.argmax(1), self.right, self.options)

    @property
    def normed(self) -> Floats:
        """Log-probabilities among the letters alone.   (orders, k)"""
        most = self.log_probs.max(1, keepdims=True)
        shifted: Floats = self.log_probs - most
        normed: Floats = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        return normed

    @property
    def prior(self) -> Floats:
        """What this item says of the model's liking for letters: the softmax of the mean over orders, in which all that the options are
        worth is the same for each letter (equation 7).   (k,)"""
        mean = np.exp(self.normed.mean(0))
        prior: Floats = mean / mean.sum()
        return prior

    @property
    def by_option(self) -> Floats:
        """The mean probability of each option over the orders, whatever its letter: debiased by permutation (equation 2).   (k,)"""
        orders = np.arange(len(self.log_probs))[:, None]
        at = (np.arange(self.options)[None] - orders) % self.options
        debiased: Floats = np.exp(np.take_along_axis(self.normed, at, 1)).mean(0)
        return debiased


def in_order(options: Sequence[str], order: int) -> list[str]:
    """The options as order `order` shows them."""
    return [options[(place + order) % len(options)] for place in range(len(options))]


def shown(options: Sequence[str], layout: str) -> str:
    """A line for each option, after its letter."""
    return "\n".join(
        LAYOUTS[layout].format(letter=letter, option=option) for letter, option in zip(LETTERS, options, strict=False)
    )


def recalls(picks: Sequence[Picks]) -> Floats:
    """For each letter, how often it is chosen where it is right; over all orders. No number for a letter that never is.   (k,)"""
    right = np.concatenate([(one.right - np.arange(len(one.letters))) % one.options for one in picks])
    said = np.concatenate([one.letters for one in picks])
    most = max(one.options for one in picks)
    with np.errstate(invalid="ignore"):
        found: Floats = np.bincount(right[said == right], minlength=most) / np.bincount(right, minlength=most)
    return found


def rstd(picks: Sequence[Picks]) -> float:
    """The standard deviation of the recalls: 0 where no letter is liked more than another. Of few items it is above 0 by chance."""
    return float(np.nanstd(recalls(picks)))


def prior(ballots: Sequence[Ballot]) -> Floats:
    """The model's liking for letters: the mean of what the items say.   (k,)"""
    found: Floats = np.mean([one.prior for one in ballots], axis=0)
    return found


def prior_p(ballots: Sequence[Ballot], seed: int = 0) -> float:
    """How often letters that are alike would be found so unlike: each item's letters are shuffled, FLIPS times.

    What is compared is the sum of squares of the prior's distances from 1/k, so that all letters are looked at together.
    """
    rows = np.array([one.prior for one in ballots])
    generator, even = np.random.default_rng(seed), 1 / rows.shape[1]
    found, beyond = ((rows.mean(0) - even) ** 2).sum(), 0
    if found < EVEN:
        return 1.0
    for _ in range(FLIPS):
        beyond += int(((generator.permuted(rows, axis=1).mean(0) - even) ** 2).sum() >= found * (1 - 1e-9))
    return (beyond + 1) / (FLIPS + 1)


@dataclass(frozen=True)
class Corrected:
    """right: of each item, whether the right option is chosen once the letters' prior is taken off.   prior: (k,)"""

    right: list[float]
    prior: Floats


def pride(ballots: Sequence[Ballot], share: float = 1, seed: int = 0) -> Corrected:
    """The order as written, with the prior divided out, p(letter) / prior(letter).

    share: of the items from which the prior is estimated, which need all their orders; these choose by the mean over orders, which is then
    known of them. With all of them every item does; with a share of 0.05 the whole costs little more than one order.
    """
    count = max(1, round(share * len(ballots)))
    known = set(np.random.default_rng(seed).permutation(len(ballots))[:count].tolist())
    found = prior([ballots[at] for at in sorted(known)])
    right = []
    for at, one in enumerate(ballots):
        worth = one.by_option if at in known else one.normed[0] - np.log(found)
        right.append(float(worth.argmax() == one.right))
    return Corrected(right, found)


@dataclass(frozen=True)
class Texts:
    """One item's options as texts.   log_probs: (k,), of each whole option, in nats.   sizes: in bytes."""

    log_probs: Floats
    sizes: Ints
    right: int

    @property
    def accurate(self) -> float:
        """Whether the likeliest option is right. Long options have many tokens to be unlikely with."""
        return float(self.log_probs.argmax() == self.right)

    @property
    def normed(self) -> float:
        """Whether the option that is likeliest per byte is right."""
        return float((self.log_probs / self.sizes).argmax() == self.right)
