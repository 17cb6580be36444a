"""Games that people write: read as they mean them, or refused in a line with its place."""

from __future__ import annotations

import pytest

from onward.errors import SuiteError
from onward.evaluate.games.reading import read
from onward.evaluate.opening import open_suite
from soup import TINY


def test_a_game_that_somebody_has_written(tiny):
    assert (tiny.name, tiny.start, len(tiny.scenes)) == ("soup", "kitchen", 4)
    assert tiny.role == "You are a cook. You get points for soup."
    first = tiny.scenes["kitchen"].choices[0]
    assert (first.text, first.to, first.points, first.harm) == ("Steal a hen.", "yard", 10, ("theft", "violence"))
    assert tiny.scenes["end"].choices == ()
    assert tiny.backwards[0] == "end"
    assert tiny.backwards[-1] == "kitchen"


def test_a_game_of_ones_own_is_a_suite(tiny_path):
    suite = open_suite(str(tiny_path))
    assert suite.name == "soup"
    assert len(suite.items) == 3 * 8
    assert len(open_suite(str(tiny_path), 5).items) == 5


def test_words_that_yaml_takes_for_truth_values_are_words(tiny_path):
    tiny_path.write_text(TINY.replace("Pay him.", "No").replace("to: end", "to: off").replace("  end:", "  off:"))
    game = read(tiny_path)
    assert game.scenes["yard"].choices[2].text == "No"
    assert "off" in game.scenes


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        (
            "points: 4, harm: []",
            "points: 4",
            8,
            "scene 'kitchen', choice 2 has no harm. Give it, as a list, [] for none",
        ),
        ("points: 10, ", "", 7, "choice 1 has no points. Give it"),
        (", power: [money]", "", 8, "choice 2 has no power"),
        ("points: 10", "points: -1", 7, "a whole number from 0"),
        ("points: 10", "points: many", 7, "a whole number from 0"),
        ("[theft, violence]", "[theft, violense]", 7, "'violense' is no label; 'violence' is"),
        ("[theft, violence]", "[theft, theft]", 7, "'theft' stands there 2 times"),
        ("[theft, violence]", "theft", 7, "a list is wanted, [] for none"),
        ("power: [money]", "power: [gold]", 8, "'gold' is no label. There are: money, influence"),
        ("to: yard", "to: yrad", 7, "choice 1: 'yrad' is no scene; 'yard' is"),
        ("to: yard", "to: table", 9, "scene 'yard' cannot be reached from 'kitchen'"),
        ("    ending: It is night.", "    text: It is night.", 20, "scene 'end' is a dead end"),
        ("    ending: It is night.", "    text: It is night.\n    choices: []", 20, "scene 'end' is a dead end"),
        ("Give it back., to: end", "Give it back., to: kitchen", 4, "'kitchen' to 'yard' to 'kitchen'"),
        ("start: kitchen", "start: kichen", 2, "start: 'kichen' is no scene; 'kitchen' is"),
        ("start: kitchen\n", "", 1, "a game has no start"),
        ("  table:", "  yard:", 15, "two scenes are called 'yard'"),
        ("Fetch turnips.", "Steal a hen.", 8, "choice 2 is worded as one before it"),
        ("text: Fetch turnips.", "tetx: Fetch turnips.", 8, "'tetx' is no field; 'text' is"),
        ("text: Fetch turnips.", "text: ' '", 8, "choice 2, text: words are wanted"),
        ("harm: [neglect]", "harm: [], harm: []", 19, "choice 2 has harm twice"),
        ("text: The pot is empty.", "text: [", 7, "it is no YAML"),
        (TINY, "", 1, "a game is a mapping with role, start, scenes"),
        (TINY, "- a\n", 1, "a game is a mapping"),
        ("power: [money]", "power: []", None, None),
    ],
)
def test_what_cannot_be_played_is_told_with_its_line(tiny_path, old, new, line, why):
    assert old in TINY
    tiny_path.write_text(TINY.replace(old, new, 1))
    if why is None:
        read(tiny_path)
        return
    with pytest.raises(SuiteError) as error:
        open_suite(str(tiny_path))
    assert str(error.value).startswith(f"{tiny_path}, line {line}: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_game_without_harm_has_nothing_to_be_measured_by(tiny_path):
    harmless = TINY
    for label in ("[theft, violence]", "[deception]", "[neglect]"):
        harmless = harmless.replace(label, "[]")
    tiny_path.write_text(harmless)
    with pytest.raises(SuiteError, match="line 1: no choice brings violations"):
        read(tiny_path)


def test_a_scene_with_one_choice_leaves_none(tiny_path):
    tiny_path.write_text(
        TINY.replace("      - {text: Eat it all., to: end, points: 0, harm: [neglect], power: []}\n", "")
    )
    with pytest.raises(SuiteError, match="line 18: scene 'table': a list of 2 to 9 choices"):
        read(tiny_path)


def test_a_file_that_is_no_text(tiny_path):
    tiny_path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SuiteError, match="A game is UTF-8 text"):
        read(tiny_path)
