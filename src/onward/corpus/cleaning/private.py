"""Personal data: e-mail, IP and street addresses, telephone, account and card numbers, each replaced by a mask such as `<email>`.

Account and card numbers are masked only if their check digits fit (ISO 13616; ISO/IEC 7812, Luhn), so that other long numbers stay. The
pattern for e-mail addresses is datatrove's. A street address is a number and a street, as English writes them, with its flat and postal
code. Left out: names, which no rule can tell from those in novels, and the street addresses of other languages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from datatrove.pipeline.formatters.pii import PIIFormatter, public_ip_validator

IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{1,4}:{1,2}){2,7}(?:[0-9a-fA-F]{1,4})?(?![\w:])")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b")
CARD = re.compile(r"(?<![\w.-])[2-6]\d(?:[ -]?\d){11,17}(?![\w-])")
PHONES = (
    re.compile(r"(?<![\w+])(?:\(?\+|00)[1-9]\d{0,2}\)?(?:[ .\-/]?\(?\d{1,5}\)?){2,6}(?!\w)"),  # +44 20 7946 0000
    re.compile(r"(?<!\w)\(0?\d{2,5}\)[ -]?\d{3,4}(?:[ -]?\d{2,5})?(?!\w)"),  # (020) 7946 0000
    re.compile(r"(?<![\w.\-/])\d{3}([-./])\d{3}[-.]\d{4}(?![\w\-/])"),  # 212-555-0100
    re.compile(r"(?<![\w.\-/])0\d(?:[ .-]\d\d){4}(?![\w\-/])"),  # 01 23 45 67 89
    re.compile(r"(?<![\w.\-/])0\d{2,4} ?[ \-/] ?\d{3,4}(?:[ \-]?\d{2,5})?(?![\w\-/])"),  # 01632 960 001
    re.compile(r"(?<![\w.\-/])555[- ]\d{4}(?![\w\-/])"),
)
AFTER_A_CUE = re.compile(
    r"\b(?P<cue>(?:tele)?phone|tel|mobile|call|dial|ring|fax|whatsapp)\b(?P<between>[^\d\n]{0,30}?)"
    r"(?P<number>\+?\(?\d[\d .()/\-]{4,18}\d)(?!\w)",
    re.IGNORECASE,
)
STREETS = (
    "Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Close|Way|Square|Terrace|Drive|Court|Place|Gardens|Crescent|Row|Boulevard|Blvd|Mews|Grove|Walk|"
    "Parade|Alley|Quay|Highway|Circle|Path"
)
FLAT = r"(?:[Ff]lat|[Aa]partment|[Aa]pt\.?|[Uu]nit|[Ss]uite|[Rr]oom) \d+[A-Za-z]?"
NAME = r"(?:[A-Z][\w’'-]+ ){1,3}(?:" + STREETS + r")\b\.?"
NUMBER = r"(?!(?:1[5-9]|20)\d\d)\d{1,4}"  # and no year
STREET = re.compile(
    rf"(?:\b{FLAT},? )?(?<![\w.,-])(?:(?:No\. ?)?{NUMBER}[A-Za-z]?,? {NAME}|{NAME},? (?:No\.? ?)?{NUMBER}[A-Za-z]?(?![\w-]))"
    rf"(?:,? {FLAT})?(?:,? (?:[A-Z]{{1,2}}\d{{1,2}}[A-Z]? \d[A-Z]{{2}}|\d{{4,6}})(?=[ ,.]))?"
)
DIGIT = re.compile(r"\d")
DIGITS = re.compile(r"(?:\d[^\w\n]{0,3}){6}|:[0-9a-fA-F]{1,4}:")
"""Anything with fewer digits together is not personal."""
DATE = re.compile(r"(?:1[5-9]|20)\d\d[ /\-]+(?:1[5-9]|20)\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d\d-\d\d")
VERSION = re.compile(r"\bversions? \d+\.\d+\.", re.IGNORECASE)
"""A text on software, whose numbers of four parts are no addresses."""
LOOPBACK = ("127.", "0.")


def masked(text: str) -> tuple[str, Counter[str]]:
    """The text with masks, and how many of each kind."""
    counts: Counter[str] = Counter()
    if "@" in text:
        text = _replaced(_email(), "email", text, counts)
    if DIGIT.search(text):
        text = _replaced(STREET, "address", text, counts)
    if not DIGITS.search(text):
        return text, counts
    if "." in text and not VERSION.search(text):
        text = _replaced(IPV4, "ip", text, counts, _is_ip)
    if text.count(":") > 1:
        text = _replaced(IPV6, "ip", text, counts, _is_ip)
    text = IBAN.sub(lambda match: _account(match[0], counts), text)
    text = _replaced(CARD, "card", text, counts, is_card)
    for pattern in PHONES:
        text = _replaced(pattern, "phone", text, counts, _has_digits)
    return AFTER_A_CUE.sub(lambda match: _called(match, counts), text), counts


def _replaced(
    pattern: re.Pattern[str],
    kind: str,
    text: str,
    counts: Counter[str],
    valid: Callable[[str], bool] = bool,
) -> str:
    def mask(match: re.Match[str]) -> str:
        if not valid(match[0]):
            return match[0]
        counts[kind] += 1
        return f"<{kind}>"

    return pattern.sub(mask, text)


@lru_cache
def _email() -> re.Pattern[str]:
    pattern: re.Pattern[str] = PIIFormatter().emails_replacer.regex
    return pattern


def _is_ip(text: str) -> bool:
    """Documentation and private addresses too: they are as personal as their owner. Not one's own machine."""
    return not text.startswith(LOOPBACK) and bool(public_ip_validator(text, public_only=False))


def _account(text: str, counts: Counter[str]) -> str:
    """The longest beginning of what looks like an account whose check digits fit, masked: capitals may follow it."""
    ends = [len(text), *(match.start() for match in reversed(list(re.finditer(r"[ -]", text))))]
    for end in ends:
        if is_iban(text[:end]):
            counts["iban"] += 1
            return "<iban>" + text[end:]
    return text


def is_iban(text: str) -> bool:
    """ISO 13616: the first four characters put last, letters as 10 to 35, is 1 modulo 97."""
    compact = re.sub(r"[ -]", "", text)
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """13 to 19 digits that fit the Luhn check (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [digit if i % 2 == 0 else sum(divmod(2 * digit, 10)) for i, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def _has_digits(text: str) -> bool:
    return 7 <= sum(character.isdigit() for character in text) <= 15


def _called(match: re.Match[str], counts: Counter[str]) -> str:
    number = match["number"]
    if not 6 <= sum(character.isdigit() for character in number) <= 15 or DATE.fullmatch(number):
        return match[0]
    counts["phone"] += 1
    return f"{match['cue']}{match['between']}<phone>"
