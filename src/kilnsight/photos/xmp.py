"""XMP of drones as plain name and value; nothing in it is expanded or followed."""

from __future__ import annotations

import html
import math
import re

MAX_PROPERTIES = 2_000
"""Most properties that are kept; drones write fewer than a hundred."""

_PREFIXES = {
    "dji.com/drone-dji": "drone-dji", "pix4d.com/camera": "Camera",
    "parrot.com/drone-parrot": "drone-parrot", "parrot.com/namespace": "drone-parrot",
    "skydio.com/drone-skydio": "drone-skydio", "yuneec.com/drone-yuneec": "drone-yuneec",
    "autelrobotics.com": "drone", "ns.adobe.com/xap/1.0": "xmp",
}
_NAME = r"([A-Za-z][\w.-]{0,40}):([A-Za-z][\w.-]{0,60})"
_DECLARATION = re.compile(r"xmlns:([A-Za-z][\w.-]{0,40})\s{0,9}=\s{0,9}[\"']([^\"'<>]{1,200})[\"']")
_ATTRIBUTE = re.compile(_NAME + r"\s{0,9}=\s{0,9}(?:\"([^\"<]{0,600})\"|'([^'<]{0,600})')")
_ELEMENT = re.compile(rf"<{_NAME}\s{{0,9}}>([^<]{{1,600}})</")
_BLOCK = re.compile(
    r"([\w-]{1,40}):(CameraOrientationNED|CalibratedFocalLength|CalibratedOpticalCenter)\b"
    r"([^>]{0,400}>?.{0,400})", re.DOTALL,
)
_NUMBER = re.compile(
    r"[+-]?\d{1,12}(?:\.\d{0,15})?(?:[eE][+-]?\d{1,2})?|[+-]?\.\d{1,15}", re.ASCII
)


def read_xmp(packet: bytes) -> dict[str, str]:
    """Simple properties of an XMP packet, `prefix:Name` to text; the first of a name counts.

    Prefixes of the drone makers' schemas are the usual ones whatever the packet calls them.
    A packet with a document type declaration is refused: no camera writes one, and entities are
    how such files attack their readers.

    >>> read_xmp(b'<rdf:Description drone-dji:RelativeAltitude="+112.30"/>')
    {'drone-dji:RelativeAltitude': '+112.30'}
    >>> read_xmp(b"")
    {}
    """
    content = packet.decode("utf-8", errors="replace")
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        return {}
    prefixes = _prefixes(content)
    found: dict[str, str] = {}
    for pattern in (_ATTRIBUTE, _ELEMENT):
        for match in pattern.finditer(content):
            if len(found) >= MAX_PROPERTIES:
                return found
            value = match[3] if match[3] is not None else match[match.lastindex or 3]
            name = f"{prefixes.get(match[1], match[1])}:{match[2]}"
            found.setdefault(name, html.unescape(value).strip())
    return found | _blocks(content, prefixes)


def _prefixes(content: str) -> dict[str, str]:
    """Usual prefix for each prefix that the packet declares for a maker's schema."""
    declared = {m[1]: m[2].lower() for m in _DECLARATION.finditer(content)}
    return {
        prefix: usual for prefix, uri in declared.items()
        for part, usual in _PREFIXES.items() if part in uri
    }


def _blocks(content: str, prefixes: dict[str, str]) -> dict[str, str]:
    """Members of the structures that Skydio writes, as `prefix:Structure.Member`."""
    found: dict[str, str] = {}
    for match in _BLOCK.finditer(content):
        body = match[3].split(f"</{match[1]}:{match[2]}")[0]
        for member in ("Roll", "Pitch", "Yaw", "X", "Y"):
            value = re.search(rf":{member}\s{{0,9}}(?:=\s{{0,9}}[\"']|>)([^<\"']{{1,40}})", body)
            if value:
                name = f"{prefixes.get(match[1], match[1])}:{match[2]}.{member}"
                found.setdefault(name, value[1].strip())
    return found


def number(xmp: dict[str, str], *names: str) -> float | None:
    """First of the named properties that is a number; fractions such as 123/10 count.

    >>> number({"a:X": "+112.30", "a:Y": "246/20", "a:Z": "1/0"}, "a:Z", "a:Y")
    12.3
    """
    for name in names:
        value = _as_number(xmp.get(name, ""))
        if value is not None:
            return value
    return None


def _as_number(written: str) -> float | None:
    top, _, bottom = written.strip().partition("/")
    if not _NUMBER.fullmatch(top) or (bottom and not _NUMBER.fullmatch(bottom)):
        return None
    divisor = float(bottom) if bottom else 1.0
    value = float(top) / divisor if divisor else math.nan
    return value if math.isfinite(value) else None


def text(xmp: dict[str, str], *names: str) -> str | None:
    """First of the named properties that is not empty, at most 200 printable characters."""
    for name in names:
        value = "".join(c for c in xmp.get(name, "") if c.isprintable())[:200].strip()
        if value:
            return value
    return None
