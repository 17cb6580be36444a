"""A model as a drafter: what it proposes is what it would say; what it keeps changes nothing; and verified, the text is the target's."""

import copy
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from drafting import drafted
from onward.errors import NativeError, PlanError
from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.model import ModelDrafter, first_layers
from onward.generate.engine import Engine, Request
from onward.generate.native.build import library
from onward.generate.sampling import draw, probabilities
from onward.generate.settings import Sampling
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from samples import randomised

WARM = Sampling(temperature=1, seed=3)
GREEDY = Sampling(temperature=0)


def nudged(model, by=0.05):
    """Another model, which mostly agrees."""
    return randomised(copy.deepcopy(model), seed=1) if by is None else _added(copy.deepcopy(model), by)


def _added(model, by):
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.empty(parameter.shape).normal_(0, by, generator=generator))
    return model


@pytest.fixture
def target(tiny_model, tokenizer):
    return Engine(tiny_model.double(), tokenizer)


def drafter_of(target, model=None, **how):
    model = nudged(target.model) if model is None else model
    return ModelDrafter(Engine(model, target.tokenizer), target, "small", **({"branch": False} | how))


@pytest.mark.parametrize("sampling", [GREEDY, WARM, Sampling(temperature=0.8, top_k=9, repetition_penalty=1.3, seed=5)])
def test_it_proposes_what_its_model_would_say(target, sampling):
    drafter = drafter_of(target, sure=0)
    for prompt in ([5], [7, 8, 9], list(range(20, 50))):
        asked = Request(prompt=prompt, sampling=Sampling(**{**vars(sampling), "max_tokens": 6}))
        (said,) = Engine(drafter.engine.model, target.tokenizer).run([asked])
        tree = drafter.propose(prompt, 6, Aim(sampling=sampling))
        assert tree.tokens == said.drawn
        assert tree.parents == list(range(-1, len(said.drawn) - 1))
        assert tree.chances is None


def test_what_it_keeps_changes_nothing(target):
    """Texts that grow, fall back, share beginnings, are dropped for want of places or forgotten: as if seen for the first time."""
    model = nudged(target.model)

    @settings(deadline=None, max_examples=25)
    @given(some.lists(some.tuples(some.integers(0, 2), some.integers(0, 40), some.booleans()), max_size=8))
    def check(calls):
        used = drafter_of(target, model, texts=2)
        texts = [list(range(first, first + 20)) for first in (0, 0, 60)]
        for which, kept, forgets in calls:
            text = texts[which]
            found = used.propose(text, 5, Aim(sampling=WARM, coupled=False))
            fresh = drafter_of(target, model).propose(text, 5, Aim(sampling=WARM, coupled=False))
            assert found.tokens == fresh.tokens
            assert np.allclose(found.chances, fresh.chances, atol=1e-9)
            if forgets:
                used.forget(text)
            texts[which] = [*text[: max(1, kept)], *found.tokens[: kept % 4], which][:50]
        for text in texts:
            used.forget(text[:1])
        assert used.engine.pages.used == 0

    check()


@pytest.mark.parametrize("sampling", [GREEDY, WARM])
@pytest.mark.parametrize("name", ["nudged", "another", "first layer"])
def test_coupled_the_text_is_the_targets_in_fewer_passes(target, name, sampling):
    model = {
        "nudged": lambda: nudged(target.model, 0.01),
        "another": lambda: nudged(target.model, None),
        "first layer": lambda: first_layers(target.model, 1),
    }[name]()
    drafter = drafter_of(target, model, sure=0, branch=name == "another")
    asked = Request(prompt=[5, 6, 7], sampling=Sampling(**{**vars(sampling), "max_tokens": 24}))
    (plain,) = Engine(target.model, target.tokenizer).run([asked])
    found, passes = drafted(target.model, drafter, [5, 6, 7], sampling, k=4, tokens=len(plain.drawn))
    assert found == plain.drawn
    if name == "nudged":
        assert passes < 0.6 * len(found)


V = 5


