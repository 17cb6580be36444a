"""Who thinks what: the classic plots, whose answers are known from the literature."""

from __future__ import annotations

from onward.world.minds.minds import MOST_EVENTS, MOST_MOVES, OPENING, Event, X, Y, Z, plots, possible


def beliefs_after(*events: Event) -> dict[tuple[int, ...], int]:
    scene = OPENING
    for i, event in enumerate(events):
        assert event in possible(scene, events[i - 1].does if i else None)
        scene = scene.after(event)
    return dict(scene.beliefs)


def test_sally_who_was_out_thinks_the_thing_is_where_she_left_it() -> None:
    """Wimmer and Perner 1983; Baron-Cohen, Leslie and Frith 1985."""
    found = beliefs_after(Event("leave", X), Event("move", Y), Event("enter", X))
    assert (found[X,], found[Y,], found[Y, X]) == (0, 1, 0)


def test_who_stays_in_the_room_knows_and_is_known_to_know() -> None:
    found = beliefs_after(Event("move", Y), Event("leave", X))
    assert (found[X,], found[Y, X], found[X, Y]) == (1, 1, 1)


def test_who_watches_unseen_knows_and_is_thought_not_to_know() -> None:
    """Perner and Wimmer 1985, the second-order story: both know, and one does not know of the other."""
    found = beliefs_after(Event("leave", X), Event("move", Y), Event("watch", X))
    assert (found[X,], found[Y, X], found[X, Y]) == (1, 0, 1)


def test_who_is_told_knows_and_the_teller_knows_it() -> None:
    found = beliefs_after(Event("leave", X), Event("move", Y), Event("enter", X), Event("tell", Y, X))
    assert (found[X,], found[Y, X], found[X, Y]) == (1, 1, 1)


def test_what_one_is_told_says_nothing_of_who_else_knows() -> None:
    """Y hears from Z, and cannot know that X was looking on; the rest stays as it was."""
    events = [Event("enter", Z), Event("leave", Y), Event("move", Z), Event("leave", Z)]
    before, after = beliefs_after(*events), beliefs_after(*events, Event("tell", Z, Y))
    assert (before[Y,], before[Y, X]) == (0, 0)
    assert (after[Y,], after[Y, Z], after[Z, Y]) == (1, 1, 1)
    assert (Y, X) not in after
    assert after[X, Y] == before[X, Y] == 0


def test_every_plot_is_as_long_as_it_may_be_and_every_kind_of_question_has_some() -> None:
    found = plots()
    assert len(found) == 6 + 8 + 2
    for by_length in found.values():
        for length, those in by_length.items():
            assert length <= MOST_EVENTS
            assert all(len(plot.events) == length for plot in those)
            assert all(sum(event.does == "move" for event in plot.events) <= MOST_MOVES for plot in those)


def test_nobody_moves_the_thing_who_is_wrong_about_its_place() -> None:
    scene = OPENING.after(Event("leave", X)).after(Event("move", Y)).after(Event("enter", X))
    assert Event("move", X) not in possible(scene, "enter")
    assert Event("move", Y) in possible(scene, "enter")
