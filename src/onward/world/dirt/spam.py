"""Spam: pages that sell, promise and shout, for products that do not exist, with links that lead nowhere. Left out: spam in good prose."""

from __future__ import annotations

from onward.world.dirt.draw import Draw, Page

SHOUTED = 0.3
"""Share of lines in capitals, and of those that end in more exclamation marks."""


def spam(draw: Draw) -> Page:
    """A page, a letter, a list of links or a heap of search words. truth: "product"."""
    product = "".join(draw.one_of("spam", part) for part in ("first", "second", "third"))
    slots = {"product": product, "site": draw.fill("{site}"), "domain": draw.fill("{domain}")}
    how = draw.random.choices((_page, _links, _keywords), weights=(7, 2, 1))[0]
    return Page(how(draw, slots), {"product": product})


def _page(draw: Draw, slots: dict[str, str]) -> str:
    lines = draw.lines(draw.random.randint(1, 2), "spam", "opening", **slots)
    for _ in range(draw.random.randint(1, 3)):
        lines += draw.lines(draw.random.randint(2, 4), "spam", "claims", **slots)
        lines += draw.lines(draw.random.randint(1, 2), "spam", "calls", **slots)
    return draw.random.choice(("\n", "\n", " ", "\n\n")).join(_shout(draw, line) for line in lines)


def _shout(draw: Draw, line: str) -> str:
    if draw.chance(SHOUTED):
        line = line.upper()
    if draw.chance(SHOUTED):
        line = line.rstrip(".!") + "!" * draw.random.randint(2, 7)
    return line


def _links(draw: Draw, slots: dict[str, str]) -> str:
    """A list of addresses, each with what one is to search for."""
    lines = [_shout(draw, draw.line("spam", "opening", **slots))]
    form = draw.random.choice(
        (
            "{label}: http://{domain}/{path}",
            "http://www.{domain}/{path}.html {label}",
            "[{label}](http://{domain}/{path})",
        )
    )
    for _ in range(draw.random.randint(5, 15)):
        label = draw.line("spam", "links", **slots)
        domain = draw.fill("{domain}") if draw.chance(0.5) else slots["domain"]
        lines.append(form.format(label=label, domain=domain, path=label.replace(" ", draw.random.choice("-_+"))))
    return "\n".join([*lines, _shout(draw, draw.line("spam", "calls", **slots))])


def _keywords(draw: Draw, slots: dict[str, str]) -> str:
    """Search words, again and again."""
    words = [draw.line("spam", "links", **slots) for _ in range(draw.random.randint(15, 40))]
    return draw.random.choice((", ", " ", " | ")).join([draw.line("spam", "opening", **slots), *words])
