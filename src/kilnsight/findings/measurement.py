"""Measurement with its interval: area, perimeter, length, width, height, volume of a polygon.

Three errors are carried, each by its standard deviation: the heights' own (spread layer), which
are alike over a correlation length, so that averaging over n cells does not gain the square root
of n; the map's scale; and the outline's place, which is partly the same error all around.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import Polygon

from kilnsight.findings.ground import span
from kilnsight.i18n import gettext as _
from kilnsight.mapping.grid import Grid
from kilnsight.quantity import Quantity

Heights = NDArray[np.float32]
Mask = NDArray[np.bool_]

CORRELATION_M = 1.0
"""Distance over which errors of dense matching are alike (window and smoothing), metres."""
OUTLINE_BIAS = 0.4
"""Share of the outline's error that is the same all around (a threshold too high or too low)."""
CUT_SIGMA_M = 0.3
"""Standard deviation of the place where a pile is cut from its neighbour or a wall, metres."""
FACE_M = 0.5
"""Height at the rim from which a pile does not end at its toe there but is cut, metres."""
FLATTEST_REPOSE = 0.6
"""Flattest slope, rise over run, at which loose material goes on under a roof (31 degrees)."""
PEAK_M2 = 0.09
"""Area a top must have to count as the highest place of a pile, m2."""
PLANE_RMS_M = 0.12
"""Largest scatter of the rim about a plane for which the plane is the base, metres."""


@dataclass(frozen=True)
class Scale:
    """What turns grid metres into ground metres: `grid_scale` and the relative `sigma` of both."""

    grid_scale: float = 1.0
    sigma: float = 0.0

    def ground(self, value: float, *, power: int = 1) -> float:
        """Ground length (power 1), area (2) of one measured on the grid."""
        return value / self.grid_scale**power


@dataclass(frozen=True)
class Base:
    """Surface a pile stands on: heights, shape (ny, nx), metres; kind, reason and error."""

    heights: Heights
    kind: str
    reason: str
    sigma: float


def measure_area(polygon: Polygon, *, scale: Scale, outline_m: float) -> Quantity:
    """Horizontal area in m2; `outline_m` is the standard deviation of the outline's place."""
    value = scale.ground(polygon.area, power=2)
    around = scale.ground(polygon.length)
    free = outline_m * math.sqrt(around * CORRELATION_M * (1 - OUTLINE_BIAS**2))
    sigma = math.hypot(free, OUTLINE_BIAS * outline_m * around, 2 * scale.sigma * value)
    return Quantity.from_sigma(
        value, "m2", sigma=sigma, floor=0.0,
        method=_("horizontal area of the outline on the map"),
    )


def measure_perimeter(polygon: Polygon, *, scale: Scale, outline_m: float) -> Quantity:
    """Length of the outer outline in metres."""
    value = scale.ground(polygon.exterior.length)
    sigma = math.hypot(outline_m * math.sqrt(8), scale.sigma * value, 0.01 * value)
    return Quantity.from_sigma(
        value, "m", sigma=sigma, floor=0.0, method=_("length of the outer outline on the map")
    )


def measure_extent(
    polygon: Polygon, *, scale: Scale, outline_m: float
) -> tuple[Quantity, Quantity]:
    """Length and width in metres of the smallest rectangle around a polygon."""
    sides = _rectangle_sides(polygon)
    method = _("sides of the smallest rectangle around the outline")
    made = [
        Quantity.from_sigma(
            scale.ground(side), "m", floor=0.0, method=method,
            sigma=math.hypot(outline_m * math.sqrt(2), scale.sigma * side),
        )
        for side in sides
    ]
    return made[0], made[1]


def _rectangle_sides(polygon: Polygon) -> tuple[float, float]:
    """Longer and shorter side of the smallest rectangle around a polygon."""
    corners = np.asarray(shapely.minimum_rotated_rectangle(polygon).exterior.coords)
    sides = np.hypot(*np.diff(corners[:3], axis=0).T)
    return float(sides.max()), float(sides.min())


