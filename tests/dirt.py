"""Good documents that differ, one document of every kind of dirt, and a cleaning of them, for tests."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.corpus.cleaning.assemble import read_clean, read_dropped
from onward.corpus.cleaning.clean import clean
from onward.corpus.cleaning.rules import Rules

WHO = [
    "The miller",
    "An old sailor",
    "My aunt",
    "The youngest sister",
    "A travelling painter",
    "The doctor",
    "Our neighbour",
    "The teacher",
]
WHAT = [
    "a letter",
    "some apples",
    "the broken clock",
    "a blue coat",
    "an empty basket",
    "her father's boat",
    "two lanterns",
    "the garden gate",
]
WHERE = [
    "the harbour",
    "the mill",
    "a narrow bridge",
    "the market",
    "the old school",
    "a field of barley",
    "the station",
    "the river",
]
WHEN = [
    "in the morning",
    "before supper",
    "late at night",
    "on the first day of spring",
    "after the storm",
    "every Sunday",
]
PATTERNS = (
    "{who} walked slowly to {where} {when}.",
    "Nobody could say why {what} was lying near {where}.",
    "{when}, it was so quiet that one could hear the water under {where}.",
    "{who} had promised to bring {what}, but forgot about it.",
    '"Have you seen {what}?" asked a boy who came from {where}.',
    "There was a light in the window, and behind it {who2} was mending {what}.",
    "It took them almost an hour to carry {what} from {where} to {where2}.",
    "If the weather stays like this, {who2} will have to wait until summer.",
    "{who} laughed and said that {what} could not be worth so much.",
    "From {where} there is a path that leads down to {where2}.",
    "The children never went to {where} without {what}.",
    "{who} used to tell us stories about {where}, and we believed most of them.",
    "They found {what} {when}, exactly where it had been left.",
    "Because of the rain, hardly anyone came to {where} {when}.",
    "{who} sold {what} to a stranger for less than it had cost.",
)


def good(number: int) -> str:
    """A document of 70 to 110 words, different for every number."""
    chance = random.Random(number)
    said = []
    for pattern in chance.sample(PATTERNS, 8):
        who2 = chance.choice(WHO)
        values = {"who": chance.choice(WHO), "who2": who2[0].lower() + who2[1:], "what": chance.choice(WHAT)}
        values |= {"where": chance.choice(WHERE), "where2": chance.choice(WHERE), "when": chance.choice(WHEN)}
        sentence = pattern.format(**values)
        said.append(sentence[0].upper() + sentence[1:])
    return " ".join(said)


def salad(number: int) -> str:
    words = good(number).split()
    random.Random(number).shuffle(words)
    return " ".join(words)


GERMAN = (
    "Der alte Müller wohnt seit vielen Jahren am Fluss. Am Morgen geht er über die Brücke zum Markt und kauft Brot."
)
INVENTED = (
    "Kafen molu tanri shavor elbiro. Nesto ulka dimfen pralu moka vorel. Tanbi shaulro kanesto fenel dimul mora luka."
)
SPAM = (
    "BUY NOW!!! Our lanterns are the best price in town. Limited time offer, free shipping, order today. "
    "Click here: www.lanterns-outlet.com. Satisfaction guaranteed, while stocks last!"
)
SOUP = "@#$% the ◊■► ~~|| and ♠♣♦ %%^^ boat ¤¦± §§¶¶ <<>>{{ of ★☆★ †‡† ##@@ gate "
SOUP += "was ¬¬|| ▲▼◄ &&%% in ♪♫♪ ¢¥¤ the ±±§ mill and ◄►◄ an old ¤¤¤ sailor"
FILLER = "Lorem ipsum dolor sit amet is what printers write where the text of the story will stand later on the page."
REFRAIN = "\n".join(["The mill turns round and round again."] * 8)

# what is wrong, the text of number i, and the reasons for any of which it may be dropped
DROPPED: dict[str, Any] = {
    "word-salad": (salad, {"word-salad"}),
    "german": (lambda _: GERMAN, {"other-language"}),
    "invented": (lambda _: INVENTED, {"other-language", "low-quality"}),
    "spam": (lambda _: SPAM, {"spam"}),
    "soup": (lambda _: SOUP, {"symbols"}),
    "lost": (lambda i: good(i).replace("e", "\ufffd", 12), {"broken-encoding"}),
    "rude": (lambda i: good(i) + " Shut up, you stupid arsehole. What bullshit.", {"rude"}),
    "filler": (lambda _: FILLER, {"low-quality"}),
    "refrain": (lambda _: REFRAIN, {"repetition"}),
    "menu": (lambda _: "Home | News | Contact\nAccept all cookies\nAll rights reserved.", {"boilerplate"}),
    "tags": (lambda _: "<div class='x'><script>var a = 1;</script></div>", {"nothing-left"}),
}


def mojibake(text: str) -> str:
    return f"“{text}” – café".encode().decode("windows-1252", "replace").replace("\ufffd", "\x9d")


# what is wrong, the text of number i, and what has to be gone from it; it is kept
REPAIRED: dict[str, Any] = {
    "html": (lambda i: f"<p>{good(i).replace('. ', '.</p><p>', 1)}</p><script>var a = 1;</script>", ("<p>", "var a")),
    "mojibake": (lambda i: mojibake(good(i)), ("â", "Ã")),
    "boilerplate": (
        lambda i: f"Home | News | Contact\n{good(i)}\nThis website uses cookies. Do you accept?",
        ("Home |", "cookies"),
    ),
    "signs": (lambda i: f"@#$%^&*§\n{good(i)}", ("@#$",)),
    "email": (lambda i: f"{good(i)} Write to anna{i}@example.org.", ("@example.org",)),
    "phone": (lambda i: f"{good(i)} Her number is +44 20 7946 0{100 + i}.", ("7946",)),
    "iban": (lambda i: f"{good(i)} Pay to DE89 3704 0044 0532 0130 00.", ("0532",)),
    "card": (lambda i: f"{good(i)} The card is 4111 1111 1111 1111.", ("4111",)),
    "ip": (lambda i: f"{good(i)} It ran on 192.0.2.{i % 250}.", ("192.0.2",)),
}


def crawl() -> list[dict[str, Any]]:
    """150 good documents; every kind of dirt twice; copies of three good ones before and after them."""
    records = [{"text": good(i), "is": "good"} for i in range(150)]
    for turn in range(2):
        start = 1000 + 100 * turn
        records += [
            {"text": make(start + n), "is": kind}
            for n, (kind, (make, _)) in enumerate([*DROPPED.items(), *REPAIRED.items()])
        ]
    for i in (3, 77):
        records.append({"text": good(i).replace(" ", "  ", 1) + "\n", "is": "exact"})
        records.insert(1, {"text": "Yesterday. " + good(i + 1), "is": "near"})
    return records


def write(path: Path, records: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Cleaned:
    """A cleaning and what it left, by the line of the raw file."""

    out: Path
    raw: list[dict[str, Any]]
    report: dict[str, Any]

    @property
    def kept(self) -> dict[int, dict[str, Any]]:
        return {record["number"]: record for record in read_clean(self.out)}

    @property
    def dropped(self) -> dict[int, dict[str, Any]]:
        files = sorted((self.out / "dropped").glob("*.jsonl"))
        return {record["number"]: record for file in files for record in read_dropped(self.out, file.stem)}

    def lines(self, kind: str) -> list[int]:
        found = [number for number, record in enumerate(self.raw, start=1) if record["is"] == kind]
        assert found
        return found


def run(texts: list[Path], out: Path, **rules: Any) -> dict[str, Any]:
    """A cleaning without a page, in this process."""
    return clean(texts, out, Rules(**{"workers": 1} | rules))
