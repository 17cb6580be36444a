"""How well `onward clean` finds dirt and leaves good text alone, and how fast it is.

    python benchmarks/cleaning.py measure CRAWL.jsonl [--rude-words FILE] [--json OUT.json]
    python benchmarks/cleaning.py plant TEXTS... [--held-out] [--documents 4000] [--seed 0] [--words 50 300]
    python benchmarks/cleaning.py speed TEXTS... [--rounds 3]
    python benchmarks/cleaning.py thresholds TEXTS... [--documents 2000]

`measure` reads a crawl as `onward world` writes it, whose truth says what is wrong with each document; `plant` makes one out of real texts.
What is wrong with a document is handled if the document is dropped; or if it is a copy, and no other of the same text is kept; or if the
damage is gone: none of the personal "items" is left; of the lines of "boilerplate" at most a fifth; of markup, symbols and broken
encodings so much that the text differs from the "clean" one in one word in twenty at most (in five where there was markup, since headings
and captions are text, and no tag, entity or rule of style is left). Precision is the share of dropped documents that are dirty, or that are
dropped as duplicates and have a copy. Texts in Faric, the world's second language, are among its raw texts: that an English cleaning
drops them as another language counts neither for it nor against it.

`speed` cleans the same files with Onward and with the steps of FineWeb as datatrove publishes them (examples/fineweb.py: repetition,
Gopher, C4 and FineWeb rules, MinHash; without what needs a download), in turn, one worker each. `thresholds` shows how much good text each
rule drops with the published numbers and with ours.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from loguru import logger
from rich.console import Console

from onward.corpus.cleaning import duplicates, quality
from onward.corpus.cleaning.assemble import read_clean, read_dropped
from onward.corpus.cleaning.clean import clean
from onward.corpus.cleaning.rules import Rules
from onward.corpus.cleaning.words import Words
from onward.corpus.read import documents
from onward.world import World, rude
from onward.world.dirt.crawl import crawl
from onward.world.record import Record

Report = dict[str, Any]


def cleaned(path: Path, out: Path, **rules: Any) -> tuple[dict[int, str], dict[int, str]]:
    """The texts that are kept and the reasons of those that are not, by line."""
    clean([path], out, Rules(**rules), force=True, console=Console(stderr=True, highlight=False))
    kept = {record["number"]: record["text"] for record in read_clean(out)}
    reasons = [file.stem for file in sorted((out / "dropped").glob("*.jsonl"))]
    return kept, {record["number"]: reason for reason in reasons for record in read_dropped(out, reason)}


def measure(path: Path, *, rude_words: list[str], keep: Path | None = None) -> Report:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    with tempfile.TemporaryDirectory() as place:
        kept, dropped = cleaned(path, keep or Path(place) / "out", rude_words=tuple(rude_words))
    copies, truths = groups(records), [record["truth"] for record in records]
    foreign = {n for n, reason in dropped.items() if is_foreign(truths[n - 1]) and reason == "other-language"}
    wrongly = {
        number: reason
        for number, reason in dropped.items()
        if number not in foreign
        and not truths[number - 1]["wrong"]
        and not (reason.endswith("duplicate") and len(copies[number]) > 1)
    }
    handled: dict[str, list[bool]] = defaultdict(list)
    missed: dict[str, list[int]] = defaultdict(list)
    for number, truth in enumerate(truths, start=1):
        for kind in truth["wrong"]:
            done = number in dropped or is_mended(kind, truth, kept.get(number, ""), copies[number] & kept.keys())
            handled[kind].append(done)
            if not done:
                missed[kind].append(number)
    good = [number for number in kept if not truths[number - 1]["wrong"]]
    changed = sum(kept[number].split() != records[number - 1]["text"].split() for number in good)
    return {
        "documents": len(records),
        "dropped": len(dropped),
        "in Faric, dropped": len(foreign),
        "precision": 1 - len(wrongly) / max(len(dropped) - len(foreign), 1),
        "good": sum(not truth["wrong"] for truth in truths),
        "good dropped, by reason": dict(Counter(wrongly.values())),
        "good dropped": wrongly,
        "good changed": changed / max(len(good), 1),
        "recall": {kind: sum(done) / len(done) for kind, done in sorted(handled.items())},
        "n": {kind: len(done) for kind, done in sorted(handled.items())},
        "missed": missed,
        "reasons": {
            kind: dict(Counter(reason for n, reason in dropped.items() if kind in truths[n - 1]["wrong"]))
            for kind in sorted(handled)
        },
    }


def is_foreign(truth: Report) -> bool:
    return truth.get("source") == "monolingual" and not truth["wrong"]


def groups(records: list[Report]) -> dict[int, set[int]]:
    """For each line, the lines of the same text and of its copies, itself included."""
    by_id = {record["id"]: number for number, record in enumerate(records, start=1)}
    found: dict[int, set[int]] = {number: {number} for number in by_id.values()}
    by_text: dict[str, int] = {}
    for number, record in enumerate(records, start=1):
        others = [by_id.get(record["truth"].get("of")), by_text.setdefault(" ".join(record["text"].split()), number)]
        for other in others:
            if other is not None and other != number:
                joined = found[number] | found[other]
                for one in joined:
                    found[one] = joined
    return found


def is_mended(kind: str, truth: Report, text: str, copies: set[int]) -> bool:
    """Of a document that is kept.   text: as it was kept; copies: the lines of its text that are kept."""
    if kind.endswith("duplicate"):
        return len(copies) == 1
    if kind == "personal-data":
        return not any(item["text"] in text for item in truth["items"])
    if kind == "boilerplate":
        lines = [line for piece in truth["boilerplate"] for line in piece.split("\n")]
        return sum(len(line) for line in lines if line in text) <= 0.2 * sum(map(len, lines))
    if kind == "html" and re.search(r"</?[a-zA-Z][^<>]*>|&#?\w+;|\{[^{}]*[:;]", text):
        return False
    if kind in ("html", "broken-encoding", "symbols") and "clean" in truth:
        more = " ".join([*truth.get("boilerplate", []), *(item["text"] for item in truth.get("items", []))])
        return difference(text, truth["clean"], more) <= (0.2 if kind == "html" else 0.05)
    return False


def difference(text: str, wanted: str, more: str = "") -> float:
    """Words that only one of two texts has, for each word that was wanted.   more: words that the first may have besides."""
    found, right, allowed = (Counter(re.findall(r"[^\W_]+", one)) for one in (text, wanted, more))
    return ((found - right - allowed).total() + (right - found).total()) / max(right.total(), 1)


def pieces(texts: list[str], least: int, most: int, wanted: int, seed: int) -> list[str]:
    """Documents of `least` to `most` words, cut at paragraphs; as many from every source document."""
    chance = random.Random(seed)
    all_of: list[list[str]] = []
    for document in documents(texts):
        found, held, words, aim = [], [], 0, chance.randint(least, most)
        for paragraph in re.split(r"\n\s*\n", document.text):
            held.append(paragraph)
            words += len(paragraph.split())
            if words >= aim:
                if words <= 2 * most:
                    found.append("\n\n".join(held))
                held, words, aim = [], 0, chance.randint(least, most)
        all_of.append(found)
    chance.shuffle(all_of)
    rounds = [piece for turn in range(max(map(len, all_of))) for found in all_of for piece in found[turn : turn + 1]]
    return list(dict.fromkeys(rounds))[:wanted]


def planted(given: argparse.Namespace) -> None:
    """As many documents of the texts as asked for, as a crawl finds them."""
    found = pieces(given.texts, *given.words, given.documents, given.seed)
    random.Random(given.seed).shuffle(found)
    texts = (Record(kind="text", text=text) for text in found)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "crawl.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for number, record in enumerate(crawl(World(given.seed), texts, held_out=given.held_out)):
                file.write(record.line(number))
        rude_words = Path(place) / "rude.txt"
        rude_words.write_text("\n".join(rude.words()))
        show(measure(path, rude_words=[*given.rude_words, str(rude_words)], keep=given.keep), given.json)
        if given.keep:
            path.replace(given.keep / "crawl.jsonl")


def show(found: Report, out: Path | None) -> None:
    print(
        f"{found['documents']:,} documents, {found['dropped']:,} dropped, of them {found['in Faric, dropped']:,} whole texts in Faric"
    )
    print(f"precision {found['precision']:.4f}")
    print(
        f"of {found['good']:,} good ones dropped {found['good dropped, by reason']}, changed {found['good changed']:.4f}"
    )
    print("| kind | n | handled | dropped, by reason |\n|---|---|---|---|")
    for kind, share in found["recall"].items():
        by = ", ".join(f"{reason} {times}" for reason, times in found["reasons"][kind].items())
        print(f"| {kind} | {found['n'][kind]} | {share:.3f} | {by} |")
    if out:
        out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def stock(path: Path, work: Path) -> None:
    """The steps of FineWeb that need no network, with datatrove's thresholds and its word tokeniser exchanged for ours."""
    words, folder = Words(), str(work)
    filters = [
        GopherRepetitionFilter(language=words),
        GopherQualityFilter(language=words),
        C4QualityFilter(filter_no_terminal_punct=False, language=words),
        FineWebQualityFilter(language=words),
    ]
    config = duplicates._near()
    read = JsonlReader(str(path.parent), compression=None, glob_pattern=path.name)
    again = JsonlReader(f"{folder}/filtered", compression=None)
    pipelines = [
        ([read, *filters, JsonlWriter(f"{folder}/filtered", compression=None)], 1),
        ([again, MinhashDedupSignature(f"{folder}/sig", config=config, language=words)], 1),
        ([MinhashDedupBuckets(f"{folder}/sig", f"{folder}/pairs", config=config)], config.num_buckets),
        ([MinhashDedupCluster(f"{folder}/pairs", f"{folder}/remove", config=config)], 1),
        ([again, MinhashDedupFilter(f"{folder}/remove"), JsonlWriter(f"{folder}/out", compression=None)], 1),
    ]
    for number, (pipeline, tasks) in enumerate(pipelines):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{folder}/logs{number}").run()


