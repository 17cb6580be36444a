"""Preferences that a small model can learn, in the world of the tests around."""

import json

import pytest

from onward.align.rankings import Encoded


@pytest.fixture
def polite(tmp_path):
    """The better answer says please; both are equally long, and the words around vary."""
    path = tmp_path / "polite.jsonl"
    pairs = [
        {"prompt": f"{i}?", "chosen": f"please {i * 7 % 97}", "rejected": f"banana {i * 7 % 97}"} for i in range(200)
    ]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path


@pytest.fixture
def encoded():
    """Rankings of random tokens: (tokens of the prompt, tokens of each answer); the k-th is of prompt k."""

    def of(*shapes):
        import numpy as np

        random, found = np.random.default_rng(0), []
        for number, (prompt, *answers) in enumerate(shapes):
            begin = random.integers(0, 90, prompt).tolist()
            ids = tuple(begin + random.integers(0, 90, size).tolist() for size in answers)
            spans = tuple((prompt, prompt + size) for size in answers)
            found.append(Encoded(f"prompt {number}", tuple("x" * size for size in answers), ids, None, spans))
        return found

    return of
