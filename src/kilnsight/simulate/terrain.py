"""The bare ground: terraces of the plant, benches of the quarry, hills around."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilnsight.simulate.noise import Floats, field
from kilnsight.simulate.scene import Scene

Array = NDArray[np.float64]

PLATFORM_M = 26.0
BENCHES_M = (0.0, 17.0, 34.0)
"""Where the quarry's faces begin, metres into the hill."""
FACE_M = 8.0


def ramp(x: Array, start: float, end: float) -> Array:
    """Smooth step from 0 at `start` to 1 at `end`."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def into_hill(x: Array, y: Array) -> Array:
    """Metres from the uneven foot of the hill, in the plan's own axes."""
    return np.asarray(y - 80 + 3.5 * field(x, 0 * y, wavelength=38, octaves=3, salt=5))


def quarry_share(x: Array) -> Array:
    """1 where the hill is quarried, 0 where it is natural, in the plan's own axes."""
    return ramp(x, -104, -95) * (1 - ramp(x, -25, 5))


def bare_height(x: Array, y: Array, scene: Scene) -> Array:
    """Height of the ground without piles, in metres, at scene points of any shape."""
    px, py = x * scene.sign[0], y * scene.sign[1]
    height = PLATFORM_M + 0.006 * px + 0.009 * py - 1.6 * (1 - ramp(py, -10, -4.5))
    height = height + 0.06 * field(px, py, wavelength=22, octaves=2, salt=1)
    outside = np.maximum(np.abs(px + 25) - 110, np.maximum(-98 - py, 0))
    rolling = field(px, py, wavelength=150, octaves=4, salt=2)
    height = height + 5 * ramp(outside, 4, 120) * rolling
    t = into_hill(px, py)
    hill = 9 * ramp(t, 0, 75) + 0.09 * np.maximum(t, 0) + 1.5 * ramp(t, 10, 60) * rolling
    share = quarry_share(px)
    height = height + (1 - share) * hill + share * _benches(t, px, py)
    return np.asarray(height - 1.3 * _pond(x, y, scene))


def _benches(t: Array, px: Array, py: Array) -> Array:
    rugged = field(px, py, wavelength=5, octaves=4, salt=3)
    height: Any = 0.0
    for start in BENCHES_M:
        face = ramp(t + 1.1 * rugged, start, start + 2.6)
        height = height + FACE_M * face + 0.35 * rugged * face * (1 - face)
    return np.asarray(height + 0.02 * np.maximum(t, 0) + 0.08 * rugged * ramp(t, -2, 1))


def _pond(x: Array, y: Array, scene: Scene) -> Array:
    ring = next((p.ring for p in scene.patches if p.id == "W01"), None)
    if ring is None:
        return np.zeros_like(x)
    points = np.array(ring)
    middle = points.mean(axis=0)
    angles = np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0])
    radii = np.hypot(points[:, 0] - middle[0], points[:, 1] - middle[1])
    order = np.argsort(angles)
    dx, dy = x - middle[0], y - middle[1]
    edge = np.interp(np.arctan2(dy, dx), angles[order], radii[order], period=2 * np.pi)
    return ramp(edge - np.hypot(dx, dy), -1.4, 1.2)


def micro_relief(x: Array, y: Array) -> tuple[Floats, Floats]:
    """Fine and coarse unevenness at scene points, about -1 to 1, without unit."""
    return (
        field(x, y, wavelength=0.9, octaves=2, salt=7),
        field(x, y, wavelength=3.5, octaves=2, salt=8),
    )
