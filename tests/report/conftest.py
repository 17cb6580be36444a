"""A run folder, stage by stage."""

import shutil

import pytest

from onward.lineage import Lineage, read, write
from steps import PLAN, lined, lines


@pytest.fixture
def run(tmp_path, model_folder):
    """`run(name, verb, parents=..., lines=..., **fields of the lineage)` puts a stage into the run folder, which it returns."""

    def stage(name, verb, *, parents=(), metrics=None, **fields):
        folder = tmp_path / "run" / name
        shutil.copytree(model_folder, folder)
        command = fields.pop("command", f"onward {verb} -o old/{name}")
        history = Lineage(
            verb=verb,
            command=command,
            date=f"2026-01-0{len(list(folder.parent.iterdir()))}T00:00:00",
            folder=f"old/{name}",
            plan=fields.pop("plan", PLAN),
            parents=[read(folder.parent / parent) for parent in parents],
            **fields,
        )
        write(folder, history)
        (folder / "metrics.jsonl").write_text(lined(metrics or lines()))
        return folder.parent

    return stage
