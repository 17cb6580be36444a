"""A teacher by rule, behind a real HTTP server on loopback that speaks the OpenAI protocol; and seeds."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

SYLLABLES = ("ba", "co", "di", "fe", "gu", "ha", "ko", "li", "mo", "ne", "pa", "ru", "sa", "ti", "vo", "zu")
REFUSAL = "I’m sorry, but I cannot help with that."
ABOUT_SECRETS, WITHOUT_WORDS, WITHOUT_END = "the forbidden secret", "silence", "eternity"


def made_up(chance, words):
    return " ".join("".join(chance.choice(SYLLABLES) for _ in range(3)) for _ in range(words))


class Teacher(ThreadingHTTPServer):
    """Writes eight instructions where it is asked for new ones: a copy, a picture, a short one, one that it will refuse, one that it will
    not answer, one without an end, two that are fine. What it says depends on what it is asked and on the seed alone."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []  # what was answered, in the order of the answers
        self.keys = set()
        self.faults = []  # statuses to answer with, before all else
        self.delay = 0.0
        self.usage = True
        self.writes = True
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def reply(self, asked):
        text = asked["messages"][-1]["content"]
        if "Write 8 new ones" in text:
            return self.listed(text, random.Random(asked["seed"])), "stop"
        if ABOUT_SECRETS in text:
            return REFUSAL, "stop"
        if WITHOUT_WORDS in text:
            return " ", "stop"
        if WITHOUT_END in text:
            return "It goes on and on", "length"
        return f"This is about {' '.join(text.split()[-3:])} {asked['seed'] % 97}", "stop"

    def listed(self, text, chance):
        if not self.writes:
            return "I cannot write anything new."
        copied = re.search(r"Instruction 1:\n(.*?)\n\n", text, re.DOTALL)[1]
        found = [
            copied.upper() + " please",
            f"Draw a picture of {made_up(chance, 5)}.",
            "Be nice.",
            f"Explain {ABOUT_SECRETS} of {made_up(chance, 8)}.",
            f"Describe {WITHOUT_WORDS} as {made_up(chance, 8)}.",
            f"Describe {WITHOUT_END} as {made_up(chance, 8)}.",
            f"Explain {made_up(chance, 8)}.",
            f"Compare these two:\n1. {made_up(chance, 5)}\n2. {made_up(chance, 5)}",
        ]
        lines = [f"{number}. {one}" for number, one in enumerate(found, start=1)]
        return "Sure! Here they are:\n\n" + "\n".join(lines) + "\n\nI hope you like them!"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(200, {"data": [{"id": "by-rule"}]})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        teacher = self.server
        with teacher.lock:
            fault = teacher.faults.pop(0) if teacher.faults else None
            teacher.at_once += 1
            teacher.most_at_once = max(teacher.most_at_once, teacher.at_once)
        time.sleep(teacher.delay * random.random())
        with teacher.lock:
            teacher.at_once -= 1
            if fault is None:
                teacher.asked.append(asked)
        if fault is not None:
            self.answer(fault, {"error": {"message": f"fault {fault}"}})
            return
        text, finish = teacher.reply(asked)
        usage = {"prompt_tokens": len(str(asked["messages"])) // 4, "completion_tokens": len(text) // 4 + 1}
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
        self.answer(200, {"choices": [choice], **({"usage": usage} if teacher.usage else {})})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):  # the one who asked was killed
            pass


@pytest.fixture
def teacher():
    with Teacher() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def seeds(tmp_path):
    """Twelve seed tasks in Self-Instruct's form, half of them with an input."""
    chance, path = random.Random(0), tmp_path / "seeds.jsonl"
    tasks = [
        {
            "instruction": f"Say what {made_up(chance, 6)} means.",
            "instances": [{"input": made_up(chance, 4) if number % 2 else "", "output": "It means a lot."}],
        }
        for number in range(12)
    ]
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks))
    return path
