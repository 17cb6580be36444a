"""Bits per byte of held-out text after so many minutes of training on this machine: Onward, Trainer, and a nanoGPT-style script.

    python benchmarks/ten_minutes.py TEXTS --minutes 10 --seeds 0 1 2 -o comparison

- onward: `onward pretrain TEXTS --minutes M`, as a user types it, which chooses its own size. (`onward-searched`, if it is asked for with
  --systems: the same with --depth and --width, searched like the others'.)
- trainer: transformers' Trainer with its defaults. trainer-tuned: with warm-up, another rate, and bf16 and torch.compile where they help.
- nanogpt-style: nanogpt_style.py.

All learn from the same documents and are measured on the same others, whole ones that no side has seen, by the same function
(held_out.py). All have Onward's tokenizer, so that none is helped by having a better one; cutting the texts into tokens is on nobody's
clock. All have the same length of rows. Each of the others is searched for its own best settings on the very held-out text that it will
be judged on, first in a fifth of the time: --sizes, and then, where there is something to choose, rows in a step and learning rate. The
best size and its larger neighbour are then trained for the whole time with the first seed, and the better goes into the table.

The clock counts training, compiling included. Onward's runs from the moment when its data lie ready to the last line of its metrics:
measuring the machine's pace, compiling with an empty cache, checkpoints and held-out measurements are in it. What the others need to
know beforehand (how fast a step is, whether compiling pays, the compiler's cache) they find out off the clock. Should Onward have
taken longer than it was given, the others are given as long as it took. A run that is finished is a line of results.jsonl; the same command
goes on where it was stopped.

The table: the mean over seeds; a 95 % interval by the bootstrap over documents and over seeds, which is wide where documents are
few; and, narrower, the same of the difference from Onward, document by document. Left out: several devices.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import held_out
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from turns import compiler_cache

from onward import lineage
from onward.model.device import choose
from onward.model.folder import read_config
from onward.tokens.tokenizer import Tokenizer
from onward.train import pretrain
from onward.train.plan import Shape, Wishes
from onward.train.training import sources_of_texts
from onward.train.workspace import Workspace

SIZES = ("2x128", "4x128", "4x256", "6x384")
OURS = ("onward", "onward-searched")
SEARCHED: dict[str, dict[str, tuple[float, ...]]] = {
    "onward-searched": {},
    "trainer": {},
    "trainer-tuned": {"rows": (8, 32), "lr": (1e-3, 3e-3)},
    "nanogpt-style": {"rows": (8, 32), "lr": (1e-3, 3e-3)},
}
"""What is tried besides sizes; the first value is the one that sizes are tried with."""
SEARCH = 0.2
"""Share of the minutes that a run of the search has."""
MEASURED = 2**19
"""Held-out targets, at most."""
HERE = Path(__file__).parent

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a system is run with; None is its own choice."""

    size: str | None = None
    rows: int | None = None
    lr: float | None = None

    def options(self) -> list[str]:
        depth, _, width = (self.size or "").partition("x")
        named = {"--depth": depth, "--width": width, "--rows": self.rows, "--lr": self.lr}
        return [str(word) for name, value in named.items() if value for word in (name, value)]

    def __str__(self) -> str:
        said = [self.size, self.rows and f"{self.rows} rows", self.lr and f"lr {self.lr:g}"]
        return ", ".join(str(part) for part in said if part) or "as it comes"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run, as it stands in results.jsonl. bits: of each held-out document."""

    system: str
    setting: Setting
    seed: int
    minutes: float
    data: str
    seconds: float
    steps: int
    tokens: int
    parameters: int
    way: str
    bits_per_byte: float
    bits: list[float]
    command: list[str]
    further: dict[str, Any]
    date: str


class Failed(SystemExit):
    """A training ended with an error."""


class Comparison:
    """The data of one comparison, and the runs that are finished."""

    def __init__(self, texts: list[str], place: Path, minutes: float, device: str | None) -> None:
        self.texts, self.place, self.minutes, self.device = texts, place, minutes, device
        wishes, shape = Wishes(minutes=minutes, device=device), Shape(depth=1, width=64)
        place.mkdir(parents=True, exist_ok=True)
        self.workspace = Workspace(place / "data", {"texts": sources_of_texts(texts)} | asdict(wishes))
        training = pretrain.prepare(texts, self.workspace, wishes, shape, console=Console(stderr=True))
        self.tokenizer, self.length = training.tokenizer_folder, training.plan.length
        self.vocab = training.tokenizer.highest_id + 1
        self.train, self.kept = training.data.train.shards, training.data.held_out.shards
        self.measured_on = held_out.pieces(self.kept, training.tokenizer, self.length, MEASURED)
        self.file = place / "results.jsonl"
        self.finished = [self._read(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    @staticmethod
    def _read(line: str) -> Run:
        value = json.loads(line)
        return Run(**value | {"setting": Setting(**value["setting"])})

    @property
    def data(self) -> str:
        return f"{self.train.hash[:16]} {self.kept.hash[:16]} {self.length}"

    @cached_property
    def stream(self) -> Path:
        """The training documents one after the other, each ended by the boundary, as uint16."""
        path, boundary = self.place / "tokens.bin", Tokenizer.load(self.tokenizer).bos_id
        beside = path.with_suffix(".partial")
        with beside.open("wb") as file:
            for i in range(self.train.documents):
                file.write(np.append(self.train.document(i), boundary).astype("<u2").tobytes())
        return beside.rename(path)

    def run(self, system: str, setting: Setting, seed: int, minutes: float) -> Run:
        """Train and measure; or, if that has been done already, what came of it."""
        wanted = (system, setting, seed, minutes, self.data)
        for run in self.finished:
            if (run.system, run.setting, run.seed, run.minutes, run.data) == wanted:
                return run
        name = "-".join([system, str(setting).replace(", ", "-").replace(" ", "-"), str(seed), f"{minutes:g}"])
        out = self.place / "models" / name
        out.parent.mkdir(exist_ok=True)
        for left in (out, out.with_name(out.name + ".training")):  # of a run that was stopped, whose time is lost
            shutil.rmtree(left, ignore_errors=True)
        command = self._command(system, setting, seed, minutes, out)
        print(f"{time.strftime('%H:%M')} {name}", file=sys.stderr, flush=True)
        clock = self._train(command, out, ours=system in OURS)
        run = self._measured(system, setting, seed, minutes, out, command, clock)
        with self.file.open("a") as file:
            file.write(json.dumps(asdict(run)) + "\n")
        self.finished.append(run)
        late = (
            f"; {planned:,} steps were planned" if (planned := run.further.get("planned", 0)) > 1.03 * run.steps else ""
        )
        print(f"      {run.bits_per_byte:.4f} bits per byte, {run.tokens:,} tokens{late}", file=sys.stderr, flush=True)
        return run

    def _command(self, system: str, setting: Setting, seed: int, minutes: float, out: Path) -> list[str]:
        common = [*setting.options(), "--minutes", f"{minutes:g}", "--seed", str(seed)]
        common += ["--device", self.device] if self.device else []
        if system in OURS:
            texts = [*self.texts, "--tokenizer", str(self.tokenizer)]
            return [sys.executable, "-m", "onward", "pretrain", *texts, *common, "-o", str(out)]
        script = "nanogpt_style.py" if system == "nanogpt-style" else "hf_trainer.py"
        shape = ["--vocab", str(self.vocab), "--length", str(self.length)]
        tuned = ["--tuned"] if system == "trainer-tuned" else []
        return [sys.executable, str(HERE / script), str(self.stream), str(out), *shape, *common, *tuned]

    def _train(self, command: list[str], out: Path, *, ours: bool) -> float | None:
        """Returns the seconds on Onward's clock: from its data being ready to the last line of its metrics."""
        cache = self.place / ("cache-onward" if ours else "cache")
        if ours:
            shutil.rmtree(cache, ignore_errors=True)
        log = out.with_name(out.name + ".log")
        workspace = out.with_name(out.name + ".training")
        began = ended = 0.0
        with log.open("wb") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, env=os.environ | compiler_cache(cache))
            try:
                while process.poll() is None:
                    time.sleep(0.1)
                    if ours:
                        began = max([began, *map(changed, [workspace / "config.json", *workspace.glob("text*")])])
                        ended = changed(workspace / "metrics.jsonl") or ended
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode:
            said_last = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
            raise Failed(f"{' '.join(command)}\nended with code {process.returncode}:\n{said_last}")
        if ours and not 0 < began < ended:
            raise Failed(f"{workspace} did not show when its training began and ended; this script must be mended")
        return ended - began if ours else None

    def _measured(
        self,
        system: str,
        setting: Setting,
        seed: int,
        minutes: float,
        out: Path,
        command: list[str],
        clock: float | None,
    ) -> Run:
        if clock is None:
            took = json.loads((out / "run.json").read_text())
        else:
            last = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
            took = {
                "seconds": clock,
                "steps": last["step"],
                "tokens": last["tokens"],
                "seconds in steps": last["seconds"],
            }
        way, bits = held_out.measure(out, self.measured_on, str(choose(self.device)))
        family, config = read_config(out)
        return Run(
            system=system,
            setting=setting,
            seed=seed,
            minutes=minutes,
            data=self.data,
            parameters=sum(config.parameters().values()),
            way=way,
            bits_per_byte=float(bits.sum() / self.measured_on.sizes.sum()),
            bits=[round(float(b), 3) for b in bits],
            command=command,
            date=lineage.now(),
            seconds=took.pop("seconds"),
            steps=took.pop("steps"),
            tokens=took.pop("tokens"),
            further=took | {"family": family, "shape": f"{config.depth}x{config.width}"},
        )

    def whole_time(self, system: str, seed: int) -> float:
        """Minutes of a whole run: for the others as long as Onward took with this seed, if that was more than it was given."""
        ours = [
            r.seconds / 60 for r in self.finished if r.system in OURS and r.seed == seed and r.minutes == self.minutes
        ]
        return self.minutes if system in OURS else round(max([self.minutes, *ours]), 3)


def changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


# --- the search, and the table ----------------------------------------------------------------------------------------


def search(comparison: Comparison, system: str, sizes: Sequence[str], seed: int) -> Setting:
    """The best setting found: by short runs, and between the best size and the next larger one by whole ones."""
    further = SEARCHED[system]
    first: dict[str, Any] = {name: values[0] for name, values in further.items()}
    short = comparison.minutes * SEARCH

    def best(settings: list[Setting], minutes: float) -> Setting:
        return min(settings, key=lambda setting: comparison.run(system, setting, seed, minutes).bits_per_byte)

    found = best([Setting(size=size, **first) for size in sizes], short)
    for name, values in further.items():
        changes: list[dict[str, Any]] = [{name: value} for value in values]
        found = best([replace(found, **change) for change in changes], short)
    assert found.size is not None
    at = sizes.index(found.size)
    return best([replace(found, size=size) for size in sizes[at : at + 2]], comparison.whole_time(system, seed))


def compare(
    comparison: Comparison, systems: Sequence[str], sizes: Sequence[str], seeds: Sequence[int]
) -> list[list[Run]]:
    """The runs of each system, a seed after the other; Onward's first, since the others' time depends on it."""
    found = []
    for system in sorted(systems, key=lambda system: system not in OURS):
        setting = search(comparison, system, sizes, seeds[0]) if system in SEARCHED else Setting()
        found.append([comparison.run(system, setting, seed, comparison.whole_time(system, seed)) for seed in seeds])
    return found


