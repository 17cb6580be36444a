"""A soak of the server: many streaming clients at a time, who come, listen and often leave before the end, for minutes.

    python benchmarks/soak.py FOLDER --minutes 5 --clients 200

The server runs in a process of its own, as `onward serve` starts it, with a cache of 32 MB, which is soon full. Every client asks for texts
of random length, one after the other, and in one case out of three goes away after a random number of pieces, or before the first. What
must hold at the end: every answer that was waited for came whole (with its finish, its usage and [DONE]), no client got an error, no text
runs, no block of the cache is in use, and the memory of the server has not grown in the second half by more than a twentieth. Printed: the
memory over time, and p50, p95 and p99 of the time to the first token and between tokens, as the clients saw them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass, field

import httpx
from served import Up, serving

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "the",
    "dog",
    "by",
    "the",
    "road",
    "said",
    "that",
    "all",
    "boats",
    "are",
    "old",
]
LEAVING = 1 / 3
SAMPLES = 30
"""Looks at the server's memory."""


@dataclass
class Tally:
    """What all clients have seen."""

    whole: int = 0
    left: int = 0
    lost: list[str] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    between: list[float] = field(default_factory=list)
    tokens: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)


async def client(http: httpx.AsyncClient, chance: random.Random, until: float, tally: Tally) -> None:
    """One client, request after request."""
    while time.monotonic() < until:
        body = {
            "model": "soaked",
            "prompt": " ".join(chance.choices(WORDS, k=chance.randint(2, 60))),
            "max_tokens": chance.randint(8, 64),
            "seed": chance.randrange(2**31),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        leaves_after = chance.randint(0, 30) if chance.random() < LEAVING else None
        try:
            await listen(http, body, leaves_after, tally)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            tally.lost.append(f"{type(error).__name__}: {error}")


async def listen(http: httpx.AsyncClient, body: dict[str, object], leaves_after: int | None, tally: Tally) -> None:
    began = last = time.monotonic()
    pieces, finish, usage, done = 0, None, None, False
    asked = http.stream("POST", "/v1/completions", json=body)
    if leaves_after == 0:
        try:
            async with asyncio.timeout(0.05), asked as answer:
                answer.raise_for_status()
        except TimeoutError:
            pass
        tally.left += 1
        return
    async with asked as answer:
        if answer.status_code != 200:
            raise ValueError(f"{answer.status_code} {(await answer.aread())[:200]!r}")
        async for line in answer.aiter_lines():
            now = time.monotonic()
            if line == "data: [DONE]":
                done = True
            elif line.startswith("data: "):
                event = json.loads(line[6:])
                usage = event["usage"] or usage
                for choice in event["choices"]:
                    (tally.first if not pieces else tally.between).append(now - (last if pieces else began))
                    pieces, last, finish = pieces + 1, now, choice["finish_reason"] or finish
            if leaves_after is not None and pieces >= leaves_after:
                tally.left += 1
                return
    if not (done and finish in ("stop", "length") and usage is not None):
        raise ValueError(f"an answer without its end: finish {finish}, usage {usage}, done {done}")
    tally.whole += 1
    tally.tokens += usage["completion_tokens"]


async def watch(up: Up, until: float, tally: Tally) -> None:
    """The server's memory, now and then."""
    began, pause = time.monotonic(), (until - time.monotonic()) / SAMPLES
    while time.monotonic() < until:
        await asyncio.sleep(pause)
        tally.memory.append((time.monotonic() - began, up.memory()))


async def soak(up: Up, minutes: float, clients: int) -> Tally:
    tally, until = Tally(), time.monotonic() + 60 * minutes
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=up.url, timeout=600, limits=limits) as http:
        asking = [client(http, random.Random(number), until, tally) for number in range(clients)]
        await asyncio.gather(*asking, watch(up, until, tally))
    return tally


def quantiles(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds) or [float("nan")]
    found = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 0.99)]
    return f"{name}: " + ", ".join(f"p{p} {1000 * s:,.0f} ms" for p, s in zip((50, 95, 99), found, strict=True))


def report(up: Up, tally: Tally, minutes: float) -> list[str]:
    """Prints what was seen, and returns what does not hold."""
    time.sleep(1)
    left = {name: up.figure(f"onward_{name}") for name in ("running", "waiting", "blocks_used")}
    print(
        f"{tally.whole:,} answers came whole, {tally.left:,} were left, {len(tally.lost):,} lost; {tally.tokens:,} tokens"
    )
    print(f"{up.figure('onward_generated_tokens_total') / 60 / minutes:,.0f} tokens a second were said by the server")
    print(quantiles("time to first token", tally.first))
    print(quantiles("time between pieces", tally.between))
    print("memory, MB: " + ", ".join(f"{seconds:.0f} s {size:,}" for seconds, size in tally.memory[:: SAMPLES // 10]))
    print("at the end: " + ", ".join(f"{name} {value:.0f}" for name, value in left.items()))
    half = [size for _, size in tally.memory[len(tally.memory) // 2 :]]
    wrong = [f"lost: {one}" for one in tally.lost[:5]] + [f"{name} is not 0" for name, value in left.items() if value]
    return wrong + ([f"memory grew from {half[0]} to {half[-1]} MB"] if half and half[-1] > 1.05 * half[0] else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--weights", choices=["fp32", "bf16", "int8"], help="as onward serve has it")
    given = parser.parse_args()
    more = ("--weights", given.weights) if given.weights else ()
    with serving(f"soaked={given.folder}", "--max-queue", str(2 * given.clients), "--cache", "32", *more) as up:
        tally = asyncio.run(soak(up, given.minutes, given.clients))
        wrong = report(up, tally, given.minutes)
    if wrong:
        raise SystemExit("\n".join(wrong))
    print("nothing lost, no block leaked, memory flat; the server ended in good order")


if __name__ == "__main__":
    main()
