"""What parallel draws do to a joint distribution, on one that can be listed; orders; drafts that are mended; Jacobi decoding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor

from onward.errors import PlanError
from onward.generate.engine import Engine, Request
from onward.generate.parallel.draft import fits, mended
from onward.generate.parallel.jacobi import jacobi
from onward.generate.parallel.orders import ORDER, Pass
from onward.generate.parallel.settings import ORDERS
from onward.generate.parallel.unmask import Canvas, unmask
from onward.generate.settings import Sampling

SAMPLES = 8000


class Joint:
    """A distribution of texts that can be listed.   table: (V,) * N, unnormalised."""

    def __init__(self, table: Tensor) -> None:
        self.table = table.double() / table.sum()
        self.words, self.length = table.shape[0], table.dim()
        self.texts = torch.cartesian_prod(*[torch.arange(self.words)] * self.length)
        self.is_word = torch.nn.functional.one_hot(self.texts, self.words).double()  # (texts, N, V)

    def __call__(self, ids: Tensor, known: Tensor) -> Tensor:
        """Exact conditionals: the log-probability of each token at each place, given the known ones.   Returns (B, N, V)."""
        fits = ((self.texts == ids[:, None]) | ~known[:, None]).all(-1)
        return torch.einsum("bt,tnv->bnv", fits * self.table.flatten(), self.is_word).log().log_softmax(-1)

    def distance(self, texts: Tensor) -> float:
        """Total variation between the joint and how these texts, (n, N), are distributed."""
        numbers = (texts * self.words ** torch.arange(self.length - 1, -1, -1)).sum(1)
        counts = torch.bincount(numbers, minlength=self.table.numel()).double()
        return float((counts / len(texts) - self.table.flatten()).abs().sum() / 2)

    def independent(self) -> float:
        """The distance of independent draws from the right marginals, worked out."""
        each = torch.einsum("t,tnv->nv", self.table.flatten(), self.is_word)
        product = torch.einsum("tnv,nv->tn", self.is_word, each).prod(1)
        return float((product - self.table.flatten()).abs().sum() / 2)

    def drawn(self, steps: int, order: str, samples: int = SAMPLES, temperature: float = 1.0) -> Tensor:
        ids = torch.zeros(samples, self.length, dtype=torch.int64)
        how = [Sampling(temperature=temperature, seed=seed) for seed in range(samples)]
        free, places = torch.ones_like(ids, dtype=torch.bool), torch.arange(self.length).expand_as(ids)
        return unmask(self, Canvas.of(ids, ~free), free, how, places, steps=steps, order=order).ids

    def noise(self, samples: int = SAMPLES) -> float:
        """The distance of so many exact samples."""
        generator = torch.Generator().manual_seed(0)
        chosen = torch.multinomial(self.table.flatten(), samples, replacement=True, generator=generator)
        return self.distance(self.texts[chosen])


@pytest.fixture(scope="module")
def joint():
    return Joint(torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(0)).mul(1.5).exp())


@pytest.mark.parametrize("order", ["random", "certain"])
def test_at_a_token_a_pass_texts_are_distributed_as_the_joint_says(joint, order):
    assert joint.distance(joint.drawn(4, order)) < 1.3 * joint.noise()


@pytest.mark.parametrize("order", ORDERS)
def test_in_one_pass_tokens_are_independent_whatever_the_order(joint, order):
    assert joint.distance(joint.drawn(1, order)) == pytest.approx(joint.independent(), abs=0.02)


def test_more_passes_are_nearer(joint):
    found = [joint.distance(joint.drawn(steps, "random")) for steps in (1, 2, 4)]
    assert found[0] > found[1] + 0.02 > found[2] + 0.04


def test_confidence_after_the_draw_is_biased_at_a_token_a_pass(joint):
    """What LLaDA keeps is what came out likely: with exact conditionals, and a pass for each token, still not the joint."""
    assert joint.distance(joint.drawn(4, "confident")) > 4 * joint.noise()


def test_a_white_dog_and_a_black_cat():
    """Two texts, "white cat" and "black dog": in one pass half of all texts are neither."""
    two = Joint(torch.eye(2))
    wrong = (two.drawn(1, "certain")[:, 0] != two.drawn(1, "certain")[:, 1]).double().mean()
    assert wrong == pytest.approx(0.5, abs=0.03)
    texts = two.drawn(2, "certain")
    assert bool((texts[:, 0] == texts[:, 1]).all())


@settings(max_examples=60, deadline=None)
@given(
    data=some.data(),
    order=some.sampled_from(ORDERS),
    steps=some.integers(1, 9),
    temperature=some.sampled_from([0.0, 1.0]),
)
def test_everything_free_is_filled_and_nothing_else_is_touched(data, order, steps, temperature):
    """Whatever was given, hidden on purpose, or to be filled; in as many passes as were asked for, and no more."""
    row = some.lists(some.integers(0, 2), min_size=6, max_size=6)
    kinds = torch.tensor(data.draw(some.lists(row, min_size=1, max_size=3)))
    free, given_ = kinds == 0, kinds == 1
    ids = torch.arange(6).expand_as(kinds) % 5
    passes = []

    def model(now, known):
        assert bool((known | free | ~given_).all()), "what was given stays known"
        assert torch.equal(now[given_], ids[given_])
        passes.append(known)
        return torch.randn(*now.shape, 5, generator=torch.Generator().manual_seed(len(passes)))

    how = [Sampling(temperature=temperature, seed=row) for row in range(len(kinds))]
    places = torch.arange(6).expand_as(kinds)
    found = unmask(model, Canvas.of(ids.clone(), given_), free, how, places, steps=steps, order=order)
    assert torch.equal(found.known, free | given_)
    assert torch.equal(found.ids[given_], ids[given_])
    assert len(passes) <= steps
    assert bool((found.log_probs[free] < 0).all())


def test_orders_that_revise_take_tokens_back_and_others_never_do():
    known = torch.tensor([[True, True, True, False, False, False]])
    confidence = torch.tensor([[-9.0, -0.1, -0.2, -0.3, -0.4, -5.0]])
    one = Pass(3, 6, torch.ones(1, 6, dtype=torch.bool), known, confidence, confidence, confidence)
    kept = {name: order(one) for name, order in ORDER.items()}
    assert kept["mask-predict"].tolist() == [[False, True, True, True, True, False]]
    for name in ("random", "certain", "confident"):
        assert kept[name].tolist() == [[True, True, True, True, False, False]]
    many = torch.ones(1, 40, dtype=torch.bool)
    known = torch.arange(40)[None] < 20
    confidence = torch.where(torch.arange(40)[None] < 2, -9.0, -0.1)
    found = ORDER["remask"](Pass(20, 40, many, known, confidence, confidence, torch.zeros(1, 40)))
    assert found.sum() == 21
    assert found[0, :2].tolist() == [False, False], "the two of which it was least confident"


def test_a_draft_is_scored_without_seeing_the_token_and_mended_where_it_is_wrong():
    """Texts of one letter repeated: the one wrong letter fits worst, and is the one that is written anew."""
    table = torch.full((3,) * 6, 1e-6)
    for letter in range(3):
        table[(letter,) * 6] = 1.0
    joint, ids = Joint(table), torch.tensor([[1, 1, 1, 2, 1, 1], [0, 0, 0, 0, 0, 0]])
    free = torch.ones_like(ids, dtype=torch.bool)
    assert int(fits(joint, ids, free)[0].argmin()) == 3
    how, places = [Sampling(temperature=0), Sampling(temperature=0)], torch.arange(6).expand_as(ids)
    found = mended(joint, ids, free, how, places, share=1 / 6, steps=1)
    assert found.ids.tolist() == [[1] * 6, [0] * 6]
    untouched = mended(joint, ids, free & (places != 3), how, places, share=0.5, steps=2)
    assert untouched.ids[0, 3] == 2


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("window", [1, 4, 30])
def test_jacobi_decoding_gives_the_engines_text(tiny_model, tokenizer, temperature, window):
    model = tiny_model.double()
    engine = Engine(model, tokenizer)
    for seed in range(4):
        sampling = Sampling(temperature=temperature, seed=seed, max_tokens=25)
        prompt = tokenizer.encode("The cat sat")
        expected = engine.run([Request(prompt=prompt, sampling=sampling)])[0]
        ids, passes = jacobi(model, prompt, sampling, ends=engine.ends, window=window)
        assert ids == expected.drawn
        assert passes <= len(ids)


def test_jacobi_decoding_is_quick_where_the_text_repeats_itself(tiny_model):
    """A model whose embeddings are all alike says the same token for ever: its first guesses are right from the second pass on."""
    with torch.no_grad():
        for parameter in tiny_model.parameters():
            parameter.zero_()
    ids, passes = jacobi(tiny_model, [5], Sampling(temperature=0, max_tokens=32), window=16)
    assert ids == [0] * 32
    assert passes == 3
    with pytest.raises(PlanError, match="0 tokens"):
        jacobi(tiny_model, [], Sampling())
