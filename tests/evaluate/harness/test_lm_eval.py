"""lm-eval finds the same with our engine beneath as over HTTP, and as with transformers beneath. A small task of our own, no hub."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from onward.errors import PlanError
from onward.serve.models import open_all
from onward.serve.settings import Limits
from samples import NOUNS, PLACES, story
from serving import running

pytest.importorskip("lm_eval", reason="lm-eval is not here: pip install 'onward[harness]'")

TASKS = {
    "seats": """\
task: seats
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{text}}}}"
doc_to_choice: "{{{{endings}}}}"
doc_to_target: "{{{{right}}}}"
target_delimiter: ""
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
""",
    "stories": """\
task: stories
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{{{story}}}}"
metric_list: [{{metric: byte_perplexity}}]
""",
    "said": """\
task: said
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{text}}}}"
doc_to_target: "{{{{endings[right]}}}}"
generation_kwargs: {{until: ["e", "\\n\\n"], max_gen_toks: 12, do_sample: false}}
metric_list: [{{metric: exact_match}}]
""",
}
METRICS = {"seats": ("acc", "acc_norm"), "stories": ("byte_perplexity",), "said": ("exact_match",)}


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder with the three tasks, about twelve documents."""
    place = tmp_path / "tasks"
    place.mkdir()
    documents = [
        {
            "text": f"The {NOUNS[i % 5]} sat on" + " the" * (i % 2),
            "endings": [f" {one}." for one in PLACES],
            "right": i % 5,
            "story": story(i)[:200],
        }
        for i in range(12)
    ]
    data = place / "data.jsonl"
    data.write_text("".join(json.dumps(one) + "\n" for one in documents))
    for name, task in TASKS.items():
        (place / f"{name}.yaml").write_text(task.format(data=data))
    return place


