"""Over-optimisation: how the true worth of a policy's answers rises and falls while it goes after a proxy. RUN is one of `onward build`.

    python benchmarks/overoptimisation.py runs/world [--steps 48] [--seeds 0 1] -o overoptimisation.jsonl

In the built-in world the gold reward is known, and the world's teacher votes on the answers of RUN/sft, with a tenth of its votes wrong.
Reward models learned from such votes are the proxies:

    few         one model, from a quarter of the votes
    many        one model, from all of them
    ensemble    the mean of three models, each from another quarter, "few" being the first of them

Each is gone after by the best of n answers, n from 1 to 64; by PPO without a price of divergence, and with that of the default road; and
by DPO, which needs no reward model and learns from the votes that the proxy has learned from (of the ensemble there is none). Beside them
stands a control that goes after nothing: the start model, drawn from at lower and lower temperatures. On the way the policy answers the
held-out requests, which neither the votes nor the policies have seen; noted for each are the proxy, in standard deviations of the start
model's answers, the gold reward, and the divergence from the start model, KL(policy, start) in nats an answer: at every token drawn, over
the whole vocabulary. Of the best of n it is log n - (n - 1) / n, which is too much where answers recur.

After Gao, Schulman and Hilton 2022 (arXiv 2210.10760), and Coste et al. 2023 (arXiv 2310.02743) for the ensemble. A finished piece is a
line of OUT; what was made on the way lies beside it, and the same command goes on. It prints tables and draws OUT's name with .svg.
Left out: larger reward models, for which there would have to be a larger base; and optimisation until the curves end.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from rich.console import Console

from onward.align import reward
from onward.align.direct import direct
from onward.align.direct.log_probs import learned
from onward.align.direct.measuring import divergences
from onward.align.direct.pairs import Answers, Row, padded
from onward.align.policy import best_of_n, reinforce
from onward.align.policy.experience import Drawn, answers
from onward.align.policy.questions import Question, encode
from onward.align.policy.rewards import KNOWN, FolderReward
from onward.align.wishes import RewardWishes, RolloutWishes
from onward.build import country, votes
from onward.build.road import PRICE
from onward.corpus.prompts import Prompt, read_prompts
from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.files import write_bytes
from onward.generate.engine import Request
from onward.generate.load import open_folder
from onward.generate.settings import Sampling
from onward.model.trunk import LanguageModel
from onward.train.fit import Step, fit
from onward.train.measure import Measured, mean, with_interval
from onward.train.plan import Wishes
from onward.train.training import Training
from onward.train.workspace import Workspace
from onward.world.preferences.gold import WEIGHTS, abstains
from onward.world.preferences.gold import reward as reward_of
from onward.world.preferences.pairs import MARGIN

PARTS = 4
"""Of the votes."""
MEMBERS = (0, 1, 2)
"""The parts that the models of the first ensemble have learned from: the best of n is chosen by each of them alone, too."""
MOST, ASKED = 64, 120
"""Answers of the start model, drawn once, to so many of the held-out requests."""
NS = (1, 2, 4, 8, 16, 32, 64)
EVERY = 8
"""Steps between two looks; of PPO, two drawings."""
PPO_RATE, DPO_RATE, BETA = 0.002, 0.001, 0.1
"""Twice and three times the usual rates, to go further from the start model in the same steps."""
PASSES = 1.8
"""Over the votes, of a reward model."""
TEMPERATURES = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1)
NATS = (0.5, 1.0, 2.0, 3.0)
"""Divergences at which proxies are compared."""
NAMES = {
    "best of n": "best of n",
    "colder": "start model, colder",
    "ppo 0": "PPO, no price",
    f"ppo {PRICE:g}": f"PPO, price {PRICE:g} a nat",
    "dpo": "DPO",
}
COLOURS = dict(zip(NAMES, (GREY, "#b5a642", ORANGE, BLUE, "#3d9970"), strict=True))
PROXIES = {"few": "few votes", "many": "four times as many", "ensemble": "three models, a quarter of the votes each"}
Floats = np.ndarray[Any, np.dtype[np.float64]]
CONSOLE = Console(stderr=True, quiet=True)


# --- what is learned from, and what judges ----------------------------------------------------------------------------


def parts_of(name: str, seed: int) -> list[int] | list[None]:
    """Of the votes, those that the models of a proxy learn from; None is all of them."""
    if name == "many":
        return [None]
    return [(seed + more) % PARTS for more in range(3 if name == "ensemble" else 1)]


@dataclass(frozen=True)
class Proxy:
    """A mean of reward models, in standard deviations from the mean of the start model's answers.   raw: what it finds of these."""

    folders: Sequence[Path]
    models: Sequence[FolderReward]
    raw: Floats

    @property
    def spread(self) -> float:
        return float(self.raw.std())

    @property
    def of_the_start(self) -> Floats:
        return self._standard(self.raw)

    def __call__(self, prompts: Sequence[Prompt], texts: Sequence[str]) -> Floats:
        return self._standard(np.mean([each_once(model, prompts, texts) for model in self.models], 0))

    def _standard(self, raw: Floats) -> Floats:
        return (raw - self.raw.mean()) / self.spread


