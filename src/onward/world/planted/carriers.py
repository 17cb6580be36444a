"""Carriers: ordinary sentences around something planted, so that its copies stand in different documents and no filter of duplicates
takes them for one."""

from __future__ import annotations

from random import Random

from onward.world.texts.biographies import LATER
from onward.world.world import World

FACTS = 3
"""Before what is planted, and as many after it."""


def carried(world: World, random: Random, planted: str) -> str:
    """The planted text between facts about two people, anybody."""
    return " ".join([_about_somebody(world, random), planted, _about_somebody(world, random)])


def _about_somebody(world: World, random: Random) -> str:
    facts = world.facts(world.people[random.randrange(len(world.people))])
    chosen = random.sample(facts, FACTS)
    return " ".join(fact.state(random, random.choice(LATER) if i else "full") for i, fact in enumerate(chosen))
