"""Personal data in otherwise good text: addresses, telephone and account numbers of people of the world, with check digits that are right.

Each datum of a person is the same wherever it stands. None can be anybody's: mail domains are reserved (RFC 2606), telephone numbers come
from the ranges that regulators keep for fiction (Ofcom, Bundesnetzagentur, Arcep, 555-01xx), IBANs have bank codes that no bank has, and
cards the prefixes of test cards. IP addresses are drawn from all that are public, in version 4, and for the held-out ones in 6.
Left out: names, which the world's texts are about.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from onward.world.dirt.draw import Draw, Page, put_in
from onward.world.entities import Person
from onward.world.words import words

MOST = 3
"""Data in one text; at least one."""


def personal_data(draw: Draw, text: str) -> Page:
    """truth: "items", each with its kind, its text and whose it is; where they stand is added by `located`."""
    items: list[dict[str, Any]] = []
    for kind in draw.random.sample(KINDS, draw.random.randint(1, MOST)):
        person = draw.person()
        datum = personal(draw, kind, person)
        text = put_in(draw, text, draw.line("personal", kind, "sentences", name=person.name, item=datum))
        items.append({"kind": kind, "text": datum, "name": person.name})
    return Page(text, {"items": items})


def personal(draw: Draw, kind: str, person: Person) -> str:
    """A person's datum of a kind."""
    own = Draw(draw.world, draw.world.random("personal", kind, person.index), draw.held_out)
    if kind == "ip":
        return own.pick((_ipv4,), (_ipv6,))(own)
    return FILLED[kind](own, own.template("personal", kind, "forms"), person)


def located(items: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """With the span of each in the text, in characters: text[start:end]."""
    starts = [text.index(item["text"]) for item in items]
    return [
        item | {"start": start, "end": start + len(item["text"])} for item, start in zip(items, starts, strict=True)
    ]


def with_iban_check(form: str) -> str:
    """?? filled in: the check digits of an account number (ISO 13616; modulo 97-10 of ISO 7064)."""
    plain = form.replace(" ", "")
    value = int("".join(str(int(char, 36)) for char in f"{plain[4:]}{plain[:2]}00"))
    return form.replace("??", f"{98 - value % 97:02}")


def with_luhn_check(form: str) -> str:
    """The ? at the end filled in: the check digit of a card (Luhn; ISO/IEC 7812-1)."""
    digits = [int(char) for char in reversed(form) if char.isdigit()]
    doubled = [digit * 2 if i % 2 == 0 else digit for i, digit in enumerate(digits)]
    return form.replace("?", str(-sum(value // 10 + value % 10 for value in doubled) % 10))


def _mail(draw: Draw, form: str, person: Person) -> str:
    first, last = person.first.lower(), person.last.lower()
    return draw.fill(form, {"first": first, "last": last, "f": first[0], "born": str(person.born)})


def _phone(draw: Draw, form: str, _: Person) -> str:
    return re.sub("#", lambda _: draw.digits(1), form)


def _iban(draw: Draw, form: str, person: Person) -> str:
    return with_iban_check(_phone(draw, form, person))


def _card(draw: Draw, form: str, person: Person) -> str:
    return with_luhn_check(_phone(draw, form, person))


def _address(draw: Draw, form: str, person: Person) -> str:
    street = " ".join(draw.random.choice(words(f"streets.{part}", "dirt/personal")) for part in ("first", "second"))
    slots = {
        "house": draw.random.randrange(1, 200),
        "flat": draw.random.randrange(1, 30),
        "code": draw.random.randrange(10000, 99999),
    }
    return draw.fill(
        form, {"street": street, "city": person.city.name} | {slot: str(value) for slot, value in slots.items()}
    )


def _ipv4(draw: Draw) -> str:
    """Any that is public; the bounds leave out what only rules would."""
    while True:
        found = ipaddress.IPv4Address(draw.random.randrange(2**24, 224 * 2**24))
        if found.is_global:
            return str(found)


def _ipv6(draw: Draw) -> str:
    """Any of 2a00::/16, a range of RIPE's."""
    return str(ipaddress.IPv6Address((0x2A00 << 112) + draw.random.randrange(2**112)))


FILLED: dict[str, Callable[[Draw, str, Person], str]] = {
    "email": _mail,
    "phone": _phone,
    "iban": _iban,
    "card": _card,
    "address": _address,
}
KINDS = (*FILLED, "ip")