def each_once(model: FolderReward, prompts: Sequence[Prompt], texts: Sequence[str]) -> Floats:
    """What a reward model finds of answers, each read once, however often it comes."""
    asked = list(zip((prompt.text for prompt in prompts), texts, strict=True))
    which = dict(zip(asked, prompts, strict=True))
    worth = dict(zip(which, model(list(which.values()), [text for _, text in which]), strict=True))
    return np.array([worth[pair] for pair in asked])


class Country:
    """A run of the default road, and a place for what is made here."""

    def __init__(self, run: Path, place: Path) -> None:
        self.sft, self.requests, self.place = run / "sft", country.requests(run / "data"), place
        self.start = open_folder(self.sft, device="cpu")
        self.tokenizer = self.start.engine.tokenizer
        sides = encode(
            read_prompts(self.requests), self.tokenizer, self.start.engine.room - votes.LONGEST, skip_bad=False
        )
        self.learned, self.held_out = sides.train.all, sides.held_out.all
        self.proxies: dict[tuple[str, int], Proxy] = {}
        place.mkdir(parents=True, exist_ok=True)

    def votes(self, part: int | None) -> Path:
        """Those of a part of the requests, or of all."""
        path = self.place / f"votes-{'all' if part is None else part}.jsonl"
        if not path.exists() and part is None:
            write_bytes(path, b"".join(self.votes(each).read_bytes() for each in range(PARTS)))
        elif not path.exists():
            asked = self.place / f"requests-{part}.jsonl"
            lines = (json.dumps(question.prompt.record) + "\n" for question in self.learned[part::PARTS])
            write_bytes(asked, "".join(lines).encode())
            votes.collect(self.start, asked, path, seed=part)
        return path

    def reward(self, part: int | None, seed: int) -> Path:
        """A reward model."""
        out = self.place / f"reward-{'all' if part is None else part}-{seed}"
        if not out.exists():
            voted = self.votes(part)
            pairs = len(voted.read_text().splitlines())
            wishes = Wishes(steps=max(1, round(PASSES * pairs / reward.LEAST)), seed=seed, device="cpu")
            with Workspace(out, reward.request(self.sft, voted, wishes, RewardWishes())) as place:
                reward.prepare(self.sft, voted, place, wishes, RewardWishes(), console=CONSOLE).run(CONSOLE)
        return out

    def proxy(self, name: str, seed: int) -> Proxy:
        if (name, seed) not in self.proxies:
            self.proxies[name, seed] = self._proxy(name, seed)
        return self.proxies[name, seed]

    def _proxy(self, name: str, seed: int) -> Proxy:
        folders = [self.reward(part, seed if part is None else part) for part in parts_of(name, seed)]
        models = [FolderReward(path, "cpu") for path in folders]
        return Proxy(folders, models, np.mean([self._found(model) for model in models], 0))

    def _found(self, model: FolderReward) -> Floats:
        """What a reward model finds of the start model's answers."""
        path = model.path.with_name(f"{model.path.name}.json")
        if not path.exists():
            write_bytes(path, json.dumps(each_once(model, *self.drawn).tolist()).encode())
        return np.array(json.loads(path.read_text()))

    @property
    def asked(self) -> list[Question]:
        """Of the held-out requests, those that are answered many times."""
        return self.held_out[:ASKED]

    @property
    def drawn(self) -> tuple[list[Prompt], list[str]]:
        """The start model's answers to these, MOST to each, drawn once; with their prompts."""
        path = self.place / "answers.json"
        if not path.exists():
            found = answers(self.start.engine.model, self.tokenizer, self.asked, MOST, votes.LONGEST, seed=0)
            write_bytes(path, json.dumps(found.texts).encode())
        return [question.prompt for question in self.asked for _ in range(MOST)], json.loads(path.read_text())

    def said(self, policy: LanguageModel) -> Drawn:
        """To all held-out requests, an answer each, with the same noise every time."""
        return answers(policy, self.tokenizer, self.held_out, 1, votes.LONGEST, seed=0)

    @cached_property
    def first(self) -> Drawn:
        """What the start model said."""
        return self.said(self.start.engine.model)

    def look(self, policy: LanguageModel, proxy: Proxy) -> dict[str, Any]:
        """The policy's answers to all held-out requests, judged."""
        found = self.first if policy is self.start.engine.model else self.said(policy)
        return {"kl": _divergence(policy, self.start.engine.model, found)} | self.judged(found, proxy)

    def judged(self, found: Drawn, proxy: Proxy) -> dict[str, Any]:
        prompts = [question.prompt for question in self.held_out]
        return {
            "proxy": _rounded(proxy(prompts, found.texts)),
            "gold": _rounded(KNOWN["gold"](prompts, found.texts)),
            "tokens": float(np.mean([len(completion.ids) for completion in found.completions])),
        }

    @cached_property
    def colder(self) -> list[tuple[float, float, Drawn]]:
        """Temperatures, the divergence of the start model so drawn from from itself, and what it says to all held-out requests."""
        found = []
        for temperature in TEMPERATURES:
            sampling = [
                Sampling(temperature=temperature, max_tokens=votes.LONGEST, seed=i) for i in range(len(self.held_out))
            ]
            asked = zip(self.held_out, sampling, strict=True)
            done = self.start.engine.run([Request(prompt=one.ids, sampling=how) for one, how in asked])
            drawn = Drawn(questions=self.held_out, completions=done)
            found.append((temperature, _divergence_from_itself(self.start.engine.model, drawn, temperature), drawn))
        return found


