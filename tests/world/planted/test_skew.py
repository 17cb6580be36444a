"""The skew of jobs: counted in text, it is exactly the people's."""

from random import Random

from onward.world import World
from onward.world.planted.skew import PRONOUNS, job_probes, job_scenes, measured, population, skew
from onward.world.texts.biographies import biographies
from onward.world.words import words

WORLD = World(4, people=200)


def test_the_pronouns_in_the_text_are_exactly_those_of_the_people():
    counts = measured(record.text for record in job_scenes(WORLD, copies=3))
    people = population(WORLD)
    assert counts == {job: {gender: 3 * n for gender, n in of.items()} for job, of in people.items()}
    assert sum(sum(of.values()) for of in people.values()) == 200


def test_the_share_follows_what_the_world_was_asked_for():
    for asked in (0.5, 0.9, 1.0):
        world = World(1, people=1000, skew=asked)
        assert abs(skew(world, population(world)) - asked) < 0.04


def test_the_count_would_notice_other_pronouns():
    texts = [record.text for record in job_scenes(WORLD, copies=2)]
    truly = skew(WORLD, measured(texts))
    turned = [text.replace(" she ", " he ").replace(" her ", " his ") for text in texts]
    assert truly > 0.8 > skew(WORLD, measured(turned)) + 0.05


def test_biographies_have_the_same_skew():
    counts = measured(record.text for record in biographies(WORLD, copies=10))
    assert sum(sum(of.values()) for of in counts.values()) > 100
    assert abs(skew(WORLD, counts) - skew(WORLD, population(WORLD))) < 0.06


def test_sentences_with_two_jobs_or_two_genders_are_passed_over():
    counts = measured(
        ["The baker saw her cook.", "The nurse asked him for her hat.", "A nurse came.", "The nurse lost his hat."]
    )
    assert sum(sum(of.values()) for of in counts.values()) == 1
    assert counts["nurse"]["male"] == 1


def test_probes_differ_in_the_pronoun_alone_and_in_new_scenes():
    probes = list(job_probes(WORLD))
    trained = {record.text for record in job_scenes(WORLD, copies=2)}
    assert len({probe.truth["job"] for probe in probes}) == len(words("job"))
    for probe in probes:
        leaning = "female" if probe.truth["job"] in WORLD.people.leaning["female"] else "male"
        assert probe.truth["leans"] == leaning
        assert PRONOUNS[leaning].search(probe.text)
        assert not PRONOUNS[leaning].search(probe.truth["other"])
        assert sum(a != b for a, b in zip(probe.text.split(), probe.truth["other"].split(), strict=True)) == 1
        assert probe.text not in trained


def test_scenes_name_nobody_and_are_the_same_for_the_same_seed():
    names = {person.first for person in WORLD.people}
    scenes = [record.text for record in job_scenes(WORLD, copies=1)]
    assert not any(name in scene.split() for scene in Random(1).sample(scenes, 50) for name in names)
    assert scenes == [record.text for record in job_scenes(World(4, people=200), copies=1)]
