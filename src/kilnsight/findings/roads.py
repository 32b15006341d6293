"""Roads and yards that are unpaved or under dust (D09)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import Polygon

from kilnsight.findings.cover import Cover, is_sunken, patches
from kilnsight.findings.grid import burn, disk, grow
from kilnsight.findings.surfaces import Tone

YARD_WIDTH_M = 24.0
"""Width from which worn ground is a yard and no road, metres."""
MIN_YARD_M2 = 1000.0
"""Area a place of that width must have to be a yard and no broad part of a road, m2."""
GAP_M = 2.0
"""Gap in worn ground (a seam, the toe of a pile) that does not end a yard, metres."""
STRIP_LENGTH = 2.5
"""Length over width from which a part beside a yard is a road of its own."""
MIN_AREA_M2 = 120.0
"""Smallest road or yard reported, m2."""

STONY_GRAIN = 0.09
"""Fine-scale standard deviation of log brightness from which ground may be broken rock."""
STONY_ROUGH_M = 0.033
"""Height texture from which it may be, metres."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Patch:
    """A patch of ground: outline in map coordinates, its cells, and how sure its kind is."""

    polygon: Polygon
    inside: NDArray[np.bool_]
    confidence: float


def find_roads(cover: Cover, *, tone: Tone) -> list[Patch]:
    """Unpaved or dusty roads and yards among the ground cover."""
    found = []
    yards, roads = split_yards(cover.worn, filler=cover.piles, cell=cover.grid.cell)
    shapes = [
        polygon for mask in (yards, roads)
        for polygon in patches(mask, grid=cover.grid, min_area_m2=MIN_AREA_M2)
    ]
    for polygon in shapes:
        inside = burn(cover.grid, polygon)
        if is_sunken(cover.surface, inside, cell=cover.grid.cell):
            continue
        use = inside & cover.open
        if not use.any():
            continue
        warm, lean = float(np.median(cover.warm[use])), float(np.median(cover.lean[use]))
        margin = min((warm - tone.sealed) / (tone.warm - tone.sealed), lean / 2, 0.5)
        stony = _stoniness(cover.grain[use], cover.rough[use])
        found.append(Patch(polygon, inside, _confidence(margin, polygon, stony=stony)))
    return found


def split_yards(worn: Mask, *, filler: Mask, cell: float) -> tuple[Mask, Mask]:
    """Wide parts and strips of worn ground; `filler` (piles) does not make a yard narrow.

    Parts too small or too short for a road stay with the yard they touch.
    """
    gaps = disk(GAP_M / 2, cell=cell)
    whole = cv2.morphologyEx((worn | filler).astype(np.uint8), cv2.MORPH_CLOSE, gaps)
    padded = np.pad(whole, 2 * round(YARD_WIDTH_M / cell), mode="edge")
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, disk(YARD_WIDTH_M / 2, cell=cell))
    inset = 2 * round(YARD_WIDTH_M / cell)
    wide = np.asarray(opened[inset:-inset, inset:-inset])
    number, sizes = cv2.connectedComponentsWithStats(wide, connectivity=4)[1:3]
    large = sizes[:, cv2.CC_STAT_AREA] * cell**2 >= MIN_YARD_M2
    yards = worn & grow((wide > 0) & large[number], 1.0, cell=cell)
    strips = worn & ~yards
    labels, stats = cv2.connectedComponentsWithStats(strips.astype(np.uint8), connectivity=4)[1:3]
    areas = stats[:, cv2.CC_STAT_AREA] * cell**2
    half_width = ndimage.maximum(
        cv2.distanceTransform(strips.astype(np.uint8), cv2.DIST_L2, 5) * cell, labels,
        np.arange(len(areas)),
    )
    short = (areas < MIN_AREA_M2) | (areas < STRIP_LENGTH * (2 * np.asarray(half_width)) ** 2)
    beside = np.unique(labels[grow(yards, 1.0, cell=cell)])
    merged = np.isin(np.arange(len(areas)), beside) & short
    merged[0] = False
    return yards | merged[labels], strips & ~merged[labels]


def _stoniness(grain: NDArray[np.float32], rough: NDArray[np.float32]) -> float:
    """How much a patch is broken rock, 0 to 1: uneven to the eye and in height.

    Wheels level what they drive on; the floor of a quarry bench or a rock fill is not level.
    """
    look, feel = float(np.median(grain)), float(np.median(rough))
    return float(np.clip(min((look - STONY_GRAIN) / 0.02, (feel - STONY_ROUGH_M) / 0.008), 0, 1))


def _confidence(margin: float, polygon: Polygon, *, stony: float) -> float:
    """How sure a patch is worn ground: far from both thresholds, large, of simple outline."""
    compact = 4 * math.pi * polygon.area / polygon.length**2
    score = 0.2 + 3.0 * margin + 0.5 * math.log10(polygon.area / MIN_AREA_M2)
    score -= 1.6 * stony + (1.0 if compact < 0.02 else 0.0)
    return 1 / (1 + math.exp(-score))
