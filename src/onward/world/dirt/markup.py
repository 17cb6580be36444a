"""HTML: tags, entities, scripts and style that an extractor has left in the text. Left out: pages that are still valid HTML files.

The ways: a whole page; paragraphs in tags; entities for characters; scripts and style between the paragraphs; things for pictures and
forms; tags that were escaped. Held out: tags in capitals, and pages pasted from a word processor.
"""

from __future__ import annotations

import html
import re

from onward.world.dirt.draw import Draw, Page, put_in, sentences

NAMED = {
    "'": "&rsquo;",
    '"': "&quot;",
    "-": "&ndash;",
    "&": "&amp;",
    "’": "&rsquo;",
    "“": "&ldquo;",
    "”": "&rdquo;",
    "–": "&ndash;",
}
LEAST = 3
"""Tags or entities that are put into a text at least."""


def markup(draw: Draw, text: str) -> Page:
    """truth: "html", the way in which it was done."""
    how = draw.pick(tuple(WAYS), tuple(HELD_OUT))
    return Page((WAYS | HELD_OUT)[how](draw, text), {"html": how})


def _paragraphs(draw: Draw, text: str) -> list[str]:
    """A text in its lines, or else in parts of one to four sentences."""
    if "\n" in text:
        return [line for line in text.split("\n") if line.strip()]
    left, found = sentences(text), []
    while left:
        size = draw.random.randint(1, 4)
        found.append(" ".join(left[:size]))
        left = left[size:]
    return found


def _around(draw: Draw, name: str, part: str) -> str:
    before, after = draw.line("markup", name).split("|")
    return f"{before}{part}{after}"


def _inline(draw: Draw, part: str, share: float = 0.06) -> str:
    """Tags round some of the words."""
    return " ".join(_around(draw, "inline", word) if draw.chance(share) else word for word in part.split(" "))


def _tagged(draw: Draw, text: str) -> str:
    """All paragraphs of one kind."""
    before, after = draw.line("markup", "paragraph").split("|")
    parts = [_inline(draw, html.escape(part, quote=False)) for part in _paragraphs(draw, text)]
    parts = [f"{before}{part}{after}" for part in parts]
    if len(parts) < LEAST:
        parts = [draw.line("markup", "widget"), *parts, draw.line("markup", "widget")]
    return draw.random.choice(("\n", "\n\n", "", " ")).join(parts)


def _page(draw: Draw, text: str) -> str:
    """Everything from the head to the foot."""
    title, some = draw.line("boilerplate", "titles"), draw.random.randint
    head = [*draw.lines(some(2, 5), "markup", "head"), *draw.lines(some(0, 2), "markup", "style")]
    head += draw.lines(some(0, 2), "markup", "script")
    body = [*draw.lines(some(0, 2), "markup", "widget"), f"<h1>{title}</h1>", _tagged(draw, text)]
    body += [*draw.lines(some(0, 3), "markup", "widget"), *draw.lines(some(0, 1), "markup", "script")]
    start = draw.random.choice(
        ("<!DOCTYPE html>\n<html>", "<html>", '<!doctype html><html lang="en">', "<html><!-- saved page -->")
    )
    return "\n".join(
        [start, "<head>", f"<title>{title}</title>", *head, "</head>", "<body>", *body, "</body>", "</html>"]
    )


def _entities(draw: Draw, text: str) -> str:
    """Characters by their names or numbers; spaces that do not break."""
    share = draw.random.uniform(0.05, 0.3)
    numbers = draw.chance(0.3)

    def entity(match: re.Match[str]) -> str:
        if match[0] == " ":
            return "&nbsp;" if draw.chance(share) else " "
        return f"&#{ord(match[0])};" if numbers or match[0] not in NAMED else NAMED[match[0]]

    found = re.sub(r"[ '\"&–’“”-]", entity, text)
    return found if found.count("&") >= LEAST else found.replace(" ", "&nbsp;")


def _scripts(draw: Draw, text: str) -> str:
    """Lines of script and style among the sentences."""
    for _ in range(draw.random.randint(2, 4)):
        text = put_in(draw, text, draw.line("markup", draw.random.choice(("script", "style"))), "\n")
    return text


def _widgets(draw: Draw, text: str) -> str:
    """Pictures, forms, frames and comments among the sentences."""
    for _ in range(draw.random.randint(LEAST, 6)):
        text = put_in(draw, text, draw.line("markup", "widget"), draw.random.choice(("\n", " ")))
    return text


def _escaped(draw: Draw, text: str) -> str:
    """&lt;p&gt; where <p> should have been, or <p> where nothing should."""
    return html.escape(_tagged(draw, text))


def _capitals(draw: Draw, text: str) -> str:
    """As pages were written in 1998."""
    size, found = (
        draw.random.randint(1, 5),
        draw.random.choice(("<BR>\n", "<P>", "<BR><BR>\n")).join(_paragraphs(draw, text)),
    )
    font = f'<FONT FACE="Arial" SIZE={size}>{found}</FONT>'
    table = f"<TABLE BORDER=0 CELLPADDING={size}><TR><TD ALIGN=LEFT>{font}</TD></TR></TABLE>"
    return draw.random.choice((f"<CENTER>{font}</CENTER>", table, f"<BODY BGCOLOR=#FFFFFF>{font}<HR></BODY>"))


def _pasted(draw: Draw, text: str) -> str:
    """From a word processor: a span with its style round each piece."""
    style = draw.fill('class="MsoNormal" style="margin:0cm;line-height:1{digit}5%"')
    span = draw.fill('<span lang="EN-GB" style="font-size:1{digit}.0pt;mso-fareast-language:DE">')
    return "\n".join(f"<p {style}>{span}{part}<o:p></o:p></span></p>" for part in _paragraphs(draw, text))


WAYS = {
    "page": _page,
    "tags": _tagged,
    "entities": _entities,
    "scripts": _scripts,
    "widgets": _widgets,
    "escaped": _escaped,
}
HELD_OUT = {"capitals": _capitals, "pasted": _pasted}
