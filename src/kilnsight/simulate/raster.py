"""Triangles to pixels: a z-buffer in which the greater nearness wins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilnsight.photos.camera import View
from kilnsight.simulate.kernels import exact

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

NOTHING, GROUND, COUNTRY, FIRST_TRIANGLE = -1, 0, 1, 2
"""What an id buffer holds: nothing, the fine grid, the coarse grid around it, or a triangle."""


@exact
def _triangle(
    near: Floats, ident: Ints, u0: float, v0: float, w0: float, u1: float, v1: float, w1: float,
    u2: float, v2: float, w2: float, number: int,
) -> None:
    height, width = near.shape
    left, right = max(0, int(np.ceil(min(u0, u1, u2)))), int(np.floor(max(u0, u1, u2)))
    top, bottom = max(0, int(np.ceil(min(v0, v1, v2)))), int(np.floor(max(v0, v1, v2)))
    right, bottom = min(right, width - 1), min(bottom, height - 1)
    if left > right or top > bottom:
        return
    area = (u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0)
    if abs(area) < 1e-9:
        return
    b1x, b1y = (v2 - v0) / area, -(u2 - u0) / area
    b2x, b2y = -(v1 - v0) / area, (u1 - u0) / area
    for row in range(top, bottom + 1):
        b1 = (left - u0) * b1x + (row - v0) * b1y
        b2 = (left - u0) * b2x + (row - v0) * b2y
        for column in range(left, right + 1):
            # a hair of slack, so that no pixel on a shared edge falls between two triangles
            if b1 >= -1e-7 and b2 >= -1e-7 and b1 + b2 <= 1.0000001:
                w = w0 + b1 * (w1 - w0) + b2 * (w2 - w0)
                if w > near[row, column]:
                    near[row, column] = w
                    ident[row, column] = number
            b1 += b1x
            b2 += b2x


@exact
def draw_grid(near: Floats, ident: Ints, uvw: Floats, number: int) -> None:
    """Draw a grid of vertices `uvw`, shape (ny, nx, 3); two triangles a cell, NaN skips."""
    rows, columns, _ = uvw.shape
    for i in range(rows - 1):
        for j in range(columns - 1):
            a, b, c, d = uvw[i, j], uvw[i, j + 1], uvw[i + 1, j], uvw[i + 1, j + 1]
            if np.isnan(a[0] + b[0] + c[0] + d[0]):
                continue
            _triangle(near, ident, a[0], a[1], a[2], b[0], b[1], b[2], d[0], d[1], d[2], number)
            _triangle(near, ident, a[0], a[1], a[2], d[0], d[1], d[2], c[0], c[1], c[2], number)


@exact
def draw_mesh(near: Floats, ident: Ints, uvw: Floats, faces: Ints) -> None:
    """Draw triangles `faces`, shape (n, 3), of vertices `uvw`, shape (m, 3); NaN skips."""
    for n in range(faces.shape[0]):
        a, b, c = uvw[faces[n, 0]], uvw[faces[n, 1]], uvw[faces[n, 2]]
        if np.isnan(a[0] + b[0] + c[0]):
            continue
        _triangle(
            near, ident, a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2], n + FIRST_TRIANGLE
        )


@exact
def _perspective(
    xyz: Floats, rotation: Floats, centre: Floats, lens: Floats, limit: float, fine: int
) -> Floats:
    out = np.full(xyz.shape, np.nan)
    fx, fy, cx, cy, k1, k2, p1, p2, k3 = lens
    for n in range(xyz.shape[0]):
        dx, dy, dz = xyz[n, 0] - centre[0], xyz[n, 1] - centre[1], xyz[n, 2] - centre[2]
        z = rotation[2, 0] * dx + rotation[2, 1] * dy + rotation[2, 2] * dz
        if z < 1.0:
            continue
        x = (rotation[0, 0] * dx + rotation[0, 1] * dy + rotation[0, 2] * dz) / z
        y = (rotation[1, 0] * dx + rotation[1, 1] * dy + rotation[1, 2] * dz) / z
        r2 = x * x + y * y
        # beyond the lens's circle the distortion polynomial folds back into the picture
        if r2 > limit:
            continue
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        u = fx * (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)) + cx
        v = fy * (y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y) + cy
        out[n, 0] = fine * (u + 0.5) - 0.5
        out[n, 1] = fine * (v + 0.5) - 0.5
        out[n, 2] = 1 / z
    return out


def perspective(xyz: Floats, view: View, *, fine: int = 1) -> Floats:
    """Pixels and nearness (1 / depth) of points, shape (n, 3); pixels are `fine` times finer."""
    camera = view.camera
    lens = np.array([camera.fx, camera.fy, camera.cx, camera.cy, *camera.distortion])
    half = np.hypot(camera.width / camera.fx, camera.height / camera.fy) / 2
    return np.asarray(
        _perspective(xyz, view.pose.rotation, view.pose.centre, lens, (1.25 * half) ** 2, fine)
    )


@exact
def _parallel(xyz: Floats, axes: Floats, origin: Floats, cell: float) -> Floats:
    out = np.empty(xyz.shape)
    for n in range(xyz.shape[0]):
        dx, dy, dz = xyz[n, 0] - origin[0], xyz[n, 1] - origin[1], xyz[n, 2] - origin[2]
        for k in range(3):
            out[n, k] = axes[k, 0] * dx + axes[k, 1] * dy + axes[k, 2] * dz
        out[n, 0] /= cell
        out[n, 1] /= cell
    return out


def parallel(xyz: Floats, axes: Floats, *, origin: Floats, cell: float) -> Floats:
    """Cells and nearness (metres towards the viewer) of points, shape (n, 3), seen from afar.

    `axes`, shape (3, 3): map vectors of right, down and towards the viewer; the middle of cell
    (0, 0) is at `origin`.
    """
    return np.asarray(_parallel(xyz, axes, origin, cell))


def blank(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Empty buffers of nearness and ids, shape (height, width)."""
    return (
        np.full((height, width), -np.inf, dtype=np.float32),
        np.full((height, width), NOTHING, dtype=np.int32),
    )