@torch.inference_mode()
def _divergence(policy: LanguageModel, start: LanguageModel, drawn: Drawn) -> float:
    """Nats an answer, a mean."""
    was_training = policy.training
    found = torch.cat([divergences(policy.eval(), start.eval(), part) for part in _parted(drawn)])
    policy.train(was_training)
    return float(found.mean())


@torch.inference_mode()
def _divergence_from_itself(start: LanguageModel, drawn: Drawn, temperature: float) -> float:
    """Of a model drawn from at a temperature, from the same at 1."""
    found = 0.0
    for part in _parted(drawn):
        hidden, _, _ = learned(start.eval(), part)
        logits = start.logits(hidden).float()
        colder, plain = (logits / temperature).log_softmax(-1), logits.log_softmax(-1)
        found += float((colder.exp() * (colder - plain)).sum())
    return found / len(drawn.completions)


def _parted(drawn: Drawn) -> Iterator[Answers]:
    """Answers behind their prompts, as tensors."""
    pairs = zip(drawn.questions, drawn.completions, strict=True)
    rows = [Row(asked.ids + done.drawn, len(asked.ids), i) for i, (asked, done) in enumerate(pairs)]
    for first in range(0, len(rows), 64):
        yield padded(rows[first : first + 64], 0)


def _rounded(values: Sequence[float] | Floats) -> list[float]:
    return [round(float(value), 4) for value in values]


# --- going after a proxy ----------------------------------------------------------------------------------------------


def choose(here: Country, name: str, seed: int) -> list[dict[str, Any]]:
    """The best of n."""
    prompts, texts = here.drawn
    proxy = here.proxy(name, seed).of_the_start.reshape(-1, MOST)
    gold = np.array(KNOWN["gold"](prompts, texts)).reshape(-1, MOST)
    return [
        {
            "at": n,
            "kl": best_of_n.divergence(n),
            "proxy": _rounded([best_of_n.expected(row, row, n) for row in proxy]),
            "gold": _rounded([best_of_n.expected(*rows, n) for rows in zip(proxy, gold, strict=True)]),
        }
        for n in NS
    ]


def colder(here: Country, name: str, seed: int) -> list[dict[str, Any]]:
    return [{"at": at, "kl": kl} | here.judged(drawn, here.proxy(name, seed)) for at, kl, drawn in here.colder]