def toy(seed, tokenizer):
    shape = {"width": 16, "depth": 1, "heads": 2, "kv_heads": 1, "head_size": 8, "ffn_width": 16}
    model = LanguageModel(TrunkConfig(vocab_size=V, max_positions=32, **shape)).initialise(seed)
    return Engine(_added(model, 0.5 + seed / 10).double(), tokenizer)


def test_by_ratio_three_tokens_follow_their_enumerated_distribution(tokenizer):
    target = toy(0, tokenizer)
    drafter = ModelDrafter(toy(1, tokenizer), target, "toy", sure=0.3)
    prompt, sampling, samples = [0, 1, 2], Sampling(temperature=0.6, top_k=4), 800
    tables = {}  # of the target: a pass for each text, not for each sample

    class Tabled(LanguageModel):
        def hidden(self, ids, *_, **__):
            key = tuple(ids[0].tolist())
            if key not in tables:
                tables[key] = target.model.hidden(ids)
            return tables[key]

        @torch.inference_mode()
        def logits(self, hidden):
            return target.model.logits(hidden)

    model = Tabled(target.model.config).requires_grad_(False)
    counts = np.zeros((V, V, V))
    taken = 0
    for seed in range(samples):
        each = Sampling(**{**vars(sampling), "seed": seed})
        found, passes = drafted(model, drafter, prompt, each, k=3, tokens=3, mode="ratio")
        counts[tuple(found)] += 1
        taken += passes
    assert taken < 2.6 * samples  # something was accepted

    def after(text):
        return probabilities(model.logits(model.hidden(torch.tensor([text])))[:, -1], [sampling])[0].numpy()

    expected = np.zeros((V, V, V))
    for a, b in product(range(V), repeat=2):
        expected[a, b] = after(prompt)[a] * after([*prompt, a])[b] * after([*prompt, a, b]) * samples
    assert not counts[expected == 0].any()
    rare = expected < 5
    both = [np.append(x[~rare], x[rare].sum()) for x in (counts, expected)]
    assert stats.chisquare(*both).pvalue > 1e-3


def test_the_quantised_self_agrees_nearly_always(tiny_model, tokenizer):
    try:
        library()
    except NativeError as error:
        pytest.skip(str(error))
    target = Engine(tiny_model, tokenizer)
    drafter = ModelDrafter(Engine(tiny_model, tokenizer, weights="int8"), target, "int8", sure=0)
    for sampling in (GREEDY, WARM):
        found, passes = drafted(tiny_model, drafter, [5, 6], sampling, k=4, tokens=40)
        assert passes <= 0.4 * len(found)


def test_the_first_layers_are_the_targets_own_tensors(tiny_model):
    first = first_layers(tiny_model, 1)
    whole = {parameter.data_ptr() for parameter in tiny_model.parameters()}
    assert {parameter.data_ptr() for parameter in first.parameters()} < whole
    ids = torch.tensor([[5, 6, 7]])
    x = tiny_model.trunk.blocks[0]
    assert first.trunk.blocks[0] is x
    with torch.no_grad():
        tiny_model.trunk.blocks[1].feed_forward.down_proj.weight.zero_()
        tiny_model.trunk.blocks[1].attention.o_proj.weight.zero_()
    assert torch.equal(first(ids), tiny_model(ids))  # a layer that adds nothing may as well not be there


def test_named_layers_are_left_out_where_they_are_not_there():
    config = TrunkConfig(
        vocab_size=9,
        width=16,
        depth=3,
        heads=2,
        kv_heads=1,
        head_size=8,
        ffn_width=16,
        window=4,
        window_layers=(0, 2),
    )
    model = LanguageModel(config).initialise(0)
    assert first_layers(model, 2).config.window_layers == (0,)
    with pytest.raises(PlanError, match="from 1 to 2"):
        first_layers(model, 3)
    with pytest.raises(PlanError, match="from 1 to 2"):
        first_layers(model, 0)


