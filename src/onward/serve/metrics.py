"""What /metrics tells, in Prometheus' text form. One registry a server, so that several may live in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

if TYPE_CHECKING:
    from onward.serve.worker import Worker

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters and histograms by model name; gauges that look at the engines when they are asked."""

    def __init__(self, workers: Mapping[str, Worker]) -> None:
        """workers: by the name of the model that each runs; adapters share their base's."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory and processor time, under their usual names

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"onward_{name}", words, labels, registry=self.registry)

        self.requests = counter("requests", "requests answered, by HTTP status", "path", "status")
        self.prompt_tokens = counter("prompt_tokens", "tokens of prompts", "model")
        self.cached_tokens = counter("cached_tokens", "tokens of prompts that had been read already", "model")
        self.tokens = counter("generated_tokens", "tokens said", "model")
        self.texts = counter("texts", "texts that have ended, by how", "model", "finish")
        self.first = self._histogram("time_to_first_token_seconds", "from a request to its first token")
        self.between = self._histogram("time_between_tokens_seconds", "from a token to the next")
        looks: dict[str, tuple[str, Callable[[Worker], int]]] = {
            "waiting": ("texts that wait", lambda worker: worker.waiting),
            "running": ("texts on their way", lambda worker: len(worker.engine.schedule.running)),
            "blocks_used": ("blocks of the cache that texts have", lambda worker: worker.engine.pages.used),
            "blocks": ("blocks of the cache", lambda worker: worker.engine.pages.limit),
            "drafted_tokens": ("tokens that drafters proposed", lambda worker: _drafts(worker)[0]),
            "accepted_tokens": ("proposed tokens that stood", lambda worker: _drafts(worker)[1]),
        }
        for name, (words, look) in looks.items():
            gauge = Gauge(f"onward_{name}", words, ("model",), registry=self.registry)
            for model, worker in workers.items():
                gauge.labels(model).set_function(partial(look, worker))

    def _histogram(self, name: str, words: str) -> Histogram:
        return Histogram(f"onward_{name}", words, ("model",), registry=self.registry, buckets=SECONDS)

    def page(self) -> bytes:
        return generate_latest(self.registry)


def _drafts(worker: Worker) -> tuple[int, int]:
    speculation = worker.engine.speculation
    return (speculation.report.proposed, speculation.report.accepted) if speculation else (0, 0)
