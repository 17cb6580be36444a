"""Plain texts and vectors, asked with OpenAI's own client."""

import base64
import math

import numpy as np
import pytest
import torch

import onward
from onward.generate.engine import Request
from onward.generate.settings import Sampling


def ask(server, prompt, **more):
    return server.openai.completions.create(model="tiny", prompt=prompt, **{"max_tokens": 8, **more})


@pytest.fixture(scope="module")
def here(tiny_folder):
    return onward.load(tiny_folder)


def carried_on(here, ids, **sampling):
    return here.engine.run([Request(prompt=ids, sampling=Sampling(**sampling))])[0]


def test_texts_and_tokens_alone_and_many(server, here):
    ids = here.text_prompt("The cat"), here.text_prompt("A dog")
    texts = [carried_on(here, one, temperature=1.0, seed=3, max_tokens=8).text for one in ids]
    asked = {"temperature": 1.0, "seed": 3}
    assert [choice.text for choice in ask(server, ["The cat", "A dog"], **asked).choices] == texts
    assert [choice.text for choice in ask(server, list(ids), **asked).choices] == texts
    assert ask(server, "A dog", **asked).choices[0].text == texts[1]
    assert ask(server, ids[1], **asked).choices[0].text == texts[1]


def test_n_texts_of_each_prompt_come_one_prompt_after_the_other(server):
    asked = {"temperature": 1.0, "seed": 3}
    both = [choice.text for choice in ask(server, ["The cat", "A dog"], n=2, **asked).choices]
    alone = [choice.text for prompt in ("The cat", "A dog") for choice in ask(server, prompt, n=2, **asked).choices]
    assert both == alone
    assert both[0] != both[1]
    assert both[2] != both[3]


def test_a_prompt_s_log_probabilities_are_the_engine_s_score(server, here):
    """What lm-eval asks: tokens, echoed with their log-probabilities, and one more token, which it throws away."""
    ids = here.engine.tokenizer.encode("The cat sat on the mat.")
    told = ask(server, ids, echo=True, logprobs=1, max_tokens=1, temperature=0).choices[0].logprobs
    expected = here.engine.score(ids[:1], ids[1:])
    assert told.token_logprobs[0] is None
    assert told.top_logprobs[0] is None
    assert told.token_logprobs[1 : len(ids)] == pytest.approx(expected)
    assert len(told.tokens) == len(ids) + 1
    logits = here.engine.model(torch.tensor([ids]))[0].log_softmax(-1)
    for place, best in enumerate(logits.max(-1).values[:-1].tolist(), 1):
        assert max(told.top_logprobs[place].values()) == pytest.approx(best, abs=1e-4)
    greedy = told.token_logprobs[-1]
    assert greedy == max(told.top_logprobs[-1].values())


def test_an_echo_shows_the_text_with_the_place_of_each_token(server, here):
    text = "The cät €at"
    choice = ask(server, text, echo=True, logprobs=0, max_tokens=0).choices[0]
    assert choice.text == text
    assert choice.finish_reason == "length"
    assert len(choice.logprobs.tokens) == len(here.engine.tokenizer.encode(text))
    assert None not in choice.logprobs.token_logprobs, "the token that begins a document comes before, unseen"
    for place, name in zip(choice.logprobs.text_offset, choice.logprobs.tokens, strict=True):
        assert name.startswith("bytes:") or text[place:].startswith(name)


@pytest.mark.parametrize("echo", [False, True])
def test_what_is_streamed_is_what_is_answered_at_once(server, echo):
    asked = {"n": 2, "seed": 4, "logprobs": 2, "echo": echo}
    whole = ask(server, ["The cat", "A dog"], **asked)
    texts, told = [""] * 4, [[], [], [], []]
    for event in ask(server, ["The cat", "A dog"], stream=True, **asked):
        for choice in event.choices:
            texts[choice.index] += choice.text
            told[choice.index] += zip(choice.logprobs.tokens, choice.logprobs.text_offset, strict=True)
    assert texts == [choice.text for choice in whole.choices]
    for choice in whole.choices:
        assert told[choice.index] == list(zip(choice.logprobs.tokens, choice.logprobs.text_offset, strict=True))


