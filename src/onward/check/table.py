"""The table: every equivalence in the order in which it is tried. A new one is a function and a line here."""

from __future__ import annotations

from collections.abc import Iterator

from onward.check.adapting import folder_and_peft, merged_and_beside
from onward.check.keeping import folder_and_transformers, saved_and_loaded
from onward.check.learning import accumulated_and_whole, compiled_and_eager, resumed_and_uninterrupted
from onward.check.reading import (
    cache_and_full_forward,
    draws_alone_and_in_a_batch,
    packed_and_unpacked,
    padded_and_alone,
)
from onward.check.row import Equivalence, Row, tried
from onward.check.subject import Subject

READING = (
    Equivalence(name="cache = full forward", measure=cache_and_full_forward),
    Equivalence(name="padded = alone", measure=padded_and_alone),
    Equivalence(name="packed = unpacked", measure=packed_and_unpacked),
    Equivalence(name="drawn in a batch = alone", measure=draws_alone_and_in_a_batch),
)
EQUIVALENCES = (
    *READING,
    Equivalence(name="save/load = same bytes", measure=saved_and_loaded, copies=3, disk=2),
    Equivalence(name="folder = transformers", measure=folder_and_transformers, copies=1.5),
    # weights, gradients and two moments, the weights to compare with, and a checkpoint on its way
    Equivalence(name="resumed = uninterrupted", measure=resumed_and_uninterrupted, copies=8, disk=3),
    # weights and two gradients
    Equivalence(name="compiled = eager", measure=compiled_and_eager, copies=4),
    # the same, in float64
    Equivalence(name="accumulated = whole", measure=accumulated_and_whole, copies=6),
)

OF_ADAPTERS = (
    *READING,
    Equivalence(name="merged = adapter", measure=merged_and_beside, copies=2),
    Equivalence(name="folder = PEFT", measure=folder_and_peft, copies=1.5),
)


def equivalences(subject: Subject) -> tuple[Equivalence, ...]:
    """What is tried: of an adapter, whatever has to do with reading, and what must hold of adapters alone."""
    return EQUIVALENCES if subject.base is None else OF_ADAPTERS


def check(subject: Subject) -> Iterator[Row]:
    """A row for each equivalence, as soon as it has been tried."""
    for one in equivalences(subject):
        yield tried(one, subject)


def memory_wanted(subject: Subject) -> int:
    """Bytes that the whole check takes at most, the model included; rows for which there is not that much are not tried."""
    return subject.weight_bytes + max(one.memory(subject) for one in equivalences(subject))
