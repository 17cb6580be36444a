"""Facts about the way from one city to another, in the form of truth.json: they have a place that they lead to besides their subject."""

from __future__ import annotations

from onward.world.entities import City
from onward.world.geography import Map, direction, distance


def direction_fact(a: City, b: City) -> dict[str, str]:
    """Where b lies as seen from a."""
    return {"subject": a.name, "relation": "direction", "value": direction(a, b), "to": b.name}


def distance_fact(a: City, b: City) -> dict[str, str]:
    """Kilometres in a straight line."""
    return {"subject": a.name, "relation": "distance", "value": str(distance(a, b)), "to": b.name}


def road_fact(map_: Map, a: City, b: City) -> dict[str, str]:
    """Kilometres along the shortest way by road."""
    return {"subject": a.name, "relation": "road length", "value": str(map_.length(map_.route(a, b))), "to": b.name}
