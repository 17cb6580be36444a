"""Process against outcome: on worked sums, PPO paid for every right line of the working, or for the result alone; the same budget.

    onward build                                                                 # makes runs/world
    python benchmarks/process_outcome.py runs/world -o process.jsonl [--seeds 0 1] [--steps 64]

The run's base model is taught by a short `onward sft` to work out sums and differences of the built-in world (numbers up to 99), line
by line: "20 + 30 = 50", "7 + 5 = 12", "50 + 12 = 62", "The answer is 62." From there `onward rl --method ppo` goes on, once for
each reward and seed, with the same prompts, rollouts and steps. A right answer, rightly worked, is worth 1 by each reward:

    outcome          1 at the end for the right result, whatever stands before it; else 0
    process          for each right line its share of 1, at the end of the line: right is the one that the world would write there
    process_at_end   the same as one number, told at the end: only if it is named after --rewards

Measured on pairs of numbers that no training has: results right, and lines right, with bootstrap intervals over the sums; at temperature
0 (what one gets who asks) and 1 (what the training works on). A model or a measurement that is finished is not made again. Left out:
reward models that judge lines, other methods than PPO (which alone learns token by token), and other right ways to work out a sum than
the world's, whose lines earn nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from onward.generate.engine import Request
from onward.generate.load import open_folder
from onward.generate.settings import Sampling
from onward.train import measure
from onward.world.exercises.arithmetic import calculation
from onward.world.exercises.exercise import Wanted
from onward.world.grading import is_right

TASKS = ("plus", "minus")
LONGEST = 48
"""Tokens of an answer, at most."""
TAUGHT, ASKED, TESTED = 3000, 2000, 400
"""Sums to instruct with, to reinforce on (others), and to measure on (of held-out pairs of numbers)."""
Record = dict[str, Any]


# --- the rewards ------------------------------------------------------------------------------------------------------


def outcome(record: Record, answer: str) -> float:
    return float(is_right(answer, record["truth"]))


def process(record: Record, answer: str) -> list[tuple[int, float]]:
    """(Characters of the answer up to the end of a line, its share if it is right), line by line."""
    wanted, said = record["truth"]["lines"], answer.split("\n")
    ends = accumulate(len(line) + 1 for line in said)
    return [(end - 1, (line == right) / len(wanted)) for end, line, right in zip(ends, said, wanted, strict=False)]


def process_at_end(record: Record, answer: str) -> float:
    return sum(worth for _, worth in process(record, answer))


# --- what is learned from ---------------------------------------------------------------------------------------------


def prepare(place: Path) -> None:
    if (place / "tests.jsonl").exists():
        return
    taught, tests = worked(TAUGHT + ASKED, Wanted()), worked(TESTED, Wanted(content=True))
    write_lines(place / "chats.jsonl", taught[:TAUGHT])
    write_lines(place / "prompts.jsonl", taught[TAUGHT:])
    write_lines(place / "tests.jsonl", tests)


def worked(number: int, wanted: Wanted) -> list[Record]:
    """Exercises that are all different, each with at least two lines of working."""
    random, found = Random(f"worked {wanted.content}"), dict[tuple[str, ...], Record]()
    while len(found) < number:
        exercise = calculation(random.choice(TASKS), random, wanted)
        if len(exercise.working) > 1:
            reply = exercise.reply(shown=True)
            messages = [
                {"role": "user", "content": exercise.ask(random, shown=True)},
                {"role": "assistant", "content": reply},
            ]
            truth = exercise.as_data(shown=True) | {"lines": reply.split("\n")}
            found[exercise.task, *exercise.slots.values()] = {"messages": messages, "truth": truth}
    return list(found.values())


def records(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_lines(path: Path, lines: Sequence[Record]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def onward(out: Path, *arguments: object) -> Path:
    if not out.exists():
        subprocess.run([sys.executable, "-m", "onward", *map(str, arguments), "-o", str(out)], check=True)
    return out


def instructed(run: Path, place: Path, steps: int) -> Path:
    return onward(place / "sft", "sft", run / "base", place / "chats.jsonl", "--batch", 1024, "--steps", steps)


def reinforced(start: Path, place: Path, reward: str, seed: int, steps: int, lr: float) -> Path:
    asked = ("--method", "ppo", "--reward", f"{__file__}:{reward}", "--max-tokens", LONGEST, "--lr", lr)
    return onward(
        place / f"{reward}-{seed}", "rl", start, place / "prompts.jsonl", *asked, "--steps", steps, "--seed", seed
    )


# --- measuring --------------------------------------------------------------------------------------------------------


def examined(model: Path, place: Path) -> dict[str, dict[str, float]]:
    found, chat, tests = {}, open_folder(model), records(place / "tests.jsonl")
    for temperature in (0.0, 1.0):
        asked = [
            Request(
                prompt=chat.prompt(record["messages"][:1]),
                sampling=Sampling(temperature=temperature, max_tokens=LONGEST, seed=number),
            )
            for number, record in enumerate(tests)
        ]
        texts = [done.text for done in chat.engine.run(asked)]
        for name, judge in (("results right", outcome), ("lines right", process_at_end)):
            judged = np.array([judge(record, text) for record, text in zip(tests, texts, strict=True)])
            measured = measure.mean(judged)
            found[f"{name}, temperature {temperature:g}"] = {
                "value": measured.value,
                "low": measured.low,
                "high": measured.high,
                "each": judged.round(4).tolist(),
            }
    return found


def lines_of_table(found: Sequence[Record]) -> Iterator[str]:
    columns = list(found[0]["found"])
    yield "| reward | seed | " + " | ".join(columns) + " |"
    yield "|---" * (len(columns) + 2) + "|"
    for one in found:
        cells = [f"{v['value']:.1%} ({v['low']:.1%} to {v['high']:.1%})" for v in one["found"].values()]
        yield f"| {one['reward']} | {one['seed']} | " + " | ".join(cells) + " |"


def differences(found: Sequence[Record]) -> Iterator[str]:
    """Of each pair of rewards, sum by sum, the mean over the seeds that both have; the bootstrap takes whole sums."""
    names = list(dict.fromkeys(one["reward"] for one in found if one["seed"] is not None))
    by = {(one["reward"], one["seed"]): one["found"] for one in found}
    for a, b in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
        seeds = [seed for name, seed in by if name == a and (b, seed) in by]
        for metric in found[0]["found"] if seeds else ():
            each = np.mean([np.subtract(by[b, s][metric]["each"], by[a, s][metric]["each"]) for s in seeds], axis=0)
            m = measure.mean(each)
            yield f"{b} less {a}, {metric}: {100 * m.value:+.1f} points ({100 * m.low:+.1f} to {100 * m.high:+.1f}), seeds {seeds}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--rewards", nargs="+", default=["outcome", "process"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--sft-steps", type=int, default=330)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.003)
    parser.add_argument("-o", "--out", type=Path, default=Path("process_outcome.jsonl"))
    given = parser.parse_args()
    place = given.out.with_suffix("")
    place.mkdir(parents=True, exist_ok=True)
    prepare(place)
    found = records(given.out) if given.out.exists() else []
    done = {(one["reward"], one["seed"]) for one in found}
    start = instructed(given.run, place, given.sft_steps)
    wanted = [("before", None), *((reward, seed) for seed in given.seeds for reward in given.rewards)]
    for reward, seed in wanted:
        if (reward, seed) not in done:
            model = start if seed is None else reinforced(start, place, reward, seed, given.steps, given.lr)
            found.append({"reward": reward, "seed": seed, "found": examined(model, place)})
            write_lines(given.out, found)
    print("\n".join([*lines_of_table(found), "", *differences(found)]))


if __name__ == "__main__":
    main()
