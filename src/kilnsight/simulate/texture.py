"""How each material looks close up: tone, warmth and fine relief, anchored to the world."""

from __future__ import annotations

import numpy as np

from kilnsight.simulate import materials as m
from kilnsight.simulate.kernels import fast
from kilnsight.simulate.noise import fractal, scatter, stones

Look = tuple[float, float, float, float]
"""Brightness (1: as listed), warmth (0: as listed), and slopes of the fine relief, x and y."""

_GRASS, _SCRUB, _SOIL, _UNPAVED, _ASPHALT = m.GRASS, m.SCRUB, m.SOIL, m.UNPAVED, m.ASPHALT
_DUSTY, _CONCRETE, _ROCK, _WATER, _TURBID = m.DUSTY, m.CONCRETE, m.ROCK, m.WATER, m.TURBID
_LIMESTONE, _SAND, _NET_GREEN, _NET_BLACK = m.LIMESTONE, m.SAND, m.NET_GREEN, m.NET_BLACK
_TARP, _FIELD, _FOREST, _LEAVES = m.TARP, m.FIELD, m.FOREST, m.LEAVES
_BLUE, _GREY, _CLADDING, _CAST, _KILN = m.ROOF_BLUE, m.ROOF_GREY, m.CLADDING, m.CAST, m.KILN
_GYPSUM, _CLAY = m.GYPSUM, m.CLAY


@fast
def pebbles(x: float, y: float, size: float, footprint: float, contrast: float) -> Look:
    """Loose stones about `size` metres apart."""
    fade = min(1.0, max(0.0, 0.9 * size / footprint - 0.6))
    if fade <= 0:
        return 1.0, 0.0, 0.0, 0.0
    r, dx, dy, own = stones(x, y, size)
    radius = 0.22 + 0.33 * own
    if r > radius:
        return 1 - 0.16 * fade * contrast, 0.0, 0.0, 0.0
    tone = 1 + fade * contrast * (0.75 * scatter(int(own * 9973), 5) - 0.28)
    relief = 1.5 * fade * contrast / max(radius, 0.2)
    return tone, 0.05 * (own - 0.5), relief * dx, relief * dy


@fast
def line(position: float, period: float, width: float, footprint: float) -> float:
    """How much of a pixel lies on one of the lines `width` wide, every `period` metres."""
    off: float = abs(position / period - np.floor(position / period + 0.5)) * period
    blur = max(footprint, 0.01)
    return min(1.0, width / blur) * min(1.0, max(0.0, (0.5 * (width + blur) - off) / blur + 0.25))


@fast
def _bulk(material: int, x: float, y: float, fp: float) -> Look:
    rough = 0.35 if material in (_SAND, _GYPSUM) else 1.0
    v, sx, sy = fractal(x, y, 1.3, 5, 0.66, fp)
    w, _, _ = fractal(x, y, 7.0, 2, 0.5, fp)
    t1, c1, ax, ay = pebbles(x, y, 0.42, fp, 0.55 * rough)
    t2, c2, bx, by = pebbles(x + 3.1, y, 0.19, fp, 0.8 * rough)
    tone = (1 + 0.14 * v + 0.10 * w) * t1 * t2
    k = 0.12 * (0.4 + 0.6 * rough)
    return tone, c1 + c2 + 0.03 * w, k * sx + ax * 0.5 + bx * 0.4, k * sy + ay * 0.5 + by * 0.4


@fast
def _earth(material: int, x: float, y: float, fp: float) -> Look:
    v, sx, sy = fractal(x, y, 1.1, 5, 0.7, fp)
    w, _, _ = fractal(x, y, 9.0, 3, 0.6, fp)
    t, c, bx, by = pebbles(x, y, 0.27, fp, 0.5 if material == _UNPAVED else 0.35)
    streak, _, _ = fractal(0.25 * x + y, x - 0.25 * y, 4.0, 3, 0.6, fp)
    tone = (1 + 0.13 * v + 0.18 * w + 0.07 * streak) * t
    return tone, 0.08 * w + c, 0.06 * sx + 0.3 * bx, 0.06 * sy + 0.3 * by


