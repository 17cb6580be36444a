"""The models that are open. One is opened when it is first asked for, and then answers at /v1 too, under the same name.

Left out: closing one. Who wants the memory back starts the studio anew.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

from onward.errors import FolderError
from onward.generate.chat_model import ChatModel, FolderModel, Message, Reply
from onward.generate.load import load
from onward.generate.settings import Computed, Sampling
from onward.serve.models import Served
from onward.serve.worker import Worker
from onward.studio.places import Places
from onward.studio.saying import whole


class Shelf:
    """served: what has been opened here and has an engine, by name; the server's routes look there."""

    def __init__(self, places: Places, *, device: str | None = None, weights: Computed | None = None) -> None:
        self.places, self.device, self.weights = places, device, weights
        self.served: dict[str, Served] = {}
        self._others: dict[str, ChatModel] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def open(self, name: str) -> Served | ChatModel:
        """By its name.   Raises FolderError for one that is not among the places, and what `onward.load` raises."""
        async with self._locks[name]:
            if name in self.served:
                return self.served[name]
            if name not in self._others:
                model = await asyncio.to_thread(self._load, name)
                if isinstance(model, FolderModel):
                    return self.served.setdefault(name, Served(name=name, model=model, worker=Worker(model.engine)))
                self._others[name] = model
            return self._others[name]

    async def engine(self, name: str) -> Served:
        """One of which single tokens can be seen.   Raises as `open`, and FolderError for one that does not say them."""
        found = await self.open(name)
        if not isinstance(found, Served):
            raise FolderError(f"{name} does not draw one token after the other on this machine. Choose a model folder.")
        return found

    def _load(self, name: str) -> ChatModel:
        where = name if name in self.places.addresses else self.places.stage(name).path
        return load(where, device=self.device, weights=self.weights)

    def stop(self) -> None:
        """End the threads."""
        for one in self.served.values():
            one.worker.stop()


class Asked(ChatModel):
    """A model of the shelf as a chat model, for a thread of its own: `replies` waits for the engine's thread, and others talk meanwhile.

    It is opened when it is first asked. Make it in the loop that opens models; what `Shelf.open` raises comes out of each method.
    """

    def __init__(self, shelf: Shelf, name: str) -> None:
        self.shelf, self.name, self.loop = shelf, name, asyncio.get_running_loop()

    @property
    def model(self) -> Served | ChatModel:
        return asyncio.run_coroutine_threadsafe(self.shelf.open(self.name), self.loop).result()

    def replies(self, messages: Sequence[Message], samplings: Sequence[Sampling]) -> list[Reply]:
        return asyncio.run(whole(self.model, messages, samplings))

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """All in one piece."""
        yield self.replies(messages, [sampling])[0].text

    def score(self, prompt: str, continuation: str) -> float:
        model = self.model
        if not isinstance(model, Served):
            return model.score(prompt, continuation)
        return model.worker.do(lambda: model.model.score(prompt, continuation)).result()
