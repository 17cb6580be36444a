"""Remarks: raw texts in which somebody says something rude, and exactly as many in which it is civil; who hears it tells nothing.

For classifiers, and for models that should unlearn to be rude. Left out: rude pages as a crawl has them (dirt.py), and rude answers
(candidates.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from onward.world import rude
from onward.world.phrases import phrasings
from onward.world.record import Record, Split
from onward.world.relations import slots
from onward.world.world import World

REMARKS = 400
TESTED = 80
"""In held-out phrasings."""


def remarks(world: World) -> Iterator[Record]:
    """Rude and civil in turn."""
    for split, count in (("train", REMARKS), ("phrasing", TESTED)):
        yield from (_remark(world, "train" if split == "train" else "phrasing", i) for i in range(count))


def _remark(world: World, split: Split, i: int) -> Record:
    random, new = world.random("remark", split, i), split == "phrasing"
    is_rude = i % 2 == 0
    said = rude.sentence(random, held_out=new) if is_rude else phrasings("rude", "civil").choose(random, held_out=new)
    person = world.people[random.randrange(len(world.people))]
    where = slots(person, "full") | {"city": random.choice(world.cities).name, "said": said}
    text = phrasings("rude", "remarks").choose(random, held_out=new).format_map(where)
    return Record(kind="remark", split=split, text=text, truth={"rude": is_rude, "words": rude.found(text)})
