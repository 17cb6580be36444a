"""Does an interruption leave a trace? A real `onward pretrain` is killed with -9 again and again, and must end as if it had not been.

python benchmarks/kill.py [--times 20] [--seed 0]

Each of the killed runs is killed once: at a random moment between its first checkpoint and its end, or (every second one) in the very
moment in which a checkpoint is being written. Then the same command is given again until it is done. What is compared is every
byte of model.safetensors, tokenizer.json and config.json with those of a run that nobody touched. Exit code 1 where one differs.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from onward.files import file_hash

STEPS = 60
COMPARED = ("model.safetensors", "tokenizer.json", "config.json")


def write_texts(path: Path, documents: int = 400) -> None:
    """Sentences of made-up words, the same every time."""
    chance = random.Random(0)
    words = ["".join(chance.choices("aeioulmnrst", k=chance.randint(2, 7))) for _ in range(300)]
    with path.open("w", encoding="utf-8") as file:
        for _ in range(documents):
            text = ". ".join(" ".join(chance.choices(words, k=9)).capitalize() for _ in range(12))
            file.write(json.dumps({"text": text + "."}) + "\n")


def begin(texts: Path, out: Path) -> subprocess.Popen[bytes]:
    shape = ("--depth", "2", "--width", "64", "--heads", "2", "--length", "64", "--batch", "512", "--vocab", "512")
    run = (sys.executable, "-m", "onward", "pretrain", texts, "-o", out, "--steps", STEPS, "--checkpoint-every", 3)
    return subprocess.Popen([*map(str, run), *shape], stderr=subprocess.PIPE)


def finish(texts: Path, out: Path) -> None:
    process = begin(texts, out)
    told = process.communicate()[1].decode()
    if process.returncode:
        sys.exit(f"the run ended with {process.returncode}:\n{told}")


def kill(process: subprocess.Popen[bytes], out: Path, *, while_writing: bool, chance: random.Random) -> str:
    """Kill it after its first checkpoint; return at which moment."""
    checkpoints = out.with_name(out.name + ".training") / "checkpoints"
    after = chance.randint(1, STEPS // 3 - 2)  # checkpoints that it may write first
    while process.poll() is None:
        newest = max((int(p.name[5:]) for p in checkpoints.glob("step-*")), default=0)
        if newest >= 3 * after and (not while_writing or any(checkpoints.glob(".*.partial"))):
            time.sleep(0 if while_writing else chance.uniform(0, 0.1))
            begun = any(checkpoints.glob(".*.partial"))
            process.kill()
            process.wait()
            return f"after step {newest}" + (", in the middle of writing a checkpoint" if begun else "")
        time.sleep(0.0002)
    return "too late"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance, same, too_late = random.Random(given.seed), 0, 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_texts(place / "texts.jsonl")
        finish(place / "texts.jsonl", place / "whole")
        expected = [file_hash(place / "whole" / file) for file in COMPARED]
        for number in range(given.times):
            out = place / f"killed-{number}"
            moment = kill(begin(place / "texts.jsonl", out), out, while_writing=number % 2 == 1, chance=chance)
            if moment == "too late":
                too_late += 1
            else:
                finish(place / "texts.jsonl", out)
                equal = expected == [file_hash(out / file) for file in COMPARED]
                same += equal
                moment += f": {'the same bytes' if equal else 'OTHER BYTES'}"
            print(f"{number + 1:3}  killed {moment}", flush=True)
            shutil.rmtree(out)
    print(
        f"{same} of {given.times - too_late} killed runs ended with the bytes of the one that was not; {too_late} were killed too late"
    )
    sys.exit(0 if same == given.times - too_late else 1)


if __name__ == "__main__":
    main()
