"""Items with options: asked in all orders and layouts, with the measures of whether the letter counts more than the answer.

The control leaves the question out: what is then above chance, the options give away by themselves. Left out: the arithmetic (choices.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onward.errors import SuiteError
from onward.evaluate import choices, statistics
from onward.evaluate.asking import Answer, Respondent, Wanted
from onward.evaluate.choices import Ballot, Picks, Texts, in_order
from onward.evaluate.examined import RIGHT, UNFORMED, Examined, Row, mean
from onward.evaluate.items import Item
from onward.evaluate.prompts import Prompt, choice_prompt
from onward.evaluate.rules import LETTERS, Score, option_said
from onward.evaluate.settings import How, Mode
from onward.evaluate.suite import Said, Suite
from onward.train.measure import Measured


@dataclass(frozen=True)
class Asked:
    """One item in one order and layout, and what came of it.   blind: without its question."""

    item: Item
    layout: str
    order: int
    blind: bool
    prompt: Prompt
    answer: Answer


def examine(respondent: Respondent, suite: Suite, how: How, *, mode: Mode, chat: bool) -> Examined:
    """mode: whether letters or options are scored, or it is said.   chat: whether it is asked as in a chat.

    Raises SuiteError, EndpointError, FolderError, OutputError.
    """
    found = Examined(suite)
    asked = _ask(respondent, found, how, mode, chat)
    by_item = dict[str, list[Asked]]()
    for one in asked:
        by_item.setdefault(one.item.id, []).append(one)
    items = [item for item in suite.items if item.id in by_item]
    if not items:
        if found.unasked:
            raise SuiteError(f"{respondent.name} can be asked none of this: {next(iter(found.unasked.values()))}")
        return found
    picks = {
        layout: [_picks([a for a in by_item[item.id] if a.layout == layout and not a.blind], mode) for item in items]
        for layout in how.layouts
    }
    for place, item in enumerate(items):
        found.scores[item.id] = float(np.mean([own[place].score for own in picks.values()]))
    found.records = [_record(one, mode) for one in asked]
    blind = [_right(one, mode) for item in items for one in by_item[item.id] if one.blind]
    clusters = [item for item in items for one in by_item[item.id] if one.blind]
    found.rows = [
        Row(RIGHT, mean(items, list(found.scores.values())), suite.chance, about=_way(how, mode)),
        Row("control: without the question", mean(clusters, blind), suite.chance, about="the options alone"),
        *_by_layout(items, picks, suite),
        *_of_mode(items, by_item, picks, how, mode),
        *(suite.further([Said(item, "", Score(found.scores[item.id])) for item in items]) if suite.further else ()),
    ]
    return found


def _ask(respondent: Respondent, found: Examined, how: How, mode: Mode, chat: bool) -> list[Asked]:
    """Everything that is to be known of each item; of those that could not be asked in every way, nothing."""
    suite = found.suite
    plans = [
        (item, layout, order, blind, _prompt(suite, item, how, mode, layout, order, blind, chat))
        for item in suite.items
        for layout in how.layouts
        for order in range(_orders(item, how, mode))
        for blind in ((False, True) if order == 0 else (False,))
    ]
    sampling = how.sampling(0, suite.max_tokens, ())
    wanted = [
        Wanted(p.messages, p.text, how.sampling(0, suite.max_tokens, p.stop) if mode == "said" else sampling, p.options)
        for *_, p in plans
    ]
    answers = respondent.ask(wanted)
    lacking, unreached = dict[str, str](), set[str]()
    for (item, *_), answer in zip(plans, answers, strict=True):
        if answer is None:
            unreached.add(item.id)
        elif answer.refused:
            lacking[item.id] = answer.refused
    found.unasked, found.unreached = lacking, len(unreached - lacking.keys())
    return [
        Asked(*plan, answer)
        for plan, answer in zip(plans, answers, strict=True)
        if answer is not None and plan[0].id not in lacking and plan[0].id not in unreached
    ]


def _orders(item: Item, how: How, mode: Mode) -> int:
    """A model that does not see the options sees no order."""
    return 1 if how.as_written or mode == "cloze" else len(item.options)


def _prompt(suite: Suite, item: Item, how: How, mode: Mode, layout: str, order: int, blind: bool, chat: bool) -> Prompt:
    examples = suite.shown(item, how.shots)
    return choice_prompt(
        item, examples, mode=mode, layout=layout, order=order, chat=chat and not item.text, blind=blind
    )


def _letter(one: Asked, mode: Mode) -> int:
    """The place of the letter that was chosen, or at which the chosen option stood; -1 for none."""
    options = len(one.item.options)
    if mode == "said":
        said = option_said(one.answer.text, in_order(one.item.options, one.order))
        return -1 if said is None else said
    best = int(np.argmax(one.answer.log_probs))
    return best if mode == "letter" else (best - one.order) % options


def _right(one: Asked, mode: Mode) -> float:
    options = len(one.item.options)
    return float(_letter(one, mode) == (one.item.right - one.order) % options)


def _picks(orders: Sequence[Asked], mode: Mode) -> Picks:
    item = orders[0].item
    return Picks(np.array([_letter(one, mode) for one in orders]), item.right, len(item.options))


def _record(one: Asked, mode: Mode) -> dict[str, object]:
    place = _letter(one, mode)
    return {
        "id": one.item.id,
        "kind": one.item.kind,
        "layout": one.layout,
        "order": one.order,
        "control": one.blind,
        "prompt": one.prompt.words,
        "answer": one.answer.text if mode == "said" else in_order(one.item.options, one.order)[place],
        "letter": LETTERS[place] if place >= 0 else None,
        "right": list(one.item.answers),
        "score": _right(one, mode),
        "formed": place >= 0,
        "log_probs": dict(zip((option.strip() for option in one.prompt.options), one.answer.log_probs, strict=False)),
        "prompt_tokens": one.answer.prompt_tokens,
        "tokens": one.answer.tokens,
    }


def _way(how: How, mode: Mode) -> str:
    ways = {"said": "as it is said", "letter": "the likeliest letter", "full": "the likeliest option"}
    orders = "the order as written" if how.as_written else "the mean over all orders"
    return "the likeliest option, options not shown" if mode == "cloze" else f"{ways[mode]}, {orders}"


def _by_layout(items: Sequence[Item], picks: dict[str, list[Picks]], suite: Suite) -> list[Row]:
    """Where there are several, each for itself: how far they lie apart is what a change of punctuation does."""
    if len(picks) < 2:
        return []
    return [
        Row(f"options lettered {layout}", mean(items, [one.score for one in own]), suite.chance)
        for layout, own in picks.items()
    ]


def _of_mode(
    items: Sequence[Item], by_item: dict[str, list[Asked]], picks: dict[str, list[Picks]], how: How, mode: Mode
) -> list[Row]:
    layout = how.layouts[0]
    own = {item.id: [a for a in by_item[item.id] if a.layout == layout and not a.blind] for item in items}
    rows = list[Row]()
    if mode == "said":
        unformed = [float((one.letters < 0).mean()) for one in picks[layout]]
        rows.append(Row(UNFORMED, mean(items, unformed), about="counted as wrong above"))
    if mode in ("full", "cloze"):
        texts = [
            [Texts(np.array(one.answer.log_probs), _sizes(item), item.right) for one in own[item.id]] for item in items
        ]
        per_byte = [float(np.mean([one.normed for one in orders])) for orders in texts]
        rows.append(Row(f"{RIGHT}, per byte", mean(items, per_byte), about="acc_norm: long options are not put off"))
    if mode == "cloze" or how.as_written:
        return rows
    rows += order_rows(items, picks[layout])
    if mode == "letter":
        ballots = [Ballot(np.array([one.answer.log_probs for one in own[item.id]]), item.right) for item in items]
        rows += prior_rows(items, ballots)
    return rows


def _sizes(item: Item) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([len(option.encode()) for option in item.options])


def order_rows(items: Sequence[Item], picks: Sequence[Picks]) -> list[Row]:
    """What the order of the options does."""
    spread = Measured(value=choices.rstd(picks), low=None, high=None, n=len(picks))
    flips = mean(items, [one.flips for one in picks])
    letters = ", ".join(f"{LETTERS[at]} {recall:.2f}" for at, recall in enumerate(choices.recalls(picks)))
    return [
        Row("flip rate", flips, about="another option is chosen when the order changes"),
        Row("RStd of recalls", spread, about=f"found where right: {letters}"),
    ]


def prior_rows(items: Sequence[Item], ballots: Sequence[Ballot]) -> list[Row]:
    """The liking for letters, over the items with as many options as most have; and what is right once it is taken off."""
    common = max({one.options for one in ballots}, key=[one.options for one in ballots].count)
    kept = [(item, one) for item, one in zip(items, ballots, strict=True) if one.options == common]
    those, alike = [item for item, _ in kept], [one for _, one in kept]
    liking, p = choices.prior(alike), choices.prior_p(alike)
    seen = "a liking for letters" if p <= statistics.LEVEL else "no liking for letters seen"
    rows = [
        Row(
            f"prior of {LETTERS[at]}",
            mean(those, [float(one.prior[at]) for one in alike]),
            chance=1 / common,
            about=f"{seen} (p = {p:.2g})" if at == 0 else "",
        )
        for at in range(len(liking))
    ]
    said = [float(np.exp(one.normed[:, 0]).mean()) for one in alike]
    rows.append(Row("probability of A", mean(those, said), chance=1 / common, about="the mean over items and orders"))
    written = Row("the order as written", mean(those, [float(one.picks.chosen[0] == one.right) for one in alike]))
    estimating = max(choices.SHARE, min(1, choices.FEWEST / len(alike)))
    by_prior = mean(those, choices.pride(alike, estimating).right)
    by_order = mean(those, choices.pride(alike).right)
    from_some = f"the prior, known from {round(estimating * len(alike))} items, taken off"
    return [
        *rows,
        written,
        Row("corrected by the prior (PriDe)", by_prior, about=from_some),
        Row("by the mean of all orders", by_order, about="the likeliest option, whatever its letter"),
    ]
