"""A corpus larger than memory: read, tokenised and trained on by processes whose memory is limited.

    python benchmarks/large_corpus.py [--gigabytes 2] [--memory 2] [--steps 20] [--rounds 5] [--keep FOLDER]

First, on a small part: reading alone; then `tokenizers` alone (texts already in memory, the same threads) and Onward (from the files to
finished shards) in turn, medians and their ratio. Then the real `onward pretrain` on all of it, watched from outside: its private memory
and its time, by what it says that it is doing.

The limit is RLIMIT_DATA: all private writable memory that the process has asked the kernel for, touched or not. It needs no rights, and
unlike RLIMIT_AS it does not count what is merely reserved, or mapped from files, which the kernel takes back whenever it likes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WORDS = 2**16
STREAMS, STEPS = 4096, 256  # words of a block: that many at once, one after the other
FILES = 8
PART = 24_000_000  # bytes of the part on which speeds are compared


def texts(size: int, seed: int) -> Iterator[str]:
    """About `size` characters of documents: words by Zipf's law, each with a few words that like to follow it, in sentences."""
    noise = np.random.default_rng(seed)
    syllables = [a + b for a in "bcdfghklmnprstvw" for b in "aeiou"]
    drawn = {"".join(syllables[i] for i in noise.integers(0, 80, 1 + k)) for k in noise.geometric(0.5, 4 * WORDS)}
    words = sorted(sorted(drawn)[:: max(1, len(drawn) // WORDS)][:WORDS], key=len)  # the frequent ones are short
    forms = np.array([form for word in words for form in (word, word.capitalize(), word + ".")], dtype=object)
    odds = np.cumsum(1 / (np.arange(len(words)) + 3))
    zipf = np.searchsorted(odds, (np.arange(2**20) + 0.5) / 2**20 * odds[-1])
    following = zipf[noise.integers(0, 2**20, (len(words), 8))]
    word = zipf[noise.integers(0, 2**20, STREAMS)]
    written = 0
    while written < size:
        block = np.empty((STEPS, STREAMS), dtype=np.int64)
        for step, chance in enumerate(noise.integers(0, 2**31, block.shape)):
            follows = (chance >> 23) % 256 < 154
            word = np.where(follows, following[word, (chance >> 20) % 8], zipf[chance % 2**20])
            block[step] = word
        ends = noise.random(block.size) < 1 / 12
        shown = forms[3 * block.T.ravel() + np.where(ends, 2, np.roll(ends, 1))].tolist()
        at = 0
        for length in (noise.lognormal(5.5, 0.8, 8000) + 10).astype(int).tolist():
            text = " ".join(shown[at : at + length])
            at += length
            if not text or written >= size:
                break
            written += len(text) + 1
            yield text


def write(folder: Path, size: int, seed: int) -> int:
    """The texts as files of two kinds in turn. Returns their bytes."""
    folder.mkdir(parents=True)
    found = texts(size, seed)
    for number in range(FILES):
        is_json = number % 2 == 0
        with (folder / f"part-{number}.{'jsonl' if is_json else 'txt'}").open("w", encoding="utf-8") as file:
            while file.tell() < size / FILES and (text := next(found, None)):
                file.write(json.dumps({"text": text}) + "\n" if is_json else f"{text}\n<|endoftext|>\n")
    return bytes_of(folder)


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def speeds(part: Path, rounds: int) -> None:
    """MB/s of reading, of `tokenizers` alone and of Onward, in turn."""
    from onward.corpus.read import documents
    from onward.tokens.train import train
    from onward.train.cutting import cut
    from onward.train.pretrain import up_to

    tokenizer = train(up_to(4_000_000, (document.text for document in documents([part]))), 4096)
    backend = tokenizer._encoder("\U000f0000")
    held = [document.text for document in documents([part])]
    size = bytes_of(part) / 1e6
    rows = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in documents([part]):
            pass
        read = time.perf_counter()
        for first in range(0, len(held), 1000):
            backend.encode_batch_fast(held[first : first + 1000], add_special_tokens=False)
        alone = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            cut(documents([part]), tokenizer, Path(place) / "text")
            ours = time.perf_counter()
        rows.append((size / (read - began), size / (alone - read), size / (ours - alone)))
    reading, theirs, mine = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(row[2] / row[1] for row in rows)
    print(f"{size:.0f} MB, medians of {rounds} interleaved rounds, {os.cpu_count()} cores")
    print(
        f"reading {reading:.0f} MB/s; tokenizers alone {theirs:.2f} MB/s; from files to shards {mine:.2f} MB/s: {ratio:.0%}"
    )


@dataclass
class Phase:
    """What went on between two things that the process said."""

    title: str
    began: float
    seconds: float = 0.0
    anonymous: int = 0
    """Bytes of private memory in use, at most."""
    data: int = 0
    """Bytes of what the limit counts, at most."""


CUTTING = "cutting the texts"
SAYS = ("training a tokenizer", CUTTING, "What will be seen", "pretrain ")


def watched(command: list[str], limit: int, shards: Path) -> list[Phase]:
    """Run a command with limited memory and look at it from outside, and for when its shards are there. Ends this program if it fails."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: limited(limit))
    phases = [Phase("starting", time.perf_counter())]
    said: list[str] = []

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            title = next((title for title in SAYS if line.startswith(title)), None)
            if title and title != phases[-1].title:
                phases.append(Phase(title, time.perf_counter()))

    listener = threading.Thread(target=listen)
    listener.start()
    while process.poll() is None:
        look(process.pid, phases[-1])
        if phases[-1].title == CUTTING and shards.exists():
            phases.append(Phase("packing, and timing a step", time.perf_counter()))
        time.sleep(0.02)
    listener.join()
    if process.returncode:
        sys.exit("".join(said[-20:]) + f"the command ended with {process.returncode}")
    return phases


def look(pid: int, phase: Phase) -> None:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {
        name: int(value.split()[0]) * 1024 for name, value in (line.split(":", 1) for line in status) if "kB" in value
    }
    phase.seconds = time.perf_counter() - phase.began
    phase.anonymous = max(phase.anonymous, found.get("RssAnon", 0))
    phase.data = max(phase.data, found.get("VmData", 0))


def limited(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=2.0, help="of text")
    parser.add_argument("--memory", type=float, default=2.0, help="gigabytes that a process may have")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="where to put texts and model, instead of a folder that goes away")
    parser.add_argument("--speeds", type=Path, help=argparse.SUPPRESS)  # this program, as a limited process of its own
    given = parser.parse_args()
    if given.speeds:
        speeds(given.speeds, given.rounds)
        return
    limit = int(given.memory * 1e9)
    with tempfile.TemporaryDirectory() as temporary:
        place = given.keep or Path(temporary)
        write(place / "part", min(PART, int(given.gigabytes * 1e9)), given.seed + 1)
        own = [sys.executable, __file__, "--speeds", str(place / "part"), "--rounds", str(given.rounds)]
        subprocess.run(own, check=True, preexec_fn=lambda: limited(limit))
        began = time.perf_counter()
        size = write(place / "texts", int(given.gigabytes * 1e9), given.seed)
        print(f"{size / 1e9:.2f} GB of text made in {time.perf_counter() - began:.0f} s", flush=True)
        out = place / "model"
        command = [sys.executable, "-m", "onward", "pretrain", str(place / "texts"), "-o", str(out)]
        phases = watched([*command, "--steps", str(given.steps)], limit, place / "model.training" / "text")
        report(phases, size, limit, out)


def report(phases: list[Phase], size: int, limit: int, out: Path) -> None:
    from onward import lineage

    print(f"onward pretrain, limited to {limit / 1e9:g} GB of private memory (RLIMIT_DATA)")
    print("| what | seconds | private memory in use, most | counted by the limit, most |\n|---|---|---|---|")
    for phase in phases:
        print(f"| {phase.title} | {phase.seconds:.0f} | {phase.anonymous / 1e9:.2f} GB | {phase.data / 1e9:.2f} GB |")
    cutting = next(phase for phase in phases if phase.title == CUTTING)
    print(f"cutting: {size / 1e6 / cutting.seconds:.2f} MB/s")
    history = lineage.read(out)
    assert history is not None
    for result in history.results:
        print(
            f"{result.suite}: {result.value:.3f} {result.metric} (xz -9: {result.baseline:.3f}, chance {result.chance:g})"
        )


if __name__ == "__main__":
    main()
