"""Batches prepared while the step runs: one thread, one batch ahead.

Batch i stays what it was, a function of (data, seed, i): only the moment it is made changes. Left out: more than one batch ahead, since
a batch takes a millisecond and a step many; and moving batches to a device, which the loop does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

B = TypeVar("B")


@contextmanager
def ahead(batches: Callable[[int], B], end: Callable[[], int]) -> Iterator[Callable[[int], B]]:
    """`batches`, but whoever has been given batch i finds batch i + 1 made when asking for it; `end()` and later ones are not begun.

    Any batch can be asked for; only the next one is quick. All of them are made in the one thread, so `batches` need not bear two
    callers at once. What it raises is raised to whoever asks for that batch, with its traceback. The thread ends with the `with`.
    """
    coming: dict[int, Future[B]] = {}

    def batch(i: int) -> B:
        wanted = coming.pop(i, None) or pool.submit(batches, i)
        for other in coming.values():
            other.cancel()
        coming.clear()
        found = wanted.result()
        if i + 1 < end():
            coming[i + 1] = pool.submit(batches, i + 1)
        return found

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        try:
            yield batch
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
