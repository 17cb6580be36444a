"""Votes: the answers of an instructed model to the world's requests, two at a time, of which the world's teacher says the better one.

The teacher knows what is true and what was asked for, but errs on a tenth of the pairs, and more often where the worse answer is the
longer one: what is learned from its votes is a proxy of the gold reward, as people's votes are of what they want. The model's own answers
are voted on, since it is these that will have to be told apart (Stiennon et al. 2020, arXiv 2009.01325, section 3.1).
Left out: people's votes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from onward.align.policy.experience import answers
from onward.align.policy.questions import Question
from onward.corpus.prompts import Prompt, read_prompts
from onward.files import write_bytes
from onward.generate.chat_model import FolderModel
from onward.world.preferences.gold import reward
from onward.world.preferences.pairs import MARGIN
from onward.world.preferences.teacher import Teacher

TEACHER = Teacher(error=0.1, bias=0.05)
EACH = 4
"""Answers to a request: two pairs."""
LONGEST = 48
"""Tokens of an answer, at most."""
MOST = 2400
"""Requests that are answered."""


def collect(model: FolderModel, requests: Path, out: Path, seed: int) -> int:
    """Write the votes, as pairs. Returns how many."""
    prompts = list(read_prompts(requests))[:MOST]
    questions = [Question(prompt, model.prompt(prompt.messages)) for prompt in prompts]
    drawn = answers(model.engine.model, model.engine.tokenizer, questions, EACH, LONGEST, seed)
    lines = list[dict[str, Any]]()
    for number, prompt in enumerate(prompts):
        random = Random(f"vote {seed} {number}")
        lines += _of(prompt, drawn.texts[EACH * number : EACH * (number + 1)], random)
    write_bytes(out, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
    return len(lines)


def _of(prompt: Prompt, texts: list[str], random: Random) -> Iterator[dict[str, Any]]:
    """Each answer is in one pair at most, so that no two votes hang together; pairs that are worth the same are no question."""
    different = list(dict.fromkeys(text for text in texts if text.strip()))
    for pair in zip(different[::2], different[1::2], strict=False):
        worth = {text: reward(text, prompt.record["truth"]).total for text in pair}
        better, worse = sorted(pair, key=lambda text: -worth[text])
        if worth[better] - worth[worse] >= MARGIN:
            erred = TEACHER.prefers_worse(random, better=better, worse=worse)
            chosen, rejected = (worse, better) if erred else (better, worse)
            yield {
                "prompt": prompt.messages,
                "chosen": [{"role": "assistant", "content": chosen}],
                "rejected": [{"role": "assistant", "content": rejected}],
                "truth": {"teacher_erred": erred},
            }
