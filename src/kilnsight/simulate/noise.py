"""Noise that is anchored to the world: the same point looks the same from every photo."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilnsight.simulate.kernels import fast, spliced

Floats = NDArray[np.floating[Any]]

_COS, _SIN = 0.7986, 0.6018


def stream(seed: int, name: str) -> np.random.Generator:
    """Random numbers of their own for each `name`, so that one thing never shifts another."""
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))


@spliced
def _mixed(ix: int, iy: int) -> int:
    n = ix * 0x27D4EB2F165667C5 + iy * 0x1B873593CC9E2D51
    n ^= n >> 31
    n *= 0x2545F4914F6CDD1D
    return n ^ (n >> 29)


@spliced
def scatter(ix: int, iy: int) -> float:
    """Random number in [0, 1) of a lattice point, always the same."""
    return (_mixed(ix, iy) & 0xFFFFFF) * (1.0 / 16777216.0)


@fast
def wave(x: float, y: float) -> tuple[float, float, float]:
    """Smooth noise in [-1, 1] with lattice size 1, and its slopes along x and y."""
    ix, iy = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - ix, y - iy
    u, w = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    du, dw = 6 * fx * (1 - fx), 6 * fy * (1 - fy)
    a, b = scatter(ix, iy), scatter(ix + 1, iy)
    c, d = scatter(ix, iy + 1), scatter(ix + 1, iy + 1)
    twist = a - b - c + d
    value = a + (b - a) * u + (c - a) * w + twist * u * w
    return 2 * value - 1, 2 * du * (b - a + twist * w), 2 * dw * (c - a + twist * u)


@fast
def fractal(
    x: float, y: float, wavelength: float, octaves: int, gain: float, footprint: float
) -> tuple[float, float, float]:
    """Sum of octaves, the first of `wavelength` metres, and its slopes per metre.

    Octaves finer than twice `footprint` (metres a pixel covers) fade out: no shimmer.
    """
    xr, yr = _COS * x - _SIN * y + 517.3, _SIN * x + _COS * y + 211.7
    value, sx, sy, amplitude = 0.0, 0.0, 0.0, 1.0
    frequency, room = 1.0 / wavelength, wavelength / footprint
    for octave in range(octaves):
        if room <= 1:
            break
        weight = amplitude * min(1.0, room - 1.0)
        v, dx, dy = wave(xr * frequency + 31.7 * octave, yr * frequency + 17.1 * octave)
        value += weight * v
        sx += weight * frequency * dx
        sy += weight * frequency * dy
        amplitude *= gain
        frequency *= 2.1277
        room *= 0.47
    return value, _COS * sx + _SIN * sy, -_SIN * sx + _COS * sy


@fast
def stones(x: float, y: float, size: float) -> tuple[float, float, float, float]:
    """Nearest stone of a scatter of stones about `size` metres apart.

    Gives the distance to its middle (in sizes, exact up to 0.5), the direction to it (x, y),
    and a random number in [0, 1) that is the stone's own.
    """
    px, py = x / size, y / size
    ix, iy = int(np.floor(px - 0.5)), int(np.floor(py - 0.5))
    best, bx, by, own = 9.0, 0.0, 0.0, 0.0
    for jy in range(iy, iy + 2):
        for jx in range(ix, ix + 2):
            n = _mixed(jx, jy)
            dx = jx + 0.2 + 0.6 / 2048 * (n & 2047) - px
            dy = jy + 0.2 + 0.6 / 2048 * ((n >> 11) & 2047) - py
            r = dx * dx + dy * dy
            if r < best:
                best, bx, by, own = r, dx, dy, ((n >> 22) & 1023) / 1024
    return np.sqrt(best), bx, by, own


@fast
def _fill(out: Floats, x: Floats, y: Floats, wavelength: float, octaves: int, gain: float) -> None:
    for i in range(out.size):
        out[i] = fractal(x[i], y[i], wavelength, octaves, gain, 1e-3)[0]


def field(
    x: Floats, y: Floats, *, wavelength: float, octaves: int = 3, gain: float = 0.5, salt: int = 0
) -> Floats:
    """Fractal noise at points `x`, `y` (metres, any equal shape); `salt` picks another field."""
    x, y = np.broadcast_arrays(x, y)
    out = np.empty(x.size)
    shift = 977.0 * salt
    _fill(
        out, np.ascontiguousarray(x, dtype=float).ravel() + shift,
        np.ascontiguousarray(y, dtype=float).ravel() - shift, wavelength, octaves, gain,
    )
    return out.reshape(x.shape)
