"""Covers on piles: how much of a pile lies under a dust net or a tarpaulin."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from kilnsight.findings.site import SiteMap
from kilnsight.findings.surfaces import Cues, Tone, find_cues
from kilnsight.i18n import gettext as _
from kilnsight.quantity import Quantity

COVER_CELL_M = 0.1
"""Finest cell at which covers are told apart, metres."""
MAX_CELLS = 4_000_000
"""Cells of the largest window."""


def cover_fraction(site: SiteMap, polygon: Polygon, *, tone: Tone) -> Quantity:
    """Share of a pile's outline, 0 to 1, under dust net or tarpaulin, by colour and texture."""
    west, south, east, north = polygon.bounds
    area = (east - west) * (north - south)
    grid = site.grid(max(COVER_CELL_M, site.ortho_cell, math.sqrt(area / MAX_CELLS)),
                     bounds=polygon.bounds)
    rgb, seen = site.ortho(grid)
    inside = grid.burn(polygon) & seen
    method = _("share of cells with the colour of a net or sheet")
    if inside.sum() < 20:
        return Quantity(0.0, "1", 0.0, 1.0, _("not seen in the map"))
    covered = covered_cells(find_cues(rgb, seen, tone=tone, cell=grid.cell), cell=grid.cell)
    value = float(covered[inside].mean())
    sigma = 0.02 + 0.15 * math.sqrt(value * (1 - value))
    return Quantity.from_sigma(value, "1", sigma=sigma, method=method, floor=0.0, ceiling=1.0)


def covered_cells(cues: Cues, *, cell: float) -> NDArray[np.bool_]:
    """Cells of a pile under a green net, a black net or a coloured sheet."""
    green_net = (cues.green > 0.10) & (cues.blue > cues.red + 0.015)
    sheet = (cues.blue > 0.42) & (cues.blue > cues.red + 0.12)
    covered = (green_net | sheet).astype(np.uint8)
    size = 2 * max(1, round(0.3 / cell)) + 1
    return np.asarray(cv2.medianBlur(covered, min(size, 5)) > 0)
