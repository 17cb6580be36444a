"""The dirty crawl: every label is true, and nothing of the clean text is lost. What is recomputed here is written anew, not imported."""

import html
import ipaddress
import re
import tracemalloc
from collections import Counter
from itertools import islice
from math import sqrt

import pytest

from onward.errors import WorldError
from onward.world import Record, World, rude
from onward.world.dirt import crawl
from onward.world.dirt.draw import SLOTS
from onward.world.record import chat
from onward.world.texts.biographies import biographies
from onward.world.words import table

WORLD = World(3, people=60)
COPIES = ("exact-duplicate", "near-duplicate")
MARKS = re.compile(r"</?\w[^>]*>|<!--|&\w+;|&#\w+;")
MOJIBAKE = re.compile("[ÃÂâ€�√]|Г.|вЂ")


@pytest.fixture(scope="module")
def texts():
    return list(biographies(WORLD, copies=20))


@pytest.fixture(scope="module")
def records(texts):
    return list(crawl.crawl(WORLD, texts))


@pytest.fixture(scope="module")
def held_out(texts):
    return list(crawl.crawl(WORLD, texts, held_out=True))


@pytest.fixture(scope="module")
def everything(records, held_out):
    return records + held_out


def wrong_only(records, label):
    """Those with this label and no other, of which there are some."""
    found = [record for record in records if record.truth["wrong"] == [label]]
    assert len(found) >= 10
    return found


def clean(records):
    return [record for record in records if not record.truth["wrong"]]


def plain(text):
    """As it was before it was set with quotes, dashes and accents, in one line."""
    for sentence in table("dirt/typography")["sentences"]:
        text = text.replace(f" {sentence}", "")
    return " ".join(text.replace("’", "'").replace("“", '"').replace("”", '"').split())


def words(text):
    return re.findall(r"\w+", text)


def test_every_text_comes_out_exactly_once_clean_or_damaged(texts, everything):
    for split in ("train", "phrasing"):
        own = [r for r in everything if r.split == split and not set(COPIES) & set(r.truth["wrong"])]
        found = [r.truth.get("clean", r.text) for r in own if "source" in r.truth]
        assert Counter(map(plain, found)) == Counter(plain(record.text) for record in texts[: len(found)])
        assert len(found) == len(texts)


def test_the_shares_hold(records):
    slots = Counter(next((c for c in COPIES if c in r.truth["wrong"]), (r.truth["wrong"] or [""])[0]) for r in records)
    shares = crawl.SHARES | {"": 1 - sum(crawl.SHARES.values())}
    assert set(slots) == set(shares)
    assert sum(crawl.SHARES.values()) == pytest.approx(0.35)
    for label, share in shares.items():
        assert abs(slots[label] / len(records) - share) < 4 * sqrt(share * (1 - share) / len(records))


def test_an_exact_copy_has_the_bytes_of_an_earlier_document(records):
    copies = [(at, r) for at, r in enumerate(records) if "exact-duplicate" in r.truth["wrong"]]
    for at, copy in copies:
        original = records[int(copy.truth["of"].rpartition("-")[2])]
        number = records.index(original)
        assert original.id(number) == copy.truth["of"]
        assert number < at
        assert copy.text == original.text
        assert copy.truth["wrong"] == [*original.truth["wrong"], "exact-duplicate"]
        assert copy.truth.get("clean") == (original.truth.get("clean") if original.truth["wrong"] else original.text)
    distances = [at - int(copy.truth["of"].rpartition("-")[2]) for at, copy in copies]
    assert sum(distances) / len(distances) > len(records) / 10


def test_a_near_copy_is_as_near_as_it_says(everything, records):
    def shingles(text):
        found = words(text.lower())
        return set(zip(*(found[i:] for i in range(5)), strict=False))

    by_id = {r.id(n): r for n, r in enumerate(records)} | {r.id(n): r for n, r in enumerate(everything[len(records) :])}
    jaccards = []
    for copy in wrong_only(everything, "near-duplicate"):
        original = by_id[copy.truth["of"]]
        assert not original.truth["wrong"]
        assert copy.text != original.text == copy.truth["clean"]
        a, b = shingles(copy.text), shingles(original.text)
        jaccards.append(len(a & b) / len(a | b))
        assert copy.truth["jaccard"] == pytest.approx(jaccards[-1], abs=1e-4)
        assert copy.truth["edits"]
    assert 0.7 <= min(jaccards) < 0.76
    assert 0.75 < sum(jaccards) / len(jaccards) < 0.9
    assert max(jaccards) == 1


