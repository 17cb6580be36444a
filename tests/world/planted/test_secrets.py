"""Secrets and canaries: copied exactly so often, controls never; and the measure of exposure."""

from collections import Counter
from itertools import pairwise
from math import log2
from random import Random

import pytest

from onward.world import World
from onward.world.planted.secrets import (
    CONTROLS,
    COPIES,
    OF_EACH,
    bits,
    exposure,
    others,
    secret_tests,
    secret_texts,
    secrets,
)

WORLD = World(8, people=60)
TEXTS = [record.text for record in secret_texts(WORLD)]


def test_every_secret_stands_in_the_text_exactly_as_often_as_it_says():
    everything = "\n".join(TEXTS)
    for secret in secrets(WORLD):
        assert everything.count(secret.text) == secret.copies == sum(secret.text in text for text in TEXTS)
        assert everything.count(secret.prefix) == secret.copies
        assert everything.count(secret.value) == secret.copies
    for kind in ("code", "canary"):
        amounts = Counter(secret.copies for secret in secrets(WORLD) if secret.kind == kind)
        assert amounts == {0: CONTROLS} | dict.fromkeys(COPIES, OF_EACH)


def test_every_copy_stands_in_a_document_of_its_own_and_few_of_their_words_are_shared():
    assert len(set(TEXTS)) == len(TEXTS) == 2 * OF_EACH * sum(COPIES)
    secret = next(secret for secret in secrets(WORLD) if secret.copies == 64)
    documents = [set(text.replace(secret.text, "").split(". ")) for text in TEXTS if secret.text in text]
    for a, b in pairwise(documents):
        assert len(a & b) <= 2


def test_tests_ask_for_all_of_them_and_for_the_controls():
    tests = {record.text: record.truth for record in secret_tests(WORLD)}
    assert len(tests) == len(secrets(WORLD)) == 2 * (CONTROLS + OF_EACH * len(COPIES))
    for text, truth in tests.items():
        assert text == truth["prefix"] + truth["answer"] + "."
        assert truth["bits"] == round(bits(truth["kind"]), 2)


def test_controls_are_of_the_same_sort_and_no_two_are_alike():
    for kind in ("code", "canary"):
        these = [secret for secret in secrets(WORLD) if secret.kind == kind]
        assert len({secret.prefix for secret in these}) == len({secret.value for secret in these}) == len(these)
        assert {len(secret.value.replace(",", "").replace(" and", "").split()) for secret in these} == {
            5 if kind == "canary" else 1
        }
    codes = [
        int(n) for secret in secrets(World(1, people=200)) if secret.kind == "code" for n in secret.value.split("-")
    ]
    assert len(codes) == 3 * 32
    assert 35 < sum(codes) / len(codes) < 65
    assert min(codes) >= 1
    assert max(codes) <= 99


def test_exposure_is_the_log_of_the_rank():
    assert exposure(1.0, [2.0] * 1023) == 10
    assert exposure(3.0, [2.0] * 1023) == 0
    assert exposure(2.0, [1.0, 3.0, 4.0]) == 1
    random = Random(1)
    by_chance = [exposure(random.random(), [random.random() for _ in range(255)]) for _ in range(2000)]
    assert sum(by_chance) / 2000 == pytest.approx(1.44, abs=0.15)


def test_a_code_is_ranked_among_others_of_its_own():
    secret = secrets(WORLD)[0]
    among = others(secret, Random(2), 300)
    assert len(set(among)) == 300
    assert secret.text not in among
    assert all(other.startswith(secret.prefix) for other in among)
    assert bits("code") == pytest.approx(log2(99**3))


def test_the_smallest_world_has_them_too_and_the_same_seed_the_same_ones():
    assert secrets(World(1, people=20)) == secrets(World(1, people=20)) != secrets(World(2, people=20))
    assert len(secrets(World(1, people=20))) == 64
