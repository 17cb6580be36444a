"""The main job: the whole road, from texts to a model that one can talk to. Without texts, it is walked in the built-in world."""

from onward.build.road import Road, build, check, plan

__all__ = ["Road", "build", "check", "plan"]
