"""A teacher beside the student: the loss, the folder that comes of it, and whether the student really gets nearer."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from rich.console import Console

from onward import lineage
from onward.align import instruct
from onward.align.teacher import METRIC, Teacher
from onward.align.wishes import Teaching
from onward.errors import FolderError, PlanError
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.reward import with_score_head
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer
from onward.train import machine
from onward.train.objectives import next_token
from onward.train.packing import IGNORE
from onward.train.plan import Adapter, Wishes
from onward.train.tasks import bert
from onward.train.workspace import Workspace
from samples import randomised

QUIET = Console(quiet=True)
WISHES = Wishes(steps=3, batch=256, length=64, precision="fp32")
SHAPE = {"width": 48, "depth": 2, "heads": 4, "kv_heads": 2, "head_size": 12, "ffn_width": 96, "max_positions": 80}


@pytest.fixture
def short_chats(tmp_path):
    path = tmp_path / "short.jsonl"
    lines = [[{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": f"Yes {i}."}] for i in range(40)]
    path.write_text("".join(json.dumps({"messages": line}) + "\n" for line in lines))
    return path


@pytest.fixture
def teacher_folder(model_folder, tokenizer, tmp_path):
    """Larger than the student, with its tokenizer and more rows than that has tokens."""
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 30, **SHAPE)
    model = randomised(LanguageModel(config).initialise(1), 1)
    folder.save(tmp_path / "teacher", model, lineage=Lineage(verb="taught"), tokenizer_folder=model_folder)
    return tmp_path / "teacher"


def prepared(base, chats, place, wishes=WISHES, **teaching):
    workspace = Workspace(place / "out", {})
    return instruct.prepare(base, chats, workspace, wishes, teaching=Teaching(**teaching), console=QUIET)


def teacher_of(path, student, share=1.0):
    return Teacher(path, share, student, Tokenizer.load(student), replace(machine.measure(seconds=0), precision="fp32"))


def logits(model, batch):
    """At the learned places of rows with one piece each."""
    learned = batch.targets != IGNORE
    return model(batch.inputs)[learned], batch.targets[learned]


def test_the_loss_and_its_gradients_are_those_of_the_plain_formula(model_folder, teacher_folder, short_chats, tmp_path):
    training = prepared(model_folder, short_chats, tmp_path, teacher=teacher_folder, teacher_share=0.3)
    batch = training.data.train.batch(np.arange(1))
    end = int((batch.documents[0] == 0).sum())
    alone = type(batch).of(**{n: getattr(batch, n)[:, :end] for n in ("inputs", "targets", "positions", "documents")})
    assert alone.learnable > 2
    assert alone.single
    student, teacher = training.model.double(), folder.load(teacher_folder).double()
    mine = teacher_of(teacher_folder, model_folder, 0.3)
    mine.model = teacher
    scores, targets = logits(student, alone)
    taught = logits(teacher, alone)[0].detach()[:, : scores.shape[1]]
    kl = F.kl_div(scores.log_softmax(-1), taught.log_softmax(-1), log_target=True, reduction="batchmean")
    plain = 0.7 * F.cross_entropy(scores, targets) + 0.3 * kl
    expected = torch.autograd.grad(plain, list(student.parameters()))
    loss = mine.loss(student, alone)
    assert loss.value.item() == pytest.approx(plain.item(), abs=1e-9)
    assert loss.stats["kl"] == pytest.approx(kl.item(), abs=1e-9)
    for ours, theirs in zip(torch.autograd.grad(loss.value, list(student.parameters())), expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-9)


def test_a_student_that_is_its_own_teacher_has_nothing_to_learn_from_it(model_folder, short_chats, tmp_path):
    training = prepared(model_folder, short_chats, tmp_path, teacher=model_folder, teacher_share=1.0)
    loss = training.objective(training.model, training.batches(0))
    loss.value.backward()
    assert (loss.value.item(), loss.stats["kl"]) == (0.0, 0.0)
    assert all(parameter.grad.abs().max() < 1e-6 for parameter in training.model.parameters())


def test_accumulated_is_one_batch(model_folder, teacher_folder, short_chats, tmp_path):
    training = prepared(model_folder, short_chats, tmp_path, teacher=teacher_folder)
    student = training.model
    student.double()
    mine = teacher_of(teacher_folder, model_folder, 0.5)
    mine.model.double()
    batch = training.batches(0)
    whole = torch.autograd.grad(mine.loss(student, batch).value, list(student.parameters()))
    parts = [mine.loss(student, part).value * part.learnable / batch.learnable for part in batch.split(1)]
    assert len(parts) == 4
    summed = torch.autograd.grad(sum(parts), list(student.parameters()))
    assert all(torch.allclose(one, two, atol=1e-12) for one, two in zip(whole, summed, strict=True))


def test_the_teacher_stays_as_it_is_and_stands_in_the_lineage(model_folder, teacher_folder, short_chats, tmp_path):
    before = {file.name: file.read_bytes() for file in teacher_folder.iterdir()}
    out = prepared(model_folder, short_chats, tmp_path, teacher=teacher_folder).run(QUIET)
    assert {file.name: file.read_bytes() for file in teacher_folder.iterdir()} == before
    history = lineage.of(out)
    assert [parent.verb for parent in history.parents] == ["test", "taught"]
    assert history.plan["reasons"]["teacher"].startswith("0.5: ")
    assert [result.metric for result in history.results] == ["bits per byte", METRIC]
    assert folder.load(out).config.width == 32
    line = json.loads((out / "metrics.jsonl").read_text().splitlines()[0])
    assert line["kl"] > 0


def test_beside_a_teacher_an_adapter_may_learn_and_the_student_itself_stays_as_it_is(
    model_folder, teacher_folder, short_chats, tmp_path
):
    training = instruct.prepare(
        model_folder,
        short_chats,
        Workspace(tmp_path / "out", {}),
        WISHES,
        beside=Adapter(adapter="lora", rank=4),
        teaching=Teaching(teacher=teacher_folder),
        console=QUIET,
    )
    out = training.run(QUIET)
    result = lineage.of(out).results[-1]
    assert result.metric == METRIC
    assert result.value != result.baseline
    after = {name.replace(".base_layer", ""): tensor for name, tensor in training.model.state_dict().items()}
    assert all(torch.equal(after[name], tensor) for name, tensor in folder.load(model_folder).state_dict().items())


def test_it_goes_on_from_a_checkpoint_to_the_same_weights(model_folder, teacher_folder, short_chats, tmp_path):
    wishes = replace(WISHES, steps=5, checkpoint_every=2)
    taught = {"teacher": teacher_folder}
    whole = prepared(model_folder, short_chats, tmp_path / "a", wishes, **taught).run(QUIET)
    training = prepared(model_folder, short_chats, tmp_path / "b", wishes, **taught)
    with training.workspace:
        training.learn(QUIET)  # to the end, but nothing is written
    shutil.rmtree(sorted((tmp_path / "b" / "out.training" / "checkpoints").iterdir())[-1])
    out = prepared(model_folder, short_chats, tmp_path / "b", wishes, **taught).run(QUIET)
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_with_a_teacher_the_student_gets_nearer_to_it_in_the_same_steps(
    model_folder, teacher_folder, short_chats, tmp_path
):
    """A teacher that has learned the task, and two students: the same weights, batches and steps."""
    chats = short_chats.with_name("two.jsonl")
    lines = [
        [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": ("Yes", "No")[i * 7 % 5 % 2]}]
        for i in range(60)
    ]
    chats.write_text("".join(json.dumps({"messages": line}) + "\n" for line in lines))
    taught = prepared(teacher_folder, chats, tmp_path / "teacher", replace(WISHES, steps=30)).run(QUIET)
    few = replace(WISHES, steps=8)
    with_it = prepared(model_folder, chats, tmp_path / "with", few, teacher=taught, teacher_share=1.0).run(QUIET)
    without = prepared(model_folder, chats, tmp_path / "without", few)
    without.learn(QUIET)
    alone = teacher_of(taught, model_folder).measure(without.model, without.data, without.plan)
    found = {result.metric: result for result in lineage.of(with_it).results}[METRIC]
    assert found.value < alone.value < found.baseline, "the teacher is what one of the two has learned from"
    assert found.chance is None
    assert not math.isnan(found.low)


def test_the_share_is_what_it_says(model_folder, teacher_folder, short_chats, tmp_path):
    training = prepared(model_folder, short_chats, tmp_path)
    batch = training.batches(0)
    own = next_token(training.model, batch).value.item()
    with_all = teacher_of(teacher_folder, model_folder, 1.0).loss(training.model, batch).value.item()
    half = teacher_of(teacher_folder, model_folder, 0.5).loss(training.model, batch).value.item()
    assert half == pytest.approx((own + with_all) / 2, abs=1e-5)


def test_a_teacher_that_cannot_teach_is_refused_in_a_line(
    model_folder, tiny_model, tokenizer, short_chats, tmp_path, teacher_folder
):
    def refused(words, kind=FolderError, wishes=WISHES, **teaching):
        with pytest.raises(kind, match=words) as error, Workspace(tmp_path / "no", {}) as workspace:
            instruct.prepare(model_folder, short_chats, workspace, wishes, teaching=Teaching(**teaching), console=QUIET)
        assert "\n" not in str(error.value)

    other = shutil.copytree(model_folder, tmp_path / "other")
    config = json.loads((other / "tokenizer_config.json").read_text())
    (other / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": "{{ messages }}"}))
    refused("has another tokenizer than .*onward distil", teacher=other)
    generation = {"pad_token_id": tokenizer.pad_id}
    place = {"lineage": Lineage(verb="test"), "tokenizer_folder": model_folder}
    folder.save(tmp_path / "judge", with_score_head(tiny_model, 0), generation=generation, **place)
    refused("holds a reward model", teacher=tmp_path / "judge")
    family, encoder = bert(replace(tiny_model.config, kv_heads=4))
    folder.save(tmp_path / "encoder", LanguageModel(encoder).initialise(0), family=family, **place)
    refused("holds an encoder", teacher=tmp_path / "encoder")
    refused("does not exist", teacher=tmp_path / "nothing")
    refused("80 positions|64 positions", PlanError, replace(WISHES, length=81), teacher=teacher_folder)
    with pytest.raises(PlanError, match="Add --teacher FOLDER"):
        Teaching(teacher_share=0.5)
    with pytest.raises(PlanError, match="above 0, and at most 1"):
        Teaching(teacher=teacher_folder, teacher_share=1.5)


def test_the_request_knows_the_teacher(model_folder, teacher_folder, short_chats):
    alone = instruct.request(model_folder, short_chats, WISHES)
    taught = instruct.request(model_folder, short_chats, WISHES, Teaching(teacher=teacher_folder))
    assert taught["teacher"] != taught["base"]
    assert "teacher" not in alone
    assert {name: taught[name] for name in alone} == alone
