"""What a camera sees of the surface: projection of map cells into a photo and hidden cells."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from kilnsight.mapping.grid import Grid
from kilnsight.photos.camera import View

Floats = NDArray[np.float32]

HIDDEN_M = 0.35
"""A surface must rise this far above the line of sight to hide what is behind it."""


def project_cells(view: View, grid: Grid, heights: Floats) -> tuple[Floats, Floats]:
    """Pixels u and v of a photo for each cell of a grid, each (ny, nx), NaN behind the camera.

    `heights`, (ny, nx), are metres; the lens's distortion is applied.
    """
    x, y = grid.centres()
    camera = view.camera
    lens = np.array([camera.fx, camera.fy, camera.cx, camera.cy,
                     camera.k1, camera.k2, camera.p1, camera.p2, camera.k3])
    limit = 1.2 * np.hypot(camera.width / camera.fx, camera.height / camera.fy) / 2
    limit = min(limit, camera.fold_radius)
    u, v = _project(
        x - view.pose.centre[0], y - view.pose.centre[1],
        heights, view.pose.centre[2], np.ascontiguousarray(view.pose.rotation), lens, limit,
    )
    return u, v


@numba.njit(cache=True, nogil=True)
def _project(
    x: NDArray[np.float64], y: NDArray[np.float64], heights: Floats, height0: float,
    rotation: NDArray[np.float64], lens: NDArray[np.float64], limit: float,
) -> tuple[Floats, Floats]:  # pragma: no cover - compiled
    """Brown-Conrady projection of a grid of points."""
    ny, nx = heights.shape
    u = np.full((ny, nx), np.nan, np.float32)
    v = np.full((ny, nx), np.nan, np.float32)
    fx, fy, cx, cy, k1, k2, p1, p2, k3 = lens
    for r in range(ny):
        for c in range(nx):
            dx, dy, dz = x[c], y[r], heights[r, c] - height0
            depth = rotation[2, 0] * dx + rotation[2, 1] * dy + rotation[2, 2] * dz
            if not depth > 0:
                continue
            a = (rotation[0, 0] * dx + rotation[0, 1] * dy + rotation[0, 2] * dz) / depth
            b = (rotation[1, 0] * dx + rotation[1, 1] * dy + rotation[1, 2] * dz) / depth
            r2 = a * a + b * b
            if r2 > limit * limit:
                continue
            radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
            u[r, c] = fx * (a * radial + 2 * p1 * a * b + p2 * (r2 + 2 * a * a)) + cx
            v[r, c] = fy * (b * radial + p1 * (r2 + 2 * b * b) + 2 * p2 * a * b) + cy
    return u, v


def hidden(view: View, grid: Grid, heights: Floats, surface: Floats, surface_grid: Grid,
           *, top_m: float) -> NDArray[np.bool_]:
    """Cells of `grid` that something on `surface` hides from the view, shape (ny, nx).

    `surface` covers `grid` and what lies between it and the camera as far as it can rise; nothing
    on it is higher than `top_m`.
    """
    x, y = grid.centres()
    return np.asarray(_hidden(
        x, y, heights, np.asarray(view.pose.centre, dtype=np.float64), surface,
        surface_grid.west, surface_grid.north, surface_grid.cell, top_m, HIDDEN_M,
    ))


@numba.njit(cache=True, nogil=True)
def _hidden(
    x: NDArray[np.float64], y: NDArray[np.float64], heights: Floats,
    centre: NDArray[np.float64], surface: Floats, west: float, north: float, cell: float,
    top: float, tolerance: float,
) -> NDArray[np.bool_]:  # pragma: no cover - compiled
    """Walk from each cell towards the camera over the surface, a cell at a time."""
    ny, nx = heights.shape
    rows, columns = surface.shape
    found = np.zeros((ny, nx), np.bool_)
    for r in range(ny):
        for c in range(nx):
            z = heights[r, c]
            dx, dy, dz = centre[0] - x[c], centre[1] - y[r], centre[2] - z
            reach = np.sqrt(dx * dx + dy * dy)
            if reach < cell or not dz > 0:
                continue
            step = 1.5 * cell
            rise = dz / reach * step
            sx, sy = dx / reach * step, dy / reach * step
            px, py, pz = x[c] + sx, y[r] + sy, z + rise
            while pz < top:
                i = int((north - py) / cell)
                j = int((px - west) / cell)
                if i < 0 or j < 0 or i >= rows or j >= columns:
                    break
                if surface[i, j] > pz + tolerance:
                    found[r, c] = True
                    break
                px += sx
                py += sy
                pz += rise
    return found
