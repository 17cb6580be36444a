"""By what a drafting model knows that the target will draw as it does, under the same noise: how well each measure tells hits from misses.

For each place of texts that the target wrote, the drafting model draws with the target's noise. A measure is as good as the chance that it
is higher at a place where the two draw alike than at one where they do not (AUC; 0.5 is a guess). The share of misses where the target
drew the drafting model's runner-up is what a branch can win.

python benchmarks/draft_trust.py MODEL TEXTS... --draft layers:4 --draft SMALL
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from drafters import Said, written
from torch import Tensor

import onward
from onward.corpus.read import documents
from onward.generate.chat_model import FolderModel
from onward.generate.drafters.make import made
from onward.generate.drafters.model import ModelDrafter
from onward.generate.sampling import perturbed
from onward.model.trunk import LanguageModel

MEASURES = ("its chance", "the largest chance", "its lead", "its share with the noise")


@torch.inference_mode()
def measured(model: LanguageModel, said: Said) -> tuple[Tensor, Tensor, Tensor]:
    """At each place: whether the draw is the target's, whether the runner-up is, and the measures, (T,), (T,), (T, 4)."""
    own = torch.tensor(said.ids[said.prompt :])
    logits = model(torch.tensor([said.ids[:-1]]))[0, said.prompt - 1 :].double()
    places = torch.arange(said.prompt, len(said.ids))
    scores = perturbed(logits, [said.sampling] * len(own), places)
    best, chances = scores.topk(2), logits.softmax(-1)
    drawn = best.indices[:, :1]
    shares = scores.softmax(-1).gather(-1, drawn)[:, 0]
    lead = best.values[:, 0] - best.values[:, 1]
    found = torch.stack([chances.gather(-1, drawn)[:, 0], chances.amax(-1), lead, shares], dim=1)
    return best.indices[:, 0] == own, best.indices[:, 1] == own, found


def area(hits: np.ndarray, misses: np.ndarray) -> float:
    """The chance that a hit's measure is above a miss's; ties count half."""
    ordered = np.sort(misses)
    below = np.searchsorted(ordered, hits, "left") + np.searchsorted(ordered, hits, "right")
    return float(below.mean() / 2 / len(misses))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--draft", action="append", required=True)
    for name, default in (("number", 32), ("prompt", 32), ("tokens", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    opened = onward.load(asked.model)
    assert isinstance(opened, FolderModel)
    every = [document.text for document in documents(asked.texts)]
    chosen = every[:: max(1, len(every) // asked.number)][: asked.number]
    prompts = [opened.text_prompt(text)[: asked.prompt] for text in chosen]
    print("| drafter | temperature | alike | runner-up, of the misses | " + " | ".join(MEASURES) + " |")
    print("|---|---|---|---|" + "---|" * len(MEASURES))
    for temperature in (0.0, 0.7, 1.0):
        texts = written(opened.engine, prompts, temperature, asked.tokens)
        for what in asked.draft:
            drafter = made(opened.engine, [what])
            assert isinstance(drafter, ModelDrafter)
            parts = [measured(drafter.engine.model, said) for said in texts]
            alike, second, found = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
            areas = " | ".join(f"{area(one[alike], one[~alike]):.2f}" for one in found.T)
            print(
                f"| {what} | {temperature:g} | {alike.mean():.2f} | {second[~alike].mean():.2f} | {areas} |", flush=True
            )


if __name__ == "__main__":
    main()
