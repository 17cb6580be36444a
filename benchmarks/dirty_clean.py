"""What cleaning is worth: the same road walked with a dirty crawl and with what `onward clean` leaves of it.

    python benchmarks/dirty_clean.py --steps 1700 --seeds 0 1 2 -o dirty-clean

For each seed, a world and its crawl, which is cleaned once. Then two models of the default's shape, in as many steps of as many tokens
each, and so in the same minutes, from base to chat: one from the crawl as it was found, one from the clean texts. The chats are the same,
and clean. Both are asked for bits per byte of undamaged lines in phrasings that no training text has, and for the answers of the default's
exam. Left out: the time that cleaning takes, and other shares of dirt.
What is finished is not done again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console

from onward.build import country, exam
from onward.build.road import Road, build
from onward.generate.engine import Engine
from onward.generate.load import open_folder
from onward.train.plan import Shape, Wishes
from onward.world import World
from onward.world.kinds import TEXTS

SIDES = ("dirty", "clean")
STAGES = ("base", "sft")
WRITTEN = ("biography", "letter", "news", "description")
"""Kinds of text that have held-out phrasings."""
BITS = "bits per byte of clean text"


def walk(data: Path, place: Path, side: str, seed: int, steps: int) -> None:
    """The default's road, from one of the two corpora instead of its own."""
    texts = country.world(data) / "crawl" / "crawl.jsonl" if side == "dirty" else data / "corpus"
    road = Road(
        out=place,
        texts=[str(texts)],
        chats=country.chats(data),
        wishes=country.wishes(Wishes(steps=steps, seed=seed)),
        asked=country.shape(Shape()),
        vocab=country.VOCAB,
    )
    build(road, Console(stderr=True), lambda _: None)


def bits_per_byte(engine: Engine, lines: list[str]) -> float:
    begin = engine.tokenizer.bos_id
    assert begin is not None
    nats = sum(-sum(engine.score([begin], engine.tokenizer.encode(line))) for line in lines)
    return nats / np.log(2) / sum(len(line.encode()) for line in lines)


def measured(data: Path, place: Path, seed: int) -> dict[str, float]:
    """Of both stages."""
    world = World(seed, people=country.PEOPLE)
    texts = [record.text or "" for kind in WRITTEN for record in TEXTS[kind](world) if record.split == "phrasing"]
    lines = [line for text in texts for line in text.splitlines() if line]
    found = {}
    for stage in STAGES:
        model = open_folder(place / stage)
        found[f"{stage}: {BITS}"] = bits_per_byte(model.engine, lines)
        for result in exam.examine(model, country.world(data), talks=stage == "sft", seed=seed):
            found[f"{stage}: {result.suite}"] = result.value
    return found


def table(found: list[dict[str, dict[str, float]]]) -> str:
    """The mean over the seeds of either side, and of the difference, with the least and the most of it."""
    lines = ["| | dirty | clean | difference (least to most) |", "|---|---|---|---|"]
    for name in found[0]["clean"]:
        dirty, clean = (np.array([run[side][name] for run in found]) for side in SIDES)
        form = "{:.3f}" if BITS in name else "{:.1%}"
        apart = clean - dirty
        mean, low, high = (form.format(value) for value in (apart.mean(), apart.min(), apart.max()))
        lines.append(
            f"| {name} | {form.format(dirty.mean())} | {form.format(clean.mean())} | {mean} ({low} to {high}) |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1700)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("-o", "--out", type=Path, default=Path("dirty-clean"))
    given = parser.parse_args()
    found = []
    for seed in given.seeds:
        place = given.out / str(seed)
        data = place / "data"
        data.mkdir(parents=True, exist_ok=True)
        country.make(data, seed, Console(stderr=True))
        run = dict[str, dict[str, float]]()
        for side in SIDES:
            results = place / f"{side}.json"
            if not results.exists():
                walk(data, place / side, side, seed, given.steps)
                results.write_text(json.dumps(measured(data, place / side, seed)))
            run[side] = json.loads(results.read_text())
            print(seed, side, run[side], flush=True)
        found.append(run)
    print(table(found))


if __name__ == "__main__":
    main()
