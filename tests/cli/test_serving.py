"""What `onward serve` refuses before it listens; what it does once it listens is in tests/serve."""

import socket

import pytest


def test_two_models_of_one_name_are_refused_with_the_way_out(onward, model_folder):
    ended = onward("serve", model_folder, model_folder, "--port", 0)
    assert ended.code == 2
    assert ended.err == "onward: two models would be called 'model'. Give one another name: OTHER=FOLDER.\n"


def test_a_port_that_is_taken_is_refused(onward, model_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = onward("serve", model_folder, "--port", taken.getsockname()[1])
    assert ended.code == 2
    assert "Choose another --port" in ended.err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--port", 70_000), "--port 70000"),
        (("--host", "nowhere.invalid"), "nowhere.invalid"),
        (("--max-queue", -1), "--max-queue"),
        (("--max-tokens", 0), "--max-tokens"),
        (("--timeout", 0), "--timeout"),
        (("--timeout", "nan"), "--timeout"),
        (("--max-body", 0), "--max-body"),
        (("--api-key", ""), "API key"),
        (("--api-key", " a"), "API key"),
        (("--adapter", "poet"), "poet does not exist"),
        (("--adapter", "=x"), "NAME=FOLDER"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(onward, model_folder, option, words):
    ended = onward("serve", model_folder, "--port", 0, *option)
    assert ended.code == 2
    assert words in ended.err
    assert ended.err.count("\n") == 1


def test_a_model_is_no_adapter(onward, model_folder):
    ended = onward("serve", model_folder, "--adapter", f"poet={model_folder}", "--port", 0)
    assert ended.code == 2
    assert "is no adapter's folder" in ended.err


def test_a_folder_that_is_not_there(onward, tmp_path):
    ended = onward("serve", tmp_path / "nothing", "--port", 0)
    assert ended.code == 2
    assert str(tmp_path / "nothing") in ended.err
