"""Who is examined: asked for replies or for what options are worth, as far as a file does not know it already.

What a model has said lies in a file of its own, under a hash of the prompt, the settings and the seed; the file's name has the model's
hash, so that another model, or the same after more training, is asked anew. It is written line by line: whoever is killed goes on where
they were. A folder answers many at a time in its engine, an endpoint over several connections. Left out: what is right (rules.py).
"""

from __future__ import annotations

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from onward.errors import ChatError, EndpointError, FolderError, PlanError, RequestRefused, SuiteError
from onward.files import explained, file_hash, whole_lines
from onward.generate.chat_model import FolderModel, LocalModel, Message
from onward.generate.endpoint import EndpointModel
from onward.generate.engine import AT_ONCE, Request, Run
from onward.generate.options import scored
from onward.generate.parallel.chat import ParallelModel
from onward.generate.patience import patiently
from onward.generate.settings import Sampling
from onward.model import folder

Model = FolderModel | ParallelModel | EndpointModel
READ = ("*.safetensors", "*.json", "*.jinja")
"""Files of a folder that decide what it says; all but its lineage and its results."""
NOT_READ = ("onward.json", "samples.json")


@dataclass(frozen=True)
class Wanted:
    """What is asked: an answer to messages, or what follows a text. With options: not that, but what each of them is worth there."""

    messages: tuple[Message, ...] = ()
    text: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    options: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Answer:
    """A reply with the log-probability of each of its tokens, where the back end tells; or that of each option as a whole; or why there is
    neither. In nats."""

    text: str = ""
    finish: str = ""
    log_probs: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    tokens: int = 0
    refused: str = ""


