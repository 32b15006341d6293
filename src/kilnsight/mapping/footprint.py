"""The ground a photo shows, as a polygon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from kilnsight.photos.camera import View

LOWEST_M = 1.0
"""Least height above ground; a photo taken in a pit may stand below the site's ground."""
FARTHEST = 6.0
"""An oblique photo's footprint ends at this many times the height above ground."""


def footprint(view: View, ground_m: float) -> NDArray[np.float64]:
    """Ring on level ground at height `ground_m`, shape (5, 2), easting and northing."""
    w, h = view.camera.width - 1, view.camera.height - 1
    rays = view.rays(np.array([[0, 0], [w, 0], [w, h], [0, h], [0, 0]], dtype=float))
    above = max(float(view.pose.centre[2]) - ground_m, LOWEST_M)
    flat = np.hypot(rays[:, 0], rays[:, 1])
    # Rays at or above the horizon end at the farthest distance shown.
    reach = np.where(rays[:, 2] < -1e-6, flat / np.maximum(-rays[:, 2], 1e-6) * above, np.inf)
    reach = np.minimum(reach, FARTHEST * above)
    direction = rays[:, :2] / np.maximum(flat, 1e-9)[:, None]
    return np.asarray(view.pose.centre[:2] + direction * reach[:, None])


def to_lonlat(xy: NDArray[np.float64], crs: str) -> list[list[float]]:
    """Longitude and latitude, 7 decimals, of map points, shape (n, 2)."""
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(xy[:, 0], xy[:, 1])
    return [[round(float(x), 7), round(float(y), 7)] for x, y in zip(lon, lat, strict=True)]
