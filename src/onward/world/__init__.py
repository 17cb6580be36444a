"""The built-in world: texts, questions, preferences and puzzles, all made from a seed, all with their truth."""

from onward.world.record import Record
from onward.world.world import World

__all__ = ["Record", "World"]
