"""The orthomosaic: each place from the photo that sees it best, seams and exposures blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.mapping.exposure import Exposure
from kilnsight.mapping.footprint import footprint
from kilnsight.mapping.grid import Grid
from kilnsight.mapping.sightline import hidden, project_cells
from kilnsight.photos.camera import View
from kilnsight.workers import run

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Progress = Callable[[float], None]

LABEL_M = 0.5
"""Cells of the plan that says which photo is used where; at least this wide, metres."""
EDGE_PX = 8
"""Margin of a photo that is not used."""
TILE = 1024
"""Cells along a side of the tiles in which the mosaic is painted."""
NARROW_PX = 3.0
"""Blur of the seams for detail: wide enough to hide a step, too narrow to double an edge."""
WIDE_PX = 36.0
"""Blur of the seams for brightness and colour."""
TONE_LIMIT = 1.12
"""Factor by which a photo's tone may be changed towards that of its neighbours."""
HALO = 108
"""Cells around a tile that its blends need: three times the wide blur."""
MAX_VIEWS = 14
"""Photos used in one tile at most."""


@dataclass(frozen=True)
class Plan:
    """Which view is used where: `labels`, (ny, nx) int16 on `grid`, -1 where none sees it."""

    grid: Grid
    labels: NDArray[np.int16]


@dataclass(frozen=True)
class Surface:
    """Heights without holes, (ny, nx) metres on `grid`, from which pictures are projected."""

    grid: Grid
    heights: Floats


def plan_views(views: Sequence[View], surface: Surface, *, workers: int) -> Plan:
    """Choose the view for each part of the ground: nearest to straight down, not hidden."""
    step = max(1, round(LABEL_M / surface.grid.cell))
    coarse = _coarsen(surface, step)
    tasks = [_look(i, view, coarse) for i, view in enumerate(views)]
    best = np.full(coarse.grid.shape, np.inf, np.float32)
    labels = np.full(coarse.grid.shape, -1, np.int16)
    costs: list[tuple[int, slice, slice, Floats]] = []
    for look, (rows, columns, cost) in run(_cost, tasks, workers=workers):
        costs.append((look.index, rows, columns, cost))
    for index, rows, columns, cost in sorted(costs, key=lambda c: c[0]):
        better = cost < best[rows, columns]
        best[rows, columns][better] = cost[better]
        labels[rows, columns][better] = index
    return Plan(coarse.grid, _smooth_labels(labels, costs))


