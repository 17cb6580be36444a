"""Passes and seconds against quality: texts of the world written one token after the other, in blocks, and as a whole.

    python benchmarks/parallel_text.py --judge judge --next next --blocks blocks8 from_next --whole whole -o docs/parallel_text.svg

All models are of one shape, and learned from the same texts for about the same processor time (docs/results.md says how they are made);
the judge is larger, learned longer, and from another seed. Every one writes texts from nothing, at temperature 1, and the judge says how
many bits a byte of them costs. That alone can be cheated by saying the same likely words again and again, so the entropy of the
words stands beside it. What to reach: both figures of held-out texts. Chance: their tokens shuffled.

Seconds are the processor's, of one thread, for all the texts of a seed together. Left out: prompts, and a judge that reads meaning.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure

from onward.corpus.read import documents
from onward.corpus.split import split_documents
from onward.drawing import BLUE, GREY, ORANGE, STYLE, svg
from onward.generate.chat_model import FolderModel
from onward.generate.engine import Engine
from onward.generate.load import open_folder, open_parallel
from onward.generate.parallel.chat import ParallelModel
from onward.generate.parallel.draft import TURNS, mended
from onward.generate.parallel.jacobi import jacobi
from onward.generate.parallel.reader import Reader
from onward.generate.parallel.settings import Parallel
from onward.generate.request import Request
from onward.generate.settings import Sampling

TOKENS = 60
MENDED, MENDING = 0.25, 4
"""Share of a draft that is written anew, and in how many passes."""
BLOCK_STEPS, WHOLE_STEPS = (1, 2, 4, 8), (4, 8, 16, 32, 60)
COLOURS = (ORANGE, "#9966cc", "#3d9970")

Texts = list[list[int]]


@dataclass(frozen=True)
class Written:
    """What one way gave with one seed.   passes: of the model, for the longest text."""

    texts: Texts
    passes: int
    seconds: float


def requests(seed: int, number: int, begin: int) -> list[Request]:
    return [
        Request(prompt=[begin], sampling=Sampling(temperature=1, seed=1000 * seed + row, max_tokens=TOKENS))
        for row in range(number)
    ]


def timed(make: Callable[[], tuple[Texts, int]]) -> Written:
    began = time.process_time()
    texts, passes = make()
    return Written(texts, passes, time.process_time() - began)


def one_by_one(model: FolderModel, asked: Sequence[Request]) -> tuple[Texts, int]:
    engine = Engine(model.engine.model, model.engine.tokenizer, at_once=len(asked))
    drawn = [done.drawn for done in engine.run(asked)]
    return drawn, max(map(len, drawn))


def guessed(model: FolderModel, asked: Sequence[Request]) -> tuple[Texts, int]:
    """Jacobi decoding, one text at a time; of its passes the mean."""
    found = [jacobi(model.engine.model, r.prompt, r.sampling, ends=model.engine.ends) for r in asked]
    return [ids for ids, _ in found], round(float(np.mean([passes for _, passes in found])))


def in_blocks(model: ParallelModel, asked: Sequence[Request], how: Parallel) -> tuple[Texts, int]:
    model.writer.how = how
    return [done.drawn for done in model.writer.run(asked)], model.writer.passes


def mended_drafts(drafter: FolderModel, model: ParallelModel, asked: Sequence[Request]) -> tuple[Texts, int]:
    """What the one has written, and the other finds least likely, written anew by the other."""
    drafts, passes = one_by_one(drafter, asked)
    writer, end = model.writer, drafter.engine.tokenizer.bos_id
    assert end is not None
    ids = torch.tensor([(draft + [end] * writer.block)[: writer.block] for draft in drafts])
    places = torch.arange(writer.block).expand_as(ids)
    lengths = torch.tensor([[len(draft)] for draft in drafts])
    with torch.inference_mode():
        reader = Reader(writer.model, writer.mask_id, [r.prompt for r in asked], writer.room + 1)
        how = [r.sampling for r in asked]
        ids = mended(reader, ids, places < lengths, how, places + 1, share=MENDED, steps=MENDING).ids
    return [
        until_end(row[:length], end) for row, length in zip(ids.tolist(), lengths[:, 0].tolist(), strict=True)
    ], passes + TURNS + MENDING


def until_end(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end) + 1] if end in ids else ids


@dataclass(frozen=True)
class Judge:
    """Says what texts cost: bits per byte, the end of a text costing bits and counting no byte; and the entropy of their tokens."""

    model: FolderModel

    @torch.inference_mode()
    def __call__(self, texts: Texts) -> tuple[float, float]:
        engine, begin = self.model.engine, self.model.engine.tokenizer.bos_id
        bits = bytes_ = 0.0
        for text in texts:
            ids = [
                min(i, engine.model.config.vocab_size - 1) for i in text
            ]  # of words that it has not, the last, which it never saw
            logits = engine.model(torch.tensor([[begin, *ids[:-1]]]))[0].double().log_softmax(-1)
            bits -= float(logits.gather(1, torch.tensor(ids)[:, None]).sum()) / math.log(2)
            bytes_ += len(engine.tokenizer.decode([i for i in ids if i not in engine.tokenizer.special_ids]).encode())
        counts = np.bincount([i for ids in texts for i in ids])
        shares = counts[counts > 0] / counts.sum()
        return bits / max(bytes_, 1), float(-(shares * np.log2(shares)).sum())


def held_out(texts: Sequence[str], model: FolderModel, number: int) -> Texts:
    """The beginnings of held-out texts, as long as what is written."""
    cut, end = model.engine.tokenizer, model.engine.tokenizer.bos_id
    assert end is not None
    kept = [document.text for document, is_held_out in split_documents(documents(texts)) if is_held_out]
    return [[*cut.encode(text), end][:TOKENS] for text in Random(0).sample(kept, number)]


def ways(given: argparse.Namespace) -> dict[str, Callable[[Sequence[Request]], tuple[Texts, int]]]:
    """Every way to write, by its name; "of: in so many passes" where there are several of one."""
    plain = open_folder(given.next, device="cpu", dtype=torch.float32)
    found: dict[str, Callable[[Sequence[Request]], tuple[Texts, int]]] = {
        "one by one": lambda asked: one_by_one(plain, asked),
        "one by one, by Jacobi's guesses": lambda asked: guessed(plain, asked),
    }

    def add(name: str, model: ParallelModel, **how: int | str) -> None:
        found[name] = lambda asked: in_blocks(model, asked, Parallel(**how))  # type: ignore[arg-type]

    for path in given.blocks:
        model = open_parallel(path, device="cpu", dtype=torch.float32)
        for order in ("random", "confident"):
            for steps in BLOCK_STEPS:
                add(f"{path.name}, {order}: {steps}", model, steps=steps, order=order)
    if given.whole:
        whole = open_parallel(given.whole, device="cpu", dtype=torch.float32)
        for order in ("random", "confident"):
            for steps in WHOLE_STEPS:
                add(f"whole, {order}: {steps}", whole, steps=steps, order=order)
        for order in ("certain", "mask-predict", "remask"):
            add(f"whole, {order}: 16", whole, steps=16, order=order)
        add("whole, random, 8 at a time: 4", whole, steps=4, block=8, order="random")
        found["one by one, mended by whole"] = lambda asked: mended_drafts(plain, whole, asked)
    return found


Found = dict[str, list[tuple[float, float, float, float, float]]]
"""By way, for each seed: passes, seconds, bits per byte, entropy, tokens of a text."""


def table(found: Found) -> str:
    head = "| way | passes | seconds | bits per byte, by the judge | entropy of tokens, bits | tokens a text |"
    lines = [head, "|---|---|---|---|---|---|"]
    for name, runs in found.items():
        passes, seconds, bits, entropy, tokens = zip(*runs, strict=True)
        cost = "| |" if not passes[0] else f"{np.mean(passes):.0f} | {np.median(seconds):.2f} |"
        spread = f"{np.mean(bits):.3f} ({min(bits):.3f} to {max(bits):.3f})"
        lines.append(f"| {name} | {cost} {spread} | {np.mean(entropy):.2f} | {np.mean(tokens):.0f} |")
    return "\n".join(lines)


def picture(found: Found) -> str:
    curves: dict[str, list[tuple[float, ...]]] = {}
    for name, runs in found.items():
        if ": " in name and not name.startswith("whole, random, 8"):
            curves.setdefault(name.partition(":")[0], []).append(tuple(np.median(runs, axis=0)))
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    models = list(dict.fromkeys(name.partition(",")[0] for name in curves))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.8, 3.6), layout="constrained")
        for axes, (column, said) in zip(
            figure.subplots(1, 2, sharey=True), enumerate(("passes", "seconds")), strict=True
        ):
            for name, points in curves.items():
                model, _, order = name.partition(", ")
                x, y = [p[column] for p in points], [p[2] for p in points]
                style = "-" if order == "random" else "--"
                axes.plot(
                    x, y, style, color=COLOURS[models.index(model)], marker="o", markersize=3, linewidth=1.5, label=name
                )
            here = np.median(found["one by one"], axis=0)
            axes.plot(here[column], here[2], "s", color=BLUE, label="one by one")
            axes.axhline(np.mean([run[2] for run in found["held-out texts"]]), color=GREY, linewidth=0.9, linestyle=":")
            axes.set_xscale("log")
            if column == 0:
                axes.set_xticks([4, 8, 16, 32, TOKENS], labels=["4", "8", "16", "32", str(TOKENS)])
                axes.minorticks_off()
            axes.set_xlabel(
                f"{said}, for texts of {TOKENS} tokens" if column == 0 else "processor seconds, for all texts of a seed"
            )
            axes.grid(visible=True, linewidth=0.6)
        figure.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=8, loc="outside lower center", ncols=5)
        figure.supylabel("bits per byte, by the judge (dotted: held-out texts)", fontsize=9)
        return svg(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--next", type=Path, required=True)
    parser.add_argument("--blocks", type=Path, nargs="*", default=[])
    parser.add_argument("--whole", type=Path)
    parser.add_argument(
        "--texts", nargs="+", required=True, help="what the models have learned from, for its held-out part"
    )
    parser.add_argument("--number", type=int, default=32, help="texts of a seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("-o", "--out", type=Path, default=Path("parallel_text.svg"))
    given = parser.parse_args()
    judge = Judge(open_folder(given.judge, device="cpu", dtype=torch.float32))
    begin = judge.model.engine.tokenizer.bos_id
    assert begin is not None
    real = held_out(given.texts, judge.model, given.number * len(given.seeds))
    shuffled = [Random(i).sample(ids, len(ids)) for i, ids in enumerate(real)]
    found: Found = {
        name: [(0, 0, *judge(texts), float(np.mean([len(ids) for ids in texts])))]
        for name, texts in (("held-out texts", real), ("their tokens shuffled", shuffled))
    }
    for name, write in ways(given).items():
        found[name] = []
        for seed in given.seeds:
            done = timed(lambda write=write, seed=seed: write(requests(seed, given.number, begin)))  # type: ignore[misc]
            tokens = float(np.mean([len(ids) for ids in done.texts]))
            found[name].append((done.passes, done.seconds, *judge(done.texts), tokens))
        print(name, *(f"{value:.3f}" for value in np.mean(found[name], axis=0)), flush=True)
    print(f"\n{table(found)}")
    given.out.write_text(picture(found), encoding="utf-8")


if __name__ == "__main__":
    main()
