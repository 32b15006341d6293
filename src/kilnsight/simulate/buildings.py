"""The bodies of a scene: halls, silos, kiln, galleries, walls, vehicles, trees."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilnsight.simulate import materials as m
from kilnsight.simulate import scene as sc
from kilnsight.simulate.ground import Ground
from kilnsight.simulate.mesh import Builder, Mesh, sphere
from kilnsight.simulate.noise import stream
from kilnsight.simulate.piles import wall_distance
from kilnsight.simulate.terrain import bare_height

Array = NDArray[np.float64]
_ROOFS = {"blue": m.ROOF_BLUE, "grey": m.ROOF_GREY}
GALLERY_M = (2.8, 2.6)
"""Width and height of a belt gallery."""
WALL_M = 0.4


def raise_buildings(scene: sc.Scene, ground: Ground) -> Mesh:
    """Mesh of everything that is not ground, within 60 m of the area flown over."""
    builder = Builder()
    near = scene.bounds.grown(60)
    for shed in scene.sheds:
        _shed(builder, shed, _floor(scene, shed.x, shed.y))
    for tank in scene.tanks:
        _tank(builder, tank, _floor(scene, tank.x, tank.y))
    for belt in scene.conveyors:
        _conveyor(builder, belt, scene)
    for pile in scene.piles:
        if pile.wall_height:
            _pile_wall(builder, pile, _floor(scene, pile.x, pile.y))
    _kiln_line(builder, scene)
    _fence(builder, scene)
    _clutter(builder, scene)
    for vehicle in scene.vehicles:
        _vehicle(builder, vehicle, _floor(scene, vehicle.x, vehicle.y))
    rng = stream(scene.seed, "crowns")
    for tree in scene.trees:
        shape = rng.normal(size=(30, 3)), rng.uniform(0.08, 0.34, 30), rng.uniform(0.75, 1.25, 3)
        if near.contains(tree.x, tree.y):
            _crown(builder, tree, _floor(scene, tree.x, tree.y), shape)
    return builder.build()


def _floor(scene: sc.Scene, x: float, y: float) -> float:
    return float(bare_height(np.array([x]), np.array([y]), scene)[0])


def _axes(half_x: float, half_y: float, turn_deg: float = 0.0) -> Array:
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return np.array([[half_x * c, half_x * s], [-half_y * s, half_y * c]])


def _shed(builder: Builder, shed: sc.Shed, floor: float) -> None:
    hx, hy = shed.length / 2, shed.width / 2
    low, eaves, ridge = floor - 1, floor + shed.eaves, floor + shed.ridge
    corners = {"sw": (-hx, -hy), "se": (hx, -hy), "ne": (hx, hy), "nw": (-hx, hy)}
    tint = (0.75, 0.85, 1.0) if shed.colour == "blue" else (0.95, 0.95, 0.93)
    for side, (a, b) in {"s": ("sw", "se"), "e": ("se", "ne"), "n": ("ne", "nw"),
                         "w": ("nw", "sw")}.items():
        if side == shed.open_side:
            continue
        pa, pb = (np.array([shed.x, shed.y]) + corners[k] for k in (a, b))
        builder.quad(
            (*(np.append(p, low) for p in (pa, pb)), *(np.append(p, eaves) for p in (pb, pa))),
            material=m.CLADDING, tint=tint, along=(0, 0, 1),
        )
        if side in "ew":
            peak = np.array([pa[0], shed.y, ridge])
            builder.quad((np.append(pa, eaves), np.append(pb, eaves), peak, peak),
                         material=m.CLADDING, tint=tint, along=(0, 0, 1))
    _roof(builder, shed, eaves, ridge)


def _roof(builder: Builder, shed: sc.Shed, eaves: float, ridge: float) -> None:
    hx, hy, drop = shed.length / 2 + 0.6, shed.width / 2 + 0.6, 0.15
    for side in (-1, 1):
        builder.quad(
            [(shed.x - hx, shed.y + side * hy, eaves - drop),
             (shed.x + hx, shed.y + side * hy, eaves - drop),
             (shed.x + hx, shed.y, ridge), (shed.x - hx, shed.y, ridge)],
            material=_ROOFS[shed.colour], along=(0, 1, 0),
        )
    for k in range(int(shed.length // 9)):
        x = shed.x - shed.length / 2 + 5 + 9 * k
        builder.box((x, shed.y), _axes(1.0, 0.5), low=ridge - 0.4, high=ridge + 0.7,
                    material=m.STEEL)


def _tank(builder: Builder, tank: sc.Tank, floor: float) -> None:
    top = floor + tank.height
    low, high = (tank.x, tank.y, floor - 1), (tank.x, tank.y, top)
    if tank.kind == "stack":
        builder.tube(low, high, (tank.radius * 1.25, tank.radius), material=m.CAST, cap=False)
        for k in (1, 3):
            builder.tube((tank.x, tank.y, top - 4 * k), (tank.x, tank.y, top - 4 * k + 3),
                         (tank.radius * 1.06, tank.radius * 1.04), material=m.PAINT,
                         tint=(0.9, 0.12, 0.08), cap=False)
        return
    builder.tube(low, high, (tank.radius, tank.radius), material=m.CAST)
    builder.box((tank.x, tank.y), _axes(tank.radius * 0.45, 1.6), low=top, high=top + 2.6,
                material=m.CLADDING, top=m.ROOF_BLUE)
    builder.box((tank.x + 0.6 * tank.radius, tank.y - 0.4 * tank.radius), _axes(0.5, 0.5),
                low=top, high=top + 1.1, material=m.STEEL)


def conveyor_line(belt: sc.Conveyor, scene: sc.Scene) -> tuple[Array, Array]:
    """Middle of the underside of a gallery at both ends, heights as in the map."""
    ends = [np.array([x, y, z + _floor(scene, x, y)]) for x, y, z in (belt.start, belt.end)]
    return ends[0], ends[1]


def _conveyor(builder: Builder, belt: sc.Conveyor, scene: sc.Scene) -> None:
    a, b = conveyor_line(belt, scene)
    spans = [(0.0, belt.open_from), (belt.open_to, 1.0)] if belt.open_to else [(0.0, 1.0)]
    for start, end in spans:
        if end > start:
            builder.beam(a + start * (b - a), a + end * (b - a), width=GALLERY_M[0],
                         height=GALLERY_M[1], material=m.CLADDING, top=m.ROOF_BLUE)
    if belt.open_to > belt.open_from:
        _open_belt(builder, a + belt.open_from * (b - a), a + belt.open_to * (b - a))
    count = max(2, int(np.linalg.norm(b - a) // 11) + 1)
    for share in np.linspace(0.08, 0.92, count):
        x, y, z = a + share * (b - a)
        ground = _floor(scene, float(x), float(y))
        for side in (-1, 1):
            builder.box((x + side * 0.9, y + side * 0.5), _axes(0.18, 0.18), low=ground - 0.5,
                        high=z, material=m.STEEL)


def _open_belt(builder: Builder, a: Array, b: Array) -> None:
    side = np.array([-(b - a)[1], (b - a)[0], 0.0])
    side /= np.linalg.norm(side)
    lift = np.array([0, 0, 0.25])
    builder.beam(a, b, width=GALLERY_M[0], height=0.25, material=m.STEEL)
    builder.beam(a + lift, b + lift, width=1.3, height=0.5, material=m.BELT)
    builder.beam(a + 3 * lift, b + 3 * lift, width=0.8, height=0.15, material=m.LIMESTONE)
    for offset in (-1.35, 1.35):
        builder.beam(a + lift + offset * side, b + lift + offset * side, width=0.08, height=1.0,
                     material=m.STEEL)


def pile_wall(pile: sc.Pile) -> tuple[Array, Array, float]:
    """Ends (x, y) and height in metres of the wall behind a pile."""
    y = pile.y + pile.side * (wall_distance(pile) + WALL_M / 2 + 0.1)
    half = abs(pile.dx) + pile.radius + 1.5
    return np.array([pile.x - half, y]), np.array([pile.x + half, y]), pile.wall_height


def _pile_wall(builder: Builder, pile: sc.Pile, floor: float) -> None:
    a, b, height = pile_wall(pile)
    builder.box(tuple((a + b) / 2), _axes((b[0] - a[0]) / 2, WALL_M / 2), low=floor - 1,
                high=floor + height, material=m.CAST)


def _kiln_line(builder: Builder, scene: sc.Scene) -> None:
    sx, sy = scene.sign
    floor = _floor(scene, -34 * sx, 24 * sy)
    _preheater(builder, (-34 * sx, 24 * sy), floor)
    start, end = np.array([-28 * sx, 24 * sy, floor + 11]), np.array([1 * sx, 24 * sy, floor + 9.6])
    builder.tube(start, end, (2.1, 2.1), material=m.KILN)
    for share in (0.12, 0.5, 0.86):
        p = start + share * (end - start)
        half = 0.45 * (end - start) / np.linalg.norm(end - start)
        builder.tube(p - half, p + half, (2.55, 2.55), material=m.STEEL, tint=(0.6, 0.5, 0.45))
        builder.box((p[0], p[1]), _axes(1.6, 2.6), low=floor - 1, high=p[2] - 2.2, material=m.CAST)
    builder.box((4.5 * sx, 24 * sy), _axes(4.5, 4), low=floor - 1, high=floor + 13,
                material=m.CLADDING, top=m.ROOF_GREY)
    builder.tube((-43 * sx, 41 * sy, floor), (-43 * sx, 41 * sy, floor + 15), (2.6, 2.6),
                 material=m.STEEL)
    builder.box((-54 * sx, 42.5 * sy), _axes(4.5, 2.2), low=floor, high=floor + 12,
                material=m.CLADDING, top=m.ROOF_GREY)


def _preheater(builder: Builder, place: tuple[float, float], floor: float) -> None:
    x, y = place
    for level in range(1, 7):
        z = floor + 7.2 * level
        builder.box(place, _axes(6, 6), low=z - 0.35, high=z, material=m.STEEL, top=m.CONCRETE)
    for dx in (-5.6, 0.0, 5.6):
        for dy in (-5.6, 5.6):
            builder.box((x + dx, y + dy), _axes(0.4, 0.4), low=floor - 1, high=floor + 43.2,
                        material=m.STEEL)
    for level in range(1, 6):
        z, side = floor + 7.2 * level, 1 if level % 2 else -1
        builder.tube((x + 2.4 * side, y, z + 0.2), (x + 2.4 * side, y, z + 3), (0.7, 2.5),
                     material=m.CAST, tint=(0.8, 0.8, 0.8), cap=False)
        builder.tube((x + 2.4 * side, y, z + 3), (x + 2.4 * side, y, z + 6), (2.5, 2.5),
                     material=m.CAST, tint=(0.8, 0.8, 0.8))
    for dx in (-2.7, 2.7):
        builder.tube((x + dx, y, floor + 43.4), (x + dx, y, floor + 47.5), (2.2, 2.2),
                     material=m.CAST, tint=(0.8, 0.8, 0.8))


def _fence(builder: Builder, scene: sc.Scene) -> None:
    sx, sy = scene.sign
    lines = [((-132, -96), (-132, 44)), ((-132, -96), (60, -96)), ((130, -96), (130, 42)),
             ((72, -98), (130, -98))]
    for a, b in lines:
        start, end = np.array(a) * (sx, sy), np.array(b) * (sx, sy)
        count = int(np.linalg.norm(end - start) // 5)
        shares = np.linspace(0, 1, count + 1)
        for s, e in pairwise(shares):
            p, q = start + s * (end - start), start + e * (end - start)
            floor = _floor(scene, float((p + q)[0] / 2), float((p + q)[1] / 2))
            builder.beam(np.append(p, floor - 0.5), np.append(q, floor - 0.5), width=0.25,
                         height=2.7, material=m.CAST)


def _clutter(builder: Builder, scene: sc.Scene) -> None:
    rng = stream(scene.seed, "clutter")
    paints = np.array([(0.3, 0.09, 0.05), (0.08, 0.16, 0.3), (0.5, 0.5, 0.48), (0.12, 0.25, 0.15)])
    boxes = [(-118, 3.5, -60, 9), (20, 42, 60, 46), (-20, 2, 10, 8), (76, -36, 84, -14),
             (30, 3, 62, 10), (100, -34, 124, -30)]
    for west, south, east, north in boxes:
        for _ in range(7):
            x, y = float(rng.uniform(west, east)), float(rng.uniform(south, north))
            x, y = x * scene.sign[0], y * scene.sign[1]
            size = rng.choice([0.6, 1.2, 1.2, 3.0]) * rng.uniform(0.8, 1.1)
            floor, turn = _floor(scene, x, y), float(rng.choice([0, 90]) + rng.normal(0, 4))
            builder.box((x, y), _axes(size, min(size, 1.2), turn), low=floor - 0.3,
                        high=floor + float(min(2.5, 0.9 * size + 0.3)), material=m.PAINT,
                        tint=paints[int(rng.integers(4))] / 0.6)


def _vehicle(builder: Builder, vehicle: sc.Vehicle, floor: float) -> None:
    parts = _VEHICLES[vehicle.kind]
    turn = np.radians(vehicle.heading_deg)
    ahead, aside = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    for along, across, length, width, low, high, part in parts:
        material = int(part)
        tint: Any = tuple(c / 0.6 for c in vehicle.colour) if material == m.PAINT else (1, 1, 1)
        if material == m.LOAD:
            if not vehicle.load:
                continue
            material = m.TARP if vehicle.covered else m.BULK[vehicle.load]
            tint = (0.6, 0.45, 0.3) if vehicle.covered else (1, 1, 1)
        middle = np.array([vehicle.x, vehicle.y]) + along * ahead + across * aside
        builder.box(
            (middle[0], middle[1]), _axes(length / 2, width / 2, vehicle.heading_deg),
            low=floor + low, high=floor + high, material=material, tint=tint,
        )


_WHEELS = [(x, y, 1.0, 0.35, 0.0, 1.0, m.RUBBER)
           for x in (3.3, -1.6, -2.9) for y in (-1.08, 1.08)]
_TRUCK = [
    *_WHEELS, (3.6, 0, 2.1, 2.4, 0.6, 3.1, m.PAINT), (4.5, 0, 0.35, 2.1, 1.9, 2.9, m.GLASS),
    (-0.5, 0, 8.0, 1.0, 0.6, 1.1, m.STEEL), (-1.0, 0, 6.4, 2.45, 1.1, 1.25, m.PAINT),
    (-1.0, 1.18, 6.4, 0.12, 1.1, 2.6, m.PAINT), (-1.0, -1.18, 6.4, 0.12, 1.1, 2.6, m.PAINT),
    (2.2, 0, 0.12, 2.45, 1.1, 2.9, m.PAINT), (-4.2, 0, 0.12, 2.45, 1.1, 2.6, m.PAINT),
    (-1.0, 0, 6.2, 2.25, 1.3, 2.45, m.LOAD), (-1.0, 0, 4.6, 1.4, 2.45, 2.85, m.LOAD),
]
_CAR = [
    (0, 0, 4.4, 1.8, 0.3, 0.85, m.PAINT), (-0.2, 0, 2.4, 1.6, 0.85, 1.3, m.GLASS),
    (-0.2, 0, 1.7, 1.45, 1.3, 1.45, m.PAINT),
]
_LOADER = [
    (-1.6, 0, 3.0, 2.3, 0.9, 2.2, m.PAINT), (0.2, 0, 1.5, 1.5, 1.0, 3.3, m.GLASS),
    (0.2, 0, 1.6, 1.6, 3.3, 3.45, m.PAINT), (1.9, 0, 2.2, 1.2, 0.9, 1.7, m.PAINT),
    (3.6, 0, 1.2, 2.9, 0.2, 1.2, m.STEEL),
    *[(x, y, 1.5, 0.6, 0.0, 1.5, m.RUBBER) for x in (-1.6, 1.6) for y in (-1.0, 1.0)],
]


_VEHICLES: dict[str, Any] = {"truck": _TRUCK, "car": _CAR, "loader": _LOADER}


def _crown(builder: Builder, tree: sc.Tree, floor: float, shape: tuple[Any, Any, Any]) -> None:
    ways, strength, colour = shape
    points, faces = sphere(3 if tree.radius > 1.6 else 2)
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    lumps = np.clip(points @ ways.T, 0, 1) ** 26 @ strength
    size = tree.radius * (0.78 + lumps)
    tall = np.array([1, 1, 0.45 * tree.height / tree.radius])
    tall[2] = np.clip(tall[2], 0.7, 1.15)
    body = points * size[:, None] * tall
    middle = np.array([tree.x, tree.y, floor + tree.height - tree.radius * tall[2]])
    depth = 0.55 + 1.5 * np.clip(lumps[faces].mean(axis=1), 0, 0.4)
    tint = depth[:, None] * (1 + 0.35 * (colour - 1) * [1.6, 1.0, 1.0])
    builder.add(body + middle, faces, material=m.LEAVES, along=(0, 0, 1), tint=tint, flat=False)
    if tree.height > 3:
        builder.tube((tree.x, tree.y, floor - 0.3), (tree.x, tree.y, middle[2]), (0.18, 0.12),
                     material=m.STEEL, tint=(0.4, 0.3, 0.2), cap=False, sides=6)
