"""The verbs that can be started from the page: what each asks for, and the words of its command.

Their settings are the dataclasses that the command line makes its options from, so that the page has all of them, with the same help.
Texts and models are names that are looked up (places.py): nothing that a browser sends becomes a path.
Left out: the form on the page (form.py), and running a command (building.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from onward.align.direct.direct import METHODS as DIRECT
from onward.align.policy.methods import METHODS
from onward.align.wishes import RewardWishes, RolloutWishes, Teaching
from onward.errors import PlanError
from onward.studio.places import Places
from onward.train.plan import Adapter, Shape, Wishes
from onward.train.tasks import TASKS

DATA, MODELS = "the data", "the models"
"""That there are, in `Argument.of`."""
PATHS = ("teacher",)
"""Settings that are model folders."""


@dataclass(frozen=True)
class Argument:
    """What a verb needs besides its settings.   flag: none for what stands by its place.   of: what one can choose from.
    many: whether several can be chosen.   needed: whether one must."""

    label: str
    of: tuple[str, ...] = (DATA,)
    flag: str = ""
    many: bool = False
    needed: bool = True

    def choices(self, places: Places) -> list[str]:
        there: dict[str, Callable[[], Iterable[str]]] = {DATA: places.data, MODELS: places.stages}
        return [name for kind in self.of for name in (there[kind]() if kind in there else [kind])]

    def words(self, places: Places, chosen: str | Sequence[str] | None) -> list[str]:
        """As they stand in a command.   Raises PlanError, FolderError for a name that is none."""
        names = [chosen] if isinstance(chosen, str) else list(chosen or [])
        if self.needed and not names:
            raise PlanError(f"{self.label}: nothing is chosen. Choose something; what there is lies in {places.new}.")
        found = [self._word(places, name) for name in names]
        return [f"{self.flag}={word}" for word in found] if self.flag else found

    def _word(self, places: Places, name: str) -> str:
        if name in self.of and name not in (DATA, MODELS):
            return name
        if MODELS in self.of:
            return str(places.stage(name).path)
        if DATA in self.of:
            return str(places.file(name))
        raise PlanError(f"{self.label}: there is no {name[:60]!r}. Choose {', '.join(self.of)}.")


@dataclass(frozen=True)
class Verb:
    """folder: of the model it makes, below the run's, where nothing else is said; none: it makes the whole run."""

    does: str
    arguments: tuple[Argument, ...]
    settings: tuple[type, ...]
    folder: str = ""

    def place(self, name: str) -> str:
        """Where it writes, below the runs: RUN, or RUN/FOLDER."""
        name = name.strip()
        return f"{name}/{self.folder}" if self.folder and "/" not in name else name


VERBS = {
    "build": Verb(
        "The whole road. Without texts of yours it learns the built-in world, and goes on to a reward model and reinforcement.",
        (
            Argument("Texts (none: the built-in world)", many=True, needed=False),
            Argument("Questions and answers", flag="--chat", needed=False),
        ),
        (Wishes, Shape),
    ),
    "pretrain": Verb(
        "From texts to a base model that carries a text on.",
        (
            Argument("Texts to learn from", many=True),
            Argument("Go on from this model", (MODELS,), "--init", needed=False),
            Argument("What it learns", tuple(TASKS), "--objective", needed=False),
        ),
        (Wishes, Shape),
        "base",
    ),
    "sft": Verb(
        "Instruction tuning: a base model learns to answer, from conversations.",
        (
            Argument("Base model", (MODELS,)),
            Argument("Conversations"),
            Argument("Texts to go over again", flag="--replay", many=True, needed=False),
        ),
        (Wishes, Adapter, Teaching),
        "sft",
    ),
    "reward": Verb(
        "A reward model: learns from rankings how good an answer is. Those that you make under Rank are among the data.",
        (Argument("Instructed model", (MODELS,)), Argument("Preferences")),
        (Wishes, RewardWishes),
        "reward",
    ),
    "rl": Verb(
        "Reinforcement: a model answers, is told what its answers are worth, and learns to give the better ones.",
        (
            Argument("Model to begin with", (MODELS,)),
            Argument("Prompts, or preferences"),
            Argument("Method", (*METHODS, *DIRECT), "--method", needed=False),
            Argument("What an answer is worth", (MODELS, "gold", "right"), "--reward", many=True, needed=False),
        ),
        (Wishes, RolloutWishes),
        "chat",
    ),
}


def command(
    verb: str, places: Places, chosen: Mapping[str, Any], settings: Mapping[type, Mapping[str, Any]]
) -> list[str]:
    """The words of the command, without where it writes.   chosen: by the arguments' labels.   settings: of each kind, the values of its
    fields; left out or None: as they are by themselves.   Raises PlanError, FolderError."""
    asked = VERBS[verb]
    words = [word for kind in asked.settings for word in _options(kind, settings.get(kind, {}), places)]
    by_place: list[str] = []
    for argument in asked.arguments:
        found = argument.words(places, chosen.get(argument.label))
        words, by_place = (words + found, by_place) if argument.flag else (words, by_place + found)
    return [verb, *words, *(["--", *by_place] if by_place else [])]  # a file may be called --out=x


def _options(kind: type, values: Mapping[str, Any], places: Places) -> list[str]:
    """What differs from the defaults. The dataclass itself sees whether the values go together."""
    given = {field.name: values[field.name] for field in fields(kind) if values.get(field.name) is not None}
    given |= {name: places.stage(given[name]).path for name in PATHS if name in given}
    made = kind(**given)
    changed = {
        field.name: getattr(made, field.name) for field in fields(kind) if getattr(made, field.name) != field.default
    }
    return [f"--{n.replace('_', '-')}" + ("" if v is True else f"={v}") for n, v in changed.items()]
