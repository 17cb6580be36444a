"""Beam search, contrastive search and guidance, each beside the plainest way to work it out."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F

from onward.errors import PlanError
from onward.generate import beam, contrastive
from onward.generate.engine import Engine, Request
from onward.generate.guidance import guided
from onward.generate.sampling import draw
from onward.generate.settings import Sampling

PROMPT = [5, 6, 7]


@pytest.fixture
def engine(tiny_model, tokenizer):
    return Engine(tiny_model.double(), tokenizer)


def log_probs(engine, ids):
    with torch.no_grad():
        return engine.model(torch.tensor([ids]))[0].log_softmax(-1)


def test_a_wide_beam_finds_the_likeliest_text_of_all(engine):
    few = log_probs(engine, PROMPT)[-1].topk(40).indices.tolist()
    worth = {}
    for ids in product(few, repeat=2):
        if not engine.ends & set(ids):
            found = log_probs(engine, [*PROMPT, *ids])
            worth[ids] = sum(found[2 + i, token].item() for i, token in enumerate(ids))
    best = max(worth, key=worth.get)
    found = [one for one in beam.search(engine, PROMPT, 40, 2, length_penalty=0) if not one.ended]
    assert tuple(found[0].ids) == best
    assert found[0].log_prob == pytest.approx(worth[best])
    assert found[0].text == engine.tokenizer.decode(list(best))
    assert engine.pages.used == 0


def test_a_beam_of_one_takes_the_likeliest_token_everywhere(engine):
    greedy = engine.run([Request(prompt=PROMPT, sampling=Sampling(temperature=0, max_tokens=30))])[0]
    assert beam.search(engine, PROMPT, 1, 30)[0].ids == greedy.drawn


def test_a_text_that_ends_is_found_with_its_end(engine):
    end = log_probs(engine, PROMPT)[-1].argsort(descending=True)[1].item()
    engine.ends = frozenset({end})
    found = {tuple(one.ids): one for one in beam.search(engine, PROMPT, 3, 4, length_penalty=0)}
    assert found[(end,)].ended
    assert found[(end,)].text == ""


def plainly_contrastive(engine, prompt, tokens, top_k, penalty):
    ids = list(prompt)
    for _ in range(tokens):
        likely = log_probs(engine, ids)[-1].exp().topk(top_k)
        scores = []
        for token, probability in zip(likely.indices.tolist(), likely.values.tolist(), strict=True):
            with torch.no_grad():
                hidden = F.normalize(engine.model.hidden(torch.tensor([[*ids, token]]))[0], dim=-1)
            scores.append((1 - penalty) * probability - penalty * (hidden[-1] @ hidden[:-1].T).max().item())
        ids.append(likely.indices[max(range(top_k), key=scores.__getitem__)].item())
        if ids[-1] in engine.ends:
            return ids[len(prompt) : -1]
    return ids[len(prompt) :]


def test_contrastive_search_does_what_its_definition_says(engine):
    found = contrastive.search(engine, PROMPT, 25, top_k=4, penalty=0.6)
    assert found == plainly_contrastive(engine, PROMPT, 25, 4, 0.6)
    greedy = engine.run([Request(prompt=PROMPT, sampling=Sampling(temperature=0, max_tokens=25))])[0]
    assert contrastive.search(engine, PROMPT, 25, top_k=4, penalty=0) == greedy.ids
    assert found != greedy.ids
    assert engine.pages.used == 0


def test_guidance_mixes_what_two_prompts_lead_to(engine):
    sampling, other = Sampling(temperature=1, seed=3, max_tokens=20), [9, 9, 40, 41]
    wanted, denied = list(PROMPT), list(other)
    while len(wanted) < len(PROMPT) + 20:
        with_it, without = log_probs(engine, wanted)[-1], log_probs(engine, denied)[-1]
        mixed = (without + 2 * (with_it - without))[None]
        token = int(draw(mixed, [sampling], torch.tensor([len(wanted)])))
        if token in engine.ends:
            break
        wanted.append(token)
        denied.append(token)
    assert guided(engine, PROMPT, other, 2, sampling) == wanted[len(PROMPT) :]
    alone = engine.run([Request(prompt=PROMPT, sampling=sampling)])[0]
    assert guided(engine, PROMPT, other, 1, sampling) == alone.ids
    assert engine.pages.used == 0


def test_what_cannot_be_searched_is_said(engine):
    with pytest.raises(PlanError, match="a beam of 0"):
        beam.search(engine, PROMPT, 0, 4)
    with pytest.raises(PlanError, match="penalty of 2"):
        contrastive.search(engine, PROMPT, 4, penalty=2)
    with pytest.raises(PlanError, match="prompts of 3 and 0 tokens"):
        guided(engine, PROMPT, [], 2, Sampling())
