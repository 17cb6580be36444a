"""A model that answers and a judge, both by rule, behind a real HTTP server on loopback that speaks the OpenAI protocol."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

ALWAYS_THE_SAME, TOO_LONG, WITHOUT_END = "always the same", "far too long", "without end"


class Server(ThreadingHTTPServer):
    """The answerer says a number from 0 to 99 and as many words; the judge prefers the larger number, if it is in its mood."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.mood = "fair"
        self.lock = threading.Lock()

    def url(self, model):
        return f"http://127.0.0.1:{self.server_address[1]}/v1#{model}"

    def reply(self, asked):
        text = asked["messages"][-1]["content"]
        if asked["model"] == "judge":
            return self.judged(text), "stop"
        if ALWAYS_THE_SAME in text:
            return "The same.", "stop"
        number = asked["seed"] % 100
        return f"I say {number}" + " well" * (100 - number), "length" if WITHOUT_END in text else "stop"

    def judged(self, text):
        a, b = (int(re.search(rf"\[Answer {name}\]\nI say (\d+)", text)[1]) for name in "AB")
        return {"fair": "A" if a > b else "B", "first": "A", "mute": "Hm, hard to say.", "even": "T"}[self.mood]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if TOO_LONG in asked["messages"][-1]["content"]:
            self.answer(400, {"error": {"message": "too long"}})
            return
        with self.server.lock:
            self.server.asked.append(asked)
        text, finish = self.server.reply(asked)
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
        self.answer(200, {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def prompts(tmp_path):
    """Twelve prompts, a line each."""
    path = tmp_path / "prompts.txt"
    path.write_text("".join(f"Say number {i}.\n" for i in range(12)))
    return path
