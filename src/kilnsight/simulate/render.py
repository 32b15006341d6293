"""A scene made ready for pictures, and pictures of it: from a lens, and from straight above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.photos.camera import View
from kilnsight.simulate import materials as m
from kilnsight.simulate import raster
from kilnsight.simulate.buildings import raise_buildings
from kilnsight.simulate.ground import MESH_M, PAINT_M, Ground, lay_ground
from kilnsight.simulate.kernels import fast, spliced
from kilnsight.simulate.mesh import Mesh
from kilnsight.simulate.scene import Scene
from kilnsight.simulate.shading import Lamp, Surfaces, same_spot, shade
from kilnsight.simulate.terrain import bare_height

Floats = NDArray[np.floating[Any]]
SHADOW_M = 0.13
"""Cell of the shadow map."""
CANOPY_M = 0.5
COUNTRY_M = 5.0
_FILM = {m.GRASS: 0.28, m.SCRUB: 0.35, m.SOIL: 0.2, m.UNPAVED: 0.25, m.ASPHALT: 0.42,
         m.DUSTY: 0.5, m.CONCRETE: 0.4, m.NET_GREEN: 0.16, m.NET_BLACK: 0.12, m.TARP: 0.22,
         m.ROOF_BLUE: 0.42, m.ROOF_GREY: 0.4, m.LEAVES: 0.10, m.CLADDING: 0.3, m.CAST: 0.3,
         m.STEEL: 0.4, m.KILN: 0.3, m.PAINT: 0.12}


@dataclass(frozen=True)
class Stage:
    """A scene made ready: its grids, bodies and light."""

    scene: Scene
    ground: Ground
    mesh: Mesh
    corners: NDArray[np.float64]
    country: NDArray[np.float64]
    surfaces: Surfaces
    lamp: Lamp


def set_stage(scene: Scene) -> Stage:
    """Scene made ready for pictures."""
    ground = lay_ground(scene)
    mesh = raise_buildings(scene, ground)
    corners, country = ground.corners(), _country(scene, ground)
    surfaces = _surfaces(ground, mesh)
    return Stage(
        scene, ground, mesh, corners, country, surfaces, _lamp(scene, corners, mesh, ground)
    )


def _country(scene: Scene, ground: Ground) -> NDArray[np.float64]:
    b = ground.bounds
    west = np.arange(b.west - 700, b.east + 701, COUNTRY_M)
    south = np.arange(b.south - 700, b.north + 701, COUNTRY_M)
    x, y = np.meshgrid(west, south)
    z = bare_height(x, y, scene)
    edge = (x >= b.west) & (x <= b.east) & (y >= b.south) & (y <= b.north)
    inset = b.grown(-1.5 * COUNTRY_M)
    inside = (x > inset.west) & (x < inset.east) & (y > inset.south) & (y < inset.north)
    # the coarse grid runs a little under the fine one, so that no crack opens between them
    z = np.where(edge, z - 0.3, z)
    return np.stack([np.where(inside, np.nan, x), y, z], axis=-1)


def _surfaces(ground: Ground, mesh: Mesh) -> Surfaces:
    slopes: Any = np.gradient(ground.surface.astype(np.float32), MESH_M)
    slope_y, slope_x = slopes
    film = np.zeros(m.COUNT)
    for number, share in _FILM.items():
        film[number] = share
    layers = ground.layers
    return Surfaces(
        ground.bounds.west, ground.bounds.south, MESH_M, PAINT_M, slope_x, slope_y,
        layers.material, layers.wear, layers.spill, layers.spilled, layers.marking, layers.dirt,
        m.albedo(), film, mesh.normals, mesh.along, mesh.tint, mesh.material, mesh.body,
    )


def _draw(
    near: Floats, ident: Any, stage_parts: tuple[Floats, Floats | None, Mesh], project: Any
) -> None:
    corners, country, mesh = stage_parts
    for grid, number in ((corners, raster.GROUND), (country, raster.COUNTRY)):
        if grid is not None:
            flat = project(grid.reshape(-1, 3)).reshape(grid.shape)
            raster.draw_grid(near, ident, flat, number)
    raster.draw_mesh(near, ident, project(mesh.vertices), mesh.faces)


def _lamp(scene: Scene, corners: Floats, mesh: Mesh, ground: Ground) -> Lamp:
    sun = scene.sky.towards_sun
    right = np.array([-sun[1], sun[0], 0]) / np.hypot(sun[0], sun[1])
    axes = np.stack([right, np.cross(right, sun), sun])
    around = np.vstack([corners[::20, ::20].reshape(-1, 3), corners[-1:, -1], mesh.vertices])
    seen = around @ axes.T
    low, high = seen.min(axis=0) - 1, seen.max(axis=0) + 1
    origin = np.array([low[0], low[1], low[2]]) @ axes
    shape = np.ceil((high - low) / SHADOW_M).astype(int)
    near, ident = raster.blank(int(shape[1]), int(shape[0]))
    _draw(near, ident, (corners, None, mesh),
          lambda p: raster.parallel(p, axes, origin=origin, cell=SHADOW_M))
    haze = scene.sky.haze
    low_sun = 1 - 0.35 * np.exp(-scene.sky.elevation / 18)
    sun_colour = (1 - haze) * 1.25 * np.array([1.0, 0.965 * low_sun**0.3, 0.90 * low_sun])
    sky_colour = (0.16 + 0.62 * haze) * np.array([0.83, 0.95, 1.14])
    canopy = _canopy(ground, corners, mesh)
    return Lamp(near, axes, origin, SHADOW_M, sun, sun_colour, sky_colour, *canopy, CANOPY_M)


def _canopy(ground: Ground, corners: Floats, mesh: Mesh) -> tuple[Floats, Floats]:
    near, _ = look_down((corners, mesh), ground, cell=CANOPY_M)
    tops = near[::-1].copy()
    near_blur, far_blur = (cv2.GaussianBlur(tops, (0, 0), s / CANOPY_M) for s in (1.4, 6.0))
    return np.asarray(near_blur, dtype=np.float32), np.asarray(far_blur, dtype=np.float32)


def look_down(
    parts: tuple[Floats, Mesh], ground: Ground, *, cell: float, bounds: Any = None,
    rows: slice | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Heights (metres) and ids seen from straight above; row 0 is the north edge."""
    box = ground.bounds if bounds is None else bounds
    ny, nx = box.shape(cell)
    rows = rows or slice(0, ny)
    near, ident = raster.blank(rows.stop - rows.start, nx)
    origin = np.array([box.west + cell / 2, box.north - (rows.start + 0.5) * cell, 0.0])
    axes = np.array([[1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]])
    _draw(near, ident, (parts[0], None, parts[1]),
          lambda p: raster.parallel(p, axes, origin=origin, cell=cell))
    return near, ident


