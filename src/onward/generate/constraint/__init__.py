"""Constrained output: choices, regular expressions and JSON schemas, as the tokens that may come next.

The way down: what people write (pattern.py, schema.py) becomes trees (syntax.py), the trees automata over bytes (automaton.py), which
call each other (machine.py) and are walked along the bytes of a vocabulary (vocabulary.py, constraint.py).
"""

from onward.generate.constraint.constraint import Constraint, State
from onward.generate.constraint.make import of_choices, of_form, of_regex, of_schema

__all__ = ["Constraint", "State", "of_choices", "of_form", "of_regex", "of_schema"]
