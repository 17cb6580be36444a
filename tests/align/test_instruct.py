import json
import shutil
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from onward.align import instruct
from onward.corpus.chats import read_chats
from onward.errors import BadLine, DataError, FolderError, PlanError
from onward.model import adapters, folder
from onward.train import machine, pretrain, size
from onward.train.packing import IGNORE
from onward.train.plan import Adapter, Wishes
from onward.train.workspace import Workspace
from samples import conversation

WISHES = Wishes(steps=2, batch=256)


def prepared(base, chats, tmp_path, wishes=WISHES, **further):
    return instruct.prepare(
        base, chats, Workspace(tmp_path / "chat", {}), wishes, console=Console(quiet=True), **further
    )


@pytest.fixture
def short_chats(tmp_path):
    """Conversations that fit into the 64 positions of the small model."""
    path = tmp_path / "short.jsonl"
    path.write_text(
        "".join(
            json.dumps(
                {"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": f"Yes {i}."}]}
            )
            + "\n"
            for i in range(40)
        )
    )
    return path


def test_only_the_answers_and_their_ends_are_learned(model_folder, short_chats, tmp_path):
    training = prepared(model_folder, short_chats, tmp_path)
    learned = []
    for i in range(training.data.train.rows):
        targets = training.data.train.row(i).targets
        learned += [int(t) for t in targets if t != IGNORE]
    text = training.tokenizer.decode(learned, skip_special=False)
    answers = [f"Yes {i}.<|im_end|>" for i in range(40)]
    assert sorted(part + "<|im_end|>" for part in text.split("<|im_end|>") if part) == sorted(
        answer for i, answer in enumerate(answers) if i in kept(short_chats)
    )


def test_with_replay_every_second_row_is_of_the_texts_and_the_rest_as_before(
    model_folder, short_chats, texts, tmp_path
):
    def again(cut):
        return pretrain.cut_again([str(texts)], Workspace(tmp_path / "again", {}), cut, False, Console(quiet=True))

    training = prepared(model_folder, short_chats, tmp_path, replay=again, replayed=[{"path": str(texts)}])
    batch = training.batches(0)
    whole = texts.read_text()
    answers, stories = 0, 0
    for targets in batch.targets:
        learned = training.tokenizer.decode([int(t) for t in targets if t != IGNORE], skip_special=False)
        answers += learned.startswith("Yes ")
        stories += learned.split("<|endoftext|>")[0] in whole
    assert (answers, stories) == (2, 2)
    assert {"corpus": "replay", "path": str(texts)} in training.sources


def kept(chats):
    return [c.number - 1 for c, is_held_out in instruct.sides(read_chats(chats)) if not is_held_out]


def test_the_preflight_shows_what_is_learned(model_folder, short_chats, tmp_path):
    found = prepared(model_folder, short_chats, tmp_path).preflight()
    assert len(found.examples) == 3
    for example in found.examples:
        learned = "".join(text for text, yes in example.tokens if yes)
        assert learned.startswith("Yes ")
        assert learned.endswith("<|im_end|>")
        assert "?" not in learned
    assert found.data["documents"] == len(kept(short_chats))


def test_weights_stored_in_bf16_are_trained_in_fp32(model_folder, short_chats, tmp_path, tiny_model):
    from onward.lineage import Lineage

    folder.save(
        tmp_path / "half", tiny_model, lineage=Lineage(verb="x"), tokenizer_folder=model_folder, dtype=torch.bfloat16
    )
    training = prepared(tmp_path / "half", short_chats, tmp_path)
    assert {parameter.dtype for parameter in training.model.parameters()} == {torch.float32}


def test_copies_of_a_conversation_are_on_one_side(tmp_path):
    path = tmp_path / "copies.jsonl"
    path.write_text("".join(json.dumps(conversation(i % 3)) + "\n" for i in range(9)))
    found = {}
    for one, is_held_out in instruct.sides(read_chats(path)):
        found.setdefault(one.messages[0]["content"], set()).add(is_held_out)
    assert all(len(side) == 1 for side in found.values())
    assert {True, False} == {next(iter(side)) for side in found.values()}


