"""Stockpiles as heights above the ground, and what covers them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kilnsight.simulate.noise import field
from kilnsight.simulate.scene import Pile

Array = NDArray[np.float64]
FOOT_M = 0.03
"""Where a pile is lower than this it is taken as ground."""
_FACE = np.tan(np.radians(58))


@dataclass(frozen=True)
class PileMeasures:
    """What is true of a pile.

    `volume_m3` lies between the rendered surface and the bare ground, `surface_m2` is the
    sloping surface, `exposed_m2` the plan area of its bare part, `cover_fraction` the share of
    the sloping surface under a cover.
    """

    area_m2: float
    volume_m3: float
    height_m: float
    surface_m2: float
    exposed_m2: float
    cover_fraction: float


def salt_of(pile: Pile) -> int:
    """Number that gives a pile its own unevenness."""
    return 11 + int(pile.id[1:])


def wall_distance(pile: Pile) -> float:
    """Metres along y from the middle of a pile to its wall's inner face."""
    return 0.72 * pile.radius


def reach(pile: Pile) -> tuple[float, float]:
    """Half extent of a pile along x and y, with some margin, in metres."""
    return 1.25 * pile.radius + abs(pile.dx) + 1, 1.25 * pile.radius + abs(pile.dy) + 1


def _crest_distance(pile: Pile, x: Array, y: Array) -> Array:
    rx, ry = x - pile.x, y - pile.y
    length2 = pile.dx**2 + pile.dy**2
    along = (rx * pile.dx + ry * pile.dy) / length2 if length2 else np.zeros_like(rx)
    along = np.clip(along, -1, 1)
    return np.asarray(np.hypot(rx - along * pile.dx, ry - along * pile.dy))


def pile_height(pile: Pile, x: Array, y: Array) -> Array:
    """Height of a pile above the ground in metres, 0 outside it, at points of any shape."""
    slope, salt = np.tan(np.radians(pile.repose_deg)), salt_of(pile)
    uneven = field(x, y, wavelength=max(2.5, 0.8 * pile.radius), octaves=2, salt=salt)
    distance = _crest_distance(pile, x, y) * (1 + 0.10 * pile.rough * uneven)
    blunt = 0.05 * pile.radius
    height = slope * (pile.radius - np.sqrt(distance**2 + blunt**2) + blunt)
    if pile.cut:
        height = np.minimum(height, _FACE * _cut_distance(pile, x, y, salt))
    lumps = field(x, y, wavelength=1.7, octaves=4, gain=0.6, salt=salt + 40)
    calm = 0.35 if pile.cover.part > 0.5 else 1.0
    height = height + 0.10 * pile.rough * calm * lumps * np.clip(height / 0.6, 0, 1)
    if pile.wall_height:
        height = np.where((y - pile.y) * pile.side > wall_distance(pile) + 0.1, 0, height)
    return np.asarray(np.where(height < FOOT_M, 0, height))


def _cut_distance(pile: Pile, x: Array, y: Array, salt: int) -> Array:
    turn = 2.4 * salt
    ahead = (x - pile.x) * np.cos(turn) + (y - pile.y) * np.sin(turn)
    wobble = field(x, y, wavelength=3.0, octaves=3, salt=salt + 80)
    return np.asarray(pile.cut * pile.radius + 0.8 * wobble - ahead)


def cover_mask(
    pile: Pile, x: Array, y: Array, *, height: Array, weight: Array
) -> NDArray[np.bool_]:
    """Where a cover lies on the pile; `weight` is sloping surface per cell.

    The covered share of the surface equals `pile.cover.part` to within a cell.
    """
    on = height > 0
    if pile.cover.part <= 0 or not on.any():
        return np.zeros(x.shape, dtype=bool)
    if pile.cover.part >= 1:
        return np.asarray(on)
    salt = salt_of(pile)
    if pile.cover.torn:
        rank = -field(x, y, wavelength=4.5, octaves=2, salt=salt + 160)
    else:
        turn = 1.7 * salt
        rank = (x - pile.x) * np.cos(turn) + (y - pile.y) * np.sin(turn)
        rank = rank + 1.0 * field(x, y, wavelength=4, octaves=3, salt=salt + 120)
    order = np.argsort(rank[on])
    total = np.cumsum(weight[on][order])
    last = min(int(np.searchsorted(total, pile.cover.part * total[-1])), total.size - 1)
    return np.asarray(on & (rank <= rank[on][order][last]))