def measure_strip(
    polygon: Polygon, mask: Mask, *, grid: Grid, scale: Scale, outline_m: float
) -> tuple[Quantity, Quantity]:
    """Length and mean width in metres of a winding strip, from its mask on `grid`.

    In a strip the mean distance to the edge is a quarter of the width; short spurs hardly count,
    for they have little area. Length is area over width, so that bends and branches count.
    """
    inner = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    width = 4 * max(float(inner[mask].mean()) - 0.5, 0.25) * grid.cell if mask.any() else grid.cell
    width = min(width, math.sqrt(polygon.area))
    area, width = scale.ground(polygon.area, power=2), scale.ground(width)
    length = area / width
    method = _("width is four times the mean distance to the edge; length is area over width")
    sigma = math.hypot(outline_m * math.sqrt(2), scale.sigma * width, 0.1 * width)
    relative = math.hypot(sigma / width, scale.sigma)
    return (
        Quantity.from_sigma(length, "m", sigma=relative * length, floor=0.0, method=method),
        Quantity.from_sigma(width, "m", sigma=sigma, floor=0.0, method=method),
    )


def fit_base(dsm: Heights, *, rim: Mask, inside: Mask, grid: Grid, fallback: Heights) -> Base:
    """Base under a pile from the ground cells of its rim.

    A plane where the rim lies in one, else a membrane through the rim; `fallback` (bare earth)
    where the rim is too short to carry either. All arrays have the shape of `grid`.
    """
    use = rim & np.isfinite(dsm)
    around = _angular_share(use, inside)
    if use.sum() < 30 or around < 0.35:
        reason = _("too little free ground around the pile; bare earth of the map was taken")
        return Base(fallback, "bare earth", reason, 0.15)
    plane, rms = _robust_plane(dsm, use, grid)
    count = max(4.0, use.sum() * grid.cell**2 / (2 * math.pi * CORRELATION_M**2))
    if rms <= PLANE_RMS_M and around >= 0.6:
        return Base(plane, "plane", _("the rim lies in a plane"), rms / math.sqrt(count) + 0.005)
    if around < 0.6:
        use = use | (ndimage.binary_dilation(inside, iterations=3) & ~inside)
        dsm = np.where(rim & np.isfinite(dsm), dsm, fallback)
        reason = _("part of the rim is hidden by a wall or another pile; bare earth closes it")
    else:
        reason = _("the rim does not lie in a plane")
    # One unknown cell within the filter's reach would spread all over the membrane.
    rest = ndimage.median_filter(np.where(np.isfinite(dsm), dsm, fallback), size=5)
    heights = span(np.where(use, rest, 0).astype(np.float32), known=use)
    return Base(heights, "rim membrane", reason, 0.25 * min(rms, 0.6) + 0.01)


def _angular_share(rim: Mask, inside: Mask) -> float:
    """Share of 36 directions from the middle of a mask in which rim cells lie."""
    rows, columns = np.nonzero(inside)
    if not len(rows):
        return 0.0
    r, c = np.nonzero(rim)
    bins = np.arctan2(r - rows.mean(), c - columns.mean())
    return len(np.unique(np.floor((bins + math.pi) / (2 * math.pi) * 36).astype(int) % 36)) / 36


def _robust_plane(dsm: Heights, use: Mask, grid: Grid) -> tuple[Heights, float]:
    """Plane through the cells of a mask, outliers weighted down, and the scatter about it."""
    rows, columns = np.nonzero(use)
    z = dsm[rows, columns].astype(float)
    design = np.column_stack([np.ones(len(z)), rows * grid.cell, columns * grid.cell])
    weight = np.ones(len(z))
    for _step in range(8):
        root = np.sqrt(weight)[:, None]
        solution = np.linalg.lstsq(design * root, z * root[:, 0], rcond=None)[0]
        rest = z - design @ solution
        sigma = max(1.4826 * float(np.median(np.abs(rest))), 1e-4)
        weight = 1 / (1 + (rest / (2 * sigma)) ** 2)
    r, c = np.indices(dsm.shape, dtype=np.float32)
    plane = solution[0] + solution[1] * r * grid.cell + solution[2] * c * grid.cell
    return plane.astype(np.float32), sigma


@dataclass(frozen=True)
class Volume:
    """Signed volume over a base: `net` = `fill` - `cut`, and the highest point above it."""

    net: Quantity
    fill: float
    cut: float
    height: Quantity
    base: Base


