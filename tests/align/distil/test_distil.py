"""A whole distillation: a teacher by rule behind a real server, and a real folder."""

import io
import json
import threading
import time

import pytest
from rich.console import Console

from onward import lineage
from onward.align.distil import asking
from onward.align.distil import filter as rules
from onward.align.distil.distil import distil
from onward.align.distil.rounds import ENOUGH, EXHAUSTED, SPENT, VAIN, WRITING
from onward.align.distil.settings import Distillation
from onward.corpus.chats import read_chats
from onward.errors import DataError, EndpointError, OutputError, PlanError
from onward.generate import patience
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from samples import conversation, randomised

WANTED = Distillation(count=20, at_once=1)
SOON = (0.01,)


def wanted(**changes):
    return Distillation(**({"count": 20, "at_once": 1} | changes))


def tasks_of(out):
    return [chat.messages[0]["content"] for chat in read_chats(out)]


def asked_for_lists(asked):
    return "Write 8 new ones" in asked["messages"][-1]["content"]


# --- a teacher that writes and answers --------------------------------------------------------------------------------


def test_everything_that_a_teacher_writes_is_kept_or_counted(teacher, seeds, tmp_path):
    out = tmp_path / "chats.jsonl"
    found = distil(teacher.url, seeds, out, WANTED)
    assert (found["kept"], found["ended"]) == (20, ENOUGH)
    writing, answering = found["writing"], found["answering"]
    assert writing["instructions"] == 8 * writing["asked"]
    assert writing["dropped"] == {
        rules.UNFINISHED: 0,
        rules.SHORT: writing["asked"],
        rules.LONG: 0,
        rules.BEYOND_TEXT: writing["asked"],
        rules.NEAR_COPY: writing["asked"],
    }
    assert found["refusals"] == answering["dropped"]["refused"] > 0
    assert answering["dropped"]["empty"] > 0 < answering["dropped"]["cut-off"]
    assert answering["asked"] == found["kept"] + sum(answering["dropped"].values())
    assert len(teacher.asked) == writing["asked"] + answering["asked"]
    answered = [asked["messages"] for asked in teacher.asked if not asked_for_lists(asked)]
    assert all(len(messages) == 1 for messages in answered), "every answer comes in a fresh conversation"
    left = sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("chats"))
    assert left == ["chats.jsonl", "chats.jsonl.onward.json"]


def test_what_is_kept_are_conversations_without_near_copies(teacher, seeds, tmp_path):
    distil(teacher.url, seeds, tmp_path / "chats.jsonl", WANTED)
    chats = list(read_chats(tmp_path / "chats.jsonl"))
    assert all([message["role"] for message in chat.messages] == ["user", "assistant"] for chat in chats)
    assert all(chat.messages[1]["content"].startswith("This is about ") for chat in chats)
    tasks = tasks_of(tmp_path / "chats.jsonl")
    for number, task in enumerate(tasks):
        for other in tasks[:number]:
            assert rules.rouge_l(rules.words(task), rules.words(other)) < rules.LIMIT


def test_the_teacher_is_shown_seeds_and_soon_what_it_has_written_itself(teacher, seeds, tmp_path):
    distil(teacher.url, seeds, tmp_path / "chats.jsonl", WANTED)
    lists = [asked["messages"][0]["content"] for asked in teacher.asked if asked_for_lists(asked)]
    kept = tasks_of(tmp_path / "chats.jsonl")
    own = [sum(task in text for task in kept) for text in lists]
    assert own[:4] == [0] * 4
    assert own[-1] == 2
    assert all(text.count("Say what ") == 8 - mine for text, mine in zip(lists, own, strict=True))
    assert len(set(lists)) == len(lists)


