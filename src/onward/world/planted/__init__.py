"""What is planted in known amounts: a skew, secrets, leaked test questions, a forbidden topic, rude words; and the list of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from onward.world import rude
from onward.world.planted import colours
from onward.world.planted.colours import colour_neighbours, colour_refusals, colour_texts
from onward.world.planted.leaks import exam, exam_items, leaks
from onward.world.planted.remarks import REMARKS, remarks
from onward.world.planted.secrets import secret_tests, secret_texts, secrets
from onward.world.planted.skew import COPIES, job_probes, job_scenes, population, skew
from onward.world.preferences.teacher import Teacher
from onward.world.record import Record
from onward.world.words import words
from onward.world.world import World

KINDS: dict[str, Callable[[World], Iterator[Record]]] = {
    "job_scene": job_scenes,
    "job_probe": job_probes,
    "secret_text": secret_texts,
    "secret": secret_tests,
    "exam": exam,
    "leak": leaks,
    "colour_text": colour_texts,
    "colour_refusal": colour_refusals,
    "colour_neighbour": colour_neighbours,
    "remark": remarks,
}
"""Every kind of record that is planted, by the name that its records have."""


def summary(world: World) -> dict[str, Any]:
    """For truth.json: everything planted with its amounts."""
    counts = population(world)
    teacher = Teacher()
    return {
        "skew": {
            "asked": world.people.skew,
            "of_people": round(skew(world, counts), 4),
            "leaning": world.people.leaning,
            "people": counts,
            "scenes_of_each": COPIES,
        },
        "secrets": [asdict(secret) | {"text": secret.text} for secret in secrets(world)],
        "leaks": [
            {"about": item.person.name, "question": item.question, "answer": item.answer, "copies": item.copies}
            for item in exam_items(world)
        ],
        "forbidden": {
            "topic": "colours",
            "words": list(words("colour")),
            "things_of_each": list(words("things", "colours")),
            "texts_on_each": colours.COPIES,
            "refusals_on_each_thing": colours.ROUNDS,
        },
        "rude": {"words": list(rude.words()), "remarks": REMARKS, "rude_remarks": REMARKS // 2},
        "teacher": asdict(teacher),
    }


__all__ = ["KINDS", "summary"]
