"""Mounds: what rises above the ground, parted where it touches; buildings and trees left out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from kilnsight.findings.grid import blur, disk, grow

Heights = NDArray[np.float32]
Mask = NDArray[np.bool_]

MIN_HEIGHT_M = 0.35
"""Height above ground from which a cell belongs to something, metres."""
ROOF_HEIGHT_M = 2.0
"""Lowest roof sought, metres above ground."""
ROOF_SLOPE = 0.5
"""Steepest roof, rise over run; piles of bulk material stand steeper than their roofs."""
WALL_SLOPE = 1.3
"""Slope from which a face is a wall and no heap of loose material (52 degrees)."""
LEAF_ROUGHNESS_M = 0.15
"""Height texture from which something green is a plant and no net, metres."""
FREE_WALL_SLOPE = 2.2
"""Slope near a free-standing wall or gallery; dug faces of piles are less steep."""
DROP_REACH_M = 1.5
"""Distance within which a fall is looked for, metres."""
WALL_WIDTH_M = 3.4
"""Width up to which a high narrow thing is a wall, a gallery or a pipe, metres."""


@dataclass(frozen=True)
class Relief:
    """Height above ground and what it says of each cell; arrays of shape (ny, nx).

    `drop` is the fall to the lowest place within `DROP_REACH_M`. `roof` are flat tops with
    upright sides (buildings, vehicles, silos) and their walls, `thin` walls and galleries.
    `labels` numbers the mounds from 1; 0 is none. `unseen` are holes in the map.
    """

    height: Heights
    slope: Heights
    drop: Heights
    roof: Mask
    thin: Mask
    labels: NDArray[np.int32]
    unseen: Mask


def find_relief(height: Heights, *, cell: float, plants: Mask, unseen: Mask) -> Relief:
    """Relief of a map: `height` above ground in metres, no NaN, 0 where `unseen`.

    `plants` says where leaves were seen.
    """
    smooth = blur(height, 0.3 / cell)
    slope = steepness(smooth, cell=cell)
    drop = smooth - cv2.erode(smooth, disk(DROP_REACH_M, cell=cell))
    roof = _roofs(smooth, slope, drop, cell=cell)
    opened = cv2.morphologyEx(height, cv2.MORPH_OPEN, disk(WALL_WIDTH_M / 2, cell=cell))
    # The tip of a pile stands above its opening too, but nothing upright is near it.
    thin = (height - opened > 0.6) & grow(slope > FREE_WALL_SLOPE, 0.5, cell=cell)
    leaves = plants & (height > 1.0) & (roughness(height, cell=cell) > LEAF_ROUGHNESS_M)
    leaves = grow(leaves, 0.5, cell=cell)
    mask = (smooth > MIN_HEIGHT_M) & ~roof & ~thin & ~leaves
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disk(0.6, cell=cell)) > 0
    labels = split_mounds(smooth, mask=mask & ~unseen, cell=cell)
    return Relief(height, slope, drop, roof, thin, labels, unseen)


def steepness(surface: Heights, *, cell: float) -> Heights:
    """Slope, rise over run, shape (ny, nx)."""
    gy, gx = np.gradient(surface, cell)
    return np.asarray(np.hypot(gx, gy), dtype=np.float32)


def _roofs(smooth: Heights, slope: Heights, drop: Heights, *, cell: float) -> Mask:
    """Flat tops that fall off upright around most of their rim, with the walls below them."""
    flat = ((slope < ROOF_SLOPE) & (smooth > ROOF_HEIGHT_M * 0.75)).astype(np.uint8)
    flat = np.asarray(cv2.morphologyEx(flat, cv2.MORPH_OPEN, disk(0.5, cell=cell)), np.uint8)
    count, labels = cv2.connectedComponents(flat, connectivity=4)
    upright = cv2.dilate(slope, disk(0.9, cell=cell)) > WALL_SLOPE
    rim = (flat > 0) & (cv2.erode(flat, np.ones((3, 3), np.uint8)) == 0)
    falls = rim & (drop > 1.5) & upright
    total = np.bincount(labels[rim], minlength=count)
    share = np.bincount(labels[falls], minlength=count) / np.maximum(total, 1)
    is_roof = share > 0.4
    is_roof[0] = False
    roof = is_roof[labels]
    steep = (slope > 0.8 * WALL_SLOPE) & (smooth > MIN_HEIGHT_M)
    near = grow(roof, 1.6, cell=cell)
    rim_blur = grow(roof, 0.6, cell=cell)
    return np.asarray(roof | (near & steep) | (rim_blur & (smooth > MIN_HEIGHT_M)))


def split_mounds(
    height: Heights, *, mask: Mask, cell: float, prominence_m: float = 0.7
) -> NDArray[np.int32]:
    """Labels of the mounds in a mask, from 1; mounds that touch part at the saddle between them.

    A peak counts as a mound of its own when it stands `prominence_m` and a fifth of its height
    above the saddle to a higher one.
    """
    smooth = blur(height, 0.6 / cell)
    cells = np.flatnonzero(mask)
    order = cells[np.argsort(-smooth.ravel()[cells], kind="stable")]
    labels = _flood(smooth.ravel(), order, mask.shape[1], mask.size, prominence_m)
    return np.asarray(labels.reshape(mask.shape))


@njit(cache=True)
def _flood(
    z: Heights, order: NDArray[np.int64], nx: int, size: int, prominence_m: float
) -> NDArray[np.int32]:
    """Floods from the peaks down; basins join where the lower peak is not prominent enough."""
    labels = np.zeros(size, np.int32)
    parent = np.zeros(len(order) + 1, np.int32)
    peak = np.zeros(len(order) + 1, np.float32)
    count = 0
    for k in range(len(order)):
        i = order[k]
        row, column = i // nx, i % nx
        best, above = 0, np.float32(0)
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                r, c = row + dr, column + dc
                if c < 0 or c >= nx or r < 0 or r * nx + c >= size:
                    continue
                other = labels[r * nx + c]
                if other == 0:
                    continue
                while parent[other] != other:
                    parent[other] = parent[parent[other]]
                    other = parent[other]
                if best != 0 and other != best:
                    low, high = (best, other) if peak[best] < peak[other] else (other, best)
                    if peak[low] - z[i] < max(prominence_m, 0.2 * peak[low]):
                        parent[low] = high
                        best, other = high, high
                # The steepest way up, not the higher peak, says whose flank this is.
                rise = (z[r * nx + c] - z[i]) / math.sqrt(dr * dr + dc * dc)
                if best == 0 or rise > above:
                    best, above = other, rise
        if best == 0:
            count += 1
            best = count
            parent[best] = best
            peak[best] = z[i]
        labels[i] = best
    names = np.zeros(count + 1, np.int32)
    used = 0
    for k in range(len(order)):
        i = order[k]
        root = labels[i]
        while parent[root] != root:
            root = parent[root]
        if names[root] == 0:
            used += 1
            names[root] = used
        labels[i] = names[root]
    return labels


def rim_share(part: Mask, *, of: Mask) -> float:
    """Share of a part's outer rim (cells next to it) that lies in another mask."""
    rim = (cv2.dilate(part.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~part
    return float((rim & of).sum() / max(rim.sum(), 1))


def roughness(height: Heights, *, cell: float) -> Heights:
    """Standard deviation of height about a local plane-like mean within a metre, metres."""
    rest = height - blur(height, 0.8 / cell)
    return np.sqrt(np.maximum(blur(rest * rest, 0.8 / cell), 0))


def box_of(labels: NDArray[np.int32]) -> list[tuple[slice, slice] | None]:
    """Rows and columns of each label, from label 1."""
    return list(ndimage.find_objects(labels))
