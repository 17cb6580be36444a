"""What an answer costs: numbers by hand, on clocks that are not the wall's; and a server that takes its known time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from onward.errors import SuiteError
from onward.evaluate.cost import asked, energy, figures, memory, prices
from onward.evaluate.cost.front import Point, front, shared
from onward.evaluate.cost.measure import Round, Taken, costs, measure, rows
from onward.evaluate.cost.pacing import Timed, answers, paced
from onward.evaluate.cost.settings import Measuring
from onward.evaluate.prompts import Prompt
from onward.generate.endpoint import EndpointModel
from onward.generate.load import load
from onward.generate.settings import Sampling
from onward.serve.models import open_all
from onward.serve.settings import Limits
from onward.train.measure import Measured
from serving import running

GREEDY = Sampling(temperature=0, max_tokens=8)


def question(number: int) -> Prompt:
    return Prompt(messages=({"role": "user", "content": f"cat {number}?"},))


class Clock:
    """Goes on only when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def exactly(value: float) -> Measured:
    return Measured(value=value, low=None, high=None, n=1)


# --- time -------------------------------------------------------------------------------------------------------------


def test_pieces_are_timed_by_the_clock_and_empty_ones_are_none():
    clock = Clock()

    def pieces():
        for seconds, text in ((0.5, "a"), (0.25, ""), (0.25, "b"), (1.0, "c"), (0.5, "")):
            clock.now += seconds
            yield text

    assert paced(pieces(), clock, clock()) == ([0.5, 1.0, 2.0], 2.5, "abc")


def test_percentiles_and_rates_by_hand():
    """Gaps 1 2 3 and 5 9: the middle one is 3, and 95 % of the way from the first to the last is 8.2."""
    one = Timed([0.5, 1.5, 3.5, 6.5], 7.0, 4, 10)
    other = Timed([1.5, 6.5, 15.5], 16.0, 3, 20)
    assert one.gaps == [1, 2, 3]
    assert figures.between([one, other], 50).value == 3
    assert figures.between([one, other], 95).value == pytest.approx(5 + 0.8 * 4)
    assert figures.first([one, other], 50).value == 1
    assert figures.per_second([[one], [other]]).value == pytest.approx(7 / 23)
    assert figures.per_second([[one, other]]).value == pytest.approx(7 / 16)
    assert figures.per_answer([[one, other]]).value == 8
    nothing = Timed([], 0.1, 0, 5)
    assert figures.first([nothing, one], 50).value == 0.5


def test_intervals_hold_what_is_true():
    """Answers whose pauses are alike within an answer: the middle of all pauses is 1."""
    generator, held = np.random.default_rng(0), 0
    for _ in range(30):
        paces = generator.lognormal(0, 0.3, 30)
        groups = [(pace * generator.lognormal(0, 0.05, 15)).tolist() for pace in paces]
        found = figures.percentile(groups, 50)
        held += found.low <= 1 <= found.high
    assert held >= 25


def test_a_folder_is_timed_token_by_token(model_folder):
    """Each reading of this clock is a second later than the one before: a token a second, alone or several at once."""
    model, clock = load(model_folder, weights="torch"), Clock()

    def ticking():
        clock.now += 1
        return clock.now

    alone = answers(model, [question(1)], GREEDY, ticking)[0]
    reply = model.replies(question(1).messages, [GREEDY])[0]
    assert (alone.tokens, alone.prompt_tokens) == (reply.tokens, reply.prompt_tokens)
    assert alone.moments == list(range(1, reply.tokens + 1)) != []
    assert alone.passed == reply.prompt_tokens + reply.tokens - (reply.finish == "length")
    both = answers(model, [question(2), question(3)], GREEDY, ticking)
    assert [one.moments[0] for one in both] == [1, 1]
    assert not model.engine.schedule.running


class Paced(BaseHTTPRequestHandler):
    """Says four words: the first after 0.2 s, each further one after 0.05 s."""

    def do_GET(self):
        self.answer(b"# HELP x\nprocess_resident_memory_bytes 1.5e+08\nprocess_open_fds 5\n", "text/plain")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["stream"] is True
        assert body["stream_options"] == {"include_usage": True}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number in range(4):
            time.sleep(0.05 if number else 0.2)
            self.say({"choices": [{"delta": {"content": f"w{number} "}}]})
        self.say({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 4}})
        self.wfile.write(b"data: [DONE]\n\n")

    def say(self, event):
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()

    def answer(self, data, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def paced_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Paced)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    model = EndpointModel(f"http://127.0.0.1:{server.server_port}/v1#paced")
    yield model
    model._client.close()
    server.shutdown()
    server.server_close()


