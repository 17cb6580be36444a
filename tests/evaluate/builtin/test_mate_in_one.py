"""Mate in one: each position is reached again by its moves as they are printed, and all moves that mate are known."""

from __future__ import annotations

import re
from random import Random

import chess
import pytest

from onward.evaluate.builtin import mate_in_one
from onward.evaluate.settings import How


@pytest.fixture(scope="module")
def suite():
    return mate_in_one.suite()


def replayed(asked: str) -> chess.Board:
    """The board after the moves of a question, one by one."""
    board = chess.Board()
    moves = re.search(r"Moves so far: (.*)", asked)[1]
    for move in re.sub(r"\d+\.+", "", moves).split():
        board.push_san(move)
    return board


def is_mated(board: chess.Board) -> bool:
    """By the definition: in check, and no move at all."""
    king = board.king(board.turn)
    return board.is_attacked_by(not board.turn, king) and not any(board.generate_legal_moves())


def test_the_moves_lead_to_the_position_and_the_answers_are_all_its_mates(suite):
    assert len(suite.items) == mate_in_one.ITEMS
    for item in suite.items:
        board = replayed(item.question)
        assert board.fen() == item.truth["fen"]
        assert f"(FEN): {board.fen()}\n" in item.question
        assert item.question.startswith("It is White" if board.turn else "It is Black")
        found = set()
        for move in list(board.legal_moves):
            name = board.san(move)
            board.push(move)
            if is_mated(board):
                found.add(name)
            board.pop()
        assert found == set(item.answers)
        assert item.chance == len(found) / board.legal_moves.count() > 0


def test_the_same_games_are_made_again(suite):
    again = mate_in_one.items()
    assert [next(again) for _ in range(3)] == list(suite.items[:3])


def test_who_sees_the_mate_is_right_always(suite, planted, knowing):
    rows = planted(suite, knowing(suite))
    assert rows["share right"].measured.value == 1
    assert rows["legal moves"].measured.value == 1
    assert rows["control: answers to other questions"].measured.value < 0.1


def test_who_plays_any_legal_move_is_right_by_chance(suite, planted):
    def random_move(random):
        def say(asked):
            board = replayed(asked)
            return board.san(random.choice(list(board.legal_moves)))

        return say

    how = How(seeds=30, temperature=1.0)
    rows = planted(suite, random_move(Random(0)), how=how)
    right = rows["share right"]
    assert rows["legal moves"].measured.value == 1
    assert right.measured.low <= right.chance <= right.measured.high
    assert right.measured.high < 0.06


def test_who_names_squares_that_cannot_be_reached_plays_no_legal_move(suite, planted):
    rows = planted(suite, lambda _: "Kd9, Qq4, or i3")
    assert rows["legal moves"].measured.value == 0
    assert rows["not in the form asked for"].measured.value == 1
