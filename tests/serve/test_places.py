"""Who may have how much: places, limits, keys, time, clients that go away, a damaged model, and the end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import torch

from onward.generate.reader import Reader
from onward.serve.server import bind


def until(true, seconds=10.0):
    """Wait for something; how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it never came"
        time.sleep(0.01)
    return time.monotonic() - began


def endless(server):
    """A request that takes long: nothing may end it."""
    ends = {str(end): -100 for end in server.engine.ends}
    return {"model": "tiny", "prompt": "The cat", "max_tokens": 1000, "logit_bias": ends}


def test_a_client_that_goes_away_frees_its_place_and_its_blocks(server):
    said = server.figure("onward_generated_tokens_total")
    with server.http.stream("POST", "/v1/completions", json={**endless(server), "stream": True}) as answer:
        lines = answer.iter_lines()
        for _ in range(4):
            next(lines)
        assert server.figure("onward_running") == 1
        assert server.figure("onward_blocks_used") > 0
    until(lambda: server.figure("onward_running") == 0, 2)
    until(lambda: server.engine.pages.used == 0, 2)
    assert server.figure("onward_generated_tokens_total") - said < 900, "it was not carried on to its end"
    assert server.figure("onward_waiting") == 0


def test_so_does_one_that_waits_for_a_whole_answer(server):
    with pytest.raises(httpx.ReadTimeout):
        server.http.post("/v1/completions", json=endless(server), timeout=0.3)
    until(lambda: server.figure("onward_running") == 0, 2)
    until(lambda: server.engine.pages.used == 0, 2)


def test_one_that_goes_while_it_waits_leaves_nothing_behind(serve):
    server = serve(change=lambda served: setattr(served.model.engine.schedule, "at_once", 1))
    with server.http.stream("POST", "/v1/completions", json={**endless(server), "stream": True}) as first:
        lines = first.iter_lines()  # kept: its end would close the connection
        next(lines)
        with pytest.raises(httpx.ReadTimeout):
            server.http.post("/v1/completions", json=endless(server), timeout=0.3)
        until(lambda: server.models["tiny"].worker.open == 1, 2)
        assert server.figure("onward_running") == 1
        lines.close()
    until(lambda: server.models["tiny"].worker.open == 0, 2)
    until(lambda: server.engine.pages.used == 0, 2)


def test_where_too_many_wait_the_next_one_is_asked_to_come_again(serve):
    server = serve(max_queue=1, change=lambda served: setattr(served.model.engine.schedule, "at_once", 1))
    with ThreadPoolExecutor(2) as pool:
        body = {**endless(server), "max_tokens": 300}
        two = [pool.submit(server.http.post, "/v1/completions", json=body) for _ in range(2)]
        until(lambda: server.models["tiny"].worker.open == 2)
        refused = server.post("/completions", prompt="a")
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert [done.result().status_code for done in two] == [200, 200]
    assert server.post("/completions", prompt="a").status_code == 200


def test_what_can_never_have_a_place_is_refused_for_good(serve):
    refused = serve(max_queue=0).post("/completions", prompt=["a"] * 40)
    assert refused.status_code == 400
    assert "40 texts at once" in refused.json()["error"]["message"]


def test_who_takes_too_long_is_told_so_and_frees_the_place(serve):
    server = serve(timeout=0.3)
    late = server.http.post("/v1/completions", json=endless(server))
    assert late.status_code == 504
    assert "0.3 seconds" in late.json()["error"]["message"]
    streamed = server.http.post("/v1/completions", json={**endless(server), "stream": True})
    events = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line]
    assert json.loads(events[-2])["error"]["code"] == "timeout"
    assert events[-1] == "[DONE]"
    until(lambda: server.engine.pages.used == 0, 2)


def test_a_key_is_wanted_where_there_is_one(serve):
    server = serve(key="sësame")
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "sesame"},
        {"Authorization": b"Bearer \xff"},
    ):
        refused = server.http.get("/v1/models", headers=headers)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "invalid_api_key"
    right = {"Authorization": "Bearer sësame".encode()}
    assert server.http.get("/v1/models", headers=right).status_code == 200
    assert server.http.get("/health").status_code == 200


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(serve):
    server = serve(max_body=1000)
    body = json.dumps({"model": "tiny", "prompt": "x" * 2000}).encode()
    headers = {"Content-Type": "application/json"}
    for content in (body, iter([body[:900], body[900:]])):
        refused = server.http.post("/v1/completions", content=content, headers=headers)
        assert refused.status_code == 413
        assert "1,000 bytes" in refused.json()["error"]["message"]


def test_an_answer_has_no_more_tokens_than_the_server_allows(serve):
    server = serve(max_tokens=3)
    answer = server.http.post("/v1/completions", json=endless(server)).json()
    assert answer["usage"]["completion_tokens"] == 3
    assert answer["choices"][0]["finish_reason"] == "length"


