"""What is learned when, and how much text it needs: grammar, facts, coreference and sums, over training and over the amount of text.

    python benchmarks/what_when.py [--steps 1000] [--amounts 0.125 0.25 0.5 1] [--seeds 0] -o what_when.svg

A base model is trained on the built-in world's English texts and exercise sheets, or on the first part of each kind of them; so often
that every amount is trained for the same number of tokens, at a constant rate. On the way it is shown pairs of texts that differ in one
place only, and has a pair right where it finds the right one likelier, over the whole text: a guess has half of them right.

- grammar: a sentence on somebody, in a phrasing that no text has; and the same with two neighbouring words in the wrong order. (With a
  wrong article or verb in it, nine of ten pairs were right from the first steps on: the right words are simply the more frequent ones.)
- facts: a fact that the texts tell, in a phrasing that they do not have; and another value in its place.
- coreference: two people who are in no text, a woman and a man, what each of them does; then one of these once more, of "she" or "he".
- sums: a sum or a difference that stands in no text, and a wrong result.

Left out: questions and answers (`onward build` counts those), and a rate that decays.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import matplotlib as mpl
from matplotlib.figure import Figure
from rich.console import Console

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Engine
from onward.model.trunk import LanguageModel
from onward.train import pretrain
from onward.train.fit import Step, fit
from onward.train.packing import Batches
from onward.train.plan import Shape, Wishes
from onward.train.workspace import Workspace
from onward.world import World, grammar
from onward.world.exercises.arithmetic import calculation
from onward.world.exercises.exercise import Wanted
from onward.world.kinds import TEXTS
from onward.world.questions.unknown import stranger
from onward.world.relations import BY_NAME, Fact
from onward.world.texts.biographies import biography

KINDS = ("biography", "letter", "news", "diary", "direction", "description", "sheet")
PAIRS = 200
"""Of each ability."""
TOLD = ("job", "city", "pet", "drink", "food", "hobby", "employer", "born")
Pair = tuple[str, str]


def grammar_pairs(world: World) -> Iterator[Pair]:
    random = Random("grammar")
    while True:
        text = biography(world, random.choice(world.some), random, held_out=True).text or ""
        words = random.choice(re.split(r"(?<=\.)\s", text)).split(" ")
        at = random.randrange(1, len(words) - 2) if len(words) > 3 else 0
        if at and words[at] != words[at + 1]:
            swapped = [*words[:at], words[at + 1], words[at], *words[at + 2 :]]
            yield " ".join(words), " ".join(swapped)


def fact_pairs(world: World) -> Iterator[Pair]:
    random = Random("facts")
    while True:
        fact = world.facts_in(random.choice(world.some), BY_NAME[random.choice(TOLD)])[0]
        phrasing = fact.relation.statements.choose(random, held_out=True)
        wrong = replace(fact, value=world.others(fact, random, 1)[0])
        yield fact.render(phrasing), wrong.render(phrasing)


def coreference_pairs(world: World) -> Iterator[Pair]:
    random = Random("coreference")
    while True:
        relation = BY_NAME[random.choice(("pet", "drink", "food", "hobby", "job"))]
        values = random.sample(list(relation.options(world, world.people[0])), 2)
        genders = random.sample(("female", "male"), 2)
        people = [
            replace(world.people[0], first=first, last=last, gender=gender)
            for gender in genders
            for first, last in [stranger(world, random, gender).split(" ", 1)]
        ]
        facts = [Fact(person, relation, value) for person, value in zip(people, values, strict=True)]
        opening = " ".join(fact.state(random) for fact in facts)
        asked, phrasing = random.choice(facts), relation.statements.choose(random, held_out=True)
        other = replace(asked, value=next(value for value in values if value != asked.value))
        right, wrong = (f"{opening} {grammar.capital(fact.render(phrasing, 'pronoun'))}" for fact in (asked, other))
        yield right, wrong


def sum_pairs(_: World) -> Iterator[Pair]:
    random = Random("sums")
    while True:
        exercise = calculation(random.choice(("plus", "minus")), random, Wanted(content=True))
        wrong = replace(exercise, answer=str(abs(int(exercise.answer) + random.choice((-10, -2, -1, 1, 2, 10)))))
        question = exercise.ask(random, shown=False)
        if wrong.answer != exercise.answer:
            yield f"{question}\n{exercise.reply(shown=False)}", f"{question}\n{wrong.reply(shown=False)}"


ABILITIES: dict[str, Callable[[World], Iterator[Pair]]] = {
    "grammar": grammar_pairs,
    "facts": fact_pairs,
    "coreference": coreference_pairs,
    "sums": sum_pairs,
}


def write_texts(world: World, amount: float, place: Path) -> None:
    """The first part of each kind of text."""
    with place.open("w", encoding="utf-8") as file:
        for kind in KINDS:
            texts = [record.text for record in TEXTS[kind](world) if record.split == "train"]
            for text in texts[: max(1, round(amount * len(texts)))]:
                file.write(json.dumps({"text": text}) + "\n")


class Probe:
    """A callback that asks for every ability when the steps have grown by a third since it last did."""

    def __init__(self, model: FolderModel, pairs: dict[str, list[Pair]], least: int) -> None:
        self.model, self.pairs, self.next = model, pairs, least
        self.found: list[dict[str, float]] = []

    def __call__(self, step: Step) -> None:
        if step.number < self.next and not step.last:
            return
        self.next = -(-self.next * 4 // 3)
        step.model.eval()
        line = {"tokens": float(step.tokens)}
        for ability, pairs in self.pairs.items():
            line[ability] = sum(
                self.model.score("", right) > self.model.score("", wrong) for right, wrong in pairs
            ) / len(pairs)
        step.model.train()
        self.found.append(line)
        print("  ".join(f"{name} {value:,.4g}" for name, value in line.items()), flush=True)


def run(amount: float, seed: int, given: argparse.Namespace) -> dict[str, object]:
    world, console = World(seed), Console(stderr=True, quiet=True)
    with tempfile.TemporaryDirectory() as place:
        texts = Path(place) / "texts.jsonl"
        write_texts(world, amount, texts)
        wishes = Wishes(steps=given.steps, length=256, batch=4096, seed=seed)
        shape = Shape(depth=given.depth, width=given.width)
        training = pretrain.prepare(
            [str(texts)], Workspace(Path(place) / "run", {}), wishes, shape, vocab=2048, console=console
        )
        size = texts.stat().st_size
        pairs = {name: list(islice(make(world), PAIRS)) for name, make in ABILITIES.items()}
        model: LanguageModel = training.model
        probe = Probe(FolderModel("probe", Engine(model, training.tokenizer)), pairs, least=15)
        plan = replace(training.plan, decay=0.0)
        print(
            f"amount {amount:g}, seed {seed}: {training.data.train.shards.tokens:,} tokens of text, {size:,} bytes",
            flush=True,
        )
        fit(model, training.objective, Batches(training.data.train, plan.rows, seed).batch, plan, [probe])
        return {"amount": amount, "seed": seed, "text_tokens": training.data.train.shards.tokens, "found": probe.found}


def picture(runs: list[dict[str, object]]) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 5.2), layout="constrained")
        amounts = sorted({run["amount"] for run in runs})
        colours = dict(zip(amounts, (GREY, ORANGE, "#3d9970", BLUE)[-len(amounts) :], strict=True))
        for axes, ability in zip(figure.subplots(2, 2, sharex=True, sharey=True).flat, ABILITIES, strict=True):
            for run in sorted(runs, key=lambda run: (run["amount"], run["seed"])):
                x = [line["tokens"] for line in run["found"]]
                y = [100 * line[ability] for line in run["found"]]
                label = f"{run['text_tokens'] / 1e6:.2g}M tokens of text" if run["seed"] == 0 else None
                axes.plot(x, y, color=colours[run["amount"]], linewidth=1.6, label=label)
            axes.axhline(50, color=GREY, linewidth=0.8, linestyle=":")
            axes.set_title(ability, fontsize=10, loc="left")
            axes.set_xscale("log")
            axes.set_ylim(35, 102)
            axes.grid(visible=True, linewidth=0.6)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, fontsize=9, loc="outside upper center", ncols=len(labels))
        figure.supxlabel("tokens learned from", fontsize=10)
        figure.supylabel("pairs right, %", fontsize=10)
        return svg(figure)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--amounts", type=float, nargs="+", default=[0.125, 0.25, 0.5, 1.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("-o", "--out", type=Path, default=Path("what_when.svg"))
    given = parser.parse_args()
    results = given.out.with_suffix(".jsonl")
    runs = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    done = {(run["amount"], run["seed"]) for run in runs}
    for seed in given.seeds:
        for amount in given.amounts:
            if (amount, seed) not in done:
                runs.append(run(amount, seed, given))
                with results.open("a") as file:
                    file.write(json.dumps(runs[-1]) + "\n")
    given.out.write_text(picture(runs))


if __name__ == "__main__":
    main()
