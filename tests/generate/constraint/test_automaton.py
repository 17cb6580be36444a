import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.generate.constraint import characters
from onward.generate.constraint.automaton import compile
from onward.generate.constraint.pattern import parse
from onward.generate.constraint.syntax import ANY, Both, Call, Quoted, Repeat, then


def accepts(automaton, text: bytes) -> bool:
    state = 0
    for byte in text:
        state = int(automaton.step[state, byte])
        if state < 0:
            return False
    return automaton.final[state]


@pytest.mark.parametrize(
    ("pattern", "states"),
    [("abc", 4), ("abc|xbc|y(b)c", 4), ("(a|b)*", 1), ("(a|b)*abb", 4), ("a?a?a?", 4), ("(aa|aaa)+|a", 2), ("[^a]", 9)],
)
def test_there_are_no_more_states_than_texts_can_tell_apart(pattern, states):
    assert len(compile(parse(pattern)).final) == states


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "é", "[^b]"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2,3}"])).map(lambda p: f"({p[0]}){p[1]}"),
    ),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(pattern=PATTERNS)
def test_some_text_tells_any_two_states_apart(pattern):
    """The plainest way: split by what follows, again and again, until nothing changes."""
    automaton = compile(parse(pattern))
    kinds = [int(final) for final in automaton.final]
    while True:
        signs = [
            (kind, *(kinds[t] if t >= 0 else -1 for t in row))
            for kind, row in zip(kinds, automaton.step.tolist(), strict=True)
        ]
        finer = [sorted(set(signs)).index(sign) for sign in signs]
        if len(set(finer)) == len(set(kinds)):
            break
        kinds = finer
    assert len(set(kinds)) == len(kinds)


def test_many_optional_parts_stay_small():
    assert len(compile(parse("(a?){400}")).final) == 401
    assert len(compile(parse("a{0,400}")).final) == 401


def test_both_allows_what_each_of_the_two_allows():
    both = compile(Both(parse("[a-m]*"), parse("(?:..)*")))
    assert [accepts(both, text) for text in (b"", b"a", b"ab", b"az", b"abcd")] == [True, False, True, False, True]


def test_a_quoted_text_is_escaped_and_its_length_is_counted_in_characters():
    three = compile(Quoted(Repeat(ANY, 3, 3)))
    for text in (b'\\"\\\\\\n', "é😀語".encode()):
        assert accepts(three, text)
    for text in (b'a"b', b"a\nb", b"\\u0041bc", b"ab", b"\x00\x01\x02"):
        assert not accepts(three, text)


def test_an_alphabet_leaves_out_what_it_does_not_hold():
    some = compile(parse("[a-z]+|7"), characters.of("abc"))
    assert [accepts(some, text) for text in (b"abc", b"abd", b"7")] == [True, False, False]


def test_calls_stay_edges():
    automaton = compile(then("[", Call("inner"), "]"))
    assert [rule for calls in automaton.calls for rule, _ in calls] == ["inner"]
