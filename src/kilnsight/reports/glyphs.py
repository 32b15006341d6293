"""Which characters a font can draw, so that a text it would silently lose is refused."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

# Characters that are laid out but never drawn.
_INVISIBLE = frozenset("\n\t\u200b\ufeff")


@cache
def drawable(font: Path) -> frozenset[int]:
    """Code points that an OpenType font maps to a glyph (format 4, the first 65,536)."""
    data = font.read_bytes()
    cmap = _table(data, b"cmap")
    count = struct.unpack_from(">H", data, cmap + 2)[0]
    points: set[int] = set()
    for i in range(count):
        start = cmap + struct.unpack_from(">I", data, cmap + 8 + 8 * i)[0]
        if struct.unpack_from(">H", data, start)[0] == 4:
            points.update(_segments(data, start))
    return frozenset(points)


def missing(text: str, font: Path) -> list[str]:
    """Characters of `text` that the font cannot draw, each once, in the order of code points."""
    known = drawable(font)
    return sorted({c for c in text if ord(c) not in known and c not in _INVISIBLE})


def _table(data: bytes, tag: bytes) -> int:
    """Offset of a table of the font."""
    for i in range(struct.unpack_from(">H", data, 4)[0]):
        name, _sum, offset, _length = struct.unpack_from(">4sIII", data, 12 + 16 * i)
        if name == tag:
            return int(offset)
    raise ValueError(f"the font has no table {tag!r}")


def _segments(data: bytes, start: int) -> set[int]:
    """Code points with a glyph in a format 4 table (OpenType 1.9, cmap, format 4)."""
    count = struct.unpack_from(">H", data, start + 6)[0] // 2
    ends, firsts, deltas, offsets = (
        start + 14 + skip + 2 * count * part
        for part, skip in ((0, 0), (1, 2), (2, 2), (3, 2))
    )
    points = set()
    for i in range(count):
        end, first, delta, offset = (
            struct.unpack_from(">H", data, place + 2 * i)[0]
            for place in (ends, firsts, deltas, offsets)
        )
        for point in range(first, end + 1):
            glyph = point
            if offset:
                at = offsets + 2 * i + offset + 2 * (point - first)
                glyph = struct.unpack_from(">H", data, at)[0] if at + 2 <= len(data) else 0
                if not glyph:
                    continue
            if (glyph + delta) % 65536:
                points.add(point)
    return points - {0xFFFF}