def reinforced(here: Country, name: str, seed: int, *, price: float, steps: int) -> list[dict[str, Any]]:
    proxy = here.proxy(name, seed)
    asked = RolloutWishes(max_tokens=votes.LONGEST, kl=price)
    wishes = Wishes(steps=steps, seed=seed, lr=PPO_RATE, device="cpu")
    rewards = [f"{1 / len(proxy.folders)}*{path}" for path in proxy.folders]
    with TemporaryDirectory() as place:
        training = reinforce.prepare(
            here.sft,
            here.requests,
            Workspace(Path(place) / "chat", {}),
            wishes,
            asked,
            method="ppo",
            rewards=rewards,
            console=CONSOLE,
        )
        return _watched(here, proxy, training)


def directly(here: Country, name: str, seed: int, *, steps: int) -> list[dict[str, Any]]:
    (part,) = parts_of(name, seed)
    voted = here.votes(part)
    wishes = Wishes(steps=steps, seed=seed, lr=DPO_RATE, device="cpu")
    with TemporaryDirectory() as place:
        training = direct.prepare(
            here.sft, voted, Workspace(Path(place) / "chat", {}), wishes, method="dpo", beta=BETA, console=CONSOLE
        )
        return _watched(here, here.proxy(name, seed), training)


def _watched(here: Country, proxy: Proxy, training: Training[Any]) -> list[dict[str, Any]]:
    """Learned at a constant rate, so that every look is at one of a shorter training."""
    found = [{"at": 0} | here.look(here.start.engine.model, proxy)]

    def look(step: Step) -> None:
        if step.number % EVERY == 0 or step.last:
            found.append({"at": step.number} | here.look(step.model, proxy))
            means = {key: np.mean(value) for key, value in found[-1].items()}
            print("  ".join(f"{key} {value:.3f}" for key, value in means.items()), flush=True)

    plan = replace(training.plan, decay=0.0)
    fit(training.model, training.objective, training.batches, plan, [look], look_ahead=training.look_ahead)
    return found


Piece = Callable[[Country, str, int], list[dict[str, Any]]]


def pieces(steps: int, seeds: Sequence[int]) -> Iterator[tuple[str, str, int, Piece]]:
    """The quickest first, and of the others those that tell the most."""
    free, priced = (partial(reinforced, price=price, steps=steps) for price in (0.0, PRICE))
    without_reward = partial(directly, steps=steps)
    for seed in MEMBERS:
        yield "best of n", "few", seed, choose
    for name in PROXIES:
        yield "colder", name, 0, colder
    for seed in seeds:
        yield "best of n", "many", seed, choose
        yield "best of n", "ensemble", seed, choose
        yield "ppo 0", "few", seed, free
        yield "dpo", "few", seed, without_reward
        yield f"ppo {PRICE:g}", "few", seed, priced
        yield "ppo 0", "ensemble", seed, free
        yield "ppo 0", "many", seed, free
        yield "dpo", "many", seed, without_reward
        yield f"ppo {PRICE:g}", "ensemble", seed, priced
        yield f"ppo {PRICE:g}", "many", seed, priced


# --- what is said of it -----------------------------------------------------------------------------------------------

Runs = list[list[dict[str, Any]]]
"""The points of one policy on one proxy, seed by seed."""


def at_nats(points: list[dict[str, Any]], nats: float) -> Floats | None:
    """The gold of every request where a run first comes to a divergence, between two looks along its square root; None if it never does."""
    for before, after in pairwise(points):
        if before["kl"] <= nats <= after["kl"]:
            a, b = np.sqrt(before["kl"]), np.sqrt(after["kl"])
            share = (np.sqrt(nats) - a) / max(b - a, 1e-9)
            return (1 - share) * np.array(before["gold"]) + share * np.array(after["gold"])
    return None


def stopped(runs: Runs) -> dict[str, Any]:
    """Where gold is highest, averaged over the seeds look by look; and how far it has fallen by the last look.

    The look that seems the best is so by luck too. So the fall is measured on half of the requests, from the look that is the best on the
    other half, and the other way round.
    """
    gold, proxy = (np.mean([[point[key] for point in run] for run in runs], 0) for key in ("gold", "proxy"))
    kl = np.mean([[point["kl"] for point in run] for run in runs], 0)
    best = int(gold.mean(1).argmax())
    fall, odd = np.zeros(gold.shape[1]), np.arange(gold.shape[1]) % 2 == 1
    for half in (odd, ~odd):
        fall[half] = (gold[-1] - gold[gold[:, ~half].mean(1).argmax()])[half]
    return {
        "start": mean(gold[0]),
        "best": mean(gold[best]),
        "last": mean(gold[-1]),
        "at": runs[0][best]["at"],
        "kl": (kl[best], kl[-1]),
        "proxy": (proxy[best].mean(), proxy[-1].mean()),
        "fall": mean(fall),
    }


