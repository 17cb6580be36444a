"""Talking to a model from the command line, with lines typed by the test."""

import builtins
import io
import json

import pytest

from onward import lineage


@pytest.fixture
def typed(monkeypatch):
    """What the user types, line by line; then Ctrl-D."""

    def prepare(*lines):
        left = iter(lines)

        def read(*_):
            try:
                return next(left)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr(builtins, "input", read)

    return prepare


def test_chat_answers_and_keeps_the_conversation(onward, typed, model_folder, tmp_path):
    saved = tmp_path / "kept.jsonl"
    typed("/system Be brief.", "Hi!", f"/save {saved}", "/reset", "Again", f"/save {saved}", "/quit", "never read")
    ended = onward("chat", model_folder, "--max-tokens", 5)
    assert ended.code == 0, ended.err
    first, second = (json.loads(line)["messages"] for line in saved.read_text().splitlines())
    assert [m["role"] for m in first] == ["system", "user", "assistant"]
    assert (first[0]["content"], first[1]["content"]) == ("Be brief.", "Hi!")
    assert [m["content"] for m in second[:2]] == ["Be brief.", "Again"]
    assert first[2]["content"] in ended.out
    assert "/reset forgets" in ended.err


def test_a_model_whose_lineage_says_so_tells_what_it_knows_and_what_to_ask(onward, typed, model_folder):
    lineage.introduce(model_folder, "ships and their sails", ["How many sails has ship 3?"])
    typed("/quit")
    ended = onward("chat", model_folder)
    assert "It knows ships and their sails." in ended.err
    assert "  How many sails has ship 3?" in ended.err


def test_what_is_saved_can_be_learned_from(onward, typed, model_folder, tmp_path):
    from onward.corpus.chats import read_chats

    typed("Hi!", f"/save {tmp_path / 'kept.jsonl'}")
    onward("chat", model_folder, "--max-tokens", 5)
    assert read_chats(tmp_path / "kept.jsonl").format == "OpenAI messages"
    assert len(list(read_chats(tmp_path / "kept.jsonl"))) == 1


def test_a_conversation_that_outgrows_the_model_loses_its_oldest_turns_and_says_so(onward, typed, model_folder):
    typed(*["The cat sat on the mat. "] * 6)
    ended = onward("chat", model_folder, "--max-tokens", 8)
    assert ended.code == 0
    assert "has outgrown the model's 64 tokens" in ended.err


def test_a_message_longer_than_the_model_is_refused_and_the_conversation_goes_on(onward, typed, model_folder):
    typed("cat " * 200, "Hi!")
    ended = onward("chat", model_folder, "--max-tokens", 4)
    assert ended.code == 0
    assert "64 positions" in ended.err
    assert ended.out.strip()


def test_an_unknown_command_shows_the_commands(onward, typed, model_folder):
    typed("/help")
    ended = onward("chat", model_folder)
    assert ended.err.count("/reset forgets") == 2
    assert ended.out == ""


def test_a_place_that_cannot_be_written_does_not_end_the_conversation(onward, typed, model_folder, tmp_path):
    typed("Hi!", f"/save {tmp_path}/no/such/folder/x.jsonl", "Still there?")
    ended = onward("chat", model_folder, "--max-tokens", 3)
    assert ended.code == 0
    assert "not saved" in ended.err


def test_generate_carries_a_text_on_the_same_for_the_same_seed(onward, model_folder):
    command = ("generate", model_folder, "The cat", "--max-tokens", 9, "--temperature", 1)
    first = onward(*command, "--seed", 4).out
    assert first.startswith("The cat")
    assert first == onward(*command, "--seed", 4).out
    assert first != onward(*command, "--seed", 5).out
    as_json = json.loads(onward(*command, "--seed", 4, "--json").out)
    assert first == f"The cat{as_json['text']}\n"
    assert as_json["tokens"] <= 9


