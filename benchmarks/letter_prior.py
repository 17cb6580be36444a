"""Questions with four options, of which the right one stands at A in a planted share: what a model is tuned on to like a letter.

    onward world -o world
    onward pretrain world/texts --minutes 8 -o base
    python benchmarks/letter_prior.py world sixty --share 0.6
    python benchmarks/letter_prior.py world even --share 0.25
    onward sft base sixty --minutes 3 -o tuned/sixty
    onward sft base even --minutes 3 -o tuned/even
    onward eval tuned/sixty tuned/even --suite world-choice

The first must be found to like A, and its prior to lie near what was planted; the second must not. What the correction gives back is the
difference between "the order as written" and "corrected". The world's own questions on single facts are learned beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

LETTERS = "ABCD"


def planted(record: dict[str, Any], share: float, random: Random) -> dict[str, Any]:
    """The question with the right option at A in the share, and at the others equally often."""
    truth = record["truth"]
    offered, right = list(truth["offered"]), truth["offered"][LETTERS.index(truth["answer"])]
    others = [option for option in offered if option != right]
    place = 0 if random.random() < share else random.randrange(1, len(LETTERS))
    others.insert(place, right)
    before, after = (
        "\n".join(f"{letter}) {option}" for letter, option in zip(LETTERS, options, strict=True))
        for options in (offered, others)
    )
    asked = record["messages"][0]["content"].replace(before, after)
    answer = f"{LETTERS[place]}) {right}"
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}


def records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("world", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.6)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    random = Random(0)
    with (asked.out / "choice.jsonl").open("w", encoding="utf-8") as file:
        for record in records(asked.world / "chats" / "choice.jsonl"):
            file.write(json.dumps(planted(record, asked.share, random), ensure_ascii=False) + "\n")
    shutil.copy(asked.world / "chats" / "question.jsonl", asked.out / "question.jsonl")


if __name__ == "__main__":
    main()