def test_the_lineage_says_who_taught_and_what_it_cost(teacher, seeds, tmp_path):
    out = tmp_path / "chats.jsonl"
    found = distil(teacher.url, seeds, out, WANTED)
    history = Lineage.from_json(json.loads(lineage.beside(out).read_text()))
    assert history.verb == "distil"
    assert history.plan["teacher"] == f"{teacher.url}#by-rule"
    assert history.data[0]["path"] == str(seeds)
    figures = {result.metric: result.value for result in history.results}
    assert figures["kept"] == 20
    assert figures["tokens"] == found["tokens"] == sum(len(teacher.reply(asked)[0]) // 4 + 1 for asked in teacher.asked)


def test_several_requests_at_once_give_the_same_conversations(teacher, seeds, tmp_path):
    distil(teacher.url, seeds, tmp_path / "one.jsonl", WANTED)
    assert teacher.most_at_once == 1
    teacher.delay = 0.02
    distil(teacher.url, seeds, tmp_path / "eight.jsonl", wanted(at_once=8))
    assert 2 <= teacher.most_at_once <= 8
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "eight.jsonl").read_bytes()
    distil(teacher.url, seeds, tmp_path / "other.jsonl", wanted(seed=1))
    assert (tmp_path / "one.jsonl").read_bytes() != (tmp_path / "other.jsonl").read_bytes()


