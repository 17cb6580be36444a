"""One model's cost, measured: rounds of answers alone and at once, and the table of what they took.

A round that is not counted warms up. No two answers have the same prompt as long as the prompts suffice, since who has read one before
answers it sooner. Alone and at once come in turn, so that a machine that slows down slows both. Left out: quality (evaluate/run.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, cycle

from onward.evaluate.asking import Model
from onward.evaluate.cost import energy, figures, memory, prices
from onward.evaluate.cost.pacing import Clock, Timed, answers
from onward.evaluate.cost.prices import Price
from onward.evaluate.cost.settings import Measuring
from onward.evaluate.examined import Row
from onward.evaluate.prompts import Prompt
from onward.generate.chat_model import FolderModel
from onward.generate.endpoint import EndpointModel
from onward.generate.settings import Sampling
from onward.train.measure import Measured

SECONDS, OPERATIONS, PRICE = "seconds an answer", "operations an answer", "price of a million answers"
"""What an answer may cost."""


@dataclass(frozen=True)
class Round:
    """Answers asked for at the same moment.   joules: that the machine's counters went on meanwhile, where there are any."""

    answers: Sequence[Timed]
    joules: float | None


@dataclass(frozen=True)
class Taken:
    """What was measured.   alone: rounds of one answer.   repeated: answers whose prompt had been asked before."""

    alone: Sequence[Round]
    together: Sequence[Round]
    memory: Measured | None
    memory_of: str
    repeated: int = 0

    @property
    def all(self) -> list[Timed]:
        return list(chain.from_iterable(one.answers for one in (*self.alone, *self.together)))


def measure(
    model: Model,
    prompts: Sequence[Prompt],
    how: Measuring,
    sampling: Sampling,
    *,
    peak: memory.Peak | None,
    clock: Clock = time.perf_counter,
    told: Callable[[int], None] = lambda _: None,
) -> Taken:
    """peak: begun before the model was opened; None where it would tell nothing, as of the second model in a process.
    told: called after each round with its number, from 1.   Raises as pacing.answers does.
    """
    following, own = cycle(prompts), not isinstance(model, EndpointModel)
    looks: list[int | None] = []

    def ask(count: int) -> Round:
        meter = energy.Meter()
        found = answers(model, [next(following) for _ in range(count)], sampling, clock)
        return Round(found, meter.joules() if own else None)

    ask(1), ask(how.at_once)
    alone, together = list[Round](), list[Round]()
    for number in range(how.rounds):
        alone += [ask(1) for _ in range(how.alone)]
        together.append(ask(how.at_once))
        looks.append(memory.of_server(model) if isinstance(model, EndpointModel) else peak.bytes() if peak else None)
        told(number + 1)
    asked = 1 + how.at_once + how.rounds * (how.alone + how.at_once)
    return Taken(alone, together, *_memory(looks, peak), max(0, asked - len(prompts)))


def _memory(looks: Sequence[int | None], peak: memory.Peak | None) -> tuple[Measured | None, str]:
    """The largest look, in MB, and whose it is."""
    known = [look / 1e6 for look in looks if look is not None]
    if not known:
        return None, ""
    about = "of the server's process, the largest of what /metrics said after each round"
    if peak is not None:
        about = f"of this process, above what it was before the model was opened ({peak.before / 1e6:,.0f} MB)"
    return Measured(value=max(known), low=None, high=None, n=len(known)), about


def rows(model: Model, taken: Taken, how: Measuring, price: Price | None) -> list[Row]:
    """The table. What is not known has no row."""
    alone, together = ([one.answers for one in rounds] for rounds in (taken.alone, taken.together))
    single, many = [one[0] for one in alone], f"{how.at_once} at once"
    piece = "pieces" if isinstance(model, EndpointModel) else "tokens"
    reading = f"of {len(single):,} answers alone, prompts of {_lengths([one.prompt_tokens for one in single])} tokens"
    writing = f"answers of {_lengths([one.tokens for one in single])} tokens"
    found = [
        Row("time to first token, ms, p50", _times(figures.first(single, 50), 1e3), about=reading),
        Row("time to first token, ms, p95", _times(figures.first(single, 95), 1e3)),
        Row(f"time between {piece}, ms, p50", _times(figures.between(single, 50), 1e3), about=writing),
        Row(f"time between {piece}, ms, p95", _times(figures.between(single, 95), 1e3)),
        Row("tokens a second, alone", figures.per_second(alone), about="the prompt's reading counted in"),
        Row(f"tokens a second, {many}", figures.per_second(together)),
        Row(f"{SECONDS}, alone", figures.per_answer(alone)),
        Row(f"{SECONDS}, {many}", figures.per_answer(together), about="of the machine, its answers together"),
    ]
    if taken.memory is not None:
        found.append(Row("peak memory, MB", taken.memory, about=taken.memory_of))
    if torch_peak := memory.Peak.on_device():
        found.append(Row("peak memory of the device, MB", Measured(value=torch_peak / 1e6, low=None, high=None, n=1)))
    return [*found, *_operations(model, taken), *_energy(model, taken, how), *_prices(taken, how, price)]