@fast
def _green(material: int, x: float, y: float, fp: float) -> Look:
    v, sx, sy = fractal(x, y, 0.62, 4, 0.85, fp)
    w, _, _ = fractal(x, y, 5.5, 3, 0.6, fp)
    big, _, _ = fractal(x, y, 31.0, 2, 0.5, fp)
    t, _, bx, by = pebbles(x, y, 0.8, fp, 0.9)
    bush = 0.45 if w > 0.25 else 0.15
    tone = (1 + 0.28 * v + 0.22 * w) * (1 + bush * (t - 1))
    warm = 0.16 * big - 0.12 * w
    return tone, warm, 0.055 * sx + bush * bx, 0.055 * sy + bush * by


@fast
def _slabs(x: float, y: float, fp: float) -> Look:
    column, row = int(np.floor(x / 5.0)), int(np.floor(y / 4.0))
    v, _, _ = fractal(x, y, 0.9, 5, 0.75, fp)
    w, _, _ = fractal(x, y, 7.5, 4, 0.62, fp)
    joint = max(line(x, 5.0, 0.05, fp), line(y, 4.0, 0.05, fp))
    tone = (0.90 + 0.20 * scatter(column, row)) * (1 + 0.09 * v + 0.20 * w)
    crack, _, _ = fractal(x, y, 2.6, 3, 0.55, fp)
    if abs(crack) < 0.012:
        tone *= 0.82
    return tone * (1 - 0.42 * joint), 0.05 * w, 0.0, 0.0


@fast
def _tar(material: int, x: float, y: float, fp: float) -> Look:
    v, _, _ = fractal(x, y, 0.4, 4, 0.8, fp)
    w, _, _ = fractal(x, y, 4.5, 4, 0.65, fp)
    mend = scatter(int(np.floor(x / 6.0 + 0.3 * w)), int(np.floor(y / 5.0 + 0.2 * w)))
    tone = (1 + 0.10 * v + 0.14 * w) * (0.72 if mend < 0.06 else 1.0)
    crack, _, _ = fractal(x, y, 3.4, 3, 0.6, fp)
    if abs(crack) < 0.014:
        tone *= 0.7
    return tone, 0.06 * w, 0.0, 0.0


@fast
def _net(material: int, x: float, y: float, fp: float) -> Look:
    fold, sx, sy = fractal(0.35 * x + 0.1 * y, y, 1.5, 4, 0.62, fp)
    w, _, _ = fractal(x, y, 6.0, 3, 0.6, fp)
    v, _, _ = fractal(x, y, 0.32, 3, 0.8, fp)
    seam = line(0.94 * x + 0.34 * y + 0.3 * w, 6.0, 0.10, fp)
    tone = 1 + 0.20 * fold + 0.22 * w + 0.16 * v + 0.5 * seam
    r, _, _, own = stones(x, y, 2.6)
    if r * 2.6 < 0.16 + 0.06 * own:
        tone = 1.5 + 3.5 * own if material == _NET_BLACK else 1.3 + 1.6 * own
    return tone, 0.14 * w, 0.10 * sx, 0.24 * sy


@fast
def _tarpaulin(x: float, y: float, fp: float) -> Look:
    fold, sx, sy = fractal(0.5 * x + 0.2 * y, y - 0.2 * x, 2.1, 5, 0.6, fp)
    w, _, _ = fractal(x, y, 5.0, 3, 0.6, fp)
    seam = line(x + 0.15 * w, 4.0, 0.12, fp)
    tone = (1 + 0.16 * fold + 0.12 * w) * (1 - 0.35 * seam)
    r, _, _, own = stones(x, y, 2.9)
    if 0.20 < r * 2.9 < 0.48 and own < 0.45:
        return 0.12, 0.0, 0.0, 0.0
    return tone, 0.10 * w, 0.22 * sx, 0.34 * sy


@fast
def _cliff(x: float, y: float, z: float, fp: float) -> Look:
    v, sx, sy = fractal(x + 0.6 * z, y - 0.8 * z, 1.9, 6, 0.7, fp)
    bed, _, _ = fractal(0.15 * x, 2.2 * z + 0.1 * y, 1.2, 3, 0.6, fp)
    w, _, _ = fractal(x, y, 8.0, 3, 0.6, fp)
    t, c, bx, by = pebbles(x, y, 0.55, fp, 0.5)
    tone = (1 + 0.18 * v + 0.14 * bed + 0.12 * w) * t
    return tone, 0.10 * w + 0.07 * bed + c, 0.22 * sx + 0.4 * bx, 0.22 * sy + 0.4 * by


