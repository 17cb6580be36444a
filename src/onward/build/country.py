"""The default: what a road is walked with where nobody has given it texts. The built-in world, found as a dirty crawl, and cleaned.

    RUN/data/world/     the kinds that are needed, as `onward world` writes them
    RUN/data/corpus/    its crawl, as `onward clean` leaves it

Left out: the road itself (road.py), and the questions that a stage is judged by (exam.py).
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from rich.console import Console

from onward.build import exam
from onward.files import write_bytes
from onward.train.plan import Shape, Wishes
from onward.world import World, rude
from onward.world.kinds import chosen, crawled
from onward.world.progress import KindsWritten
from onward.world.write import write

PEOPLE = 200
MINUTES = 7.2
PASSES = 10.0
"""Over the texts, at most: a country is to be learned by heart."""
DEPTH, WIDTH, BATCH, VOCAB = 3, 128, 2048, 3072
"""Small enough for minutes on two cores, on every machine alike: many small steps, and tokens enough for names to be one or two each."""
TEXTS = ("biography", "letter", "news", "description", "quiz")
CHATS = ("question", "hop", "claim", "unknown", "conversation", "demonstration")
REQUESTS = {"preference": 1600, "question": 640, "unknown": 320}
"""Requests by the kind of record that they are the prompts of, and how many at most. Most ask for a form; of the others some ask what the
world says, and some what it does not say, so that neither to answer nor to say that one does not know is forgotten."""
ABOUT = "the people of a small made-up country (jobs, families, pets, habits), its cities and its companies, and nothing else"
TRIED = {"question": 3, "hop": 1, "unknown": 1}
"""How many questions of each kind are offered to whoever opens a chat."""


def wishes(asked: Wishes) -> Wishes:
    """What was asked for, with what is best here in the place of what was not."""
    minutes = None if asked.steps else asked.minutes or MINUTES
    return replace(asked, minutes=minutes, passes=asked.passes or PASSES, batch=asked.batch or BATCH)


def shape(asked: Shape) -> Shape:
    return replace(asked, depth=asked.depth or DEPTH, width=asked.width or WIDTH)


def world(data: Path) -> Path:
    return data / "world"


def texts(data: Path) -> list[str]:
    return [str(data / "corpus")]


def chats(data: Path) -> Path:
    return world(data) / "chats"


def requests(data: Path) -> Path:
    """What is answered, voted on, and answered again in reinforcement."""
    return data / "requests.jsonl"


def make(data: Path, seed: int, console: Console) -> None:
    """Write the world and clean its crawl, as far as that has not been done."""
    if not world(data).exists():
        console.print("making a country and its texts")
        kinds = {"crawl": partial(crawled, texts=TEXTS)} | chosen((*CHATS, *REQUESTS))
        with KindsWritten(console, list(kinds)) as progress:
            write(World(seed, people=PEOPLE), world(data), kinds, on_record=progress)
    if not requests(data).exists():
        _mix(data, seed)
    if not (data / "corpus").exists():
        _clean(data, console)


def _mix(data: Path, seed: int) -> None:
    """The prompts of the requests with their truth, in an order that mixes the kinds."""
    random, lines = Random(seed), []
    for kind, most in REQUESTS.items():
        (place,) = (path for path in world(data).glob(f"*/{kind}.jsonl") if path.parent.name != "tests")
        records = list(map(json.loads, place.read_text(encoding="utf-8").splitlines()))
        for record in random.sample(records, min(most, len(records))):
            lines.append({"prompt": record.get("prompt") or record["messages"][:1], "truth": record["truth"]})
    random.shuffle(lines)
    write_bytes(requests(data), "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())


def _clean(data: Path, console: Console) -> None:
    """The cleaner is told the world's rude words, which are invented: no list of real ones has them."""
    from onward.corpus.cleaning.clean import clean
    from onward.corpus.cleaning.rules import Rules
    from onward.report.cleaning.page import write_page

    words = data / "rude-words.txt"
    write_bytes(words, "\n".join(rude.words()).encode())
    crawl = world(data) / "crawl" / "crawl.jsonl"
    clean([crawl], data / "corpus", Rules(rude_words=(str(words),)), console=console, page=write_page)


def tries(data: Path) -> list[dict[str, str]]:
    """Five things to try, on what no training question was about, with the right answers."""
    asked = [record["messages"] for kind, most in TRIED.items() for record in exam.drawn(world(data), kind, most)]
    return [{"question": question["content"], "person": answer["content"]} for question, answer in asked]