def measure_volume(
    dsm: Heights, base: Base, *, inside: Mask, spread: Heights, grid: Grid, scale: Scale,
    outline_m: float, hiding: Mask | None = None,
) -> Volume:
    """Volume between a surface and its base over the cells `inside`, and the height in metres.

    `dsm` and `spread`, shape of `grid`, metres; cells of unknown height are spanned from their
    neighbours and widen the interval. So does material that may go on under roofs and galleries
    (`hiding`): it raises the upper end only. Raises ValueError where base or spread is unknown.
    """
    known = np.isfinite(dsm)
    surface = dsm if known[inside].all() else span(np.nan_to_num(dsm), known=known)
    rise = (surface - base.heights)[inside].astype(float)
    if not (np.isfinite(rise).all() and np.isfinite(spread[inside]).all()):
        raise ValueError("the base or the spread of a pile is not finite")
    cell_area = scale.ground(grid.cell**2, power=2)
    fill, cut = float(rise[rise > 0].sum()) * cell_area, float(-rise[rise < 0].sum()) * cell_area
    area = len(rise) * cell_area
    # What is not believed is spanned, and its own large spread says nothing of that.
    believed = inside & known if (inside & known).any() else inside
    sigma_z = float(np.sqrt(np.mean(spread[believed].astype(float) ** 2)))
    guessed = 1 - float(known[inside].mean())
    parts = (
        sigma_z * math.sqrt(area * min(area, 2 * math.pi * CORRELATION_M**2)),
        base.sigma * area,
        3 * scale.sigma * (fill - cut),
        outline_m * 0.5 * outline_m * _rim_cells(inside) * grid.cell,
        CUT_SIGMA_M * scale.ground(_cut_face(inside, surface - base.heights) * grid.cell),
        0.3 * guessed * (fill - cut),
        0.004 * (fill - cut),
    )
    method = _("surface model over a base; base: {kind}, because {reason}",
               kind=_base_name(base.kind), reason=base.reason)
    hidden = scale.ground(_hidden(inside, surface - base.heights, hiding, grid=grid), power=2)
    if hidden > 0.01 * (fill - cut):
        method = _("{method}; up to {volume} m3 may lie on under a roof or a gallery",
                   method=method, volume=f"{hidden:.2g}" if hidden < 10 else round(hidden))
    net = _one_sided(
        Quantity.from_sigma(fill - cut, "m3", sigma=math.hypot(*parts), method=method), hidden
    )
    top = _top(np.where(inside & known, surface - base.heights, -np.inf), cell_area=cell_area)
    return Volume(net, fill, cut, _height(top, sigma_z, base, scale), base)


def _top(rise: Heights, *, cell_area: float) -> float:
    """Highest level above which a pile still has `PEAK_M2` in one piece: its opening's maximum."""
    side = max(1, round(math.sqrt(PEAK_M2 / cell_area)))
    top = float(ndimage.minimum_filter(rise, side).max())
    return max(top, 0.0) if math.isfinite(top) else 0.0


def _cut_face(inside: Mask, rise: Heights) -> float:
    """Sum of heights along the part of the rim that is not at the toe: cut by a wall or a pile."""
    rim = rise[inside & ~ndimage.binary_erosion(inside)]
    return float(rim[rim > FACE_M].sum())


def _hidden(inside: Mask, rise: Heights, hiding: Mask | None, *, grid: Grid) -> float:
    """Volume in m3 that may lie on, at the flattest repose, under what hides a pile's rim."""
    if hiding is None or not hiding.any():
        return 0.0
    away, (rows, columns) = ndimage.distance_transform_edt(~hiding, return_indices=True)
    face = inside & ~ndimage.binary_erosion(inside) & (rise > FACE_M) & (away * grid.cell < 1.0)
    # The crest of the distance within a roof or a gallery is half its width.
    half = ndimage.maximum_filter(ndimage.distance_transform_edt(hiding), round(3 / grid.cell))
    width = 2 * grid.cell * half[rows[face], columns[face]]
    height = rise[face].astype(float)
    reach = np.minimum(height / FLATTEST_REPOSE, width)
    return float((0.5 * height * reach).sum()) * grid.cell


def _one_sided(quantity: Quantity, extra: float) -> Quantity:
    """Quantity whose upper end is raised by `extra`, taken as independent of the rest."""
    hi = quantity.value + math.hypot(quantity.hi - quantity.value, extra)
    return replace(quantity, hi=hi)


def _rim_cells(inside: Mask) -> int:
    """Number of cells at the edge of a mask."""
    return int((inside & ~ndimage.binary_erosion(inside)).sum())


def _height(value: float, sigma_z: float, base: Base, scale: Scale) -> Quantity:
    """Height of the top above the base."""
    return Quantity.from_sigma(
        value, "m", sigma=math.hypot(sigma_z, base.sigma, scale.sigma * value, 0.05),
        method=_("level above the base that a patch of 0.3 m by 0.3 m at the top reaches"),
    )


def _base_name(kind: str) -> str:
    """Name of a kind of base in the reader's language."""
    names = {
        "plane": _("plane fitted to the rim"),
        "rim membrane": _("membrane through the rim"),
        "bare earth": _("bare earth of the map"),
    }
    return names[kind]
