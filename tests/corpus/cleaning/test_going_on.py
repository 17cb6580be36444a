"""Stopped, killed, asked otherwise, taken back: nothing is lost, and the end is the same."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dirt import crawl, good, run, write
from onward.corpus.cleaning import parts
from onward.corpus.cleaning.assemble import read_clean
from onward.corpus.cleaning.take_back import take_back
from onward.errors import DataError, FolderError, OutputError


def contents(out: Path) -> dict[str, bytes]:
    """All files but those with the date and the command."""
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if name not in ("onward.json", "report.html")}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Files that make a dozen parts, where parts are as small as `small_parts` makes them."""
    (tmp_path / "raw").mkdir()
    for number in range(3):
        write(tmp_path / "raw" / f"{number}.jsonl", crawl()[number::3])
    return tmp_path / "raw"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SMALLEST", 10_000)
    monkeypatch.setattr(parts, "PARTS", 12)


SMALL_PARTS = (
    "import sys; from onward.corpus.cleaning import parts; parts.SMALLEST, parts.PARTS = 10_000, 12; "
    "sys.argv[0] = 'onward'; from onward.cli import main; main()"
)


def begin(*command: object) -> subprocess.Popen[str]:
    """The command line in a process of its own, with parts so small that there are several."""
    return subprocess.Popen(
        [sys.executable, "-c", SMALL_PARTS, *map(str, command)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("small_parts")
def test_a_cleaning_that_is_killed_and_stopped_ends_as_if_nothing_had_been(raw: Path, tmp_path: Path) -> None:
    run([raw], tmp_path / "whole")
    command = ("clean", raw, "-o", tmp_path / "cut", "--workers", 2)
    for how, stage in ((signal.SIGKILL, "exact"), (signal.SIGINT, "repair")):
        process, began = begin(*command), time.monotonic()
        done = tmp_path / "cut.cleaning" / "logs" / stage / "completions"
        while not (done.is_dir() and any(done.iterdir())) and process.poll() is None and time.monotonic() < began + 300:
            time.sleep(0.002)
        process.send_signal(how)
        said = process.communicate(timeout=300)[1]
        assert process.returncode == (130 if how == signal.SIGINT else -how), said
        assert not (tmp_path / "cut").exists()
        assert (tmp_path / "cut.cleaning").exists()
    assert said.splitlines()[-1] == "onward: stopped. Nothing is lost: the same command goes on."
    assert "Traceback" not in said
    process = begin(*command)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 0, said
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert not (tmp_path / "cut.cleaning").exists()


def test_what_was_begun_otherwise_is_not_gone_on_with(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw.jsonl", [{"text": good(i)} for i in range(5)])
    run([raw], tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "begun.cleaning" / "logs" / "read" / "completions")
    (tmp_path / "begun.cleaning" / "onward-request.json").write_text('{"language": ["de"]}')
    with pytest.raises(OutputError, match="holds another run: its bad was null"):
        run([raw], tmp_path / "begun")


def test_what_was_dropped_comes_back_to_its_place(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw.jsonl", [{"text": good(i)} for i in (0, 1, 0, 2, 3)])
    run([raw], tmp_path / "out")
    report = take_back(tmp_path / "out", ["exact-duplicate"])
    records = list(read_clean(tmp_path / "out"))
    assert [record["text"] for record in records] == [good(i) for i in (0, 1, 0, 2, 3)]
    assert [record.get("taken_back") for record in records] == [None, None, "exact-duplicate", None, None]
    assert (report["taken_back"], report["kept"]["documents"]) == (["exact-duplicate"], 5)
    assert not (tmp_path / "out" / "dropped" / "exact-duplicate.jsonl").exists()
    with pytest.raises(DataError, match="--take-back spam: nothing was dropped for that reason"):
        take_back(tmp_path / "out", ["spam"])
    with pytest.raises(FolderError, match="was not made by `onward clean`"):
        take_back(tmp_path, ["spam"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_on_ray_two_workers_give_the_same_bytes_as_this_process(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two parts: an actor for each takes seconds to begin."""
    monkeypatch.setattr(parts, "SMALLEST", 40_000)
    monkeypatch.setattr(parts, "PARTS", 2)
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'onward[ray]'")
    import ray

    try:
        run([raw], tmp_path / "local")
        run([raw], tmp_path / "ray", executor="ray", workers=2)
    finally:
        ray.shutdown()
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


SBATCH = """#!/bin/bash
# Takes a job as Slurm's sbatch does, and does its array here, one task after the other.
script="${@: -1}"
cat "$script" >> {log}
array=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
for task in $(seq 0 "$array"); do
    SLURM_ARRAY_TASK_ID=$task SLURM_NODELIST=here bash "$script" >> {log} 2>&1 || exit 1
done
echo "Submitted batch job 7"
"""


def test_slurm_is_given_every_stage_as_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Slurm is needed: a script takes the jobs in its place, and runs what it is given."""
    tools = tmp_path / "bin"
    tools.mkdir()
    scripts = {
        "sbatch": SBATCH.replace("{log}", str(tmp_path / "log")),
        "srun": '#!/bin/bash\nwhile [[ "$1" == -* ]]; do [[ "$1" == -n ]] && shift; shift; done\nexec "$@"\n',
        "scontrol": "#!/bin/bash\necho here\n",
        "squeue": "#!/bin/bash\n",
    }
    for name, text in scripts.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    if shutil.which("launch_pickled_pipeline", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") is None:
        pytest.skip("datatrove's launch_pickled_pipeline is not beside this Python")
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    raw = write(tmp_path / "raw.jsonl", [{"text": good(i)} for i in (0, 1, 2, 0)])
    run([raw], tmp_path / "local")
    run([raw], tmp_path / "slurm", executor="slurm", partition="short")
    assert contents(tmp_path / "slurm") == contents(tmp_path / "local")
    said = (tmp_path / "log").read_text()
    assert "#SBATCH --partition=short" in said
    assert "#SBATCH --job-name=onward-judge" in said


def test_an_executor_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = write(tmp_path / "raw.jsonl", [{"text": good(0)}])
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match=r"pip install 'onward\[ray\]'"):
        run([raw], tmp_path / "out", executor="ray")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match="there is no sbatch here"):
        run([raw], tmp_path / "out", executor="slurm", partition="short")
