"""How many copies of a test must have been learned until it is seen, and how often is it "seen" where there is none?

    python benchmarks/contamination.py [--copies 0 1 4 16] [--seeds 0 1] [-o contamination]

The built-in world writes 400 news stories by one generator; a random half of them, in a random order, is the test, the other half is
never learned and is what the test is held against: an AUC of 0.5 is the truth where there are no copies. Small models are trained for one
pass over the world's other texts, to which copies of the test were added: as one document in the published order (file), or each text for
itself among the others (items). Each is examined as `onward contamination MODEL --suite test.jsonl --against unseen.jsonl` does it. What
is there in the folder already is not trained again.

Then the false alarms: by simulated scores; and by the models without copies, whose 400 scores are parted at random, and of each shard of
whose test any order is taken for the published one.

Left out: copies in other words, and a second stage of training after which they may be forgotten.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
from rich.console import Console

import onward
from onward.corpus.split import place
from onward.evaluate import run
from onward.evaluate.asking import FolderRespondent
from onward.evaluate.contamination import order, separation
from onward.evaluate.contamination.documents import open_texts
from onward.evaluate.contamination.examination import suite, verdict
from onward.evaluate.contamination.parts import likelihoods
from onward.evaluate.settings import How
from onward.train import pretrain
from onward.train.plan import Shape, Wishes
from onward.train.workspace import Workspace
from onward.world import World
from onward.world.kinds import TEXTS

KINDS = ("letter", "diary", "description", "quiz", "news")
HALF = 200
LEARNED = 0.1
"""Texts whose place is below 0.05 are held out by pretraining; those of the test and of what it is held against lie above this."""
SHAPE, QUIET = Shape(depth=4, width=96), Console(quiet=True)
HOW = How()
PARTS, SLOW = 1000, ("texts", "simulated: yes")
"""Random partings, and simulated experiments; a tenth of them where each takes long."""
STUDENT = "order: p by Student's t"
SHOWN = (
    "order: excess of the published one",
    "Min-K%++: AUC",
    "Min-K%: AUC",
    "mean log-probability: AUC",
    "completion: AUC",
    "completion: guided less general",
    "seen it? yes, above the control",
    "control: told apart by words alone",
    "control: Min-K%++, every other item",
)


def write(path: Path, texts: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


def corpus(out: Path, seed: int) -> tuple[list[str], list[str]]:
    """Writes the test and what it is held against; returns the test and all other texts, in random orders."""
    random, world = Random(f"contamination {seed}"), World(seed)
    texts = {
        kind: list(dict.fromkeys(record.text or "" for record in TEXTS[kind](world) if record.split == "train"))
        for kind in KINDS
    }
    news = random.sample([text for text in texts["news"] if place(text) > LEARNED], 2 * HALF)
    write(out / "test.jsonl", news[:HALF])
    write(out / "unseen.jsonl", news[HALF:])
    others = [text for kind in KINDS for text in texts[kind] if text not in set(news)]
    random.shuffle(others)
    return news[:HALF], others


def train(out: Path, arm: str, copies: int, seed: int) -> None:
    test, others = corpus(out, seed)
    added = [order.BETWEEN.join(test)] * copies if arm == "file" else test * copies
    where, texts = out / f"{arm}-{copies}", out / f"{arm}-{copies}.jsonl"
    # Pretraining always holds out one of the first few, so these are no copies.
    write(texts, others[:100] + Random(seed).sample(others[100:] + added, len(others) - 100 + len(added)))
    wishes = Wishes(minutes=60, passes=1, length=256, batch=2048, seed=seed, device="cpu", eager=True)
    with Workspace(where, {}) as workspace:
        made = pretrain.prepare([str(texts)], workspace, wishes, SHAPE, vocab=2048, console=QUIET)
        made.run(QUIET)


def examined(out: Path, arm: str, copies: int) -> dict[str, object]:
    """The rows of one model, by their names: value, interval and p."""
    _, test = open_texts(str(out / "test.jsonl"))
    _, unseen = open_texts(str(out / "unseen.jsonl"))
    model = onward.load(out / f"{arm}-{copies}", device="cpu")
    asked = suite("test", test, unseen)
    found = run.evaluate(model, asked, HOW, out / "evaluations", run.opened(model, out / "evaluations"))
    rows = {row.metric: row.measured for row in found.rows}
    figures = {
        name: [rows[name].value, rows[name].low, rows[name].high, rows[f"p: {name}"].value]
        for name in SHOWN
        if f"p: {name}" in rows
    }
    plain = {name: [m.value, m.low, m.high, None] for name, m in rows.items() if name not in figures}
    return {"arm": arm, "copies": copies, "rows": figures | plain, "verdict": verdict(found)}


def table(runs: Sequence[dict[str, object]]) -> None:
    print("| copies | seed | " + " | ".join(SHOWN) + " | order, Student's t | found at 5 % false, Min-K%++ |")
    print("|---" * (len(SHOWN) + 4) + "|")
    for one in runs:
        rows = one["rows"]
        assert isinstance(rows, dict)
        cells = [_cell(rows.get(name)) for name in SHOWN]
        cells += [f"{rows[STUDENT][0]:.2g}", _cell(rows["Min-K%++: found at 5 % false"])]
        print(f"| {one['copies']} ({one['arm']}) | {one['seed']} | " + " | ".join(cells) + " |")
    for one in runs:
        print(f"{one['copies']} ({one['arm']}), seed {one['seed']}: {one['verdict']}")


def _cell(figures: Sequence[float | None] | None) -> str:
    if figures is None:
        return ""
    value, low, high, p = figures
    return f"{value:.2f} ({low:.2f} to {high:.2f})" + ("" if p is None else f", p = {p:.2g}")


def orders(out: Path) -> list[list[float]]:
    """Of each shard of the test and each of its orders the likelihood, by the model without copies: known from its examination."""
    _, items = open_texts(str(out / "test.jsonl"))
    asked = run.opened(onward.load(out / "file-0", device="cpu"), out / "evaluations")
    assert isinstance(asked, FolderRespondent)
    found = likelihoods(asked, [item.text for item in items], HOW.seed)
    return [[one.log_probs[0] for one in answers if one] for answers in found.values()]


def scores(out: Path, name: str) -> list[float]:
    """Of all 400 texts, by the model without copies."""
    place = next((out / "evaluations" / "contamination-test-against").glob("*-file-0-*.jsonl"))
    records = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    return [record[name] for record in records if name in record]


def alarms(seeds: Sequence[int], out: Path) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Experiments in which there is nothing to be found, each of which says whether something was."""
    generator = np.random.default_rng(0)

    def parted(values: Sequence[float]) -> separation.Contrast:
        shuffled = generator.permutation(values)
        return separation.area(shuffled[:HALF].tolist(), shuffled[HALF:].tolist())

    def by_words(texts: Sequence[str]) -> separation.Contrast:
        shuffled = generator.permutation(texts).tolist()
        return separation.blind(shuffled[:HALF], shuffled[HALF:])

    def ordered(shards: Sequence[Sequence[float]]) -> list[list[float]]:
        return [generator.permutation(shard).tolist() for shard in shards]

    def drawn(shift: float = 0) -> separation.Contrast:
        return separation.area(generator.normal(shift, 1, HALF).tolist(), generator.normal(0, 1, HALF).tolist())

    def off(found: separation.Contrast, truth: float = 0.5) -> bool:
        return not (found.measured.low or 0) <= truth <= (found.measured.high or 0)

    yield "simulated: AUC's interval misses 0.5", lambda: off(drawn())
    yield "simulated: AUC's interval misses a true 0.760", lambda: off(drawn(1.0), 0.7602)
    yield "simulated: AUC's p at most 0.05", lambda: drawn().p <= 0.05
    skewed = [generator.exponential(1, 31).tolist() for _ in range(30)]
    yield "simulated, skewed: order's p at most 0.05", lambda: order.permutation_p(ordered(skewed)) <= 0.05
    yield "simulated: order's p by Student's t at most 0.05", lambda: order.t_p(generator.normal(0, 1, 30)) <= 0.05
    yes = generator.random(2 * HALF) < 0.5
    yield (
        "simulated: yes above the control, p at most 0.05",
        lambda: separation.more(*np.split(generator.permutation(yes), 2)).p <= 0.05,
    )
    for seed in seeds:
        place = out / str(seed)
        for name in ("Min-K%++", "Min-K%", "general ROUGE-L"):
            values = scores(place, name)
            yield f"model {seed}, {name}: AUC's interval misses 0.5", lambda values=values: off(parted(values))
        news = [item.text for name in ("test", "unseen") for item in open_texts(str(place / f"{name}.jsonl"))[1]]
        yield f"texts {seed}: told apart by words alone, p at most 0.05", lambda news=news: by_words(news).p <= 0.05
        shards = orders(place)
        yield (
            f"model {seed}: order's p at most 0.05, {len(shards)} shards",
            lambda shards=shards: order.permutation_p(ordered(shards)) <= 0.05,
        )
        yield (
            f"model {seed}: order's p by Student's t at most 0.05",
            lambda shards=shards: order.t_p(order.excess(ordered(shards))) <= 0.05,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, nargs="+", default=[0, 1, 4, 16])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("-o", "--out", type=Path, default=Path("contamination"))
    given = parser.parse_args()
    runs = []
    for seed in given.seeds:
        for copies in given.copies:
            for arm in ("file", "items") if copies else ("file",):
                place = given.out / str(seed)
                if not (place / f"{arm}-{copies}" / "onward.json").exists():
                    train(place, arm, copies, seed)
                runs.append(examined(place, arm, copies) | {"seed": seed})
                print(f"seed {seed}, {copies} ({arm}): {runs[-1]['verdict']}", flush=True)
    table(runs)
    if 0 in given.copies:
        print("\n| where there is nothing | share of experiments in which something was found |\n|---|---|")
        for name, found in alarms(given.seeds, given.out):
            rounds = PARTS // 10 if name.startswith(SLOW) else PARTS
            share = sum(found() for _ in range(rounds)) / rounds
            print(f"| {name} | {share:.3f} of {rounds:,} |", flush=True)


if __name__ == "__main__":
    main()
