"""Multiple choice, ours beside lm-eval's Hugging Face back end: the same folder, the same prompts and options, the same numbers.

    python benchmarks/eval_speed.py TABLES --items 200

TABLES is a folder of CSV tables as MMLU's. A model of stock shape with random weights is made here: how long it takes does not depend on
what it knows. Both are given every prompt with its options, in turn, on one thread, and must agree on every log-probability to a
thousandth of a nat. theirs: HFLM.loglikelihood at the batch size that is quickest of 1, 4 and 16 on the first prompts. ours:
onward.generate.options, compiled and by torch; and, compiled, as a model of lm-eval's, asked by the same requests as HFLM. Needs
`pip install lm_eval[hf]`. Left out: the time for reading and writing files of results, theirs and ours.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.models.huggingface import HFLM

from onward.evaluate.asking import Cache, FolderRespondent, Wanted
from onward.evaluate.harness.lm_eval import FolderLM
from onward.evaluate.opening import open_suite
from onward.evaluate.prompts import Mode, choice_prompt
from onward.evaluate.suite import Suite
from onward.generate.chat_model import FolderModel
from onward.generate.load import open_folder
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.train import END_OF_TEXT, train

AGREED = 1e-3
LONGEST = 2040

BATCHES = (1, 4, 16)
TRIED = 24
"""Prompts by which their batch size is chosen."""
SHAPE = {"width": 384, "depth": 8, "heads": 6, "kv_heads": 2, "head_size": 64, "ffn_width": 1024}


def made(place: Path, suite: Suite) -> Path:
    """A folder with random weights, and a tokeniser that has read the suite."""
    (place / "tokenizer").mkdir()
    tokenizer = train((f"{item.question} {' '.join(item.options)}" for item in suite.items), 4096)
    tokenizer.save(place / "tokenizer")
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 1, max_positions=2048, **SHAPE)
    model = LanguageModel(config).initialise(0)
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.empty(parameter.shape).normal_(0, 0.02, generator=noise))
    folder.save(place / "model", model, lineage=Lineage(verb="benchmark"), tokenizer_folder=place / "tokenizer")
    return place / "model"


def prompts(suite: Suite, tokens: Callable[[str], int], mode: Mode, shots: int, items: int) -> list[Wanted]:
    """As a text, in the order as written; those that both have room for."""
    found = []
    for item in suite.items:
        prompt = choice_prompt(item, suite.shown(item, shots), mode=mode, layout="A.", order=0, chat=False)
        if tokens(prompt.text + max(prompt.options, key=len)) < LONGEST:
            found.append(Wanted(text=prompt.text, options=prompt.options))
        if len(found) == items:
            break
    return found


def by_lm_eval(model: LM, asked: Sequence[Wanted]) -> tuple[float, list[float]]:
    """Its prompts begin with the token that begins a document, as ours do."""
    requests = [
        Instance("loglikelihood", {}, (f"{END_OF_TEXT}{one.text}", option), number)
        for number, one in enumerate(asked)
        for option in one.options
    ]
    began = time.perf_counter()
    found = model.loglikelihood(requests, disable_tqdm=True)
    return time.perf_counter() - began, [float(log_prob) for log_prob, _ in found]


def by_ours_in_lm_eval(model: FolderLM, asked: Sequence[Wanted]) -> tuple[float, list[float]]:
    model.engine.forget()
    return by_lm_eval(model, asked)


def by_us(model: FolderModel, asked: Sequence[Wanted]) -> tuple[float, list[float]]:
    model.engine.forget()
    with tempfile.TemporaryDirectory() as place:
        respondent = FolderRespondent(model, Cache(Path(place) / "answers.jsonl"))
        began = time.perf_counter()
        answers = respondent.ask(asked)
        took = time.perf_counter() - began
    return took, [log_prob for answer in answers if answer for log_prob in answer.log_probs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables")
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    suite = open_suite(given.tables, 2000)
    with tempfile.TemporaryDirectory() as place:
        path = made(Path(place), suite)
        ours = {"compiled": open_folder(path, weights="fp32"), "torch": open_folder(path, weights="torch")}
        theirs = {
            size: HFLM(str(path), device="cpu", dtype="float32", batch_size=size, max_length=2048) for size in BATCHES
        }
        count = ours["torch"].engine.tokenizer.encode
        harness = FolderLM(str(path), device="cpu", weights="fp32")
        print(
            "| what | items | lm-eval, seconds | ours by torch | compiled | compiled, in lm-eval | ratios | apart, nats |"
        )
        print("|---|---|---|---|---|---|---|---|")
        ways: tuple[tuple[Mode, int], ...] = (("letter", 0), ("full", 0), ("cloze", 0), ("letter", 5), ("full", 5))
        for mode, shots in ways:
            asked = prompts(suite, lambda text: len(count(text)), mode, shots, given.items)
            report(f"{mode}, {shots} shots", asked, theirs, ours, harness, given.rounds)


def report(
    what: str,
    asked: list[Wanted],
    theirs: dict[int, HFLM],
    ours: dict[str, FolderModel],
    harness: FolderLM,
    rounds: int,
) -> None:
    """One row: everybody in turn, `rounds` times; medians, and theirs over each of ours."""
    best = min(theirs, key=lambda size: by_lm_eval(theirs[size], asked[:TRIED])[0])
    timings = [
        (
            by_lm_eval(theirs[best], asked),
            by_us(ours["torch"], asked),
            by_us(ours["compiled"], asked),
            by_ours_in_lm_eval(harness, asked),
        )
        for _ in range(rounds)
    ]
    slow, *own = (statistics.median(row[at][0] for row in timings) for at in range(4))
    found = timings[0]
    apart = max(abs(a - b) for at in (1, 2, 3) for a, b in zip(found[0][1], found[at][1], strict=True))
    seconds, ratios = " | ".join(f"{one:.2f}" for one in own), ", ".join(f"{slow / one:.1f}" for one in own)
    print(f"| {what} | {len(asked)} | {slow:.2f} (batch {best}) | {seconds} | {ratios} | {apart:.1e} |", flush=True)
    if apart > AGREED:
        raise SystemExit("they differ")


if __name__ == "__main__":
    main()
