"""What instruction tuning forgets: with and without replay, and with questions on strangers, from one base model.

    onward build                                                   # makes runs/world
    python benchmarks/rehearsal.py runs/world --steps 400 -o rehearsal

From the base model of a default run, chat models are trained in the same number of steps of 2,048 tokens: on chats alone; with replay, half
of the rows being texts; and with replay on chats to which questions are added on people who do not exist, to be answered by "I do not
know". Each is examined as `onward build` examines its stages: questions on people whom no training question was about, in new words; with
its interval (bootstrap over these people). A variant that is finished is not trained again. Left out: other shares of replay.
"""

from __future__ import annotations

import argparse
import shutil
from functools import partial
from pathlib import Path

from rich.console import Console

from onward import lineage
from onward.align import instruct
from onward.build import country, exam
from onward.generate.load import open_folder
from onward.tokens.tokenizer import Tokenizer
from onward.train import cutting
from onward.train.plan import Wishes
from onward.train.shards import Shards
from onward.train.workspace import Workspace
from onward.world import World
from onward.world.kinds import chosen
from onward.world.write import write

VARIANTS = {"chats alone": (False, False), "with replay": (True, False), "with replay and strangers": (True, True)}


def shards(run: Path, _: Tokenizer) -> Shards:
    return Shards(run / "data" / "text" / cutting.TRAIN)


def chats(run: Path, out: Path, strangers: bool) -> Path:
    """The run's chats; or a folder of them with those on strangers, of the same world."""
    if not strangers:
        return country.chats(run / "data")
    place = out / "chats"
    if not place.exists():
        history = lineage.read(country.world(run / "data"))
        assert history is not None
        made = {name: history.plan[name] for name in ("seed", "people", "cities", "skew")}
        write(World(made.pop("seed"), **made), out / "strangers", chosen(["stranger"]), force=True)
        shutil.copytree(country.chats(run / "data"), place)
        shutil.copy(out / "strangers" / "chats" / "stranger.jsonl", place)
    return place


def train(run: Path, out: Path, name: str, steps: int) -> Path:
    replay, strangers = VARIANTS[name]
    place = out / name.replace(" ", "-")
    if not place.exists():
        further = {"replay": partial(shards, run)} if replay else {}
        wishes = Wishes(steps=steps, batch=country.BATCH)
        with Workspace(place, {"steps": steps}) as workspace:
            console = Console(stderr=True)
            instruct.prepare(
                run / "base", chats(run, out, strangers), workspace, wishes, console=console, **further
            ).run(console)
    return place


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("-o", "--out", type=Path, default=Path("rehearsal"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    world = country.world(given.run / "data")
    print("| | " + " | ".join(exam.SUBJECTS.values()) + " |\n" + "|---" * (len(exam.SUBJECTS) + 1) + "|")
    for name in ("base", *VARIANTS):
        place = given.run / "base" if name == "base" else train(given.run, given.out, name, given.steps)
        found = exam.examine(open_folder(place), world, talks=name != "base", seed=0)
        told = [f"{r.value:.1%} ({r.low:.1%} to {r.high:.1%})" for r in found]
        print(f"| {name} | " + " | ".join(told) + " |", flush=True)


if __name__ == "__main__":
    main()
