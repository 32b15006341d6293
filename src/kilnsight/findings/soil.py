"""Bare soil: unvegetated natural ground that nothing drives on (D16)."""

from __future__ import annotations

import math

import numpy as np

from kilnsight.findings.cover import Cover, patches
from kilnsight.findings.grid import burn
from kilnsight.findings.roads import Patch
from kilnsight.findings.surfaces import Tone

MIN_AREA_M2 = 120.0
"""Smallest patch of bare soil reported, m2."""


def find_soil(cover: Cover, *, tone: Tone) -> list[Patch]:
    """Patches of bare soil among the ground cover."""
    found = []
    for polygon in patches(cover.soil, grid=cover.grid, min_area_m2=MIN_AREA_M2):
        inside = burn(cover.grid, polygon)
        use = inside & cover.open
        if not use.any():
            continue
        margin = -0.3 * float(np.median(cover.lean[use]))
        share = float(cover.open[inside].mean())
        score = -1.5 + 2.5 * share + 4 * margin + 0.4 * math.log10(polygon.area / MIN_AREA_M2)
        found.append(Patch(polygon, inside, 1 / (1 + math.exp(-score))))
    return found