def _coarsen(surface: Surface, step: int) -> Surface:
    """Surface with cells `step` times as wide, highest point of each."""
    g = surface.grid
    ny, nx = -(-g.ny // step), -(-g.nx // step)
    padded = np.pad(surface.heights, ((0, ny * step - g.ny), (0, nx * step - g.nx)), mode="edge")
    heights = padded.reshape(ny, step, nx, step).max(axis=(1, 3))
    return Surface(Grid(g.west, g.north, g.cell * step, ny, nx), heights)


@dataclass(frozen=True)
class _Look:
    """A view and the part of the plan, at `top`, `left`, that it may see."""

    index: int
    view: View
    top: int
    left: int
    surface: Surface


def _look(index: int, view: View, surface: Surface) -> _Look:
    """A view with the part of the surface between itself and the end of its footprint."""
    ring = footprint(view, float(surface.heights.min()))
    places = np.vstack([ring, view.pose.centre[:2]])
    low, high = places.min(axis=0), places.max(axis=0)
    # The sides of the footprint bulge a little, by the lens's distortion.
    margin = 0.05 * (high - low) + 2 * surface.grid.cell
    rows, columns = surface.grid.part((*(low - margin), *(high + margin)))
    part = Surface(surface.grid.sub(rows, columns), surface.heights[rows, columns])
    return _Look(index, view, rows.start, columns.start, part)


def _cost(look: _Look) -> tuple[slice, slice, Floats]:
    """Window of the plan that a view sees, and its cost there; infinite where it sees nothing."""
    view, surface, grid = look.view, look.surface, look.surface.grid
    u, v = project_cells(view, grid, surface.heights)
    camera = view.camera
    with np.errstate(invalid="ignore"):
        inside = ((u > EDGE_PX) & (v > EDGE_PX)
                  & (u < camera.width - 1 - EDGE_PX) & (v < camera.height - 1 - EDGE_PX))
    if not inside.any():
        return slice(0, 0), slice(0, 0), np.empty((0, 0), np.float32)
    r, c = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    rows, columns = slice(int(r[0]), int(r[-1]) + 1), slice(int(c[0]), int(c[-1]) + 1)
    window, heights = grid.sub(rows, columns), surface.heights[rows, columns]
    x, y = window.centres()
    reach = np.hypot(x[None, :] - view.pose.centre[0], y[:, None] - view.pose.centre[1])
    above = np.maximum(view.pose.centre[2] - heights, 1.0)
    radius2 = (((u[rows, columns] - camera.cx) ** 2 + (v[rows, columns] - camera.cy) ** 2)
               / (camera.width**2 + camera.height**2) * 4)
    cost = reach / above + 0.3 * radius2
    behind = hidden(view, window, heights, surface.heights, grid, top_m=float(heights.max()))
    cost[behind] += 1.5
    cost[~inside[rows, columns]] = np.inf
    rows = slice(rows.start + look.top, rows.stop + look.top)
    columns = slice(columns.start + look.left, columns.stop + look.left)
    return rows, columns, cost.astype(np.float32)


def _smooth_labels(
    labels: NDArray[np.int16], costs: list[tuple[int, slice, slice, Floats]]
) -> NDArray[np.int16]:
    """Labels without specks: each cell takes the view that its neighbourhood prefers."""
    best = np.full(labels.shape, -np.inf, np.float32)
    smooth = labels.copy()
    for index, rows, columns, cost in sorted(costs, key=lambda c: c[0]):
        if not cost.size:
            continue
        share = cv2.GaussianBlur((labels[rows, columns] == index).astype(np.float32), (0, 0), 2.0)
        share[~np.isfinite(cost)] = -np.inf
        share -= 0.02 * np.nan_to_num(cost, posinf=0)
        better = share > best[rows, columns]
        best[rows, columns][better] = share[better]
        smooth[rows, columns][better] = index
    return smooth


@dataclass(frozen=True)
class _Job:
    """What a worker needs to paint any tile."""

    views: tuple[View, ...]
    paths: dict[str, Path]
    exposure: Exposure
    grid: Grid


@dataclass(frozen=True)
class _Tile:
    """A tile with halo to paint, the surface and the labels under it."""

    rows: slice
    columns: slice
    inner: tuple[slice, slice]
    surface: Surface
    labels: NDArray[np.int16]


def paint(
    views: Sequence[View], paths: dict[str, Path], *, surface: Surface, seen: Bools, plan: Plan,
    exposure: Exposure, cell: float, workers: int, progress: Progress | None = None,
) -> Iterator[tuple[Grid, slice, slice, NDArray[np.uint8]]]:
    """Tiles of the mosaic as they are ready: its grid, rows, columns, RGBA (4, ny, nx).

    `seen`, on the surface's grid, says where the ground was seen; elsewhere alpha is 0.
    """
    grid = Grid.cover(surface.grid.bounds, cell=cell)
    job = partial(_paint, _Job(tuple(views), paths, exposure, grid))
    tiles = _Tiles(grid, surface, seen, plan)
    for count, (tile, picture) in enumerate(run(job, tiles, workers=workers), start=1):
        top, left = tile.rows.start + tile.inner[0].start, tile.columns.start + tile.inner[1].start
        height, width = picture.shape[1:]
        if progress:
            progress(count / len(tiles))
        yield grid, slice(top, top + height), slice(left, left + width), picture


class _Tiles(Sequence[_Tile]):
    """Tiles in which something was seen, each made when asked for: all of them fill the memory."""

    def __init__(self, grid: Grid, surface: Surface, seen: Bools, plan: Plan) -> None:
        self.grid, self.surface, self.seen, self.plan = grid, surface, seen, plan
        self.windows = [
            w for w in grid.tiles(TILE, halo=HALO) if seen[self._part(grid.sub(*w[:2]))].any()
        ]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: Any) -> Any:
        rows, columns, *inner = self.windows[index]
        window = self.grid.sub(rows, columns)
        part = self._part(window)
        below = Surface(self.surface.grid.sub(*part), self.surface.heights[part])
        seen = np.where(self.seen[part], np.float32(1), np.float32(0))
        labels = np.where(_resize(seen, below.grid, window, nearest=True) > 0.5,
                          _labels(self.plan, window), -1).astype(np.int16)
        return _Tile(rows, columns, (inner[0], inner[1]), below, labels)

    def _part(self, window: Grid) -> tuple[slice, slice]:
        """Part of the surface under a window, with a margin."""
        west, south, east, north = window.bounds
        margin = 4 * self.surface.grid.cell
        return self.surface.grid.part((west - margin, south - margin, east + margin,
                                       north + margin))


