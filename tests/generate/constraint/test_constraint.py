import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constrained import TEXTS, ids_of, llama_like, ours, unigram_like, walk, word_pieces
from onward.errors import PlanError, TokenizerError
from onward.generate.constraint import constraint as constraints
from onward.generate.constraint import of_choices, of_regex, of_schema
from onward.tokens.tokenizer import Tokenizer

CHOICES = ["yes", "no", "nobody", "你好", "The quick brown fox", "The end", "😀"]
PATTERN = r"(\d{4}-\d\d ?|quick |é|😀|[^\x00-\u2fff]){1,6}"


def reach(constraint, ids):
    state = constraint.start
    for id in ids:
        state = constraint.after(state, id)
        if state is None:
            return None
    return state


@settings(max_examples=15, deadline=None)
@given(choice=st.sampled_from(CHOICES), length=st.integers(0, 25))
def test_a_token_is_allowed_exactly_where_a_choice_goes_on_with_it(choice, length):
    tokenizer = ours()
    constraint = of_choices(tokenizer, CHOICES)
    written = choice.encode()[:length]
    state = constraint.start
    for byte in written:
        state = constraint.after(state, next(id for id in range(256) if tokenizer.token_bytes(id) == bytes([byte])))
    mask = constraint.allowed(state)
    assert mask.shape == (tokenizer.highest_id + 1,)
    for id in range(tokenizer.highest_id + 1):
        text = tokenizer.token_bytes(id)
        if id in tokenizer.eos_ids:
            assert mask[id] == (written.decode(errors="ignore") in CHOICES and written in [c.encode() for c in CHOICES])
        else:
            goes_on = any(c.encode().startswith(written + text) for c in CHOICES)
            assert mask[id] == (goes_on and id not in tokenizer.special_ids)


@pytest.mark.parametrize("seed", range(12))
def test_walks_over_allowed_tokens_never_get_stuck_and_end_in_a_match(seed):
    tokenizer = ours()
    ids = walk(of_regex(tokenizer, PATTERN), tokenizer, seed)
    assert re.fullmatch(PATTERN, tokenizer.decode(ids))


@pytest.mark.parametrize("seed", range(4))
def test_the_mask_is_what_one_token_at_a_time_says(seed):
    """Two ways: the walk over the trie, and the bytes of each token by themselves."""
    tokenizer = ours()
    constraint = of_schema(tokenizer, {"type": "object", "properties": {"name": {"type": "string"}, "age": {}}})
    state = constraint.start
    draw = np.random.default_rng(seed)
    for _ in range(12):
        mask = constraint.allowed(state)
        assert mask.tolist() == [constraint.after(state, id) is not None for id in range(len(mask))]
        going = [id for id in np.flatnonzero(mask).tolist() if id not in tokenizer.eos_ids]
        if not going:
            break
        state = constraint.after(state, int(draw.choice(going)))


def test_a_state_depends_on_the_text_and_not_on_how_it_was_cut():
    tokenizer = ours()
    constraint = of_schema(tokenizer, {"type": "object"})
    text = '{"name": "Größe 你好 😀", "age": 36, "tags": ["a", {"b": null'
    cut = reach(constraint, tokenizer.encode(text))
    assert cut is not None
    assert len(tokenizer.encode(text)) < len(text.encode())
    assert cut == reach(constraint, ids_of(tokenizer, text))


def test_tokens_may_cut_a_character():
    tokenizer = ours()
    constraint = of_choices(tokenizer, ["😀", "😁"])
    ids = ids_of(tokenizer, "😁")
    state = reach(constraint, ids[:3])
    allowed = {tokenizer.token_bytes(int(id)) for id in np.flatnonzero(constraint.allowed(state))}
    assert allowed == {b"\x80", b"\x81"}
    assert constraint.may_end(reach(constraint, ids))


def test_special_tokens_are_never_text():
    tokenizer = ours()
    constraint = of_regex(tokenizer, r"[^\0]*")
    mask = constraint.allowed(constraint.start)
    assert {id for id in tokenizer.special_ids if mask[id]} == set(tokenizer.eos_ids)
    assert not of_regex(tokenizer, "[^\0]+").allowed(constraint.start)[list(tokenizer.special_ids)].any()
    assert constraint.after(constraint.start, tokenizer.special["<|im_start|>"]) is None


def test_what_was_not_allowed_leads_nowhere():
    tokenizer = ours()
    constraint = of_choices(tokenizer, ["yes"])
    assert constraint.after(constraint.start, tokenizer.eos_ids[0]) is None
    assert constraint.after(constraint.start, tokenizer.highest_id + 5) is None
    assert constraint.after(constraint.start, -1) is None
    end = reach(constraint, ids_of(tokenizer, "yes"))
    assert constraint.may_end(end)
    assert constraint.after(end, tokenizer.eos_ids[0]) == end


