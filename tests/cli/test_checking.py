import json
import math

import pytest
import torch

from onward.lineage import Lineage
from onward.model import folder


@pytest.fixture
def quick(monkeypatch):
    """Only the first and the last row: what a row is worth is tested in tests/check."""
    from onward.check import table

    monkeypatch.setattr(table, "EQUIVALENCES", (table.EQUIVALENCES[0], table.EQUIVALENCES[-1]))


@pytest.fixture
def damaged(tmp_path, tiny_model):
    """A folder in which a weight is not a number, as after a training that went wrong."""
    with torch.no_grad():
        tiny_model.trunk.blocks[0].attention.o_proj.weight[0, 0] = math.nan
    folder.save(tmp_path / "damaged", tiny_model, lineage=Lineage(verb="test"))
    return tmp_path / "damaged"


@pytest.mark.usefixtures("quick")
def test_check_prints_a_row_for_each_equivalence_with_the_difference_and_what_it_may_be(onward, model_folder):
    ended = onward("check", model_folder, "--seed", 3)
    assert ended.code == 0, ended.err
    cache = next(line for line in ended.out.splitlines() if line.startswith("cache = full forward"))
    assert cache.split()[4:5] + cache.split()[6:8] == ["held", "1.0e-03", "nats"]
    assert "2 held, 0 failed, 0 not tried" in ended.out
    assert "float32 on cpu" in " ".join(ended.err.split())
    assert "2/2  accumulated = whole: held" in ended.err


@pytest.mark.usefixtures("quick")
def test_check_as_json(onward, model_folder):
    ended = onward("check", model_folder, "--json")
    found = json.loads(ended.out)
    assert (ended.code, found["held"], found["device"], found["seed"]) == (0, True, "cpu", 0)
    assert [row["name"] for row in found["rows"]] == ["cache = full forward", "accumulated = whole"]
    assert all(0 <= row["difference"] <= row["tolerance"] for row in found["rows"])
    assert found["versions"]["torch"] == torch.__version__


@pytest.mark.usefixtures("quick")
def test_a_failed_row_is_exit_code_1_and_no_bad_input(onward, damaged):
    ended = onward("check", damaged)
    assert ended.code == 1
    assert "0 held, 2 failed" in ended.out
    assert "onward: " not in ended.err
    ended = onward("check", damaged, "--json")
    assert (ended.code, json.loads(ended.out)["held"]) == (1, False)
    assert json.loads(ended.out)["rows"][0]["difference"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["{model}", "--device", "abacus"], "--device abacus"),
        (["{model}", "--seed", "-4"], "--seed -4"),
    ],
)
def test_bad_input_is_exit_code_2_and_one_line(onward, model_folder, arguments, said):
    ended = onward("check", *(one.format(model=model_folder) for one in arguments))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err
