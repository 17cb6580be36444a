"""What parallel passes do to a joint distribution that can be listed, and the two texts that become four.

    python benchmarks/parallel_toy.py [--samples 6000] [--seeds 0 1 2] -o docs/parallel_toy.svg

A joint of five tokens out of four words, 1,024 texts, each with a weight of exp(2 x), x normal: hardly a token is independent of the
rest. It is sampled in 1 to 5 passes (10 where an order takes tokens back), from its exact conditionals and from those of a small model
that has learned them by masked diffusion. Measured is the total variation between the joint and so many texts. The floor is that of so
many exact draws; chance that of independent draws from the right marginals, worked out.

Left out: filters and temperatures, which ask for another distribution than the joint.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.generate.parallel.draft import TURNS, mended
from onward.generate.parallel.reader import Reader
from onward.generate.parallel.settings import ORDERS
from onward.generate.parallel.unmask import Canvas, Conditionals, unmask
from onward.generate.settings import Sampling
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.train.corruption import CHANNELS, noise
from onward.train.diffusion import Hiding, spread
from onward.train.fit import fit
from onward.train.objectives import masked_diffusion
from onward.train.packing import Batch
from onward.train.plan import TrainPlan

WORDS, LENGTH = 4, 5
BEGIN, MASK = WORDS, WORDS + 1
AT_ONCE = 4000
STEPS = (1, 2, 3, 4, 5)
MENDED = 0.4
"""Share of a draft that is written anew."""
COLOURS = dict(zip(ORDERS, (BLUE, GREY, ORANGE, "#3d9970", "#9966cc"), strict=True))


class Joint:
    """A distribution of texts that can be listed.   table: (V,) * N, unnormalised."""

    def __init__(self, table: Tensor) -> None:
        self.weights = table.double().flatten() / table.sum()
        self.words, self.length = table.shape[0], table.dim()
        self.texts = torch.cartesian_prod(*[torch.arange(self.words)] * self.length)
        self.is_word = torch.nn.functional.one_hot(self.texts, self.words).double()

    def __call__(self, ids: Tensor, known: Tensor) -> Tensor:
        """The log-probability of each word at each place, given the known ones: (B, N, V)."""
        agrees = ((self.texts == ids[:, None]) | ~known[:, None]).all(-1)
        return torch.einsum("bt,tnv->bnv", agrees * self.weights, self.is_word).log().log_softmax(-1)

    def exact(self, number: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return self.texts[torch.multinomial(self.weights, number, replacement=True, generator=generator)]

    def distance(self, texts: Tensor) -> float:
        numbers = (texts * self.words ** torch.arange(self.length - 1, -1, -1)).sum(1)
        counts = torch.bincount(numbers, minlength=len(self.weights)).double()
        return float((counts / len(texts) - self.weights).abs().sum() / 2)

    def independent(self) -> float:
        each = torch.einsum("t,tnv->nv", self.weights, self.is_word)
        return float((torch.einsum("tnv,nv->tn", self.is_word, each).prod(1) - self.weights).abs().sum() / 2)


def learned(joint: Joint, steps: int = 600) -> Conditionals:
    """The conditionals of a small model, after masked diffusion on exact texts, never the same twice."""
    config = TrunkConfig(
        vocab_size=WORDS + 2,
        width=64,
        depth=3,
        heads=2,
        kv_heads=2,
        head_size=32,
        ffn_width=192,
        max_positions=LENGTH,
        block=LENGTH,
    )
    hiding = Hiding(LENGTH, MASK)

    def batch(number: int) -> Batch:
        targets = joint.exact(512, 10**6 + number)
        inputs = torch.cat([torch.full_like(targets[:, :1], BEGIN), targets[:, :-1]], 1)
        clean = Batch.of(
            inputs=inputs,
            targets=targets,
            positions=torch.arange(LENGTH).expand_as(targets),
            documents=torch.zeros_like(targets),
        )
        return hiding(clean, spread(noise((CHANNELS, *targets.shape), 0, number)))

    model = LanguageModel(config).initialise(0)
    fit(
        model,
        masked_diffusion,
        batch,
        TrainPlan(steps=steps, length=LENGTH, batch_tokens=512 * LENGTH, rows_per_pass=512),
    )
    model.eval()

    @torch.inference_mode()
    def conditionals(ids: Tensor, known: Tensor) -> Tensor:
        return Reader(model, MASK, [[BEGIN]] * len(ids), LENGTH)(ids, known)[..., :WORDS]

    return conditionals


def written(
    conditionals: Conditionals, length: int, samples: int, seed: int, steps: int, order: str, mend: int | None = None
) -> Tensor:
    """Texts in so many passes, and mended in `mend` further ones if asked.   Returns (samples, length)."""
    found = []
    for first in range(0, samples, AT_ONCE):
        number = min(AT_ONCE, samples - first)
        how = [Sampling(temperature=1, seed=seed * 10**6 + first + row) for row in range(number)]
        free = torch.ones(number, length, dtype=torch.bool)
        places = torch.arange(length).expand(number, -1)
        begun = Canvas.of(torch.zeros(number, length, dtype=torch.int64), ~free)
        ids = unmask(conditionals, begun, free, how, places, steps=steps, order=order).ids
        if mend is not None:
            ids = mended(conditionals, ids, free, how, places, share=MENDED, steps=mend, order=order).ids
        found.append(ids)
    return torch.cat(found)


def distances(joint: Joint, of: Conditionals, samples: int, seeds: list[int]) -> dict[tuple[str, int], list[float]]:
    """By order and passes: for each seed."""
    found = {}
    for order in ORDERS:
        for steps in (*STEPS, *((10,) if order in ("mask-predict", "remask") else ())):
            texts = [written(of, LENGTH, samples, seed, steps, order) for seed in seeds]
            found[order, steps] = [joint.distance(each) for each in texts]
    drafts = [written(of, LENGTH, samples, seed, 1, "certain", mend=2) for seed in seeds]
    found["draft of one pass, mended", 1 + TURNS + 2] = [joint.distance(each) for each in drafts]
    return found


def two_texts() -> str:
    """A white cat purrs, or a black dog barks: which texts come out, in so many passes, from exact conditionals."""
    words = (("white", "black"), ("cat", "dog"), ("purrs", "barks"))
    table = torch.zeros(2, 2, 2)
    table[0, 0, 0] = table[1, 1, 1] = 1
    counts: list[Counter[str]] = []
    for steps in (1, 2, 3):
        texts = written(Joint(table), 3, 8000, 0, steps, "random").tolist()
        counts.append(Counter("a " + " ".join(w[i] for w, i in zip(words, text, strict=True)) for text in texts))
    names = sorted(counts[0], key=lambda name: (-counts[2][name], name))
    lines = [
        "| text | true | " + " | ".join(f"{n} pass{'es' * (n > 1)}" for n in (1, 2, 3)) + " |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        true = 0.5 if name in ("a white cat purrs", "a black dog barks") else 0.0
        lines.append(f"| {name} | {true:.3f} | " + " | ".join(f"{c[name] / 8000:.3f}" for c in counts) + " |")
    return "\n".join(lines)


def table(found: dict[str, dict[tuple[str, int], list[float]]]) -> str:
    exact, model = found["exact"], found["learned"]
    lines = ["| order | passes | exact conditionals | a learned model |", "|---|---|---|---|"]
    for order, steps in exact:
        values = " | ".join(
            f"{np.mean(each[order, steps]):.3f} ± {np.std(each[order, steps]):.3f}" for each in (exact, model)
        )
        lines.append(f"| {order} | {steps} | {values} |")
    return "\n".join(lines)


def picture(found: dict[str, dict[tuple[str, int], list[float]]], chance: float, floor: float) -> str:
    titles = {"exact": "from exact conditionals", "learned": "from a model that has learned them"}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.4), layout="constrained")
        for axes, (kind, title) in zip(figure.subplots(1, 2, sharey=True), titles.items(), strict=True):
            for order in ORDERS:
                passes = [steps for name, steps in found[kind] if name == order]
                values = [float(np.mean(found[kind][order, steps])) for steps in passes]
                axes.plot(passes, values, color=COLOURS[order], marker="o", markersize=3, linewidth=1.6, label=order)
            for level, said in ((chance, "independent marginals"), (floor, "as many exact draws")):
                axes.axhline(level, color=GREY, linewidth=0.9, linestyle=":")
                axes.annotate(said, (10, level), ha="right", va="bottom", fontsize=8)
            axes.set_title(title, fontsize=10, loc="left")
            axes.set_xlabel("passes for five tokens")
            axes.set_ylim(bottom=0)
            axes.grid(visible=True, linewidth=0.6)
        axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.12))
        figure.supylabel("total variation from the joint", fontsize=10)
        return svg(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=6000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("-o", "--out", type=Path, default=Path("parallel_toy.svg"))
    given = parser.parse_args()
    joint = Joint(torch.randn((WORDS,) * LENGTH, generator=torch.Generator().manual_seed(0)).mul(2).exp())
    floor = float(np.mean([joint.distance(joint.exact(given.samples, seed)) for seed in given.seeds]))
    kinds: dict[str, Callable[[], Conditionals]] = {"exact": lambda: joint, "learned": lambda: learned(joint)}
    found = {name: distances(joint, make(), given.samples, given.seeds) for name, make in kinds.items()}
    print(f"chance {joint.independent():.3f}, floor {floor:.3f}\n\n{table(found)}\n\n{two_texts()}")
    given.out.write_text(picture(found, joint.independent(), floor), encoding="utf-8")


if __name__ == "__main__":
    main()