def speed(given: argparse.Namespace) -> None:
    """Each run is a process of its own, so that neither inherits what the other has loaded."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "texts.jsonl"
        count = 0
        with path.open("w", encoding="utf-8") as file:
            for document in documents(given.texts):
                file.write(json.dumps({"text": document.text}) + "\n")
                count += 1
        size = path.stat().st_size / 1e6
        rows = []
        for number in range(given.rounds):
            times = []
            for name in ("onward", "stock"):
                command = [sys.executable, __file__, "once", name, str(path), f"{place}/{name}-{number}"]
                began = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                times.append(time.perf_counter() - began)
            rows.append(times)
    ours, theirs = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{count:,} documents, {size:.1f} MB, one worker, medians of {given.rounds} rounds in turn")
    for name, seconds in (("onward clean", ours), ("FineWeb's rules and MinHash, stock", theirs)):
        print(f"{name}: {seconds:.1f} s, {count / seconds:,.0f} documents/s, {size / seconds:.2f} MB/s")


def once(given: argparse.Namespace) -> None:
    logger.remove()
    if given.name == "onward":
        cleaned(given.path, given.out, workers=1)
    else:
        stock(given.path, given.out)


def thresholds(given: argparse.Namespace) -> None:
    words = Words()
    published = {
        "repetition": [GopherRepetitionFilter(language=words)],
        "Gopher": [GopherQualityFilter(language=words)],
        "C4": [C4QualityFilter(filter_no_terminal_punct=False, language=words)],
        "FineWeb": [FineWebQualityFilter(language=words)],
    }
    ours = {"repetition, ours": quality.repetition(), "Gopher, C4 and FineWeb, ours": quality.quality()}
    texts = pieces(given.texts, *given.words, given.documents, 0)
    print(
        f"{len(texts):,} good documents of {given.words[0]} to {given.words[1]} words\n| rules | dropped | most by |\n|---|---|---|"
    )
    for name, filters in (published | {name: list(found) for name, found in ours.items()}).items():
        judge = quality.judged_by(lambda filters=filters: filters)
        why = Counter(found for text in texts if (found := judge(text)))
        print(
            f"| {name} | {sum(why.values()) / len(texts):.4f} | {', '.join(f'{w} {n}' for w, n in why.most_common(3))} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    one = verbs.add_parser("measure")
    one.add_argument("path", type=Path)
    one.set_defaults(
        run=lambda given: show(measure(given.path, rude_words=given.rude_words, keep=given.keep), given.json)
    )
    two = verbs.add_parser("plant")
    two.add_argument("--held-out", action="store_true", help="damage with held-out templates only")
    two.add_argument("--seed", type=int, default=0)
    two.set_defaults(run=planted)
    for verb in (one, two):
        verb.add_argument("--rude-words", action="append", default=[])
        verb.add_argument("--json", type=Path)
        verb.add_argument("--keep", type=Path)
    three = verbs.add_parser("speed")
    three.add_argument("--rounds", type=int, default=3)
    three.set_defaults(run=speed)
    four = verbs.add_parser("thresholds")
    four.set_defaults(run=thresholds)
    for verb in (two, three, four):
        verb.add_argument("texts", nargs="+")
    for verb in (two, four):
        verb.add_argument("--documents", type=int, default=4000)
        verb.add_argument("--words", type=int, nargs=2, default=(50, 300))
    five = verbs.add_parser("once")
    five.add_argument("name")
    five.add_argument("path", type=Path)
    five.add_argument("out", type=Path)
    five.set_defaults(run=once)
    given = parser.parse_args()
    given.run(given)


if __name__ == "__main__":
    main()
