"""The small game, as a file and as it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from onward.evaluate.games.game import Game
from onward.evaluate.games.reading import read
from soup import TINY


@pytest.fixture
def tiny_path(tmp_path: Path) -> Path:
    path = tmp_path / "soup.game.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def tiny(tiny_path: Path) -> Game:
    return read(tiny_path)
