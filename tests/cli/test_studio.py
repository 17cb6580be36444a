"""onward studio: what it refuses before it opens anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("gradio", reason="the studio needs gradio")


def test_open_to_the_network_it_wants_a_password(onward, tmp_path, monkeypatch):
    monkeypatch.delenv("ONWARD_PASSWORD", raising=False)
    ended = onward("studio", tmp_path, "--share-lan")
    assert ended.code == 2
    assert "set a password in ONWARD_PASSWORD" in ended.err


@pytest.mark.parametrize("password", ["short", " spaced out ", "tab\tinside!"])
def test_a_password_that_is_none_is_refused(onward, tmp_path, monkeypatch, password):
    monkeypatch.setenv("ONWARD_PASSWORD", password)
    ended = onward("studio", tmp_path, "--share-lan")
    assert ended.code == 2
    assert "the password (ONWARD_PASSWORD)" in ended.err


def test_a_folder_that_is_not_there_is_one_line(onward, tmp_path):
    ended = onward("studio", tmp_path / "typo")
    assert ended.code == 2
    assert "is no folder" in ended.err


def test_help_imports_no_gradio():
    code = (
        "import sys; sys.argv = ['onward', '--help']\nimport onward.cli as cli\n"
        "try:\n cli.main()\nexcept SystemExit:\n pass\nprint('gradio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert "studio" in done.stdout
