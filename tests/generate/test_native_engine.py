"""The engine with compiled code for single tokens says what it says with torch."""

import pytest
import torch

import onward
from onward.errors import NativeError
from onward.generate.engine import Engine, Request
from onward.generate.native.build import library
from onward.generate.settings import Sampling
from samples import with_weights

try:
    library()
except NativeError as error:
    pytest.skip(str(error), allow_module_level=True)

ASKED = [
    Request(prompt=[5, 6, n], sampling=Sampling(temperature=1, seed=n, max_tokens=40), alternatives=2) for n in range(6)
]


def said(engine):
    return [done.ids for done in engine.run(ASKED)]


def log_probs(engine):
    return [done.log_probs for done in engine.run(ASKED)]


def test_in_fp32_the_text_is_torchs(tiny_model, tokenizer):
    assert said(Engine(tiny_model, tokenizer, weights="fp32")) == said(Engine(tiny_model, tokenizer))


def test_in_any_batch_with_few_blocks_and_shared_beginnings(tiny_model, tokenizer):
    expected = said(Engine(tiny_model, tokenizer))
    small = Engine(tiny_model, tokenizer, weights="fp32", at_once=2, chunk=2, blocks=7)
    assert said(small) == expected
    assert said(small) == expected
    assert small.pages.used == 0


@pytest.mark.parametrize("weights", ["fp32", "bf16", "int8"])
def test_to_the_last_bit_nothing_depends_on_the_schedule(tiny_model, tokenizer, weights):
    whole = Engine(tiny_model, tokenizer, weights=weights)
    expected = log_probs(whole)
    pieces = Engine(tiny_model, tokenizer, weights=weights, at_once=2, chunk=3, blocks=7)
    assert log_probs(pieces) == log_probs(pieces) == log_probs(whole) == expected
    prompt, drawn = list(ASKED[0].prompt), whole.run(ASKED[:1])[0].drawn
    assert pieces.score(prompt, drawn) == whole.score(prompt, drawn) == pytest.approx(expected[0], abs=1e-5)


@pytest.mark.parametrize(("weights", "least"), [("bf16", 18), ("int8", 20), ("int4", 18)])
def test_rounded_weights_say_what_torch_says_with_the_same(tiny_model, tokenizer, weights, least):
    """From the first token on, as a prompt of one token is read like one that was drawn. In bf16 a text may go another way where two
    tokens are as likely as each other: inputs are rounded, and a last bit of a float may decide how."""
    alike = with_weights(tiny_model, weights)
    asked = [Request(prompt=[n], sampling=Sampling(temperature=0, max_tokens=12)) for n in range(20, 40)]
    found, expected = (
        [done.ids for done in engine.run(asked)]
        for engine in (Engine(tiny_model, tokenizer, weights=weights), Engine(alike, tokenizer))
    )
    assert sum(one == other for one, other in zip(found, expected, strict=True)) >= least


def test_a_folder_opens_with_compiled_code_by_itself(model_folder):
    plain, compiled = (onward.load(model_folder, weights=weights) for weights in ("torch", None))
    assert (plain.engine.reader.weights, compiled.engine.reader.weights) == (None, "fp32")
    assert onward.load(model_folder, dtype=torch.bfloat16).engine.reader.weights == "bf16"
    for unknown in (torch.float64, torch.float16):
        assert onward.load(model_folder, dtype=unknown).engine.reader.weights is None
    asked = [{"role": "user", "content": "Good morning!"}]
    settings = {"temperature": 1.0, "seed": 3, "max_tokens": 20}
    assert compiled(asked, **settings)[0].text == plain(asked, **settings)[0].text


def test_without_a_compiler_a_folder_opens_by_torch(model_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    library.cache_clear()
    try:
        assert onward.load(model_folder).engine.reader.weights is None
        with pytest.raises(NativeError, match="no C\\+\\+ compiler"):
            onward.load(model_folder, weights="fp32")
    finally:
        library.cache_clear()


def test_what_compiled_code_does_not_know_is_said(tiny_model, tokenizer):
    with pytest.raises(NativeError, match="float64"):
        Engine(tiny_model.double(), tokenizer, weights="fp32")


def test_what_is_forgotten_are_the_weights_too(tiny_model, tokenizer):
    engine = Engine(tiny_model, tokenizer, weights="fp32")
    before = said(engine)
    with torch.no_grad():
        for parameter in tiny_model.parameters():
            parameter.mul_(1.1)
    engine.forget()
    assert said(engine) == said(Engine(tiny_model, tokenizer)) != before
