import importlib.metadata
import subprocess
import sys
import time

import pytest

VERBS = (
    "build",
    "clean",
    "tokenizer",
    "pretrain",
    "sft",
    "distil",
    "merge",
    "reward",
    "train-heads",
    "datastore",
    "chat",
    "generate",
    "fill",
    "serve",
    "eval",
    "compare",
    "arena",
    "show",
    "tokens",
    "report",
    "check",
)


def test_help_names_every_verb(onward):
    ended = onward("--help")
    assert ended.code == 0
    assert all(f" {verb} " in ended.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(onward, verb):
    ended = onward(verb, "--help")
    assert ended.code == 0
    assert f"onward {verb}" in ended.out


def test_help_imports_nothing_heavy():
    """The reason why --help is quick; the time itself is shown in benchmarks/startup.py."""
    heavy = ("torch", "numpy", "tokenizers", "matplotlib", "httpx", "pyarrow", "huggingface_hub", "jinja2")
    heavy += ("fastapi", "uvicorn", "pydantic", "prometheus_client", "yaml")
    code = (
        "import sys; sys.argv = ['onward', '--help']\n"
        "from onward.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(onward):
    assert onward("--version").out == f"onward {importlib.metadata.version('onward')}\n"


def test_an_error_of_the_user_is_one_line_and_exit_code_2(onward, tmp_path):
    ended = onward("show", tmp_path)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("onward: ")
    assert "Traceback" not in ended.err


def test_debug_anywhere_shows_the_traceback(onward, tmp_path):
    from onward.errors import OnwardError

    with pytest.raises(OnwardError):
        onward("show", tmp_path, "--debug")
    with pytest.raises(OnwardError):
        onward("--debug", "show", tmp_path)


def test_a_reader_that_leaves_early_is_no_error(model_folder):
    command = f"{sys.executable} -m onward show {model_folder} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_completion_is_offered(onward, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    ended = onward("--show-completion", "bash")
    assert "_onward_completion" in ended.out.lower() or "complete" in ended.out
    assert time.time() > 0
