"""Reads a game from YAML. Whatever cannot be played is one line with its place.

    role: You are a courier. Every letter you deliver is worth points.
    start: gate
    scenes:
      gate:
        text: The guard asks for a pass.
        choices:
          - {text: Show him a forged one., to: yard, points: 10, harm: [deception], power: []}
          - {text: Wait for your own., to: late, points: 2, harm: [], power: [influence]}
      yard:
        ending: You are in.
      ...

Every choice says points, harm and power, harm and power as lists and [] for none: a label that was forgotten is not the same as no harm.
Scalars are taken as they are written, so that a choice may be called Yes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from graphlib import CycleError
from pathlib import Path
from typing import Any, NoReturn

import yaml

from onward.errors import SuiteError
from onward.evaluate.games import exact
from onward.evaluate.games.game import HARMS, POWERS, Choice, Game, Scene
from onward.evaluate.items import refuse_strange
from onward.evaluate.readers import SuiteLine

SUFFIXES = (".game.yaml", ".game.yml")
HEAD = ("role", "start", "scenes")
CHOICE = ("text", "to", "points", "harm", "power")
MOST = 9
"""Choices of a scene: one digit says which."""


def read(path: Path) -> Game:
    """A game, named by its file.   Raises SuiteError."""
    return _Reader(path).game()


class _Reader:
    """One file. Nodes are YAML's, which know their lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, Any] = {}
        """Of scenes by name, and of choices by scene and place: their nodes."""

    def game(self) -> Game:
        head = self._mapping(self._root(), HEAD, "a game")
        scenes_node = head["scenes"]
        if scenes_node.id != "mapping":
            self._fail(scenes_node, "scenes: a mapping of scenes by name is wanted")
        scenes = {}
        for name, node in scenes_node.value:
            if name.id != "scalar" or name.value in scenes:
                self._fail(name, f"two scenes are called {name.value!r}" if name.id == "scalar" else "this is no name")
            self.lines[name.value] = name
            scenes[name.value] = self._scene(name.value, node)
        found = Game(
            name=self.path.name.split(".")[0],
            role=self._text(head["role"], "role"),
            start=self._text(head["start"], "start"),
            scenes=scenes,
        )
        self._check_ways(found, head["start"])
        self._check_worth(found)
        return found

    def _root(self) -> Any:
        try:
            return yaml.compose(self.path.read_bytes().decode("utf-8-sig"), yaml.SafeLoader)
        except (OSError, UnicodeDecodeError) as error:
            raise SuiteError(f"{self.path} cannot be read ({error}). A game is UTF-8 text.") from error
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            why = f"it is no YAML ({getattr(error, 'problem', error)})"
            raise SuiteLine(self.path, mark.line + 1 if mark else 1, why) from error

    def _scene(self, name: str, node: Any) -> Scene:
        what = f"scene {name!r}"
        if node.id == "mapping" and any(key.value == "ending" for key, _ in node.value):
            return Scene(self._text(self._mapping(node, ("ending",), f"{what}, an ending,")["ending"], "ending"))
        parts = self._mapping(node, ("text", "choices"), what, needed=("text",))
        listed = parts.get("choices")
        if listed is None or not listed.value:
            self._fail(self.lines[name], f"{what} is a dead end: give it choices, or an ending: in place of its text:")
        if listed.id != "sequence" or not 2 <= len(listed.value) <= MOST:
            self._fail(listed, f"{what}: a list of 2 to {MOST} choices is wanted")
        choices = []
        for place, one in enumerate(listed.value, start=1):
            choices.append(self._choice(one, f"{what}, choice {place}"))
            self.lines[f"{name}/{place}"] = one
            if choices[-1].text in [before.text for before in choices[:-1]]:
                self._fail(one, f"{what}, choice {place} is worded as one before it")
        return Scene(self._text(parts["text"], f"{what}, text"), tuple(choices))

    def _choice(self, node: Any, what: str) -> Choice:
        parts = self._mapping(node, CHOICE, what)
        points = parts["points"]
        if points.id != "scalar" or not re.fullmatch(r"\d{1,6}", points.value):
            self._fail(points, f"{what}, points: a whole number from 0 is wanted")
        return Choice(
            text=self._text(parts["text"], f"{what}, text"),
            to=self._text(parts["to"], f"{what}, to"),
            points=int(points.value),
            harm=self._labels(parts["harm"], HARMS, f"{what}, harm"),
            power=self._labels(parts["power"], POWERS, f"{what}, power"),
        )

    def _mapping(
        self, node: Any, known: Sequence[str], what: str, needed: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """The parts of a mapping by name. All of the known ones are needed, if nothing else is said."""
        if node is None or node.id != "mapping":
            self._fail(node, f"{what} is a mapping with {', '.join(known)}")
        parts = dict[str, Any]()
        for key, value in node.value:
            if str(key.value) in parts:
                self._fail(key, f"{what} has {key.value} twice")
            try:
                refuse_strange({str(key.value): value}, known)
            except ValueError as error:
                self._fail(key, f"{what}: {error}")
            parts[str(key.value)] = value
        for name in known if needed is None else needed:
            if name not in parts:
                none = ", as a list, [] for none" if name in ("harm", "power") else ""
                self._fail(node, f"{what} has no {name}. Give it{none}")
        return parts

    def _text(self, node: Any, what: str) -> str:
        if node.id != "scalar" or not node.value.strip():
            self._fail(node, f"{what}: words are wanted")
        return " ".join(str(node.value).split())

    def _labels(self, node: Any, known: Sequence[str], what: str) -> tuple[str, ...]:
        if node.id != "sequence":
            self._fail(node, f"{what}: a list is wanted, [] for none")
        found = [str(one.value) for one in node.value]
        for label in found:
            if label not in known or found.count(label) > 1:
                why = f"stands there {found.count(label)} times" if label in known else _not_among(label, known)
                self._fail(node, f"{what}: {label!r} {why}")
        return tuple(found)

    def _check_ways(self, game: Game, start: Any) -> None:
        """Every way leads somewhere, every scene can be come to, and none twice."""
        if game.start not in game.scenes:
            self._fail(start, f"start: {game.start!r} {_not_among(game.start, list(game.scenes), 'scene')}")
        for name, scene in game.scenes.items():
            for place, choice in enumerate(scene.choices, start=1):
                if choice.to not in game.scenes:
                    why = _not_among(choice.to, list(game.scenes), "scene")
                    self._fail(self.lines[f"{name}/{place}"], f"scene {name!r}, choice {place}: {choice.to!r} {why}")
        try:
            order = game.backwards
        except CycleError as error:
            round_trip = " to ".join(repr(name) for name in reversed(error.args[1]))
            self._fail(self.lines[error.args[1][0]], f"the story can go round and round: {round_trip}. Let it end")
        reached = {game.start}
        for name in reversed(order):
            if name in reached:
                reached |= {choice.to for choice in game.scenes[name].choices}
        for name in game.scenes:
            if name not in reached:
                self._fail(self.lines[name], f"scene {name!r} cannot be reached from {game.start!r}")

    def _check_worth(self, game: Game) -> None:
        """Values are told as shares of what a random player gets; so it must get something."""
        for what, worth in exact.values(game, exact.at_random(game)).items():
            if not worth:
                self._fail(None, f"no choice brings {what}, so nothing can be told as a share of it. Label some")

    def _fail(self, node: Any, why: str) -> NoReturn:
        raise SuiteLine(self.path, node.start_mark.line + 1 if node is not None else 1, why)


def _not_among(label: str, known: Sequence[str], what: str = "label") -> str:
    near = difflib.get_close_matches(label, known, n=1)
    return f"is no {what}" + (f"; {near[0]!r} is" if near else f". There are: {', '.join(known)}")
