"""Chess: which move a reply names, and whether it is mate, with python-chess as the one who knows the rules.

A move may be written as in books (SAN: Qxh7#, e8=Q, O-O) or as programs write it (UCI: g6h7, e7e8q), with or without its + or #. Where a
reply has moves with a #, these are what it says. It says a move only if it names one legal move and no other: naming all of them does not
help, and two pieces that can both go there make no move. Left out: moves in words, and games (this is one move).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from onward.errors import SuiteError

if TYPE_CHECKING:
    from chess import Board, Move

_MOVE = re.compile(
    r"(?<![\w-])((?:[KQRBN]?[a-h]?[1-8]?[x-]?[a-h][1-8](?:=?[QRBNqrbn])?|(?:O-O|0-0)(?:-O|-0)?)(?:[+#]|(?![\w-])))"
)


def library() -> ModuleType:
    """python-chess.   Raises SuiteError where it is not installed."""
    try:
        import chess
    except ImportError as error:
        raise SuiteError("Chess needs python-chess, which is not installed: pip install 'onward[eval]'.") from error
    return chess


@cache
def mating(fen: str) -> frozenset[str]:
    """All moves that are mate, in UCI."""
    board = library().Board(fen)
    return frozenset(move.uci() for move in mates(board))


def mates(board: Board) -> list[Move]:
    """All moves that are mate, in the order of their squares."""
    return in_order(move for move in board.legal_moves if _is_mate(board, move))


def _is_mate(board: Board, move: Move) -> bool:
    board.push(move)
    found = board.is_checkmate()
    board.pop()
    return found


def in_order(moves: Iterable[Move]) -> list[Move]:
    """By their squares, and so not by how they were found."""
    return sorted(moves, key=lambda move: (move.from_square, move.to_square, move.promotion or 0))


def names_a_move(reply: str) -> bool:
    """Whether there is anything in it that is written as a move."""
    return bool(_MOVE.search(reply))


def move_said(reply: str, fen: str) -> str | None:
    """The one legal move that it names, in UCI; None for none, and for several."""
    written = _MOVE.findall(reply)
    board = library().Board(fen)
    found = {move for one in ([one for one in written if one[-1] == "#"] or written) if (move := _read(one, board))}
    return found.pop() if len(found) == 1 else None


def _read(written: str, board: Board) -> str | None:
    """In UCI; None for what is not legal here, or might be two moves."""
    plain = written.rstrip("+#")
    try:
        move = board.parse_uci(plain) if re.fullmatch(r"(?:[a-h][1-8]){2}[qrbn]?", plain) else board.parse_san(plain)
    except ValueError:
        return None
    return move.uci() if move in board.legal_moves else None
