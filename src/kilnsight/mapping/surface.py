"""The surface model: heights of many pairs of photos, fused cell by cell with their spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kilnsight.mapping.align import Alignment
from kilnsight.mapping.grid import Bounds, Grid
from kilnsight.mapping.pairs import StereoPair
from kilnsight.workers import run

Floats = NDArray[np.float32]
Progress = Callable[[float], None]

TILE = 512
"""Cells along a side of the tiles in which heights are fused."""
DENSITY_M = 3.0
"""Side of the window in which heights must stand densely to count as ground seen."""
DENSITY = 0.62
"""Share of the window's cells that must have a height."""
SPECK_M2 = 60.0
"""Ground seen in smaller parts than this is chance."""
GAP_M2 = 40.0
"""Gaps inside the ground seen, up to this size, are painted though their height is a guess."""
FARTHEST = 4.0
"""Points farther away than this many times the median distance do not widen the map."""
DOUBT_M = 0.35
"""Heights with a wider spread than this, over a patch, are not used to project pictures."""
HOLE_M = 0.6
"""Gaps up to about this width are filled from their rim."""


def ground_sample_distance(alignment: Alignment) -> float:
    """Median size of a photo's pixel on the ground, metres."""
    view, point = alignment.seen_by.T
    centres = np.array([v.pose.centre for v in alignment.views])
    focal = np.array([v.camera.fx for v in alignment.views])
    distance = np.linalg.norm(alignment.points[point] - centres[view], axis=1)
    return float(np.nanmedian(distance / focal[view]))


def site_grid(alignment: Alignment, *, cell: float) -> Grid:
    """Grid of `cell` metres over the ground that the views see and points confirm."""
    good = alignment.points[_near_their_views(alignment) & (alignment.errors < 2.0)]
    low, high = np.percentile(good[:, :2], [0.2, 99.8], axis=0)
    # A margin, since the outermost points are not the edge of what is seen.
    margin = 0.04 * (high - low) + 2.0
    west, south = low - margin
    east, north = high + margin
    bounds: Bounds = (float(west), float(south), float(east), float(north))
    return Grid.cover(bounds, cell=cell)


def _near_their_views(alignment: Alignment) -> NDArray[np.bool_]:
    """Points at a usual distance from a view that sees them, shape (m,): far ones are chance."""
    view, point = alignment.seen_by.T
    centres = np.array([v.pose.centre for v in alignment.views])
    distance = np.linalg.norm(alignment.points[point] - centres[view], axis=1)
    near = np.zeros(len(alignment.points), dtype=bool)
    near[point[distance < FARTHEST * np.nanmedian(distance)]] = True
    return near


def fuse_all(
    pairs: Sequence[StereoPair], grid: Grid, *, workers: int, progress: Progress | None = None
) -> tuple[Floats, Floats]:
    """Height and its standard deviation on the whole grid, NaN where nothing was seen."""
    height = np.full(grid.shape, np.nan, np.float32)
    spread = np.full(grid.shape, np.nan, np.float32)
    placed = [(p.target, _part(p.target)) for p in pairs]
    windows = []
    for rows, columns, *_inner in grid.tiles(TILE, halo=0):
        files = tuple((f, part) for f, part in placed if _overlap(part, rows, columns))
        if files:
            windows.append((rows, columns, files))
    for count, ((rows, columns, _files), (h, s)) in enumerate(
        run(fuse, windows, workers=workers), start=1
    ):
        height[rows, columns], spread[rows, columns] = h, s
        if progress:
            progress(count / len(windows))
    return height, spread


def _part(path: Path) -> tuple[slice, slice]:
    """Rows and columns of the grid that the heights in a file cover."""
    with np.load(path, allow_pickle=False) as data:
        r0, r1, c0, c1 = (int(x) for x in data["part"])
    return slice(r0, r1), slice(c0, c1)


def _overlap(part: tuple[slice, slice], rows: slice, columns: slice) -> bool:
    """Whether a part of the grid touches a window."""
    return all(
        bool(mine.start < other.stop and other.start < mine.stop)
        for mine, other in zip(part, (rows, columns), strict=True)
    )


def fuse(
    window: tuple[slice, slice, tuple[tuple[Path, tuple[slice, slice]], ...]]
) -> tuple[Floats, Floats]:
    """Height and standard deviation in a window: rows, columns, and files with their parts."""
    rows, columns, files = window
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    stack = np.full((2, len(files), *shape), np.nan, np.float32)
    for k, (path, (part_rows, part_columns)) in enumerate(files):
        top, bottom = max(part_rows.start, rows.start), min(part_rows.stop, rows.stop)
        left, right = max(part_columns.start, columns.start), min(part_columns.stop, columns.stop)
        source = (slice(top - part_rows.start, bottom - part_rows.start),
                  slice(left - part_columns.start, right - part_columns.start))
        target = (slice(top - rows.start, bottom - rows.start),
                  slice(left - columns.start, right - columns.start))
        with np.load(path, allow_pickle=False) as data:
            stack[0, k][target] = data["height"][source]
            stack[1, k][target] = data["deviation"][source]
    height, spread = _fuse(stack[0], stack[1])
    return height, spread


