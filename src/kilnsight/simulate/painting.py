"""Rasters of what the ground is made of, how it is worn, and what has been spilled on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.simulate import materials as m
from kilnsight.simulate.noise import field, stream
from kilnsight.simulate.scene import Bounds, Patch, Points, Road, Scene
from kilnsight.simulate.terrain import into_hill, quarry_share

Bytes = NDArray[np.uint8]
_ROADS = {"asphalt": m.ASPHALT, "dusty": m.DUSTY, "unpaved": m.UNPAVED}
_PATCHES = {"soil": m.SOIL, "yard": m.UNPAVED, "concrete": m.CONCRETE, "grass": m.GRASS,
            "water": m.WATER, "turbid": m.TURBID}
_SHIFT = 4
_RELIEF = {m.GRASS: 0.05, m.SCRUB: 0.07, m.SOIL: 0.06, m.UNPAVED: 0.035, m.ROCK: 0.22,
           m.FIELD: 0.04, m.FOREST: 0.1}


@dataclass(frozen=True)
class Layers:
    """Rasters of equal shape, row 0 in the south.

    `material` as in `materials`; `wear` 128 untouched, less darker, more lighter; `spill` 0 to
    255 how much of `spilled` (a material) lies about; `marking` 0 to 255 road paint; `dirt` 0 to
    255 dust film.
    """

    material: Bytes
    wear: Bytes
    spill: Bytes
    spilled: Bytes
    marking: Bytes
    dirt: Bytes


@dataclass(frozen=True)
class Canvas:
    """Where a raster lies: bounds and cell in metres."""

    bounds: Bounds
    cell: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bounds.shape(self.cell)

    def blank(self, value: int = 0) -> Bytes:
        """Raster full of `value`."""
        return np.full(self.shape, value, dtype=np.uint8)

    def pixels(self, points: Any) -> NDArray[np.int32]:
        """Cells of scene points in OpenCV's fixed point, shape (n, 1, 2)."""
        xy = np.asarray(points, dtype=float) - [self.bounds.west, self.bounds.south]
        fixed = np.rint((xy / self.cell - 0.5) * 2**_SHIFT)
        return np.asarray(fixed.reshape(-1, 1, 2), dtype=np.int32)

    def fill(self, raster: Bytes, ring: Points, value: int) -> None:
        """Fill a ring."""
        cv2.fillPoly(raster, [self.pixels(ring)], value, lineType=cv2.LINE_8, shift=_SHIFT)

    def stroke(self, raster: Bytes, line: Any, *, width: float, value: int) -> None:
        """Draw a line `width` metres wide."""
        thick = max(1, round(width / self.cell))
        cv2.polylines(raster, [self.pixels(line)], False, value, thick, cv2.LINE_8, _SHIFT)


def beside(line: Any, offset: float) -> NDArray[np.float64]:
    """Line moved sideways by `offset` metres to the left."""
    points = np.asarray(line, dtype=float)
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
    return np.asarray(points + offset * np.column_stack([-along[:, 1], along[:, 0]]))


def smooth_line(line: Points, step: float = 4.0) -> NDArray[np.float64]:
    """Line with points every `step` metres or so and its corners rounded."""
    points = np.asarray(line, dtype=float)
    for _ in range(3):
        quarter = 0.75 * points[:-1] + 0.25 * points[1:]
        three = 0.25 * points[:-1] + 0.75 * points[1:]
        mixed = np.stack([quarter, three], axis=1).reshape(-1, 2)
        points = np.vstack([points[:1], mixed, points[-1:]])
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, length[-1], max(2, int(length[-1] / step)))
    return np.column_stack([np.interp(at, length, points[:, k]) for k in (0, 1)])


