"""Detection: from a site's map to its suspected problems, measured and ordered."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.findings import pilecover
from kilnsight.findings.cover import COVER_CELL_M, MAX_CELLS, Cover, find_cover
from kilnsight.findings.finding import Finding, order_findings
from kilnsight.findings.grid import burn, disk, grow, resample
from kilnsight.findings.ground import ground_model, ground_on, span
from kilnsight.findings.heaps import find_heaps
from kilnsight.findings.measurement import (
    Scale,
    measure_area,
    measure_extent,
    measure_perimeter,
    measure_strip,
)
from kilnsight.findings.mounds import Relief, find_relief
from kilnsight.findings.piles import Pile, find_piles
from kilnsight.findings.roads import Patch, find_roads
from kilnsight.findings.site import SiteMap
from kilnsight.findings.soil import find_soil
from kilnsight.findings.surfaces import Tone, linear, map_plants, scene_tone
from kilnsight.findings.taxonomy import taxonomy
from kilnsight.mapping.grid import Grid
from kilnsight.quantity import Quantity

Progress = Callable[[float], None]
Mask = NDArray[np.bool_]

RELIEF_CELL_M = 0.25
"""Cell at which things that stand on the ground are told apart, metres."""
MAX_RELIEF_CELLS = 60_000_000
"""Cells at which that cell is made coarser instead; keeps memory below about 2 GiB."""
LARGE_HOLE_M2 = 50.0
"""Hole from which its rim is like the end of the map, m2."""
RIM_M = 0.5
"""Strip beside a large hole or the end of the map in which heights are not used, metres."""
MIN_CONFIDENCE = 0.5
"""Confidence below which a find is not reported."""
MADE = 0.15
"""Share of pale bluish cells from which a heap is one of pipes, steel or stones in stock."""
COVERED = 0.85
"""Cover fraction from which a pile is not open any more; what is torn then is D02."""
FROM_HEIGHTS = "map/dsm.tif, map/dsm_spread.tif"
"""What a pile's outline and sizes are got from."""
FROM_COLOURS = "map/ortho.tif, map/dsm.tif"
"""What a cover's and a ground's are got from; heights tell roofs, piles and sunny faces."""
UNDECIDED = 0.3
"""Width of a cover fraction's interval from which it is not told; mixed colours leave less."""


def find(site: SiteMap, *, progress: Progress | None = None) -> list[Finding]:
    """Suspected problems of a site, by severity and size, with ids; `progress` gets 0 to 1."""
    tell = progress or (lambda share: None)
    tone = scene_tone(site)
    tell(0.05)
    grid = _relief_grid(site)
    ground = ground_on(grid, model=ground_model(site))
    plants = map_plants(site, grid, tone=tone)
    tell(0.3)
    height, unseen = _heights(site, grid, ground)
    relief = find_relief(height, cell=grid.cell, plants=plants, unseen=unseen)
    tell(0.45)
    rgb, seen = site.ortho(grid)
    light = np.where(seen, linear(rgb).mean(axis=2), 0).astype(np.float32)
    heaps = find_heaps(relief, light=light, plants=plants, cell=grid.cell)
    del rgb, seen, light
    piles = find_piles(site, relief, grid=grid, ground=ground, plants=plants, heaps=heaps)
    tell(0.7)
    cover = _ground_cover(site, relief, piles, grid=grid, tone=tone)
    found = _pile_findings(site, piles, tone=tone, sun=_sun(site, relief, grid))
    tell(0.9)
    found += [_road_finding(site, patch, cover) for patch in find_roads(cover, tone=tone)]
    found += [_soil_finding(site, patch) for patch in find_soil(cover, tone=tone)]
    tell(1.0)
    return order_findings([f for f in found if f.confidence >= MIN_CONFIDENCE])


def _relief_grid(site: SiteMap) -> Grid:
    """Grid of the relief: as fine as the surface model has it, within memory."""
    west, south, east, north = site.bounds
    area = (east - west) * (north - south)
    return site.grid(max(RELIEF_CELL_M, site.dsm_cell, math.sqrt(area / MAX_RELIEF_CELLS)))


def _heights(site: SiteMap, grid: Grid, ground: NDArray[np.float32]) -> tuple[Any, Mask]:
    """Height above ground, small holes spanned, and the large holes, where it is 0."""
    dsm = site.dsm(grid)
    known = np.isfinite(dsm)
    height = span(dsm, known=known) - ground
    hole = cv2.morphologyEx((~known).astype(np.uint8), cv2.MORPH_OPEN, disk(1.0, cell=grid.cell))
    # Where the map ends few photos see a cell, and matching is at its worst.
    number, sizes = cv2.connectedComponentsWithStats(np.asarray(hole), connectivity=4)[1:3]
    large = sizes[:, cv2.CC_STAT_AREA] * grid.cell**2 >= LARGE_HOLE_M2
    large[0] = False
    unseen = (np.asarray(hole) > 0) | grow(large[number], RIM_M, cell=grid.cell)
    height[unseen] = 0
    return height, unseen


