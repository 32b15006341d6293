"""Ground cover: which open ground is bare soil, which is worn or dusted by traffic."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from kilnsight.findings.grid import blur, disk, grow, largest_part, polygons, smooth_outline
from kilnsight.findings.ground import span
from kilnsight.findings.mounds import roughness
from kilnsight.findings.site import SiteMap
from kilnsight.findings.surfaces import (
    HALO_M,
    LOW_M,
    TILE,
    Cues,
    Tone,
    find_cues,
    otsu,
)
from kilnsight.mapping.grid import Grid

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

COVER_CELL_M = 0.5
"""Cell at which ground cover is told apart, metres."""
MAX_CELLS = 30_000_000
"""Cells at which that cell is made coarser instead."""
SHADE_M = 12.0
"""Width of a shadow across which ground is taken to go on, metres."""
SMOOTH_M = 1.0
"""Distance over which a cell's neighbours have a say in what it is, metres."""
PALE_PER_WARMTH = 3.0
"""Weight of warmth against log brightness in telling soil from worn ground."""
MIN_CONTRAST = 0.6
"""Difference in paleness between the two from which a scene is taken to have both."""
HOLE_M2 = 60.0
"""Holes in a patch (a truck, a puddle, a bush) that are filled, m2."""


@dataclass(frozen=True)
class Cover:
    """Open ground of a map: masks of shape `grid`, and the cues they come from.

    `soil` is bare soil, `worn` unpaved or dusted ground, `open` all ground that is neither
    plants, water, shadow nor covered by something that stands on it. `lean` says how clearly a
    cell is worn (1) or soil (-1), 0 being undecided; `grain` is its texture to the eye (log
    brightness), `rough` in height, metres. `surface` is the surface model, metres;
    `piles` are the cells under piles.
    """

    grid: Grid
    soil: Mask
    worn: Mask
    open: Mask
    warm: Image
    lean: Image
    grain: Image
    rough: Image
    surface: Image
    piles: Mask


def find_cover(
    site: SiteMap, grid: Grid, *, height: Image, solid: Mask, piles: Mask, tone: Tone
) -> Cover:
    """Ground cover of a map.

    On `grid`: `height` above ground in metres, and where roofs and walls (`solid`) and `piles` are.
    """
    warm, bright, grain = (np.zeros(grid.shape, np.float32) for _ in range(3))
    ground, shade = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    for rows, columns, *inner in grid.tiles(TILE, halo=round(HALO_M / grid.cell)):
        rgb, seen = site.ortho(grid.sub(rows, columns))
        cues = find_cues(rgb, seen, tone=tone, cell=grid.cell)
        low = seen & ~(height[rows, columns] > LOW_M)
        low &= ~solid[rows, columns] & ~piles[rows, columns]
        dark = (cues.bright < 0.16) & (cues.warm < 0.08) & (cues.green < 0.2)
        at = tuple(inner)
        warm[rows, columns][at] = cues.warm[at]
        bright[rows, columns][at] = cues.bright[at]
        grain[rows, columns][at] = cues.grain[at]
        ground[rows, columns][at] = (low & ~dark & _is_bare(cues, tone))[at]
        shade[rows, columns][at] = (low & dark)[at]
    surface = site.dsm(grid)
    colours = warm, bright, grain
    return _part_ground(grid, ground, shade, colours=colours, surface=surface, piles=piles,
                        tone=tone)


def _is_bare(cues: Cues, tone: Tone) -> Mask:
    """Cells without plants, water, nets or blue sheets, by colour."""
    teal = (cues.green > 0.12) & (cues.blue > cues.red + 0.02)
    blue = cues.blue > cues.red + 0.04
    return np.asarray(~teal & ~blue & ~(cues.green > tone.bare))