@numba.njit(cache=True, nogil=True)
def _fuse(layers: Floats, sigmas: Floats) -> tuple[Floats, Floats]:  # pragma: no cover - compiled
    """Mean of the heights near the median, and the deviation of that mean, cell by cell."""
    count, ny, nx = layers.shape
    height = np.full((ny, nx), np.nan, np.float32)
    spread = np.full((ny, nx), np.nan, np.float32)
    values = np.empty(count, np.float32)
    errors = np.empty(count, np.float32)
    for r in range(ny):
        for c in range(nx):
            n = 0
            for k in range(count):
                if not np.isnan(layers[k, r, c]):
                    values[n] = layers[k, r, c]
                    errors[n] = sigmas[k, r, c]
                    n += 1
            if n == 0:
                continue
            middle = np.median(values[:n])
            noise = np.median(errors[:n])
            limit = max(3 * np.float32(1.4826) * np.median(np.abs(values[:n] - middle)), 2 * noise)
            total, weight, square, m = 0.0, 0.0, 0.0, 0
            for k in range(n):
                if abs(values[k] - middle) <= limit:
                    w = 1.0 / errors[k] ** 2
                    total += w * values[k]
                    weight += w
                    square += (values[k] - middle) ** 2
                    m += 1
            height[r, c] = total / weight
            # Pairs share photos: their errors average out only in part.
            seen = np.sqrt(square / max(m - 1, 1)) if m > 1 else 2 * noise
            spread[r, c] = max(seen, np.float32(0.5) * noise) / np.sqrt(1 + 0.4 * (m - 1))
    return height, spread


def clean(height: Floats, spread: Floats, *, cell: float) -> tuple[Floats, Floats]:
    """Surface without spikes and with its small gaps filled; filled cells have a wide spread.

    Both arrays are (ny, nx) in metres; gaps wider than about `HOLE_M` stay NaN.
    """
    ground = seen_ground(height, cell=cell)
    known = np.isfinite(height) & ground
    if not known.any():
        return np.full_like(height, np.nan), np.full_like(spread, np.nan)
    height, spread = np.where(known, height, np.nan), np.where(known, spread, np.nan)
    filled = fill(height)
    smooth = cv2.medianBlur(filled, 5)
    limit = np.maximum(4 * np.nan_to_num(spread, nan=0.0), 0.25)
    spike = known & (np.abs(filled - smooth) > limit)
    filled = np.where(spike, smooth, filled)
    width = max(1, round(HOLE_M / cell / 2))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    # Closing also fills the corners of the outline, where nothing was seen.
    near = cv2.morphologyEx(known.astype(np.uint8), cv2.MORPH_CLOSE, kernel).astype(bool) & ground
    # The light smoothing follows the correlation that matching windows have anyway.
    result = np.where(near, cv2.bilateralFilter(filled, 5, 0.15, 1.2), np.nan)
    guessed = near & ~known
    wide = np.where(guessed | spike, 3 * np.nan_to_num(cv2.medianBlur(fill(spread), 5), nan=0.3),
                    spread)
    wide[~near] = np.nan
    return result.astype(np.float32), wide.astype(np.float32)


def seen_ground(height: Floats, *, cell: float) -> NDArray[np.bool_]:
    """Where the ground was seen: heights stand densely, gaps up to `GAP_M2` inside are part of it.

    Chance matches at the rim of the flight, and specks apart from the rest, are not.
    """
    known = np.isfinite(height).astype(np.uint8)
    size = 2 * max(1, round(DENSITY_M / cell / 2)) + 1
    density = cv2.blur(known.astype(np.float32), (size, size), borderType=cv2.BORDER_CONSTANT)
    dense = ((np.asarray(density) > DENSITY) & (known > 0)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    closed = np.asarray(cv2.morphologyEx(dense, cv2.MORPH_CLOSE, kernel), dtype=np.uint8)
    seen = _keep_parts(closed, at_least=round(SPECK_M2 / cell**2))
    gaps = _keep_parts(1 - seen, at_least=round(GAP_M2 / cell**2))
    return np.asarray(gaps == 0)


def _keep_parts(mask: NDArray[np.uint8], *, at_least: int) -> NDArray[np.uint8]:
    """Mask without the connected parts of fewer than `at_least` cells."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    large = np.asarray(stats)[:, cv2.CC_STAT_AREA] >= at_least
    large[0] = False
    return np.asarray(large[labels], dtype=np.uint8)


def dependable(height: Floats, spread: Floats) -> Floats:
    """Heights without gaps for projecting pictures; patches that pairs disagree on are smoothed.

    Both arrays are (ny, nx) in metres, NaN where unknown.
    """
    doubtful = cv2.medianBlur(np.nan_to_num(spread, nan=0.0), 5) > DOUBT_M
    return fill(np.where(doubtful, np.float32(np.nan), height))


def fill(values: Floats) -> Floats:
    """Values with every gap filled smoothly from its rim, shape (ny, nx)."""
    known = np.isfinite(values)
    if known.all() or not known.any():
        return np.nan_to_num(values)
    pyramid = [(np.where(known, values, 0).astype(np.float32), known.astype(np.float32))]
    while min(pyramid[-1][0].shape) > 2:
        value, weight = pyramid[-1]
        value, weight = (np.asarray(cv2.pyrDown(x), dtype=np.float32) for x in (value, weight))
        pyramid.append((value, weight))
    coarse: Floats = np.full(pyramid[-1][0].shape, np.float32(np.nanmedian(values)))
    for value, weight in reversed(pyramid):
        rough = cv2.resize(coarse, value.shape[::-1], interpolation=cv2.INTER_LINEAR)
        have = weight > 0.05
        coarse = np.where(have, value / np.maximum(weight, 1e-6), rough).astype(np.float32)
    return np.where(known, values, coarse).astype(np.float32)
