"""Moves and mates: positions that one can check on a board."""

from __future__ import annotations

import sys

import pytest

from onward.errors import SuiteError
from onward.evaluate.items import Item, item_of
from onward.evaluate.mates import mating, move_said
from onward.evaluate.rules import RULES

FOOLS = "rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b KQkq - 0 2"
"""After 1. f3 e5 2. g4."""
PROMOTES = "6k1/4P3/6K1/8/8/8/8/8 w - - 0 1"
"""The pawn on e7 mates as a queen or a rook; as a knight or a bishop it does not."""
EN_PASSANT = "4B3/8/8/PpQ5/k7/8/2K5/8 w - b6 0 1"
"""The pawn on b5 stands between the bishop on e8 and the king on a4, and is taken in passing."""
DISCOVERS = "k7/1p6/8/N2Kp3/8/8/R7/8 w - - 0 1"
"""The knight leaves the rook's file, and takes a7 and b8 away from the king."""
CASTLES = "R7/8/8/8/8/8/R7/R3K1k1 w Q - 0 1"
KNIGHTS = "rnbqkbnr/ppp1pppp/8/3p4/8/3P1N2/PPP1PPPP/RNBQKB1R w KQkq - 0 3"
"""Both knights can go to d2."""


@pytest.mark.parametrize(
    ("fen", "moves"),
    [
        (FOOLS, {"d8h4"}),
        (PROMOTES, {"e7e8q", "e7e8r"}),
        (EN_PASSANT, {"a5b6"}),
        (DISCOVERS, {"a5c6"}),
        (CASTLES, {"e1c1"}),
        (KNIGHTS, set()),
    ],
)
def test_which_moves_are_mate(fen, moves):
    assert mating(fen) == moves


@pytest.mark.parametrize(
    ("fen", "reply", "score", "formed"),
    [
        (FOOLS, "Qh4#", 1, True),
        (FOOLS, "Qh4", 1, True),
        (FOOLS, "Qh4+", 1, True),
        (FOOLS, "d8h4", 1, True),
        (FOOLS, "2...Qh4#", 1, True),
        (FOOLS, "**Qh4#**, and White cannot go to f2.", 1, True),
        (FOOLS, "Not Qf6, but Qh4#.", 1, True),
        (FOOLS, "Qh4 or Qf6", 0, True),
        (FOOLS, "Qh4# Qf6#", 0, True),
        (FOOLS, "Qf6#", 0, True),
        (FOOLS, "Qh5#", 0, True),
        (FOOLS, "Kxe9, or mate", 0, False),
        (FOOLS, "The queen mates.", 0, False),
        (FOOLS, "", 0, False),
        (PROMOTES, "e8=Q#", 1, True),
        (PROMOTES, "e8Q", 1, True),
        (PROMOTES, "e8=R", 1, True),
        (PROMOTES, "e7e8r", 1, True),
        (PROMOTES, "e8=N", 0, True),
        (PROMOTES, "e8", 0, True),
        (EN_PASSANT, "axb6#", 1, True),
        (EN_PASSANT, "axb6 e.p.", 1, True),
        (EN_PASSANT, "a5b6", 1, True),
        (EN_PASSANT, "Bxb5+", 0, True),
        (DISCOVERS, "Nc6#", 1, True),
        (DISCOVERS, "Nxb7", 0, True),
        (CASTLES, "O-O-O#", 1, True),
        (CASTLES, "0-0-0", 1, True),
        (CASTLES, "O-O", 0, True),
    ],
)
def test_replies(fen, reply, score, formed):
    item = Item(id="1", rule="mate", answers=("?",), truth={"fen": fen})
    found = RULES["mate"](reply, item)
    assert (found.value, found.formed) == (score, formed)


@pytest.mark.parametrize(
    ("reply", "move"),
    [("Nbd2", "b1d2"), ("Nfd2", "f3d2"), ("Nd2", None), ("b1d2", "b1d2"), ("Bd2", "c1d2"), ("Bh5", None), ("e5", None)],
)
def test_a_move_that_might_be_two_is_none(reply, move):
    assert move_said(reply, KNIGHTS) == move


def test_without_python_chess_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "chess", None)
    with pytest.raises(SuiteError, match=r"pip install 'onward\[eval\]'"):
        move_said("Qh4#", FOOLS)


def test_a_file_cannot_ask_for_rules_that_want_to_know_more():
    with pytest.raises(ValueError, match="'mate' is no rule"):
        item_of({"prompt": "?", "answer": "Qh4#", "score": "mate"}, 1)