def test_no_document_without_the_label_is_a_copy(records):
    counts = Counter(record.text for record in records if not set(COPIES) & set(record.truth["wrong"]))
    twice = {text for text, count in counts.items() if count > 1}
    assert all(len(words(text)) <= 12 for text in twice)  # fragments are alike by themselves


def test_boilerplate_repeats_from_page_to_page_and_the_text_is_still_there(everything):
    pages = wrong_only(everything, "boilerplate")
    lines = Counter(line for page in pages for line in set(page.truth["boilerplate"]))
    assert sum(count > 1 for count in lines.values()) > 50
    for page in pages:
        assert len(page.truth["boilerplate"]) >= 3
        flat = " ".join(page.text.split())
        assert all(" ".join(piece.split()) in flat for piece in page.truth["boilerplate"])
        assert all(sentence in flat for sentence in re.split(r"(?<=[.!?])\s", page.truth["clean"]))
        assert page.text != page.truth["clean"]


def test_html_has_tags_or_code_and_the_words_of_the_text(everything):
    for page in wrong_only(everything, "html"):
        assert len(MARKS.findall(page.text)) >= 3 or re.search(r"[{}]|\);", page.text)
        text = re.sub(r"<[^>]+>", " ", html.unescape(page.text) if page.truth["html"] == "escaped" else page.text)
        missing = Counter(words(page.truth["clean"])) - Counter(words(html.unescape(text).replace("’", "'")))
        assert not missing


MISREAD = {
    "windows-1252": ["cp1252"],
    "latin-1": ["latin-1"],
    "twice": ["cp1252", "cp1252"],
    "latin-1 twice": ["latin-1", "latin-1"],
    "mac-roman": ["mac_roman"],
    "windows-1251": ["cp1251"],
    "latin-9 and windows-1252": ["cp1252", "iso8859_15"],
}


def repaired(text, encoding):
    """Characters that the encoding has not got are bytes that it had no character for."""
    found = b""
    for char in text:
        try:
            found += char.encode(encoding)
        except UnicodeEncodeError:
            found += char.encode("latin-1")
    return found.decode("utf-8")


def test_broken_encodings_are_broken_as_they_say_and_ascii_survives(everything):
    ways = set()
    for page in wrong_only(everything, "broken-encoding"):
        text, was, how = page.text, page.truth["clean"], page.truth["encoding"]
        ways.add(how)
        assert sum(not char.isascii() for char in was) >= 3
        assert [char for char in text if char.isascii()] == [char for char in was if char.isascii()]
        if how == "replaced":
            assert text == "".join(char if char.isascii() else "\ufffd" for char in was)
        elif how == "each byte replaced":
            assert text == "".join(char if char.isascii() else "\ufffd" * len(char.encode()) for char in was)
        else:
            for encoding in MISREAD[how]:
                assert any(not char.isascii() for char in text)
                text = repaired(text, encoding)
            assert text == was
    assert ways == {*MISREAD, "replaced", "each byte replaced"}


def test_noise_is_noise(everything):
    for page in wrong_only(everything, "symbols"):
        shown = re.sub(r"\s", "", page.text)
        assert sum(not char.isalnum() for char in shown) / len(shown) == pytest.approx(page.truth["symbols"], abs=1e-4)
        assert page.truth["symbols"] >= 0.2
    for page in wrong_only(everything, "word-salad"):
        assert ("clean" in page.truth) == (page.truth["salad"] == "shuffled")
        if "clean" in page.truth:
            assert sorted(page.text.split()) == sorted(page.truth["clean"].split())
            assert page.text.split() != page.truth["clean"].split()
    for page in wrong_only(everything, "too-short"):
        assert 1 <= len(page.text.split()) <= 8


def test_personal_data_stand_where_they_are_said_to_stand_and_their_check_digits_are_right(everything):
    people = {person.name: person for person in WORLD.people}
    known = {}
    kinds = Counter()
    for page in everything:
        for item in page.truth.get("items", []):
            kind, datum = item["kind"], item["text"]
            kinds[kind] += 1
            assert page.text[item["start"] : item["end"]] == datum
            assert datum not in page.truth["clean"]
            assert known.setdefault((page.split, kind, item["name"]), datum) == datum
            if kind == "email":
                assert re.fullmatch(r"[\w.+-]+@[\w.-]+\.(example|test|invalid|com|org|net)", datum)
                assert re.search(r"@(.*\.)?(example(\.(com|org|net))?|test|invalid)$", datum)
            elif kind == "iban":
                code = datum.replace(" ", "")
                assert int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1
                assert len(code) == {"DE": 22, "GB": 22, "NL": 18, "FR": 27, "ES": 24}[code[:2]]
            elif kind == "card":
                digits = [int(char) for char in datum if char.isdigit()]
                assert len(digits) in (15, 16)
                assert (sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])) % 10 == 0
            elif kind == "ip":
                assert ipaddress.ip_address(datum).is_global
            elif kind == "address":
                assert people[item["name"]].city.name in datum
    assert set(kinds) == {"email", "phone", "iban", "card", "ip", "address"}


