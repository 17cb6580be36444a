import json
from itertools import zip_longest

import pytest
import torch

import onward
from onward.errors import ChatError, FolderError, OnwardError
from onward.generate.engine import Request
from onward.generate.load import beside
from onward.generate.settings import Sampling
from onward.lineage import Lineage
from onward.model import adapters, folder

NAMES = {"poet": 1, "clerk": 2}
ASKED = [{"role": "user", "content": "Where does the cat sit?"}]


def test_a_folder_opens_as_a_chat_model(model_folder):
    model = onward.load(model_folder)
    replies = model(ASKED, n=3, temperature=1.0, max_tokens=12, seed=4)
    assert len(replies) == 3
    assert len({reply.text for reply in replies}) == 3, "each reply has a seed of its own"
    assert replies[1] == model(ASKED, n=1, temperature=1.0, max_tokens=12, seed=5)[0]
    assert "".join(model.stream(ASKED, Sampling(temperature=1.0, max_tokens=12, seed=4))) == replies[0].text


def test_score_adds_up_over_a_text(model_folder):
    model = onward.load(model_folder, dtype=torch.float64)
    whole = model.score("", "The cat sat on the mat.")
    parts = model.score("", "The cat") + model.score("The cat", " sat on the mat.")
    assert whole == pytest.approx(parts)
    assert whole < 0


def test_a_run_folder_opens_its_furthest_stage(model_folder, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    model_folder.rename(run / "base")
    assert onward.load(run).name == str(run / "base")


@pytest.fixture
def adapter_folder(model_folder, tmp_path):
    def make(name, seed):
        model = folder.load(model_folder)
        adapters.add(model, "qwen3", "lora", rank=4, base=model_folder, seed=seed)
        noise = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.normal_(0, 0.3, generator=noise)
        out = tmp_path / name
        adapters.save(out, model, lineage=Lineage(verb="sft"), family="qwen3", tokenizer_folder=model_folder)
        return out

    return make


def test_an_adapter_folder_opens_with_its_base_and_talks_as_the_two_merged(model_folder, adapter_folder, tmp_path):
    path = adapter_folder("poet", 1)
    adapters.merged_folder(model_folder, path, tmp_path / "merged")
    asked = {"temperature": 1.0, "max_tokens": 12, "seed": 4}
    poet, merged = onward.load(path), onward.load(tmp_path / "merged")
    assert poet(ASKED, **asked) == merged(ASKED, **asked) != onward.load(model_folder)(ASKED, **asked)
    assert poet.score("The cat", " sat") == pytest.approx(merged.score("The cat", " sat"), abs=1e-4)
    assert "".join(poet.stream(ASKED, Sampling(**asked))) == poet(ASKED, **asked)[0].text


def test_several_adapters_share_one_base_and_each_request_has_its_own(model_folder, adapter_folder):
    base = onward.load(model_folder)
    asked = Sampling(temperature=1.0, max_tokens=12, seed=4)
    alone = {name: onward.load(adapter_folder(name, seed)).replies(ASKED, [asked])[0] for name, seed in NAMES.items()}
    plain = base.replies(ASKED, [asked])[0]
    both = beside(base, {name: model_folder.parent / name for name in NAMES})
    prompt = base.prompt(ASKED)
    mixed = [Request(prompt=prompt, sampling=asked, adapter=name) for name in ("poet", None, "clerk", "poet")]
    texts = [done.text for done in base.engine.run(mixed)]
    assert texts == [alone["poet"].text, plain.text, alone["clerk"].text, alone["poet"].text]
    assert len(set(texts)) == 3
    assert {name: model.replies(ASKED, [asked])[0] for name, model in both.items()} == alone


def test_texts_with_different_adapters_may_take_turns(model_folder, adapter_folder):
    base = onward.load(model_folder)
    both = beside(base, {name: adapter_folder(name, seed) for name, seed in NAMES.items()})
    asked = Sampling(temperature=1.0, max_tokens=12, seed=4)
    alone = {name: model.replies(ASKED, [asked])[0].text for name, model in both.items()}
    streams = {name: model.stream(ASKED, asked) for name, model in both.items()}
    said = dict.fromkeys(streams, "")
    for pieces in zip_longest(*streams.values(), fillvalue=""):
        said = {name: said[name] + piece for name, piece in zip(streams, pieces, strict=True)}
    assert said == alone
    assert len(set(alone.values())) == 2


def test_a_tokenizer_that_does_not_fit_the_weights_is_refused(model_folder):
    path = model_folder / "tokenizer.json"
    definition = json.loads(path.read_text())
    definition["added_tokens"].append(definition["added_tokens"][-1] | {"id": 5000, "content": "<|late|>"})
    path.write_text(json.dumps(definition))
    with pytest.raises(FolderError, match="tokenizer"):
        onward.load(model_folder)


def test_a_conversation_with_a_wrong_role_is_refused(model_folder):
    with pytest.raises(ChatError, match="wizard"):
        onward.load(model_folder)([{"role": "wizard", "content": "hm"}])


@pytest.mark.parametrize("where", ["no/such/folder/here", "nowhere"])
def test_a_place_where_nothing_is_gets_one_line(where, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OnwardError) as error:
        onward.load(where)
    assert "\n" not in str(error.value)


def test_the_ends_that_generation_config_names_end_a_text(model_folder):
    free = onward.load(model_folder).engine.run([Request(prompt=[5], sampling=Sampling(temperature=1, max_tokens=20))])[
        0
    ]
    assert len(free.ids) > 3
    (model_folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [free.ids[2]]}))
    ended = onward.load(model_folder).engine.run(
        [Request(prompt=[5], sampling=Sampling(temperature=1, max_tokens=20))]
    )[0]
    assert ended.ids == free.ids[: free.ids.index(free.ids[2])]
    assert ended.finish == "stop"


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("config.json", {"num_hidden_layers": 10**9}, "depth must be"),
        ("config.json", {"head_dim": 2**62}, "head_size must be"),
        ("config.json", {"vocab_size": 10**18}, "vocab_size must be"),
        ("generation_config.json", {"eos_token_id": 1.5}, "eos_token_id holds 1.5"),
        ("generation_config.json", {"eos_token_id": ["x"]}, "eos_token_id holds 'x'"),
    ],
)
def test_absurd_values_are_one_line_at_once(model_folder, file, change, words):
    path = model_folder / file
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(before | change))
    with pytest.raises(OnwardError, match=words) as error:
        onward.load(model_folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("file", ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"])
def test_json_nested_without_end_is_one_line(model_folder, file):
    (model_folder / file).write_text("[" * 100_000)
    with pytest.raises(OnwardError, match=file) as error:
        onward.load(model_folder)
    assert "\n" not in str(error.value)


def test_an_adapter_is_computed_by_torch_and_beside_it_the_base_by_compiled_code(model_folder, adapter_folder):
    said, path = {}, adapter_folder("poet", 1)
    for weights in ("torch", "fp32"):
        base = onward.load(model_folder, weights=weights)
        poet = beside(base, {"poet": path})["poet"]
        asked = [{"role": "user", "content": "Good morning!"}]
        said[weights] = [model(asked, temperature=1.0, seed=3, max_tokens=20)[0].text for model in (base, poet)]
    assert said["fp32"] == said["torch"]
    assert said["torch"][0] != said["torch"][1]
