"""The decode step in C++ gives what the trunk gives: families, shapes, windows, formats, pages in any order, threads, company; and what it
refuses. The first run compiles it, which takes some ten seconds."""

from __future__ import annotations

import copy
import os
import random
import shutil
import signal
import time

import pytest
import torch
from torch import Tensor

from onward.errors import NativeError
from onward.generate.native import build
from onward.generate.native.packing import quantised, rounded
from onward.generate.native.step import FORMATS, Native
from onward.generate.pages import BLOCK
from onward.model.config import MoEConfig, RopeScaling, TrunkConfig
from onward.model.int8 import quantise
from onward.model.trunk import LanguageModel
from samples import randomised, with_weights

WORDS = 101
LENGTH = 37  # three blocks, the last of them not full

LLAMA = {"qk_norm": False, "tied": False}
LLAMA3 = RopeScaling(kind="llama3", factor=8.0, original_max_positions=16)
YARN = RopeScaling(kind="yarn", factor=4.0, original_max_positions=16)
MODELS = {
    "qwen3": {},
    "llama": LLAMA,
    "llama with all biases": LLAMA | {"qkv_bias": True, "out_bias": True, "ffn_bias": True},
    "llama 3.1": LLAMA | {"rope_theta": 500.0, "rope_scaling": LLAMA3},
    "qwen2": {"qk_norm": False, "qkv_bias": True},
    "mistral": LLAMA | {"window": 7},
    "one window": {"window": 17, "window_layers": (1,)},
    "yarn": {"rope_theta": 100.0, "rope_scaling": YARN},
    "linear scaling": {"rope_scaling": RopeScaling(kind="linear", factor=4.0)},
    "no positions": {"positions": "none"},
    "every head its own keys": {"kv_heads": 4},
    "one head of keys": {"heads": 6, "kv_heads": 1},
    "odd shapes": {"vocab_size": 33, "width": 35, "heads": 3, "kv_heads": 3, "head_size": 18, "ffn_width": 97},
    "several of all": {"width": 256, "heads": 8, "head_size": 64, "kv_heads": 2, "ffn_width": 320, "vocab_size": 300},
}


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    try:
        build.library()
    except NativeError as error:
        pytest.skip(str(error))


def model_of(**changes: object) -> LanguageModel:
    shape = {"vocab_size": WORDS, "width": 24, "depth": 3, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 36}
    return randomised(LanguageModel(TrunkConfig(**(shape | changes))).initialise(0)).eval()


