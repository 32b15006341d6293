"""Surfaces without labels: what the colours, textures and heights of a map say on day one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kilnsight.findings.grid import blur
from kilnsight.findings.site import SiteMap
from kilnsight.mapping.grid import Grid

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

HALO_M = 6.0
"""Margin read around a tile so that its textures do not depend on the tiling, metres."""
TILE = 1024
"""Side of a tile in cells."""
LOW_M = 0.5
"""Height above ground below which a cell can be ground, metres."""
GREENNESS = (0.05, 0.14)
"""Range in which the excess green that parts plants from soil is sought."""
SEALED_WARMTH = (0.05, 0.08)
"""Range of the red minus blue share of light that parts clean concrete from dusted ground."""
SOIL_WARMTH = (0.185, 0.26)
"""Range in which the warmth that parts trafficked ground from soil is sought."""
WARMEST = 0.22
"""Warmth that the warmer quarter of a scene's ground does not pass by white balance alone."""
BARE_COVER = 0.35
"""Share of leaves in a cell up to which its ground counts as bare."""


@dataclass(frozen=True)
class Tone:
    """What the light and the camera did to a scene's colours.

    `white`, shape (3,), are gains that make the brightest grey things grey; `pale` is the
    brightness of pale ground (linear, 0 to 1), which unlike the scene's median does not hang on
    how much of it is forest; `green` the excess green that parts plants from soil, `bare` that up
    to which soil shows between the leaves; `sealed` the warmth that parts clean pavement from
    dust and unpaved ground, `warm` the warmth that parts those from soil.
    """

    white: NDArray[np.float32]
    pale: float
    green: float
    bare: float
    sealed: float
    warm: float


@dataclass(frozen=True)
class Cues:
    """Colour and texture of cells, each of shape (ny, nx).

    `bright` is brightness over that of pale ground, `green` the excess green 2g - r - b of the
    colour shares, `warm` the red minus the blue share after white balance, `blue` and `red` the
    shares themselves, `grain` the standard deviation of log brightness within half a metre.
    """

    bright: Image
    green: Image
    warm: Image
    blue: Image
    red: Image
    grain: Image
    seen: Mask


def linear(rgb: NDArray[np.uint8]) -> Image:
    """Linear light, 0 to 1, of sRGB bytes (IEC 61966-2-1), same shape."""
    steps = np.arange(256) / 255
    table = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    return np.asarray(table.astype(np.float32)[rgb])


def scene_tone(site: SiteMap, *, cells: int = 1_500_000) -> Tone:
    """Tone of a whole map, from a coarse copy of its ortho."""
    west, south, east, north = site.bounds
    cell = max(0.5, ((east - west) * (north - south) / cells) ** 0.5)
    rgb, seen = site.ortho(site.grid(cell))
    light = linear(rgb)[seen & (rgb.max(axis=2) > 0)]
    if len(light) < 100:
        ranges = (sum(r) / 2 for r in (GREENNESS, GREENNESS, SEALED_WARMTH, SOIL_WARMTH))
        return Tone(np.ones(3, np.float32), 0.3, *ranges)
    shares = light / np.maximum(light.sum(1, keepdims=True), 1e-4)
    bright = light.mean(1)
    middle = float(np.median(bright))
    lit = bright > 0.15 * middle
    excess = 3 * shares[:, 1] - 1
    green = _parting(excess[lit & (excess > -0.1) & (excess < 0.5)], *GREENNESS)
    ground = lit & (bright > 0.5 * middle) & (excess < green)
    white = _white_gains(shares, bright, ground=ground)
    warmth = _warmth(shares * white)
    ground &= warmth < 0.5
    sealed = _end_of_neutral(warmth[ground & (bright > middle)], *SEALED_WARMTH)
    pale = float(np.quantile(bright[ground], 0.75)) if ground.any() else 2 * middle
    return Tone(white, pale, green, _bare_limit(excess[lit], green), sealed,
                _parting(warmth[ground], *SOIL_WARMTH))


def _warmth(light: Image) -> Image:
    """Red minus blue share of light, shape (n, 3), as shape (n,)."""
    return np.asarray((light[:, 0] - light[:, 2]) / np.maximum(light.sum(1), 1e-4))


def _bare_limit(excess: NDArray[np.float32], green: float) -> float:
    """Excess green up to which at most `BARE_COVER` of a cell are leaves.

    Cover is linear between that of soil and that of full plants (Gutman and Ignatov 1998,
    doi:10.1080/014311698215333, here with excess green for NDVI).
    """
    plants, soil = excess[excess > green], excess[excess <= green]
    if len(plants) < 0.01 * len(excess) or not len(soil):
        return green
    low, high = float(np.median(soil[soil <= np.median(soil)])), float(np.quantile(plants, 0.75))
    return min(green, low + BARE_COVER * (high - low))


