"""Heaps too low for the relief of a whole map: tipped loads of a few cubic metres."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.findings.grid import blur, disk, grow, polygons, smooth_outline
from kilnsight.findings.mounds import Relief, box_of, steepness
from kilnsight.mapping.grid import Grid

Heights = NDArray[np.float32]
Mask = NDArray[np.bool_]

RISE_M = 0.15
"""Height over the ground next to it from which a cell belongs to a heap, metres."""
TOP_M = 0.35
"""Lowest top of a heap, metres."""
REACH_M = 3.5
"""Radius of the largest heap sought here, metres."""
AREA_M2 = (7.0, 40.0)
"""Least and largest area, m2."""
MOUND_M2 = 15.0
"""Mound of the relief so large that it is judged as a pile, m2."""
ROUND = 0.6
"""Least roundness, 4 pi area over perimeter squared; ridges and ruts have less."""
SLOPES = (0.12, 0.8)
"""Least median slope and largest ninth tenth of a heap: slabs are flat, crates upright."""
CONTRAST = 0.25
"""Difference of log brightness to the ground around from which it is another material."""


def find_heaps(
    relief: Relief, *, light: Heights, plants: Mask, cell: float
) -> NDArray[np.int32]:
    """Labels, shape (ny, nx), of small round heaps that differ in brightness from their ground.

    `light` is brightness, linear, 0 where nothing was seen. Labels start at 1; 0 is none.
    """
    height = blur(np.where(relief.unseen, 0, relief.height).astype(np.float32), 0.25 / cell)
    opened = cv2.morphologyEx(height, cv2.MORPH_OPEN, disk(REACH_M, cell=cell))
    rise, slope = height - opened, steepness(height, cell=cell)
    large = np.bincount(relief.labels.ravel()) * cell**2 >= MOUND_M2
    large[0] = False
    known = relief.roof | relief.thin | large[relief.labels] | relief.unseen
    mask = (rise > RISE_M) & ~grow(known, 0.5, cell=cell) & ~plants & (light > 0)
    work = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disk(0.5, cell=cell))
    labels = np.asarray(cv2.connectedComponents(np.asarray(work), connectivity=4)[1], np.int32)
    heaps, count, margin = np.zeros_like(labels), 0, math.ceil(2 / cell)
    for number, window in enumerate(box_of(labels), start=1):
        if window is None:
            continue
        rows, columns = (slice(max(0, s.start - margin), s.stop + margin) for s in window)
        part = labels[rows, columns] == number
        if _is_heap(part, rise[rows, columns], slope[rows, columns], cell=cell) and (
            _contrast(part, light[rows, columns], cell=cell) > CONTRAST
        ):
            count += 1
            heaps[rows, columns][part] = count
    return heaps


def _is_heap(part: Mask, rise: Heights, slope: Heights, *, cell: float) -> bool:
    """Whether a part has the size, the roundness, the height and the slopes of a tipped load."""
    area = float(part.sum()) * cell**2
    if not AREA_M2[0] <= area <= AREA_M2[1] or float(rise[part].max()) < TOP_M:
        return False
    outline = max(polygons(Grid(0, 0, cell, *part.shape), part), key=lambda p: p.area)
    smooth = smooth_outline(outline, cell=cell)
    if 4 * math.pi * smooth.area / max(smooth.length, 1e-6) ** 2 < ROUND:
        return False
    steep = float(np.quantile(slope[grow(part, 0.5, cell=cell)], 0.9))
    return float(np.median(slope[part])) > SLOPES[0] and steep < SLOPES[1]


def _contrast(part: Mask, light: Heights, *, cell: float) -> float:
    """Difference of log brightness between a part and the ground half a metre to 1.5 m away."""
    ring = grow(part, 1.5, cell=cell) & ~grow(part, 0.5, cell=cell) & (light > 0)
    if not ring.any():
        return 0.0
    return abs(math.log(float(np.median(light[part])) / float(np.median(light[ring]))))
