"""The main job: the whole road, from texts to a model that one can talk to. Without texts, it is walked in the built-in world."""

from onward.build.road import Road, build, check

__all__ = ["Road", "build", "check"]
