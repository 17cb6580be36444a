"""Against a real HTTP server on loopback that speaks the OpenAI protocol, well and badly."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import onward
from onward.errors import EndpointBusy, EndpointError, NotServed, RequestRefused
from onward.generate.settings import Sampling

ASKED = [{"role": "user", "content": "Say hello"}]


class Server(ThreadingHTTPServer):
    """Answers what a test tells it to, and keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.keys = []
        self.status, self.body = 200, None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer({"data": [{"id": "first"}, {"id": "second"}]})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, asked))
        self.server.keys.append(self.headers.get("Authorization"))
        if self.server.body is not None:
            self.answer(self.server.body)
        elif asked.get("stream"):
            self.stream()
        elif self.path.endswith("/completions") and "echo" not in asked and "prompt" in asked:
            choice = {"text": f", {asked['prompt']} {asked['seed']}", "finish_reason": "stop"}
            self.answer({"choices": [choice], "usage": {"prompt_tokens": 4, "completion_tokens": 3}})
        elif self.path.endswith("/chat/completions"):
            text = f"hello {asked['seed']}"
            choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "length"}
            self.answer({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
        else:
            logprobs = {"text_offset": [0, 4, 8], "token_logprobs": [None, -1.5, -2.0]}
            self.answer({"choices": [{"text": asked["prompt"], "logprobs": logprobs}]})

    def stream(self):
        self.send_response(200)
        self.end_headers()
        events = [{"choices": [{"delta": {"role": "assistant"}}]}]
        events += [{"choices": [{"delta": {"content": piece}}]} for piece in ("hel", "lö ", "you")]
        events += [{"choices": [], "usage": {"completion_tokens": 3}}]
        for event in events:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b": a comment\n\ndata: [DONE]\n\n")

    def answer(self, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_an_address_opens_as_a_chat_model_with_the_first_model_it_serves(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    model = onward.load(server.url)
    replies = model(ASKED, n=2, temperature=0.2, seed=7, max_tokens=9, stop=["END"])
    assert [reply.text for reply in replies] == ["hello 7", "hello 8"]
    assert (replies[0].finish, replies[0].prompt_tokens, replies[0].tokens) == ("length", 3, 2)
    path, asked = server.asked[0]
    assert path == "/v1/chat/completions"
    expected = {
        "model": "first",
        "messages": ASKED,
        "temperature": 0.2,
        "seed": 7,
        "max_tokens": 9,
        "stop": ["END"],
        "top_p": 1.0,
    }
    assert asked == expected
    assert server.keys[0] == "Bearer secret"


def test_the_model_can_be_named_after_a_hash(server):
    onward.load(server.url + "#second")(ASKED)
    assert server.asked[0][1]["model"] == "second"


def test_a_stream_arrives_in_pieces(server):
    assert list(onward.load(server.url).stream(ASKED, Sampling())) == ["", "hel", "lö ", "you", ""]


def test_scores_count_the_tokens_of_the_continuation(server):
    assert onward.load(server.url).score("one ", "two three") == pytest.approx(-3.5)


def test_a_plain_text_is_carried_on(server):
    reply = onward.load(server.url).carry_on("once", Sampling(temperature=0.5, seed=3, max_tokens=4, stop=("\n",)))
    assert (reply.text, reply.finish, reply.prompt_tokens, reply.tokens) == (", once 3", "stop", 4, 3)
    path, asked = server.asked[0]
    assert path == "/v1/completions"
    assert asked == {
        "model": "first",
        "prompt": "once",
        "temperature": 0.5,
        "top_p": 1.0,
        "seed": 3,
        "max_tokens": 4,
        "stop": ["\n"],
    }


def test_who_only_answers_messages_is_told_so(server):
    model = onward.load(server.url)
    server.status, server.body = 404, {"detail": "Not Found"}
    with pytest.raises(EndpointError, match=r"refused with 404: .*as a chat"):
        model.carry_on("once", Sampling())
    server.status, server.body = 200, {"choices": [{"message": {"content": "no text"}}]}
    with pytest.raises(EndpointError, match="not as the OpenAI protocol says"):
        model.carry_on("once", Sampling())


def test_a_refusal_says_what_the_server_said(server):
    model = onward.load(server.url)
    server.status, server.body = 429, {"error": {"message": "too many requests"}}
    with pytest.raises(EndpointError, match="429: too many requests"):
        model(ASKED)
    with pytest.raises(EndpointError, match="429: too many requests"):
        list(model.stream(ASKED, Sampling()))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, EndpointBusy),
        (503, EndpointBusy),
        (400, RequestRefused),
        (413, RequestRefused),
        (404, NotServed),
        (401, EndpointError),
        (500, EndpointError),
    ],
)
def test_the_kind_of_a_refusal_says_whether_to_ask_again(server, status, kind):
    model = onward.load(server.url)
    server.status, server.body = status, {"error": {"message": "no"}}
    with pytest.raises(EndpointError) as refused:
        model(ASKED)
    assert type(refused.value) is kind


@pytest.mark.parametrize("body", [b"<html>", {"choices": []}, {"choices": [{"message": None}]}, [1]])
def test_an_answer_in_another_form_is_refused_in_words(server, body):
    model = onward.load(server.url)
    server.body = body
    with pytest.raises(EndpointError, match="OpenAI"):
        model(ASKED)


def test_nobody_there_is_one_line():
    with pytest.raises(EndpointBusy, match="does not answer"):
        onward.load("http://127.0.0.1:9/v1")


def test_an_address_without_a_host_is_refused():
    with pytest.raises(EndpointError, match="not an address"):
        onward.load("http://")


@pytest.mark.parametrize("url", ["http://[::1", "http://host:port/v1", "http://host:99999/v1", "http:///v1"])
def test_what_is_no_address_is_one_line(url):
    with pytest.raises(EndpointError, match="is not an address"):
        onward.load(url + "#model")


@pytest.mark.parametrize("key", ["sk-ключ", "sk-1\n", "sk-1\r\nX-Evil: 1"])
def test_a_key_that_no_header_can_carry_is_named_and_not_shown(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(EndpointError, match="OPENAI_API_KEY") as error:
        onward.load("http://127.0.0.1:9/v1#model")
    assert key not in str(error.value)
