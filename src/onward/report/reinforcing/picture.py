"""The pictures of a reinforcement: its figures over the drawings, each panel with a line that says how to read it.

Left out: judging them, which is for the warnings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.report.reinforcing.drawings import Drawing, short, watched

GREEN = "#3f9d6b"
PURPLE = "#8f6fc0"
WATCHED = (GREEN, PURPLE)
"""Colours of what is only watched, in turn."""


@dataclass(frozen=True)
class Panel:
    """A picture, as SVG text, and how to read it. label: what it shows, for those who cannot see it."""

    title: str
    picture: str
    reading: str
    label: str


def panels(drawings: Sequence[Drawing], baseline: float | None) -> list[Panel]:
    """Those for which there are figures.   baseline: what was held out, answered by the model that the training began with."""
    found = [
        Panel(title, _drawn(draw, drawings, title, (4.0, 2.4)), reading, label)
        for draw, needs, title, reading, label in PANELS
        if any(needs in one.figures for one in drawings)
    ]
    title = "What the answers are worth"
    rewards = _drawn(lambda axes, them: _rewards(axes, them, baseline), drawings, "", (8.2, 3.0))
    return [Panel(title, rewards, _reading_rewards(drawings), "reward over the steps"), *found]


def _drawn(
    draw: Callable[[Axes, Sequence[Drawing]], None], drawings: Sequence[Drawing], title: str, size: tuple[float, float]
) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        draw(axes, drawings)
        if title:
            axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("steps")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.grid(visible=True, linewidth=0.6)
        return svg(figure)


def _line(
    axes: Axes, drawings: Sequence[Drawing], name: str, colour: str, *, times: float = 1, label: str = ""
) -> None:
    there = [(one.step, times * one.figures[name]) for one in drawings if name in one.figures]
    marker = "o" if len(there) <= 40 else ""
    axes.plot(*zip(*there, strict=True), color=colour, linewidth=1.8, marker=marker, markersize=3, label=label or None)


# --- the large one ----------------------------------------------------------------------------------------------------


def _rewards(axes: Axes, drawings: Sequence[Drawing], baseline: float | None) -> None:
    steps = [one.step for one in drawings]
    reward = [one.figures["reward"] for one in drawings]
    error = [one.figures.get("reward_spread", 0.0) for one in drawings]
    axes.fill_between(
        steps,
        [r - s / 2 for r, s in zip(reward, error, strict=True)],
        [r + s / 2 for r, s in zip(reward, error, strict=True)],
        color=BLUE,
        alpha=0.12,
        linewidth=0,
    )
    _line(axes, drawings, "reward", BLUE, label="learned by")
    names = watched(drawings)
    for name, colour in zip(names, WATCHED * len(names), strict=False):
        _line(axes, drawings, name, colour, label=f"watched: {short(name)}")
    if any("held_out_reward" in one.figures for one in drawings):
        _line(axes, drawings, "held_out_reward", ORANGE, label="held out")
    if baseline is not None:
        axes.axhline(baseline, color=ORANGE, linewidth=1, linestyle=":", label="held out, before")
    axes.legend(
        frameon=False, fontsize=8, labelcolor=GREY, loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0
    )


def _reading_rewards(drawings: Sequence[Drawing]) -> str:
    fooled = (
        " What is watched is not learned by: where it falls while the reward rises, the reward is being fooled."
        if watched(drawings)
        else ""
    )
    return (
        "Blue: the mean reward of the answers just drawn, with half of their spread around it; it should rise. Orange: the same on "
        "prompts that are held out; it should rise with the blue one, above the dotted line, where the model began."
        + fooled
    )


# --- the small ones ---------------------------------------------------------------------------------------------------


def _divergence(axes: Axes, drawings: Sequence[Drawing]) -> None:
    _line(axes, drawings, "kl", BLUE)


def _entropy(axes: Axes, drawings: Sequence[Drawing]) -> None:
    _line(axes, drawings, "entropy", BLUE)
    axes.set_ylim(bottom=0)


def _length(axes: Axes, drawings: Sequence[Drawing]) -> None:
    _line(axes, drawings, "answer_tokens", BLUE)
    axes.set_ylim(bottom=0)


def _share(name: str) -> Callable[[Axes, Sequence[Drawing]], None]:
    def draw(axes: Axes, drawings: Sequence[Drawing]) -> None:
        _line(axes, drawings, name, BLUE, times=100)
        highest = max(100 * one.figures.get(name, 0.0) for one in drawings)
        axes.set_ylim(0, max(5.0, 1.15 * highest))

    return draw


def _explained(axes: Axes, drawings: Sequence[Drawing]) -> None:
    _line(axes, drawings, "explained", BLUE)
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    lowest = min(one.figures.get("explained", 0.0) for one in drawings)
    axes.set_ylim(max(-1.05, min(-0.1, 1.15 * lowest)), 1.05)


PANELS: list[tuple[Callable[[Axes, Sequence[Drawing]], None], str, str, str, str]] = [
    (
        _divergence,
        "kl",
        "KL, nats an answer",
        "How far the model is from where it began: by so much likelier does it find its own answers than the old model does. It rises as "
        "the model learns; far away, it may have found what the reward overlooks.",
        "divergence from the model that it began as, over the steps",
    ),
    (
        _entropy,
        "entropy",
        "entropy, nats a token",
        "How undecided it is about the next token. It falls as the model learns what is wanted; near zero, it gives the same answer every "
        "time, and no longer finds better ones.",
        "entropy over the steps",
    ),
    (
        _length,
        "answer_tokens",
        "tokens of an answer",
        "Rewards often like long answers: if this runs away while nothing was said about length, look at the samples.",
        "length of the answers over the steps",
    ),
    (
        _share("cut_off"),
        "cut_off",
        "answers cut off, %",
        "Answers that had not ended when --max-tokens was reached. They are judged as they stand.",
        "share of answers cut off over the steps",
    ),
    (
        _share("clipped"),
        "clipped",
        "ratio clipped, %",
        "Tokens whose probability has moved as far as one drawing allows (--clip). A few percent are usual; many mean too large steps, "
        "none at all very small ones.",
        "share of tokens whose ratio is clipped, over the steps",
    ),
    (
        _explained,
        "explained",
        "variance explained by the critic",
        "1: the critic foretells what every answer will be worth; 0: no better than always saying the mean; below: worse than that. It "
        "should rise; the better it foretells, the less is left to chance in what is learned.",
        "variance explained by the critic, over the steps",
    ),
    (
        _share("ties"),
        "ties",
        "prompts without a difference, %",
        "Prompts to which all answers drawn are worth the same. They teach nothing.",
        "share of prompts whose answers are all worth the same, over the steps",
    ),
]