@fast
def _shoot(
    s: Surfaces, lamp: Lamp, near: Floats, ident: Any, rays: Floats, rotation: Floats,
    centre: Floats, pixel: float, out: Floats,
) -> None:
    height, width, _ = out.shape
    for i in range(height):
        for j in range(width):
            # only pixels on an edge need all four samples; that is one in ten
            together = same_spot(s, near, ident, 2 * i, 2 * j)
            total_r, total_g, total_b = 0.0, 0.0, 0.0
            for k in range(1 if together else 4):
                di, dj = 2 * i + k // 2, 2 * j + k % 2
                w = near[di, dj]
                xn, yn = float(rays[i, j, 0]), float(rays[i, j, 1])
                if together:
                    w = 0.25 * (w + near[di, dj + 1] + near[di + 1, dj] + near[di + 1, dj + 1])
                else:
                    xn += (k % 2 - 0.5) * 0.5 * pixel
                    yn += (k // 2 - 0.5) * 0.5 * pixel
                r, g, b = _see(s, lamp, ident[di, dj], w, xn, yn, rotation, centre, pixel)
                total_r, total_g, total_b = total_r + r, total_g + g, total_b + b
            share = 1.0 if together else 0.25
            out[i, j, 0], out[i, j, 1] = share * total_r, share * total_g
            out[i, j, 2] = share * total_b


@spliced
def _see(
    s: Surfaces, lamp: Lamp, ident: int, w: float, xn: float, yn: float, rotation: Floats,
    centre: Floats, pixel: float,
) -> tuple[float, float, float]:
    dx = rotation[0, 0] * xn + rotation[1, 0] * yn + rotation[2, 0]
    dy = rotation[0, 1] * xn + rotation[1, 1] * yn + rotation[2, 1]
    dz = rotation[0, 2] * xn + rotation[1, 2] * yn + rotation[2, 2]
    depth = 1 / max(w, 1e-5)
    length = np.sqrt(dx * dx + dy * dy + dz * dz)
    r, g, b = shade(
        s, lamp, ident, centre[0] + depth * dx, centre[1] + depth * dy, centre[2] + depth * dz,
        (dx / length, dy / length, dz / length), depth * pixel,
    )
    air = depth * length / (2600.0 + depth * length)
    return (
        r + air * (0.55 * lamp.sky_colour[0] + 0.12 - r),
        g + air * (0.55 * lamp.sky_colour[1] + 0.12 - g),
        b + air * (0.55 * lamp.sky_colour[2] + 0.12 - b),
    )


def photograph(stage: Stage, view: View, rays: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear radiance of a picture, shape (height, width, 3).

    `rays`, shape (height, width, 2): ideal image coordinates of each pixel of the lens.
    """
    camera = view.camera
    near, ident = raster.blank(2 * camera.height, 2 * camera.width)
    _draw(near, ident, (stage.corners, stage.country, stage.mesh),
          lambda p: raster.perspective(p, view, fine=2))
    out = np.empty((camera.height, camera.width, 3), dtype=np.float32)
    _shoot(stage.surfaces, stage.lamp, near, ident, rays, view.pose.rotation,
           view.pose.centre, 1 / camera.fx, out)
    return out


@fast
def _map(
    s: Surfaces, lamp: Lamp, near: Floats, ident: Any, west: float, north: float, cell: float,
    out: Floats,
) -> None:
    height, width, _ = out.shape
    for i in range(height):
        for j in range(width):
            x, y = west + (j + 0.5) * cell, north - (i + 0.5) * cell
            r, g, b = shade(s, lamp, ident[i, j], x, y, near[i, j], (0.0, 0.0, -1.0), cell)
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = r, g, b


def draw_map(
    stage: Stage, *, cell: float, rows: slice | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """True orthophoto (linear radiance), heights and ids of rows of the area flown over."""
    bounds = stage.scene.bounds
    near, ident = look_down(
        (stage.corners, stage.mesh), stage.ground, cell=cell, bounds=bounds, rows=rows
    )
    out = np.empty((*near.shape, 3), dtype=np.float32)
    north = bounds.north - (rows.start if rows else 0) * cell
    _map(stage.surfaces, stage.lamp, near, ident, bounds.west, north, cell, out)
    return out, near, ident


def materials_seen(stage: Stage, ident: NDArray[np.int32], *, cell: float) -> NDArray[np.uint8]:
    """Material at each cell of a map of ids, shape as `ident`; row 0 is the north edge."""
    bounds, ground = stage.scene.bounds, stage.ground
    rows, columns = ident.shape
    y = bounds.north - (np.arange(rows) + 0.5) * cell
    x = bounds.west + (np.arange(columns) + 0.5) * cell
    i = ((y - ground.bounds.south) / PAINT_M).astype(int)
    j = ((x - ground.bounds.west) / PAINT_M).astype(int)
    seen = ground.layers.material[np.ix_(i, j)].copy()
    on_body = ident >= raster.FIRST_TRIANGLE
    seen[on_body] = stage.mesh.material[ident[on_body] - raster.FIRST_TRIANGLE]
    return np.asarray(seen)
