"""Word chains: what is shown at a place is what the engine draws from, and a chosen word leads where it would have led."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from onward.errors import FolderError, PlanError
from onward.generate.request import Request
from onward.generate.sampling import probabilities
from onward.generate.settings import Sampling
from onward.studio import draws, links
from onward.studio.chain import Branch, Chain, Link, grow
from onward.studio.draws import _place
from onward.studio.shared import Studio

SAMPLING = Sampling(temperature=0.9, top_p=0.8, max_tokens=24, seed=3)


async def begun(studio: Studio, drafters: tuple[str, ...] = (), sampling: Sampling = SAMPLING) -> Chain:
    served = await studio.shelf.engine("small/sft")
    chain = Chain("small/sft", served.model.text_prompt("The cat sat on the mat. The cat sat on"), "", sampling)
    async for _ in grow(served, chain, drafters):
        pass
    return chain


def plain(studio: Studio, prompt: list[int], sampling: Sampling) -> list[int]:
    served = studio.shelf.served["small/sft"]
    run = served.worker.do(lambda: served.model.engine.run([Request(prompt=prompt, sampling=sampling)])).result()
    return run[0].ids


def test_a_chain_is_what_the_engine_says(studio):
    chain = asyncio.run(begun(studio))
    assert [link.id for link in chain.links()] == plain(studio, chain.prompt, SAMPLING)
    assert chain.branches[0].finish == "length"


def test_another_word_leads_where_it_would_have_led(studio):
    async def go() -> tuple[Chain, Branch]:
        chain = await begun(studio)
        served = await studio.shelf.engine("small/sft")
        branch = chain.choose(5, 40, -1.0)
        async for _ in grow(served, chain):
            pass
        return chain, branch

    chain, branch = asyncio.run(go())
    before = [link.id for link in chain.links(0)[:5]]
    rest = plain(studio, [*chain.prompt, *before, 40], replace(SAMPLING, max_tokens=SAMPLING.max_tokens - 6))
    assert [link.id for link in chain.links()] == [*before, 40, *rest]
    assert chain.links()[5].chosen
    assert branch.parent == 0
    chain.walk(0)
    assert [link.id for link in chain.links()] == plain(studio, chain.prompt, SAMPLING)


def test_drafters_change_no_word_and_are_credited_for_the_right_ones(studio):
    sampling = replace(SAMPLING, temperature=0.0, max_tokens=60)
    chain = asyncio.run(begun(studio, ("lookup", "int8"), sampling))
    assert [link.id for link in chain.links()] == plain(studio, chain.prompt, sampling)
    guessed = [link.guess for link in chain.links() if link.guess is not None]
    assert sum(bool(guess.who) for guess in guessed) > 10
    assert {name for guess in guessed for name in guess.who} <= {"lookup", "int8"}
    assert any("int8" in guess.who for guess in guessed)
    for link in chain.links():
        assert link.guess is None or link.id not in link.guess.lost
        assert link.guess is None or link.guess.who or link.guess.lost


def test_without_drafters_nobody_is_credited_and_the_engine_is_as_before(studio):
    async def go() -> tuple[Chain, Any]:
        await begun(studio, ("lookup",))
        chain = await begun(studio)
        return chain, (await studio.shelf.engine("small/sft")).model.engine.speculation

    chain, speculation = asyncio.run(go())
    assert all(link.guess is None for link in chain.links())
    assert speculation is None


def test_what_is_shown_at_a_place_is_what_is_drawn_from(studio):
    async def go() -> tuple[Chain, draws.Place]:
        chain = await begun(studio)
        served = await studio.shelf.engine("small/sft")
        return chain, await draws.look(served, chain.ids(), len(chain.prompt) + 7, len(chain.prompt), SAMPLING)

    chain, place = asyncio.run(go())
    served = studio.shelf.served["small/sft"]
    model = served.model.engine.model
    with torch.inference_mode():
        logits = model(torch.tensor([chain.ids(7)]))[0, -1].double()
    own, drawn = logits.softmax(-1), probabilities(logits[None], [SAMPLING])[0]
    assert place.here.id == chain.links()[7].id
    assert place.here.chance > 0
    assert math.log(place.here.probability) == pytest.approx(chain.links()[7].log_prob, abs=1e-4)
    for word in place.words:
        assert word.probability == pytest.approx(float(own[word.id]), abs=1e-5)
        assert word.chance == pytest.approx(float(drawn[word.id]), abs=1e-4)
    assert place.left == int((drawn > 0).sum()) < place.vocabulary


def test_entropy_by_hand():
    found = [(2, math.log(0.5)), (0, math.log(0.25)), (1, math.log(0.25))]
    as_it_is = _place(found, [9, 0], 1, 1, Sampling(temperature=1))
    assert as_it_is.entropy == pytest.approx(1.5)
    assert as_it_is.settled == pytest.approx(1.5)
    assert as_it_is.here.rank == 2
    halved = _place(found, [9, 2], 1, 1, Sampling(temperature=0.5))  # 4 : 1 : 1
    assert [word.chance for word in halved.words] == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    assert halved.settled == pytest.approx(-(4 / 6) * math.log2(4 / 6) - (1 / 3) * math.log2(1 / 6))
    cut = _place(found, [9, 2], 1, 1, Sampling(temperature=1, top_p=0.5))
    assert [word.chance for word in cut.words] == [1, 0, 0]
    assert (cut.left, cut.settled) == (1, 0)
    certain = _place(found, [9, 2], 1, 1, Sampling(temperature=0))
    assert [word.chance for word in certain.words] == [1, 0, 0]


def test_a_place_or_branch_that_is_none_is_refused():
    chain = Chain("m", [1], "", SAMPLING, [Branch(None, 0, [Link(5, -1.0)])])
    for at in (-1, 2, 99):
        with pytest.raises(PlanError, match="no place"):
            chain.choose(at, 3, -1.0)
    for number in (-1, 1):
        with pytest.raises(PlanError, match="no branch"):
            chain.walk(number)


def test_only_models_that_are_there_can_be_opened(studio):
    for name in ("../secret.txt", "/etc/passwd", "small/..", str(studio.data)):
        with pytest.raises(FolderError, match="there is no model"):
            asyncio.run(studio.shelf.open(name))


def test_words_that_look_like_html_are_text(studio):
    async def go() -> str:
        served = await studio.shelf.engine("small/sft")
        ids = served.model.engine.tokenizer.encode("<b>&\"'")
        chain = Chain(
            "small/sft",
            [1],
            "<script>1</script>",
            SAMPLING,
            [Branch(None, 0, [Link(id, -1.0) for id in ids])],
            selected=0,
        )
        place = await draws.look(served, chain.ids(), 1, 1, SAMPLING)
        return "".join(
            map(
                str,
                (
                    links.page(served, chain, "probability"),
                    links.place(served, chain, place),
                    links.tree(served, chain),
                ),
            )
        )

    shown = asyncio.run(go())
    assert "<script" not in shown
    assert "<b>&" not in shown
    assert "&lt;script&gt;" in shown
