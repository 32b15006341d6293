"""The ground of a scene as grids: heights, piles, and what each spot is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.simulate import painting
from kilnsight.simulate.materials import BULK, NET_BLACK, NET_GREEN, TARP
from kilnsight.simulate.piles import PileMeasures, cover_mask, pile_height, reach
from kilnsight.simulate.scene import Bounds, Pile, Scene
from kilnsight.simulate.terrain import bare_height, micro_relief

MESH_M = 0.25
"""Cell of the height grid."""
PAINT_M = 0.1
"""Cell of the rasters of materials."""
_COVERS = {"green": NET_GREEN, "black": NET_BLACK, "tarp": TARP}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """Grids over `bounds`; row 0 is the south edge, values of heights sit on cell corners.

    `base` and `surface` are heights in metres without and with piles, `owner` the index of the
    pile at each corner or -1; `layers` are the rasters of `PAINT_M`.
    """

    bounds: Bounds
    base: Array
    surface: Array
    owner: NDArray[np.int16]
    layers: painting.Layers
    measures: dict[str, PileMeasures]
    pile_area: NDArray[np.int16]
    """Index of the pile at each cell of `PAINT_M`, or -1."""

    def height(self, x: Array, y: Array) -> Array:
        """Height of the surface at scene points, by the nearest corner, metres."""
        rows = np.clip(np.rint((y - self.bounds.south) / MESH_M), 0, self.base.shape[0] - 1)
        columns = np.clip(np.rint((x - self.bounds.west) / MESH_M), 0, self.base.shape[1] - 1)
        return np.asarray(self.surface[rows.astype(int), columns.astype(int)])

    def corners(self) -> Array:
        """Corners of the surface, shape (ny, nx, 3)."""
        x, y = corner_axes(self.bounds, MESH_M)
        xx, yy = np.meshgrid(x, y)
        return np.stack([xx, yy, self.surface], axis=-1)


def corner_axes(bounds: Bounds, cell: float) -> tuple[Any, Any]:
    """Eastings and northings of cell corners."""
    rows, columns = bounds.shape(cell)
    return bounds.west + cell * np.arange(columns + 1), bounds.south + cell * np.arange(rows + 1)


def lay_ground(scene: Scene, *, margin: float = 40.0) -> Ground:
    """Ground of a scene, `margin` metres beyond what is flown over."""
    bounds = scene.bounds.grown(margin)
    x, y = np.meshgrid(*corner_axes(bounds, MESH_M))
    base = bare_height(x, y, scene)
    above, owner = _heap(scene, bounds, x, y)
    # piles stand on the smooth ground, so that volumes have an exact base
    layers = painting.paint(scene, bounds, cell=PAINT_M, base=base, mesh=MESH_M)
    relief = painting.relief(layers.material[:: 2, :: 2], base.shape)
    fine, coarse = micro_relief(x, y)
    surface = base + above + np.where(above > 0, 0, relief * (0.6 * fine + 0.4 * coarse))
    area = np.full(layers.material.shape, -1, dtype=np.int16)
    measures = {
        pile.id: _dress(pile, n, bounds, above=above, owner=owner, layers=layers, area=area)
        for n, pile in enumerate(scene.piles)
    }
    return Ground(bounds, base, surface, owner, layers, measures, area)


def _heap(
    scene: Scene, bounds: Bounds, x: Array, y: Array
) -> tuple[Array, NDArray[np.int16]]:
    above, owner = np.zeros(x.shape), np.full(x.shape, -1, dtype=np.int16)
    for n, pile in enumerate(scene.piles):
        window = pile_window(pile, bounds, MESH_M, x.shape)
        height = pile_height(pile, x[window], y[window])
        higher = height > above[window]
        above[window][higher] = height[higher]
        owner[window][higher] = n
    return above, owner


def pile_window(
    pile: Pile, bounds: Bounds, cell: float, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """Rows and columns of a raster around a pile."""
    rx, ry = reach(pile)
    rows = np.clip([(pile.y + s * ry - bounds.south) / cell for s in (-1, 1)], 0, shape[0])
    columns = np.clip([(pile.x + s * rx - bounds.west) / cell for s in (-1, 1)], 0, shape[1])
    return slice(*rows.astype(int)), slice(*columns.astype(int))


def sample_corners(grid: Array, mesh: float, rows: slice, columns: slice, cell: float) -> Array:
    """Corner values, linearly, at the middles of the cells of a finer raster's window."""
    x = (np.arange(columns.start, columns.stop) + 0.5) * cell / mesh
    y = (np.arange(rows.start, rows.stop) + 0.5) * cell / mesh
    xx, yy = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    top, left = int(y[0]), int(x[0])
    part = grid[top : int(y[-1]) + 2, left : int(x[-1]) + 2].astype(np.float32)
    return np.asarray(cv2.remap(part, xx - left, yy - top, cv2.INTER_LINEAR), dtype=float)


def _dress(
    pile: Pile, number: int, bounds: Bounds, *, above: Array, owner: NDArray[np.int16],
    layers: painting.Layers, area: NDArray[np.int16],
) -> PileMeasures:
    rows, columns = pile_window(pile, bounds, PAINT_M, area.shape)
    if rows.stop - rows.start < 2 or columns.stop - columns.start < 2:
        return PileMeasures(0, 0, 0, 0, 0, 0)
    own = np.where(owner == number, above, 0.0)
    height = sample_corners(own, MESH_M, rows, columns, PAINT_M)
    on = height > 0.02
    sy, sx = np.gradient(height, PAINT_M)
    weight = np.where(on, np.sqrt(1 + sx**2 + sy**2), 0) * PAINT_M**2
    x = bounds.west + (np.arange(columns.start, columns.stop) + 0.5) * PAINT_M
    y = bounds.south + (np.arange(rows.start, rows.stop) + 0.5) * PAINT_M
    xx, yy = np.meshgrid(x, y)
    covered = cover_mask(pile, xx, yy, height=np.where(on, height, 0), weight=weight)
    area[rows, columns][on] = number
    _colour(pile, layers, rows, columns, on=on, covered=covered)
    surface = float(weight.sum())
    return PileMeasures(
        area_m2=float(on.sum()) * PAINT_M**2, volume_m3=float(own.sum()) * MESH_M**2,
        height_m=float(own.max()), surface_m2=surface,
        exposed_m2=float((on & ~covered).sum()) * PAINT_M**2,
        cover_fraction=float(weight[covered].sum()) / surface if surface else 0.0,
    )


def _colour(
    pile: Pile, layers: painting.Layers, rows: slice, columns: slice, *,
    on: NDArray[np.bool_], covered: NDArray[np.bool_],
) -> None:
    window = layers.material[rows, columns]
    window[on] = BULK[pile.material]
    if covered.any():
        spread = cv2.dilate(covered.astype(np.uint8), np.ones((11, 11), np.uint8)) > 0
        window[spread & ~(on & ~covered)] = _COVERS[pile.cover.kind]
