"""The plan of the plant: who stands where on the first visit."""

# mypy: allow-untyped-calls
from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from shapely.geometry import LineString, Point, Polygon
from shapely.ops import unary_union

from kilnsight.simulate import scene as sc
from kilnsight.simulate.noise import stream
from kilnsight.simulate.scene import Cover, Points

PLANT = sc.Bounds(-130, -100, 130, 100)
COMPACT = sc.Bounds(-124, -80, -4, 0)
"""Part of the plan that a small flight covers: stockpiles, a shed, two roads."""

_SLOTS = [(x, y) for y in (-24.0, -62.0) for x in (-105.0, -77.0, -48.0, -20.0, 10.0, 40.0)]
_COVERS = [
    Cover(), Cover(), Cover(), Cover(), Cover("green", 0.45), Cover("black", 0.6),
    Cover("green", 0.93, torn=True), Cover("green", 1.0), Cover("black", 1.0), Cover("tarp", 1.0),
]
_MATERIALS = [
    "limestone", "coal", "clay", "gypsum", "slag", "sand", "limestone", "coal", "slag", "clay",
]
_REPOSE = {"limestone": 37, "coal": 36, "clay": 35, "gypsum": 38, "slag": 35, "sand": 33}


def blob(
    rng: np.random.Generator, centre: tuple[float, float], radii: tuple[float, float]
) -> Points:
    """Ring of an uneven round patch."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wobble = 1 + sum(
        rng.normal(0, 0.16 / k) * np.cos(k * angles + rng.uniform(0, 6.3)) for k in range(2, 6)
    )
    x = centre[0] + radii[0] * wobble * np.cos(angles)
    y = centre[1] + radii[1] * wobble * np.sin(angles)
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


def _box(west: float, south: float, east: float, north: float) -> Points:
    return ((west, south), (east, south), (east, north), (west, north))


def piles(seed: int) -> tuple[sc.Pile, ...]:
    """Stockpiles of the first visit: ten in the yard, one at the crusher, one under a roof."""
    rng = stream(seed, "piles")
    covers = [_COVERS[i] for i in rng.permutation(len(_COVERS))]
    materials = [_MATERIALS[i] for i in rng.permutation(len(_MATERIALS))]
    slots = [_SLOTS[i] for i in (0, 1, 2, 3, 4, 6, 7, 8, 10, 11)]
    made = []
    for n, ((x, y), cover, material) in enumerate(zip(slots, covers, materials, strict=True)):
        made.append(_pile(rng, n, (x, y), cover=cover, material=material))
    crusher = sc.Pile(
        "P11", "crushed limestone at the crusher", "limestone", -84, 62, 6.5, 37, rough=1.3
    )
    roofed = sc.Pile(
        "P12", "gypsum in the open shed", "gypsum", 41, -25, 6.0, 37, dx=5.0, roofed=True
    )
    return (*made, crusher, roofed)


def _pile(
    rng: np.random.Generator, number: int, place: tuple[float, float], *, cover: Cover,
    material: str,
) -> sc.Pile:
    x, y = place[0] + rng.uniform(-2, 2), place[1] + rng.uniform(-2, 2)
    row = 1.0 if place[1] > -40 else -1.0
    radius = float(rng.choice([4.0, 6.5, 8.5, 10.5, 12.5]) + rng.uniform(-0.6, 0.6))
    long = float(rng.choice([0, 0, 5, 9])) if radius < 11 else float(rng.choice([0, 3, 9]))
    long = min(long, 3.0) if place[0] < -100 else long
    turn = rng.choice([0.0, rng.uniform(-0.3, 0.3)])
    walled = number in (2, 8)
    height = radius * np.tan(np.radians(_REPOSE[material]))
    return sc.Pile(
        f"P{number + 1:02d}", f"{material} pile {number + 1}", material,
        float(x), float(place[1] + row * 2 if walled else y), radius,
        float(_REPOSE[material] + rng.uniform(-2.5, 2.5)),
        dx=float(long * np.cos(turn)), dy=float(long * np.sin(turn)),
        cut=float(rng.choice([0, 0, 0.35, 0.6])) if cover.kind == "none" else 0.0,
        rough=0.5 if material in ("sand", "gypsum") else 1.0, cover=cover,
        wall_height=float(round(0.5 * height, 1)) if walled else 0.0, side=row,
    )


def roads(seed: int) -> tuple[sc.Road, ...]:
    """Roads of the first visit."""
    rng = stream(seed, "roads")
    bend = float(rng.uniform(-4, 4))
    main = ((-250.0, 50.0), (-135.0, 50 + bend), (-20.0, 50.0), (66.0, 50.0), (250.0, 47.0))
    haul = (
        (-112.0, 140.0), (-118.0, 104.0), (-112.0, 86.0), (-98.0, 76.0 + bend / 2),
        (-70.0, 71.0), (-30.0, 70.0), (10.0, 66.0), (34.0, 52.0),
    )
    return (
        sc.Road("R01", "main road", main, 8.0, "asphalt", marked=True),
        sc.Road("R02", "yard road", ((-128.0, -2.0), (66.0, -2.0)), 7.5, "dusty"),
        sc.Road("R03", "haul road", haul, 8.5, "unpaved"),
        sc.Road("R04", "east road", ((66.0, 50.0), (66.0, -96.0)), 7.0, "asphalt", marked=True),
        sc.Road("R05", "west road", ((-126.0, 50.0), (-126.0, -88.0)), 6.5, "dusty"),
        sc.Road("R06", "south track", ((-126.0, -88.0), (-20.0, -90.0), (66.0, -86.0)), 6.0,
                "unpaved"),
    )


def patches(seed: int) -> tuple[sc.Patch, ...]:
    """Yards, bare soil and water of the first visit."""
    rng = stream(seed, "patches")
    turbid = bool(rng.random() < 0.7)
    return (
        sc.Patch("Y01", "process yard", _box(-118, 2, 62, 45), "concrete"),
        sc.Patch("Y02", "stockyard", _box(-122, -83, 62, -6), "yard"),
        sc.Patch("Y03", "concrete pads", _box(-122, -44, 62, -6), "concrete"),
        sc.Patch("Y04", "office yard", _box(74, -56, 126, -12), "concrete"),
        sc.Patch("S01", "bare soil in the east", blob(rng, (98, 12), (20, 13)), "soil"),
        sc.Patch("S02", "bare soil by the gate", blob(rng, (102, 74), (19, 11)), "soil"),
        sc.Patch("S03", "bare soil in the north", blob(rng, (34, 84), (20, 8)), "soil"),
        sc.Patch("W01", "settling pond", blob(rng, (100, -82), (17, 10)),
                 "turbid" if turbid else "water"),
    )


def trench(seed: int) -> sc.Patch:
    """Bare soil that the second visit finds; nothing grows there before."""
    ring = blob(stream(seed, "new soil"), (88, -4.5), (10, 5))
    return sc.Patch("S04", "bare soil at the new trench", ring, "soil", change="new")


def sheds(seed: int) -> tuple[sc.Shed, ...]:
    """Sheds and halls."""
    rng = stream(seed, "sheds")
    grow = rng.uniform(0.9, 1.1, 4)
    return (
        sc.Shed("H01", "blending hall", -92, 22, 44 * grow[0], 20, 8, 12, "blue"),
        sc.Shed("H02", "gypsum shed", 42, -24, 30, 22, 7, 10, "blue", open_side="w"),
        sc.Shed("H03", "packing hall", 45, 31, 22, 18 * grow[1], 8, 10.5, "grey"),
        sc.Shed("H04", "workshop", 92, -24, 26 * grow[2], 14, 6, 8.5, "blue"),
        sc.Shed("H05", "office", 110, -44, 22, 10 * grow[3], 9, 9.6, "grey"),
        sc.Shed("H06", "raw mill", -50, 32, 16, 16, 16, 18, "grey"),
        sc.Shed("H07", "crusher", -100, 60, 9, 9, 8, 9.5, "grey"),
    )


def tanks(seed: int) -> tuple[sc.Tank, ...]:
    """Silos, the stack and other cylinders."""
    rng = stream(seed, "tanks")
    h = float(rng.uniform(24, 30))
    row = [sc.Tank(28.0, 12.0 + 11 * i, 5.0, h) for i in range(3)]
    return (
        *row, sc.Tank(14, 14, 7.5, 22), sc.Tank(-50, 12, 5.5, 30),
        sc.Tank(-62, 41, 1.6, 52, "stack"),
    )


def conveyors(seed: int) -> tuple[sc.Conveyor, ...]:
    """Belt galleries, one with an open length."""
    del seed
    return (
        sc.Conveyor("C01", "limestone gallery", (-96, 56, 3), (-72, 28, 11), 0.0, 0.0),
        sc.Conveyor("C02", "yard gallery", (-64, -42, 2.5), (-50, 22, 15), 0.25, 0.62),
        sc.Conveyor("C03", "clinker gallery", (6, 24, 9), (14, 14, 21), 0.0, 0.0),
        sc.Conveyor("C04", "cement gallery", (28, 36, 22), (45, 36, 10), 0.0, 0.0),
    )


def _scatter(
    rng: np.random.Generator, box: Points, count: int, sizes: tuple[float, float]
) -> list[sc.Tree]:
    (west, south), (east, north) = box[0], box[2]
    made = []
    for _ in range(count):
        radius = float(rng.uniform(*sizes))
        made.append(sc.Tree(
            float(rng.uniform(west, east)), float(rng.uniform(south, north)), radius,
            float(radius * rng.uniform(1.7, 2.6)),
        ))
    return made


def trees(seed: int) -> tuple[sc.Tree, ...]:
    """Trees along roads and in the green strips, bushes, and woods around."""
    rng = stream(seed, "trees")
    rows = [(x, 57.5) for x in range(46, 128, 7)] + [(72.5, y) for y in range(-92, 40, 7)]
    lines = [
        sc.Tree(float(x + rng.normal(0, 0.5)), float(y + rng.normal(0, 0.4)),
                float(rng.uniform(1.6, 2.6)), float(rng.uniform(4, 6.5)))
        for x, y in rows if rng.random() < 0.85
    ]
    groves = [
        *_scatter(rng, _box(76, -10, 128, -2), 14, (1.2, 3.0)),
        *_scatter(rng, _box(76, 28, 128, 42), 22, (1.4, 3.6)),
        *_scatter(rng, _box(112, -70, 132, -58), 12, (1.2, 2.8)),
        *_scatter(rng, _box(-170, -130, 150, -97), 130, (1.4, 4.0)),
        *_scatter(rng, _box(-175, -100, -134, 110), 90, (1.4, 4.0)),
        *_scatter(rng, _box(134, -130, 180, 42), 90, (1.4, 4.0)),
        *_scatter(rng, _box(-160, 128, 160, 175), 130, (1.6, 3.8)),
        *_scatter(rng, _box(60, 92, 150, 130), 50, (1.2, 3.4)),
        *_scatter(rng, _box(-120, 52.5, 60, 58), 30, (0.5, 1.0)),
        *_scatter(rng, _box(75, -96, 128, -60), 30, (0.5, 1.3)),
    ]
    bare = [Polygon(p.ring).buffer(2.5) for p in (*patches(seed), trench(seed))]
    ways = [LineString(r.line).buffer(r.width / 2 + 2) for r in roads(seed)]
    taken = unary_union([*bare, *ways])
    return tuple(t for t in (*lines, *groves) if not taken.contains(Point(t.x, t.y)))


def vehicles(seed: int, visit: int) -> tuple[sc.Vehicle, ...]:
    """Trucks, cars and loaders of the day; they are others on each visit."""
    rng = stream(seed, f"vehicles {visit}")
    places = [(-60, 48, 0), (20, 52, 180), (-30, -3.6, 0), (30, -0.4, 180), (67.6, -30, 270),
              (-127.4, -20, 90), (-40, 70.5, 175), (58, 14, 90), (100, 46.4, 178)]
    chosen = rng.permutation(len(places))[:7]
    paints = [(0.55, 0.06, 0.04), (0.05, 0.13, 0.4), (0.6, 0.6, 0.6), (0.6, 0.42, 0.05)]
    loads = ["limestone", "sand", "clay", "coal", "slag", "limestone", ""]
    trucks = [
        sc.Vehicle(
            f"T{visit}{n + 1}", "truck",
            places[i][0] + float(rng.uniform(-8, 8)) * (places[i][2] in (0, 180)),
            float(places[i][1]), float(places[i][2] + rng.normal(0, 2)),
            paints[int(rng.integers(4))], loads[n], covered=n % 2 == 1,
        )
        for n, i in enumerate(chosen)
    ]
    cars = [
        sc.Vehicle(f"K{visit}{n + 1}", "car", 80.0 + 2.9 * float(k), -52.0, 90.0,
                   (paints * 3 + [(0.03, 0.03, 0.03)])[int(rng.integers(13))])
        for n, k in enumerate(np.sort(rng.permutation(12)[:7]))
    ]
    loaders = [
        sc.Vehicle(f"L{visit}1", "loader", float(rng.uniform(-100, 20)), -42.5,
                   float(rng.uniform(0, 360)), (0.65, 0.42, 0.04)),
        sc.Vehicle(f"L{visit}2", "loader", -92.0, 70.0 + float(rng.uniform(-1, 1)), 20.0,
                   (0.65, 0.42, 0.04)),
    ]
    return (*trucks, *cars, *loaders)


def sky(seed: int, visit: int, site: sc.Site) -> sc.Sky:
    """Day and light of a visit."""
    rng = stream(seed, f"sky {visit}")
    start = datetime(2026, 4, 15, 9, 10) if visit == 1 else datetime(2026, 6, 3, 14, 50)
    time = start + timedelta(minutes=int(rng.integers(0, 25)), seconds=int(rng.integers(0, 60)))
    azimuth, elevation = sc.sun_position(time, site.lon_lat)
    return sc.Sky(time, azimuth, elevation, float(rng.uniform(0.18, 0.34)))