def bootstrap(runs: list[Run], other: list[Run] | None, sizes: Floats, rounds: int = 4000) -> tuple[float, float]:
    """95 % of the mean over seeds of bits per byte, or of its difference from `other`'s: documents and seeds drawn anew."""
    random = np.random.default_rng(0)

    def mean(runs: list[Run], documents: NDArray[np.int64]) -> float:
        bits = np.array([run.bits for run in runs])[random.integers(0, len(runs), len(runs))]
        return float(bits.mean(0)[documents].sum() / sizes[documents].sum())

    known, found = np.flatnonzero(sizes), []
    for _ in range(rounds):
        documents = random.choice(known, len(known))
        found.append(mean(runs, documents) - (mean(other, documents) if other else 0))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def table(found: list[list[Run]], sizes: Floats) -> str:
    seeds = [run.seed for run in found[0]]
    heads = ["system", "setting", "parameters", "tokens", "clock, s", *[f"seed {seed}" for seed in seeds]]
    heads += ["mean", "95 % interval", f"more than {found[0][0].system}", "95 % interval"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for runs in found:
        values = [run.bits_per_byte for run in runs]
        shape = runs[0].further["shape"] if runs[0].setting.size is None else ""
        cells = [runs[0].system, f"{runs[0].setting}{shape and f': {shape}'}", f"{runs[0].parameters:,}"]
        cells += [
            f"{np.mean([run.tokens for run in runs]) / 1e6:.1f}M",
            f"{np.mean([run.seconds for run in runs]):.0f}",
        ]
        cells += [f"{value:.3f}" for value in values] + [f"{np.mean(values):.3f}"]
        cells.append("{:.3f} to {:.3f}".format(*bootstrap(runs, None, sizes)))
        if runs is found[0]:
            cells += ["", ""]
        else:
            more = np.mean(values) - np.mean([run.bits_per_byte for run in found[0]])
            cells += [f"{more:+.3f}", "{:+.3f} to {:+.3f}".format(*bootstrap(runs, found[0], sizes))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Prepare, search, train, measure; or go on with it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("texts", nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a folder for data, models and results")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), help="depth x width, from small to large")
    systems = ["onward", "trainer", "trainer-tuned", "nanogpt-style"]
    parser.add_argument("--systems", nargs="+", choices=["onward", *SEARCHED], default=systems)
    parser.add_argument("--device")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no training is left running
    comparison = Comparison(given.texts, given.out, given.minutes, given.device)
    sizes = comparison.measured_on.sizes
    print(
        f"{comparison.train.tokens:,} tokens to learn from, vocabulary {comparison.vocab:,}, rows of {comparison.length}"
    )
    print(f"measured on {int(sizes.sum()):,} bytes of {np.count_nonzero(sizes)} held-out documents", flush=True)
    found = compare(comparison, given.systems, given.sizes, given.seeds)
    print(table(found, sizes))


if __name__ == "__main__":
    main()
