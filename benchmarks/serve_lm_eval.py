"""lm-eval through the server, and with our engine beneath it: does it find what the folder says without it?

    python examples/island.py island
    onward pretrain island/texts.jsonl --minutes 2 -o base
    python benchmarks/serve_lm_eval.py base island/texts.jsonl

A task made here: of everybody on the island, which of eight jobs they have, as it stands in the texts. `lm_eval --model local-completions`
asks the server for the log-probability of each ending (`echo` with `logprobs`, prompts as tokens), and this process scores the same endings
from the folder; so does lm-eval with the folder as a model of its own (onward.evaluate.harness). All must find the same, to a hundredth of
a nat. Needs `pip install lm_eval[api]`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from served import serving

import onward
from onward.generate.chat_model import FolderModel

TASK = """\
task: island
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{text}}}}"
doc_to_choice: "{{{{endings}}}}"
doc_to_target: "{{{{right}}}}"
target_delimiter: ""
metric_list:
  - metric: acc
"""
NAME = "served"


def documents(texts: Path) -> list[dict[str, object]]:
    """A beginning, its endings, and which of them is right, for everybody in the texts."""
    whole = texts.read_text()
    jobs = dict(re.findall(r"People know (\w+ \w+) as a (\w+)\.", whole))
    endings = [f" {job}." for job in sorted(set(jobs.values()))]
    return [
        {"text": f"People know {who} as a", "endings": endings, "right": endings.index(f" {job}.")}
        for who, job in sorted(jobs.items())
    ]


Found = tuple[float, list[list[float]]]
"""Accuracy, and the log-probability of each ending of each document."""


def through_the_server(folder: str, found: list[dict[str, object]], place: Path) -> Found:
    with serving(f"{NAME}={folder}") as up:
        asked = {
            "model": NAME,
            "base_url": f"{up.url}/v1/completions",
            "tokenizer": folder,
            "tokenizer_backend": "huggingface",
            "tokenized_requests": "True",
            "num_concurrent": "8",
            "max_length": "512",
        }
        told = by_lm_eval("lm_eval", "local-completions", asked, found, place)
        print(f"requests answered: {up.figure('onward_requests_total'):.0f}")
    return told


def by_lm_eval(module: str, model: str, asked: dict[str, str], found: list[dict[str, object]], place: Path) -> Found:
    """place: an empty folder.   module: whose command it is."""
    place.mkdir()
    (place / "data.jsonl").write_text("".join(json.dumps(one) + "\n" for one in found))
    (place / "island.yaml").write_text(TASK.format(data=place / "data.jsonl"))
    command = [
        *(sys.executable, "-m", module, "--model", model),
        *("--model_args", ",".join(f"{name}={value}" for name, value in asked.items())),
        *("--tasks", "island", "--include_path", str(place), "--batch_size", "4"),
        *("--output_path", str(place / "out"), "--log_samples"),
    ]
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(place / "cache")}
    subprocess.run(command, check=True, env=quiet)
    results = json.loads(next((place / "out").rglob("results_*.json")).read_text())
    samples = [json.loads(line) for line in next((place / "out").rglob("samples_*.jsonl")).read_text().splitlines()]
    samples.sort(key=lambda sample: int(sample["doc_id"]))
    told = [[float(answer[0]) for answer in sample["filtered_resps"]] for sample in samples]
    return float(results["results"]["island"]["acc,none"]), told


def by_the_folder(folder: str, found: list[dict[str, object]]) -> Found:
    model = onward.load(folder)
    assert isinstance(model, FolderModel)
    tokenizer, told = model.engine.tokenizer, []
    for one in found:
        before = tokenizer.encode(str(one["text"]))
        wholes = [tokenizer.encode(f"{one['text']}{ending}") for ending in one["endings"]]  # type: ignore[attr-defined]
        told.append([sum(model.engine.score(before, whole[len(before) :])) for whole in wholes])
    right = [row.index(max(row)) == one["right"] for row, one in zip(told, found, strict=True)]
    return sum(right) / len(right), told


def main(folder: str, texts: str) -> None:
    found = documents(Path(texts))
    ours, scored = by_the_folder(folder, found)
    with tempfile.TemporaryDirectory() as place:
        ways = {
            "lm_eval through the server": through_the_server(folder, found, Path(place) / "served"),
            "lm_eval with our engine beneath": by_lm_eval(
                "onward.evaluate.harness.lm_eval", "onward", {"model": folder}, found, Path(place) / "beneath"
            ),
        }
    print(f"{len(found)} people: right by the folder {ours:.3f}")
    for way, (right, told) in ways.items():
        pairs = [pair for one, other in zip(told, scored, strict=True) for pair in zip(one, other, strict=True)]
        apart = max(abs(a - b) for a, b in pairs)
        print(f"{way}: {right:.3f}, largest difference of a log-probability {apart:.1e} nats")
        if right != ours or apart > 0.01:
            raise SystemExit("they differ")


if __name__ == "__main__":
    main(*sys.argv[1:])
