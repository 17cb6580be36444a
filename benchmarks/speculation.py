"""What drafters are worth: questions on the world, programs copied with a change, free stories; beside transformers' assisted generation.

    pip install -e '.[test]'
    python benchmarks/drafters.py prepare -o drafting --minutes 25      (a world, a model to draft for, and what drafts for it)
    python benchmarks/drafters.py measure drafting --threads 2

The target has 8 blocks of width 512 and is trained on the built-in world and on programs of it that are copied with a variable renamed; a
smaller model has 2 blocks of width 128 and is trained for a fifth of the time. Each drafter carries the same beginnings on, --tokens tokens
each, in turn with no drafter; the speed-up is the median over beginnings of the ratio of seconds, with the quarters. "switched off": as
users have it, where drafts that do not pay are switched off; "always": --fixed drafts of --most tokens. Texts of the two are compared
with those without a drafter; in fp32, and with compiled code, they are the same to the token. The likeliest token is taken with
--temperature 0, else the noise is shared with the drafter.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

NAMES = ("x", "y", "sum", "total", "left", "steps", "price", "weight", "days", "coins")


# --- what is drafted for ----------------------------------------------------------------------------------------------


def program(chance: random.Random) -> str:
    """A program, and the same one with a variable called otherwise."""
    names = chance.sample(NAMES, 4)
    lines = [f"set {name} to {chance.randint(1, 99)}" for name in names[:3]]
    for _ in range(chance.randint(4, 9)):
        line = chance.choice(
            ("add {n} to {a}", "subtract {n} from {a}", "add {a} to {b}", "print {a}", "multiply {a} by {n}")
        )
        lines.append(line.format(n=chance.randint(1, 99), a=chance.choice(names[:3]), b=chance.choice(names[:3])))
    before, after = names[0], names[3]
    changed = [" ".join(after if word == before else word for word in line.split(" ")) for line in lines]
    told = f"The same program, with {before} called {after}"
    return "Program\n\n" + "\n".join(lines) + f"\n\n{told}\n\n" + "\n".join(changed) + "\n"


def onward(*arguments: object) -> None:
    print("+ onward", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "onward", *map(str, arguments)], check=True)


def prepare(out: Path, minutes: float) -> None:
    onward("world", "-o", out / "world")
    chance = random.Random(0)
    texts = "".join(json.dumps({"text": program(chance)}) + "\n" for _ in range(12_000))
    (out / "world" / "texts" / "copies.jsonl").write_text(texts)
    texts, tokenizer = out / "world" / "texts", out / "tokenizer"
    onward("tokenizer", texts, "-o", tokenizer)
    shape = "--tokenizer", tokenizer, "--length", 512, "--passes", 20
    onward("pretrain", texts, "-o", out / "model", *shape, "--depth", 8, "--width", 512, "--minutes", minutes)
    onward("pretrain", texts, "-o", out / "small", *shape, "--depth", 2, "--width", 128, "--minutes", minutes / 5)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), float(sys.argv[2]))
