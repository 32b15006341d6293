"""The true problems and objects of a scene, as polygons with measures."""

# mypy: allow-untyped-calls
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import features
from rasterio.transform import from_origin
from shapely.geometry import MultiPolygon, Polygon, box, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from kilnsight.simulate import materials as m
from kilnsight.simulate import scene as sc
from kilnsight.simulate.buildings import GALLERY_M, conveyor_line
from kilnsight.simulate.ground import PAINT_M, Ground
from kilnsight.simulate.painting import Canvas, smooth_line

Measures = dict[str, Any]
COVERED = 0.95
"""From this share of its surface on a pile counts as covered."""
_LESS, _MORE = 0.85, 1.10


@dataclass(frozen=True)
class Thing:
    """An object or problem: `shape` in scene coordinates, `size` what change is judged by."""

    id: str
    code: str
    name: str
    shape: BaseGeometry
    size: float
    measures: Measures = field(default_factory=dict)


def outline(mask: NDArray[np.bool_], ground: Ground) -> BaseGeometry:
    """Polygons around the cells of a mask of the ground's rasters, in scene coordinates."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return Polygon()
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.uint8)
    origin = (ground.bounds.west + left * PAINT_M, ground.bounds.south + top * PAINT_M)
    place = from_origin(*origin, PAINT_M, -PAINT_M)
    found = [shape(g) for g, v in features.shapes(part, mask=part > 0, transform=place) if v]
    whole = unary_union([p for p in found if p.area > 0.5])
    simple: BaseGeometry = whole.simplify(0.08)
    return simple


def _area(mask: NDArray[np.bool_]) -> float:
    return float(mask.sum()) * PAINT_M**2


def _inside(scene: sc.Scene, ground: Ground) -> NDArray[np.bool_]:
    mask = np.zeros(ground.layers.material.shape, dtype=bool)
    # what lies beyond the area flown over cannot be found, so it is no part of the truth
    inset = round((scene.bounds.west - ground.bounds.west) / PAINT_M)
    mask[inset:-inset, inset:-inset] = True
    return mask


def objects(scene: sc.Scene, ground: Ground) -> list[Thing]:
    """Everything of note inside the area flown over, problem or not."""
    edge = box(scene.bounds.west, scene.bounds.south, scene.bounds.east, scene.bounds.north)
    things = [_pile(p, n, ground) for n, p in enumerate(scene.piles)]
    things += _flat_things(scene, ground)
    things += [_shed(s) for s in scene.sheds]
    things += [_conveyor(c, scene) for c in scene.conveyors]
    things += [_vehicle(v) for v in scene.vehicles]
    return [t for t in things if not t.shape.is_empty and edge.contains(t.shape.centroid)]


def _pile(pile: sc.Pile, number: int, ground: Ground) -> Thing:
    measures = ground.measures[pile.id]
    return Thing(
        pile.id, "pile", pile.name, outline(ground.pile_area == number, ground),
        measures.exposed_m2,
        {
            "area_m2": measures.area_m2, "volume_m3": measures.volume_m3,
            "height_m": measures.height_m, "cover_fraction": measures.cover_fraction,
            "surface_m2": measures.surface_m2, "exposed_area_m2": measures.exposed_m2,
            "material": pile.material, "cover": pile.cover.kind, "torn": pile.cover.torn,
            "wall_height_m": pile.wall_height or None, "roofed": pile.roofed,
        },
    )


def _flat_things(scene: sc.Scene, ground: Ground) -> list[Thing]:
    canvas, inside = Canvas(ground.bounds, PAINT_M), _inside(scene, ground)
    seen, things = ground.layers.material, []
    for road in scene.roads:
        mask = canvas.blank()
        canvas.stroke(mask, smooth_line(road.line), width=road.width + 2.2, value=1)
        wanted = m.UNPAVED if road.surface == "unpaved" else m.DUSTY
        wanted = m.ASPHALT if road.surface == "asphalt" else wanted
        on = (mask > 0) & (seen == wanted) & inside
        inside = inside & ~on
        length = _area(on) / road.width
        things.append(Thing(
            road.id, "road", road.name, outline(on, ground), _area(on),
            {"area_m2": _area(on), "length_m": length, "width_m": road.width,
             "surface": road.surface},
        ))
    for patch in scene.patches:
        things.append(_patch(patch, canvas, seen, inside, ground))
    return things


_KINDS = {"yard": m.UNPAVED, "soil": m.SOIL, "concrete": m.CONCRETE, "grass": m.GRASS,
          "water": m.WATER, "turbid": m.TURBID}


def _patch(
    patch: sc.Patch, canvas: Canvas, seen: NDArray[np.uint8], inside: NDArray[np.bool_],
    ground: Ground,
) -> Thing:
    mask = canvas.blank()
    wide = Polygon(patch.ring).buffer(1.2 if patch.kind in ("soil", "yard") else 0)
    canvas.fill(mask, tuple(wide.exterior.coords), 1)
    on = (mask > 0) & (seen == _KINDS[patch.kind]) & inside
    return Thing(
        patch.id, "patch", patch.name, outline(on, ground), _area(on),
        {"area_m2": _area(on), "surface": patch.kind},
    )


def _shed(shed: sc.Shed) -> Thing:
    shape_ = box(shed.x - shed.length / 2, shed.y - shed.width / 2,
                 shed.x + shed.length / 2, shed.y + shed.width / 2)
    side = shed.width if shed.open_side in ("e", "w") else shed.length
    opening = side * shed.eaves if shed.open_side else 0.0
    return Thing(
        shed.id, "shed", shed.name, shape_, opening,
        {"area_m2": shape_.area, "height_m": shed.ridge, "opening_m2": opening,
         "open_side": shed.open_side or None},
    )


def _strip(a: NDArray[np.float64], b: NDArray[np.float64], width: float) -> Polygon:
    side = np.array([-(b - a)[1], (b - a)[0]]) / np.hypot(*(b - a)[:2]) * width / 2
    return Polygon([a[:2] + side, b[:2] + side, b[:2] - side, a[:2] - side])


def _conveyor(belt: sc.Conveyor, scene: sc.Scene) -> Thing:
    a, b = conveyor_line(belt, scene)
    length = float(np.linalg.norm(b - a))
    share = belt.open_to - belt.open_from
    return Thing(
        belt.id, "conveyor", belt.name, _strip(a, b, GALLERY_M[0]), share * length,
        {"length_m": length, "open_length_m": share * length, "width_m": GALLERY_M[0],
         "area_m2": length * GALLERY_M[0]},
    )


def _vehicle(vehicle: sc.Vehicle) -> Thing:
    turn = np.radians(vehicle.heading_deg)
    ahead = np.array([np.cos(turn), np.sin(turn)])
    length, width, shift = {"truck": (6.4, 2.45, -1.0), "car": (4.4, 1.8, 0.0),
                            "loader": (7.0, 2.6, 0.4)}[vehicle.kind]
    middle = np.array([vehicle.x, vehicle.y]) + shift * ahead
    body = _strip(middle - ahead * length / 2, middle + ahead * length / 2, width)
    return Thing(
        vehicle.id, vehicle.kind, vehicle.kind, body, body.area,
        {"area_m2": body.area, "load": vehicle.load or None, "covered": vehicle.covered},
    )


def problems(scene: sc.Scene, ground: Ground) -> dict[str, Thing]:
    """True problems of a scene by their id, which stays the same on the next visit."""
    here = {t.id: t for t in objects(scene, ground)}
    found: list[Thing] = []
    for pile in scene.piles:
        if pile.id in here:
            found += _pile_problems(pile, here[pile.id])
    found += [_named(here[r.id], "D09") for r in scene.roads
              if r.id in here and r.surface != "asphalt"]
    codes = {"yard": "D09", "soil": "D16", "turbid": "W01"}
    found += [_named(here[p.id], codes[p.kind]) for p in scene.patches
              if p.id in here and p.kind in codes and not (p.greened >= 1)]
    found += [_named(here[s.id], "D04") for s in scene.sheds if s.id in here and s.open_side]
    found += [_open_length(c, here[c.id], scene) for c in scene.conveyors
              if c.id in here and c.open_to > c.open_from]
    found += [_named(here[v.id], "D11") for v in scene.vehicles
              if v.id in here and v.kind == "truck" and v.load and not v.covered]
    return {t.id: t for t in found}


def _named(thing: Thing, code: str) -> Thing:
    return replace(thing, id=f"{thing.id}-{code}", code=code)


def _pile_problems(pile: sc.Pile, thing: Thing) -> list[Thing]:
    found = []
    if pile.cover.torn:
        found.append(_named(thing, "D02"))
    elif not pile.roofed and thing.measures["cover_fraction"] < COVERED:
        found.append(_named(thing, "D01"))
    gap = thing.measures["height_m"] - pile.wall_height
    if pile.wall_height and gap > 0:
        low = _named(thing, "D03")
        found.append(replace(low, size=gap, measures={**low.measures, "gap_m": gap}))
    return found


def _open_length(belt: sc.Conveyor, thing: Thing, scene: sc.Scene) -> Thing:
    a, b = conveyor_line(belt, scene)
    start, end = a + belt.open_from * (b - a), a + belt.open_to * (b - a)
    strip = _strip(start, end, GALLERY_M[0])
    return replace(
        _named(thing, "D05"), shape=strip,
        measures={"length_m": thing.measures["open_length_m"], "area_m2": strip.area,
                  "width_m": GALLERY_M[0]},
    )


def change_of(before: Thing | None, after: Thing | None) -> str:
    """What became of a problem: fixed, partly_fixed, not_fixed, worse or new."""
    if before is None:
        return "new"
    if after is None:
        return "fixed"
    before_size = before.size if before.code != "D01" else before.measures["exposed_area_m2"]
    ratio = after.size / max(before_size, 1e-9)
    if ratio < _LESS:
        return "partly_fixed"
    return "worse" if ratio > _MORE else "not_fixed"


def as_multi(geometry: BaseGeometry) -> list[Polygon]:
    """Polygons that a geometry consists of."""
    if isinstance(geometry, MultiPolygon):
        return list(geometry.geoms)
    return [geometry] if isinstance(geometry, Polygon) and not geometry.is_empty else []