def paint(
    scene: Scene, bounds: Bounds, *, cell: float, base: NDArray[np.float64], mesh: float
) -> Layers:
    """Layers of the ground before piles are laid on it."""
    del base, mesh
    canvas = Canvas(bounds, cell)
    material = _fray(_soft(scene, canvas), canvas)
    _hard(scene, canvas, material)
    spill, spilled = _spill(scene, canvas)
    return Layers(
        material, _wear(scene, canvas), spill, spilled, _markings(scene, canvas),
        _dirt(scene, canvas),
    )


def _coarse(canvas: Canvas, step: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = canvas.bounds.shape(step)
    x = canvas.bounds.west + step * (np.arange(columns) + 0.5)
    y = canvas.bounds.south + step * (np.arange(rows) + 0.5)
    grid = np.meshgrid(x, y)
    return grid[0], grid[1]


def _enlarge(raster: NDArray[Any], canvas: Canvas, how: int) -> NDArray[Any]:
    rows, columns = canvas.shape
    return np.asarray(cv2.resize(raster, (columns, rows), interpolation=how))


def _soft(scene: Scene, canvas: Canvas) -> Bytes:
    x, y = _coarse(canvas, 0.5)
    px, py = x * scene.sign[0], y * scene.sign[1]
    wild = field(x, y, wavelength=25, octaves=4, salt=301)
    raster = np.where(wild > 0.15, m.SCRUB, m.GRASS).astype(np.uint8)
    t = into_hill(px, py)
    rock = (quarry_share(px) > 0.35) & (t > -3) & (t < 42 + 4 * wild)
    raster[rock] = m.ROCK
    material = _enlarge(raster, canvas, cv2.INTER_NEAREST)
    for patch in scene.patches:
        if patch.kind in ("yard", "soil"):
            canvas.fill(material, patch.ring, _PATCHES[patch.kind])
            _green(patch, canvas, material)
    for road in scene.roads:
        if road.surface == "unpaved":
            canvas.stroke(
                material, smooth_line(road.line), width=road.width, value=m.UNPAVED
            )
    return material


def _green(patch: Patch, canvas: Canvas, material: Bytes) -> None:
    if not patch.greened:
        return
    mask = canvas.blank()
    canvas.fill(mask, patch.ring, 1)
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        return
    cut = columns[0] + round(patch.greened * (columns[-1] - columns[0])) + 1
    mask[:, cut:] = 0
    material[mask > 0] = m.NET_GREEN if patch.net else m.GRASS


def _fray(material: Bytes, canvas: Canvas) -> Bytes:
    # soil and gravel have no straight edges: look each cell up a little beside its place
    x, y = _coarse(canvas, 0.2)
    rows, columns = canvas.shape
    shifts = [
        _enlarge(
            (field(x, y, wavelength=w, octaves=3, gain=0.6, salt=s) * 0.55 / canvas.cell).astype(
                np.float32
            ), canvas, cv2.INTER_LINEAR,
        )
        for w, s in ((2.2, 311), (2.6, 313))
    ]
    grid = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return np.asarray(cv2.remap(
        material, grid[0] + shifts[0], grid[1] + shifts[1], cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    ))


def _hard(scene: Scene, canvas: Canvas, material: Bytes) -> None:
    for patch in scene.patches:
        if patch.kind in ("concrete", "water", "turbid"):
            canvas.fill(material, patch.ring, _PATCHES[patch.kind])
    for road in scene.roads:
        line = smooth_line(road.line)
        if road.surface != "unpaved":
            canvas.stroke(material, line, width=road.width, value=_ROADS[road.surface])
        elif road.paved_to:
            part = line[: max(2, round(road.paved_to * len(line)))]
            canvas.stroke(material, part, width=road.width, value=m.ASPHALT)


def road_lanes(road: Road) -> list[NDArray[np.float64]]:
    """Lines on which the wheels of a road run."""
    line = smooth_line(road.line, 1.5)
    lane = road.width / 4
    return [beside(line, side * lane + wheel) for side in (-1, 1) for wheel in (-0.95, 0.95)]


def _wear(scene: Scene, canvas: Canvas) -> Bytes:
    rng = stream(scene.seed, "tracks")
    light, dark = canvas.blank(), canvas.blank()
    for road in scene.roads:
        for line in road_lanes(road):
            canvas.stroke(light, line, width=0.6, value=150 if road.surface != "asphalt" else 60)
    for patch in scene.patches:
        if patch.kind in ("yard", "concrete", "soil"):
            for n in range(34):
                _arc(canvas, light if n % 3 else dark, np.array(patch.ring), rng)
    wear = 128 + 0.6 * cv2.GaussianBlur(light, (0, 0), 2.2).astype(np.float32)
    wear -= 0.6 * cv2.GaussianBlur(dark, (0, 0), 1.6)
    return np.asarray(np.clip(wear, 0, 255), dtype=np.uint8)


def _arc(
    canvas: Canvas, raster: Bytes, ring: NDArray[np.float64], rng: np.random.Generator
) -> None:
    low, high = ring.min(axis=0), ring.max(axis=0)
    a, b, c = (rng.uniform(low, high) for _ in range(3))
    t = np.linspace(0, 1, 40)[:, None]
    line = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c
    value = int(rng.integers(40, 150))
    layer = np.zeros_like(raster)
    for wheel in (-0.95, 0.95):
        canvas.stroke(layer, beside(line, wheel), width=float(rng.uniform(0.4, 0.7)), value=value)
    np.maximum(raster, layer, out=raster)


def _spill(scene: Scene, canvas: Canvas) -> tuple[Bytes, Bytes]:
    coarse = Canvas(canvas.bounds, 0.5)
    amount = np.zeros(coarse.shape, dtype=np.float32)
    what = coarse.blank(m.LIMESTONE)
    for pile in scene.piles:
        layer = coarse.blank()
        ends = ((pile.x - pile.dx, pile.y - pile.dy), (pile.x + pile.dx, pile.y + pile.dy))
        coarse.stroke(layer, ends, width=2.1 * pile.radius, value=255)
        soft = cv2.GaussianBlur(layer, (0, 0), 5).astype(np.float32)
        near = soft > amount
        what[near] = m.BULK[pile.material]
        amount = np.maximum(amount, soft)
    return (
        _enlarge(np.clip(amount, 0, 255).astype(np.uint8), canvas, cv2.INTER_LINEAR),
        _enlarge(what, canvas, cv2.INTER_NEAREST),
    )


def _markings(scene: Scene, canvas: Canvas) -> Bytes:
    raster = canvas.blank()
    for road in scene.roads:
        if not road.marked:
            continue
        line = smooth_line(road.line, 1.0)
        for side in (-1, 1):
            edge = beside(line, side * (road.width / 2 - 0.35))
            canvas.stroke(raster, edge, width=0.2, value=190)
        for start in range(0, len(line) - 4, 9):
            canvas.stroke(raster, line[start : start + 4], width=0.2, value=220)
    return np.asarray(cv2.GaussianBlur(raster, (0, 0), 0.7))


def _dirt(scene: Scene, canvas: Canvas) -> Bytes:
    x, y = _coarse(canvas, 1.0)
    px, py = x * scene.sign[0], y * scene.sign[1]
    away = np.maximum(np.abs(px + 28) - 95, np.abs(py + 18) - 75)
    film = 1 / (1 + np.exp(away / 9)) + 0.25 * field(x, y, wavelength=14, octaves=3, salt=331)
    return _enlarge(np.clip(200 * film, 0, 255).astype(np.uint8), canvas, cv2.INTER_LINEAR)


def relief(material: Bytes, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Unevenness of the ground in metres at the corners of a grid of `shape`."""
    table = np.full(256, 0.008)
    for number, height in _RELIEF.items():
        table[number] = height
    soft = cv2.GaussianBlur(table[material].astype(np.float32), (0, 0), 2)
    return np.asarray(cv2.resize(soft, (shape[1], shape[0])), dtype=float)
