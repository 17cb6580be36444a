"""Instruction tuning, arm against arm: how many instructions, how clean, in whose words, of how many tasks, in which language.

    python benchmarks/instructions.py [--steps 300] [--seeds 0 1] -o instructions

One base model is made once (OUT/base): from the built-in world's biographies in English and in Faric, its parallel texts, and its quizzes,
which are in English only. From it many chat models are tuned, each on other instructions, the arms of a comparison in the same number of
steps of 2,048 tokens, half of which are texts gone over again; so the data alone differ. Each is asked about people whom no instruction is
about, in phrasings that stand in no text and no instruction. A run is one line of OUT/runs.jsonl and is not done again. Printed are the
tables of docs/results.md, drawn is OUT/instructions.svg.

- amount: 100 to 10,000 instructions, half of them questions, half of them requests for a form ("in capital letters", "as a list").
- quality: the same with wrong replies among them: to a question another value, to a request the reply to another one.
- phrasing: the same questions in templates (FLAN's air of "Instruction: ... Input: ..."), in one natural phrasing each, or in all of them.
- tasks: questions on one relation, on three or on nine; asked are four relations, and two facts in a row, that none of them has.
- language: questions and answers in English, in Faric or in both; asked in each, on what both languages tell and on what only Faric tells.

Left out: other sizes of model, base models without questions among their texts, wrong replies that agree with each other.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from instruction_arms import AMOUNTS, ARMS, LANGUAGES, MEASURES, Chat, Item, Pool, reply_of
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

from onward.align import instruct
from onward.build import country, exam
from onward.drawing import BLUE, ORANGE, STYLE, svg
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Engine
from onward.generate.load import open_folder
from onward.train import cutting, measure, pretrain
from onward.train.plan import Shape, Wishes
from onward.train.shards import Shards
from onward.train.workspace import Workspace
from onward.world import World
from onward.world.faric import monolingual, parallel
from onward.world.grading import is_right
from onward.world.questions.quizzes import quizzes
from onward.world.record import Record, chat
from onward.world.talk.forms import follows
from onward.world.texts.biographies import biographies
from onward.world.write import write

PEOPLE = 120
TEXTS = {
    "biography": biographies,
    "quiz": quizzes,
    "monolingual": partial(monolingual, copies=30, stories=500),
    "parallel": partial(parallel, count=1500),
}
BATCH, BASE_STEPS = 2048, 1400
CLEAN, NATURAL, MANY, BOTH = "3,000", "all natural phrasings", "nine", "both"
"""What the other arms of a comparison are held against."""

# --- made, tuned, asked ---------------------------------------------------------------------------------------------------


def make_base(world: World, out: Path, steps: int) -> None:
    if not (out / "texts").exists():
        write(world, out / "texts", TEXTS)
    if (out / "base").exists():
        return
    console, texts = Console(stderr=True), [str(out / "texts" / "texts")]
    wishes = Wishes(steps=steps, batch=BATCH, length=256, eager=True)
    shape = Shape(depth=country.DEPTH, width=country.WIDTH)
    request = pretrain.request(texts, wishes, shape, vocab=country.VOCAB)
    with Workspace(out / "base", request, parts=out / "data") as place:
        pretrain.prepare(texts, place, wishes, shape, vocab=country.VOCAB, console=console).run(console)


def tuned(out: Path, chats: Sequence[Chat], steps: int, seed: int) -> FolderModel:
    """A chat model of the base, in memory only."""
    console = Console(quiet=True)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "chats.jsonl"
        file.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in chats))
        with Workspace(Path(place) / "tuned", {}) as workspace:
            training = instruct.prepare(
                out / "base",
                file,
                workspace,
                Wishes(steps=steps, batch=BATCH, seed=seed, eager=True),
                replay=lambda _: Shards(out / "data" / "text" / cutting.TRAIN),
                console=console,
            )
            training.learn(console)
    return FolderModel("tuned", Engine(training.model, training.tokenizer))


Hits = dict[str, list[int]]
"""By person: how many replies were right, and how many there were."""
Run = dict[str, Any]


def asked_of(model: FolderModel, pool: Pool, tests: Sequence[str], *, talks: bool) -> dict[str, Hits]:
    found: dict[str, Hits] = {}
    for test in tests:
        items = pool.tests[test]
        replies = exam.answers(model, [{"messages": chat(item.text, "")} for item in items], talks=talks)
        for name, judge in MEASURES.items():
            if name.partition(":")[0] == test:
                found[name] = counted(
                    items, [judge(reply, item.truth) for reply, item in zip(replies, items, strict=True)]
                )
    return found


def counted(items: Sequence[Item], right: Sequence[bool]) -> Hits:
    found: Hits = defaultdict(lambda: [0, 0])
    for item, is_hit in zip(items, right, strict=True):
        found[item.person][0] += is_hit
        found[item.person][1] += 1
    return dict(found)


# --- told -----------------------------------------------------------------------------------------------------------------


def pooled(runs: Sequence[Run], measured: str) -> measure.Measured:
    """Over the seeds; the bootstrap is over the people, each with all that was asked about them."""
    people = list(runs[0]["found"][measured])
    hits, asked = (np.array([sum(run["found"][measured][p][i] for run in runs) for p in people], float) for i in (0, 1))
    return measure.with_interval(hits, asked)


def difference(runs: Sequence[Run], others: Sequence[Run], measured: str) -> measure.Measured:
    """Of two arms, person by person, in the seeds that both have."""
    seeds = {run["seed"] for run in runs} & {run["seed"] for run in others}
    ours, theirs = (
        [run["found"][measured] for run in sorted(side, key=lambda run: run["seed"]) if run["seed"] in seeds]
        for side in (runs, others)
    )
    people = list(ours[0])
    gained = [sum(a[p][0] - b[p][0] for a, b in zip(ours, theirs, strict=True)) for p in people]
    return measure.with_interval(np.array(gained, float), np.array([sum(a[p][1] for a in ours) for p in people], float))


@cache
def floors(pool: Pool, test: str) -> tuple[float, float]:
    """Chance, and what always giving the usual answer gets: of questions the one that is most often right in training, by relation; of
    forms the reply of training that has most of them."""
    items = pool.tests[test]
    if test in ("form", "pair"):
        trained = pool.shuffled(pool.forms, 0)[:300]
        best = max(
            map(reply_of, trained), key=lambda reply: sum(follows(reply, other.truth["forms"]) for other in trained)
        )
        return 0.0, float(np.mean([follows(best, item.truth["forms"]) for item in items]))
    usual, overall = defaultdict[str, Counter[str]](Counter), Counter[str]()
    for record in [*pool.questions, *pool.hops, *pool.faric, *pool.own]:
        if record.split == "train" and record.truth.get("asked_in", _language(record)) == _of(test):
            usual[_relation(record.truth)][record.truth["answer"]] += 1
            overall[record.truth["answer"]] += 1
    said = [(usual[_relation(item.truth)] or overall).most_common(1)[0][0] for item in items]
    right = [is_right(answer, item.truth) for answer, item in zip(said, items, strict=True)]
    return float(np.mean([item.truth["chance"] for item in items])), float(np.mean(right))


def _relation(truth: Mapping[str, Any]) -> str:
    return str(truth.get("relation") or truth["facts"][0]["relation"])


def _language(record: Record) -> str:
    return "Faric" if record.kind == "faric" else "English"


def _of(test: str) -> str:
    return "Faric" if test.endswith("Faric") else "English"


SHOWN: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "amount": (CLEAN, ("fact", "form", "form: and right", "pair"), ("fact", "form")),
    "quality": (CLEAN, ("fact", "form", "form: and right", "pair"), ("fact", "form")),
    "phrasing": (NATURAL, ("fact", "template"), ("fact",)),
    "tasks": (MANY, ("job", "new relation", "hop"), ("new relation", "hop")),
    "language": (BOTH, (*LANGUAGES, *(f"{test}: a reply in Faric" for test in LANGUAGES)), LANGUAGES),
}
"""Of each comparison: the arm that the others are held against, what is shown, and of what the difference."""


def arms_of(group: str, runs: Sequence[Run]) -> dict[str, list[Run]]:
    """By name, in the order of ARMS; what is compared in quality is compared with the clean arms of the same numbers."""
    places = [("amount", CLEAN), ("amount", "10,000")] if group == "quality" else []
    places += [(arm.group, arm.name) for arm in ARMS if arm.group == group]
    found = {name: [run for run in runs if (run["group"], run["arm"]) == (of, name)] for of, name in places}
    return {name: done for name, done in found.items() if done}


def table(pool: Pool, group: str, runs: Sequence[Run]) -> str:
    against, measures, compared = SHOWN[group]
    arms, base = arms_of(group, runs), [run for run in runs if run["group"] == "base"]
    titles = [group, *measures, *(f"{name}, against {against}" for name in compared)]
    rows = [titles, ["---"] * len(titles)]
    told = [floors(pool, name) if ":" not in name else None for name in measures]
    for i, name in enumerate(("chance", "baseline")):
        rows.append([name, *("" if floor is None else f"{floor[i]:.1%}" for floor in told), *[""] * len(compared)])
    known = [_said(base, name) if base and name in base[0]["found"] else "" for name in measures]
    rows.append(["base, asked as in a quiz", *known, *[""] * len(compared)])
    for name, done in arms.items():
        gained = [_gained(done, arms[against], one) if name != against and against in arms else "" for one in compared]
        rows.append([name, *(_said(done, one) for one in measures), *gained])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _said(runs: Sequence[Run], name: str) -> str:
    found, each = pooled(runs, name), [pooled([run], name).value for run in runs]
    seeds = f" [{', '.join(f'{value:.1%}' for value in each)}]" if len(each) > 1 else ""
    return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%}){seeds}"


def _gained(runs: Sequence[Run], others: Sequence[Run], name: str) -> str:
    found = difference(runs, others, name)
    return f"{100 * found.value:+.1f} ({100 * (found.low or 0):+.1f} to {100 * (found.high or 0):+.1f})"


LEGEND = {
    "fact": "facts",
    "form": "forms",
    "pair": "pairs of forms never trained",
    "template": "asked in templates",
    "job": "job",
    "new relation": "relations none has",
    "hop": "two facts",
} | {test: f"asked in {test.rpartition(' ')[2]}" for test in LANGUAGES}
COLOURS = (BLUE, ORANGE, "#3d9970")


def picture(pool: Pool, runs: Sequence[Run]) -> str:
    titles = {
        "quality": ("quality: wrong replies among them", ("fact", "form")),
        "phrasing": ("phrasing: facts", ("fact", "template")),
        "tasks": ("tasks: relations in 700 questions", ("job", "new relation", "hop")),
    }
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 8.2), layout="constrained")
        panels = figure.subplots(3, 2)
        _curves(panels[0, 0], arms_of("amount", runs), ("fact", "form", "pair"))
        for axes, group in zip(panels.flat[1:4], titles, strict=True):
            _dots(axes, pool, titles[group][0], arms_of(group, runs), titles[group][1])
        _dots(panels[2, 0], pool, "language: what both tell", arms_of("language", runs), LANGUAGES[:2])
        _dots(panels[2, 1], pool, "language: what only Faric tells", arms_of("language", runs), LANGUAGES[2:])
        figure.supxlabel("right, or in the form that was asked for, %; dotted: always the usual answer", fontsize=9)
        return svg(figure)


def _ends(found: measure.Measured) -> tuple[list[float], list[float]]:
    """How far the interval reaches to either side, as matplotlib wants it, in percent."""
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    return [100 * (found.value - low)], [100 * (high - found.value)]


def _curves(axes: Axes, arms: Mapping[str, Sequence[Run]], names: Sequence[str]) -> None:
    x = [int(arm.replace(",", "")) for arm in arms]
    for name, colour in zip(names, COLOURS, strict=True):
        found = [pooled(done, name) for done in arms.values()]
        axes.plot(x, [100 * one.value for one in found], "o-", color=colour, linewidth=1.6, ms=4, label=LEGEND[name])
        for amount, one in zip(x, found, strict=True):
            axes.errorbar(amount, 100 * one.value, _ends(one), color=colour, linewidth=1)
    axes.set_xscale("log")
    axes.set_xticks(AMOUNTS, [f"{amount:,}" for amount in AMOUNTS])
    axes.minorticks_off()
    axes.set_ylim(-2, 102)
    _finish(axes, "amount: how many instructions")


def _dots(axes: Axes, pool: Pool, title: str, arms: Mapping[str, Sequence[Run]], names: Sequence[str]) -> None:
    """A row for each arm, the first one on top, and in it a dot for each test."""
    for i, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        for row, done in enumerate(arms.values()):
            found, label = pooled(done, name), LEGEND[name] if row == 0 else None
            y = row + 0.22 * (i - (len(names) - 1) / 2)
            axes.errorbar(100 * found.value, y, xerr=_ends(found), fmt="o", ms=4, color=colour, lw=1.4, label=label)
        axes.axvline(100 * floors(pool, name)[1], color=colour, linewidth=0.9, linestyle=":")
    axes.set_yticks(range(len(arms)), list(arms))
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_xlim(-2, 102)
    _finish(axes, title)


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.grid(visible=True, linewidth=0.6)
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.45, -0.1), ncols=3, handletextpad=0.3)


class Runs:
    """Those that are done with these steps, and a place to keep more: one line of JSON each."""

    def __init__(self, place: Path, steps: int) -> None:
        self.place = place
        self.steps = {(arm.group, arm.name): round(arm.share * steps) for arm in ARMS} | {("base", "base"): 0}
        lines = place.read_text().splitlines() if place.exists() else []
        self.done = [
            run for run in map(json.loads, lines) if run["steps"] == self.steps.get((run["group"], run["arm"]))
        ]

    def has(self, group: str, arm: str, seed: int) -> bool:
        return any((run["group"], run["arm"], run["seed"]) == (group, arm, seed) for run in self.done)

    def keep(self, group: str, arm: str, seed: int, found: dict[str, Hits]) -> None:
        run = {"group": group, "arm": arm, "seed": seed, "steps": self.steps[group, arm], "found": found}
        self.done.append(run)
        with self.place.open("a") as file:
            file.write(json.dumps(run) + "\n")
        shown = {name: round(pooled([run], name).value, 3) for name in found}
        print(f"{group}, {arm}, seed {seed}: {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300, help="of amount and quality; the others have half of them")
    parser.add_argument("--base-steps", type=int, default=BASE_STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("-o", "--out", type=Path, default=Path("instructions"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    world = World(0, people=PEOPLE)
    make_base(world, given.out, given.base_steps)
    pool, runs = Pool(world), Runs(given.out / "runs.jsonl", given.steps)
    if not runs.has("base", "base", 0):
        known = ("fact", "new relation", "hop", *LANGUAGES)
        runs.keep("base", "base", 0, asked_of(open_folder(given.out / "base"), pool, known, talks=False))
    for seed in given.seeds:
        for arm in ARMS:
            if not runs.has(arm.group, arm.name, seed):
                model = tuned(given.out, arm.chats(pool, seed), runs.steps[arm.group, arm.name], seed)
                runs.keep(arm.group, arm.name, seed, asked_of(model, pool, arm.tests, talks=True))
    print("\n\n".join(table(pool, group, runs.done) for group in SHOWN))
    (given.out / "instructions.svg").write_text(picture(pool, runs.done))


if __name__ == "__main__":
    main()