def _white_gains(shares: Image, bright: Image, *, ground: Mask) -> NDArray[np.float32]:
    """Gains that take a blue cast off; ones where the brightest things are not bluish.

    Bright things are grey, white or pale brown, seldom pale blue: blue there is the camera's,
    unless the `ground` would turn redder than soil is. Steel pipes under a blue sky are such
    things. A warm cast is left alone, since it may well be pale dust.
    """
    pale = np.abs(shares - 1 / 3).max(1) < 0.12
    top = pale & (bright >= np.quantile(bright, 0.985))
    if top.sum() < 50:
        return np.ones(3, np.float32)
    patch = np.median(shares[top], axis=0)
    if patch[2] <= patch[0]:
        return np.ones(3, np.float32)
    gains = np.asarray((1 / 3) / patch, dtype=np.float32)
    for power in (1.0, 0.75, 0.5, 0.25):
        tried = gains**power
        if not ground.any() or np.quantile(_warmth(shares[ground] * tried), 0.75) < WARMEST:
            return np.asarray(tried, dtype=np.float32)
    return np.ones(3, np.float32)


def _parting(values: NDArray[np.float32], low: float, high: float) -> float:
    """Value between `low` and `high` where a histogram is lowest; its best split without a dip."""
    if len(values) < 100:
        return (low + high) / 2
    step = (high - low) / 20
    edges = np.arange(low - 8 * step, high + 9 * step, step)
    counts = ndimage.gaussian_filter1d(np.histogram(values, edges)[0].astype(float), 1.5)
    centres = (edges[1:] + edges[:-1]) / 2
    inside = np.flatnonzero((centres >= low) & (centres <= high))
    gap = inside[counts[inside] <= counts[inside].min() + 0.01 * counts.max()]
    lowest = int(gap[len(gap) // 2])
    if lowest in (inside[0], inside[-1]):
        return otsu(values, low, high)
    return float(centres[lowest])


def _end_of_neutral(warmth: NDArray[np.float32], low: float, high: float) -> float:
    """Warmth at which clean pavement ends, between `low` and `high`.

    Dust lies on the warm shoulder of the pavement's peak, without a dip between them; the cold
    side of the peak shows how wide the peak itself is.
    """
    edges = np.arange(-0.1, 0.25, 0.004)
    centres = (edges[1:] + edges[:-1]) / 2
    counts = ndimage.gaussian_filter1d(np.histogram(warmth, edges)[0].astype(float), 1.5)
    inside = (centres > -0.03) & (centres < high - 0.015)
    peak = int(np.flatnonzero(inside)[np.argmax(counts[inside])])
    if counts[peak] < 50 or counts[peak] < counts[min(peak + 1, len(counts) - 1)]:
        return (low + high) / 2
    cold = np.flatnonzero(counts[:peak] < 0.6065 * counts[peak])
    sigma = centres[peak] - centres[cold[-1]] if len(cold) else 0.02
    return float(np.clip(centres[peak] + sigma, low, high))


def otsu(values: NDArray[np.float32], low: float, high: float) -> float:
    """Threshold that parts values best in two (Otsu 1979), sought between `low` and `high`."""
    if len(values) < 100:
        return (low + high) / 2
    counts, edges = np.histogram(values, 256)
    centres = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums[-1] - sums) / above
        between = np.nan_to_num(below * above * gap**2)
    inside = (centres >= low) & (centres <= high)
    if not inside.any():
        return (low + high) / 2
    best = between[inside] >= 0.999 * between[inside].max()
    return float(centres[inside][best].mean())


def find_cues(rgb: NDArray[np.uint8], seen: Mask, *, tone: Tone, cell: float) -> Cues:
    """Cues of a window: `rgb` of shape (ny, nx, 3), bytes, `seen` of shape (ny, nx)."""
    light = linear(rgb)
    brightness = light.mean(axis=2)
    log = np.log(brightness / tone.pale + 0.015)
    sigma = max(0.5, 0.35 / cell)
    mean = blur(log, sigma)
    grain = np.sqrt(np.maximum(blur(log * log, sigma) - mean**2, 0))
    soft = blur(light, max(0.4, 0.2 / cell))
    total = np.maximum(soft.sum(axis=2), 1e-4)
    balanced = soft * tone.white
    return Cues(
        bright=soft.mean(axis=2) / tone.pale,
        green=3 * soft[..., 1] / total - 1,
        warm=(balanced[..., 0] - balanced[..., 2]) / np.maximum(balanced.sum(axis=2), 1e-4),
        blue=soft[..., 2] / total,
        red=soft[..., 0] / total,
        grain=grain,
        seen=seen,
    )


def map_plants(site: SiteMap, grid: Grid, *, tone: Tone) -> Mask:
    """Cells with leaves, shape of `grid`, tile by tile; specks are taken out."""
    plants = np.zeros(grid.shape, bool)
    for rows, columns, *inner in grid.tiles(TILE, halo=round(HALO_M / grid.cell)):
        rgb, seen = site.ortho(grid.sub(rows, columns))
        cues = find_cues(rgb, seen, tone=tone, cell=grid.cell)
        leaf = seen & (cues.green > tone.green) & (cues.blue <= cues.red + 0.02)
        soft = cv2.blur(leaf.astype(np.float32), (5, 5)) > 0.5
        plants[rows, columns][tuple(inner)] = soft[tuple(inner)]
    return plants
