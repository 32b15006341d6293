"""The grid as geometry: where the cells of an array lie on the map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

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
    def transform(self) -> Affine:
        """Affine transform from (column, row) corners to map coordinates."""
        return Affine(self.cell, 0, self.west, 0, -self.cell, self.north)

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
        columns = np.arange(self.nx, dtype=np.float64) + 0.5
        rows = np.arange(self.ny, dtype=np.float64) + 0.5
        return self.west + columns * self.cell, self.north - rows * self.cell

    def part(self, bounds: Bounds) -> tuple[slice, slice]:
        """Rows and columns of the cells that touch `bounds`, cut to the grid."""
        west, south, east, north = bounds
        r0, r1 = (self.north - north) / self.cell, (self.north - south) / self.cell
        c0, c1 = (west - self.west) / self.cell, (east - self.west) / self.cell
        return (
            slice(_within(math.floor(r0), self.ny), _within(math.ceil(r1), self.ny)),
            slice(_within(math.floor(c0), self.nx), _within(math.ceil(c1), self.nx)),
        )

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


def _within(index: int, count: int) -> int:
    """Index cut to 0..count."""
    return min(max(index, 0), count)