def _part_ground(
    grid: Grid, ground: Mask, shade: Mask, *, colours: tuple[Image, Image, Image], surface: Image,
    piles: Mask, tone: Tone,
) -> Cover:
    """Open ground parted into soil and worn by colour, smoothed among neighbours."""
    warm, bright, grain = colours
    sigma = SMOOTH_M / grid.cell
    weight = blur(ground.astype(np.float32), sigma)
    weight = np.maximum(weight, np.float32(1e-3))
    mean = np.asarray(blur(np.where(ground, warm, 0), sigma) / weight, dtype=np.float32)
    light = np.asarray(blur(np.where(ground, bright, 0), sigma) / weight, dtype=np.float32)
    mostly = ((weight > 0.5) | ground) & (weight > 0.3)
    natural = mostly & (mean > tone.sealed)
    lean = _lean(mean, light, natural=natural, tone=tone)
    soil = natural & (lean < 0)
    worn = natural & ~soil
    worn = through_shade(worn, shade, cell=grid.cell)
    rough = roughness(span(np.nan_to_num(surface), known=np.isfinite(surface)), cell=grid.cell)
    return Cover(
        grid, tidy(soil, cell=grid.cell), tidy(worn, cell=grid.cell), mostly, warm=warm, lean=lean,
        grain=grain, rough=rough, surface=surface, piles=piles,
    )


def _lean(warm: Image, bright: Image, *, natural: Mask, tone: Tone) -> Image:
    """How clearly cells are worn ground (above 0, 1 at its middle) or soil (below 0).

    Wheels grind ground to a pale film: within one scene worn ground is brighter and less warm
    than soil. Where the scene has both, it is split between them; else warmth alone decides.
    """
    paleness = np.log(np.maximum(bright, 0.01)) - PALE_PER_WARMTH * warm
    values = paleness[natural & (bright > 0.2)]
    if len(values) > 1000:
        split = otsu(values, *np.quantile(values, [0.03, 0.97]))
        low, high = values[values < split], values[values >= split]
        if len(low) and len(high) and np.median(high) - np.median(low) > MIN_CONTRAST:
            reach = np.where(paleness < split, split - np.median(low), np.median(high) - split)
            return np.asarray((paleness - split) / reach, dtype=np.float32)
    return np.asarray((tone.warm - warm) / (0.5 * (tone.warm - tone.sealed)), dtype=np.float32)


def through_shade(mask: Mask, shade: Mask, *, cell: float) -> Mask:
    """Mask carried on across shadows that lie between two parts of it, as on a road.

    A shadow hides what the ground is; where the same ground goes on straight behind it within
    `SHADE_M`, it is taken to go on below it.
    """
    size = 2 * round(SHADE_M / 2 / cell) + 1
    work = mask.astype(np.uint8)
    joined = np.zeros(mask.shape, bool)
    for kernel in _bars(size, max(3, round(1.5 / cell))):
        joined |= np.asarray(cv2.morphologyEx(work, cv2.MORPH_CLOSE, kernel)) > 0
    return np.asarray(mask | (joined & shade))


def _bars(length: int, width: int) -> list[NDArray[np.uint8]]:
    """Bars of cells in six directions, as structuring elements."""
    bars = []
    for turn in np.radians(np.arange(0, 180, 30)):
        bar = np.zeros((length, length), np.uint8)
        middle = (length - 1) / 2
        ends = middle + np.outer([-1, 1], [np.cos(turn), np.sin(turn)]) * middle
        first, last = (tuple(int(v) for v in np.rint(end)) for end in ends)
        cv2.line(bar, first, last, 1, width)
        bars.append(bar)
    return bars


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
    shapes = [p for p in polygons(grid, mask) if p.area >= min_area_m2]
    smooth = [largest_part(smooth_outline(p, cell=grid.cell)) for p in shapes]
    return [p for p in smooth if p.area >= min_area_m2]


def is_sunken(surface: Image, inside: Mask, *, cell: float) -> bool:
    """Whether a patch lies level and lower than the ground all around it, as a pond does."""
    near = grow(inside, 4.0, cell=cell)
    edge = grow(inside, 1.0, cell=cell)
    ring = surface[near & ~edge]
    level = surface[inside]
    ring, level = ring[np.isfinite(ring)], level[np.isfinite(level)]
    if len(ring) < 20 or len(level) < 20:
        return False
    middle = float(np.median(level))
    flat = float(np.quantile(np.abs(level - middle), 0.75)) < 0.35
    return flat and float(np.quantile(ring - middle, 0.05)) > 0.3