def test_a_server_of_known_pace_is_measured_so(paced_server):
    """Generous bounds upwards, since the machine may be busy; never quicker than it is."""
    how = Measuring(rounds=2, alone=2, at_once=3, per_hour=3.6)
    taken = measure(paced_server, [question(n) for n in range(20)], how, GREEDY, peak=None)
    found = {row.metric: row.measured for row in rows(paced_server, taken, how, None)}
    assert 200 <= found["time to first token, ms, p50"].value < 400
    assert 45 <= found["time between pieces, ms, p50"].value < 150
    assert 5 < found["tokens a second, alone"].value <= 4 / 0.35
    assert 15 < found["tokens a second, 3 at once"].value <= 12 / 0.35
    assert found["peak memory, MB"].value == 150
    assert found["price of a million answers"].value == pytest.approx(
        found["seconds an answer, 3 at once"].value * 1000
    )
    assert {(one.tokens, one.prompt_tokens) for one in taken.all} == {(4, 11)}
    assert taken.repeated == 0
    assert not any("joules" in name or "operations" in name for name in found)  # nobody knows them of a server


def test_a_served_folder_tells_its_tokens_and_its_memory(model_folder):
    with running(open_all([str(model_folder)], [], device="cpu"), Limits()) as up:
        model = EndpointModel(f"{up.url}/v1#model")
        one = answers(model, [question(1)], GREEDY, time.perf_counter)[0]
        reply = model.replies(question(1).messages, [GREEDY])[0]
        assert (one.tokens, one.prompt_tokens) == (reply.tokens, reply.prompt_tokens)
        assert 50e6 < memory.of_server(model) < 50e9
        with pytest.raises(SuiteError, match="cannot be asked to carry a text on"):
            answers(model, [Prompt(text="The cat")], GREEDY, time.perf_counter)
        model._client.close()


# --- operations, memory, energy, money --------------------------------------------------------------------------------


def test_operations_by_hand(model_folder):
    """Width 32, two blocks, four heads of 8 and two for keys, feed-forward 64; V words. Each token: two for each weight that it meets,
    and for each key that it sees 4 for each number of its heads, in each block."""
    model, how = load(model_folder, weights="torch"), Measuring(rounds=1, alone=1, at_once=1)
    one = Timed([1.0, 2.0], 2.0, 2, 3, passed=4)
    taken = Taken([Round([one], None)], [Round([one], None)], None, "")
    vocabulary = model.engine.model.config.vocab_size
    weights = 2 * (32 * 32 + 2 * 32 * 16 + 32 * 32 + 3 * 32 * 64) + 32 * vocabulary
    by_hand = 4 * 2 * weights + (1 + 2 + 3 + 4) * 4 * 4 * 8 * 2
    found = {row.metric: row.measured.value for row in rows(model, taken, how, None)}
    assert found["operations an answer, millions"] == pytest.approx(by_hand / 1e6)
    assert found["operations a token, millions"] == pytest.approx(by_hand / 4 / 1e6)


TAKEN = """
from onward.evaluate.cost.memory import Peak
peak = Peak()
held = bytearray(80_000_000)
held[::4096] = b"x" * len(held[::4096])
del held
print(peak.bytes(), Peak().bytes())
"""


def test_memory_that_was_taken_is_seen():
    """In a process of its own: what other tests have left behind may go in that moment."""
    done = subprocess.run([sys.executable, "-c", TAKEN], capture_output=True, text=True, check=True, timeout=300)
    first, second = map(int, done.stdout.split())
    assert 78e6 < first < 120e6
    assert second < 40e6