def _ground_cover(
    site: SiteMap, relief: Relief, piles: list[Pile], *, grid: Grid, tone: Tone
) -> Cover:
    """Ground cover of the site outside piles, roofs and walls."""
    west, south, east, north = site.bounds
    area = (east - west) * (north - south)
    coarse = site.grid(max(COVER_CELL_M, grid.cell, math.sqrt(area / MAX_CELLS)))
    solid = cv2.dilate((relief.roof | relief.thin).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    solid = np.asarray(resample(solid, source=grid, target=coarse, order=0))
    heaped = np.zeros(coarse.shape, bool)
    for pile in piles:
        window = coarse.part(pile.polygon.bounds)
        if pile.shape.confidence >= MIN_CONFIDENCE:
            heaped[window] |= burn(coarse.sub(*window), pile.polygon)
    height = resample(relief.height, source=grid, target=coarse)
    return find_cover(site, coarse, height=height, solid=solid, piles=heaped, tone=tone)


def _sun(site: SiteMap, relief: Relief, grid: Grid) -> pilecover.Sun:
    """Direction of the light, from the shading of the mounds on a coarse copy of the map."""
    west, south, east, north = site.bounds
    coarse = site.grid(max(0.5, math.sqrt((east - west) * (north - south) / 4_000_000)))
    rgb, seen = site.ortho(coarse)
    height = resample(relief.height, source=grid, target=coarse)
    mound = resample(relief.labels > 0, source=grid, target=coarse, order=0)
    light = np.where(seen & mound, linear(rgb).mean(axis=2), 0)
    return pilecover.find_sun(light, height, cell=coarse.cell)


def _pile_findings(
    site: SiteMap, piles: list[Pile], *, tone: Tone, sun: pilecover.Sun
) -> list[Finding]:
    """D01 of the piles that are not covered."""
    found = []
    for pile in piles:
        look = pilecover.look_at(site, pile.polygon, tone=tone, sun=sun)
        covering = look.cover
        if covering.value >= COVERED:
            continue
        scale = Scale(site.grid_scale, site.scale_sigma)
        length, width = measure_extent(pile.polygon, scale=scale, outline_m=pile.outline_m)
        measures = {
            "area_m2": measure_area(pile.polygon, scale=scale, outline_m=pile.outline_m),
            "perimeter_m": measure_perimeter(pile.polygon, scale=scale, outline_m=pile.outline_m),
            "volume_m3": pile.volume.net, "height_m": pile.volume.height,
            "length_m": length, "width_m": width,
        }
        measures = _sourced(measures, FROM_HEIGHTS)
        measures |= _sourced({"cover_fraction": covering}, FROM_COLOURS)
        # Coal and a black net look alike: such a pile is reported, but with less confidence.
        doubt = 0.65 if covering.hi - covering.lo > UNDECIDED else 1.0
        doubt *= 0.4 if look.made > MADE else 1.0
        doubt *= 0.5 if pile.volume.base.kind == "bare earth" else 1.0
        found.append(Finding("D01", pile.polygon, pile.shape.confidence * doubt,
                             taxonomy()["D01"].severity, measures))
    return found


def _sourced(measures: dict[str, Quantity], source: str) -> dict[str, Quantity]:
    """The measures with the layers of the map they were got from."""
    return {key: replace(quantity, source=source) for key, quantity in measures.items()}


def _patch_outline_m(site: SiteMap) -> float:
    """Standard deviation of the place of an edge between two ground covers, metres."""
    return math.hypot(COVER_CELL_M / 2, site.ortho_cell, 0.3)


def _road_finding(site: SiteMap, patch: Patch, cover: Cover) -> Finding:
    """D09 of a patch of worn ground."""
    scale, outline = Scale(site.grid_scale, site.scale_sigma), _patch_outline_m(site)
    length, width = measure_strip(patch.polygon, patch.inside, grid=cover.grid, scale=scale,
                                  outline_m=outline)
    measures = {
        "area_m2": measure_area(patch.polygon, scale=scale, outline_m=outline),
        "perimeter_m": measure_perimeter(patch.polygon, scale=scale, outline_m=outline),
        "length_m": length, "width_m": width,
    }
    severity = taxonomy()["D09"].severity
    measures = _sourced(measures, FROM_COLOURS)
    return Finding("D09", patch.polygon, patch.confidence, severity, measures)


def _soil_finding(site: SiteMap, patch: Patch) -> Finding:
    """D16 of a patch of bare soil."""
    scale, outline = Scale(site.grid_scale, site.scale_sigma), _patch_outline_m(site)
    measures = {
        "area_m2": measure_area(patch.polygon, scale=scale, outline_m=outline),
        "perimeter_m": measure_perimeter(patch.polygon, scale=scale, outline_m=outline),
    }
    severity = taxonomy()["D16"].severity
    measures = _sourced(measures, FROM_COLOURS)
    return Finding("D16", patch.polygon, patch.confidence, severity, measures)
