"""The same losses and gradients as TRL's trainers give to the same batch, within 1e-5. Skipped where TRL is not installed."""

import copy

import numpy as np
import pytest
import torch

pytest.importorskip("trl")

from dataclasses import replace

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference

from onward.align.direct import direct
from onward.align.direct.log_probs import of_answers
from onward.align.direct.pairs import Paired
from onward.lineage import Lineage
from onward.model import folder
from samples import randomised

BETA = 0.3
ROWS = [{"prompt": f"{i}?", "chosen": "Yes.", "rejected": "No."} for i in range(4)]


@pytest.fixture
def sides(model_folder, tiny_model, encoded, tmp_path):
    """The start model's folder and the policy's; and the same batch of pairs in ours and as lists of ids."""
    policy = randomised(copy.deepcopy(tiny_model), seed=3)
    folder.save(tmp_path / "policy", policy, lineage=Lineage(verb="test"), tokenizer_folder=model_folder)
    given = encoded((3, 2, 4), (6, 5, 1), (2, 7, 7), (5, 3, 9))
    held = Paired(given, 20, 0, mismatched_by=0)
    batch = held.batch(np.arange(4))
    start = folder.load(model_folder)
    with torch.no_grad():
        answers, mismatched = (
            replace(some, reference=of_answers(start, some)) for some in (batch.answers, batch.mismatched)
        )
    return model_folder, tmp_path / "policy", replace(batch, answers=answers, mismatched=mismatched)


def lists(answers):
    """Each row's prompt and answer, as ids."""
    rows = []
    for ids, answer in zip(answers.ids, answers.answer, strict=True):
        begin, end = int(answer.int().argmax()), int(answer.nonzero().max()) + 1
        rows.append((ids[:begin].tolist(), ids[begin:end].tolist()))
    return rows


def theirs(trainer, config, sides, tmp_path, **further):
    start, policy, _ = sides
    plain = {"report_to": "none", "use_cpu": True, "bf16": False, "gradient_checkpointing": False, "beta": BETA}
    arguments = config(output_dir=str(tmp_path / "trl"), **plain, **further)
    made = trainer(
        model=AutoModelForCausalLM.from_pretrained(policy),
        ref_model=AutoModelForCausalLM.from_pretrained(start),
        args=arguments,
        train_dataset=Dataset.from_list(ROWS),
        processing_class=AutoTokenizer.from_pretrained(start),
    )
    made.model.train()
    return made


def compare(trainer, inputs, method, sides):
    _, place, batch = sides
    expected = trainer.compute_loss(trainer.model, inputs)
    expected.backward()
    policy = folder.load(place)
    found = direct.objective_of(method, BETA)(policy, batch)
    found.value.backward()
    assert found.value.item() == pytest.approx(expected.item(), abs=1e-5)
    mine, their = policy.embedding.tokens.weight.grad, trainer.model.get_input_embeddings().weight.grad
    assert mine.abs().max() > 1e-3
    assert torch.allclose(mine, their, atol=1e-5)


@pytest.mark.parametrize(("method", "name"), [("dpo", "sigmoid"), ("ipo", "ipo")])
def test_dpo_and_ipo_are_trls(method, name, sides, tmp_path):
    rows = lists(sides[2].answers)
    examples = [
        {"prompt_ids": rows[i][0], "chosen_ids": rows[i][1], "rejected_ids": rows[i + 1][1]}
        for i in range(0, len(rows), 2)
    ]
    trainer = theirs(DPOTrainer, DPOConfig, sides, tmp_path, loss_type=[name])
    compare(trainer, DataCollatorForPreference(pad_token_id=0)(examples), method, sides)


def test_kto_is_trls(sides, tmp_path):
    rows, others = lists(sides[2].answers), lists(sides[2].mismatched)
    assert [prompt for prompt, _ in rows] == [prompt for prompt, _ in others]
    examples = [
        {"prompt_ids": prompt, "completion_ids": answer, "KL_completion_ids": other, "label": i % 2 == 0}
        for i, ((prompt, answer), (_, other)) in enumerate(zip(rows, others, strict=True))
    ]
    trainer = theirs(KTOTrainer, KTOConfig, sides, tmp_path)
    compare(trainer, DataCollatorForUnpairedPreference(pad_token_id=0)(examples), "kto", sides)
