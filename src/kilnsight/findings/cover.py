"""Ground cover: which open ground is bare soil, which is worn or dusted by traffic."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from kilnsight.findings.grid import Grid, disk, largest_part, smooth_outline
from kilnsight.findings.site import SiteMap
from kilnsight.findings.surfaces import (
    HALO_M,
    LOW_M,
    SEALED_WARMTH,
    TILE,
    Cues,
    Tone,
    find_cues,
)

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

COVER_CELL_M = 0.5
"""Cell at which ground cover is told apart, metres."""
MAX_CELLS = 30_000_000
"""Cells at which that cell is made coarser instead."""
SMOOTH_M = 1.0
"""Distance over which a cell's neighbours have a say in what it is, metres."""
HOLE_M2 = 60.0
"""Holes in a patch (a truck, a puddle, a bush) that are filled, m2."""


@dataclass(frozen=True)
class Cover:
    """Open ground of a map: masks of shape `grid`, and the cues they come from.

    `soil` is bare soil, `worn` unpaved or dusted ground, `open` all ground that is neither
    plants, water, shadow nor covered by something that stands on it.
    """

    grid: Grid
    soil: Mask
    worn: Mask
    open: Mask
    warm: Image
    bright: Image


def find_cover(
    site: SiteMap, grid: Grid, *, height: Image, solid: Mask, tone: Tone
) -> Cover:
    """Ground cover; `height` above ground in metres and `solid` (roofs, walls, piles) on `grid`."""
    warm = np.zeros(grid.shape, np.float32)
    bright = np.zeros(grid.shape, np.float32)
    ground = np.zeros(grid.shape, bool)
    for rows, columns, inner_rows, inner_columns in grid.tiles(TILE, halo=round(HALO_M / grid.cell)):
        rgb, seen = site.ortho(grid.sub(rows, columns))
        cues = find_cues(rgb, seen, tone=tone, cell=grid.cell)
        free = _is_ground(cues, height[rows, columns], solid[rows, columns], tone)
        inner = inner_rows, inner_columns
        warm[rows, columns][inner] = cues.warm[inner]
        bright[rows, columns][inner] = cues.bright[inner]
        ground[rows, columns][inner] = free[inner]
    return _part_ground(grid, ground, warm, bright, tone)


def _is_ground(cues: Cues, height: Image, solid: Mask, tone: Tone) -> Mask:
    """Cells of open ground in a tile."""
    shadow = (cues.bright < 0.3) & (cues.warm < 0.08)
    teal = (cues.green > 0.12) & (cues.blue > cues.red + 0.02)
    blue = cues.blue > cues.red + 0.04
    plants = cues.green > tone.green
    low = ~(height > LOW_M)
    return np.asarray(cues.seen & low & ~solid & ~shadow & ~teal & ~blue & ~plants)


def _part_ground(grid: Grid, ground: Mask, warm: Image, bright: Image, tone: Tone) -> Cover:
    """Open ground parted into soil and worn by warmth, smoothed among neighbours."""
    sigma = SMOOTH_M / grid.cell
    weight = cv2.GaussianBlur(ground.astype(np.float32), (0, 0), sigma)
    mean = cv2.GaussianBlur(np.where(ground, warm, 0), (0, 0), sigma) / np.maximum(weight, 1e-3)
    mostly = (weight > 0.5) | ground
    mostly &= weight > 0.3
    soil = mostly & (mean > tone.warm)
    worn = mostly & (mean > SEALED_WARMTH) & ~soil
    return Cover(grid, tidy(soil, cell=grid.cell), tidy(worn, cell=grid.cell), mostly, warm, bright)


def tidy(mask: Mask, *, cell: float, width_m: float = 2.5) -> Mask:
    """Mask without specks and strips narrower than `width_m`, small holes filled."""
    work = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disk(0.7, cell=cell))
    work = cv2.morphologyEx(work, cv2.MORPH_OPEN, disk(width_m / 2, cell=cell))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - work, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] * cell * cell < HOLE_M2
    small[0] = False
    return np.asarray((work > 0) | small[labels]) if count > 1 else np.asarray(work > 0)


def patches(mask: Mask, *, grid: Grid, min_area_m2: float) -> list[Polygon]:
    """Smooth outlines, with holes, of the parts of a mask of at least `min_area_m2`."""
    shapes = [p for p in grid.polygons(mask) if p.area >= min_area_m2]
    smooth = [largest_part(smooth_outline(p, cell=grid.cell)) for p in shapes]
    return [p for p in smooth if p.area >= min_area_m2]
