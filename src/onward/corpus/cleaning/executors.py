"""Where the work is done: datatrove's executors for this machine, Slurm and Ray, run to the end, quietly, with progress.

A stage is a pipeline and its number of tasks. A task that is complete is noted in the stage's folder by datatrove, and not done again. All
three executors do the same tasks on the same parts, so the result does not depend on them.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import multiprocess
from datatrove.executor import LocalPipelineExecutor, RayPipelineExecutor, SlurmPipelineExecutor
from datatrove.executor.base import PipelineExecutor
from datatrove.utils.stats import PipelineStats
from loguru import logger
from rich.console import Console

from onward.corpus.cleaning.progress import Watch
from onward.corpus.cleaning.rules import Rules
from onward.errors import DataError, OutputError

PARTS_FOR_A_WORKER = 2
"""With fewer parts for each, starting another process costs more than it gains."""
LOOK_AGAIN = 5.0
"""Seconds between looks at what Slurm has done."""
GRACE = 60.0
"""Seconds in which the files of a Slurm job that has left the queue must become visible here."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One pipeline over `tasks` parts. title: what people read meanwhile."""

    name: str
    title: str
    pipeline: list[Any]
    tasks: int


def check(rules: Rules) -> None:
    """Raise DataError where an executor cannot work here."""
    if rules.executor == "ray" and find_spec("ray") is None:
        raise DataError("--executor ray needs an extra. pip install 'onward[ray]'")
    if rules.executor == "slurm" and shutil.which("sbatch") is None:
        raise DataError("--executor slurm: there is no sbatch here. Start it on a machine from which Slurm takes jobs.")


def run(stage: Stage, folder: Path, rules: Rules, console: Console, number: str) -> None:
    """Do every task of a stage that is not done.   number: "3/9", for people.   Raises OutputError where some have failed."""
    logger.disable("datatrove")
    logs = folder / "logs" / stage.name
    executor = _executor(stage, str(logs), rules)
    if not stage.tasks or not executor.get_incomplete_ranks():
        return
    with Watch(console, f"{number} {stage.title}", logs / "completions", stage.tasks):
        executor.run()
        if isinstance(executor, SlurmPipelineExecutor):
            _wait(executor)
    if missing := executor.get_incomplete_ranks():
        raise OutputError(
            f"{stage.title}: {len(missing)} of {stage.tasks} parts failed ({_first_error(logs)}). "
            "The same command tries them again."
        )


def _executor(stage: Stage, logs: str, rules: Rules) -> PipelineExecutor:
    workers = rules.workers or max(1, min(os.cpu_count() or 1, stage.tasks // PARTS_FOR_A_WORKER))
    if rules.executor == "slurm":
        return Slurm(
            stage.pipeline,
            tasks=stage.tasks,
            workers=rules.workers or -1,
            time=rules.time,
            partition=str(rules.partition),
            job_name=f"onward-{stage.name}",
            qos="",
            env_command=f'export PATH="{Path(sys.executable).parent}:$PATH"',
            logging_dir=logs,
        )
    if rules.executor == "ray":
        _join_ray(rules)
        return Ray(stage.pipeline, tasks=stage.tasks, workers=workers, mem_per_cpu_gb=0.5, logging_dir=logs)
    if workers > 1:
        multiprocess.get_context("forkserver").set_forkserver_preload([__name__.rpartition(".")[0] + ".stages"])
    return Local(stage.pipeline, tasks=stage.tasks, workers=workers, logging_dir=logs)


def _join_ray(rules: Rules) -> None:
    """The cluster that RAY_ADDRESS names, or one on this machine."""
    import ray

    if not ray.is_initialized():
        here = "RAY_ADDRESS" not in os.environ
        ray.init(
            num_cpus=rules.workers if here else None,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )


def _wait(executor: SlurmPipelineExecutor) -> None:
    """Until all parts are done, or the job has left the queue."""
    left: float | None = None
    while executor.get_incomplete_ranks():
        time.sleep(LOOK_AGAIN)
        found = subprocess.run(
            ["squeue", "--noheader", "--jobs", str(executor.job_id)], capture_output=True, text=True, check=False
        )
        if found.stdout.strip():
            left = None
        elif left is None:
            left = time.monotonic()
        elif time.monotonic() - left > GRACE:
            return


def _first_error(logs: Path) -> str:
    found = sorted((logs / "errors").glob("*.txt"))
    if not found:
        return f"see {logs}"
    lines = found[0].read_text(encoding="utf-8").strip().splitlines()
    return lines[-1] if lines else f"see {found[0]}"


@contextmanager
def _quiet(executor: PipelineExecutor, rank: int) -> Iterator[None]:
    """While a task runs, only its errors are noted: what datatrove and its progress bars would print is not for those who clean a text."""
    logger.disable("datatrove")
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            yield
    except Exception:
        with executor.logging_dir.open(f"errors/{rank:05d}.txt", "wt") as file:
            file.write(traceback.format_exc())
        raise
    finally:
        logger.remove()  # datatrove has put one on the stream that is closed now


def _ignore_ctrl_c() -> None:
    """It reaches all processes; the one that they work for ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Quiet(PipelineExecutor):
    """Tasks that leave nothing but what they are for, and their errors."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        with _quiet(self, rank):
            return super()._run_for_rank(rank, local_rank, node_rank)


class Local(Quiet, LocalPipelineExecutor):
    """Processes of this machine; with one worker, this process.

    datatrove's own way starts one more process, which counts, and which outlives a kill.
    """

    pipeline: list[Any]

    def run(self) -> None:
        ranks = self.get_incomplete_ranks()
        if self.workers > 1:
            with multiprocess.get_context("forkserver").Pool(self.workers, initializer=_ignore_ctrl_c) as pool:
                for _ in pool.imap_unordered(self._run_for_rank, ranks):
                    pass
            return
        fresh = deepcopy(self.pipeline)  # steps count, and hold open files
        for rank in ranks:
            self.pipeline = deepcopy(fresh)
            self._run_for_rank(rank)


class Slurm(Quiet, SlurmPipelineExecutor):
    """Jobs of a cluster that share this file system."""


class Ray(Quiet, RayPipelineExecutor):
    """Actors of a Ray cluster that share this file system."""
