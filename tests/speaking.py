"""Chat models by rule, and a real server on loopback that speaks for them as the OpenAI protocol has it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from onward.generate.chat_model import ChatModel, Message, Reply
from onward.generate.settings import Sampling


class ByRule(ChatModel):
    """Says what a function of the messages says."""

    def __init__(self, say: Callable[[Sequence[Message]], str]) -> None:
        self.name, self.say = "by rule", say

    def replies(self, messages, samplings):
        return [Reply(self.say(messages), "stop", 3, 2) for _ in samplings]

    def stream(self, messages, sampling):
        yield self.replies(messages, [sampling])[0].text

    def score(self, prompt, continuation):
        raise NotImplementedError


class Speaking(ThreadingHTTPServer):
    """asked: how often each model was."""

    def __init__(self, models: Mapping[str, ChatModel]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models = models
        self.asked = dict.fromkeys(models, 0)

    def url(self, model: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1#{model}"


class _Handler(BaseHTTPRequestHandler):
    server: Speaking

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["model"]
        self.server.asked[name] += 1
        reply = self.server.models[name].replies(asked["messages"], [Sampling()])[0]
        choice = {"message": {"role": "assistant", "content": reply.text}, "finish_reason": reply.finish}
        usage = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.tokens}
        data = json.dumps({"choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def speaking(models: Mapping[str, ChatModel]) -> Iterator[Speaking]:
    with Speaking(models) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
