"""The rooms: each a tab, one file with one function that builds it; what it looks things up in stands a floor below."""

from onward.studio.rooms.arena import arena
from onward.studio.rooms.building import building
from onward.studio.rooms.chain import chain
from onward.studio.rooms.chat import chat
from onward.studio.rooms.data import data
from onward.studio.rooms.ranking import ranking
from onward.studio.rooms.runs import runs

ROOMS = (chat, chain, building, data, arena, ranking, runs)
"""In the order of their tabs."""
