"""Sensors of cameras: the data base `sensors.toml` and the search in it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

FOCAL_TOLERANCE = 0.03
"""Relative difference up to which a focal length in an EXIF is that of a fixed lens."""


@dataclass(frozen=True)
class Sensor:
    """A camera's sensor: size in millimetres and in pixels, in landscape.

    `focal_mm` is the range of its lens, None where lenses are exchanged. `status` says how well
    the values are known: `secondary` or `unverified`.
    """

    make: str
    models: tuple[str, ...]
    name: str
    width_mm: float
    height_mm: float
    width_px: int
    height_px: int
    status: str
    focal_mm: tuple[float, float] | None = None
    band: str = "visible"
    fisheye: bool = False

    @property
    def fixed_focal_mm(self) -> float | None:
        """Focal length of a lens that has only one, millimetres."""
        return self.focal_mm[0] if self.focal_mm and self.focal_mm[0] == self.focal_mm[1] else None

    def has_focal(self, focal_mm: float) -> bool:
        """Whether the lens can have this focal length; any can where lenses are exchanged."""
        if self.focal_mm is None:
            return True
        low, high = self.focal_mm
        return low * (1 - FOCAL_TOLERANCE) <= focal_mm <= high * (1 + FOCAL_TOLERANCE)


def _key(written: str) -> str:
    """Letters and digits alone: makers change case, blanks and dashes between firmwares."""
    return re.sub(r"[^a-z0-9+]", "", written.lower())


@cache
def sensors() -> tuple[Sensor, ...]:
    """All sensors of the data base."""
    content = resources.files("kilnsight.photos").joinpath("sensors.toml").read_text("utf-8")
    return tuple(_sensor(entry) for entry in tomllib.loads(content)["camera"])


def _sensor(entry: dict[str, Any]) -> Sensor:
    raw = dict(entry)
    width_mm, height_mm = raw.pop("size_mm")
    width_px, height_px = raw.pop("pixels")
    focal = raw.pop("focal_mm", None)
    return Sensor(
        width_mm=width_mm, height_mm=height_mm, width_px=width_px, height_px=height_px,
        models=tuple(raw.pop("model")), focal_mm=None if focal is None else tuple(focal), **raw,
    )


@cache
def _by_model() -> dict[str, tuple[Sensor, ...]]:
    found: dict[str, tuple[Sensor, ...]] = {}
    for sensor in sensors():
        for model in {_key(m) for m in sensor.models}:
            found[model] = (*found.get(model, ()), sensor)
    return found


def find_sensor(
    make: str | None, model: str | None, *, focal_mm: float | None, width: int, height: int
) -> Sensor | None:
    """Sensor of a camera, None where it is not known or the lens cannot be told.

    `focal_mm` (millimetres, None where unknown) and the picture's size in pixels tell the
    cameras of one model apart: a wide, a zoom and a thermal one share a name.
    """
    candidates = [s for s in _candidates(make, model) if focal_mm is None or s.has_focal(focal_mm)]
    if len(candidates) > 1:
        ratio = max(width, height) / max(1, min(width, height))
        candidates = [s for s in candidates if abs(s.width_px / s.height_px - ratio) < 0.02]
    return candidates[0] if len(candidates) == 1 else None


def _candidates(make: str | None, model: str | None) -> tuple[Sensor, ...]:
    if not model:
        return ()
    maker, name = _key(make or ""), _key(model)
    short = _key((make or "").split(" ")[0])
    for key in (name, name.removeprefix(maker), name.removeprefix(short)):
        same = tuple(s for s in _by_model().get(key, ()) if _same_make(s, maker))
        if key and same:
            return same
    return ()


def _same_make(sensor: Sensor, maker: str) -> bool:
    """Whether makers agree; some firmware leaves the make out or writes "Camera"."""
    mine = _key(sensor.make)
    return maker in ("", "camera") or mine.startswith(maker[:4]) or maker.startswith(mine[:4])