@pytest.fixture
def counters(tmp_path):
    """Two packages, the second near the end of its range; and a part of the first, which is not counted twice."""
    for name, energy_uj in (("intel-rapl:0", 1_000_000), ("intel-rapl:1", 9_000_000), ("intel-rapl:0:0", 5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text(f"{energy_uj}\n")
        (tmp_path / name / "max_energy_range_uj").write_text("10000000\n")
    return tmp_path


def test_counters_of_energy_by_hand(counters):
    """2.5 J of the first; of the second 1 J up to its end and 0.5 J from the beginning again."""
    meter = energy.Meter(counters)
    assert meter.joules() == 0
    (counters / "intel-rapl:0" / "energy_uj").write_text("3500000\n")
    (counters / "intel-rapl:1" / "energy_uj").write_text("500000\n")
    assert meter.joules() == pytest.approx(4.0)
    (counters / "intel-rapl:1" / "energy_uj").unlink()
    assert meter.joules() is None
    assert energy.Meter(counters / "none").joules() is None


def test_energy_is_by_watts_given_or_counted_or_guessed_and_says_which(model_folder):
    model = load(model_folder, weights="torch")
    one = Timed([1.0, 2.0], 2.0, 2, 3, passed=4)

    def joules(counted, **wanted):
        taken = Taken([Round([one], counted)], [Round([one] * 4, counted)], None, "")
        found = rows(model, taken, Measuring(rounds=1, alone=1, at_once=4, **wanted), None)
        return [(row.measured.value, row.about) for row in found if "joules" in row.metric]

    assert [value for value, _ in joules(8.0, watts=30)] == [60, 15]
    assert [value for value, _ in joules(8.0)] == [8, 2]
    guessed = joules(None)
    assert [value for value, _ in guessed] == [10, 2.5]  # one thread in tests, at 5 W
    assert [about for _, about in guessed] == ["a guess: 1 thread at 5 W"] * 2


def test_prices_by_hand(tmp_path, model_folder):
    """1,000 tokens read at 2 and 500 written at 8 a million: 0.006. A machine for 3.6 an hour, 50 tokens a second: 20 a million."""
    assert prices.Price(2, 8).of(1000, 500) == pytest.approx(0.006)
    assert prices.per_million(3.6, 50) == pytest.approx(20)
    path = tmp_path / "prices.yaml"
    path.write_text("http://host/v1#mine:\n  input: 0.10\n  output: 0.40\n")
    table = prices.read(path)
    assert prices.of(table, "else", "http://host/v1#mine") == prices.Price(0.10, 0.40)
    assert prices.of(table, "mine") is None
    one = Timed([1.0, 2.0], 2.0, 2, 3, passed=4)
    taken = Taken([Round([one], None)], [Round([one] * 4, None)], None, "")
    found = costs(rows(load(model_folder, weights="torch"), taken, Measuring(at_once=4, per_hour=3.6), None))
    assert found["price of a million answers"].value == pytest.approx(500)
    assert found["seconds an answer"].value == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mine: {input: 1}", "mine wants input: and output:"),
        ("mine: {input: 1, output: dear}", "output of mine is 'dear', and no price"),
        ("mine: {input: -1, output: 1}", "input of mine is -1"),
        ("- mine", "a table is wanted"),
        ("mine: {input: 1", "line 1: it is no YAML"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path, text, why):
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(SuiteError, match=why):
        prices.read(path)
    with pytest.raises(SuiteError, match="cannot be read"):
        prices.read(tmp_path / "none.yaml")


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"rounds": 0}, {"watts": -1.0}, {"per_hour": float("nan")}, {"words": -1}):
        with pytest.raises(SuiteError, match="or more, and finite"):
            Measuring(**wrong)


# --- what is asked, and the front -------------------------------------------------------------------------------------


def test_prompts_are_as_long_as_asked_and_differ(tmp_path):
    items = asked.items(None, None)
    plain, long = asked.prompts(items[:20], chat=True), asked.prompts(items[:20], chat=True, words=50)
    for short, one in zip(plain, long, strict=True):
        before, _, question = one.words.rpartition("\n\n")
        assert question == short.words
        assert len(before.split()) == 50
    assert len({one.words.rpartition("\n\n")[0] for one in long}) == 20
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "a?"}\n{"prompt": "b?"}\n')
    assert {one.words for one in asked.prompts(asked.items(None, path), chat=True)} == {"a?", "b?"}


def test_prompts_that_do_not_suffice_are_counted(model_folder):
    model, how = load(model_folder, weights="torch"), Measuring(rounds=2, alone=2, at_once=3)
    taken = measure(model, [question(n) for n in range(10)], how, GREEDY, peak=memory.Peak())
    assert (len(taken.alone), len(taken.together), len(taken.all)) == (4, 2, 10)
    assert taken.repeated == 1 + 3 + 10 - 10


def test_the_front_by_hand():
    """b is dearer than a and worse; d is as good as c and dearer; e has a cost that the others do not tell."""
    numbers = {"a": (1, 0.5), "b": (2, 0.4), "c": (3, 0.9), "d": (4, 0.9)}
    points = [Point(name, exactly(y), {"seconds": exactly(x)}) for name, (x, y) in numbers.items()]
    assert [one.name for one in front(points[::-1], "seconds")] == ["a", "c"]
    also = Point("e", exactly(0.9), {"seconds": exactly(3), "price": exactly(1)})
    assert {one.name for one in front([*points, also], "seconds")} == {"a", "c", "e"}
    assert shared([also]) == ["seconds", "price"]
    assert shared([*points, also]) == ["seconds"]
