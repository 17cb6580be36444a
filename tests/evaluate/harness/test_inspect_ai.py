"""Inspect finds the same with our engine beneath as over HTTP; who waits together is carried on together."""

from __future__ import annotations

from pathlib import Path

import pytest

from onward.errors import PlanError
from onward.serve.models import open_all
from onward.serve.settings import Limits
from samples import NOUNS
from serving import running

pytest.importorskip("inspect_ai", reason="Inspect is not here: pip install 'onward[harness]'")
anyio = pytest.importorskip("anyio")

ASKED = [f"Question {number}: where does the {NOUNS[number % 5]} sit?" for number in range(12)]


@pytest.fixture
def ours(model_folder):
    """As Inspect opens it by name."""
    from inspect_ai.model import get_model

    import onward.evaluate.harness.inspect_ai  # noqa: F401  (what the entry point does)

    return get_model(f"onward/{model_folder}", weights="fp32", device="cpu", memoize=False)


def outputs(model, log_dir: Path, **how: object):
    """What a model says in a task of twelve samples, by Inspect's own machinery."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate, system_message

    samples = [Sample(input=asked, target=NOUNS[number % 5], id=number) for number, asked in enumerate(ASKED)]
    task = Task(dataset=samples, solver=[system_message("Be brief."), generate()], scorer=includes())
    how = {
        "temperature": 0.5,
        "seed": 3,
        "max_tokens": 16,
        "stop_seqs": ["e"],
        "logprobs": True,
        "top_logprobs": 2,
    } | how
    (log,) = eval(task, model=model, log_dir=str(log_dir), display="none", **how)
    assert log.status == "success", log.error
    return [one.output for one in sorted(log.samples, key=lambda one: one.id)], log.results.scores[0].metrics


def test_the_same_as_over_http(ours, model_folder, tmp_path):
    own, numbers = outputs(ours, tmp_path / "own")
    with running(open_all([f"tiny={model_folder}"], [], device="cpu", weights="fp32"), Limits()) as up:
        from inspect_ai.model import get_model

        served = get_model("openai-api/served/tiny", base_url=f"{up.url}/v1", api_key="none", memoize=False)
        other, their_numbers = outputs(served, tmp_path / "served")
    assert [one.completion for one in own] == [one.completion for one in other]
    assert len({one.completion for one in own}) > 3
    assert [one.stop_reason for one in own] == [one.stop_reason for one in other]
    assert {one.stop_reason for one in own} == {"stop"}
    assert numbers["accuracy"].value == their_numbers["accuracy"].value
    for one, theirs in zip(own, other, strict=True):
        assert one.usage.output_tokens == theirs.usage.output_tokens
        assert one.usage.total_tokens == theirs.usage.total_tokens
        told, heard = (each.choices[0].logprobs.content for each in (one, theirs))
        assert [token.bytes for token in told] == [token.bytes for token in heard]
        assert [token.logprob for token in told] == pytest.approx([token.logprob for token in heard], abs=1e-4)
        for token, their in zip(told, heard, strict=True):
            assert [t.bytes for t in token.top_logprobs] == [t.bytes for t in their.top_logprobs]


def test_who_waits_together_is_carried_on_together(ours, tmp_path):
    """Of 12 answers with 16 tokens each, one after the other, each token would be a pass."""
    engine, passes = ours.api.folder.engine, 0
    step = engine.step

    def counted():
        nonlocal passes
        passes += 1
        step()

    engine.step = counted
    found, _ = outputs(ours, tmp_path, stop_seqs=None)
    tokens = sum(one.usage.output_tokens for one in found)
    assert {one.stop_reason for one in found} == {"max_tokens"}
    assert passes < tokens / 4
    assert engine.pages.used == 0


def test_choices_and_seeds(ours):
    from inspect_ai.model import GenerateConfig

    async def said(**how):
        return await ours.generate(ASKED[0], config=GenerateConfig(max_tokens=12, **how))

    async def all_of_it():
        three = await said(num_choices=3, seed=5)
        alone = [await said(seed=5 + choice) for choice in range(3)]
        assert [choice.message.text for choice in three.choices] == [one.completion for one in alone]
        assert len({one.completion for one in alone}) == 3
        assert three.usage.output_tokens == sum(one.usage.output_tokens for one in alone)
        assert len({(await said()).completion for _ in range(4)}) > 1

    anyio.run(all_of_it)


def test_who_goes_away_leaves_the_others_in_peace(ours):
    from inspect_ai.model import GenerateConfig

    engine = ours.api.folder.engine

    async def all_of_it():
        alone = await ours.generate(ASKED[1], config=GenerateConfig(max_tokens=40, temperature=0.0))
        found = []

        async def wait(asked, seconds):
            with anyio.move_on_after(seconds):
                config = GenerateConfig(max_tokens=40, temperature=0.0)
                found.append(await ours.api.generate([asked], [], "none", config))

        from inspect_ai.model import ChatMessageUser

        async with anyio.create_task_group() as group:
            for text, seconds in ((ASKED[0], 0.002), (ASKED[1], 60)):
                group.start_soon(wait, ChatMessageUser(content=text), seconds)
        assert found[-1].completion == alone.completion
        await ours.generate(ASKED[1], config=GenerateConfig(max_tokens=1))
        assert engine.pages.used == 0

    anyio.run(all_of_it)


def test_a_prompt_without_room_is_told_and_ends_nothing(ours):
    found = anyio.run(ours.generate, "cat " * 200)
    assert found.stop_reason == "model_length"
    assert "128 positions" in found.error


def test_what_cannot_be_done_is_one_line(ours):
    from inspect_ai.model import ChatMessageUser, GenerateConfig
    from inspect_ai.tool import ToolInfo

    asked = [ChatMessageUser(content="Hello?")]
    for tools, config, words in (
        ([ToolInfo(name="look", description="look")], GenerateConfig(), "onward serve"),
        ([], GenerateConfig(best_of=3), "best_of"),
    ):
        with pytest.raises(PlanError, match=words):
            anyio.run(ours.api.generate, asked, tools, "auto", config)
