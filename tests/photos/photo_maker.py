"""Photos made from scratch: JPEG files with the EXIF and XMP that a test asks for."""

from __future__ import annotations

import io
import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from kilnsight.photos.folder import Outcome, _attempt
from kilnsight.photos.photo import Photo, parse_photo

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
CALITERRA = SHARED / "caliterra"
THERMAL = SHARED / "detect" / "rjpeg_thermal"


def degrees(value: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds of an angle without its sign."""
    value = abs(value)
    minutes = (value % 1) * 60
    return float(int(value)), float(int(minutes)), (minutes % 1) * 60


@cache
def texture(seed: int, width: int, height: int) -> np.ndarray:
    """Grey picture with detail at all scales, shape (height, width)."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for scale in (1, 2, 4, 8, 16, 32):
        noise = rng.normal(0, 6 * scale**0.7, (height // scale + 2, width // scale + 2))
        total += cv2.resize(
            noise.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
    return np.clip(total + 110, 0, 255).astype(np.uint8)


def make_jpeg(
    seed: int = 1,
    *,
    size: tuple[int, int] = (400, 300),
    exif: dict[int, object] | None = None,
    sub: dict[int, object] | None = None,
    gps: dict[int, object] | None = None,
    xmp: str = "",
    picture: np.ndarray | None = None,
    **save: object,
) -> bytes:
    """JPEG with tags of the main, the Exif and the GPS directory, and properties as XMP."""
    grey = texture(seed, *size) if picture is None else picture
    tags = Image.Exif()
    tags.update(exif or {})
    if sub:
        tags.get_ifd(0x8769).update(sub)
    if gps:
        tags.get_ifd(0x8825).update(gps)
    out = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(out, "JPEG", quality=90, exif=tags, **save)
    return with_xmp(out.getvalue(), xmp) if xmp else out.getvalue()


def with_xmp(jpeg: bytes, properties: str) -> bytes:
    """The file with an XMP packet of these attributes behind its start marker."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="DJI Meta Data" '
        f"{properties}/></rdf:RDF></x:xmpmeta>"
    ).encode()
    body = b"http://ns.adobe.com/xap/1.0/\x00" + packet
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


def drone_jpeg(
    seed: int = 1,
    *,
    lat: float = 31.4,
    lon: float = 119.5,
    second: int = 0,
    hour: int = 10,
    day: int = 5,
    model: str = "M3E",
    **more: object,
) -> bytes:
    """Photo of a Mavic 3E, resized, at a place and time."""
    gps = {
        1: "N" if lat >= 0 else "S",
        2: degrees(lat),
        3: "E" if lon >= 0 else "W",
        4: degrees(lon),
        5: b"\x00",
        6: 120.0,
    }
    sub = {
        0x9003: f"2026:03:{day:02d} {hour:02d}:{second // 60:02d}:{second % 60:02d}",
        0x9011: "+08:00",
        0x920A: 12.29,
    }
    kept: dict = {"exif": {0x010F: "DJI", 0x0110: model}, "sub": sub, "gps": gps} | more
    return make_jpeg(seed, **kept)


def flight(
    folder: Path, count: int = 6, *, start: int = 0, prefix: str = "DJI", **more: object
) -> Path:
    """Folder with photos 20 m and 2 s apart."""
    folder.mkdir(parents=True, exist_ok=True)
    lat = float(more.pop("lat", 31.4))  # type: ignore[arg-type]
    for i in range(count):
        data = drone_jpeg(start + i, lat=lat + i * 0.00018, second=2 * i, **more)  # type: ignore[arg-type]
        (folder / f"{prefix}_{i:04d}.JPG").write_bytes(data)
    return folder


def photo_of(data: bytes, folder: Path, name: str = "a.jpg") -> Photo:
    """The photo in these bytes."""
    path = folder / name
    path.write_bytes(data)
    return parse_photo(path)


def attempt_that_crashes(path: Path, folder: Path) -> Outcome:
    """Reads a file, but dies with the process at one called killer, as a decoder's bug would."""
    if path.stem == "killer":
        os._exit(11)
    return _attempt(path, folder)
