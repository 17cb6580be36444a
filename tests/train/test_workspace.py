import pytest

from onward.errors import FolderError, OutputError, PlanError
from onward.train.workspace import Workspace, claim


def test_the_same_request_goes_on_and_another_is_refused_with_the_difference(tmp_path):
    out = tmp_path / "base"
    first = Workspace(out, {"lr": 0.02, "texts": ["a"]})
    first.part("made", lambda path: path.write_text("once"))
    first._lock.close()
    again = Workspace(out, {"texts": ["a"], "lr": 0.02})
    again.part("made", lambda path: path.write_text("twice"))
    assert (again.folder / "made").read_text() == "once"
    (again.folder / "checkpoints" / "step-00000001").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"its lr was 0\.02 and is now 0\.01.*--force"):
        Workspace(out, {"texts": ["a"], "lr": 0.01})


def test_without_a_checkpoint_there_is_nothing_to_lose_and_another_request_begins_anew(tmp_path):
    Workspace(tmp_path / "base", {"lr": 0.02}).part("made", lambda path: path.write_text("once"))
    anew = Workspace(tmp_path / "base", {"lr": 0.01})
    assert not (anew.folder / "made").exists()


def test_force_begins_anew(tmp_path):
    out = tmp_path / "base"
    first = Workspace(out, {"lr": 0.02})
    first.part("made", lambda path: path.write_text("once"))
    first.part("checkpoints", lambda path: (path / "step-00000001").mkdir(parents=True))
    first._lock.close()
    anew = Workspace(out, {"lr": 0.01}, force=True)
    assert not (anew.folder / "made").exists()


def test_an_output_that_exists_is_refused(tmp_path):
    (tmp_path / "base").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        Workspace(tmp_path / "base", {})


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_somebody_else_is_never_taken(tmp_path, force):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("precious")
    (tmp_path / "letters" / "request.json").write_text('{"method": "GET"}')
    with pytest.raises(OutputError):
        claim(tmp_path / "letters", {}, force=force, worth=())
    assert (tmp_path / "letters" / "dear.txt").read_text() == "precious"


def test_a_decision_is_taken_once(tmp_path):
    workspace = Workspace(tmp_path / "base", {})
    assert workspace.once("plan.json", lambda: {"steps": 3}) == {"steps": 3}
    assert workspace.once("plan.json", lambda: {"steps": 4}) == {"steps": 3}


def test_a_broken_decision_is_named(tmp_path):
    workspace = Workspace(tmp_path / "base", {})
    (workspace.folder / "plan.json").write_text("{")
    with pytest.raises(FolderError, match=r"plan\.json cannot be read"):
        workspace.once("plan.json", dict)


def test_no_permission_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a folder is needed"):
        Workspace(tmp_path / "file" / "base", {})


def test_the_same_training_twice_at_once_is_refused(tmp_path):
    first = Workspace(tmp_path / "base", {"lr": 0.02})
    with pytest.raises(OutputError, match="in use"):
        Workspace(tmp_path / "base", {"lr": 0.02})
    with pytest.raises(OutputError, match="in use"):
        Workspace(tmp_path / "base", {"lr": 0.02}, force=True)
    first.finish()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["[]", "{", ""])
def test_a_broken_request_is_named_and_force_begins_anew(tmp_path, text):
    (tmp_path / "base.training").mkdir()
    (tmp_path / "base.training" / "onward-request.json").write_text(text)
    with pytest.raises(FolderError, match=r"onward-request\.json"):
        Workspace(tmp_path / "base", {})
    Workspace(tmp_path / "base", {}, force=True)


@pytest.mark.parametrize("inside", ["base/text.txt", "base.training/text.txt"])
def test_an_input_inside_the_output_is_refused_and_kept(tmp_path, inside):
    text = tmp_path / inside
    text.parent.mkdir()
    text.write_text("precious")
    (text.parent / "onward.json").write_text("{}")
    with pytest.raises(OutputError, match="lies inside"):
        Workspace(tmp_path / "base", {"texts": [{"path": str(text), "bytes": 8, "sha256": ""}]}, force=True)
    assert text.read_text() == "precious"


def test_a_model_folder_is_no_run_folder_to_be_begun_anew(tmp_path):
    (tmp_path / "onward.json").write_text("{}")
    with pytest.raises(OutputError, match="leaves it alone"):
        claim(tmp_path, {}, force=True, worth=())
    assert (tmp_path / "onward.json").exists()


def test_a_start_that_is_refused_before_anything_is_made_leaves_nothing(tmp_path):
    with pytest.raises(PlanError), Workspace(tmp_path / "out", {"a": 1}):
        raise PlanError("no.")
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_fails_after_something_is_made_keeps_it(tmp_path):
    with Workspace(tmp_path / "out", {"a": 1}) as place:
        place.once("decided.json", lambda: {"steps": 3})
    assert [path.name for path in tmp_path.iterdir()] == ["out.training"]
