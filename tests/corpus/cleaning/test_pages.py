"""HTML files and WARC archives: their text becomes documents; without the extra they are refused in one line."""

from __future__ import annotations

import gzip
import sys
from io import BytesIO
from pathlib import Path

import pytest

from dirt import good, run, write
from onward.corpus.cleaning.assemble import read_clean, read_dropped
from onward.errors import DataError

extra = pytest.mark.skipif(
    not all(__import__("importlib.util").util.find_spec(name) for name in ("trafilatura", "warcio")),
    reason="pages need an extra: pip install 'onward[clean]'",
)


def page(number: int) -> str:
    paragraphs = "".join(f"<p>{good(100 * number + i)}</p>" for i in range(3))
    return (
        f"<!doctype html><html><head><title>Page {number}</title></head><body><nav><a href='/'>Home</a> <a href='/n'>News</a></nav>"
        f"<article><h1>A page</h1>{paragraphs}</article><footer>All rights reserved</footer></body></html>"
    )


@extra
def test_html_files_give_the_text_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.html").write_text(page(1))
    (tmp_path / "raw" / "b.htm").write_bytes(
        page(2)
        .replace("</h1>", " in a café</h1>")
        .replace("<head>", '<head><meta charset="windows-1252">')
        .encode("windows-1252")
    )
    (tmp_path / "raw" / "c.html").write_text("<html><body><script>x()</script></body></html>")
    run([tmp_path / "raw"], tmp_path / "out")
    first, second = read_clean(tmp_path / "out")
    for number, record in ((1, first), (2, second)):
        assert all(good(100 * number + i) in record["text"] for i in range(3))
        assert "Home" not in record["text"]
        assert record["changed"]["page"] == 1
    assert "café" in second["text"]
    (nothing,) = read_dropped(tmp_path / "out", "nothing-left")
    assert nothing["why"] == "a page without text"


@extra
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # warcio's writer leaves files open
def test_warc_archives_give_their_pages_with_addresses(tmp_path: Path) -> None:
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    with (tmp_path / "crawl.warc.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for number, kind in ((1, "text/html; charset=utf-8"), (2, "image/png"), (3, "text/html")):
            headers = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1")
            body = BytesIO(page(number).encode())
            writer.write_record(
                writer.create_warc_record(
                    f"http://example.org/{number}", "response", payload=body, http_headers=headers
                )
            )
    run([tmp_path / "crawl.warc.gz"], tmp_path / "out")
    records = list(read_clean(tmp_path / "out"))
    assert [record["url"] for record in records] == ["http://example.org/1", "http://example.org/3"]
    assert good(100) in records[0]["text"]


@extra
def test_a_damaged_archive_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.warc.gz").write_bytes(gzip.compress(b"no WARC at all\r\n\r\n"))
    write(tmp_path / "raw" / "b.jsonl", [{"text": good(0)}])
    report = run([tmp_path / "raw"], tmp_path / "out")
    assert report["kept"]["documents"] == 1
    assert "a.warc.gz is damaged" in report["read"]["broken"][0]["why"]


def test_without_the_extra_pages_are_refused_and_texts_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    (tmp_path / "a.html").write_text(page(1))
    with pytest.raises(DataError, match=r"a.html: HTML and WARC need an extra .*pip install 'onward\[clean\]'"):
        run([tmp_path / "a.html"], tmp_path / "out")
    assert run([write(tmp_path / "b.jsonl", [{"text": good(0)}])], tmp_path / "out")["kept"]["documents"] == 1
