"""EXIF as found in photos: a reader that takes every value for hostile."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone

MAX_ENTRIES = 512
"""Most entries of a directory that are looked at."""
MAX_BYTES = 4_096
"""Most bytes of a value that are read; longer values are maker notes and pictures."""
MAX_TEXT = 200
"""Most characters of a text that are kept."""

Value = str | tuple[float, ...]
"""Text, or numbers in which NaN stands for what cannot be computed (a zero denominator)."""

_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TIME = re.compile(r"(\d{4})[:\-/](\d\d)[:\-/](\d\d)[ T](\d\d):(\d\d):(\d\d)(\.\d+)?", re.ASCII)
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)\s*$", re.ASCII)


@dataclass(frozen=True)
class Exif:
    """The three directories of an EXIF block that matter, tag number to value."""

    main: dict[int, Value] = field(default_factory=dict)
    exif: dict[int, Value] = field(default_factory=dict)
    gps: dict[int, Value] = field(default_factory=dict)


def text(directory: dict[int, Value], tag: int) -> str | None:
    """Text of a tag without padding, or None where it is absent, empty or no text."""
    value = directory.get(tag)
    return (value.strip() or None) if isinstance(value, str) else None


def number(directory: dict[int, Value], tag: int) -> float | None:
    """First number of a tag, or None where it is absent or not finite."""
    value = numbers(directory, tag)
    return value[0] if value else None


def numbers(directory: dict[int, Value], tag: int) -> tuple[float, ...]:
    """Numbers of a tag, empty where it is absent, a text or has one that is not finite."""
    value = directory.get(tag, ())
    good = not isinstance(value, str) and all(math.isfinite(x) for x in value)
    return value if good and not isinstance(value, str) else ()


def read_exif(block: bytes) -> Exif:
    """Values of an EXIF block (a TIFF header and its directories); empty where it is no such block.

    >>> read_exif(b"no such thing").main
    {}
    """
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return Exif()
    main = _directory(block, order, struct.unpack_from(order + "I", block, 4)[0])
    return Exif(main, *(_child(block, order, main, tag) for tag in (_EXIF_IFD, _GPS_IFD)))


def _child(block: bytes, order: str, main: dict[int, Value], tag: int) -> dict[int, Value]:
    offset = number(main, tag)
    return {} if offset is None or offset < 0 else _directory(block, order, int(offset))


def _directory(block: bytes, order: str, offset: int) -> dict[int, Value]:
    """Entries of the directory at `offset`; those that do not fit are left out."""
    if offset + 2 > len(block):
        return {}
    count = struct.unpack_from(order + "H", block, offset)[0]
    values: dict[int, Value] = {}
    for at in range(offset + 2, offset + 2 + 12 * min(count, MAX_ENTRIES), 12):
        if at + 12 > len(block):
            break
        tag, kind, items = struct.unpack_from(order + "HHI", block, at)
        value = _value(block, order, kind, items, at + 8)
        if value is not None:
            values.setdefault(tag, value)
    return values


def _value(block: bytes, order: str, kind: int, items: int, at: int) -> Value | None:
    size = _SIZES.get(kind, 0) * items
    if not 0 < size <= MAX_BYTES:
        return None
    if size > 4:
        at = struct.unpack_from(order + "I", block, at)[0]
    raw = block[at : at + size]
    return _decode(raw, order, kind, items) if len(raw) == size else None


def _decode(raw: bytes, order: str, kind: int, items: int) -> Value:
    if kind == 2:
        return clean(raw.split(b"\x00")[0])
    if kind in (5, 10):
        parts = struct.unpack(f"{order}{2 * items}{'I' if kind == 5 else 'i'}", raw)
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return tuple(top / bottom if bottom else math.nan for top, bottom in pairs)
    return tuple(float(x) for x in struct.unpack(f"{order}{items}{_NUMBERS[kind]}", raw))


def clean(raw: bytes) -> str:
    """Printable text of bytes that claim to be one; what is not UTF-8 becomes a question mark."""
    decoded = raw.decode("utf-8", errors="replace").replace("\ufffd", "?")
    return "".join(c for c in decoded if c.isprintable())[:MAX_TEXT].strip()


def parse_time(written: str | None) -> datetime | None:
    """Time written as in EXIF (2014:10:19 13:20:51) or ISO 8601, with its zone where it has one.

    >>> parse_time("2014:10:19 13:20:51").isoformat()
    '2014-10-19T13:20:51'
    >>> parse_time("0000:00:00 00:00:00") is None
    True
    """
    match = _TIME.match(written or "")
    if match is None:
        return None
    try:
        moment = datetime(*(int(part) for part in match.groups()[:6]))  # type: ignore[arg-type]
        moment += timedelta(seconds=float(match[7] or 0))
    except (ValueError, OverflowError):
        return None
    rest = (written or "")[match.end() :]
    zone = UTC if rest.strip() == "Z" else parse_zone(rest)
    return moment.replace(tzinfo=zone)


def parse_zone(written: str | None) -> timezone | None:
    """Zone written as +08:00 or -0500, or None where it is none.

    >>> str(parse_zone("+08:00")), parse_zone("+99:00")
    ('UTC+08:00', None)
    """
    match = _ZONE.match((written or "").strip())
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    if minutes > 14 * 60 or int(match[3]) > 59:
        return None
    return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes))


def gps_time(gps: dict[int, Value], day: date | None) -> datetime | None:
    """UTC time of the GPS directory; `day` stands in for a missing GPS date."""
    clock = numbers(gps, 7)
    if len(clock) != 3 or not (0 <= clock[0] < 24 and 0 <= clock[1] < 60 and 0 <= clock[2] < 61):
        return None
    stamp = parse_time((text(gps, 29) or "") + " 00:00:00")
    day = stamp.date() if stamp else day
    if day is None:
        return None
    midnight = datetime.combine(day, time(0), tzinfo=UTC)
    try:
        return midnight + timedelta(hours=clock[0], minutes=clock[1], seconds=clock[2])
    except OverflowError:
        return None