class Cache:
    """Answers in a file, which is begun or gone on with. Several threads may add.   Raises FolderError where it is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known: dict[str, Answer] = {}
        for number, line in enumerate(whole_lines(path), start=1):
            try:
                entry = json.loads(line)
                key = entry.pop("asked")
                self._known[key] = Answer(**entry)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise FolderError(
                    f"{path}, line {number}, is damaged ({error}). Remove the file, and all is asked anew."
                ) from error

    def __contains__(self, wanted: Wanted) -> bool:
        return wanted.key in self._known

    def get(self, wanted: Wanted) -> Answer | None:
        return self._known.get(wanted.key)

    def add(self, wanted: Wanted, answer: Answer) -> None:
        """What cannot be answered is remembered, but not written down.   Raises OutputError where the disk is full."""
        with self._lock:
            self._known[wanted.key] = answer
            if not answer.refused:
                line = json.dumps({"asked": wanted.key} | asdict(answer), ensure_ascii=False) + "\n"
                with explained(self.path):
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    with self.path.open("ab") as file:
                        file.write(line.encode(errors="backslashreplace"))


class Respondent(ABC):
    """budget: tokens that may be read and written for what is not known yet; None for no limit.   told: called after each answer."""

    def __init__(self, name: str, cache: Cache, budget: int | None = None) -> None:
        self.name, self.cache, self.budget = name, cache, budget
        self.spent = 0
        self.told: Callable[[], None] = lambda: None

    @property
    def scores(self) -> bool:
        """Whether it can say what options are worth after messages."""
        return False

    def ask(self, wanted: Sequence[Wanted]) -> list[Answer | None]:
        """An answer to each; None where the budget was spent before.   Raises SuiteError where none at all can be answered."""
        missing = list({one.key: one for one in wanted if one not in self.cache}.values())
        self._answer(missing)
        found = [self.cache.get(one) for one in wanted]
        refused = [one.refused for one in found if one is not None and one.refused]
        if refused and len(refused) == len(found):
            raise SuiteError(f"{self.name} can answer none of this: {refused[0]}")
        return found

    @abstractmethod
    def _answer(self, missing: Sequence[Wanted]) -> None:
        """Put an answer to each into the cache, until the budget is spent."""

    @property
    def _is_spent(self) -> bool:
        return self.budget is not None and self.spent >= self.budget

    def _keep(self, wanted: Wanted, answer: Answer) -> None:
        self.spent += answer.prompt_tokens + answer.tokens
        self.cache.add(wanted, answer)
        self.told()


class FolderRespondent(Respondent):
    """A folder whose engine carries many on together."""

    def __init__(self, model: FolderModel, cache: Cache, budget: int | None = None) -> None:
        super().__init__(model.name, cache, budget)
        self.model = model

    @property
    def scores(self) -> bool:
        return True

    def _answer(self, missing: Sequence[Wanted]) -> None:
        self._carry_on([one for one in missing if not one.options])
        for one in missing:
            if one.options and not self._is_spent:
                try:
                    self._keep(one, self._worth(one))
                except (PlanError, ChatError) as error:
                    self._keep(one, Answer(refused=str(error)))

    def _carry_on(self, missing: Sequence[Wanted]) -> None:
        """Whoever ends makes room for the next."""
        waiting, running = iter(missing), dict[Run, Wanted]()
        try:
            while True:
                while len(running) < AT_ONCE and not self._is_spent and (one := next(waiting, None)):
                    try:
                        prompt = _ids(self.model, one)
                        run = self.model.engine.submit(
                            Request(prompt=prompt, sampling=one.sampling, adapter=self.model.adapter)
                        )
                        running[run] = one
                    except (PlanError, ChatError) as error:
                        self._keep(one, Answer(refused=str(error)))
                if not running:
                    return
                self.model.engine.step()
                for run in [run for run in running if run.finish is not None]:
                    self._keep(running.pop(run), _reply(run))
        finally:
            for run in running:
                self.model.engine.cancel(run)

    def _worth(self, wanted: Wanted) -> Answer:
        """The log-probability of each option. After a text, prompt and option are cut into tokens as one text, as `score` does it.

        After no text at all, an option comes after the token that begins a document or, in a model without one, the one that ends it.
        """
        if wanted.messages:
            prompt = _ids(self.model, wanted)
            tails = [self.model.engine.tokenizer.encode(option) for option in wanted.options]
            skipped = [0] * len(tails)
        else:
            before = self.model.text_prompt(wanted.text)
            begin = [] if before else list(self.model.engine.tokenizer.eos_ids[:1])  # something has to come first
            before = begin + before
            wholes = [begin + self.model.text_prompt(wanted.text + option) for option in wanted.options]
            begins = [_shared(before, whole) for whole in wholes]
            prompt = before[: min(begins)]
            tails = [whole[len(prompt) :] for whole in wholes]
            skipped = [begin - len(prompt) for begin in begins]
        found = scored(self.model.engine, prompt, tails, self.model.adapter)
        log_probs = [sum(one[skip:]) for one, skip in zip(found, skipped, strict=True)]
        return Answer(log_probs=log_probs, prompt_tokens=len(prompt) + sum(map(len, tails)))


class ParallelRespondent(Respondent):
    """A folder that writes in blocks, and scores nothing."""

    def __init__(self, model: ParallelModel, cache: Cache, budget: int | None = None) -> None:
        super().__init__(model.name, cache, budget)
        self.model = model

    def _answer(self, missing: Sequence[Wanted]) -> None:
        for one in missing:
            if self._is_spent:
                return
            try:
                request = Request(prompt=_ids(self.model, one), sampling=one.sampling)
                done = self.model.writer.run([request])[0]
                answer = Answer(done.text, done.finish, [], done.prompt_tokens, len(done.ids))
            except (PlanError, ChatError) as error:
                answer = Answer(refused=str(error))
            self._keep(one, answer)


class EndpointRespondent(Respondent):
    """A model behind a URL, asked over `at_once` connections."""

    def __init__(self, model: EndpointModel, cache: Cache, budget: int | None = None, at_once: int = 8) -> None:
        super().__init__(model.name, cache, budget)
        self.model, self.at_once = model, at_once
        self.tell: Callable[[str], None] = lambda _: None
        self._stop = threading.Event()

    def _answer(self, missing: Sequence[Wanted]) -> None:
        if self.budget is not None and any(one.options for one in missing):
            raise SuiteError(
                f"{self.name} does not say how many tokens scoring takes, so --budget cannot be kept. Leave it out, or use --mode said."
            )
        with ThreadPoolExecutor(self.at_once) as threads:
            try:
                for _ in threads.map(self._one, missing):
                    pass
            except BaseException:
                self._stop.set()
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    def _one(self, wanted: Wanted) -> None:
        if self._is_spent or self._stop.is_set():
            return
        try:
            answer = patiently(lambda: self._asked(wanted), self.tell, self._stop)
        except (PlanError, ChatError, RequestRefused) as error:
            answer = Answer(refused=str(error))
        if self.budget is not None and not answer.refused and not answer.prompt_tokens + answer.tokens:
            raise EndpointError(f"{self.name} does not say how many tokens it takes, so --budget cannot be kept.")
        self._keep(wanted, answer)

    def _asked(self, wanted: Wanted) -> Answer:
        if wanted.options and wanted.messages:
            raise PlanError(
                "an endpoint says what options are worth after a text only. Use --ask text, or --mode said."
            )
        if wanted.options:
            return Answer(log_probs=[self.model.score(wanted.text, option) for option in wanted.options])
        if wanted.text:
            reply = self.model.carry_on(wanted.text, wanted.sampling)
        else:
            reply = self.model.replies(wanted.messages, [wanted.sampling])[0]
        return Answer(reply.text, reply.finish, [], reply.prompt_tokens, reply.tokens)


def respondent(model: Model, place: Path, budget: int | None = None, at_once: int = 8) -> Respondent:
    """place: the folder for what models have said; each has a file of its own there.   Raises FolderError."""
    if budget is not None and budget < 1:
        raise SuiteError(f"--budget {budget}: at least one token is wanted.")
    cache = Cache(place / f"{model_hash(model)}.jsonl")
    if isinstance(model, FolderModel):
        return FolderRespondent(model, cache, budget)
    if isinstance(model, ParallelModel):
        return ParallelRespondent(model, cache, budget)
    return EndpointRespondent(model, cache, budget, at_once)


def model_hash(model: Model) -> str:
    """Of the folder's files, and of what computes with them; of an endpoint, of its address and its model's name, and no more can be known
    of it."""
    if isinstance(model, EndpointModel):
        return _hashed([model.address, model.model])
    paths = [Path(model.name)]
    if folder.is_adapter(paths[0]):
        from onward.model.adapters import base_of

        paths.append(base_of(paths[0]))
    files = [
        file
        for path in paths
        for pattern in READ
        for file in sorted(path.glob(pattern))
        if file.name not in NOT_READ and file.is_file()
    ]
    weights = model.engine.reader.weights if isinstance(model, FolderModel) else repr(model.writer.how)
    return _hashed([f"{file.name} {file_hash(file)}" for file in files] + [str(weights)])


def _hashed(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _ids(model: LocalModel, wanted: Wanted) -> list[int]:
    return model.prompt(wanted.messages) if wanted.messages else model.text_prompt(wanted.text)


def _reply(run: Run) -> Answer:
    """Raises FolderError where the engine could not go on."""
    done = run.completion()
    if done.finish == "error":
        raise FolderError(done.error)
    return Answer(done.text, done.finish, done.log_probs, done.prompt_tokens, len(done.ids))


def _shared(before: Sequence[int], whole: Sequence[int]) -> int:
    """How many tokens two begin with in common."""
    pairs = enumerate(zip(before, whole, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(before), len(whole)))