def test_copies_of_one_conversation_are_too_few(tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text((json.dumps(conversation(1)) + "\n") * 5)
    with pytest.raises(DataError, match="at least two are needed"):
        list(instruct.sides(read_chats(path)))


def test_a_conversation_without_a_learnable_answer_is_named_or_left_out(model_folder, short_chats, tmp_path):
    template = (model_folder / "tokenizer_config.json").read_text()
    config = json.loads(template)
    turns = "{% for m in messages %}{{ m.content if m.role == 'user' else '-' }}{% endfor %}"
    config["chat_template"] = turns + "{% if add_generation_prompt %}>{% endif %}"
    (model_folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(BadLine, match=r"line \d+: no answer"):
        prepared(model_folder, short_chats, tmp_path)
    with pytest.raises(DataError, match="no tokens"):
        prepared(model_folder, short_chats, tmp_path / "again", skip_bad=True)


def test_more_tokens_than_the_base_has_positions_are_refused(model_folder, short_chats, tmp_path):
    with pytest.raises(PlanError, match="64 positions"):
        prepared(model_folder, short_chats, tmp_path, replace(WISHES, length=65))


def test_the_request_knows_the_base_and_the_chats(model_folder, short_chats, tmp_path):
    before = instruct.request(model_folder, short_chats, WISHES)
    assert before == instruct.request(model_folder, short_chats, WISHES)
    short_chats.write_text(short_chats.read_text() + json.dumps(conversation(99)) + "\n")
    changed = instruct.request(model_folder, short_chats, WISHES)
    assert before["chats"] != changed["chats"]
    assert before["base"] == changed["base"]
    with pytest.raises(FolderError):
        instruct.request(tmp_path / "nothing", short_chats, WISHES)


def test_with_an_adapter_the_base_stays_as_it_is_and_the_adapter_is_what_is_written(
    model_folder, short_chats, tmp_path
):
    before = folder.load(model_folder).state_dict()
    training = prepared(
        model_folder, short_chats, tmp_path, replace(WISHES, steps=6), beside=Adapter(adapter="lora", rank=4)
    )
    assert "lora: 4,096 weights learn" in training.plan.reasons["adapter"]
    first = training.measure(2000).value
    out = training.run(Console(quiet=True))
    after = {name.replace(".base_layer", ""): tensor for name, tensor in training.model.state_dict().items()}
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert not (out / "model.safetensors").exists()
    model = folder.load(model_folder)
    adapters.attach(model, "qwen3", out)
    training.model = model
    assert training.measure(2000).value < first


def test_an_adapter_goes_on_from_a_checkpoint_to_the_same_weights(model_folder, short_chats, tmp_path):
    wishes, beside = replace(WISHES, steps=5, checkpoint_every=2), Adapter(adapter="dora", rank=4)
    whole = prepared(model_folder, short_chats, tmp_path / "a", wishes, beside=beside).run(Console(quiet=True))
    training = prepared(model_folder, short_chats, tmp_path / "b", wishes, beside=beside)
    with training.workspace:
        training.learn(Console(quiet=True))  # to the end, but nothing is written
    shutil.rmtree(sorted((tmp_path / "b" / "chat.training" / "checkpoints").iterdir())[-1])
    out = prepared(model_folder, short_chats, tmp_path / "b", wishes, beside=beside).run(Console(quiet=True))
    assert (out / "adapter_model.safetensors").read_bytes() == (whole / "adapter_model.safetensors").read_bytes()


def test_where_memory_is_short_the_base_is_kept_in_int8_and_the_run_goes_on_so(
    model_folder, short_chats, tmp_path, monkeypatch
):
    """Short means: too little for the base in fp32, even with activations worked out twice."""
    config, lora = folder.read_config(model_folder)[1], Adapter(adapter="lora", rank=1)
    least = size.memory_needed(config, 64, recompute=True, weights=4 * sum(config.parameters().values()))
    monkeypatch.setattr(machine, "memory", lambda _: int(least / size.MEMORY_SHARE) - 1000)
    training = prepared(model_folder, short_chats, tmp_path, beside=lora)
    assert training.plan.base_precision == "int8"
    assert "memory is short" in training.plan.reasons["base_precision"]
    assert any(parameter.dtype == torch.int8 for parameter in training.model.parameters())
    assert training.preflight().memory < least
    assert training.data.suite == "held-out answers, beside a base in int8"
    with training.workspace:
        training.learn(Console(quiet=True))
    monkeypatch.undo()
    assert prepared(model_folder, short_chats, tmp_path, beside=lora).plan.base_precision == "int8"
    plenty = prepared(model_folder, short_chats, tmp_path / "plenty", beside=lora)
    assert (plenty.plan.base_precision, plenty.data.suite) == ("fp32", instruct.SUITE)


def test_beside_a_base_in_int8_the_adapter_is_one_of_the_float_base_and_goes_on_from_a_checkpoint(
    model_folder, short_chats, tmp_path
):
    wishes, beside = (
        replace(WISHES, steps=5, checkpoint_every=2),
        Adapter(adapter="lora", rank=4, base_precision="int8"),
    )
    whole = prepared(model_folder, short_chats, tmp_path / "a", wishes, beside=beside).run(Console(quiet=True))
    training = prepared(model_folder, short_chats, tmp_path / "b", wishes, beside=beside)
    with training.workspace:
        training.learn(Console(quiet=True))  # to the end, but nothing is written
    shutil.rmtree(sorted((tmp_path / "b" / "chat.training" / "checkpoints").iterdir())[-1])
    out = prepared(model_folder, short_chats, tmp_path / "b", wishes, beside=beside).run(Console(quiet=True))
    assert (out / "adapter_model.safetensors").read_bytes() == (whole / "adapter_model.safetensors").read_bytes()
    adapters.merged_folder(model_folder, out, tmp_path / "merged")
    beside_float = folder.load(model_folder)
    adapters.attach(beside_float, "qwen3", out)
    ids = torch.arange(30)[None]
    merged = folder.load(tmp_path / "merged")(ids)
    assert torch.allclose(merged, beside_float.eval()(ids), atol=1e-5)
    assert (merged - training.model.eval()(ids)).abs().mean() < 0.05 * merged.abs().mean()


def test_a_precision_of_the_base_that_cannot_be_is_refused_in_a_line(model_folder, short_chats, tmp_path):
    for wrong, words in (
        ({"base_precision": "int8"}, "Add --adapter lora"),
        ({"adapter": "lora", "base_precision": "int4"}, "choose fp32 or int8"),
    ):
        with pytest.raises(PlanError, match=words):
            Adapter(**wrong)
    with pytest.raises(PlanError, match="--adapter hira works with the model's weights in float"):
        prepared(model_folder, short_chats, tmp_path, beside=Adapter(adapter="hira", base_precision="int8"))
