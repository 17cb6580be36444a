"""A crawl cleaned once, for all tests that only look at the result."""

from __future__ import annotations

import pytest

from dirt import Cleaned, crawl, run, write


@pytest.fixture(scope="session")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Cleaned:
    place = tmp_path_factory.mktemp("cleaned")
    raw = crawl()
    path = write(place / "crawl.jsonl", raw)
    return Cleaned(place / "out", raw, run([path], place / "out"))
