"""Roads and yards that are unpaved or under dust (D09)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

from kilnsight.findings.cover import Cover, is_sunken, patches
from kilnsight.findings.surfaces import Tone

MIN_AREA_M2 = 120.0
"""Smallest road or yard reported, m2."""


@dataclass(frozen=True)
class Patch:
    """A patch of ground: outline in map coordinates, its cells, and how sure its kind is."""

    polygon: Polygon
    inside: NDArray[np.bool_]
    confidence: float


def find_roads(cover: Cover, *, tone: Tone) -> list[Patch]:
    """Unpaved or dusty roads and yards among the ground cover."""
    found = []
    for polygon in patches(cover.worn, grid=cover.grid, min_area_m2=MIN_AREA_M2):
        inside = cover.grid.burn(polygon)
        if is_sunken(cover.surface, inside, cell=cover.grid.cell):
            continue
        warm = cover.warm[inside & cover.open]
        if not len(warm):
            continue
        middle = float(np.median(warm))
        margin = min(middle - tone.sealed, tone.warm - middle) / (tone.warm - tone.sealed)
        found.append(Patch(polygon, inside, _confidence(margin, polygon)))
    return found


def _confidence(margin: float, polygon: Polygon) -> float:
    """How sure a patch is worn ground: far from both thresholds, large, of simple outline."""
    compact = 4 * math.pi * polygon.area / polygon.length**2
    score = 0.2 + 3.0 * margin + 0.5 * math.log10(polygon.area / MIN_AREA_M2)
    score -= 1.0 if compact < 0.02 else 0.0
    return 1 / (1 + math.exp(-score))
