"""What cleaning is worth: the same road walked with a dirty crawl and with what `onward clean` leaves of it.

    python benchmarks/dirty_clean.py --steps 1700 --seeds 0 1 2 -o dirty-clean

For each seed, a world and its crawl, which is cleaned once. Then two models of the default's shape, in as many steps of as many tokens
each, and so in the same minutes, from base to chat: one from the crawl as it was found, one from the clean texts. The chats are the
same, and clean. Both are asked for bits per byte of undamaged pages that both have held out, and of lines in phrasings that no training
text has; and for the answers of the default's exam. Left out: the time that cleaning takes, and other shares of dirt.
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
from onward.generate.chat_model import FolderModel
from onward.generate.load import open_folder
from onward.tokens.tokenizer import Tokenizer
from onward.train import pretrain
from onward.train.plan import Shape, Wishes
from onward.train.shards import Shards
from onward.world import World
from onward.world.kinds import TEXTS

SIDES = ("dirty", "clean")
STAGES = ("base", "sft")
WRITTEN = ("biography", "letter", "news", "description")
"""Kinds of text that have held-out phrasings."""
LINES = "bits per byte of lines in new phrasings"
PAGES = "bits per byte of held-out pages"
LONGEST = 600
"""Characters of such a page: it has to fit into the models' window."""


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


def bits_per_byte(model: FolderModel, texts: list[str]) -> float:
    nats = -sum(model.score("", text) for text in texts)
    return nats / np.log(2) / sum(len(text.encode()) for text in texts)


def lines_in_new_phrasings(seed: int) -> list[str]:
    world = World(seed, people=country.PEOPLE)
    texts = [record.text or "" for kind in WRITTEN for record in TEXTS[kind](world) if record.split == "phrasing"]
    return [line for text in texts for line in text.splitlines() if line]


def held_out_pages(data: Path, clean: Path) -> list[str]:
    """Which side of the split a document is on depends on its text alone, so that these are held out on the dirty side too."""
    with (country.world(data) / "crawl" / "crawl.jsonl").open(encoding="utf-8") as file:
        undamaged = {record["text"] for record in map(json.loads, file) if not record["truth"]["wrong"]}
    shards, tokenizer = Shards(clean / "data" / pretrain.HELD_OUT), Tokenizer.load(clean / "base")
    texts = [tokenizer.decode(shards.document(i).tolist()) for i in range(shards.documents)]
    return [text for text in texts if text in undamaged and len(text) <= LONGEST]


def examined(data: Path, place: Path, seed: int) -> dict[str, float]:
    """Of both stages."""
    lines, found = lines_in_new_phrasings(seed), {}
    for stage in STAGES:
        model = open_folder(place / stage)
        found[f"{stage}: {LINES}"] = bits_per_byte(model, lines)
        for result in exam.examine(model, country.world(data), talks=stage == "sft", seed=seed):
            found[f"{stage}: {result.suite}"] = result.value
    return found


def table(found: list[dict[str, dict[str, float]]]) -> str:
    """The mean over the seeds of either side, and of the difference, with the least and the most of it."""
    lines = ["| | dirty | clean | difference (least to most) |", "|---|---|---|---|"]
    for name in found[0]["clean"]:
        dirty, clean = (np.array([run[side][name] for run in found]) for side in SIDES)
        form = "{:.3f}" if "bits" in name else "{:.1%}"
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
                results.write_text(json.dumps(examined(data, place / side, seed)))
            run[side] = json.loads(results.read_text())
        pages = held_out_pages(data, place / "clean")
        for side in SIDES:
            for stage in STAGES:
                run[side][f"{stage}: {PAGES}"] = bits_per_byte(open_folder(place / side / stage), pages)
            print(seed, side, run[side], flush=True)
        print(len(pages), "pages", flush=True)
        found.append(run)
    print(table(found))


if __name__ == "__main__":
    main()
