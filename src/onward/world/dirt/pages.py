"""Boilerplate: what the site round a text adds to it: navigation, cookie notices, share buttons, teasers and footers.

There are SITES sites; the pieces of each are drawn once, so that they repeat from page to page; in teasers and below "share" only the
titles, numbers and dates change. Left out: tags; these are pages as a poor extractor leaves them (markup.py has tags).
"""

from __future__ import annotations

from dataclasses import dataclass

from onward.world.dirt.draw import Draw, Page, put_in

SITES = 30
FLAT = 0.1
"""Share of pages of which the extractor has lost the line ends."""
LEAST = 3
"""Pieces of boilerplate on a page; one may have several lines."""


@dataclass(frozen=True)
class Site:
    """above, below: pieces before and after each text, in which slots may be left that a page fills."""

    name: str
    domain: str
    above: tuple[str, ...]
    below: tuple[str, ...]


def site(draw: Draw) -> Site:
    """One of the sites, the same each time that it comes."""
    index = draw.random.randrange(SITES)
    own = Draw(draw.world, draw.world.random("site", draw.held_out, index), draw.held_out)
    slots = {"site": own.fill("{site}"), "domain": own.fill("{domain}")}

    def some(low: int, high: int, name: str) -> list[str]:
        found = own.templates("boilerplate", name)
        return own.random.sample(found, min(own.random.randint(low, high), len(found)))

    def same(low: int, high: int, name: str) -> list[str]:
        return [own.fill(template, slots) for template in some(low, high, name)]

    bar = own.template("boilerplate", "separators").join(some(4, 10, "entries"))
    above = [slots["site"], bar, *some(0, 1, "crumbs"), *same(1, 2, "account"), *same(0, 1, "cookies")]
    below = [*some(1, 2, "share"), *some(1, 3, "teasers"), *same(1, 3, "footers"), *same(0, 1, "cookies")]
    if own.chance(0.5):
        above[:2] = above[1::-1]
    if own.chance(0.4):
        below.append(bar)
    return Site(slots["site"], slots["domain"], tuple(above), tuple(below))


def boilerplate(draw: Draw, text: str) -> Page:
    """A text with what a site puts before and after it, and at times into it. truth: the pieces put round it, and whose they are."""
    own = site(draw)
    above = [piece for piece in own.above if draw.chance(0.8)]
    below = [piece for piece in own.below if draw.chance(0.8)]
    missing = LEAST - len(above) - len(below)
    if missing > 0:
        below = list(own.below[:missing])
    slots = {"site": own.name, "domain": own.domain}
    above, below = ([draw.fill(piece, slots) for piece in part] for part in (above, below))
    pieces = [*above, *below]
    between = " " if draw.chance(FLAT) else "\n"
    for _ in range(draw.random.choice((0, 0, 1, 1, 2))):
        piece = draw.line("boilerplate", "middle", **slots)
        text = put_in(draw, text, piece, between)
        pieces.append(piece)
    whole = between.join([*above, text, *below])
    if between == " ":
        whole = " ".join(whole.split())
    return Page(whole, {"site": own.name, "boilerplate": pieces})
