"""Web pages: HTML files and WARC archives, a document a page, and the text of a page.

The text is what trafilatura takes for the main content, in datatrove's sandbox, so that a page on which it hangs or dies costs that page
only; where it finds nothing, all that is not navigation (markup.py). Needs the extra `onward[clean]`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.extractors.base import ExtractorSandbox

from onward.corpus.cleaning.markup import without_markup
from onward.corpus.read import kind
from onward.errors import DataError

HTML = (".html", ".htm", ".xhtml")
WARC = (".warc", ".warc.gz")
KINDS = (*HTML, *WARC)
PATIENCE = 20.0
"""Seconds for a page; the first one includes the start of the sandbox."""
CHARSET = re.compile(rb"charset=[\"']?\s*([\w-]+)", re.IGNORECASE)


def is_page(place: str) -> bool:
    return not place.startswith("hf:") and kind(Path(place)) in KINDS


def check(place: str) -> None:
    """Raise DataError where the libraries for pages are missing, or cannot be imported."""
    for name in ("trafilatura", *(("warcio",) if kind(Path(place)) in WARC else ())):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise DataError(f"{place}: HTML and WARC need an extra ({error}). pip install 'onward[clean]'") from error


def pages(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The pages of a file: number, from 1; HTML; and that it is a page, with its address. Raises DataError for a damaged archive."""
    if kind(path) in HTML:
        yield 1, _decoded(path.read_bytes(), b""), {"page": True}
        return
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    with path.open("rb") as file:
        try:
            for number, record in enumerate(ArchiveIterator(file), start=1):
                text = _page_of(record)
                if text is not None:
                    address = record.rec_headers.get_header("WARC-Target-URI")
                    plain = record.rec_type == "conversion"
                    yield number, text, {"url": address} | ({} if plain else {"page": True})
        except (ArchiveLoadFailed, EOFError, ValueError) as error:
            raise DataError(f"{path} is damaged: {error}") from error


def _page_of(record: Any) -> str | None:
    """The HTML of an answer, or the text of a WET record; None for anything else."""
    if record.rec_type == "conversion":
        return str(record.content_stream().read().decode("utf-8", "replace"))
    if record.rec_type != "response" or record.http_headers is None:
        return None
    said = record.http_headers.get_header("Content-Type") or ""
    if "html" not in said.lower():
        return None
    return _decoded(record.content_stream().read(), said.encode("latin-1", "replace"))


def _decoded(data: bytes, said: bytes) -> str:
    """By the server's word, else the page's own, else as UTF-8 or what browsers take for it."""
    found = CHARSET.search(said) or CHARSET.search(data[:2048])
    for name in (found[1].decode("ascii", "replace") if found else "utf-8", "utf-8", "windows-1252"):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


class Reader:
    """Takes the text out of pages, in a process of its own. Use it in a `with`."""

    def __init__(self) -> None:
        self._extractor = Trafilatura(favour_precision=False, deduplicate=False, timeout=PATIENCE)
        self._sandbox = ExtractorSandbox(timeout=PATIENCE, warmup_text="<p>.</p>")

    def __enter__(self) -> Reader:
        self._sandbox.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._sandbox.__exit__(*error)

    def text(self, page: str) -> str:
        """The text of a page; empty where there is none."""
        try:
            found = self._sandbox.process_document(page, self._extractor.extract)
        except Exception:  # whatever the page did to the sandbox
            found = None
        return found or without_markup(page)