@pytest.mark.parametrize(
    "make", [llama_like, lambda: llama_like(range(0)), unigram_like], ids=["llama", "no-bytes", "unigram"]
)
@pytest.mark.parametrize("seed", range(3))
def test_other_tokenisers_write_what_was_asked_for_too(make, seed):
    tokenizer = make()
    choices = ["yes", "no", " yes", "  no", "the yes"]
    assert tokenizer.decode(walk(of_choices(tokenizer, choices), tokenizer, seed)) in choices
    text = tokenizer.decode(walk(of_regex(tokenizer, "[a-zé ]{2,9}[0-9]*"), tokenizer, seed))
    assert re.fullmatch("[a-zé ]{2,9}[0-9]*", text)


def test_a_blank_that_decoding_drops_at_the_start_is_not_missed():
    tokenizer = llama_like()
    constraint = of_choices(tokenizer, ["yes", "no"])
    word = tokenizer._backend.token_to_id("▁no")
    assert constraint.allowed(constraint.start)[word]
    assert constraint.may_end(constraint.after(constraint.start, word))
    assert not of_choices(tokenizer, ["xno"]).allowed(constraint.start)[word]


def test_without_tokens_for_bytes_only_characters_of_the_vocabulary_are_written():
    tokenizer = llama_like(range(0))
    for seed in range(5):
        assert "😀" not in tokenizer.decode(walk(of_regex(tokenizer, "[😀ab]{3}"), tokenizer, seed))
    with pytest.raises(PlanError, match="none that this tokeniser can write"):
        of_choices(tokenizer, ["😀"])


def test_a_byte_is_not_begun_with_where_the_rest_of_the_character_has_none():
    tokenizer = llama_like(range(0xF0, 0xF1))
    assert "👩" in TEXTS[1]
    constraint = of_choices(tokenizer, ["👩"])
    allowed = [tokenizer.token_bytes(int(id)) for id in np.flatnonzero(constraint.allowed(constraint.start))]
    assert sorted(allowed) == [b" ", "👩".encode()]


def test_a_tokeniser_that_puts_blanks_between_tokens_is_refused():
    with pytest.raises(PlanError, match="puts blanks between tokens"):
        of_choices(word_pieces(), ["ab"])


def test_without_a_token_that_ends_a_text_it_is_refused_and_one_can_be_named():
    tokenizer = ours()
    plain = Tokenizer(tokenizer._definition.replace("<|endoftext|>", "<|a|>").replace("<|im_end|>", "<|b|>"), {}, {})
    with pytest.raises(PlanError, match="names no token that ends a text"):
        of_choices(plain, ["yes"])
    end = plain.special["<|b|>"]
    constraint = of_choices(plain, ["yes"], ends=[end])
    assert np.flatnonzero(constraint.allowed(reach(constraint, ids_of(plain, "yes")))).tolist() == [end]


def test_masks_are_kept_cannot_be_changed_and_are_forgotten_in_the_end(monkeypatch):
    monkeypatch.setattr(constraints, "CACHE_BYTES", 0)
    tokenizer = ours()
    constraint = of_regex(tokenizer, "a{0,60}")
    mask = constraint.allowed(constraint.start)
    assert constraint.allowed(constraint.start) is mask
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = True
    state = constraint.start
    for id in ids_of(tokenizer, "a" * 60):
        state = constraint.after(state, id)
        constraint.allowed(state)
    again = constraint.allowed(constraint.start)
    assert again is not mask
    assert again.tolist() == mask.tolist()


def test_a_machine_that_knows_too_much_begins_anew(monkeypatch):
    from onward.generate.constraint import machine

    tokenizer = ours()
    pattern = r"(\d{4}-){3}yes"
    usual = of_regex(tokenizer, pattern)
    monkeypatch.setattr(machine, "MOST_KNOWN", 1)
    forgetful = of_regex(tokenizer, pattern)
    state = usual.start
    assert state == forgetful.start
    for id in ids_of(tokenizer, "2024-1999-0000-yes"):
        assert usual.allowed(state).tolist() == forgetful.allowed(state).tolist()
        state = usual.after(state, id)
        assert state is not None
    assert forgetful.may_end(state)


@pytest.mark.parametrize("wrong", [[], "yes", [1]])
def test_choices_are_texts(wrong):
    with pytest.raises(PlanError, match="at least one text"):
        of_choices(ours(), wrong)


def test_half_a_character_is_no_choice():
    with pytest.raises(TokenizerError, match="choice 2"):
        of_choices(ours(), ["yes", "\ud83d"])