@pytest.fixture
def evaluated(tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What a model of lm-eval's says to each document of each task, and the tasks' numbers."""
    from datasets import config
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    manager = TaskManager(include_path=str(tasks), include_defaults=False)

    def carry_out(model: object, **how: object):
        found = simple_evaluate(
            model=model, tasks=[*TASKS], task_manager=manager, bootstrap_iters=0, **{"batch_size": 4} | how
        )
        samples = {name: sorted(found["samples"][name], key=lambda one: one["doc_id"]) for name in TASKS}
        return {name: [one["resps"] for one in own] for name, own in samples.items()}, found["results"]

    return carry_out


def our_lm(folder: Path, **how: object):
    from onward.evaluate.harness.lm_eval import FolderLM

    return FolderLM(str(folder), device="cpu", weights="fp32", **how)


def same(ours, theirs) -> None:
    assert ours["said"] == theirs["said"]
    assert len({str(one) for one in ours["said"]}) > 3
    for task in ("seats", "stories"):
        for one, other in zip(ours[task], theirs[task], strict=True):
            for told, heard in zip(flat(one), flat(other), strict=True):
                assert told == pytest.approx(heard, abs=1e-3)


def flat(told) -> list[object]:
    return [one for each in told for one in flat(each)] if isinstance(told, list | tuple) else [told]


@pytest.mark.parametrize("chat", [False, True])
def test_the_same_as_over_http(model_folder, evaluated, chat):
    pytest.importorskip("tenacity", reason="lm-eval asks no server here: pip install 'lm-eval[api]'")
    ours, our_numbers = evaluated(our_lm(model_folder), apply_chat_template=chat)
    with running(open_all([f"tiny={model_folder}"], [], device="cpu", weights="fp32"), Limits()) as up:
        asked = {
            "model": "tiny",
            "base_url": f"{up.url}/v1/completions",
            "tokenizer": str(model_folder),
            "tokenizer_backend": "huggingface",
            "tokenized_requests": True,
            "num_concurrent": 1,
            "max_length": 128,
        }
        theirs, their_numbers = evaluated("local-completions", model_args=asked, apply_chat_template=chat)
    same(ours, theirs)
    for task, metrics in METRICS.items():
        for metric in metrics:
            assert our_numbers[task][f"{metric},none"] == pytest.approx(their_numbers[task][f"{metric},none"], rel=1e-4)


def test_the_same_as_with_transformers_also_where_a_text_is_longer_than_the_model(model_folder):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    ours, theirs = our_lm(model_folder), HFLM(str(model_folder), device="cpu", dtype="float32", batch_size=1)
    assert theirs.max_length == ours.max_length
    long = " ".join(story(i) for i in range(60))
    assert len(ours.tok_encode(long)) > 3 * ours.max_length

    def weighed(model, kind, *arguments):
        return getattr(model, kind)([Instance(kind, {}, arguments, 0)], disable_tqdm=True)[0]

    for kind, arguments in {
        "loglikelihood_rolling": (long,),
        "loglikelihood": (long, " The cat sat."),
        "generate_until": (long, {"until": ["."], "max_gen_toks": 20}),
    }.items():
        own, other = (flat(weighed(model, kind, *arguments)) for model in (ours, theirs))
        assert own == (other if kind == "generate_until" else pytest.approx(other, rel=1e-4))
    without = [weighed(model, "loglikelihood", "", "The cat")[0] for model in (ours, theirs)]
    assert without[0] == pytest.approx(without[1], rel=1e-4)


def test_what_the_model_would_say_itself_is_called_greedy(model_folder):
    from lm_eval.api.instance import Instance

    model = our_lm(model_folder)
    said = model.generate_until([Instance("generate_until", {}, ("The cat", {"max_gen_toks": 3}), 0)])[0]
    ids = model.engine.tokenizer.encode("The cat")
    likeliest = [int(model.engine.scored(ids, [5], alternatives=1).alternatives[0][0][0])]
    pairs = [(None, ids, likeliest), (None, ids, [likeliest[0] + 1]), (None, ids, [])]
    found = model._loglikelihood_tokens(pairs, disable_tqdm=True)
    assert [greedy for _, greedy in found] == [True, False, True]
    assert found[2][0] == 0
    assert said


def test_an_answer_asked_for_again_is_another_one_and_the_same_tomorrow(model_folder):
    from lm_eval.api.instance import Instance

    model = our_lm(model_folder)
    how = {"do_sample": True, "temperature": 1.0, "max_gen_toks": 12}
    asked = [Instance("generate_until", {}, ("The cat", how), number) for number in range(6)]
    once = model.generate_until(asked, disable_tqdm=True)
    assert len(set(once)) > 3
    assert model.generate_until(asked, disable_tqdm=True) == once


def test_a_begun_answer_is_gone_on_with(model_folder):
    model = our_lm(model_folder)
    asked = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "On the "}]
    text = model.apply_chat_template(asked, add_generation_prompt=False)
    assert text.endswith("On the")
    assert text.startswith(model.apply_chat_template(asked[:1]))
    assert model.tok_encode(text)[: len(model.folder.prompt(asked[:1]))] == model.folder.prompt(asked[:1])


def test_a_document_may_begin_with_its_token(model_folder):
    model, begun = our_lm(model_folder), our_lm(model_folder, add_bos_token=True)
    assert begun.tok_encode("The cat") == model.folder.text_prompt("The cat") != model.tok_encode("The cat")
    assert begun.tok_encode("The cat", add_special_tokens=False) == model.tok_encode("The cat")


def test_what_cannot_be_done_is_one_line(model_folder):
    from lm_eval.api.instance import Instance

    model = our_lm(model_folder)
    for how, words in (({"num_beams": 4}, "num_beams"), ({"max_gen_toks": 128}, "max_gen_toks 128")):
        with pytest.raises(PlanError, match=words):
            model.generate_until([Instance("generate_until", {}, ("The cat", how), 0)])
    with pytest.raises(PlanError, match="local-completions"):
        our_lm("http://localhost:9/v1#model")


def test_the_command(model_folder, tasks, tmp_path, monkeypatch):
    """lm-eval's own command, with one model more."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    command = [
        *(sys.executable, "-m", "onward.evaluate.harness.lm_eval", "--model", "onward"),
        *("--model_args", f"model={model_folder},weights=fp32", "--tasks", "seats", "--include_path", str(tasks)),
        *("--output_path", str(tmp_path / "out"), "--batch_size", "4"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(next((tmp_path / "out").rglob("results_*.json")).read_text())
    assert told["results"]["seats"]["acc,none"] in [pytest.approx(n / 12) for n in range(13)]
    assert told["config"]["model"] == "onward"
