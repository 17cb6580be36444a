"""The world holds together: relatives, friends, map and split, checked from outside."""

import tracemalloc
from itertools import islice, pairwise

import pytest

from onward.errors import WorldError
from onward.world import World
from onward.world.geography import COMPASS, direction, distance
from onward.world.texts.biographies import biographies


@pytest.fixture(scope="module")
def world() -> World:
    return World(5, people=230)


def test_the_same_seed_is_the_same_world_and_another_one_is_not():
    assert World(5, people=40).people[:] == World(5, people=40).people[:]
    assert World(5, people=40).people[:] != World(6, people=40).people[:]


def test_people_do_not_depend_on_which_of_them_were_drawn_before():
    alone = World(5, people=230).people[117]
    assert list(World(5, people=230).people)[117] == alone


def test_no_two_people_have_the_same_name():
    people = World(1, people=20_000).people
    assert len({person.name for person in people}) == len(people)


def test_kinship_agrees_from_every_side(world):
    for person in world.people:
        spouse, mother, father = world.spouse(person), world.mother(person), world.father(person)
        if spouse:
            assert world.spouse(spouse) == person
            assert (spouse.gender, spouse.city) != (person.gender, None)
            assert spouse.city == person.city
        for parent in filter(None, (mother, father)):
            assert person in world.children(parent)
            assert parent.born <= person.born - 18
        if mother and father:
            assert (mother.gender, father.gender) == ("female", "male")
            assert world.spouse(mother) == father
        for sibling in world.siblings(person):
            assert person in world.siblings(sibling)
            assert sibling.born != person.born


def test_some_parents_are_not_known(world):
    assert sum(world.mother(person) is None for person in world.people) == pytest.approx(0.4 * 230, abs=2)


@pytest.mark.parametrize("people", [20, 23, 51, 230])
def test_friendship_is_mutual_and_stays_on_one_side_of_the_split(people):
    world = World(2, people=people)
    for person in world.people:
        for friend in world.friends(person):
            assert person in list(world.friends(friend))
            assert friend.index // 10 != person.index // 10
            assert world.is_held_out(friend) == world.is_held_out(person)


def test_one_family_in_five_is_held_out_as_a_whole(world):
    held_out = [person.index // 10 for person in world.people if world.is_held_out(person)]
    assert len(held_out) == world.people.held_out == 10 * len(set(held_out))
    assert all(sum(family // 5 == block for family in set(held_out)) == 1 for block in range(4))


def test_there_is_always_somebody_held_out_and_somebody_who_is_not():
    for seed in range(20):
        world = World(seed, people=20)
        assert 0 < sum(map(world.is_held_out, world.people)) < 20


def test_people_are_found_by_name_and_strangers_are_not(world):
    assert all(world.people.find(person.name.upper()) == person for person in world.people)
    assert world.people.find("Nobody Atall") is None


def test_jobs_lean_as_they_are_told():
    people = World(3, people=4000, skew=0.9).people
    leaning = [person.job in people.leaning[person.gender] for person in people]
    assert sum(leaning) / len(leaning) == pytest.approx(0.9, abs=0.02)
    even = World(3, people=4000, skew=0.5).people
    assert sum(p.job in even.leaning[p.gender] for p in even) / 4000 == pytest.approx(0.5, abs=0.03)


def test_every_city_can_be_reached_by_road_and_no_way_is_shorter_than_the_straight_line(world):
    for a in world.cities:
        for b in world.cities:
            route = world.map.route(a, b)
            assert (route[0], route[-1]) == (a, b)
            assert world.map.length(route) >= distance(a, b) - len(route)
            assert all(y.index in world.map.neighbours[x.index] for x, y in pairwise(route))


def test_no_detour_over_a_third_city_is_shorter_than_the_route(world):
    lengths = {(a, b): world.map.length(world.map.route(a, b)) for a in world.cities for b in world.cities}
    assert all(lengths[a, c] <= lengths[a, b] + lengths[b, c] for a, b in lengths for c in world.cities)


def test_directions_are_opposite_from_the_other_end(world):
    a, b = world.cities[0], world.cities[-1]
    assert COMPASS.index(direction(a, b)) == (COMPASS.index(direction(b, a)) + 4) % 8
    east = max(world.cities, key=lambda city: city.x)
    assert "west" in direction(east, min(world.cities, key=lambda city: city.x))


def test_every_country_has_one_capital_that_lies_in_it(world):
    for country in world.countries:
        assert world.capital(country).country == country
        assert sum(city.capital for city in world.cities if city.country == country) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"people": 5}, "5 people"),
        ({"people": 10**6}, "1000000 people"),
        ({"cities": 2}, "2 cities"),
        ({"skew": 0.2}, "skew of 0.2"),
    ],
)
def test_an_impossible_world_is_refused_in_words(arguments, words):
    with pytest.raises(WorldError, match=words):
        World(0, **arguments)


def test_a_hundred_thousand_people_stream_past_in_little_memory():
    world = World(0, people=100_000)
    tracemalloc.start()
    for _ in islice(biographies(world), 1000):
        pass
    early = tracemalloc.get_traced_memory()[1]
    for _ in islice(biographies(world), 2000):
        pass
    late = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert late < 1.2 * early + 2**20
