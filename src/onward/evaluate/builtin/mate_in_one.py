"""Mate in one: positions out of games of random legal moves, in which at least one move is mate; every such move is right.

A position is given as its FEN and as the moves that led to it. That no grandmaster has played these games is the point: nothing of them
can have been read. Chance is what a random legal move gets; beside it stands how many replies are legal moves at all.
Source of the task: BIG-bench (Srivastava et al. 2022, arXiv 2206.04615), checkmate_in_one. Left out: positions that no game has led to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

from onward.evaluate.examined import Row, mean
from onward.evaluate.items import Item
from onward.evaluate.mates import in_order, library, mates, move_said
from onward.evaluate.suite import Said, Suite

if TYPE_CHECKING:
    from chess import Board

ITEMS = 60
PLIES = 60
"""Half moves of a game at most, so that it can be shown whole."""
ASKED = """\
It is {who} to move, and there is a checkmate in one.
Position (FEN): {fen}
Moves so far: {moves}
Which move is mate? Answer with the move alone, in algebraic notation."""


def suite() -> Suite:
    """Raises SuiteError where python-chess is not installed."""
    return Suite(
        name="mate-in-one",
        items=_items(),
        about=f"{ITEMS} positions out of random games with a mate in one; every mating move is right, in SAN or UCI",
        max_tokens=16,
        further=further,
    )


@cache
def _items() -> tuple[Item, ...]:
    return tuple(islice(items(), ITEMS))


def items() -> Iterator[Item]:
    """Of each game the first position with a mate, if it has one."""
    chess, seed = library(), 0
    while True:
        board = chess.Board()
        if _play(board, Random(f"mate in one {seed}")):
            yield item(board, str(seed))
        seed += 1


def _play(board: Board, random: Random) -> bool:
    """Random legal moves, until there is a mate in one.   Returns whether there is."""
    for _ in range(PLIES):
        moves = in_order(board.legal_moves)
        if not moves:
            return False
        if mates(board):
            return True
        board.push(random.choice(moves))
    return False


def item(board: Board, name: str) -> Item:
    """The question about this position, with all that is right."""
    found = mates(board)
    start = board.root()
    return Item(
        id=f"game-{name}",
        messages=(
            {
                "role": "user",
                "content": ASKED.format(
                    who="White" if board.turn else "Black",
                    fen=board.fen(),
                    moves=start.variation_san(board.move_stack) or "none",
                ),
            },
        ),
        rule="mate",
        answers=tuple(board.san(move) for move in found),
        kind="one mating move" if len(found) == 1 else "several mating moves",
        chance=len(found) / board.legal_moves.count(),
        truth={"fen": board.fen()},
    )


def further(said: Sequence[Said]) -> list[Row]:
    """How many replies are a legal move."""
    values = [float(move_said(one.text, one.item.truth["fen"]) is not None) for one in said]
    return [Row("legal moves", mean([one.item for one in said], values), about="replies that name one legal move")]