def _labels(plan: Plan, window: Grid) -> NDArray[np.int16]:
    """Labels of the plan at the cells of a window."""
    x, y = window.centres()
    rows = np.clip(((plan.grid.north - y) / plan.grid.cell).astype(int), 0, plan.grid.ny - 1)
    columns = np.clip(((x - plan.grid.west) / plan.grid.cell).astype(int), 0, plan.grid.nx - 1)
    return plan.labels[np.ix_(rows, columns)]


def _resize(values: Floats, source: Grid, target: Grid, *, nearest: bool = False) -> Floats:
    """Values of one grid at the cells of another within it."""
    x, y = target.centres()
    columns = ((x - source.west) / source.cell - 0.5).astype(np.float32)
    rows = ((source.north - y) / source.cell - 0.5).astype(np.float32)
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    map_x = np.broadcast_to(columns, target.shape)
    map_y = np.broadcast_to(rows[:, None], target.shape)
    return np.asarray(cv2.remap(
        values, np.ascontiguousarray(map_x), np.ascontiguousarray(map_y), how,
        borderMode=cv2.BORDER_REPLICATE,
    ), dtype=np.float32)


@lru_cache(maxsize=8)
def _picture(path: Path) -> NDArray[np.uint8]:
    """Photo in RGB."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        raise InputError(
            _("This photo could not be decoded."), file=path,
            remedy=_("Copy it again from the card, or take it out of the folder."),
        )
    return np.ascontiguousarray(picture[:, :, ::-1], dtype=np.uint8)


def _paint(job: _Job, tile: _Tile) -> NDArray[np.uint8]:
    """RGBA of the inner part of a tile, shape (4, ny, nx)."""
    window = job.grid.sub(tile.rows, tile.columns)
    heights = _resize(tile.surface.heights, tile.surface.grid, window)
    used, counts = np.unique(tile.labels[tile.labels >= 0], return_counts=True)
    order = used[np.argsort(-counts)][:MAX_VIEWS]
    layers = [_layer(job, int(i), window, heights, tile) for i in order]
    labels = _assign(tile.labels, order, layers)
    colour = _blend(layers, labels)
    alpha = np.where(labels >= 0, 255, 0).astype(np.uint8)
    rgba = np.concatenate([np.clip(colour, 0, 255).astype(np.uint8), alpha[:, :, None]], axis=2)
    rgba[alpha == 0] = 0
    return np.ascontiguousarray(rgba[tile.inner].transpose(2, 0, 1))


@dataclass(frozen=True)
class _Layer:
    """One view over a tile: colour (ny, nx, 3), whether it is in the picture, and not hidden."""

    colour: Floats
    inside: Bools
    clear: Bools


def _layer(job: _Job, index: int, window: Grid, heights: Floats, tile: _Tile) -> _Layer:
    """One view turned onto the ground, with its exposure corrected."""
    view = job.views[index]
    camera = view.camera
    u, v = project_cells(view, window, heights)
    with np.errstate(invalid="ignore"):
        inside = (u > 1) & (v > 1) & (u < camera.width - 2) & (v < camera.height - 2)
    warped = cv2.remap(_picture(job.paths[view.name]), u, v, cv2.INTER_LINEAR,
                       borderMode=cv2.BORDER_REPLICATE)
    w, h = camera.width, camera.height
    r2 = ((u - (w - 1) / 2) ** 2 + (v - (h - 1) / 2) ** 2) / ((w * w + h * h) / 4)
    gain = np.exp(job.exposure.falloff * np.nan_to_num(np.minimum(r2, 1.0)))[:, :, None]
    colour = warped.astype(np.float32) * (gain * job.exposure.gains[index]).astype(np.float32)
    colour[~inside] = 0
    s = tile.surface
    behind = hidden(view, s.grid, s.heights, s.heights, s.grid, top_m=float(s.heights.max()))
    veil = _resize(behind.astype(np.float32), s.grid, window, nearest=True) > 0.5
    return _Layer(colour, inside, inside & ~veil)


def _assign(
    labels: NDArray[np.int16], order: NDArray[np.int16], layers: Sequence[_Layer]
) -> NDArray[np.int16]:
    """Layer of each cell: that of its label, or the next one that sees what it does not."""
    assigned = np.full(labels.shape, -1, np.int16)
    for k, (index, layer) in enumerate(zip(order, layers, strict=True)):
        assigned[(labels == index) & layer.clear] = k
    for wanted in ("clear", "inside"):
        for k, layer in enumerate(layers):
            assigned[(labels >= 0) & (assigned < 0) & getattr(layer, wanted)] = k
    return assigned


def _blend(layers: Sequence[_Layer], labels: NDArray[np.int16]) -> Floats:
    """Two-band blend (after Burt and Adelson 1983): detail over a narrow seam, tone over a wide.

    Returns colours, shape (ny, nx, 3). Tones differ by exposure and haze, a little; larger
    differences come from tall things that lean each their own way and are not blended.
    """
    shape = (*labels.shape, 3)
    lows, narrows = [], []
    tone, tone_weight = np.zeros(shape, np.float32), np.full(labels.shape, 1e-6, np.float32)
    for k, layer in enumerate(layers):
        mine = (labels == k).astype(np.float32)
        inside = layer.inside.astype(np.float32)
        low = _blur(layer.colour, WIDE_PX) / np.maximum(_blur(inside, WIDE_PX), 1e-3)[:, :, None]
        wide = _blur(mine, WIDE_PX) * inside
        lows.append(low)
        narrows.append(cv2.GaussianBlur(mine, (0, 0), NARROW_PX) * inside)
        tone += low * wide[:, :, None]
        tone_weight += wide
    tone /= tone_weight[:, :, None]
    colour, weight = np.zeros(shape, np.float32), np.full(labels.shape, 1e-6, np.float32)
    for layer, low, narrow in zip(layers, lows, narrows, strict=True):
        ratio = np.clip(tone / np.maximum(low, 1.0), 1 / TONE_LIMIT, TONE_LIMIT)
        colour += layer.colour * ratio * narrow[:, :, None]
        weight += narrow
    return np.asarray(colour / weight[:, :, None])


def _blur(values: Floats, sigma: float) -> Floats:
    """Wide Gaussian blur, computed on a reduced picture."""
    factor = 6
    size = (max(1, values.shape[1] // factor), max(1, values.shape[0] // factor))
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
    back = cv2.resize(small, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(back, dtype=np.float32)
