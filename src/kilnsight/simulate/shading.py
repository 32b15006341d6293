"""Light on surfaces: what a pixel shows of the point of the scene it looks at."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilnsight.simulate import materials as m
from kilnsight.simulate.kernels import fast, spliced
from kilnsight.simulate.noise import fractal
from kilnsight.simulate.raster import COUNTRY, FIRST_TRIANGLE, GROUND, NOTHING
from kilnsight.simulate.texture import body_look, ground_look

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Colour = tuple[float, float, float]

_GROUND, _COUNTRY, _FIRST, _NOTHING = GROUND, COUNTRY, FIRST_TRIANGLE, NOTHING
_FIELD, _FOREST, _WATER, _TURBID, _LEAVES = m.FIELD, m.FOREST, m.WATER, m.TURBID, m.LEAVES
_LIMESTONE, _TARP, _GLASS, _GRASS, _SCRUB = m.LIMESTONE, m.TARP, m.GLASS, m.GRASS, m.SCRUB
_DUST: Colour = (0.335, 0.305, 0.255)
_FIRST_BODY = m.ROOF_BLUE


class Surfaces(NamedTuple):
    """Grids and tables that say what is where; rows of grids run north from the south edge."""

    west: float
    south: float
    mesh: float
    cell: float
    slope_x: Floats
    slope_y: Floats
    material: Ints
    wear: Ints
    spill: Ints
    spilled: Ints
    marking: Ints
    dirt: Ints
    albedo: Floats
    film: Floats
    normals: Floats
    along: Floats
    tint: Floats
    face_material: Ints
    body: Ints


class Lamp(NamedTuple):
    """Sun and sky: a shadow map seen from the sun, and how high things stand around."""

    shadow: Floats
    axes: Floats
    origin: Floats
    cell: float
    sun: Floats
    sun_colour: Floats
    sky_colour: Floats
    canopy_near: Floats
    canopy_far: Floats
    canopy_cell: float


@fast
def _sample(grid: Any, row: float, column: float) -> float:
    rows, columns = grid.shape
    row = min(max(row, 0.0), rows - 1.001)
    column = min(max(column, 0.0), columns - 1.001)
    i, j = int(row), int(column)
    a, b = row - i, column - j
    first: float = (1 - b) * grid[i, j] + b * grid[i, j + 1]
    second: float = (1 - b) * grid[i + 1, j] + b * grid[i + 1, j + 1]
    return (1 - a) * first + a * second


@spliced
def _lit(lamp: Lamp, x: float, y: float, z: float) -> float:
    dx, dy, dz = x - lamp.origin[0], y - lamp.origin[1], z - lamp.origin[2]
    a = lamp.axes
    column = (a[0, 0] * dx + a[0, 1] * dy + a[0, 2] * dz) / lamp.cell
    row = (a[1, 0] * dx + a[1, 1] * dy + a[1, 2] * dz) / lamp.cell
    # without a margin of about two cells a sunlit slope would shade itself in stripes
    near = a[2, 0] * dx + a[2, 1] * dy + a[2, 2] * dz + 0.26
    rows, columns = lamp.shadow.shape
    if not (1 <= row < rows - 2 and 1 <= column < columns - 2):
        return 1.0
    i, j = int(row), int(column)
    p, q = row - i, column - j
    value = 0.0
    for di in range(-1, 3):
        wi = 1 - p if di == -1 else (p if di == 2 else 1.0)
        for dj in range(-1, 3):
            if lamp.shadow[i + di, j + dj] <= near:
                value += wi * (1 - q if dj == -1 else (q if dj == 2 else 1.0))
    return value / 9


@spliced
def _open_sky(s: Surfaces, lamp: Lamp, x: float, y: float, z: float) -> float:
    row, column = (y - s.south) / lamp.canopy_cell, (x - s.west) / lamp.canopy_cell
    rows, columns = lamp.canopy_near.shape
    if not (0 <= row < rows and 0 <= column < columns):
        return 1.0
    close = max(0.0, _sample(lamp.canopy_near, row, column) - z)
    wide = max(0.0, _sample(lamp.canopy_far, row, column) - z)
    return 1 / (1 + 0.55 * close + 0.10 * wide)


@spliced
def _light(
    lamp: Lamp, colour: Colour, normal: Colour, shadow: float, sky: float
) -> Colour:
    nx, ny, nz = normal
    sun = max(0.0, nx * lamp.sun[0] + ny * lamp.sun[1] + nz * lamp.sun[2]) * shadow
    dome = sky * (0.58 + 0.42 * nz)
    bounce = 0.10 * (0.5 - 0.5 * nz) + 0.02
    r = colour[0] * (lamp.sun_colour[0] * (sun + bounce * 1.1) + lamp.sky_colour[0] * dome)
    g = colour[1] * (lamp.sun_colour[1] * (sun + bounce) + lamp.sky_colour[1] * dome)
    b = colour[2] * (lamp.sun_colour[2] * (sun + bounce * 0.9) + lamp.sky_colour[2] * dome)
    return r, g, b


@fast
def _unit(x: float, y: float, z: float) -> Colour:
    length = np.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


@spliced
def _tinted(s: Surfaces, material: int, tone: float, warm: float) -> Colour:
    base = s.albedo[material]
    tone = max(tone, 0.06)
    warm = max(-0.8, min(0.8, warm))
    return base[0] * tone * (1 + warm), base[1] * tone * (1 + 0.15 * warm), base[2] * tone * (
        1 - 0.6 * warm)


@fast
def _mixed(a: Colour, b: Colour, share: float) -> Colour:
    return (
        a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])
    )


@spliced
def _lain_on(
    s: Surfaces, material: int, colour: Colour, row: float, column: float, v: float
) -> Colour:
    loose = material < _LIMESTONE and material != _WATER and material != _TURBID
    if loose:
        wear = (_sample(s.wear, row, column) - 128.0) / 128.0
        tone = 1 + (0.75 if wear < 0 else 0.5) * wear
        colour = (colour[0] * tone, colour[1] * tone, colour[2] * tone)
        amount = _sample(s.spill, row, column) / 255.0 * 1.3 + 0.35 * v - 0.30
        amount = min(0.8, max(0.0, amount))
        if material in (_GRASS, _SCRUB):
            amount *= 0.5
        base = s.albedo[s.spilled[int(max(row, 0)), int(max(column, 0))]]
        colour = _mixed(colour, (base[0], base[1], base[2]), amount)
    paint = _sample(s.marking, row, column) / 255.0
    if paint > 0.01 and loose:
        colour = _mixed(colour, (0.55, 0.54, 0.50), 0.75 * paint * (0.75 + 0.25 * v))
    return colour


@spliced
def _ground_point(
    s: Surfaces, lamp: Lamp, x: float, y: float, z: float, fp: float
) -> tuple[Colour, Colour, int]:
    gx, gy = (x - s.west) / s.mesh, (y - s.south) / s.mesh
    sx, sy = _sample(s.slope_x, gy, gx), _sample(s.slope_y, gy, gx)
    row, column = (y - s.south) / s.cell - 0.5, (x - s.west) / s.cell - 0.5
    v, vx, vy = fractal(x, y, 2.3, 4, 0.65, fp)
    # the edges of a material wander by some centimetres, which also hides the raster's cells
    i = int(row + 0.5 + min(0.9, max(-0.9, 0.22 * vy)))
    j = int(column + 0.5 + min(0.9, max(-0.9, 0.22 * vx)))
    i = min(max(i, 0), s.material.shape[0] - 1)
    j = min(max(j, 0), s.material.shape[1] - 1)
    material = int(s.material[i, j])
    tone, warm, bx, by = ground_look(material, x, y, z, fp)
    colour = _tinted(s, material, tone, warm)
    colour = _lain_on(s, material, colour, row, column, v)
    film = s.film[material] * _sample(s.dirt, row, column) / 255.0 * (0.8 + 0.4 * v)
    colour = _mixed(colour, _DUST, min(0.85, max(0.0, film)))
    return colour, _unit(-sx - bx, -sy - by, 1.0), material


@spliced
def _country_point(
    s: Surfaces, x: float, y: float, z: float, fp: float
) -> tuple[Colour, Colour, int]:
    wood, _, _ = fractal(x, y, 120.0, 4, 0.6, fp)
    material = _FOREST if wood > 0.12 else _FIELD
    tone, warm, bx, by = ground_look(material, x, y, z, fp)
    return _tinted(s, material, tone, warm), _unit(-bx, -by, 1.0), material


@spliced
def _body_point(
    s: Surfaces, face: int, x: float, y: float, z: float, fp: float, away: Colour
) -> tuple[Colour, Colour, int]:
    n, a = s.normals[face], s.along[face]
    nx, ny, nz = n[0], n[1], n[2]
    # plans may be mirrored, which turns faces inside out: light the side that is seen
    if nx * away[0] + ny * away[1] + nz * away[2] > 0:
        nx, ny, nz = -nx, -ny, -nz
    cx, cy, cz = ny * a[2] - nz * a[1], nz * a[0] - nx * a[2], nx * a[1] - ny * a[0]
    u, v = a[0] * x + a[1] * y + a[2] * z, cx * x + cy * y + cz * z
    material = int(s.face_material[face])
    tone, warm, bu, bv = body_look(material, u, v, x, y, z, fp)
    r, g, b = _tinted(s, material, tone, warm)
    t = s.tint[face]
    colour = (r * t[0], g * t[1], b * t[2])
    if s.film[material] > 0:
        row, column = (y - s.south) / s.cell - 0.5, (x - s.west) / s.cell - 0.5
        w, _, _ = fractal(x, y + z, 3.1, 4, 0.65, fp)
        film = s.film[material] * _sample(s.dirt, row, column) / 255.0 * (0.75 + 0.5 * w)
        colour = _mixed(colour, _DUST, min(0.8, max(0.0, film * max(0.25, nz))))
    normal = _unit(nx - bu * a[0] - bv * cx, ny - bu * a[1] - bv * cy, nz - bu * a[2] - bv * cz)
    return colour, normal, material


@spliced
def shade(
    s: Surfaces, lamp: Lamp, ident: int, x: float, y: float, z: float, away: Colour, pixel: float
) -> Colour:
    """Radiance (red, green, blue; linear) of a scene point looked at in direction `away`.

    `ident` is what the raster found there, `pixel` the width of a pixel at the point, metres.
    """
    if ident == _NOTHING:
        return 0.5 * lamp.sky_colour[0], 0.5 * lamp.sky_colour[1], 0.5 * lamp.sky_colour[2]
    fp = pixel / max(0.3, np.sqrt(abs(away[2])))
    if ident == _GROUND:
        colour, normal, material = _ground_point(s, lamp, x, y, z, fp)
    elif ident == _COUNTRY:
        colour, normal, material = _country_point(s, x, y, z, fp)
    else:
        colour, normal, material = _body_point(s, ident - _FIRST, x, y, z, fp, away)
    sky = _open_sky(s, lamp, x, y, z) if material != _LEAVES else 0.85
    r, g, b = _light(lamp, colour, normal, _lit(lamp, x, y, z), sky)
    if material in (_WATER, _TURBID, _GLASS):
        mirror = 0.03 + 0.5 * (1 - abs(away[2])) ** 4
        r += mirror * lamp.sky_colour[0]
        g += mirror * lamp.sky_colour[1]
        b += mirror * lamp.sky_colour[2]
    return r, g, b


@spliced
def same_spot(s: Surfaces, near: Floats, ident: Ints, i: int, j: int) -> bool:
    """Whether the four fine samples of a pixel see one smooth surface."""
    first, low, high = ident[i, j], near[i, j], near[i, j]
    for di in range(2):
        for dj in range(2):
            other = ident[i + di, j + dj]
            if other != first and (
                other < _FIRST or first < _FIRST or s.body[other - _FIRST] != s.body[first - _FIRST]
            ):
                return False
            low, high = min(low, near[i + di, j + dj]), max(high, near[i + di, j + dj])
    return bool(high < low * 1.012 or high == low)
