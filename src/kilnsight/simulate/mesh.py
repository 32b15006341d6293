"""Triangles with materials, and the simple bodies they make up."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEP_M = 4.0
"""Longest edge of a triangle on a large face; keeps bent lines straight enough."""


@dataclass(frozen=True)
class Mesh:
    """Triangles: `vertices` (m, 3), `faces` (n, 3), and per face the rest.

    `normals` and `along` (the direction in which ribs and joints run) have shape (n, 3), `tint`
    (n, 3) multiplies the material's colour, `body` is equal for faces of one flat surface.
    """

    vertices: Array
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    along: NDArray[np.float32]
    tint: NDArray[np.float32]
    material: NDArray[np.uint8]
    body: NDArray[np.int32]


@dataclass
class Builder:
    """Collects bodies and gives one `Mesh`."""

    _vertices: list[Array] = field(default_factory=list)
    _faces: list[NDArray[np.int32]] = field(default_factory=list)
    _along: list[Array] = field(default_factory=list)
    _tint: list[Array] = field(default_factory=list)
    _material: list[NDArray[np.uint8]] = field(default_factory=list)
    _body: list[NDArray[np.int32]] = field(default_factory=list)
    _count: int = 0
    _bodies: int = 0

    def add(
        self, vertices: Array, faces: NDArray[np.int32], *, material: int, along: Any,
        tint: Any = (1, 1, 1), flat: bool = True,
    ) -> None:
        """Add triangles of one material."""
        n = len(faces)
        self._vertices.append(np.asarray(vertices, dtype=float))
        self._faces.append(faces + self._count)
        self._along.append(np.broadcast_to(np.asarray(along, dtype=float), (n, 3)))
        self._tint.append(np.broadcast_to(np.asarray(tint, dtype=float), (n, 3)))
        self._material.append(np.full(n, material, dtype=np.uint8))
        bodies = np.zeros(n, dtype=np.int32) if flat else np.arange(n, dtype=np.int32)
        self._body.append(bodies + self._bodies)
        self._count += len(vertices)
        self._bodies += int(bodies.max(initial=0)) + 1

    def quad(
        self, corners: Any, *, material: int, tint: Any = (1, 1, 1), along: Any = None
    ) -> None:
        """Add a four-cornered face, cut into pieces of `STEP_M`."""
        a, b, c, d = (np.asarray(p, dtype=float) for p in corners)
        nu = max(1, int(np.ceil(np.linalg.norm(b - a) / STEP_M)))
        nv = max(1, int(np.ceil(np.linalg.norm(d - a) / STEP_M)))
        u, v = np.meshgrid(np.linspace(0, 1, nu + 1), np.linspace(0, 1, nv + 1))
        u, v = u[..., None], v[..., None]
        points = (1 - u) * (1 - v) * a + u * (1 - v) * b + u * v * c + (1 - u) * v * d
        side = b - a
        # pieces keep near faces true although the lens bends lines
        direction = side / max(float(np.linalg.norm(side)), 1e-9) if along is None else along
        self.add(
            points.reshape(-1, 3), _cells(nv, nu), material=material, tint=tint, along=direction
        )

    def box(
        self, centre: tuple[float, float], axes: Any, *, low: float, high: float, material: int,
        tint: Any = (1, 1, 1), top: int | None = None, top_tint: Any = None,
    ) -> None:
        """Add an upright box; `axes` are its two half edges, shape (2, 2)."""
        ex, ey = (np.asarray(e, dtype=float) for e in axes)
        ring = [np.asarray(centre) + sx * ex + sy * ey for sx, sy in _CORNERS]
        feet = [np.append(p, low) for p in ring]
        heads = [np.append(p, high) for p in ring]
        for k in range(4):
            n = (k + 1) % 4
            self.quad((feet[k], feet[n], heads[n], heads[k]), material=material, tint=tint)
        lid = material if top is None else top
        self.quad(heads, material=lid, tint=tint if top_tint is None else top_tint)
        self.quad(feet, material=material, tint=tint)

    def beam(
        self, start: Any, end: Any, *, width: float, height: float, material: int,
        top: int | None = None, tint: Any = (1, 1, 1), top_tint: Any = None,
    ) -> None:
        """Add a bar of rectangular section from `start` to `end` (middle of its underside)."""
        a, b = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
        side = np.array([-(b - a)[1], (b - a)[0], 0.0])
        side *= 0.5 * width / max(float(np.linalg.norm(side)), 1e-9)
        up = np.array([0, 0, height])
        low, high = (a + side, a - side, b - side, b + side), None
        high = tuple(p + up for p in low)
        for k in range(4):
            n = (k + 1) % 4
            self.quad((low[k], low[n], high[n], high[k]), material=material, tint=tint)
        self.quad(low, material=material, tint=tint)
        lid = material if top is None else top
        lid_tint = tint if top_tint is None else top_tint
        self.quad((high[0], high[3], high[2], high[1]), material=lid, tint=lid_tint)

    def tube(
        self, start: Any, end: Any, radii: tuple[float, float], *, material: int,
        tint: Any = (1, 1, 1), cap: bool = True, sides: int = 28,
    ) -> None:
        """Add a round body from `start` to `end` with a radius at each end."""
        a, b = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
        axis = (b - a) / np.linalg.norm(b - a)
        side = np.cross(axis, [0, 0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0, 0])
        side /= np.linalg.norm(side)
        other = np.cross(axis, side)
        turn = np.linspace(0, 2 * np.pi, sides + 1)
        ring = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * other
        pieces = max(1, int(np.ceil(np.linalg.norm(b - a) / STEP_M)))
        share = np.linspace(0, 1, pieces + 1)[:, None, None]
        radius = radii[0] + share * (radii[1] - radii[0])
        points = a + share * (b - a) + radius * ring
        self.add(
            points.reshape(-1, 3), _cells(pieces, sides), material=material, tint=tint,
            along=axis, flat=False,
        )
        if cap and radii[1] > 0.05:
            self._disc(b, radii[1] * ring[:-1], material, tint)

    def _disc(self, middle: Array, ring: Array, material: int, tint: Any) -> None:
        n = len(ring)
        index = np.arange(n, dtype=np.int32)
        faces = np.column_stack([np.full(n, n), index, (index + 1) % n]).astype(np.int32)
        self.add(
            np.vstack([middle + ring, middle]), faces, material=material, tint=tint,
            along=ring[0] / np.linalg.norm(ring[0]),
        )

    def build(self) -> Mesh:
        """All that was added."""
        vertices, faces = np.vstack(self._vertices), np.vstack(self._faces).astype(np.int32)
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        return Mesh(
            vertices, faces, normals.astype(np.float32),
            np.vstack(self._along).astype(np.float32), np.vstack(self._tint).astype(np.float32),
            np.concatenate(self._material), np.concatenate(self._body),
        )


_CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))


def _cells(rows: int, columns: int) -> NDArray[np.int32]:
    index = np.arange((rows + 1) * (columns + 1), dtype=np.int32).reshape(rows + 1, columns + 1)
    a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
    c, d = index[1:, 1:].ravel(), index[1:, :-1].ravel()
    return np.vstack([np.column_stack([a, b, c]), np.column_stack([a, c, d])]).astype(np.int32)


@cache
def sphere(level: int) -> tuple[Array, NDArray[np.int32]]:
    """Unit sphere of triangles: an icosahedron divided `level` times."""
    g = (1 + 5**0.5) / 2
    points = [(-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g),
              (0, -1, -g), (0, 1, -g), (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1)]
    faces = np.array([
        (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4),
        (11, 10, 2), (10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8),
        (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1),
    ])
    vertices = np.array(points, dtype=float)
    for _ in range(level):
        vertices, faces = _divide(vertices, faces)
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True), faces.astype(np.int32)


def _divide(vertices: Array, faces: Any) -> tuple[Array, Any]:
    edges = np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, back = np.unique(edges, axis=0, return_inverse=True)
    middle = vertices[unique].sum(axis=1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    scale = np.linalg.norm(vertices[0])
    ab, bc, ca = np.split(back.ravel() + len(vertices), 3)
    a, b, c = faces.T
    parts = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return np.vstack([vertices, middle * scale]), np.vstack([np.column_stack(p) for p in parts])