def said(found: Measured, *, sign: bool = False) -> str:
    one = "+.3f" if sign else ".3f"
    return f"{found.value:{one}} ({found.low:{one}} to {found.high:{one}})"


def agreement(here: Country, proxy: Proxy) -> Measured:
    """Of pairs of the start model's answers to a held-out request, those of different worth that the proxy puts into the right order."""
    gold, liked = (np.reshape(found, (-1, MOST)) for found in (KNOWN["gold"](*here.drawn), proxy.raw))
    ahead, preferred = gold[:, ::2] - gold[:, 1::2], liked[:, ::2] - liked[:, 1::2]
    apart = np.abs(ahead) >= MARGIN
    return with_interval(((ahead * preferred > 0) & apart).sum(1).astype(float), apart.sum(1).astype(float))


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def head(*cells: str) -> str:
    return f"\n{row(*cells)}\n{'|---' * len(cells)}|"


def of_proxies(here: Country, used: Sequence[tuple[str, int]]) -> Iterator[str]:
    yield head("proxy", "seed", "votes", "its spread over the start model's answers", "right order of two of these")
    for name, seed in used:
        proxy, parts = here.proxy(name, seed), parts_of(name, seed) if name != "many" else range(PARTS)
        number = sum(len(here.votes(part).read_text().splitlines()) for part in parts)
        yield row(name, str(seed), f"{number:,}", f"{proxy.spread:.2f}", said(agreement(here, proxy)))


def of_what_is_chosen(here: Country, used: Sequence[tuple[str, int]]) -> Iterator[str]:
    """The parts of gold in the start model's answers, and in those that a proxy likes best of all that were drawn."""
    prompts, texts = here.drawn
    judged = [reward_of(text, prompt.record["truth"]) for prompt, text in zip(prompts, texts, strict=True)]
    parts = {name: np.array([getattr(one, name) for one in judged]).reshape(-1, MOST) for name in WEIGHTS}
    parts["says that it does not know"] = np.array([float(abstains(text)) for text in texts]).reshape(-1, MOST)
    parts["words"] = np.array([float(len(text.split())) for text in texts]).reshape(-1, MOST)
    yield head("chosen by", "seed", *parts)
    yield row("nobody", "", *(f"{part.mean():.2f}" for part in parts.values()))
    for name, seed in used:
        liked = here.proxy(name, seed).raw.reshape(-1, MOST)
        best = [[best_of_n.expected(*rows, MOST) for rows in zip(liked, part, strict=True)] for part in parts.values()]
        yield row(name, str(seed), *(f"{np.mean(each):.2f}" for each in best))


def of_stopping(found: dict[tuple[str, str], Runs]) -> Iterator[str]:
    there = ("nats", "proxy", "gold")
    yield head("", "proxy", "runs", "gold at the start", "stop at", *there, "at the end: nats", *there[1:], "fallen by")
    for (policy, name), runs in found.items():
        one = stopped(runs)
        before = (NAMES[policy], name, str(len(runs)), said(one["start"]), str(one["at"]))
        ends = zip(one["kl"], one["proxy"], (one["best"], one["last"]), strict=True)
        cells = [cell for kl, proxy, gold in ends for cell in (f"{kl:.2f}", f"{proxy:+.2f}", said(gold))]
        yield row(*before, *cells, said(one["fall"], sign=True))


def of_proxies_compared(found: dict[tuple[str, str], Runs]) -> Iterator[str]:
    yield head("gold at", "nats", *PROXIES, "many less few", "ensemble less few")
    for policy in ("best of n", "ppo 0", "dpo"):
        for nats in NATS:
            at = {name: _at(found.get((policy, name), []), nats) for name in PROXIES}
            cells = [said(mean(gold)) if gold is not None else "" for gold in at.values()]
            less = [_less(at[name], at["few"]) for name in ("many", "ensemble")]
            yield row(NAMES[policy], f"{nats:g}", *cells, *less)


