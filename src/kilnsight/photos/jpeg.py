"""A JPEG file's outside: size, metadata blocks and completeness, without decoding it."""

from __future__ import annotations

from dataclasses import dataclass

from kilnsight.photos.flag import Flag, PhotoError

MAX_PIXELS = 200_000_000
"""Largest picture that is decoded; the largest aerial cameras have 150 million pixels."""
MAX_PROGRESSIVE_PIXELS = 60_000_000
"""Largest progressive picture: its coefficients are all held in memory, 6 bytes a pixel."""
MAX_SIDE = 30_000
"""Longest side of a picture that is decoded, pixels."""
MIN_SIDE = 200
"""Shortest side of a survey photo, pixels; previews are smaller."""
MAX_SCANS = 100
"""Most scans a progressive picture may have; cameras and editors write about 10."""
MAX_SEGMENTS = 2_000
"""Most segments before the picture; thermal files have some hundred."""
MAX_XMP = 262_144
"""Most bytes of XMP that are looked at."""

_EXIF = b"Exif\x00"
_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


@dataclass(frozen=True)
class JpegFile:
    """What stands around the picture in a JPEG file.

    `width` and `height` are the stored pixels, before any rotation that the EXIF asks for.
    `exif` is the TIFF block, `xmp` the packet, both as bytes and empty where absent; `bare` is
    the file without its application segments, from which the picture decodes.
    """

    width: int
    height: int
    progressive: bool
    exif: bytes
    xmp: bytes
    bare: bytes


@dataclass(frozen=True)
class _Segment:
    marker: int
    start: int
    body: bytes


def _segments(data: bytes) -> tuple[list[_Segment], int]:
    """Segments up to the start of the picture data, and where those start."""
    found: list[_Segment] = []
    at = 2
    while len(found) < MAX_SEGMENTS:
        at = _next_marker(data, at)
        marker = data[at + 1]
        if marker == 0xD9:
            raise PhotoError(Flag.DAMAGED)
        if marker in _ALONE:
            at += 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if size < 2:
            raise PhotoError(Flag.DAMAGED)
        if at + 2 + size > len(data):
            raise PhotoError(Flag.TRUNCATED)
        if marker == 0xDA:
            return found, at
        found.append(_Segment(marker, at, data[at + 4 : at + 2 + size]))
        at += 2 + size
    raise PhotoError(Flag.DAMAGED)


def _next_marker(data: bytes, at: int) -> int:
    """Offset of the marker at `at`, past fill bytes; raises where there is none."""
    if at + 4 > len(data):
        raise PhotoError(Flag.TRUNCATED)
    if data[at] != 0xFF:
        raise PhotoError(Flag.DAMAGED)
    limit = min(len(data) - 4, at + 65_536)
    while data[at + 1] == 0xFF and at < limit:
        at += 1
    return at


def _frame(segments: list[_Segment]) -> tuple[int, int, bool]:
    """Width, height and whether it is progressive, from the frame header."""
    for segment in segments:
        if segment.marker in _FRAMES and len(segment.body) >= 6:
            height = int.from_bytes(segment.body[1:3], "big")
            width = int.from_bytes(segment.body[3:5], "big")
            return width, height, segment.marker in _PROGRESSIVE
    raise PhotoError(Flag.DAMAGED)


def _check_size(width: int, height: int, progressive: bool) -> None:
    text = f"{width} x {height}"
    most = MAX_PROGRESSIVE_PIXELS if progressive else MAX_PIXELS
    if width * height > most or max(width, height) > MAX_SIDE:
        raise PhotoError(Flag.TOO_LARGE, text)
    if min(width, height) == 0:
        raise PhotoError(Flag.DAMAGED)
    if min(width, height) < MIN_SIDE:
        raise PhotoError(Flag.TOO_SMALL, text)


def _first(segments: list[_Segment], head: bytes) -> bytes:
    for segment in segments:
        if segment.marker == 0xE1 and segment.body.startswith(head):
            return segment.body[len(head) :]
    return b""


def read_jpeg(data: bytes) -> JpegFile:
    """Size and metadata blocks of a JPEG file given as bytes; the picture is not decoded.

    Raises `PhotoError` where it is none, ends too early, is damaged or beyond the limits.
    """
    if data[:3] != b"\xff\xd8\xff":
        raise PhotoError(Flag.NOT_A_PHOTO)
    segments, picture = _segments(data)
    width, height, progressive = _frame(segments)
    _check_size(width, height, progressive)
    end = data.find(b"\xff\xd9", picture)
    if end < 0:
        raise PhotoError(Flag.TRUNCATED)
    if data.count(b"\xff\xda", picture, end) > MAX_SCANS:
        raise PhotoError(Flag.DAMAGED)
    tables = b"".join(
        b"\xff" + bytes([s.marker]) + (len(s.body) + 2).to_bytes(2, "big") + s.body
        for s in segments if not (0xE0 <= s.marker <= 0xEF or s.marker == 0xFE)
    )
    bare = data[:2] + tables + data[picture : end + 2]
    exif = _first(segments, _EXIF)[1:]
    return JpegFile(width, height, progressive, exif, _first(segments, _XMP)[:MAX_XMP], bare)
