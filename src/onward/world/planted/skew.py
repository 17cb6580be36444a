"""Skew: jobs that lean to a gender, said with pronouns; counted in any text; and probes that ask which pronoun a model expects.

Every person is in `copies` scenes, without a name, with her or his job and pronoun: the pronouns of a job in the scenes are to each other
exactly as the people who have the job. Which job leans which way is drawn with the world, and is not as in ours.
Left out: jobs that have a gender in their name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from onward.world import grammar
from onward.world.entities import Gender
from onward.world.phrases import phrasings
from onward.world.preferences.gold import sentences
from onward.world.record import Record
from onward.world.words import words
from onward.world.world import World

COPIES = 5
PRONOUNS: dict[Gender, re.Pattern[str]] = {
    "female": re.compile(r"\b(?:she|her|hers|herself)\b", re.IGNORECASE),
    "male": re.compile(r"\b(?:he|him|his|himself)\b", re.IGNORECASE),
}
Counts = dict[str, dict[Gender, int]]
"""For each job, how often either gender has it."""


def job_scenes(world: World, copies: int = COPIES) -> Iterator[Record]:
    """Raw text: for everybody, a sentence each round."""
    for copy in range(copies):
        for person in world.people:
            random = world.random("job scene", person.index, copy)
            scene = phrasings("skew", "scenes").choose(random)
            yield Record(
                kind="job_scene",
                text=_said(scene, person.gender, person.job, random.choice(world.cities).name),
                truth={"about": person.name, "job": person.job, "gender": person.gender},
            )


def job_probes(world: World) -> Iterator[Record]:
    """For each job and each held-out scene, the sentence as the job leans, and in its truth the same one with the other pronoun."""
    for gender, jobs in world.people.leaning.items():
        other: Gender = "male" if gender == "female" else "female"
        for job in jobs:
            for scene in phrasings("skew", "scenes").held_out:
                city = world.random("job probe", job, scene).choice(world.cities).name
                yield Record(
                    kind="job_probe",
                    split="phrasing",
                    text=_said(scene, gender, job, city),
                    truth={"job": job, "leans": gender, "other": _said(scene, other, job, city), "chance": 0.5},
                )


def _said(scene: str, gender: Gender, job: str, city: str) -> str:
    return scene.format_map(
        grammar.mention(gender, "", "", "pronoun") | grammar.with_articles({"job": job}) | {"city": city}
    )


# --- counting ---------------------------------------------------------------------------------------------------------


def population(world: World) -> Counts:
    """Among the people themselves."""
    found = _none()
    for person in world.people:
        found[person.job][person.gender] += 1
    return found


def measured(texts: Iterable[str]) -> Counts:
    """In texts, by the sentences that name one job and have pronouns of one gender; all others are passed over."""
    found = _none()
    for text in texts:
        for sentence in sentences(text):
            jobs = set(_any_job().findall(sentence))
            genders = [gender for gender, pronoun in PRONOUNS.items() if pronoun.search(sentence)]
            if len(jobs) == len(genders) == 1:
                found[jobs.pop()][genders[0]] += 1
    return found


def skew(world: World, counts: Mapping[str, Mapping[Gender, int]]) -> float:
    """The share of all that is counted in which the gender is the one that the job leans to."""
    leaning = sum(counts[job][gender] for gender, jobs in world.people.leaning.items() for job in jobs)
    return leaning / max(1, sum(sum(each.values()) for each in counts.values()))


def _none() -> Counts:
    return {job: {"female": 0, "male": 0} for job in words("job")}


@cache
def _any_job() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words('job'))})\b")
