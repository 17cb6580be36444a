"""The program in docs/judges.md runs as it stands, with small models in place of the ones it names."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import onward

PAGE = Path(__file__).parents[3] / "docs" / "judges.md"


def test_the_program_on_the_page_runs(model_folder, scripted, tmp_path, monkeypatch, capsys):
    def verdict(messages):
        return "[[A]]" if hashlib.sha256(messages[-1]["content"].encode()).digest()[0] < 150 else "[[B]]"

    monkeypatch.chdir(tmp_path)
    shutil.copytree(model_folder, tmp_path / "mine" / "chat")
    others = {
        "mine/liked": lambda messages: "Yes. " * int(messages[-1]["content"][:-1]),
        "http://localhost:8000/v1#judge": verdict,
    }
    lines = [json.dumps({"question_id": number, "turns": [f"{number}?"]}) for number in range(20)]
    Path("question.jsonl").write_text("\n".join(lines))
    opened = onward.load
    monkeypatch.setattr(
        onward, "load", lambda where: scripted(others[where]) if where in others else opened(where, device="cpu")
    )
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(program, {})
    said = capsys.readouterr().out
    assert "not_in_form=0" in said
    assert "name='position'" in said
    assert "name='length'" in said
    assert len(Path("verdicts.jsonl").read_text().splitlines()) == 40