def test_an_echo_alone_can_be_streamed(server):
    events = list(ask(server, "The cat", echo=True, max_tokens=0, stream=True))
    assert [event.choices[0].text for event in events] == ["The cat"]


def test_long_prompts_are_scored_in_pieces(server, here):
    """More tokens than the engine reads in one pass of prompts."""
    server.engine.schedule.chunk, before = 16, server.engine.schedule.chunk
    ids = here.engine.tokenizer.encode("The cat sat on the mat. " * 12)
    try:
        told = ask(server, ids, echo=True, logprobs=1, max_tokens=0).choices[0].logprobs
    finally:
        server.engine.schedule.chunk = before
    assert told.token_logprobs[1:] == pytest.approx(here.engine.score(ids[:1], ids[1:]), abs=1e-4)
    assert all(max(top.values()) >= p for top, p in zip(told.top_logprobs[1:], told.token_logprobs[1:], strict=True))


@pytest.mark.parametrize(
    ("more", "param", "words"),
    [
        ({"prompt": "a", "suffix": "b"}, "suffix", "do not fill in"),
        ({"prompt": "a", "best_of": 3}, "best_of", "n"),
        ({"prompt": []}, "prompt", "at least 1"),
        ({"prompt": [999_999]}, "prompt", "999,999 is no token's number"),
        ({"prompt": [-1]}, "prompt", "greater"),
        ({"prompt": ["a", 1]}, "prompt", "valid"),
        ({"prompt": [1] * 1024}, "prompt", "1,024 tokens"),
        ({"prompt": [1] * 1025, "max_tokens": 0, "echo": True}, "prompt", "1,025 tokens"),
        ({"prompt": "cat " * 3000}, "prompt", "1,024 positions"),
        ({"prompt": "a", "logprobs": 21}, "logprobs", "20"),
        ({}, "prompt", "is missing"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(server, more, param, words):
    answer = server.post("/completions", **more)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"].startswith(param)
    assert words in answer.json()["error"]["message"]


def test_an_empty_prompt_is_where_a_document_begins(server, here):
    text = carried_on(here, here.text_prompt(""), temperature=1.0, seed=1, max_tokens=8).text
    assert ask(server, "", seed=1).choices[0].text == text


def test_a_prompt_may_fill_all_positions_where_nothing_is_to_follow(server):
    answer = ask(server, [1] * 1024, max_tokens=0, echo=True, logprobs=0)
    assert len(answer.choices[0].logprobs.tokens) == 1024


def test_vectors_are_means_of_the_trunk_s_last_states(server, here):
    answer = server.openai.embeddings.create(model="tiny", input=["The cat", "A dog"])
    ids = here.text_prompt("A dog")
    mean = here.engine.model.hidden(torch.tensor([ids]))[0].mean(0).detach()
    assert answer.data[1].embedding == pytest.approx((mean / mean.norm()).tolist(), abs=1e-5)
    assert answer.usage.prompt_tokens == sum(len(here.text_prompt(text)) for text in ("The cat", "A dog"))


def test_vectors_come_as_numbers_or_as_bytes(server):
    plain = server.post("/embeddings", input="The cat", encoding_format="float").json()["data"][0]["embedding"]
    packed = server.post("/embeddings", input="The cat", encoding_format="base64").json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(packed), "<f4").tolist() == pytest.approx(plain)
    assert math.hypot(*plain) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("more", [{"input": ""}, {"input": []}, {"input": "a", "dimensions": 7}, {"input": [5000]}])
def test_texts_that_have_no_vector_are_refused(server, more):
    answer = server.post("/embeddings", **more)
    if more == {"input": ""} and server.engine.tokenizer.bos_id is not None:
        assert answer.status_code == 200, "the token that begins a document is there"
    else:
        assert answer.status_code == 400


def test_the_models_are_listed(server):
    listed = {model.id: model for model in server.openai.models.list()}
    assert set(listed) == {"tiny", "poet"}
    assert listed["poet"].model_extra["parent"] == "tiny"
    assert server.openai.models.retrieve("tiny").model_extra["max_model_len"] == 1024
    assert server.http.get("/v1/models/nobody").json()["error"]["code"] == "model_not_found"
