"""One training by one process, by two, by four, by two machines, killed and restarted, begun by some and finished by others.

How far are the losses and the weights from those of one process, and from those of two that nothing has happened to?

python benchmarks/processes.py [--steps 50]     about ten minutes on two cores; "two machines" are two network namespaces, which only
root can make: without it, two agents of torchrun on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from safetensors.torch import load_file

WORDS = "the a cat dog fox hen owl sat ran slept on under by mat hill roof road boat and then but it was old new red"
SHAPE = "--length 64 --batch 1024 --depth 2 --width 64 --heads 2 --vocab 384 --device cpu --checkpoint-every 10"
PORT = 29417


class Runs:
    """Trainings of one request in one place."""

    def __init__(self, place: Path, steps: int) -> None:
        self.place, self.steps = place, steps
        chance = random.Random(0)
        texts = (" ".join(chance.choices(WORDS.split(), k=chance.randint(20, 120))) + "." for _ in range(600))
        (place / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))

    def command(self, name: str) -> list[str]:
        texts, out = str(self.place / "texts.jsonl"), str(self.place / name)
        return ["-m", "onward", "pretrain", texts, "--steps", str(self.steps), *SHAPE.split(), "-o", out]

    def start(
        self, name: str, *launcher: str, before: tuple[str, ...] = (), **environment: str
    ) -> subprocess.Popen[bytes]:
        """Of several processes if there are arguments for torchrun, else of one."""
        launch = ("-m", "torch.distributed.run", *launcher) if launcher else ()
        with (self.place / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*before, sys.executable, *launch, *self.command(name)],
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )

    def together(self, name: str, processes: int, *further: str) -> subprocess.Popen[bytes]:
        return self.start(name, "--standalone", "--nproc-per-node", str(processes), *further)

    def wait_for_steps(self, name: str, steps: int) -> None:
        metrics = self.place / f"{name}.training" / "metrics.jsonl"
        while not metrics.exists() or metrics.read_bytes().count(b"\n") < steps:
            time.sleep(0.02)

    def kill(self, name: str, rank: int) -> None:
        """kill -9 of one worker, found by its environment."""
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command, environment = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
                mine = f"{self.place / name}\0".encode() in command
                if mine and f"\0RANK={rank}\0".encode() in b"\0" + environment:
                    os.kill(int(place.name), signal.SIGKILL)

    def on_two_machines(self, name: str, processes: int) -> str:
        """One torchrun in each of two network namespaces that a cable joins. Returns how it was done."""
        with machines() as found:
            if found is None:
                address = "localhost"
                agents = [self._agent(name, n, processes, address, ()) for n in range(2)]
            else:
                address = found[0][1]
                agents = [
                    self._agent(name, n, processes, address, ("ip", "netns", "exec", space), own, card)
                    for n, (space, own, card) in enumerate(found)
                ]
            assert [agent.wait() for agent in agents] == [0, 0], (self.place / f"{name}.log").read_text()
        return "two agents on one machine" if found is None else "two network namespaces"

    def _agent(
        self, name: str, node: int, processes: int, address: str, before: tuple[str, ...], own: str = "", card: str = ""
    ) -> subprocess.Popen[bytes]:
        launcher = ["--nnodes", "2", "--node-rank", str(node), "--nproc-per-node", str(processes)]
        launcher += ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"{address}:{PORT}", "--rdzv-id", name]
        launcher += ["--rdzv-conf", f"is_host={node == 0}", *(("--local-addr", own) if own else ())]
        return self.start(name, *launcher, before=before, **({"GLOO_SOCKET_IFNAME": card} if card else {}))


@contextlib.contextmanager
def machines() -> Iterator[list[tuple[str, str, str]] | None]:
    """(namespace, address, network card) of two; None where this user cannot make them."""
    found = [(f"onward-{x}", f"10.77.0.{n}", f"onward-{x}") for n, x in enumerate("ab", start=1)]
    steps = [["netns", "add", space] for space, _, _ in found]
    steps.append(
        [
            "link",
            "add",
            found[0][2],
            "netns",
            found[0][0],
            "type",
            "veth",
            "peer",
            "name",
            found[1][2],
            "netns",
            found[1][0],
        ]
    )
    for space, own, card in found:
        steps += [["-n", space, *rest.split()] for rest in ("link set lo up", f"link set {card} up")]
        steps.append(["-n", space, "addr", "add", f"{own}/24", "dev", card])
    try:
        try:
            done = all(
                subprocess.run(["ip", *step], capture_output=True, check=False).returncode == 0 for step in steps
            )
        except OSError:
            done = False
        yield found if done else None
    finally:
        for space, _, _ in found:
            with contextlib.suppress(OSError):
                subprocess.run(["ip", "netns", "delete", space], capture_output=True, check=False)


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def difference(one: Path, other: Path) -> tuple[float, float]:
    """The largest between their losses, and between their weights."""
    weights, others = (load_file(folder / "model.safetensors") for folder in (one, other))
    return (
        max(abs(a - b) for a, b in zip(losses(one), losses(other), strict=True)),
        max((weights[name] - others[name]).abs().max().item() for name in weights),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=50)
    steps = parser.parse_args().steps
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as torchrun sets it
    with tempfile.TemporaryDirectory() as place:
        runs = Runs(Path(place), steps)

        def show(name: str, what: str, *references: str) -> None:
            log = (runs.place / f"{name}.log").read_text()
            assert (runs.place / name).exists(), log
            for reference in references:
                loss, weight = difference(runs.place / name, runs.place / reference)
                print(f"| {what} | {reference} | {loss:.1e} | {weight:.1e} |", flush=True)

        print("| run | compared with | largest difference of a loss | of a weight |\n|---|---|---|---|", flush=True)
        runs.start("one").wait()
        for number, name in ((2, "two"), (4, "four")):
            runs.together(name, number).wait()
            show(name, f"{number} processes", "one")
        how = runs.on_two_machines("machines", 1)
        show("machines", f"2 machines ({how})", "one", "two")

        killed = runs.together("restarted", 2, "--max-restarts", "1")
        runs.wait_for_steps("restarted", steps // 2)
        runs.kill("restarted", 0)
        killed.wait()
        show("restarted", "2 processes, the first killed, restarted by torchrun", "two")

        killed = runs.together("2 to 1", 2)
        runs.wait_for_steps("2 to 1", steps // 2)
        runs.kill("2 to 1", 1)
        killed.wait()
        runs.start("2 to 1").wait()
        show("2 to 1", "begun by 2 and killed, finished by 1", "one")

        stopped = runs.start("1 to 4")
        runs.wait_for_steps("1 to 4", steps // 2)
        stopped.send_signal(signal.SIGTERM)
        stopped.wait()
        runs.together("1 to 4", 4).wait()
        show("1 to 4", "begun by 1, stopped, finished by 4", "one")
        print("\nWhat the killed ones said:")
        for name in ("restarted", "2 to 1"):
            print(
                [line for line in (runs.place / f"{name}.log").read_text().splitlines() if line.startswith("onward:")]
            )


if __name__ == "__main__":
    main()
