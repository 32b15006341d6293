"""The grid as geometry: where the cells of an array lie on the map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.transform import from_origin
from shapely.geometry import MultiPolygon, Polygon, shape

Bounds = tuple[float, float, float, float]
"""West, south, east, north in map coordinates, metres."""


@dataclass(frozen=True)
class Grid:
    """Square cells on the map: `west`, `north` is the outer corner of cell (row 0, column 0)."""

    west: float
    north: float
    cell: float
    ny: int
    nx: int

    @classmethod
    def cover(cls, bounds: Bounds, *, cell: float) -> Grid:
        """Grid with cells of `cell` metres that covers `bounds`, corners at multiples of `cell`."""
        west, south, east, north = bounds
        left, top = math.floor(west / cell + 1e-6), math.ceil(north / cell - 1e-6)
        right, bottom = math.ceil(east / cell - 1e-6), math.floor(south / cell + 1e-6)
        return cls(left * cell, top * cell, cell, max(1, top - bottom), max(1, right - left))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (ny, nx)."""
        return self.ny, self.nx

    @property
    def transform(self) -> Any:
        """Affine transform (of rasterio) from (column, row) corners to map coordinates."""
        return from_origin(self.west, self.north, self.cell, self.cell)

    @property
    def bounds(self) -> Bounds:
        """Outer bounds of all cells."""
        return (
            self.west, self.north - self.ny * self.cell,
            self.west + self.nx * self.cell, self.north,
        )

    def indices(self, xy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional rows and columns of map points, shape (n, 2); whole numbers are centres."""
        return (self.north - xy[:, 1]) / self.cell - 0.5, (xy[:, 0] - self.west) / self.cell - 0.5

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Eastings, shape (nx,), and northings, shape (ny,), of the cells' centres."""
        return (
            self.west + (np.arange(self.nx, dtype=float) + 0.5) * self.cell,
            self.north - (np.arange(self.ny, dtype=float) + 0.5) * self.cell,
        )

    def part(self, bounds: Bounds) -> tuple[slice, slice]:
        """Rows and columns of the cells that touch `bounds`, cut to the grid."""
        west, south, east, north = bounds
        r0, r1 = (self.north - north) / self.cell, (self.north - south) / self.cell
        c0, c1 = (west - self.west) / self.cell, (east - self.west) / self.cell
        return _touched(r0, r1, self.ny), _touched(c0, c1, self.nx)

    def sub(self, rows: slice, columns: slice) -> Grid:
        """Grid of a part of the rows and columns."""
        return Grid(
            self.west + columns.start * self.cell, self.north - rows.start * self.cell,
            self.cell, rows.stop - rows.start, columns.stop - columns.start,
        )

    def tiles(self, size: int, *, halo: int) -> list[tuple[slice, slice, slice, slice]]:
        """Tiles of `size` cells: rows and columns with halo, then the inner part within them."""
        tiles = []
        for r in range(0, self.ny, size):
            for c in range(0, self.nx, size):
                r0, c0 = max(0, r - halo), max(0, c - halo)
                r1, c1 = min(self.ny, r + size + halo), min(self.nx, c + size + halo)
                inner = (slice(r - r0, min(r + size, self.ny) - r0),
                         slice(c - c0, min(c + size, self.nx) - c0))
                tiles.append((slice(r0, r1), slice(c0, c1), *inner))
        return tiles

    def burn(self, geometry: Any) -> NDArray[np.bool_]:
        """Cells whose centre lies in a shapely geometry, shape (ny, nx)."""
        if geometry.is_empty:
            return np.zeros(self.shape, bool)
        burnt = features.rasterize([(geometry, 1)], self.shape, transform=self.transform)
        return np.asarray(burnt, dtype=bool)

    def polygons(self, mask: NDArray[np.bool_]) -> list[Polygon]:
        """Outlines of the 4-connected parts of a mask, shape (ny, nx), along cell edges."""
        shapes = features.shapes(mask.astype(np.uint8), mask=mask, transform=self.transform)
        return [shape(geometry) for geometry, _ in shapes]


def _touched(first: float, last: float, count: int) -> slice:
    """Whole cells between two fractional places, cut to 0 and `count`."""
    low, high = math.floor(first), math.ceil(last)
    return slice(min(max(low, 0), count), min(max(high, 0), count))


def smooth_outline(polygon: Polygon, *, cell: float) -> Polygon:
    """Outline without the stairs of its cells: area kept, simplified to half a cell.

    Corner cutting through the midpoints of the cell edges takes the stairs; holes are kept.
    """
    def ring(coordinates: Any) -> NDArray[np.float64]:
        points = np.asarray(shapely.segmentize(shapely.LinearRing(coordinates), cell).coords)[:-1]
        kernel = np.ones(5) / 5
        padded = np.vstack([points[-2:], points, points[:2]])
        return np.column_stack([np.convolve(padded[:, i], kernel, "valid") for i in range(2)])

    smooth = Polygon(ring(polygon.exterior.coords), [ring(h.coords) for h in polygon.interiors])
    simple = shapely.make_valid(smooth).simplify(cell / 2)
    return largest_part(simple if not simple.is_empty else polygon)


def largest_part(geometry: Any) -> Polygon:
    """The largest polygon of a valid geometry; an empty polygon where there is none."""
    geometry = shapely.make_valid(geometry)
    parts = [p for p in getattr(geometry, "geoms", [geometry])]
    flat = [q for p in parts for q in (p.geoms if isinstance(p, MultiPolygon) else [p])]
    return max((p for p in flat if isinstance(p, Polygon)), key=lambda p: p.area, default=Polygon())


def resample(values: NDArray[Any], *, source: Grid, target: Grid, order: int = 1) -> NDArray[Any]:
    """Values on `source` read at the centres of `target`: nearest (0) or bilinear (1).

    Outside the source the nearest cell's value is taken.
    """
    x, y = target.centres()
    columns = ((x - source.west) / source.cell - 0.5).astype(np.float32)
    rows = ((source.north - y) / source.cell - 0.5).astype(np.float32)
    if order == 0:
        ri = np.clip(np.rint(rows).astype(int), 0, source.ny - 1)
        ci = np.clip(np.rint(columns).astype(int), 0, source.nx - 1)
        return values[np.ix_(ri, ci)]
    return _bilinear(np.asarray(values), rows, columns)


def _bilinear(
    values: NDArray[Any], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[Any]:
    """Separable bilinear read of an array at rows x columns."""
    def split(at: NDArray[np.float32], n: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        at = np.clip(at, 0, n - 1)
        low = np.minimum(np.floor(at).astype(int), max(n - 2, 0))
        return low, np.minimum(low + 1, n - 1), (at - low).astype(values.dtype)

    r0, r1, fr = split(rows, values.shape[0])
    c0, c1, fc = split(columns, values.shape[1])
    along = values[r0] * (1 - fr)[:, None] + values[r1] * fr[:, None]
    return np.asarray(along[:, c0] * (1 - fc) + along[:, c1] * fc)


def disk(radius: float, *, cell: float) -> NDArray[np.uint8]:
    """Round structuring element with a radius in metres, at least one cell."""
    n = max(1, round(radius / cell))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * n + 1, 2 * n + 1)))


def blur(values: NDArray[np.float32], sigma_cells: float) -> NDArray[np.float32]:
    """Gaussian mean of values, shape (ny, nx), with a standard deviation in cells."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma_cells), dtype=np.float32)


def grow(mask: NDArray[np.bool_], radius: float, *, cell: float) -> NDArray[np.bool_]:
    """Mask, shape (ny, nx), grown by a radius in metres."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disk(radius, cell=cell)) > 0)
