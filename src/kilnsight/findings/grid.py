"""Cells and outlines: polygons burnt into a grid and back, arrays read on another grid."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features
from shapely.geometry import MultiPolygon, Polygon, shape

from kilnsight.mapping.grid import Grid


def burn(grid: Grid, geometry: Any) -> NDArray[np.bool_]:
    """Cells of a grid whose centre lies in a shapely geometry, shape (ny, nx)."""
    if geometry.is_empty:
        return np.zeros(grid.shape, bool)
    burnt = features.rasterize([(geometry, 1)], grid.shape, transform=grid.transform)
    return np.asarray(burnt, dtype=bool)


def polygons(grid: Grid, mask: NDArray[np.bool_]) -> list[Polygon]:
    """Outlines of the 4-connected parts of a mask, shape (ny, nx), along cell edges."""
    shapes = features.shapes(mask.astype(np.uint8), mask=mask, transform=grid.transform)
    return [shape(geometry) for geometry, _ in shapes]


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