def damaged(served):
    """A token that is no numbers where it is read, and fine where it is said: a text that has it is lost, and no other."""
    model = served.model.engine.model
    row = torch.zeros_like(model.embedding.tokens.weight)
    row[60] = float("nan")
    forward = model.embedding.forward
    model.embedding.forward = lambda ids, *more: forward(ids, *more) + row[ids]
    served.model.engine.reader.weights = None  # torch's own passes, in which the damage is
    served.model.engine.forget()


@pytest.mark.parametrize("path", ["/completions", "/embeddings"])
def test_a_model_that_cannot_answer_fails_that_one_request(serve, path):
    server = serve(change=damaged)
    good, bad = ([5, 6, 7], [5, 60, 7])
    name, more = ("prompt", {"max_tokens": 1}) if path == "/completions" else ("input", {})
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda ids: server.post(path, **{name: ids}, **more), [good, bad] * 3))
    assert [answer.status_code for answer in answers] == [200, 503] * 3
    assert "no finite numbers" in answers[1].json()["error"]["message"]
    until(lambda: server.engine.pages.used == 0, 2)


def test_a_pass_that_fails_ends_its_texts_and_not_the_server(serve, monkeypatch):
    server = serve()

    def full(*_):
        raise RuntimeError("out of memory: 9 GiB wanted")

    with monkeypatch.context() as broken:
        broken.setattr(Reader, "look", full)
        failed = server.post("/completions", prompt="The cat")
        assert failed.status_code == 503
        assert "out of memory" in failed.json()["error"]["message"]
        streamed = server.post("/completions", prompt="The cat", stream=True)
        assert streamed.status_code == 503, "nothing had been sent, so there is still a status to give"
    assert server.post("/completions", prompt="The cat").status_code == 200
    until(lambda: server.engine.pages.used == 0, 2)


def test_scoring_waits_for_blocks_that_others_have(serve):
    def small(served):
        served.model.engine.reader.blocks = 20
        served.model.engine.forget()

    server = serve(change=small)
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(server.http.post, "/v1/completions", json={**endless(server), "max_tokens": 200})
        until(lambda: server.engine.pages.used > 7)
        told = server.post("/completions", prompt=[3] * 250, echo=True, logprobs=1, max_tokens=0)
        assert told.status_code == 200, told.text
        assert long.result().status_code == 200


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/v1/chat/completions"])
def test_addresses_and_methods_that_are_not_there(server, path):
    answer = server.http.get(path)
    assert answer.status_code == (405 if "chat" in path else 404)
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"a": ' + b"[" * 50_000, b"9" * 5000, b"null"])
def test_bodies_that_are_no_request(server, content):
    answer = server.http.post("/v1/completions", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


def test_everything_at_once_and_at_random_leaves_no_trace(server):
    """Streams, whole answers, scores and vectors, half of them given up: a soak in small."""

    async def one(client, number):
        body = {**endless(server), "max_tokens": 40, "seed": number, "stream": number % 2 == 0}
        if number % 7 == 0:
            body = {"model": "tiny", "prompt": [5] * 200, "echo": True, "logprobs": 1, "max_tokens": 0}
        try:
            async with asyncio.timeout(0.05 * (number % 5) if number % 3 == 0 else 60):
                answer = await client.post("/v1/completions", json=body)
                return answer.status_code
        except TimeoutError:
            return None

    async def everybody():
        async with httpx.AsyncClient(
            base_url=server.url, timeout=60, limits=httpx.Limits(max_connections=100)
        ) as client:
            return await asyncio.gather(*(one(client, number) for number in range(60)))

    statuses = asyncio.run(everybody())
    assert set(statuses) <= {200, None}
    assert all(status == 200 for number, status in enumerate(statuses) if number % 3)
    until(lambda: server.models["tiny"].worker.open == 0, 5)
    until(lambda: server.engine.pages.used == 0, 5)


def test_sigterm_lets_those_that_are_running_finish_and_refuses_new_ones(tiny_folder, tokenizer):
    command = [sys.executable, "-m", "onward", "serve", str(tiny_folder), "--port", "0", "--weights", "torch"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}) as process:
        url = next(line for line in process.stderr if line.startswith("serving at ")).split()[-1].removesuffix("/v1")
        body = {"model": "tiny", "prompt": "The cat", "max_tokens": 300, "seed": 3, "stream": True}
        body["logit_bias"] = {str(end): -100 for end in tokenizer.eos_ids}
        with httpx.Client(base_url=url, timeout=60) as client, httpx.Client(base_url=url) as other:
            with client.stream("POST", "/v1/completions", json=body) as answer:
                lines = answer.iter_lines()
                next(lines)
                process.send_signal(signal.SIGTERM)
                time.sleep(0.2)
                refused = other.get("/v1/models")
                assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
                assert other.get("/health").status_code == 503
                rest = [line for line in lines if line]
            assert rest[-1] == "data: [DONE]"
            assert json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"] == "length"
        assert process.wait(20) == 0
        assert "everybody has been answered" in process.stderr.read()


def test_pieces_do_not_wait_for_acknowledgements():
    """Nagle's algorithm and delayed acknowledgements together hold each answer back by 40 ms (RFC 896, RFC 1122 4.2.3.2)."""
    with bind("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
