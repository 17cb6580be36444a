"""Patience with an endpoint that is busy or away: it is asked again, after longer and longer waits.

Only what has not begun to be answered is asked again, so nothing is paid for twice. Left out: refusals, which stay as they are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import TypeVar

from onward.errors import EndpointBusy

T = TypeVar("T")
WAITS = (1, 2, 4, 8, 16, 32)
"""Seconds between attempts; then a minute each."""
PATIENCE = 600
"""Seconds after which it is given up; the same command goes on later."""


def patiently(ask: Callable[[], T], tell: Callable[[str], None], stop: threading.Event) -> T:
    """What `ask` returns.   tell: given a remark before each wait.   stop: set it, and nothing is waited for any more.

    Raises EndpointBusy after PATIENCE; whatever else `ask` raises.
    """
    until, waits = time.monotonic() + PATIENCE, chain(WAITS, repeat(60))
    while True:
        try:
            return ask()
        except EndpointBusy as error:
            wait = next(waits)
            if time.monotonic() + wait > until or stop.is_set():
                raise
            tell(f"{error} It is asked again in {wait} s.")
            stop.wait(wait)