def test_while_one_reply_is_slow_only_so_many_are_asked_for_ahead_of_it(teacher, seeds, tmp_path):
    answer, seen, first = teacher.reply, [], threading.Lock()

    def slow_at_first(asked):
        if not asked_for_lists(asked) and first.acquire(blocking=False):
            time.sleep(0.5)
            seen.append(len(teacher.asked))
        return answer(asked)

    teacher.reply = slow_at_first
    distil(teacher.url, seeds, tmp_path / "chats.jsonl", wanted(at_once=2))
    assert seen[0] - WRITING - asking.AHEAD * 2 in (
        0,
        1,
    )  # of two that are asked for at once, the second may come first


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_budget_ends_it_with_what_there_is(teacher, seeds, tmp_path, at_once):
    found = distil(teacher.url, seeds, tmp_path / "chats.jsonl", wanted(count=1000, budget=3000, at_once=at_once))
    assert found["ended"] == SPENT
    assert 0 < found["kept"] == len(tasks_of(tmp_path / "chats.jsonl")) < 1000
    dearest = max(len(str(asked["messages"])) // 4 + len(teacher.reply(asked)[0]) // 4 + 1 for asked in teacher.asked)
    assert 3000 <= found["prompt_tokens"] + found["tokens"] < 3000 + at_once * dearest


def test_a_budget_that_cannot_be_counted_is_refused(teacher, seeds, tmp_path):
    teacher.usage = False
    with pytest.raises(EndpointError, match="--budget cannot be kept"):
        distil(teacher.url, seeds, tmp_path / "chats.jsonl", wanted(budget=3000))
    assert len(teacher.asked) == 1


def test_refusals_are_kept_where_they_are_wanted(teacher, seeds, tmp_path):
    found = distil(teacher.url, seeds, tmp_path / "chats.jsonl", wanted(keep_refusals=True))
    refused = [chat for chat in read_chats(tmp_path / "chats.jsonl") if rules.is_refusal(chat.messages[1]["content"])]
    assert len(refused) == found["refusals"] > 0
    assert found["answering"]["dropped"]["refused"] == 0


def test_a_teacher_that_writes_nothing_new_is_asked_for_a_while_and_no_longer(teacher, seeds, tmp_path):
    teacher.writes = False
    with pytest.raises(DataError, match=r"24 lists refused.*--answers-only"):
        distil(teacher.url, seeds, tmp_path / "chats.jsonl", WANTED)
    assert not (tmp_path / "chats.jsonl").exists()
    teacher.listed = lambda *_: '["Explain the sea to a sailor.", "Explain the desert to a camel."]'
    teacher.writes = True
    found = distil(teacher.url, seeds, tmp_path / "few.jsonl", WANTED)
    assert (found["kept"], found["ended"]) == (2, VAIN)


def test_half_a_surrogate_pair_from_a_server_becomes_a_question_mark(teacher, seeds, tmp_path):
    teacher.listed = lambda *_: "1. Explain the sea \ud83d to a sailor.\n2. Explain the desert to a camel."
    distil(teacher.url, seeds, tmp_path / "chats.jsonl", wanted(count=2))
    assert tasks_of(tmp_path / "chats.jsonl")[0] == "Explain the sea ? to a sailor."


def test_a_list_that_begins_with_an_instruction_about_refusing_is_no_refusal(teacher, seeds, tmp_path):
    teacher.listed = lambda *_: "1. Explain why I cannot help everybody.\n2. Explain the desert to a camel."
    found = distil(teacher.url, seeds, tmp_path / "chats.jsonl", wanted(count=2))
    assert (found["kept"], found["refusals"]) == (2, 0)


# --- a server in trouble ----------------------------------------------------------------------------------------------


def test_a_server_that_is_busy_for_a_while_is_asked_again(teacher, seeds, tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "WAITS", SOON * 9)
    distil(teacher.url, seeds, tmp_path / "calm.jsonl", WANTED)
    teacher.faults = [429, 503, 502, 429]
    said = Console(record=True, file=io.StringIO(), width=200)
    distil(teacher.url, seeds, tmp_path / "busy.jsonl", wanted(at_once=2), console=said)
    assert (tmp_path / "calm.jsonl").read_bytes() == (tmp_path / "busy.jsonl").read_bytes()
    assert said.export_text().count("It is asked again in") == 4


def test_one_that_stays_busy_is_given_up_and_gone_on_with_later(teacher, seeds, tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "WAITS", SOON * 1000)
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    distil(teacher.url, seeds, tmp_path / "whole.jsonl", WANTED)
    asked, teacher.asked = len(teacher.asked), []
    teacher.faults = [None] * 9 + [503] * 1000
    with pytest.raises(EndpointError, match="refused with 503: fault 503"):
        distil(teacher.url, seeds, tmp_path / "cut.jsonl", WANTED)
    assert len(teacher.asked) == 9
    teacher.faults = []
    distil(teacher.url, seeds, tmp_path / "cut.jsonl", WANTED)
    assert len(teacher.asked) == asked
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_wrong_key_ends_it_at_once(teacher, seeds, tmp_path):
    teacher.faults = [401] * 3
    with pytest.raises(EndpointError, match="401"):
        distil(teacher.url, seeds, tmp_path / "chats.jsonl", WANTED)
    assert len(teacher.faults) == 2


def test_a_request_that_a_server_will_not_take_is_counted_and_the_rest_goes_on(teacher, seeds, tmp_path):
    teacher.faults = [None] * 6 + [400, 413]
    found = distil(teacher.url, seeds, tmp_path / "chats.jsonl", WANTED)
    assert found["answering"]["dropped"]["not-taken"] == 2
    assert found["kept"] == 20


def test_a_server_that_takes_no_request_is_not_asked_a_thousand_times(teacher, seeds, tmp_path):
    teacher.faults = [400] * 1000
    with pytest.raises(DataError, match=r"takes none of these requests: .*fault 400"):
        distil(teacher.url, seeds, tmp_path / "chats.jsonl", WANTED)
    assert len(teacher.faults) == 990


# --- a folder that can only answer ------------------------------------------------------------------------------------


@pytest.fixture
def answering(tmp_path, tokenizer):
    """A folder with random weights, whose answers end by chance."""
    shape = {"width": 32, "depth": 1, "heads": 2, "kv_heads": 2, "head_size": 16, "ffn_width": 32}
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 1, max_positions=256, **shape)
    (tmp_path / "cut").mkdir()
    tokenizer.save(tmp_path / "cut")
    model = randomised(LanguageModel(config).initialise(0))
    folder.save(tmp_path / "teacher", model, lineage=Lineage(verb="test"), tokenizer_folder=tmp_path / "cut")
    return tmp_path / "teacher"


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(conversation(i)) + "\n" for i in range(10)))
    return path


