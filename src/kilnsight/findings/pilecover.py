"""Covers on piles: how much of a pile lies under a dust net or a tarpaulin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from kilnsight.findings.grid import blur, burn
from kilnsight.findings.site import SiteMap
from kilnsight.findings.surfaces import Cues, Tone, find_cues, linear, otsu
from kilnsight.i18n import gettext as _
from kilnsight.quantity import Quantity

COVER_CELL_M = 0.1
"""Finest cell at which covers are told apart, metres."""
EDGE_M = 0.4
"""Rim left out: there the colours of the pile and of the ground mix, metres."""
DARK = 0.24
"""Brightness, over that of pale ground, of the lightest black net in the sun."""
MADE_WARMTH = -0.06
"""Red minus blue share of light of a bright cell below which it is no loose material."""
SPECKS_PER_M2 = 0.04
"""Stones or bags per m2 from which they are taken to hold a net down."""
SMOOTH_GRAIN = 0.1
"""Fine-scale standard deviation of log brightness below which a dark surface is smooth."""
TONES = 2.2
"""Brightness ratio from which a pile shows both a net and bare material."""
SHADOW_WARMTH = -0.02
"""Red minus blue share below which a dark cell is in the shade, lit by the blue sky."""
MAX_CELLS = 4_000_000
"""Cells of the largest window."""


@dataclass(frozen=True)
class Look:
    """How a pile looks: share under a cover, and share that is pale and bluish.

    Loose material is never bluish; pipes, steel and painted things are.
    """

    cover: Quantity
    made: float


def look_at(site: SiteMap, polygon: Polygon, *, tone: Tone, sun: Sun) -> Look:
    """Look of a pile from the ortho within its outline."""
    west, south, east, north = polygon.bounds
    area = (east - west) * (north - south)
    grid = site.grid(max(COVER_CELL_M, site.ortho_cell, math.sqrt(area / MAX_CELLS)),
                     bounds=polygon.bounds)
    rgb, seen = site.ortho(grid)
    inside = burn(grid, polygon.buffer(-EDGE_M)) & seen
    if inside.sum() < 20:
        return Look(Quantity(0.0, "1", 0.0, 1.0, _("not seen in the map")), 0.0)
    cues = find_cues(rgb, seen, tone=tone, cell=grid.cell)
    covered = coloured_cover(cues)
    made = ~covered & (cues.bright > 0.55) & (cues.warm < MADE_WARMTH)
    dark, bare = black_cover(cues, site.dsm(grid), inside=inside & ~covered, sun=sun,
                             cell=grid.cell)
    fabric = is_fabric(rgb, inside, cell=grid.cell)
    cover = _cover_fraction(float(covered[inside].mean()), dark, bare, fabric=fabric)
    return Look(cover, float(made[inside].mean()))


def _cover_fraction(value: float, dark: int, bare: int, *, fabric: bool) -> Quantity:
    """Share under a cover: `value` of it coloured, the rest by its `dark` and `bare` cells.

    A pile that is dark all over may be coal or lie under a black net: colour cannot tell, and
    the interval then goes up to 1, unless it looks like `fabric`. So it does in shadow, where
    there are neither dark nor bare cells.
    """
    method = _("share of cells with the colour of a net or sheet")
    if value > 0.9:
        return _share(value, method)
    if dark + bare == 0:
        return Quantity(value, "1", value, 1.0, _("in shadow: whether under a black net, not told"))
    black = dark / (dark + bare)
    if black > 0.9 and value < 0.5:
        if fabric:
            return Quantity(1.0, "1", 0.5, 1.0, _("dark, smooth and pinned down: a black net"))
        return Quantity(value, "1", value, 1.0, _("dark all over: coal or a black net"))
    black = black if black > 0.08 else 0.0
    return _share(value + (1 - value) * black, method)


def _share(value: float, method: str) -> Quantity:
    """Share with the interval that cells of mixed colour leave."""
    sigma = 0.015 + 0.12 * math.sqrt(max(value * (1 - value), 0.0))
    return Quantity.from_sigma(value, "1", sigma=sigma, method=method, floor=0.0, ceiling=1.0)


def coloured_cover(cues: Cues) -> NDArray[np.bool_]:
    """Cells under a green net or a coloured sheet."""
    # A dusty net is no longer teal; but what is green on a heap covers it, even where it grows.
    green_net = (cues.green > 0.08) & (cues.blue > cues.red + 0.015) | (cues.green > 0.13)
    sheet = (cues.blue > 0.42) & (cues.blue > cues.red + 0.12)
    return np.asarray(cv2.medianBlur((green_net | sheet).astype(np.uint8), 3) > 0)


def black_cover(
    cues: Cues, dsm: NDArray[np.float32], *, inside: NDArray[np.bool_], sun: Sun, cell: float
) -> tuple[int, int]:
    """Numbers of dark and of light cells among those that face the sun.

    A face turned away from the sun is dark whatever it is made of, and so is a shadow, which is
    bluish; neither is counted. Both numbers are 0 where under a tenth of the cells is lit.
    """
    if not inside.any():
        return 0, 0
    facing = sun.facing(dsm, cell=cell)
    shadow = (cues.bright < 0.2) & (cues.warm < SHADOW_WARMTH)
    lit = inside & ~shadow & (facing > 0)
    if lit.sum() < 0.1 * inside.sum():
        return 0, 0
    level = np.log(np.maximum(cues.bright[lit], 0.01))
    split = otsu(level, *np.quantile(level, [0.03, 0.97]))
    low, high = np.median(level[level <= split]), np.median(level[level > split])
    two_tones = high - low > math.log(TONES) and low < math.log(DARK)
    limit = split if two_tones else math.log(DARK)
    return int((level <= limit).sum()), int((level > limit).sum())


def is_fabric(rgb: NDArray[np.uint8], inside: NDArray[np.bool_], *, cell: float) -> bool:
    """Whether a dark pile is smooth and dotted with pale specks, as a net held by stones is.

    Coal is grainy all over and has no such specks; both signs are asked for in all quarters but
    one, so that a half-covered heap does not pass.
    """
    log = np.log(linear(rgb).mean(axis=2) + 0.004)
    fine = log - blur(log, 0.2 / cell)
    grain = np.sqrt(np.maximum(blur(fine * fine, 0.4 / cell), 0))
    # 40 grey steps per unit of log brightness, so that the median fits in bytes.
    steps = np.clip((log + 6) * 40, 0, 255).astype(np.uint8)
    around = cv2.medianBlur(steps, 2 * round(0.75 / cell) + 1)
    speck = (steps.astype(int) - around > 18) & inside
    _n, _labels, stats, middles = cv2.connectedComponentsWithStats(speck.astype(np.uint8))
    sizes = stats[1:, cv2.CC_STAT_AREA] * cell**2
    spots = middles[1:][(sizes >= 0.03) & (sizes < 0.6)]
    rows, columns = np.nonzero(inside)
    centre = columns.mean(), rows.mean()
    sector = _sector(columns, rows, centre)
    dots = np.bincount(_sector(spots[:, 0], spots[:, 1], centre), minlength=4)
    failed = 0
    for number in range(4):
        own = sector == number
        area = np.count_nonzero(own) * cell**2
        if area < 0.12 * len(rows) * cell**2:
            continue
        smooth = np.quantile(grain[rows[own], columns[own]], 0.25) < SMOOTH_GRAIN
        failed += not smooth or dots[number] < SPECKS_PER_M2 * area
    return failed <= 1


def _sector(x: NDArray[Any], y: NDArray[Any], centre: tuple[float, float]) -> NDArray[np.int64]:
    """Quarter around a centre, 0 to 3, in which points lie."""
    return (2 * (x > centre[0]) + (y > centre[1])).astype(np.int64)


@dataclass(frozen=True)
class Sun:
    """Direction the light comes from, as it shades slopes: parts east and north, no unit."""

    east: float
    north: float

    def facing(self, dsm: NDArray[np.float32], *, cell: float) -> NDArray[np.float32]:
        """How much each cell faces the light, above 0 towards it; shape (ny, nx)."""
        known = np.isfinite(dsm)
        smooth = blur(np.where(known, dsm, np.median(dsm[known])), 0.5 / cell)
        down, right = np.gradient(smooth, cell)
        return np.asarray(-right * self.east + down * self.north + 0.05, dtype=np.float32)


def find_sun(light: NDArray[np.float32], height: NDArray[np.float32], *, cell: float) -> Sun:
    """Direction of the light from the shading of slopes: `light` brightness, `height` in metres.

    Both of shape (ny, nx); where there is no shading to see the direction is (0, 0).
    """
    slopes: Any = np.gradient(blur(np.nan_to_num(height), 0.5 / cell), cell)
    down, right = slopes
    steep: Any = np.hypot(down, right)
    use: Any = np.asarray((steep > 0.3) & (steep < 1.1) & (height > 0.5) & (light > 0))
    if np.count_nonzero(use) < 200:
        return Sun(0.0, 0.0)
    design = np.column_stack([np.ones(np.count_nonzero(use)), -right[use], down[use]])
    solution: Any = np.linalg.lstsq(design, light[use], rcond=None)[0]
    length = float(np.hypot(solution[1], solution[2]))
    if length < 0.1 * float(light[use].mean()):
        return Sun(0.0, 0.0)
    return Sun(float(solution[1] / length), float(solution[2] / length))
