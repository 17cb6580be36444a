"""HTML in the middle of a text: tags and entities out, what people read left in.

This is for texts that have markup in them; whole pages are read by trafilatura (pages.py), and by this where it finds nothing. Scripts,
styles, navigation and forms go with all they hold. A line that is all links goes too (Kohlschütter et al. 2010, "Boilerplate Detection
using Shallow Text Features": link density). A text without markup comes back as it was.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


BLOCKS = _set(
    "address article aside blockquote body dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr "
    "html li main nav ol p pre section table tbody td tfoot th thead tr ul br title option select"
)
INLINE = _set(
    "a abbr acronym b base bdi bdo big button center cite code col dfn em embed font head i iframe img input ins kbd label link "
    "meta noscript object q s samp script small span strike strong style sub sup svg template textarea time tt u var video wbr "
    "caption canvas audio source del details summary mark picture"
)
SILENT = _set(
    "script style noscript template iframe svg object select option button nav footer form head textarea canvas"
)
SPACED = _set("p div h1 h2 h3 article section table")
"""Blocks with a blank line around them."""
NAMES = "|".join(sorted(BLOCKS | INLINE, key=len, reverse=True))
TAG = re.compile(rf"<!--.*?-->|<!doctype[^>]*>|</?(?:{NAMES})(?:\s[^<>]*)?/?>", re.IGNORECASE | re.DOTALL)
SURE = re.compile(
    rf"<!--|<!doctype|</(?:{NAMES})\s*>|<(?:br|hr|img|div|span|html|body|table|script|style|font|meta|link|input)\b[^<>]*>|<\w+\s+\w+=[\"'][^<>]*>",
    re.IGNORECASE,
)
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31}\d{0,2});")
SCRIPT = re.compile(
    r"^(?=.*[;{})]\s*$)(?=.*[=({]).*(?:\b(?:document|window|navigator|console|location|jQuery|angular|googletag|dataLayer)\b[.(\[]"
    r"|\$\(|\bjQuery\(|\bgtag\(|\bfunction\s*\w*\(.*\)\s*\{|addEventListener|innerHTML|\btypeof\b|\.push\(|=>\s*[\w{(])"
)
STYLE = re.compile(
    r"^\s*(?:@(?:media|import|font-face|charset)\b|[.#:][\w-][^{}]{0,80}\{[^{}]*:[^{}]*;[^{}]*\}|[^{}]{1,80}\{\s*[^{}]*\b(?:color|margin|padding|width|height|font|display|position|border|"
    r"background|float|align|decoration|index|opacity|overflow|top|left|right|bottom|size|family|shadow|radius|content|cursor)"
    r"[\w-]*\s*:[^{}]+\})"
)
"""Lines of JavaScript for browsers and of CSS. Programs in other languages are text."""
ALL_LINKS = 0.8
"""Share of a line's letters inside links above which the line is navigation."""
LONG_LINE = 12
"""Words from which on a line of links is taken for a sentence all the same."""


def without_markup(text: str) -> str:
    """What a reader of the page would see; the same text where there is no markup in it. Markup that was escaped is markup too."""
    for _ in range(3):
        before = text
        if SURE.search(text):
            text = _tidy(_seen(text))
        if "&" in text and ENTITY.search(text):
            text = html.unescape(text)
        if text == before:
            break
    return _without_code(text)


def _without_code(text: str) -> str:
    """Without lines of script and style that have lost their tags."""
    if "{" not in text and "(" not in text:
        return text
    lines = text.split("\n")
    kept = [line for line in lines if not (SCRIPT.search(line) or STYLE.search(line))]
    return text if len(kept) == len(lines) else _tidy("\n".join(kept))


def _seen(text: str) -> str:
    parser = _Reader(SILENT)
    parser.feed(text)
    parser.close()
    if parser.silent:  # never closed: what follows it is the page, not the menu
        parser = _Reader(SILENT - {parser.silent[0]})
        parser.feed(text)
        parser.close()
    parser.end_line()
    return TAG.sub(" ", "\n".join(parser.lines))


class _Reader(HTMLParser):
    """Collects lines. `silent` holds the open elements whose text is not for readers."""

    def __init__(self, silent_names: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.silent: list[str] = []
        self._silent_names = silent_names
        self._links = self._linked = 0
        self._line: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in self._silent_names:
            self.silent.append(tag)
        elif tag == "a":
            self._links += 1
        elif tag in BLOCKS:
            self.end_line(gap=tag in SPACED)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._silent_names:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.silent:
            while self.silent.pop() != tag:
                pass
        elif tag == "a":
            self._links = max(0, self._links - 1)
        elif tag in BLOCKS:
            self.end_line(gap=tag in SPACED)

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        *whole, last = data.split("\n")
        for line in whole:
            self._add(line)
            self.end_line()
        self._add(last)

    def _add(self, text: str) -> None:
        self._line.append(text)
        if self._links:
            self._linked += len(text.strip())

    def end_line(self, *, gap: bool = False) -> None:
        line = re.sub(r"[ \t\xa0]+", " ", "".join(self._line)).strip()
        if not (line and self._linked >= ALL_LINKS * len(line) and len(line.split()) < LONG_LINE):
            self.lines.append(line)
        if gap and line:
            self.lines.append("")
        self._line, self._linked = [], 0


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()
