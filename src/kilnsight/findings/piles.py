"""Piles of loose material: found by their shape, outlined at the toe, measured over their base."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import Polygon

from kilnsight.findings.grid import (
    blur,
    burn,
    disk,
    grow,
    largest_part,
    polygons,
    resample,
    smooth_outline,
)
from kilnsight.findings.ground import span
from kilnsight.findings.measurement import Base, Scale, Volume, fit_base, measure_volume
from kilnsight.findings.mounds import Relief, box_of, rim_share, roughness, steepness
from kilnsight.findings.site import SiteMap
from kilnsight.mapping.grid import Grid

Heights = NDArray[np.float32]
Mask = NDArray[np.bool_]

MIN_AREA_M2 = 15.0
"""Smallest pile looked at, m2."""
MIN_HEIGHT_M = 0.8
"""Lowest pile looked at, metres."""
MIN_HEAP_M2 = 8.0
"""Smallest heap (a tipped load) reported, m2."""
HEAP_CONFIDENCE = 0.6
"""How sure a heap is a pile: it is round and of another colour, but low."""
REPOSE = (0.30, 1.05)
"""Slopes of loose material, rise over run (17 to 46 degrees)."""
LOW_WALL_M = 1.4
"""Width of the widest low wall, with what matching adds to it, metres."""
LOW_WALL_GAP_M = 25.0
"""Longest part of a low wall that a pile may hide, metres."""
LOW_WALL_HEIGHT_M = 0.5
"""Height by which a low wall stands out of its surroundings at least, metres."""
LOW_WALL_SLOPE = 1.5
"""Slope beside a low wall; piles are nowhere so steep on both sides of a narrow ridge."""
MAX_WINDOW_CELLS = 4_000_000
"""Cells of the finest window a pile is measured in."""


@dataclass(frozen=True)
class Shape:
    """What tells a pile from other high things; shares are 0 to 1, lengths in metres.

    `repose` share of cells at the slopes of loose material, `upright` share of the rim that
    is a wall, `rough` height texture, `at_edge` share of the rim at the end of the map, `tilt`
    slope of the ground below; `heap` a tipped load, too low to be judged by its slopes.
    """

    area_m2: float
    height_m: float
    repose: float
    upright: float
    rough: float
    plants: float
    at_edge: float
    width_m: float
    tilt: float
    heap: bool = False

    @property
    def confidence(self) -> float:
        """How sure it is that this is a pile of loose material, 0 to 1."""
        if self.heap:
            return HEAP_CONFIDENCE if self.at_edge < 0.1 else 0.0
        score = (
            1.0 + 6.0 * (min(self.repose, 0.8) - 0.5) - 15.0 * max(0.3 - self.repose, 0)
            - 9.0 * max(self.upright - 0.1, 0) - 12.0 * max(self.tilt - 0.2, 0)
            - 6.0 * max(self.plants - 0.25, 0) - 8.0 * max(self.rough / self._grain - 1, 0)
            - 8.0 * max(self.at_edge - 0.1, 0) - 2.0 * max(3.5 - self.width_m, 0)
            + 0.8 * math.log10(max(self.area_m2, 1) / 60) + 0.8 * min(self.height_m - 1.5, 1.5)
        )
        return round(1 / (1 + math.exp(-score)), 3)

    @property
    def _grain(self) -> float:
        """Height texture a pile of this height may have, metres."""
        return 0.22 + 0.02 * self.height_m


@dataclass(frozen=True)
class Pile:
    """A pile: outline at the toe in map coordinates, shape, volume, its window and cells."""

    polygon: Polygon
    shape: Shape
    volume: Volume
    grid: Grid
    inside: Mask
    outline_m: float


def find_piles(
    site: SiteMap, relief: Relief, *, grid: Grid, ground: Heights, plants: Mask,
    heaps: NDArray[np.int32] | None = None,
) -> list[Pile]:
    """Piles of a map, bare or covered; `grid` is that of the relief, `ground` and `plants`.

    `heaps` labels tipped loads that are too low to be mounds of the relief.
    """
    texture = roughness(relief.height, cell=grid.cell)
    unknown = relief.unseen.copy()
    unknown[[0, -1]] = unknown[:, [0, -1]] = True
    piles: list[Pile] = []
    for labels in (relief.labels, np.zeros_like(relief.labels) if heaps is None else heaps):
        for number, window in enumerate(box_of(labels), start=1):
            if window is None:
                continue
            part, window = _with_margin(labels, number, window, margin=round(8 / grid.cell))
            shape = _shape(part, relief, window, texture=texture, plants=plants, unknown=unknown,
                           ground=ground, cell=grid.cell)
            shape = replace(shape, heap=labels is heaps)
            if not _is_looked_at(shape):
                continue
            pile = _outline(site, relief, part=part, window=window, grid=grid, ground=ground,
                            shape=shape, taken=[p.polygon for p in piles])
            if pile is not None:
                piles.append(pile)
    return piles


def _is_looked_at(shape: Shape) -> bool:
    """Whether a mound is large and likely enough to be outlined."""
    small = shape.area_m2 < MIN_AREA_M2 or shape.height_m < MIN_HEIGHT_M
    return shape.confidence >= 0.3 and (shape.heap or not small)


def _with_margin(
    labels: NDArray[np.int32], number: int, window: tuple[slice, slice], *, margin: int
) -> tuple[Mask, tuple[slice, slice]]:
    """Mask of a label within its box grown by `margin` cells, and that box."""
    rows, columns = (
        slice(max(0, s.start - margin), min(n, s.stop + margin))
        for s, n in zip(window, labels.shape, strict=True)
    )
    return labels[rows, columns] == number, (rows, columns)


def _shape(
    part: Mask, relief: Relief, window: tuple[slice, slice], *, texture: Heights, plants: Mask,
    unknown: Mask, ground: Heights, cell: float,
) -> Shape:
    """Shape of one mound."""
    height, slope = relief.height[window], relief.slope[window]
    inner = ndimage.distance_transform_edt(part) * cell
    body = part & (inner > 0.8)
    body = body if body.any() else part
    rim = part & (inner <= 1.0)
    faces = (slope >= REPOSE[0]) & (slope <= REPOSE[1])
    upright = rim & (relief.drop[window] > 2.5)
    return Shape(
        area_m2=float(part.sum()) * cell**2,
        height_m=float(np.quantile(height[part], 0.995)),
        repose=float(faces[body].mean()),
        upright=float(upright.sum() / max(rim.sum(), 1)),
        rough=float(np.median(texture[window][body])),
        plants=float(plants[window][part].mean()),
        at_edge=rim_share(part, of=unknown[window]),
        width_m=2 * float(inner.max()),
        tilt=float(np.median(steepness(ground[window], cell=cell)[part])),
    )


def _outline(
    site: SiteMap, relief: Relief, *, part: Mask, window: tuple[slice, slice], grid: Grid,
    ground: Heights, shape: Shape, taken: list[Polygon],
) -> Pile | None:
    """Pile of a mound, outlined and measured on the surface model's own cells.

    What is `taken` belongs to piles outlined before.
    """
    coarse = grid.sub(*window)
    area = coarse.ny * coarse.nx * grid.cell**2
    fine = site.grid(max(site.dsm_cell, math.sqrt(area / MAX_WINDOW_CELLS)), bounds=coarse.bounds)

    def read(mask: Mask) -> Mask:
        return np.asarray(resample(mask, source=coarse, target=fine, order=0))

    others = (relief.labels[window] > 0) & ~part
    solid = relief.roof[window] | relief.thin[window]
    dsm, spread = site.dsm(fine), site.spread(fine)
    low = resample(ground[window], source=coarse, target=fine)
    hiding = read(solid)
    blocked = read(others | solid)
    blocked |= low_walls(dsm, rise=dsm - low, solid=hiding, cell=fine.cell)
    blocked |= burn(fine, shapely.union_all(taken))
    core = read(part) & ~blocked
    base = _base(dsm, core, blocked, low=low, grid=fine)
    rise = np.where(read(relief.unseen[window]), 0, span(np.nan_to_num(dsm), known=np.isfinite(dsm))
                    - base.heights)
    inside, toe = _toe(rise, core, blocked=blocked, cell=fine.cell, shape=shape)
    if inside is None:
        return None
    base = _base(dsm, inside, blocked, low=low, grid=fine)
    polygon = outline_polygon(inside, grid=fine, grow_m=toe, blocked=blocked)
    if polygon.area < (MIN_HEAP_M2 if shape.heap else MIN_AREA_M2):
        return None
    noise = float(np.median(spread[inside]))
    outline_m = math.hypot(0.5 * fine.cell, 0.1, noise / 0.7, 0.3 * toe)
    cells = burn(fine, polygon)
    scale = Scale(site.grid_scale, site.scale_sigma)
    volume = measure_volume(dsm, base, inside=cells, spread=spread, grid=fine, scale=scale,
                            outline_m=outline_m, hiding=hiding)
    return Pile(polygon, shape, volume, fine, cells, outline_m)


def _base(dsm: Heights, core: Mask, blocked: Mask, *, low: Heights, grid: Grid) -> Base:
    """Base of a pile from the free ground one to four metres outside it."""
    away = ndimage.distance_transform_edt(~core) * grid.cell
    near_solid = grow(blocked, 0.8, cell=grid.cell)
    rim = (away > 0.9) & (away < 3.5) & ~near_solid & (np.abs(dsm - low) < 0.3)
    return fit_base(dsm, rim=rim, inside=core, grid=grid, fallback=low)


def _toe(
    rise: Heights, core: Mask, *, blocked: Mask, cell: float, shape: Shape
) -> tuple[Mask | None, float]:
    """Cells above a low level connected to the core, and how far the toe lies outside them.

    Dense matching rounds the toe, so that the contour of height 0 is not to be trusted: the toe
    is drawn out from two higher contours along the flank. Unknown cells of `rise` are spanned.
    """
    whole = span(rise.astype(np.float32), known=np.isfinite(rise))
    smooth = blur(whole, max(0.5, 0.2 / cell))
    reach = grow(core, 1.5, cell=cell)
    level = 0.25 if shape.height_m > 1.2 else 0.18
    inside = _connected(reach & ~blocked & (smooth > level), core)
    if inside is None:
        return None, 0.0
    free = inside & ~(grow(blocked, 0.6, cell=cell))
    band = free & (smooth > level) & (smooth < level + 0.6)
    slope = steepness(smooth, cell=cell)
    flank = float(np.median(slope[band])) if band.sum() > 20 else 0.7
    return inside, min(level / max(flank, 0.2), 1.0)


def low_walls(dsm: Heights, *, rise: Heights, solid: Mask, cell: float) -> Mask:
    """Cells of low walls, shape (ny, nx): as narrow as `LOW_WALL_M` and upright on both sides.

    They are too low and thin for the relief of the whole map; piles are heaped against them.
    Where a pile reaches up to a wall's top the wall is taken to go on straight. `rise` is the
    height above ground, metres; walls that are `solid` are known already.
    """
    surface = span(np.nan_to_num(dsm), known=np.isfinite(dsm))
    surface = blur(surface, max(0.4, 0.08 / cell))
    opened = cv2.morphologyEx(surface, cv2.MORPH_OPEN, disk(LOW_WALL_M / 2, cell=cell))
    upright = grow(steepness(surface, cell=cell) > LOW_WALL_SLOPE, 0.2, cell=cell)
    wall = ((surface - opened > LOW_WALL_HEIGHT_M) & upright).astype(np.uint8)
    wall = np.asarray(cv2.morphologyEx(wall, cv2.MORPH_CLOSE, disk(0.3, cell=cell)), np.uint8)
    labels, stats = cv2.connectedComponentsWithStats(wall)[1:3]
    long = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) * cell > 2.0
    long[0] = False
    long[np.unique(labels[grow(solid, 0.6, cell=cell)])] = False
    pieces = long[labels]
    # Only where there is low ground on one side: a wall is never in the middle of a pile.
    edge = grow(blur(np.nan_to_num(rise), max(0.5, 0.2 / cell)) < 0.35, LOW_WALL_M, cell=cell)
    return np.asarray(pieces | (_straight_on(pieces, cell=cell) & edge))


def _straight_on(pieces: Mask, *, cell: float) -> Mask:
    """Straight lines through pieces of a wall and across the gaps between them."""
    lines = cv2.HoughLinesP(
        pieces.astype(np.uint8), 1, math.pi / 360, round(2.0 / cell),
        minLineLength=4.0 / cell, maxLineGap=LOW_WALL_GAP_M / cell,
    )
    drawn = np.zeros(pieces.shape, np.uint8)
    for line in [] if lines is None else np.asarray(lines).reshape(-1, 4):
        x0, y0, x1, y1 = (int(v) for v in line)
        cv2.line(drawn, (x0, y0), (x1, y1), 1, max(1, round(0.3 / cell)))
    return np.asarray(drawn > 0)


def _connected(mask: Mask, core: Mask) -> Mask | None:
    """The part of a mask that holds most of the core, holes filled; None where there is none."""
    mask = ndimage.binary_opening(mask, iterations=2)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    held = np.bincount(labels[core & mask], minlength=count)
    held[0] = 0
    if not held.any():
        return None
    return np.asarray(ndimage.binary_fill_holes(labels == int(np.argmax(held))))


def outline_polygon(inside: Mask, *, grid: Grid, grow_m: float, blocked: Mask) -> Polygon:
    """Outline of a mask grown by `grow_m` metres, but not into what is blocked."""
    polygon = max(polygons(grid, inside), key=lambda p: p.area)
    smooth = smooth_outline(polygon, cell=grid.cell)
    grown = smooth.buffer(grow_m)
    walls = [p for p in polygons(grid, blocked & ~inside) if p.distance(smooth) <= grow_m]
    for wall in walls:
        grown = grown.difference(wall)
    return largest_part(largest_part(grown).simplify(grid.cell / 2))