def test_generate_reads_its_beginning_from_a_pipe(onward, model_folder, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("The dog"))
    assert onward("generate", model_folder, "-", "--max-tokens", 2).out.startswith("The dog")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--temperature", -1), "--temperature"),
        (("--top-p", 0), "--top-p"),
        (("--max-tokens", 0), "--max-tokens"),
        (("--max-tokens", 10**30), "--max-tokens"),
        (("--top-k", 10**400), "--top-k"),
        (("--seed", 2**70), "--seed"),
        (("--device", "tpu9"), "tpu9"),
    ],
)
def test_impossible_settings_are_one_line(onward, model_folder, option, words):
    ended = onward("generate", model_folder, "The", *option)
    assert ended.code == 2
    assert words in ended.err.splitlines()[-1]


def test_a_prompt_longer_than_the_model_is_refused_with_the_numbers(onward, model_folder):
    ended = onward("generate", model_folder, "cat " * 200)
    assert ended.code == 2
    assert "64 positions" in ended.err


def test_tokens_shows_how_a_text_is_cut(onward, model_folder):
    text = "The cat 猫!\n"
    found = json.loads(onward("tokens", model_folder, text, "--json").out)
    assert len(found["ids"]) == len(found["tokens"])
    assert f"{len(found['ids'])} tokens" in onward("tokens", model_folder, text).out
    assert onward("tokens", model_folder, "").code == 0


def test_show_prints_what_is_in_a_folder(onward, model_folder):
    shown = onward("show", model_folder).out
    for words in ("qwen3", "Architecture", "Parameters", "Memory", "model.safetensors", "Lineage"):
        assert words in shown


def test_report_of_one_folder_and_of_none(onward, model_folder, tmp_path):
    assert onward("report", model_folder).code == 0
    assert "<h1>model</h1>" in (model_folder / "report.html").read_text()
    (tmp_path / "nothing").mkdir()
    ended = onward("report", tmp_path / "nothing")
    assert ended.code == 2
    assert "nothing to report" in ended.err


def test_generate_keeps_to_a_form(onward, model_folder, tmp_path):
    assert onward("generate", model_folder, "The", "--choice", " cat", "--choice", " dog").out in (
        "The cat\n",
        "The dog\n",
    )
    (tmp_path / "schema.json").write_text(
        '{"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3}'
    )
    found = onward("generate", model_folder, "The", "--schema", tmp_path / "schema.json", "--json").out
    assert set(json.loads(json.loads(found)["text"])) <= {True, False}


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--choice", "a", "--regex", "b"), "one form"),
        (("--regex", "(a"), "'('"),
        (("--schema", "nowhere.json"), "nowhere.json cannot be read"),
    ],
)
def test_a_form_that_cannot_be_is_refused_in_words(onward, model_folder, option, words):
    ended = onward("generate", model_folder, "The", *option)
    assert ended.code == 2
    assert words in ended.err


def test_drafts_leave_the_text_as_it_is_and_say_what_came_of_them(onward, model_folder):
    asked = ("generate", model_folder, "The cat sat on the cat sat on", "--max-tokens", "30", "--seed", "3")
    plain = onward(*asked)
    drafted = onward(*asked, "--draft", "lookup", "--draft", "layers:1")
    assert drafted.out == plain.out
    assert "tokens/s" in drafted.err
    assert "merge(lookup, layers:1)" in drafted.err
    assert "  layers:1: " in drafted.err
    assert "tokens/s" not in plain.err
    assert onward(*asked, "--draft", "int8", "--verify", "ratio").out != plain.out


@pytest.mark.parametrize(
    ("what", "told"), [("magic", "choose lookup"), ("layers:9", "layers"), ("heads:nowhere", "no drafter")]
)
def test_a_drafter_that_there_is_not_is_refused_in_words(onward, model_folder, what, told):
    ended = onward("generate", model_folder, "The cat", "--draft", what)
    assert ended.code == 2
    assert told in ended.err