def test_it_stops_where_it_is_unsure_and_at_an_end(target):
    flat = copy.deepcopy(target.model)
    with torch.no_grad():
        flat.embedding.tokens.weight.mul_(1e-3)  # all tokens about as likely
    assert len(drafter_of(target, flat).propose([5, 6], 8, Aim(sampling=GREEDY)).tokens) == 1
    sure = drafter_of(target, flat, sure=0)
    everything = sure.propose([5, 6], 8, Aim(sampling=WARM)).tokens
    assert len(everything) == 8
    sure.ends = frozenset(everything[2:3])
    assert sure.propose([5, 6], 8, Aim(sampling=WARM)).tokens == everything[:3]


def test_the_runner_up_where_it_is_least_sure_is_the_last_node(target):
    """The one that the same noise would draw if the first were forbidden; of three tokens, it is the second that is hard to foretell."""
    for sampling in (GREEDY, WARM):
        chain = drafter_of(target, sure=0).propose([5, 6], 3, Aim(sampling=sampling)).tokens
        tree = drafter_of(target, sure=0, branch=True).propose([5, 6], 4, Aim(sampling=sampling))
        assert tree.tokens[:3] == chain
        where = tree.parents[3]
        before = [5, 6, *chain[: where + 1]]
        logits = drafter_of(target).engine.model(torch.tensor([before]))[:, -1].clone()
        logits[0, chain[where + 1]] = -torch.inf
        assert tree.tokens[3] == int(draw(logits, [sampling], torch.tensor([len(before)])))
    by_ratio = drafter_of(target, sure=0, branch=True).propose([5, 6], 4, Aim(sampling=WARM, coupled=False))
    elder = by_ratio.tokens[by_ratio.parents[3] + 1]
    assert by_ratio.chances[3, elder] == 0
    assert len(drafter_of(target, branch=True).propose([5, 6], 1, Aim(sampling=WARM))) == 1


def test_at_the_end_of_its_positions_it_proposes_what_it_can(target):
    drafter = drafter_of(target, sure=0)
    room = drafter.engine.room
    for length, proposed in ((room - 2, 3), (room, 1), (room + 1, 0), (room + 9, 0)):
        assert len(drafter.propose([7] * length, 4, Aim(sampling=WARM))) == proposed


def test_where_there_is_nothing_to_say_it_says_nothing(target):
    drafter = drafter_of(target)
    for ids, k in (([], 3), ([5], 0)):
        assert len(drafter.propose(ids, k, Aim())) == 0


def test_where_room_is_short_other_texts_go_and_a_text_too_long_is_not_drafted_for(target):
    drafter = ModelDrafter(
        Engine(nudged(target.model), target.tokenizer, blocks=3), target, "small", sure=0, branch=False
    )
    long = drafter_of(target, drafter.engine.model, sure=0)
    for first in range(6):
        text = [first] * 30
        assert drafter.propose(text, 3, Aim()).tokens == long.propose(text, 3, Aim()).tokens
    assert len(drafter.propose([9] * 60, 3, Aim())) == 0
    assert len(drafter.propose([9] * 20, 3, Aim())) == 3


def test_scores_that_are_no_numbers_propose_nothing(target):
    broken = nudged(target.model)
    with torch.no_grad():
        broken.embedding.tokens.weight[9] = torch.nan
    drafter = drafter_of(target, broken)
    for aim in (Aim(sampling=WARM), Aim(sampling=WARM, coupled=False)):
        assert len(drafter.propose([5, 9], 3, aim)) == 0
    assert drafter.engine.pages.used == 0


def test_another_vocabulary_is_refused_in_words(target, tokenizer):
    model = nudged(target.model)
    with pytest.raises(PlanError, match="other tokens"):
        ModelDrafter(Engine(model, tokenizer.extended(["<|more|>"])), target, "small")
    with pytest.raises(PlanError, match="has 5 tokens, the model 348"):
        ModelDrafter(toy(0, tokenizer), target, "small")
    for how in ({"sure": 1.5}, {"texts": 0}):
        with pytest.raises(PlanError, match="at least 1"):
            drafter_of(target, **how)
