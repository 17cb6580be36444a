"""What drafters are worth: questions on the world, programs copied with a change, free stories; beside transformers' assisted generation.

    pip install -e '.[test]'
    python benchmarks/speculation.py prepare -o drafting --minutes 15      (a world, a model to draft for, and what drafts for it)
    python benchmarks/speculation.py measure drafting --threads 2

The target has 8 blocks of width 384 and is trained on the built-in world and on programs that are copied with a variable renamed; a
smaller model has 2 blocks of width 96 and is trained for a fifth of the time, heads and block each for a third, in small batches. --texts
beginnings of each kind are carried on by --tokens tokens with each drafter and without one, in turn; the speed-up is the median over
beginnings of the ratio of seconds after the first token, with its quarters. As users have it: drafts that do not pay are switched off,
which is learned anew for each kind of text, from two texts that do not count. The noise of --temperature is shared with the drafter. Ours
runs compiled in fp32, and its texts are compared with those without a drafter; transformers' runs in fp32 by torch, and draws nothing
(temperature 0), as its own texts would differ otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

import onward
from onward.generate.drafters.make import made
from onward.generate.engine import Engine, Request
from onward.generate.settings import Sampling

WARM_UP = 2

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


def run(*arguments: object) -> None:
    print("+ onward", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "onward", *map(str, arguments)], check=True)


def prepare(out: Path, minutes: float) -> None:
    run("world", "-o", out / "world")
    chance = random.Random(0)
    texts = "".join(json.dumps({"text": program(chance)}) + "\n" for _ in range(12_000))
    (out / "world" / "texts" / "copies.jsonl").write_text(texts)
    texts, tokenizer = out / "world" / "texts", out / "tokenizer"
    run("tokenizer", texts, "-o", tokenizer)
    shape = "--tokenizer", tokenizer, "--length", 512, "--passes", 20
    run("pretrain", texts, "-o", out / "model", *shape, "--depth", 8, "--width", 384, "--minutes", minutes)
    run("pretrain", texts, "-o", out / "small", *shape, "--depth", 2, "--width", 96, "--minutes", minutes / 5)
    for kind in ("heads", "block"):
        learned = out / "model", texts, "-o", out / kind, "--kind", kind, "--batch", 2048, "--minutes", minutes / 3
        run("train-heads", *learned)
    run("datastore", texts, "--tokenizer", out / "model", "-o", out / "store")


# --- what it is worth -------------------------------------------------------------------------------------------------


def beginnings(out: Path, each: int) -> dict[str, list[str]]:
    """Of each kind, texts cut where they are to go on: lists of questions after the fourth answer, programs before the copy, stories
    after a sentence or two."""
    found: dict[str, list[str]] = {}
    chance = random.Random(1)
    quizzes = _texts(out / "world" / "texts" / "quiz.jsonl")
    found["questions"] = ["\n".join(text.split("\n")[:9]) + "\n" for text in quizzes[:: max(1, len(quizzes) // each)]][
        :each
    ]
    programs = [program(chance) for _ in range(each)]
    found["copying"] = [text[: text.index("\n\n", text.index("The same program")) + 2] for text in programs]
    stories = _texts(out / "world" / "texts" / "diary.jsonl")
    found["stories"] = [text[: len(text) // 3] for text in stories[:: max(1, len(stories) // each)]][:each]
    return found


def _texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


@dataclass
class Said:
    ids: list[int]
    seconds: float  # after the first token


Say = Callable[[list[int]], Said]


def ours(engine: Engine, sampling: Sampling) -> Say:
    def say(prompt: list[int]) -> Said:
        run = engine.submit(Request(prompt=prompt, sampling=sampling))
        while not run.drawn:
            engine.step()
        began = time.perf_counter()
        while run.finish is None:
            engine.step()
        return Said(run.drawn, time.perf_counter() - began)

    return say


def theirs(model: transformers.PreTrainedModel, tokens: int, **how: object) -> Say:
    def say(prompt: list[int]) -> Said:
        came: list[float] = []

        def note(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            del ids
            came.append(time.perf_counter())
            return scores

        ids = torch.tensor([prompt])
        settings = {"max_new_tokens": tokens, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
        made = model.generate(ids, attention_mask=torch.ones_like(ids), logits_processor=[note], **settings, **how)
        return Said(made[0, len(prompt) :].tolist(), time.perf_counter() - came[0])

    return say


def measure(out: Path, given: argparse.Namespace) -> None:
    opened = onward.load(out / "model", weights=given.weights)
    engine, sampling = opened.engine, Sampling(temperature=given.temperature, max_tokens=given.tokens)
    whats = {"lookup": ["lookup"], "datastore": [f"store:{out / 'store'}"], "itself in int8": ["int8"]}
    whats |= {"its first 2 layers": ["layers:2"], "the small model": [str(out / "small")]}
    whats |= {kind: [f"{kind}:{out / kind}"] for kind in ("heads", "block")}
    whats["lookup, datastore and heads"] = ["lookup", f"store:{out / 'store'}", f"heads:{out / 'heads'}"]
    auto = transformers.AutoModelForCausalLM.from_pretrained
    target, small = (auto(out / name, dtype=torch.float32).eval() for name in ("model", "small"))
    helped = {
        "prompt lookup": {"prompt_lookup_num_tokens": 10},
        "assisted by the small model": {"assistant_model": small},
    }
    engine.ends = frozenset()  # all texts are of the same length
    print(f"{sum(p.numel() for p in engine.model.parameters()):,} parameters, temperature {given.temperature:g}")
    for kind, texts in beginnings(out, given.texts + WARM_UP).items():
        prompts = [opened.text_prompt(text) for text in texts]
        engines = {
            name: Engine(engine.model, engine.tokenizer, engine.ends, weights=engine.reader.weights) for name in whats
        }
        for name, what in whats.items():
            engines[name].draft(made(engines[name], what))
            engines[name].ends = frozenset()
        sides: dict[str, Say] = {"no drafter": ours(engine, sampling)}
        sides |= {name: ours(one, sampling) for name, one in engines.items()}
        sides["transformers"] = theirs(target, given.tokens)
        sides |= {f"transformers, {name}": theirs(target, given.tokens, **how) for name, how in helped.items()}
        said: dict[str, list[Said]] = {name: [] for name in sides}
        for number, prompt in enumerate(prompts):
            for name, say in sides.items():
                one = say(prompt)
                if number >= WARM_UP:
                    said[name].append(one)
        report(kind, said, engines, given.tokens)


def report(kind: str, said: dict[str, list[Said]], engines: dict[str, Engine], tokens: int) -> None:
    print(
        f"\n{kind}\n{'':40} {'tok/s':>8} {'speed-up':>9} {'quarters':>13} {'a pass':>7} {'accepted':>9} {'texts alike':>12}"
    )
    for name, own in said.items():
        base = said["transformers" if name.startswith("transformers") else "no drafter"]
        ratios = [other.seconds / one.seconds for one, other in zip(own, base, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        rate = (tokens - 1) / statistics.median(one.seconds for one in own)
        alike = sum(one.ids == other.ids for one, other in zip(own, base, strict=True)) / len(own)
        drafts = ""
        if name in engines:
            found = engines[name].speculation.report
            drafts = f"{found.tokens / found.passes:7.2f} {found.acceptance:9.0%}"
        print(f"{name:40} {rate:8.1f} {middle:9.2f} {f'{low:.2f} to {high:.2f}':>13} {drafts:17} {alike:12.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    first = verbs.add_parser("prepare")
    first.add_argument("-o", "--out", type=Path, required=True)
    first.add_argument("--minutes", type=float, default=15, help="of training, for the target")
    second = verbs.add_parser("measure")
    second.add_argument("out", type=Path)
    second.add_argument("--weights", default="fp32", choices=["fp32", "bf16", "int8", "torch"])
    second.add_argument("--temperature", type=float, default=0.0)
    second.add_argument("--texts", type=int, default=12)
    second.add_argument("--tokens", type=int, default=96)
    second.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    if given.verb == "prepare":
        prepare(given.out, given.minutes)
        return
    torch.set_num_threads(given.threads)
    transformers.logging.set_verbosity_error()
    measure(given.out, given)


if __name__ == "__main__":
    main()
