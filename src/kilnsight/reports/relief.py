"""The surface model as a picture: coloured by height and shaded as if lit from all sides."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling

from kilnsight.reports.tiles import Box, Pixels, read_box, readable

RAMP = ("#4f7fb0", "#62a5b5", "#86c0a4", "#bfd6a0", "#f0e2a6", "#e0a86a", "#b8604a")
"""Colours from low to high."""

_LIGHTS = ((315.0, 0.46), (0.0, 0.18), (270.0, 0.18), (225.0, 0.18))
"""Azimuth in degrees and weight of each light; the main one is north-west, as maps have it."""

_ELEVATION_DEG = 42.0

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Scale:
    """Heights in metres that the ends of the colour ramp stand for."""

    low: float
    high: float


def height_scale(dsm: Path) -> Scale:
    """2nd to 98th percentile of the heights, at least a metre apart; 0 to 1 for an empty model."""
    heights = _small(dsm, side=512)
    known = heights[np.isfinite(heights)]
    if not known.size:
        return Scale(0.0, 1.0)
    low, high = (float(v) for v in np.percentile(known, [2, 98]))
    middle, half = (low + high) / 2, max(high - low, 1.0) / 2
    return Scale(middle - half, middle + half)


@dataclass(frozen=True)
class ReliefPainter:
    """Paints boxes of a surface model with one colour scale."""

    scale: Scale

    def __call__(self, source: Any, box: Box) -> Pixels:
        """RGBA of the surface model over a box; transparent where no height is known."""
        wide = Box(
            box.west - box.cell, box.north + box.cell, box.cell, box.width + 2, box.height + 2
        )
        heights = _nan(read_box(source, wide, bands=[1], fill=np.nan)[0], source.nodata)
        shade = hill_shade(heights, box.cell)[1:-1, 1:-1]
        heights = heights[1:-1, 1:-1]
        colour = ramp((heights - self.scale.low) / (self.scale.high - self.scale.low))
        lit = np.clip(colour * (0.42 + 0.75 * shade[..., None]), 0, 255)
        alpha = np.where(np.isfinite(heights), 255, 0)
        return np.dstack([np.nan_to_num(lit), alpha]).astype(np.uint8)


def hill_shade(heights: Array, cell: float) -> Array:
    """Brightness, 0 to 1, of a surface in metres with `cell` metres, same shape; flat at a gap."""
    known = np.isfinite(heights)
    filled = np.where(known, heights, np.nanmedian(heights) if known.any() else 0.0)
    south, east = np.gradient(filled, cell)
    sides = known.copy()
    sides[1:-1, 1:-1] &= (
        known[:-2, 1:-1] & known[2:, 1:-1] & known[1:-1, :-2] & known[1:-1, 2:]
    )
    south, east = np.where(sides, south, 0.0), np.where(sides, east, 0.0)
    length = np.sqrt(1 + south**2 + east**2)
    sin_e, cos_e = math.sin(math.radians(_ELEVATION_DEG)), math.cos(math.radians(_ELEVATION_DEG))
    total = np.zeros_like(filled, dtype=np.float32)
    for azimuth, weight in _LIGHTS:
        a = math.radians(azimuth)
        # The surface's normal is (-dz/de, -dz/dn, 1) and dz/dn is minus the gradient southwards.
        facing = -east * math.sin(a) * cos_e + south * math.cos(a) * cos_e + sin_e
        total += weight * np.clip(facing / length, 0, 1)
    return total


def ramp(fraction: Array) -> Array:
    """Colours, shape (..., 3), 0 to 255, of fractions of the height scale; NaN stays NaN."""
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in RAMP], dtype=np.float32)
    at = np.linspace(0, 1, len(stops))
    clipped = np.clip(fraction, 0, 1)
    return np.stack(
        [np.interp(clipped, at, stops[:, k]).astype(np.float32) for k in range(3)], axis=-1
    )


def height_grid(dsm: Path, *, side: int = 256) -> dict[str, Any]:
    """Coarse heights for a read-out on the map: int16 decimetres above `base`, base64, row-major.

    -32768 is unknown. `west`, `north`, `dx`, `dy` are in metres of the map.
    """
    heights = _small(dsm, side=side)
    with rasterio.open(dsm) as source:
        bounds = source.bounds
    known = heights[np.isfinite(heights)]
    base = math.floor(float(known.min())) if known.size else 0
    steps = np.round(np.nan_to_num((heights - base) * 10, nan=-32768.0))
    cells = np.clip(steps, -32768, 32767).astype("<i2")
    rows, cols = heights.shape
    return {
        "west": bounds.left, "north": bounds.top, "base": base, "rows": rows, "cols": cols,
        "dx": (bounds.right - bounds.left) / cols, "dy": (bounds.top - bounds.bottom) / rows,
        "data": base64.b64encode(cells.tobytes()).decode(),
    }


def _small(dsm: Path, *, side: int) -> Array:
    """Heights of the whole model with its longer side `side` cells at most."""
    with readable(dsm), rasterio.open(dsm) as source:
        factor = max(1.0, max(source.shape) / side)
        shape = tuple(max(1, round(n / factor)) for n in source.shape)
        heights = source.read(1, out_shape=shape, resampling=Resampling.average)
        return _nan(heights, source.nodata)


def _nan(heights: NDArray[Any], nodata: float | None) -> Array:
    values = heights.astype(np.float32)
    if nodata is not None and math.isfinite(nodata):
        values[heights == nodata] = np.nan
    return values