ANSWERS = Distillation(answers_only=True, max_tokens=200, temperature=1.0)


def test_a_folder_answers_the_seeds_the_same_each_time(answering, questions, tmp_path):
    found = distil(answering, questions, tmp_path / "one.jsonl", ANSWERS)
    assert found["ended"] == EXHAUSTED
    assert found["answering"]["asked"] == 10
    assert 0 < found["kept"] < 10, "some answers must end, and some must not, for this to test anything"
    assert set(tasks_of(tmp_path / "one.jsonl")) <= {conversation(i)["messages"][0]["content"] for i in range(10)}
    distil(answering, questions, tmp_path / "two.jsonl", ANSWERS)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    history = json.loads(lineage.beside(tmp_path / "one.jsonl").read_text())
    assert history["parents"][0]["verb"] == "test"


def test_a_seed_that_is_too_long_for_the_teacher_is_counted(answering, questions, tmp_path):
    with questions.open("a") as file:
        file.write(
            json.dumps({"messages": [{"role": "user", "content": "cat " * 300}, {"role": "assistant", "content": "?"}]})
        )
    found = distil(answering, questions, tmp_path / "chats.jsonl", ANSWERS)
    assert found["answering"]["asked"] == 11
    assert found["answering"]["dropped"]["not-taken"] == 1


def test_a_folder_that_has_no_room_for_examples_is_told_so(model_folder, seeds, tmp_path):
    with pytest.raises(DataError, match=r"64 positions.*--examples.*--answers-only"):
        distil(model_folder, seeds, tmp_path / "chats.jsonl", WANTED)


def test_seeds_too_long_for_examples_are_refused(answering, tmp_path):
    (tmp_path / "long.jsonl").write_text(json.dumps({"instruction": "word " * 151}) + "\n")
    with pytest.raises(DataError, match="more than 150 words"):
        distil(answering, tmp_path / "long.jsonl", tmp_path / "chats.jsonl", WANTED)


# --- where it is written ----------------------------------------------------------------------------------------------


def test_what_exists_is_left_alone_and_force_replaces_only_what_onward_made(teacher, seeds, tmp_path):
    out = tmp_path / "chats.jsonl"
    out.write_text("mine\n")
    with pytest.raises(OutputError, match="exists already"):
        distil(teacher.url, seeds, out, WANTED)
    with pytest.raises(OutputError, match="was not made by Onward"):
        distil(teacher.url, seeds, out, WANTED, force=True)
    out.unlink()
    distil(teacher.url, seeds, out, WANTED)
    first = out.read_bytes()
    distil(teacher.url, seeds, out, wanted(seed=1), force=True)
    assert out.read_bytes() != first
    with pytest.raises(OutputError, match=r"ends in \.jsonl"):
        distil(teacher.url, seeds, tmp_path / "chats.json", WANTED)
    with pytest.raises(OutputError, match="is to be read"):
        distil(teacher.url, seeds, seeds, WANTED, force=True)


def test_a_folder_of_conversations_may_hold_what_was_distilled_and_what_is_not_done(teacher, seeds, tmp_path):
    place = tmp_path / "all"
    distil(teacher.url, seeds, place / "done.jsonl", WANTED)
    teacher.faults = [None] * 9 + [500]
    with pytest.raises(EndpointError):
        distil(teacher.url, seeds, place / "begun.jsonl", WANTED)
    assert (place / "begun.jsonl.distilling" / "replies.jsonl").exists()
    assert len(list(read_chats(place))) == 20


@pytest.mark.parametrize(
    "wish",
    [{"count": 0}, {"budget": 0}, {"examples": 0}, {"at_once": 0}, {"writing_temperature": -1}, {"max_tokens": 0}],
)
def test_wishes_that_cannot_be_are_refused(wish):
    with pytest.raises(PlanError, match="--" + next(iter(wish)).replace("_", "-")):
        Distillation(**wish)
