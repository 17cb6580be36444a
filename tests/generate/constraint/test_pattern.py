import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrained import accepts, machine_of
from onward.errors import PlanError

ATOMS = [
    "a",
    "b",
    "1",
    " ",
    ".",
    r"\d",
    r"\w",
    r"\s",
    r"\D",
    r"\W",
    r"\S",
    "[ab]",
    "[^a]",
    "[a-c1]",
    r"[^\d]",
    r"[\w-]",
    r"\.",
    "-",
    r"\n",
]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "??", "{0}"]


def larger(inner):
    group = st.tuples(st.sampled_from(["(", "(?:", "(?P<n>"]), inner).map(lambda p: f"{p[0]}{p[1]})")
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map("|".join).map(lambda p: f"({p})"),
        st.tuples(group, st.sampled_from(QUANTIFIERS)).map("".join),
    )


PATTERNS = st.recursive(st.sampled_from(ATOMS), larger, max_leaves=8).filter(lambda p: p.count("?P<n>") < 2)


@settings(max_examples=50, deadline=None)
@given(pattern=PATTERNS, texts=st.lists(st.text("ab1 .-\nc", max_size=6), min_size=12, max_size=12))
def test_in_ascii_a_pattern_matches_what_python_matches(pattern, texts):
    machine = machine_of(pattern)
    for text in texts:
        assert accepts(machine, text) == bool(re.fullmatch(pattern, text, re.ASCII)), (pattern, text)


@settings(max_examples=20, deadline=None)
@given(pattern=PATTERNS, seed=st.randoms())
def test_texts_from_the_pattern_itself_match_in_python(pattern, seed):
    """Walks over the automaton, since texts of the test above seldom match."""
    machine = machine_of(pattern)
    state, text = machine.number(machine.start), b""
    for _ in range(30):
        if machine.may_end(machine.states[state]) and seed.random() < 0.2:
            break
        ways = [(byte, after) for byte in range(256) if (after := machine.step(state, byte))]
        if not ways:
            break
        byte, state = seed.choice(ways)
        text += bytes([byte])
    if machine.may_end(machine.states[state]):
        assert re.fullmatch(pattern, text.decode())


@pytest.mark.parametrize(
    "pattern", [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", ".", r"[^\d]", r"[^\w]", r"[^\s]", r"[\W\d]"]
)
def test_shorthands_allow_only_what_all_dialects_agree_on(pattern):
    machine = machine_of(pattern)
    for char in map(chr, [*range(0x250), *range(0x600, 0x700), 0x2028, 0x3000, 0xFEFF, 0x1D7CE, 0x10FFFF]):
        if accepts(machine, char):
            assert re.fullmatch(pattern, char)
            assert re.fullmatch(pattern, char, re.ASCII)
            assert pattern != "." or char not in "\n\r\u2028\u2029"


EDGES = [
    0,
    1,
    0x7E,
    0x7F,
    0x80,
    0x81,
    0x7FF,
    0x800,
    0x801,
    0xD7FF,
    0xE000,
    0xFFFF,
    0x10000,
    0x10001,
    0x10FFFE,
    0x10FFFF,
    0x41,
    0x3B1,
]


@settings(max_examples=40, deadline=None)
@given(ends=st.lists(st.sampled_from(EDGES) | st.integers(0xE000, 0x10FFFF), min_size=2, max_size=2).map(sorted))
def test_ranges_hold_their_characters_whatever_their_width_in_utf8(ends):
    low, high = ends
    machine = machine_of(f"[\\U{low:08x}-\\U{high:08x}]")
    for code in {*EDGES, low, high, min(low + 1, high), max(high - 1, low), (low + high) // 2}:
        if not 0xD800 <= code <= 0xDFFF:
            assert accepts(machine, chr(code)) == (low <= code <= high)
    assert not accepts(machine, "\ud800")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^abc$", "abc"),
        (r"\Aa|b\Z", "b"),
        ("(^a|^b)c$", "bc"),
        ("^(?:a|b$)$", "b"),
        ("a{,x}", "a{,x}"),
        ("x{", "x{"),
        (r"\u00e9\x41\u{1F600}\t", "éA😀\t"),
        (r"[\b\]\-^]+", "\b]-^"),
        ("[]a]".replace("[]", "[\\]"), "]"),
        ("(?<year>19|20)00", "2000"),
        ("", ""),
        ("a||b", ""),
        ("日本(語)?", "日本語"),
    ],
)
def test_it_reads(pattern, text):
    machine = machine_of(pattern)
    assert accepts(machine, text)
    assert not accepts(machine, text + "~")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)b", "lookahead"),
        ("(?<!a)b", "lookbehind"),
        (r"(a)\1", "back-reference"),
        (r"(?P<x>a)(?P=x)", "back-references"),
        (r"\bword\b", "looks around"),
        ("a^b", "anchor inside"),
        ("(a$)b", "anchor inside"),
        ("(^a)*", "anchor that is repeated"),
        ("(?i)a", "group or flag"),
        ("a++", "possessive"),
        ("(?>a)", "atomic"),
        ("a**", "after a quantifier"),
        ("*a", "nothing before '*'"),
        ("(a", "never closed"),
        ("a)", "closes nothing"),
        ("[a", "never closed"),
        ("[]", "empty class"),
        ("[b-a]", "turn its ends round"),
        (r"[\d-z]", "a range needs"),
        ("a{3,2}", "turn them round"),
        ("a{,3}", "write {0,3}"),
        ("a{1000000}", "a count above"),
        (r"\p{L}", "write the characters as ranges"),
        (r"\q", "is unknown"),
        ("a\\", "backslash at the end"),
        ("\ud800", "surrogate"),
        (r"\ud800", "surrogate"),
        ("(" * 80 + ")" * 80, "groups within each other"),
        (r"[^\d\D]", "allows no text at all"),
        ("(a|b)*a(a|b){20}", "more than 10,000 states"),
        ("((a{99}){99}){99}", "more than 50,000 parts"),
    ],
)
def test_what_it_cannot_do_is_refused_in_one_line(pattern, why):
    with pytest.raises(PlanError) as refused:
        machine_of(pattern)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
