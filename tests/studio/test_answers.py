"""Answers: the same as the model's own, whether anybody watches or not."""

from __future__ import annotations

import asyncio

from onward.generate.load import load
from onward.generate.settings import Sampling
from onward.studio import copying
from onward.studio.answers import STOPPED, messages
from onward.studio.kept import Answer, Turn
from onward.studio.shared import Studio
from onward.studio.shelf import Asked

SETTINGS = {"system": "", "temperature": 0.8, "seed": 5, "max_tokens": 30}
ASKED = [{"role": "user", "content": "Where is the cat?"}]


def begin(studio: Studio, *names: str, **settings: object) -> Turn:
    """A new conversation; to be called where an event loop runs."""
    turn = studio.kept.add(
        studio.kept.begin("a"), None, ASKED[0]["content"], SETTINGS | settings, {name: Answer() for name in names}
    )
    studio.answers.start(turn, [])
    return turn


def test_models_side_by_side_say_what_each_says_alone(studio, runs):
    async def go() -> Turn:
        turn = begin(studio, "small/base", "small/sft")
        async for _ in studio.answers.watch(turn.id):
            pass
        return turn

    turn = asyncio.run(go())
    for stage in ("base", "sft"):
        model = load(runs / "small" / stage, device="cpu", weights="torch")
        alone = model.replies(ASKED, [Sampling(temperature=0.8, seed=5, max_tokens=30)])[0]
        assert turn.answers[f"small/{stage}"] == Answer(alone.text, alone.finish)
    assert studio.kept.turns(turn.conversation)[turn.id].answers == turn.answers


def test_an_answer_goes_on_unwatched_and_is_written_down(studio):
    async def go() -> Turn:
        turn = begin(studio, "small/sft")
        while studio.answers.going(turn.id) is not None:
            await asyncio.sleep(0.02)
        return turn

    turn = asyncio.run(go())
    assert studio.kept.turns(turn.conversation)[turn.id].answers["small/sft"].finish in ("length", "stop")


def test_what_was_said_before_a_stop_stays_and_the_engine_is_free(studio):
    async def go() -> Turn:
        turn = begin(studio, "small/sft", max_tokens=4000, temperature=1.5)
        async for now in studio.answers.watch(turn.id):
            if len(now.answers["small/sft"].text) > 20:
                studio.answers.stop(turn.id)
        return turn

    turn = asyncio.run(go())
    kept = studio.kept.turns(turn.conversation)[turn.id].answers["small/sft"]
    assert kept.finish == STOPPED
    assert len(kept.text) > 20
    served = studio.shelf.served["small/sft"]
    served.worker.do(lambda: None).result()
    assert served.worker.open == 0
    assert not served.model.engine.schedule.running


def test_a_model_that_cannot_answer_says_why_and_the_other_answers(studio):
    async def go() -> Turn:
        turn = begin(studio, "small/gone", "small/sft")
        async for _ in studio.answers.watch(turn.id):
            pass
        return turn

    answers = asyncio.run(go()).answers
    assert "there is no model 'small/gone'" in answers["small/gone"].error
    assert answers["small/sft"].text
    assert not answers["small/sft"].error


def test_a_branch_is_all_that_a_model_sees():
    first = Turn(1, 1, None, "one", {}, {"a": Answer("A1"), "b": Answer("B1")})
    empty = Turn(2, 1, 1, "two", {}, {"a": Answer("")})
    last = Turn(3, 1, 2, "three", {"system": "Be brief."}, {})
    assert messages(last, [first, empty], "b") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "B1"},
        {"role": "user", "content": "three"},
    ]
    assert messages(last, [first], "new")[2]["content"] == "A1"


def test_arena_and_rank_ask_through_the_same_engine_and_open_what_they_ask(studio):
    sampling = Sampling(seed=9, max_tokens=12)

    async def ask() -> str:
        asked, _not_asked = (Asked(studio.shelf, name) for name in ("small/sft", "small/base"))
        assert not studio.shelf.served
        return (await asyncio.to_thread(asked.replies, ASKED, [sampling]))[0].text

    said = asyncio.run(ask())
    served = studio.shelf.served.pop("small/sft")
    assert not studio.shelf.served
    assert said == served.worker.do(lambda: served.model.replies(ASKED, [sampling])).result()[0].text
    served.worker.stop()


def test_what_is_copied_gives_the_same_answer(up, monkeypatch, capsys):
    """The Python that is shown is run against the server that showed it, and the curl's body is sent."""
    import json
    import shlex

    async def ask() -> Turn:
        turn = begin(up.studio, "small/sft", top_k=7)
        async for _ in up.studio.answers.watch(turn.id):
            pass
        return turn

    turn = asyncio.run(ask())
    curl, python = copying.snippets(up.studio, "small/sft", [turn], {}, up.url.removeprefix("http://"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    exec(python, {})
    assert capsys.readouterr().out == turn.answers["small/sft"].text + "\n"
    words = shlex.split(curl.replace("\\\n", " "))
    answer = up.http.post(words[1], content=words[-1], headers={"Content-Type": "application/json"}).json()
    assert json.loads(words[-1])["top_k"] == 7
    assert answer["choices"][0]["message"]["content"] == turn.answers["small/sft"].text