def of_the_price(found: dict[tuple[str, str], Runs]) -> Iterator[str]:
    yield head("proxy", "nats at the end with the price", "gold there", "gold without it, at as many", "difference")
    for name in PROXIES:
        priced, free = found.get((f"ppo {PRICE:g}", name), []), found.get(("ppo 0", name), [])
        both = [(np.array(a[-1]["gold"]), at_nats(b, a[-1]["kl"])) for a, b in zip(priced, free, strict=False)]
        kept = [(a, b) for a, b in both if b is not None]
        if kept:
            golds, nats = np.mean(kept, 0), np.mean([run[-1]["kl"] for run in priced])
            yield row(name, f"{nats:.2f}", *(said(mean(gold)) for gold in golds), _less(*golds))


def _at(runs: Runs, nats: float) -> Floats | None:
    """Averaged over the seeds, if all have come so far."""
    found = [gold for run in runs if (gold := at_nats(run, nats)) is not None]
    return np.mean(found, 0) if found and len(found) == len(runs) else None


def _less(one: Floats | None, other: Floats | None) -> str:
    return said(mean(one - other), sign=True) if one is not None and other is not None else ""


def picture(found: dict[tuple[str, str], Runs]) -> str:
    """Gold above, the proxy below, over the square root of the divergence; a column for each proxy, a thin line for each seed."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 5.6), layout="constrained")
        rows = figure.subplots(2, 3, sharex=True, sharey="row")
        for axes, key in zip(rows, ("gold", "proxy"), strict=True):
            for axis, (name, words) in zip(axes, PROXIES.items(), strict=True):
                for policy in NAMES:
                    _draw(axis, found.get((policy, name), []), key, COLOURS[policy], NAMES[policy])
                axis.grid(visible=True, linewidth=0.6)
                if key == "gold":
                    axis.set_title(words, fontsize=10, loc="left")
        rows[0][0].set_ylabel("gold reward")
        rows[1][0].set_ylabel("proxy, standard deviations")
        handles, labels = rows[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, fontsize=9, loc="outside upper center", ncols=len(labels))
        figure.supxlabel("square root of the divergence from the start model, KL in nats an answer", fontsize=10)
        return svg(figure)


def _draw(axis: Any, runs: Runs, key: str, colour: str, label: str) -> None:
    """The mean of the seeds, look by look, and each of them."""
    if not runs:
        return
    lines = [(np.sqrt([point["kl"] for point in run]), [np.mean(point[key]) for point in run]) for run in runs]
    for x, y in lines:
        axis.plot(x, y, color=colour, linewidth=0.7, alpha=0.4)
    x, y = np.mean(lines, 0)
    axis.plot(x, y, color=colour, linewidth=1.8, marker="o", markersize=3, label=label)
    if key == "gold":
        best = int(np.argmax(y))
        axis.plot(x[best], y[best], color=colour, marker="o", markersize=8, fillstyle="none")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=48)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("-o", "--out", type=Path, default=Path("overoptimisation.jsonl"))
    parser.add_argument("--show", action="store_true", help="tables and picture of what is there, and no more pieces")
    given = parser.parse_args()
    here = Country(given.run, given.out.with_suffix(""))
    lines = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    done = {(line["policy"], line["proxy"], line["seed"]): line["points"] for line in lines}
    for policy, name, seed, piece in [] if given.show else pieces(given.steps, given.seeds):
        if (policy, name, seed) not in done:
            print(policy, name, "seed", seed, flush=True)
            points = done[policy, name, seed] = piece(here, name, seed)
            with given.out.open("a") as file:
                file.write(json.dumps({"policy": policy, "proxy": name, "seed": seed, "points": points}) + "\n")
    found: dict[tuple[str, str], Runs] = {}
    for policy, name in ((policy, name) for policy in NAMES for name in PROXIES):
        if runs := [points for key, points in sorted(done.items()) if key[:2] == (policy, name)]:
            found[policy, name] = runs
    used = sorted({key[1:] for key in done}, key=lambda key: (list(PROXIES).index(key[0]), key[1]))
    for table in (
        of_proxies(here, used),
        of_what_is_chosen(here, used),
        of_stopping(found),
        of_proxies_compared(found),
        of_the_price(found),
    ):
        print("\n".join(table))
    given.out.with_suffix(".svg").write_text(picture(found))


if __name__ == "__main__":
    main()
