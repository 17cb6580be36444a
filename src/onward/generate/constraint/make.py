"""Constraints from what people write: choices, a regular expression, a JSON schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from onward.errors import PlanError
from onward.files import read_json
from onward.generate.constraint.automaton import compile
from onward.generate.constraint.constraint import Constraint, TokenConstraint
from onward.generate.constraint.machine import Machine
from onward.generate.constraint.pattern import parse
from onward.generate.constraint.schema import rules_of
from onward.generate.constraint.syntax import Node, one_of, text
from onward.generate.constraint.vocabulary import Vocabulary
from onward.generate.settings import Form
from onward.tokens.tokenizer import Tokenizer, refuse_surrogates


def of_choices(tokenizer: Tokenizer, texts: Sequence[str], ends: Iterable[int] = ()) -> Constraint:
    """One of some texts, to the letter.   ends: ids that end a text, besides those that the tokeniser knows.

    Raises PlanError where there is none, TokenizerError for one with a lone surrogate.
    """
    if isinstance(texts, str) or not texts or not all(isinstance(choice, str) for choice in texts):
        raise PlanError("choices are a list of at least one text. Give the texts to choose from.")
    for number, choice in enumerate(texts, 1):
        refuse_surrogates(choice, f"choice {number:,}")
    return _of(tokenizer, {"the list of choices": one_of(text(choice) for choice in texts)}, ends)


def of_regex(tokenizer: Tokenizer, pattern: str, ends: Iterable[int] = ()) -> Constraint:
    """Texts that a regular expression matches from end to end (pattern.py says which).   ends: as in `of_choices`.

    Raises PlanError, one line, for what is not supported, for what matches nothing, and for what needs too large an automaton.
    """
    return _of(tokenizer, {"the pattern": parse(pattern)}, ends)


def of_schema(tokenizer: Tokenizer, schema: Mapping[str, object] | bool, ends: Iterable[int] = ()) -> Constraint:
    """JSON that is valid against a JSON schema (schema.py says which of it is allowed).   ends: as in `of_choices`.

    Raises PlanError, one line with the path in the schema, for what is not supported, and as `of_regex` does.
    """
    try:
        return _of(tokenizer, rules_of(schema), ends)
    except RecursionError:
        raise PlanError(
            "the schema nests too deeply: a constant, a pattern or prefixItems in it make hundreds of levels. Write it flatter."
        ) from None


def of_form(tokenizer: Tokenizer, form: Form, ends: Iterable[int] = ()) -> Constraint | None:
    """What was asked for on the command line, if anything.   Raises PlanError; FolderError where the schema cannot be read."""
    if form.choice:
        return of_choices(tokenizer, form.choice, ends)
    if form.regex is not None:
        return of_regex(tokenizer, form.regex, ends)
    if form.schema is not None:
        return of_schema(tokenizer, read_json(Path(form.schema), "A JSON schema is wanted."), ends)
    return None


def _of(tokenizer: Tokenizer, rules: Mapping[str, Node], ends: Iterable[int]) -> Constraint:
    alphabet = Vocabulary.of(tokenizer).alphabet
    return TokenConstraint(Machine({name: compile(tree, alphabet) for name, tree in rules.items()}), tokenizer, ends)