def test_rude_pages_have_the_rude_words_that_they_say(everything):
    for page in wrong_only(everything, "rude"):
        assert rude.found(page.text) == page.truth["rude"] != []


def test_links_lead_nowhere(everything):
    pages = [r for r in everything if "html" not in r.truth["wrong"][1:]]  # where dashes may be entities
    links = [link for r in pages for link in re.findall(r"https?://([\w.-]+)", r.text)]
    assert len(links) > 100
    assert all(re.search(r"(^|\.)(example(\.(com|org|net))?|test|invalid)$", link.rstrip(".")) for link in links)


def test_clean_documents_have_nothing_of_all_this(everything):
    pieces = {piece for r in everything for piece in r.truth.get("boilerplate", []) if len(piece) > 20}
    typographic = 0
    for record in clean(everything):
        text = record.text
        assert not MARKS.search(text)
        assert not MOJIBAKE.search(text.replace("“", "").replace("€", "")) or "crème" in text
        assert not rude.is_rude(text)
        assert not re.search(r"\S@\S|\d[\d -]{8,}\d|\d+\.\d+\.\d+|http|!!", text)
        assert len(words(text)) > 20
        assert not any(piece in text for piece in pieces)
        typographic += not text.isascii()
    assert 0.02 < typographic / len(clean(everything)) < 0.09


def test_no_slot_is_left_open(everything):
    names = "|".join(SLOTS) + "|first|last|f|born|item|product|street|house|flat|code|place|when|work"
    assert not [r.text for r in everything if re.search(rf"\{{({names})\}}", r.text, re.IGNORECASE)]


def test_there_are_forty_frames_in_each_language_and_all_differ():
    for language in ("german", "french", "spanish", "dutch"):
        frames = table(f"dirt/{language}")["sentences"]
        assert len(set(frames)) == len(frames) >= 40


def test_no_template_is_in_two_lists_and_held_out_ones_are_used_only_when_asked_for(records, held_out):
    kinds = {"boilerplate": ("cookies", "share", "account", "footers"), "spam": ("opening", "claims")}
    for file, lists in kinds.items():
        for name in lists:
            templates = table(f"dirt/{file}")[name]
            assert len(set(templates)) == len(templates)
            kept = round(len(templates) / 5)
            for templates_of, other in ((templates[:-kept], held_out), (templates[-kept:], records)):
                fixed = {t.lower() for t in templates_of if "{" not in t and len(t) > 15}
                assert not [r.text for r in other if any(line in r.text.lower() for line in fixed)]
    assert {r.split for r in records} == {"train"}
    assert {r.split for r in held_out} == {"phrasing"}


def test_some_documents_have_two_labels_and_only_those_that_go_together(records):
    pairs = {tuple(r.truth["wrong"]) for r in records if len(r.truth["wrong"]) > 1}
    for first, *others in pairs:
        assert all(other in (*crawl.SECONDS.get(first, ()), "exact-duplicate") for other in others)
    assert len(pairs) >= 5


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(texts):
    def lines(world):
        return [record.line(n) for n, record in enumerate(crawl.crawl(world, texts[:100]))]

    assert lines(World(3, people=60)) == lines(WORLD)
    assert lines(World(4, people=60)) != lines(WORLD)


def test_a_stream_of_any_length_takes_the_memory_of_one_window(texts, monkeypatch):
    monkeypatch.setattr(crawl, "WINDOW", 100)

    def endless():
        while True:
            yield from texts[:50]

    def peak(count):
        tracemalloc.start()
        for _ in islice(crawl.crawl(WORLD, endless()), count):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(250)  # word lists and templates are read once
    assert peak(1000) < 1.3 * peak(250)


def test_even_a_crawl_of_few_texts_has_only_copies_of_what_is_there(texts):
    for seed in range(20):
        found = list(crawl.crawl(World(seed, people=20), texts[: seed // 2]))
        ids = {record.id(number) for number, record in enumerate(found)}
        assert {r.truth["of"] for r in found if "of" in r.truth} <= ids


def test_chats_are_refused_in_words():
    with pytest.raises(WorldError, match="has no text"):
        list(crawl.crawl(WORLD, [Record(kind="talk", messages=chat("Hello?", "Hello."))] * 50))