@fast
def _pond(material: int, x: float, y: float, fp: float) -> Look:
    w, _, _ = fractal(x, y, 9.0, 4, 0.6, fp)
    v, sx, sy = fractal(0.6 * x + 0.4 * y, y - x, 0.5, 3, 0.7, fp)
    depth = 0.10 if material == _TURBID else 0.22
    return 1 + depth * w + 0.05 * v, 0.06 * w, 0.006 * sx, 0.006 * sy


@fast
def _farm(material: int, x: float, y: float, fp: float) -> Look:
    w, _, _ = fractal(x, y, 45.0, 3, 0.6, fp)
    v, sx, sy = fractal(x, y, 1.6 if material == _FIELD else 4.2, 4, 0.8, fp)
    _, _, _, own = stones(x + 6 * w, y, 75.0)
    rows = np.sin((x * np.cos(6 * own) + y * np.sin(6 * own)) * 4.5) * min(1.0, 0.25 / fp)
    if material == _FIELD:
        return 0.65 + 0.7 * own + 0.12 * v + 0.10 * rows, 0.7 * (own - 0.45), 0.1 * sx, 0.1 * sy
    return 1 + 0.45 * v + 0.2 * w, 0.2 * w, 0.9 * sx, 0.9 * sy


@fast
def ground_look(material: int, x: float, y: float, z: float, fp: float) -> Look:
    """Look of the ground of a material at a scene point; `fp` metres a pixel covers."""
    if material in (_GRASS, _SCRUB):
        return _green(material, x, y, fp)
    if material in (_SOIL, _UNPAVED):
        return _earth(material, x, y, fp)
    if material in (_ASPHALT, _DUSTY):
        return _tar(material, x, y, fp)
    if material == _CONCRETE:
        return _slabs(x, y, fp)
    if material == _ROCK:
        return _cliff(x, y, z, fp)
    if material in (_WATER, _TURBID):
        return _pond(material, x, y, fp)
    if material in (_NET_GREEN, _NET_BLACK):
        return _net(material, x, y, fp)
    if material == _TARP:
        return _tarpaulin(x, y, fp)
    if material in (_FIELD, _FOREST):
        return _farm(material, x, y, fp)
    return _bulk(material, x, y, fp)


@fast
def _roof(u: float, v: float, fp: float) -> Look:
    rib = line(v, 0.76, 0.10, fp)
    lap = line(u, 6.0, 0.07, fp)
    w, _, _ = fractal(u, v, 5.0, 4, 0.65, fp)
    rust, _, _ = fractal(0.12 * u, v, 0.9, 3, 0.7, fp)
    sheet = scatter(int(np.floor(v / 0.76)), int(np.floor(u / 6.0)))
    tone = 0.94 + 0.12 * sheet + 0.10 * w + 0.07 * rust
    if int(np.floor(v / 0.76)) % 11 == 4:
        tone *= 1.55
    return tone * (1 - 0.22 * lap) * (1 + 0.25 * rib), 0.05 * max(rust, 0.0), 0.0, 0.3 * rib


@fast
def _wall(material: int, u: float, v: float, fp: float) -> Look:
    w, _, _ = fractal(u, v, 3.0, 4, 0.65, fp)
    streak, _, _ = fractal(0.1 * u, v, 0.8, 3, 0.7, fp)
    lift = line(u, 2.4, 0.06, fp) if material == _CAST else line(v, 1.0, 0.08, fp)
    tone = 1 + 0.12 * w + 0.12 * streak
    return tone * (1 - 0.2 * lift), 0.06 * w, 0.0, 0.0


@fast
def body_look(material: int, u: float, v: float, x: float, y: float, z: float, fp: float) -> Look:
    """Look of a body; `u` runs along its ribs or joints and `v` across, metres."""
    if material == _LEAVES:
        s, sx, sy = fractal(x + 0.45 * z, y - 0.4 * z, 0.55, 3, 1.0, fp)
        t, _, _ = fractal(z + 0.4 * x, 0.9 * x - y, 0.42, 3, 1.0, fp)
        return max(0.3, 1 + 0.27 * s + 0.25 * t), 0.05 * t, 0.12 * sx, 0.12 * sy
    if material in (_BLUE, _GREY):
        return _roof(u, v, fp)
    if material in (_CAST, _CLADDING, _KILN):
        return _wall(material, u, v, fp)
    if _LIMESTONE <= material <= _SAND:
        return _bulk(material, x, y, fp)
    if material == _CONCRETE:
        return _slabs(x, y, fp)
    w, _, _ = fractal(u + z, v - z, 1.2, 3, 0.6, fp)
    return 1 + 0.10 * w, 0.0, 0.0, 0.0
