"""Sight: which photos show a place, how well, and where in their pixels it lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon, box

from kilnsight.findings.ground import span
from kilnsight.findings.site import SiteMap
from kilnsight.mapping.grid import Grid
from kilnsight.photos.camera import View

Array = NDArray[np.float64]

SIGHT_CELL_M = 0.5
"""Cell of the surface against which lines of sight are tested, metres."""
MAX_CELLS = 12_000_000
"""Cells at which that surface is made coarser instead."""
CLEARANCE_M = 0.6
"""Height by which the surface must stand above a line of sight to block it, metres."""
STEPS = 60
"""Points looked at along a line of sight."""
SAMPLES = 48
"""Points of a polygon for which the line of sight is tested."""


@dataclass(frozen=True)
class Showing:
    """How a view shows a polygon.

    `ring_px`, shape (n, 2), is the part of the outline within the picture; `score` is 0 to 1;
    `part` the share of the polygon that is in the picture and not hidden.
    """

    view: View
    ring_px: Array
    score: float
    part: float
    azimuth: float


class Sight:
    """The surface of a site, kept for lines of sight."""

    def __init__(self, site: SiteMap) -> None:
        west, south, east, north = site.bounds
        area = (east - west) * (north - south)
        cell = max(SIGHT_CELL_M, site.dsm_cell, math.sqrt(area / MAX_CELLS))
        self.grid: Grid = site.grid(cell)
        dsm = site.dsm(self.grid)
        self.surface = span(dsm, known=np.isfinite(dsm))
        self.top = float(self.surface.max())

    def heights(self, xy: Array) -> Array:
        """Heights of the surface at map points, shape (n, 2); metres, shape (n,)."""
        rows, columns = self.grid.indices(xy)
        r = np.clip(np.rint(rows).astype(int), 0, self.grid.ny - 1)
        c = np.clip(np.rint(columns).astype(int), 0, self.grid.nx - 1)
        return np.asarray(self.surface[r, c], dtype=float)

    def visible(self, points: Array, eye: Array) -> NDArray[np.bool_]:
        """Which map points, shape (n, 3), are not hidden from `eye`, shape (3,)."""
        rise = eye[2] - points[:, 2]
        # Above the highest thing on the site nothing can be in the way.
        reach = np.clip((self.top - points[:, 2] + 1) / np.maximum(rise, 1e-6), 0, 1)
        shares = np.linspace(0, 1, STEPS + 1)[1:] ** 1.5
        way = points[:, None] + (reach[:, None] * shares)[..., None] * (eye - points)[:, None]
        ground = self.heights(way[..., :2].reshape(-1, 2)).reshape(way.shape[:2])
        return np.asarray(~(ground > way[..., 2] + CLEARANCE_M).any(axis=1))

    def drape(self, polygon: Polygon, *, step_m: float) -> Array:
        """Outer outline at the height of the surface, a point each `step_m`, shape (n, 3)."""
        xy = np.asarray(shapely.segmentize(polygon.exterior, step_m).coords)[:, :2]
        return np.column_stack([xy, self.heights(xy)])

    def showing(self, polygon: Polygon, view: View) -> Showing | None:
        """How a view shows a polygon; None where it shows next to nothing of it."""
        ring = self.drape(polygon, step_m=max(0.5, polygon.length / 400))
        clipped = _clip(view, ring)
        if clipped is None:
            return None
        samples = self._samples(polygon)
        inside = view.sees(samples, margin_px=2)
        if inside.mean() < 0.15:
            return None
        seen = inside.copy()
        seen[inside] = self.visible(samples[inside], view.pose.centre)
        part = float(seen.mean())
        if part < 0.15:
            return None
        quality, azimuth = _quality(view, samples[seen])
        return Showing(view, clipped, part * quality, part, azimuth)

    def _samples(self, polygon: Polygon) -> Array:
        """Points within a polygon, evenly spread, on the surface, shape (n, 3)."""
        west, south, east, north = polygon.bounds
        step = math.sqrt(max(polygon.area, 1e-3) / SAMPLES)
        x, y = np.meshgrid(np.arange(west + step / 2, east, step),
                           np.arange(south + step / 2, north, step))
        xy = np.column_stack([x.ravel(), y.ravel()])
        xy = xy[shapely.contains_xy(polygon, xy[:, 0], xy[:, 1])]
        if not len(xy):
            xy = np.array(polygon.representative_point().coords)
        return np.column_stack([xy, self.heights(xy)])


def _quality(view: View, points: Array) -> tuple[float, float]:
    """How well a view shows points, 0 to 1, and the direction it looks from, radians.

    Fine ground resolution, a steep look and a place near the middle of the picture count.
    """
    middle = points.mean(axis=0)
    uv, depth = view.project(points)
    way = view.pose.centre - middle
    steep = way[2] / max(float(np.linalg.norm(way)), 1e-6)
    gsd = float(np.median(depth)) / view.camera.fx
    half = np.array([view.camera.width, view.camera.height]) / 2
    off = float(np.linalg.norm((np.nanmean(uv, axis=0) - half) / half)) / math.sqrt(2)
    sharpness = 1 / (1 + gsd / 0.05)
    return max(steep, 0.05) ** 0.5 * (1 - 0.6 * min(off, 1)) * sharpness, math.atan2(way[1], way[0])


def _clip(view: View, ring: Array) -> Array | None:
    """Ring of map points, shape (n, 3), as pixels within the picture; None where outside."""
    uv, _ = view.project(ring)
    if not np.isfinite(uv).any():
        return None
    good = uv[np.isfinite(uv).all(axis=1)]
    if len(good) < 4:
        return None
    frame = box(0, 0, view.camera.width - 1, view.camera.height - 1)
    shape = shapely.make_valid(Polygon(good)).intersection(frame)
    parts = [p for p in getattr(shape, "geoms", [shape]) if isinstance(p, Polygon)]
    parts = [p for p in parts if p.area >= 16]
    if not parts:
        return None
    return np.asarray(max(parts, key=lambda p: p.area).simplify(0.5).exterior.coords)


def best_showings(
    sight: Sight, polygon: Polygon, views: list[View], *, count: int
) -> list[Showing]:
    """The best `count` views of a polygon, best first; views from one place are not repeated."""
    west, south, east, north = polygon.bounds
    reach = math.hypot(east - west, north - south) / 2
    middle = np.array([(west + east) / 2, (south + north) / 2])
    near = [v for v in views if _may_see(v, middle, reach, sight)]
    shown = [s for v in near if (s := sight.showing(polygon, v)) is not None]
    chosen: list[Showing] = []
    while shown and len(chosen) < count:
        best = max(shown, key=lambda s: s.score * _novelty(s, chosen))
        if chosen and best.score < 0.3 * chosen[0].score:
            break
        chosen.append(best)
        shown.remove(best)
    return chosen


def _may_see(view: View, middle: Array, reach: float, sight: Sight) -> bool:
    """Whether a view could see a circle on the ground at all; a cheap first test."""
    height = float(sight.heights(middle[None])[0])
    angles = np.linspace(0, 2 * math.pi, 9)[:-1]
    circle = middle + reach * np.column_stack([np.cos(angles), np.sin(angles)])
    points = np.vstack([middle[None], circle, (middle + circle) / 2])
    return bool(view.sees(np.column_stack([points, np.full(len(points), height)])).any())


def _novelty(showing: Showing, chosen: list[Showing]) -> float:
    """How much a view differs from the chosen ones in direction and place, 0.4 to 1."""
    worth = 1.0
    for other in chosen:
        apart = float(np.linalg.norm(showing.view.pose.centre - other.view.pose.centre))
        turn = abs(math.remainder(showing.azimuth - other.azimuth, 2 * math.pi)) / math.pi
        base = showing.view.pose.centre[2] - 0.0
        worth *= 0.4 + 0.6 * min(1.0, max(turn, apart / max(abs(base) * 0.2, 10.0)))
    return worth
