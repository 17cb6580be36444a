"""Texts written in blocks: as the engine writes them where a block is one token; whatever the batch; and up to where they end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from scipy.stats import chisquare
from typer.testing import CliRunner

from onward import load
from onward.align import instruct
from onward.align.wishes import Teaching
from onward.cli.app import app
from onward.errors import FolderError, PlanError
from onward.generate.engine import Engine
from onward.generate.parallel.reader import Reader
from onward.generate.parallel.settings import ORDERS, Parallel
from onward.generate.parallel.write import Writer
from onward.generate.request import Request
from onward.generate.settings import Sampling
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.tokens.special import mask_id, with_mask
from onward.train.diffusion import Hiding
from onward.train.objectives import block_by_block
from onward.train.packing import Batch
from onward.train.plan import Wishes
from onward.train.workspace import Workspace
from samples import conversation, randomised

ROOM = 48


@pytest.fixture(scope="session")
def cut(tokenizer):
    return with_mask(tokenizer)


def made(cut, block, room=ROOM, **further):
    shape = {"width": 16, "depth": 2, "heads": 2, "kv_heads": 1, "head_size": 8, "ffn_width": 32} | further
    config = TrunkConfig(vocab_size=cut.highest_id + 1, max_positions=room, block=block, **shape)
    return randomised(LanguageModel(config).initialise(0), 3).double().eval()


def asked(cut, text="The cat", tokens=12, seed=5, temperature=0.9, **further):
    sampling = Sampling(temperature=temperature, seed=seed, max_tokens=tokens, **further)
    return Request(prompt=[cut.bos_id, *cut.encode(text)], sampling=sampling)


def ended(writer, request):
    return writer.run([request])[0].finish


TEXTS = ("The cat", "", "The owl sat on the hill. The", "A")


@pytest.mark.parametrize("temperature", [0.0, 0.9])
@pytest.mark.parametrize("order", ORDERS)
def test_in_blocks_of_one_token_it_writes_what_the_engine_writes(cut, order, temperature):
    """The same weights, read as a model that carries texts on; in fp64, drawn and greedy, several together."""
    writer = Writer(made(cut, 1), cut)
    writer.how = Parallel(order=order)
    plain = made(cut, 1)
    plain.load_state_dict(writer.model.state_dict())
    requests = [asked(cut, text, temperature=temperature, seed=9 + i) for i, text in enumerate(TEXTS)]
    without = [replace(request, bias={mask_id(cut): -float("inf")}) for request in requests]  # a mask is never written
    found, expected = writer.run(requests), Engine(plain, cut).run(without)
    assert [f.ids for f in found] == [e.ids for e in expected]
    assert [f.text for f in found] == [e.text for e in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_probs == pytest.approx(other.log_probs, abs=0.05), "but for the share of the mask"


@pytest.mark.parametrize("block", [4, ROOM])
@pytest.mark.parametrize("order", ORDERS)
def test_a_text_depends_on_nothing_but_its_prompt_and_its_seed(cut, block, order):
    writer = Writer(made(cut, block), cut)
    writer.how = Parallel(steps=3, order=order)
    requests = [asked(cut, text, seed=i) for i, text in enumerate(TEXTS)]
    together = writer.run(requests)
    assert [writer.run([request])[0].ids for request in requests] == [one.ids for one in together]
    assert "".join(writer.stream(requests[0])) == together[0].text


@pytest.mark.parametrize("block", [1, 2, 6, 24])
def test_what_the_reader_says_of_a_block_is_what_was_trained(cut, block):
    """The logits of hidden tokens in the second block of a text: from the cache, and from the row that the objective learns from."""
    model, length = made(cut, block, 24 if block == 24 else 48), 24
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 300, (1, length + 1), generator=generator)
    ids[0, 0] = cut.bos_id
    documents = torch.zeros(1, length, dtype=torch.int64)
    clean = Batch.of(inputs=ids[:, :-1], targets=ids[:, 1:], positions=torch.arange(length)[None], documents=documents)
    noise = torch.rand(3, 1, length, generator=generator).double().numpy()
    row = Hiding(block, mask_id(cut))(clean, noise)
    logits = model(row.inputs, row.positions, block_by_block(row))
    start = 0 if block == length else block
    at = (row.starts[0] == start) & (row.positions[0] >= start) & (row.positions[0] < start + block)
    known = row.targets[0, at] == -100
    reader = Reader(model, mask_id(cut), [ids[0, : start + 1].tolist()], 60)
    found = reader(ids[:, start + 1 : start + 1 + block], known[None])
    hidden = ~known
    expected = logits.index_fill(-1, torch.tensor(mask_id(cut)), -torch.inf)[0, at]
    torch.testing.assert_close(found[0, hidden], expected[hidden], rtol=1e-9, atol=1e-9)
    if start:  # and the same once more, the first block read along as it was written
        reader = Reader(model, mask_id(cut), [ids[0, :1].tolist()], 60)
        reader.settle(ids[:, 1 : block + 1])
        again = reader(ids[:, start + 1 : start + 1 + block], known[None])
        torch.testing.assert_close(again[0, hidden], found[0, hidden], rtol=1e-9, atol=1e-9)


def test_a_text_ends_at_its_end_token_and_at_stop_texts(cut):
    writer = Writer(made(cut, 6), cut)
    request = asked(cut, tokens=30, seed=2, temperature=1.0)
    whole = writer.run([request])[0]
    assert whole.finish == "length"
    assert len(whole.ids) == 30
    last = whole.ids[10]
    first = whole.ids.index(last)
    ended = writer.run([replace(request, stop_ids=frozenset({last}))])[0]
    assert (ended.finish, ended.ids, ended.drawn) == ("stop", whole.ids[:first], whole.ids[: first + 1])
    stop = whole.text[8:11]
    stopped = replace(request, sampling=replace(request.sampling, stop=(stop,)))
    assert writer.run([stopped])[0].text == whole.text[: whole.text.index(stop)]
    assert "".join(writer.stream(stopped)) == whole.text[: whole.text.index(stop)]


def test_passes_are_as_many_as_were_asked_for(cut):
    writer = Writer(made(cut, 8), cut)
    request = asked(cut, "", tokens=24)  # a prompt of one token needs no pass of its own
    for steps, passes in ((1, 3), (2, 6), (None, 24), (50, 24)):
        writer.how = Parallel(steps=steps)
        writer.run([request])
        assert writer.passes == passes
    writer.how = Parallel(steps=1, block=4)
    writer.run([request])
    assert writer.passes == 6


def test_a_model_of_whole_texts_keeps_its_prompt_and_fills_left_to_right_if_asked(cut):
    writer = Writer(made(cut, ROOM), cut)
    request = next(
        r for seed in range(50) if ended(writer, r := asked(cut, "The fox", tokens=1000, seed=seed)) == "length"
    )
    found = writer.run([request])[0]
    assert len(found.ids) == ROOM - len(request.prompt)
    writer.how = Parallel(block=1)
    short = writer.run([replace(request, sampling=replace(request.sampling, max_tokens=3))])[0]
    assert len(short.ids) == 3
    assert writer.passes == 3


def test_the_first_two_tokens_at_a_token_a_pass_are_distributed_as_the_chain_rule_says(cut):
    """Blocks of two, written in the order of certainty: 6,000 texts against the model's own probabilities, worked out. Only what may come
    is let through (top_k 3), so that every pair can be counted."""
    model, mask = made(cut, 2), mask_id(cut)
    prompt = [cut.bos_id, *cut.encode("The")]
    n = 6000
    writer = Writer(model, cut)
    requests = [
        Request(prompt=prompt, sampling=Sampling(temperature=1, top_k=3, seed=s, max_tokens=2)) for s in range(n)
    ]
    pairs = [tuple(done.drawn) for done in writer.run(requests)]

    def logits(ids, known):
        return Reader(model, mask, [prompt], 60)(torch.tensor([ids]), torch.tensor([known]))[0].detach()

    def kept(scores):
        best = scores.topk(3)
        return dict(zip(best.indices.tolist(), best.values.softmax(-1).tolist(), strict=True))

    start = logits([0, 0], [False, False])
    entropy = torch.distributions.Categorical(logits=start).entropy()
    first = int(entropy.argmin())
    expected = {}
    for token, p in kept(start[first]).items():
        ids, known = [0, 0], [False, False]
        ids[first], known[first] = token, True
        for other, q in kept(logits(ids, known)[1 - first]).items():
            pair = (token, other) if first == 0 else (other, token)
            expected[pair] = p * q
    ended = {pair[:1] for pair in pairs if len(pair) == 1}
    assert not ended, "no end among the likeliest"
    counts = [pairs.count(pair) for pair in expected]
    assert sum(counts) == n
    assert chisquare(counts, [n * p for p in expected.values()]).pvalue > 0.001


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"prompt": []}, "empty"),
        ({"prompt": [1] * ROOM}, "Shorten"),
        ({"prompt": [1], "sampling": Sampling(presence_penalty=1)}, "penalties"),
        ({"prompt": [1], "bias": {1: 1.0}}, "biases"),
    ],
)
def test_what_it_cannot_do_is_said_in_words(cut, request_, words):
    with pytest.raises(PlanError, match=words):
        Writer(made(cut, 4), cut).run([Request(**request_)])


def test_settings_that_make_no_sense(cut, tokenizer):
    for bad in ({"steps": 0}, {"block": 0}, {"order": "best"}):
        with pytest.raises(PlanError, match="--"):
            Parallel(**bad)
    writer = Writer(made(cut, 4), cut)
    writer.how = Parallel(block=8)
    with pytest.raises(PlanError, match="4 tokens together"):
        writer.run([asked(cut)])
    with pytest.raises(FolderError, match="--objective diffusion"):
        Writer(made(cut, 4), tokenizer)


# --- folders and the command line -----------------------------------------------------------------------------------------


@pytest.fixture
def blocks(tmp_path, cut):
    parts = tmp_path / "with mask"
    parts.mkdir()
    cut.save(parts)
    folder.save(tmp_path / "blocks", made(cut, 4), lineage=Lineage(verb="test"), tokenizer_folder=parts)
    return tmp_path / "blocks"


def test_a_folder_opens_as_what_it_is(blocks, cut):
    model = load(blocks)
    replies = model([{"role": "user", "content": "Where?"}], n=2, max_tokens=6)
    assert len(replies) == 2
    assert all(reply.tokens <= 6 for reply in replies)
    request = Request(prompt=model.text_prompt("The"), sampling=Sampling(max_tokens=6))
    assert model.writer.run([request])[0].ids == Writer(made(cut, 4), cut).run([request])[0].ids
    with pytest.raises(PlanError, match="no probability"):
        model.score("a", "b")


@pytest.mark.parametrize("block", [4, ROOM])
def test_a_model_of_blocks_learns_to_answer_in_blocks(tmp_path, cut, chats, block):
    """Only answers are hidden, and what fills their last block; what comes of it is opened by `onward chat` as it is."""
    parts = tmp_path / "with mask"
    parts.mkdir()
    cut.save(parts)
    base = LanguageModel(made(cut, block).config).initialise(0)
    folder.save(tmp_path / "base", base, lineage=Lineage(verb="test"), tokenizer_folder=parts)
    wishes = Wishes(steps=3, batch=8 * ROOM, eager=True)
    with Workspace(tmp_path / "chat", {}) as workspace:
        training = instruct.prepare(tmp_path / "base", chats, workspace, wishes, console=Console(quiet=True))
        batch = training.batches(0)
        hidden = batch.inputs[(batch.inputs == mask_id(cut)) & (batch.starts < batch.positions)]
        assert len(hidden)
        answers = " ".join(conversation(i)["messages"][1]["content"] for i in range(40))
        said = cut.decode(batch.targets[batch.targets != -100].tolist()).split()
        assert set("".join(said)) <= set(answers), "nothing of the questions"
        path = training.run(Console(quiet=True))
    assert folder.read_config(path)[1].block == block
    model = load(path)
    question = conversation(3)["messages"][:1]
    assert model(question, max_tokens=16)[0].tokens <= 16
    with pytest.raises(PlanError, match="Leave --teacher out"):
        instruct.prepare(
            path,
            chats,
            Workspace(tmp_path / "no", {}),
            wishes,
            teaching=Teaching(teacher=str(path)),
            console=Console(quiet=True),
        )


def test_transformers_opens_the_folder_and_reads_it_one_token_after_the_other(blocks):
    """It passes over our word, and gives what our trunk gives under a causal mask: which is not how the model was trained."""
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(blocks, dtype=torch.float64)
    ids = torch.arange(1, 9)[None]
    torch.testing.assert_close(theirs(ids).logits, folder.load(blocks)(ids), rtol=1e-4, atol=1e-5)


def test_onward_generate_writes_in_blocks(blocks, model_folder):
    def run(*arguments):
        return CliRunner().invoke(app, ["generate", *map(str, arguments)])

    done = run(blocks, "The cat", "--max-tokens", 6, "--steps", 2, "--order", "random", "--json")
    assert json.loads(done.stdout)["tokens"] == 6
    assert run(blocks, "The cat", "--max-tokens", 6, "--steps", 2, "--order", "random").stdout.startswith("The cat")
    with pytest.raises(PlanError, match="write in blocks"):
        CliRunner().invoke(app, ["generate", str(model_folder), "The", "--steps", "2"], catch_exceptions=False)
