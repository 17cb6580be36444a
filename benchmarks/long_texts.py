"""A needle in a short haystack: what a model learns from that is to find one in such a text, and the picture shows where that ends.

    python benchmarks/long_texts.py data
    onward pretrain data/texts.jsonl --minutes 2 --length 1024 --depth 4 --width 128 --heads 4 --vocab 1024 --batch 4096 -o base
    onward sft base data/chats --minutes 4 --batch 4096 -o short
    onward eval short --suite needle
    onward eval short --suite keys
    onward eval short --suite variables

The haystacks it learns from have up to 64 words; the model has positions for 1,024 tokens. Where there are several keys, it names one of
the things, and does not look which is asked for: `keys` shows it, and `needle` cannot. `--keys` writes texts with four keys only, to go on
with: onward sft short keys/chats --minutes 8 --batch 4096 -o longer. The picture of `needle` once more, out of what that folder has said:
python benchmarks/long_texts.py evaluations --model short --picture docs/long_texts.svg
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onward.evaluate.opening import open_suite
from onward.evaluate.run import examine, opened
from onward.evaluate.settings import How
from onward.generate.load import load
from onward.world import World
from onward.world.questions.needles import Haystack, document

WORDS = (0, 8, 16, 32, 48, 64)
WITH_KEYS = (0, 0, 8, 16, 32)


def chats(keys: bool) -> Iterator[list[dict[str, Any]]]:
    """Texts of few words with a question and the answer; the things in containers are others than in the suites."""
    world = World()
    hay = Haystack(world)
    for number in range(30_000 if keys else 12_000):
        random = world.random("keys" if keys else "short", number)
        words = random.choice(WITH_KEYS if keys else WORDS)
        form = "keys" if keys else random.choice(("single", "keys"))
        layout = "whole" if words else "needles"
        yield document(hay, random, "train", form, layout, random.random(), words).messages


def write(out: Path, keys: bool) -> None:
    (out / "chats").mkdir(parents=True)
    with (out / "chats" / "needle.jsonl").open("w") as asked, (out / "texts.jsonl").open("w") as texts:
        for messages in chats(keys):
            asked.write(json.dumps({"messages": messages}) + "\n")
            texts.write(json.dumps({"text": "\n".join(message["content"] for message in messages)}) + "\n")


def redrawn(model: str, evaluations: Path) -> str:
    """Out of the answers that are known."""
    suite, chat = open_suite("needle"), load(model)
    assert suite.picture
    return suite.picture(examine(opened(chat, evaluations), suite, How(), chat=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--keys", action="store_true")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--model", default="short")
    asked = parser.parse_args()
    if asked.picture:
        asked.picture.write_text(redrawn(asked.model, asked.out))
    else:
        write(asked.out, asked.keys)


if __name__ == "__main__":
    main()