def _operations(model: Model, taken: Taken) -> list[Row]:
    if not isinstance(model, FolderModel):
        return []
    config = model.engine.model.config
    each = [(one.passed, one.passed * config.flops_per_token(one.passed)) for one in taken.all]
    a_token = figures.bootstrapped(each, lambda drawn: sum(ops for _, ops in drawn) / sum(n for n, _ in drawn))
    an_answer = figures.bootstrapped(each, lambda drawn: sum(ops for _, ops in drawn) / len(drawn))
    return [
        Row("operations a token, millions", _times(a_token, 1e-6), about="by config.json: products and attention"),
        Row(f"{OPERATIONS}, millions", _times(an_answer, 1e-6), about="nothing remembered from other prompts"),
    ]


def _energy(model: Model, taken: Taken, how: Measuring) -> list[Row]:
    """By the watts given; by counters; or, of a machine of which we know that it is this one, by a guess."""
    guess = None if isinstance(model, EndpointModel) else energy.guessed_watts()
    found = []
    for words, rounds in (("alone", taken.alone), (f"{how.at_once} at once", taken.together)):
        seconds = figures.per_answer([one.answers for one in rounds])
        if how.watts is not None:
            found.append(
                Row(f"joules an answer, {words}", _times(seconds, how.watts), about=f"at {how.watts:g} W, as given")
            )
        elif all(one.joules is not None for one in rounds):
            counted = figures.bootstrapped(
                rounds, lambda drawn: sum(one.joules or 0 for one in drawn) / sum(len(one.answers) for one in drawn)
            )
            found.append(
                Row(f"joules an answer, {words}", counted, about="by the processor's counters (RAPL), all its work")
            )
        elif guess is not None:
            found.append(Row(f"joules an answer, {words}", _times(seconds, guess[0]), about=guess[1]))
    return found


def _prices(taken: Taken, how: Measuring, price: Price | None) -> list[Row]:
    if price is not None:
        if not all(one.prompt_tokens for one in taken.all):
            return []
        each = [1e6 * price.of(one.prompt_tokens, one.tokens) for one in taken.all]
        mean = figures.bootstrapped(each, lambda drawn: sum(drawn) / len(drawn))
        said = f"{price.input:g} and {price.output:g} a million tokens read and written"
        return [Row(PRICE, mean, about=said)]
    if how.per_hour is None:
        return []
    said, found = f"at {how.per_hour:g} an hour, {how.at_once} at once", list[Row]()
    together = [one.answers for one in taken.together]
    speed = figures.per_second(together)
    low, high = (
        None if end is None else prices.per_million(how.per_hour, end) for end in (speed.high, speed.low)
    )  # the quicker, the cheaper
    million = Measured(value=prices.per_million(how.per_hour, speed.value), low=low, high=high, n=speed.n)
    found.append(Row("price of a million tokens", million, about=f"{said}, prompts counted in"))
    return [*found, Row(PRICE, _times(figures.per_answer(together), how.per_hour / 3600 * 1e6), about=said)]


def costs(rows: Sequence[Row]) -> dict[str, Measured]:
    """What an answer costs, for the picture: seconds alone, millions of operations, money; as far as known."""
    by_name = {row.metric: row.measured for row in rows}
    names = {SECONDS: f"{SECONDS}, alone", f"{OPERATIONS}, millions": f"{OPERATIONS}, millions", PRICE: PRICE}
    return {cost: by_name[name] for cost, name in names.items() if name in by_name}


def _times(measured: Measured, factor: float) -> Measured:
    low, high = (None if end is None else end * factor for end in (measured.low, measured.high))
    return replace(measured, value=measured.value * factor, low=low, high=high)


def _lengths(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"