class Pages:
    """A cache full of rubbish, and for each sequence a table of blocks in random order."""

    def __init__(self, config: TrunkConfig, rows: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> None:
        blocks = -(-LENGTH // BLOCK)
        shape = (config.depth, rows * blocks + 2, config.kv_heads, BLOCK, config.head_size)
        self.keys = torch.full((*shape[:3], config.head_size, BLOCK), 9.0, dtype=dtype).transpose(3, 4)
        self.values = torch.full(shape, 9.0, dtype=dtype)
        order = random.Random(seed).sample(range(shape[1]), rows * blocks)
        self.tables = torch.tensor(order, dtype=torch.int32).view(rows, blocks)

    def step(self, native: Native, ids: Tensor, slots: Tensor, rows: Tensor, **more: Tensor) -> Tensor:
        return native.step(ids, slots, self.tables[rows].contiguous(), self.keys, self.values, **more)[0]


def texts(model: LanguageModel, rows: int, length: int = LENGTH) -> Tensor:
    return torch.randint(model.config.vocab_size, (rows, length), generator=torch.Generator().manual_seed(1))


def carried(native: Native, ids: Tensor, dtype: torch.dtype = torch.float32, stagger: int = 0) -> Tensor:
    """The logits at each place of each row, step by step. Row b joins `stagger` * b steps after the first.   (B, T, V)"""
    rows, length = ids.shape
    pages, logits = Pages(native.config, rows, dtype), torch.full((rows, length, native.config.vocab_size), torch.nan)
    for now in range(length + stagger * (rows - 1)):
        places = now - stagger * torch.arange(rows)
        here = ((places >= 0) & (places < length)).nonzero()[:, 0]
        logits[here, places[here]] = pages.step(native, ids[here, places[here]], places[here], here)
    return logits


@torch.no_grad()
def whole(model: LanguageModel, ids: Tensor) -> Tensor:
    logits: Tensor = model(ids)
    return logits


def off(got: Tensor, wanted: Tensor) -> float:
    """The largest difference, in units of the largest number that was wanted."""
    return ((got - wanted).abs().max() / wanted.abs().max()).item()


CLOSE = {"fp32": 1e-4, "bf16": 5e-3, "int8": 1e-4, "int4": 5e-3}
"""How near the trunk a format is. In bf16 a last bit of a float more or less may become, where an input is rounded, a last bit of eight."""


# --- it is the trunk --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
def test_the_native_step_gives_what_the_trunk_gives(kind):
    model = model_of(**MODELS[kind])
    ids = texts(model, 3)
    assert off(carried(Native.of(model, "fp32"), ids, stagger=5), whole(model, ids)) < 1e-4


@pytest.mark.parametrize("rows", [1, 2, 4, 5, 7, 8, 9, 19])
@pytest.mark.parametrize("weights", FORMATS)
def test_each_format_computes_exactly_with_its_rounded_weights_for_any_number_of_rows(weights, rows):
    model = model_of(**MODELS["several of all"])
    ids = texts(model, rows, length=3)
    assert off(carried(Native.of(model, weights), ids), whole(with_weights(model, weights), ids)) < CLOSE[weights]


@pytest.mark.parametrize("kind", ["llama with all biases", "mistral", "odd shapes"])
@pytest.mark.parametrize("weights", ["bf16", "int8", "int4"])
def test_small_formats_know_biases_windows_and_odd_shapes_too(weights, kind):
    model = model_of(**MODELS[kind])
    ids = texts(model, 2)
    assert off(carried(Native.of(model, weights), ids), whole(with_weights(model, weights), ids)) < CLOSE[weights]


def test_in_bf16_it_is_bf16_that_is_multiplied():
    """Nearer to the trunk whose inputs are rounded too than to one with the same weights whose inputs are not."""
    model = model_of(**MODELS["several of all"] | {"depth": 1})
    ids, rounds = texts(model, 8, length=20), with_weights(model, "bf16")
    got, exact = carried(Native.of(model, "bf16"), ids), copy.deepcopy(model)
    for parameter in exact.parameters():
        if parameter.dim() == 2:
            parameter.data = rounded(parameter, "bf16")
    assert (got - whole(rounds, ids)).abs().mean() < 0.05 * (got - whole(exact, ids)).abs().mean()


def test_a_model_in_bf16_or_int8_can_be_packed():
    model = model_of()
    ids = texts(model, 2)
    packed = Native.of(copy.deepcopy(model).bfloat16(), "bf16")
    assert off(carried(packed, ids), whole(with_weights(model.bfloat16().float(), "bf16"), ids)) < CLOSE["bf16"]
    small = quantise(model_of())
    assert off(carried(Native.of(small, "fp32"), ids), whole(small, ids)) < 1e-4


def test_a_cache_in_bf16_costs_a_little_precision():
    model = model_of()
    ids = texts(model, 2)
    error = off(carried(Native.of(model, "fp32"), ids, torch.bfloat16), whole(model, ids))
    assert 1e-4 < error < 0.03


@pytest.mark.parametrize(("weights", "most"), [("bf16", 0.0017), ("int8", 0.006), ("int4", 0.09)])
def test_a_format_is_off_by_no_more_than_is_said(weights, most):
    weight = torch.randn(512, 768, generator=torch.Generator().manual_seed(0))
    error = (rounded(weight, weights) - weight).square().mean().sqrt().item()
    assert most / 1.2 < error < most


def test_codes_use_the_whole_range_and_zeros_stay_zeros():
    weight = torch.randn(32, 100, generator=torch.Generator().manual_seed(0))
    weight[3] = 0
    codes, scales = quantised(weight, "int8")
    assert codes.shape == (32, 100)
    assert scales.shape == (32, 2)
    assert codes.abs().max() == 127
    assert not codes[3].any()
    assert not rounded(weight, "int8")[3].any()


# --- what it does not depend on ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", FORMATS)
def test_a_row_gives_the_same_bits_alone_and_in_any_company(weights):
    model = model_of(**MODELS["several of all"])
    native, ids = Native.of(model, weights), texts(model, 11, length=4)
    together = carried(native, ids)
    for rows in ([0], [1, 2], [5, 3, 10], [4, 6, 7, 8, 9]):
        assert torch.equal(carried(native, ids[rows]), together[rows])


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(threads):
    model = model_of(**MODELS["several of all"])
    native, ids = Native.of(model, "fp32"), texts(model, 3, length=4)
    alone = carried(native, ids)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert torch.equal(carried(native, ids), alone)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_may_be_tokens_of_one_sequence(threads):
    model = model_of()
    native, ids = Native.of(model, "fp32"), texts(model, 1, length=23)
    pages, rows = Pages(model.config, 1), torch.zeros(23, dtype=torch.int64)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        first = pages.step(native, ids[0, :9], torch.arange(9), rows[:9])
        second = pages.step(native, ids[0, 9:], torch.arange(9, 23), rows[9:])
    finally:
        torch.set_num_threads(before)
    assert off(torch.cat((first, second)), whole(model, ids)[0]) < 1e-4


def test_a_nan_harms_only_its_own_row():
    model = model_of()
    ids = texts(model, 3, length=1)[:, 0]
    ids[:] = torch.tensor([4, 5, 6])
    with torch.no_grad():
        model.embedding.tokens.weight[5] = torch.nan
    model.head.weight = torch.nn.Parameter(torch.randn(WORDS, 24))  # else the word's own score would be NaN everywhere
    native = Native.of(model, "fp32")
    pages = Pages(model.config, 3)
    logits = pages.step(native, ids, torch.zeros(3, dtype=torch.int64), torch.arange(3))
    assert logits[1].isnan().all()
    assert logits[[0, 2]].isfinite().all()


def test_blocks_before_the_window_of_all_layers_may_have_been_given_back():
    model = model_of(window=5)
    native, ids = Native.of(model, "fp32"), texts(model, 1)
    pages, given_back = Pages(model.config, 1), None
    for place in range(LENGTH):
        if place == 2 * BLOCK + 4:
            pages.tables[0, :2] = -1
            given_back = pages.step(native, ids[:, place], torch.tensor([place]), torch.tensor([0]))
        else:
            pages.step(native, ids[:, place], torch.tensor([place]), torch.tensor([0]))
    assert given_back is not None
    assert off(given_back, whole(model, ids)[:, 2 * BLOCK + 4]) < 1e-4


def test_a_tree_of_drafts_gives_at_each_node_what_its_path_alone_gives():
    model = model_of(window=16, window_layers=(1,))
    native, ids, parents = Native.of(model, "fp32"), texts(model, 1, 30), [-1, 0, 0, 1, 2, -1, 5]
    pages, row, begun = Pages(model.config, 1), torch.zeros(1, dtype=torch.int64), 20
    pages.step(native, ids[0, :begun], torch.arange(begun), row.repeat(begun))
    nodes, paths = ids[0, begun : begun + len(parents)], list[list[int]]()
    for node, parent in enumerate(parents):
        paths.append([*(paths[parent] if parent >= 0 else []), node])
    unseen = [sum(1 << (node - 1 - other) for other in range(node) if other not in paths[node]) for node in range(7)]
    scored = torch.tensor([6, 0, 3, 4])
    alone = Pages(model.config, 1, seed=1)
    alone.step(native, ids[0, :begun], torch.arange(begun), row.repeat(begun))
    more = {"unseen": torch.tensor(unseen), "scored": scored}
    logits, hidden = native.step(
        nodes,
        torch.arange(begun, begun + 7),
        pages.tables[row.repeat(7)].contiguous(),
        pages.keys,
        pages.values,
        **more,
    )
    for got, state, node in zip(logits, hidden, scored.tolist(), strict=True):
        path = torch.cat([ids[0, :begun], nodes[paths[node]]])[None]
        as_said = alone.step(native, path[0, begun:], torch.arange(begun, path.shape[1]), row.repeat(len(paths[node])))
        assert torch.equal(got, as_said[-1]), "to the last bit"
        assert off(got, whole(model, path)[0, -1]) < 1e-4
        assert off(state, model.hidden(path)[0, -1].detach()) < 1e-4


def test_a_forked_process_has_threads_of_its_own():
    model = model_of()
    native, ids = Native.of(model, "fp32"), texts(model, 2, length=3)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        here = carried(native, ids)
        child = os.fork()
        if child == 0:
            same = False
            try:
                same = torch.equal(carried(native, ids), here)
            finally:  # in any case it ends here, and does not go on with the other tests
                os._exit(0 if same else 1)
        assert ended(child, within=30) == 0
    finally:
        torch.set_num_threads(before)


def ended(child: int, within: float) -> int:
    """The exit status of a process, which is killed where it takes too long."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


# --- what is refused --------------------------------------------------------------------------------------------------

REFUSED = {
    "experts": {"moe": MoEConfig(experts=3, experts_per_token=1, expert_width=8)},
    "LayerNorm": {"norm": "layer"},
    "norms after the sum": {"norm_place": "post"},
    "a norm after the embedding": {"embedding_norm": True},
    "no final norm": {"final_norm": False},
    "learned positions": {"positions": "learned", "max_positions": 64},
    "gelu": {"activation": "gelu"},
    "attention both ways": {"causal": False},
    "a head that gives one score": {"outputs": "score"},
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_the_step_does_not_know_is_named(words):
    with pytest.raises(NativeError, match=words):
        Native.of(model_of(**REFUSED[words]), "fp32")


def test_adapters_float64_and_unknown_formats_are_refused():
    with pytest.raises(NativeError, match="float64"):
        Native.of(model_of().double(), "fp32")
    with pytest.raises(NativeError, match="int3"):
        Native.of(model_of(), "int3")
    model = model_of()
    model.trunk.blocks[0].attention.q_proj = torch.nn.Sequential(model.trunk.blocks[0].attention.q_proj)
    with pytest.raises(NativeError, match="adapters"):
        Native.of(model, "fp32")


WRONG = {
    "not among the model's 101 words": {"ids": torch.tensor([3, WORDS])},
    "token -1": {"ids": torch.tensor([3, -1])},
    "row 1: slot 48": {"slots": torch.tensor([0, 48])},
    "slot -1": {"slots": torch.tensor([0, -1])},
    "block 8 is not": {"tables": torch.tensor([[0, 1, 2], [8, 4, 5]], dtype=torch.int32)},
    "block -1 is not": {"tables": torch.tensor([[0, 1, 2], [-1, 4, 5]], dtype=torch.int32)},
    "ids must be": {"ids": torch.tensor([3, 4], dtype=torch.int32)},
    "slots must be": {"slots": torch.tensor([0])},
    "row 1: slot 20 has not so many before it": {"unseen": torch.tensor([0, 1 << 20])},
    "row 2 is not among the 2": {"scored": torch.tensor([0, 2])},
    "tables must be": {"tables": torch.zeros(3, 2, dtype=torch.int32).T},
    "values must be": {"values": torch.zeros(3, 7, 2, BLOCK, 8)},
    "keys must be float32 or bfloat16": {"keys": torch.zeros(3, 8, 2, BLOCK, 8, dtype=torch.float64)},
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_call_is_told_in_a_line_and_writes_nothing(words):
    right = {
        "ids": torch.tensor([3, 4]),
        "slots": torch.tensor([0, 20]),
        "tables": torch.tensor([[0, 1, 2], [3, 4, 5]], dtype=torch.int32),
        "keys": torch.zeros(3, 8, 2, 8, BLOCK).transpose(3, 4),
        "values": torch.zeros(3, 8, 2, BLOCK, 8),
    }
    native = Native.of(model_of(), "fp32")
    with pytest.raises(NativeError, match=words) as caught:
        native.step(**(right | WRONG[words]))
    assert "\n" not in str(caught.value)
    assert not right["keys"].any()
    assert not right["values"].any()
    assert native.step(**right)[0].isfinite().all()


def test_a_step_of_no_rows_gives_no_rows():
    native, nothing = Native.of(model_of(), "fp32"), torch.zeros(0, dtype=torch.int64)
    assert Pages(native.config, 1).step(native, nothing, nothing, nothing).shape == (0, WORDS)


def test_without_a_compiler_that_works_it_is_said_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'step.cpp:1: error: too old' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(NativeError, match="too old"):
        build.library.__wrapped__()
    assert not list((tmp_path / "onward" / "native").iterdir())
    monkeypatch.delenv("CXX")
    with pytest.raises(NativeError, match=r"Install one\.$"):
        build.library.__wrapped__()


def test_a_compiler_for_c_is_passed_over_in_a_moment(monkeypatch, tmp_path):
    """As peft names one in CXX."""
    if not (gcc := shutil.which("gcc")) or not shutil.which("g++"):
        pytest.skip("there is no gcc beside g++")
    (tmp_path / "cc").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "asked"}\nexec {gcc} "$@"\n')
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("CXX", str(tmp_path / "cc"))
    assert build.library.__wrapped__().onward_step
    asked = (tmp_path / "asked").read_text()
    assert asked.count("probe.cpp") == len(build.TUNED)
    assert "step.cpp" not in asked
