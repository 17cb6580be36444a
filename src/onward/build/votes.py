"""Votes: the answers of an instructed model to the world's requests, of which the world's teacher says, two by two, the better one.

The teacher knows what is true and what was asked for, but errs on a tenth of the pairs, and more often where the worse answer is the
longer one: what is learned from its votes is a proxy of the gold reward, as people's votes are of what they want. The model's own answers
are voted on, since it is these that will have to be told apart (Stiennon et al. 2020, arXiv 2009.01325, section 3.1), and all pairs of
those to a request, which make a ranking (Ouyang et al. 2022, arXiv 2203.02155, section 3.5). Left out: people's votes.
"""

from __future__ import annotations

import json
from itertools import combinations
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
"""Answers to a request."""
LONGEST = 48
"""Tokens of an answer, at most."""
MOST = 1600
"""Requests that are answered."""


def collect(model: FolderModel, requests: Path, out: Path, seed: int) -> int:
    """Write the rankings that come of the votes. Returns how many votes there were."""
    prompts = list(read_prompts(requests))[:MOST]
    questions = [Question(prompt, model.prompt(prompt.messages)) for prompt in prompts]
    drawn = answers(model.engine.model, model.engine.tokenizer, questions, EACH, LONGEST, seed)
    votes, lines = 0, list[dict[str, Any]]()
    for number, prompt in enumerate(prompts):
        texts = drawn.texts[EACH * number : EACH * (number + 1)]
        wins = _wins(prompt, texts, Random(f"vote {seed} {number}"))
        votes += sum(wins.values())
        if len(set(wins.values())) > 1:
            lines.append({"prompt": prompt.messages, "answers": list(wins), "scores": list(wins.values())})
    write_bytes(out, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
    return votes


def _wins(prompt: Prompt, texts: list[str], random: Random) -> dict[str, int]:
    """How many votes each different answer has won; pairs that are worth the same are no question."""
    different = dict.fromkeys(stripped for text in texts if (stripped := text.strip()))
    worth = {text: reward(text, prompt.record["truth"]).total for text in different}
    wins = dict.fromkeys(worth, 0)
    for pair in combinations(worth, 2):
        better, worse = sorted(pair, key=lambda text: -worth[text])
        if worth[better] - worth[worse] >= MARGIN:
            erred = TEACHER.prefers_worse(random, better=better, worse=worse)
            wins[worse if erred else better] += 1
    return wins
