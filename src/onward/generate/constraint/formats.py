"""The formats of strings that JSON schemas may name, as patterns.

All that is allowed is valid; not all that is valid is allowed: years from 1000 to 2999, no leap seconds, plain ASCII mail addresses.
Sources: RFC 3339 (dates and times), RFC 9562 (UUID), RFC 5321 (mail), RFC 2673 (IPv4), RFC 1123 (host names).
"""

from __future__ import annotations

_YEAR = r"[12]\d{3}"
_LEAP_YEAR = r"(?:[12]\d(?:0[48]|[2468][048]|[13579][26])|1[26]00|2[048]00)"
_DATE = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
    rf"|{_LEAP_YEAR}-02-29)"
)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_TIME = rf"{_CLOCK}:[0-5]\d(?:\.\d{{1,6}})?(?:Z|[+-]{_CLOCK})"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_WORD = r"[A-Za-z0-9_%+-]+"
_BYTE = r"(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"

FORMATS: dict[str, str] = {
    "date": _DATE,
    "time": _TIME,
    "date-time": rf"{_DATE}T{_TIME}",
    "uuid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "email": rf"{_WORD}(?:\.{_WORD}){{0,4}}@(?:{_LABEL}\.){{1,3}}[A-Za-z]{{2,24}}",
    "ipv4": rf"(?:{_BYTE}\.){{3}}{_BYTE}",
    "hostname": rf"{_LABEL}(?:\.{_LABEL}){{0,3}}",
}
