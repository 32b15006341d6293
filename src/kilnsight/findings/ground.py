"""Bare earth under a surface model: what is left when piles, buildings and trees are taken off.

Flat regions, cut out by steep rims, are told apart by what lies around them: a roof or the top of
a pile falls off on nearly all sides, a yard or a terrace does not. What is left is spanned by a
membrane. This keeps terraces, pits and ditches, which an opening or a cloth would cut.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from kilnsight.findings.grid import blur, resample
from kilnsight.findings.site import SiteMap
from kilnsight.mapping.grid import Grid

Heights = NDArray[np.float32]
Numbers = NDArray[np.float64]

GROUND_CELL_M = 1.0
"""Cell at which the ground is sought, metres."""
MAX_CELLS = 16_000_000
"""Cells at which the ground's own cell is made coarser instead."""
GENTLE = 0.22
"""Slope, rise over run, up to which a surface can be ground without being spanned (12 degrees)."""
STEP_M = 0.7
"""Height difference within three cells that counts as a drop or a rise at a region's rim."""
SEED_AREA_M2 = 25.0
"""Smallest flat region that can be ground, m2."""
WIDE_AREA_M2 = 10_000.0
"""Flat region so large that it is ground unless it falls off nearly all around, m2."""


def ground_model(site: SiteMap) -> tuple[Grid, Heights]:
    """Bare earth of a site: its grid and heights, shape (ny, nx), metres, no NaN."""
    west, south, east, north = site.bounds
    cell = max(GROUND_CELL_M, site.dsm_cell, ((east - west) * (north - south) / MAX_CELLS) ** 0.5)
    grid = site.grid(cell)
    return grid, bare_earth(site.dsm(grid), cell=cell)


def ground_on(grid: Grid, *, model: tuple[Grid, Heights]) -> Heights:
    """Heights of a ground model on another grid, shape (ny, nx), metres."""
    return np.asarray(resample(model[1], source=model[0], target=grid), dtype=np.float32)


def bare_earth(dsm: Heights, *, cell: float = GROUND_CELL_M) -> Heights:
    """Ground heights under a surface model, shape (ny, nx), metres; NaN in `dsm` is spanned."""
    known = np.isfinite(dsm)
    if not known.any():
        return np.zeros_like(dsm)
    surface = ndimage.median_filter(span(dsm, known=known), size=3)
    labels, falls, areas, ends = _flat_regions(surface, known=known, cell=cell)
    first = areas >= SEED_AREA_M2
    first &= (falls < 0.35) | ((areas >= WIDE_AREA_M2) & (falls < 0.8))
    if len(areas) > 1:
        first[1 + int(np.argmax(areas[1:]))] = True
    first[0] = False
    ground = span(surface, known=first[labels])
    late = _late_regions(surface, ground, labels, falls=falls, areas=areas, ends=ends)
    accepted = first | late
    ground = span(surface, known=accepted[labels])
    # What lies under the membrane was spanned over: a pit, a ditch or a gap between two piles.
    low = known & (surface < ground - 0.2)
    return span(np.minimum(surface, np.where(low, surface, np.inf)), known=accepted[labels] | low)


def _flat_regions(
    surface: Heights, *, known: NDArray[np.bool_], cell: float
) -> tuple[NDArray[np.int32], Numbers, Numbers, Numbers]:
    """Labels of gentle regions; per label: share of its rim that falls off, area, share of map end.

    Where the map ends nobody knows how the surface goes on: it is taken to go on level.
    """
    gy, gx = np.gradient(blur(surface, 0.7), cell)
    gentle = (known & (np.hypot(gx, gy) < GENTLE)).astype(np.uint8)
    gentle = cv2.morphologyEx(gentle, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(gentle, connectivity=4)
    kernel = np.ones((7, 7), np.uint8)
    drop = surface - cv2.erode(surface, kernel)
    rise = cv2.dilate(surface, kernel) - surface
    rim = (gentle > 0) & (cv2.erode(gentle, np.ones((3, 3), np.uint8), borderValue=0) == 0)
    falls = rim & (drop > STEP_M) & (drop > rise)
    end = cv2.erode(known.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    ends = np.bincount(labels[(gentle > 0) & (end == 0)], minlength=count) / 3
    total = np.maximum(np.bincount(labels[rim], minlength=count) + 2 * ends, 1)
    share = np.bincount(labels[falls], minlength=count) / total
    areas = np.bincount(labels.ravel(), minlength=count) * cell * cell
    return np.asarray(labels, dtype=np.int32), share, areas.astype(float), ends / total


def _late_regions(
    surface: Heights, ground: Heights, labels: NDArray[np.int32], *,
    falls: Numbers, areas: Numbers, ends: Numbers,
) -> NDArray[np.bool_]:
    """Which undecided regions are ground after all, seen from a first ground; shape (labels,)."""
    index = np.arange(len(areas))
    above = np.asarray(ndimage.mean(surface - ground, labels, index))
    near = np.abs(above) < 0.4
    terrace = (falls < 0.5) & (areas > 2500) & (above < 0.2 * np.sqrt(areas))
    pit = (above < 0) & (falls < 0.5)
    cut_off = (ends > 0.12) & (falls < 0.6)
    accepted = (areas >= SEED_AREA_M2) & (near | terrace | pit | cut_off)
    accepted[0] = False
    return np.asarray(accepted)


def span(values: Heights, *, known: NDArray[np.bool_]) -> Heights:
    """Membrane through the known cells: unknown ones satisfy Laplace's equation; no NaN left."""
    if not known.any():
        return np.where(np.isfinite(values), values, 0).astype(np.float32)
    data = np.where(known, values, 0).astype(np.float32)
    if known.all():
        return data
    start = _coarse_start(data, known)
    filled = np.where(known, data, start).astype(np.float32)
    _relax(filled, known, 40)
    return filled


def _coarse_start(data: Heights, known: NDArray[np.bool_]) -> Heights:
    """The membrane solved on cells twice as large, read back on the fine ones."""
    ny, nx = data.shape
    if min(ny, nx) < 4:
        return np.full(data.shape, data[known].mean(), np.float32)
    padded = np.pad(data, ((0, ny % 2), (0, nx % 2)))
    weight = np.pad(known.astype(np.float32), ((0, ny % 2), (0, nx % 2)))
    blocks = weight.shape[0] // 2, 2, weight.shape[1] // 2, 2
    counts = weight.reshape(blocks).sum((1, 3))
    sums = padded.reshape(blocks).sum((1, 3))
    coarse = span((sums / np.maximum(counts, 1)).astype(np.float32), known=counts > 0)
    size = weight.shape[1], weight.shape[0]
    fine = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return fine[:ny, :nx]


@njit(cache=True)
def _relax(z: Heights, known: NDArray[np.bool_], sweeps: int) -> None:
    """Successive over-relaxation of Laplace's equation on the unknown cells, in place."""
    ny, nx = z.shape
    for sweep in range(sweeps):
        for step in range(ny):
            r = step if sweep % 2 == 0 else ny - 1 - step
            for c in range(nx):
                if known[r, c]:
                    continue
                mean = (
                    z[max(r - 1, 0), c] + z[min(r + 1, ny - 1), c]
                    + z[r, max(c - 1, 0)] + z[r, min(c + 1, nx - 1)]
                ) / 4
                z[r, c] += 1.5 * (mean - z[r, c])
