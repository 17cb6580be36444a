"""How much each drafter foretells of what a model says, and what that costs in seconds; each alone, on the same texts.

The text does not depend on who drafts it. So the model first writes each text without a drafter, and what a drafter proposes after each
pass is held against that: what agrees is what verification, coupled, would have let stand. Left out: verification, and so the speed-up.

python benchmarks/drafters.py MODEL TEXTS... --draft lookup --draft layers:4 ... [--sure 0.2 --sure 0.4]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

import onward
from onward.corpus.read import documents
from onward.generate.chat_model import FolderModel
from onward.generate.drafters.drafter import Aim, Drafter
from onward.generate.drafters.make import made
from onward.generate.drafters.model import ModelDrafter
from onward.generate.drafters.tree import Tree
from onward.generate.engine import Engine, Request
from onward.generate.settings import Sampling

WARM_UP = 2


@dataclass
class Said:
    """A text that the model wrote.   hidden: (T, width), what each of its tokens after the first was drawn from."""

    ids: list[int]
    prompt: int
    sampling: Sampling
    hidden: Tensor


@dataclass
class Found:
    """Sums over passes: texts' tokens, proposed and accepted ones, passes, seconds of drafting."""

    tokens: int = 0
    proposed: int = 0
    accepted: int = 0
    passes: int = 0
    seconds: float = 0.0


@torch.inference_mode()
def written(engine: Engine, prompts: Sequence[list[int]], temperature: float, tokens: int) -> list[Said]:
    each = [Sampling(temperature=temperature, seed=seed, max_tokens=tokens) for seed in range(len(prompts))]
    asked = [Request(prompt=prompt, sampling=sampling) for prompt, sampling in zip(prompts, each, strict=True)]
    found = []
    for prompt, sampling, done in zip(prompts, each, engine.run(asked), strict=True):
        ids = [*prompt, *done.drawn]
        hidden = engine.model.hidden(torch.tensor([ids], device=engine.device))[0]
        found.append(Said(ids, len(prompt), sampling, hidden))
    return found


def standing(tree: Tree, following: Sequence[int]) -> list[int]:
    """The nodes that agree with what follows."""
    path: list[int] = []
    for token in following:
        node = next((child for child in tree.children(path[-1] if path else -1) if tree.tokens[child] == token), None)
        if node is None:
            break
        path.append(node)
    return path


def tried(drafter: Drafter, texts: Sequence[Said], k: int) -> Found:
    found = Found()
    for said in texts:
        at = said.prompt + 1  # the first token comes from reading the prompt
        while at < len(said.ids):
            aim = Aim(sampling=said.sampling, hidden=said.hidden[at - 2])
            began = time.perf_counter()
            tree = drafter.propose(said.ids[:at], k, aim)
            found.seconds += time.perf_counter() - began
            path = standing(tree, said.ids[at:])
            drafter.observe(tree, path)
            found.proposed += len(tree)
            found.accepted += len(path)
            found.passes += 1
            at += len(path) + 1
        found.tokens += len(said.ids) - said.prompt - 1
        drafter.forget(said.ids)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--draft", action="append", required=True)
    parser.add_argument("--sure", action="append", type=float, help="of drafting models: instead of their own")
    for name, default in (("k", 8), ("number", 24), ("prompt", 32), ("tokens", 64)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--weights")
    asked = parser.parse_args()
    opened = onward.load(asked.model, weights=asked.weights)
    assert isinstance(opened, FolderModel)
    engine = opened.engine
    every = [document.text for document in documents(asked.texts)]
    chosen = every[:: max(1, len(every) // asked.number)][: asked.number]
    prompts = [opened.text_prompt(text)[: asked.prompt] for text in chosen]
    print("| drafter | temperature | tokens a pass | proposed a pass | of these right | drafting, ms a pass |")
    print("|---|---|---|---|---|---|")
    for temperature in (0.0, 0.7, 1.0):
        texts = written(engine, prompts, temperature, asked.tokens)
        for what in asked.draft:
            for sure in asked.sure or [None]:
                drafter = made(engine, [what])
                if isinstance(drafter, ModelDrafter) and sure is not None:
                    drafter.sure = sure
                tried(drafter, [replace(text, ids=text.ids[: text.prompt + 9]) for text in texts[:WARM_UP]], asked.k)
                found = tried(drafter, texts, asked.k)
                print(
                    f"| {what}{'' if sure is None else f', sure {sure:g}'} | {temperature:g} | "
                    f"{found.tokens / found.passes:.2f} | {found.proposed / found.passes:.1f} | "
                    f"{found.accepted / max(1, found.proposed):.2f} | {1000 * found.seconds / found.passes:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
