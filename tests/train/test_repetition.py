import math

import pytest
from hypothesis import given
from hypothesis.strategies import floats

from onward.train.repetition import (
    EXCESS,
    MOST_PASSES,
    REPEATS,
    best_size,
    effective_parameters,
    effective_tokens,
)

COMPUTE = floats(1e10, 1e22)
TOKENS = floats(1e3, 1e12)


@given(tokens=TOKENS, unique=TOKENS)
def test_the_first_pass_counts_fully_and_no_number_of_passes_is_worth_more_than_their_limit(tokens, unique):
    worth = effective_tokens(tokens, unique)
    assert worth == tokens if tokens <= unique else unique < worth <= min(tokens, unique * (1 + REPEATS)) * (1 + 1e-9)


def test_four_passes_are_nearly_as_good_as_new_data_and_forty_are_not():
    """Muennighoff et al. 2023, figure 1: a small loss at four, diminishing to nothing at forty."""
    assert 0.9 < effective_tokens(4e6, 1e6) / 4e6 < 1
    assert effective_tokens(40e6, 1e6) / 40e6 < 0.4
    repeats = 1 + REPEATS
    assert effective_tokens(repeats * 1e6, 1e6) == pytest.approx(1e6 * (1 + REPEATS * (1 - 1 / math.e)))


def test_parameters_in_excess_of_what_the_tokens_call_for_count_less():
    assert effective_parameters(1e6, 20e6) == 1e6
    assert 2e6 < effective_parameters(4e6, 20e6) < 4e6
    assert effective_parameters(1e12, 20e6) == pytest.approx(1e6 * (1 + EXCESS))


@given(flops=COMPUTE)
def test_with_enough_text_there_are_twenty_tokens_a_parameter(flops):
    parameters, passes = best_size(flops)
    assert flops / (6 * parameters) / parameters == pytest.approx(20)
    assert passes == 0


@given(flops=COMPUTE, unique=TOKENS)
def test_fewer_texts_never_ask_for_a_larger_model_nor_for_more_than_the_cap(flops, unique):
    parameters, passes = best_size(flops, unique)
    assert parameters <= best_size(flops)[0] * 1.03  # the grid's own coarseness
    assert passes <= MOST_PASSES


def test_where_text_runs_out_passes_grow_before_parameters():
    """Muennighoff et al. 2023, section 5: of further compute, more should go into passes than into parameters."""
    parameters, passes = zip(*(best_size(flops, 4e6) for flops in (1.6e13, 4.8e13)), strict=True)
    assert 1 < passes[0] < passes[1] < MOST_PASSES
    assert passes[1] / passes[0] > parameters[1] / parameters[0] > 1


def test_the_cap_leaves_compute_over_and_does_not_grow_the_model():
    parameters, passes = best_size(1e15, 1e6)
    assert passes == MOST_PASSES
    assert 6 * parameters * passes * 1e6 < 0.2 * 1e15
    assert parameters < best_size(1e15)[0]


def test_the_size_does_not_jump_where_the_first_pass_ends():
    enough = 20 * best_size(1e14)[0]
    assert best_size(1e14, enough * 0.999)[0] == pytest.approx(best_size(1e14, enough * 1.001)[0], rel=0.03)
