"""What a server allows, as plain values. No FastAPI here, so that `--help` stays quick."""

from __future__ import annotations

from dataclasses import dataclass, field

from onward.errors import PlanError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one asker may have of a server that others use too."""

    max_queue: int = field(default=256, metadata={"help": "texts that may wait for a model; who comes then gets a 429"})
    max_tokens: int = field(default=4096, metadata={"help": "tokens of one answer, at most"})
    timeout: float = field(default=600.0, metadata={"help": "seconds that a request may take, with its waiting"})
    max_body: int = field(default=4_000_000, metadata={"help": "bytes of a request, at most"})

    def __post_init__(self) -> None:
        checks = (
            (self.max_queue >= 0, f"--max-queue {self.max_queue}: 0 or more"),
            (1 <= self.max_tokens < 2**31, f"--max-tokens {self.max_tokens}: at least 1, below 2**31"),
            (0 < self.timeout < 1e9, f"--timeout {self.timeout:g}: seconds, above 0"),
            (self.max_body >= 1, f"--max-body {self.max_body}: at least 1"),
        )
        for fine, message in checks:
            if not fine:
                raise PlanError(message + ".")
