"""The scene of a visit: the plan, mirrored by the seed, and what has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.simulate import layout
from kilnsight.simulate import scene as sc
from kilnsight.simulate.noise import stream
from kilnsight.simulate.scene import Cover


def build(seed: int, visit: int = 1, *, compact: bool = False) -> sc.Scene:
    """Scene of a visit (1 or 2) to the plant of a seed; `compact` flies over a part of it."""
    if visit not in (1, 2):
        raise InputError(
            _("There is no visit {visit}.", visit=visit), remedy=_("Ask for visit 1 or 2.")
        )
    site = sc.Site()
    sign = tuple(float(s) for s in stream(seed, "mirror").choice([-1.0, 1.0], 2))
    first = sc.Scene(
        seed, visit, site, layout.sky(seed, visit, site), (sign[0], sign[1]), layout.PLANT,
        piles=layout.piles(seed), roads=layout.roads(seed), patches=layout.patches(seed),
        sheds=layout.sheds(seed), conveyors=layout.conveyors(seed), tanks=layout.tanks(seed),
        vehicles=layout.vehicles(seed, visit), trees=layout.trees(seed),
    )
    plan = first if visit == 1 else _later(first)
    return _mirror(plan.within(layout.COMPACT if compact else layout.PLANT))


def _later(plan: sc.Scene) -> sc.Scene:
    piles, gone = _later_piles(plan)
    return replace(
        plan, piles=piles, gone=gone, roads=_each(plan.roads, _ROADS),
        patches=(*_later_patches(plan), layout.trench(plan.seed)), sheds=_each(plan.sheds, _SHEDS),
        conveyors=_each(plan.conveyors, _CONVEYORS),
    )


_ROADS: dict[str, dict[str, Any]] = {
    "R02": {"surface": "asphalt", "change": "fixed"},
    "R03": {"paved_to": 0.45, "change": "partly_fixed"},
    "R05": {"change": "not_fixed"},
    "R06": {"change": "not_fixed"},
}
_SHEDS: dict[str, dict[str, Any]] = {"H02": {"open_side": "", "change": "fixed"}}
_CONVEYORS: dict[str, dict[str, Any]] = {"C02": {"open_to": 0.42, "change": "partly_fixed"}}


def _each(things: tuple[Any, ...], changes: dict[str, dict[str, Any]]) -> tuple[Any, ...]:
    return tuple(replace(thing, **changes.get(thing.id, {})) for thing in things)


def _later_patches(plan: sc.Scene) -> tuple[sc.Patch, ...]:
    pond = next(p for p in plan.patches if p.id == "W01")
    cleared = stream(plan.seed, "pond").random() < 0.5
    changes: dict[str, dict[str, Any]] = {
        "S01": {"greened": 1.0, "change": "fixed"},
        "S02": {"greened": 0.5, "net": True, "change": "partly_fixed"},
        "S03": {"change": "not_fixed"}, "Y02": {"change": "not_fixed"},
    }
    if pond.kind == "turbid":
        changes["W01"] = (
            {"kind": "water", "change": "fixed"} if cleared else {"change": "not_fixed"}
        )
    else:
        changes["W01"] = {"kind": "turbid", "change": "new"}
    return _each(plan.patches, changes)


def _later_piles(plan: sc.Scene) -> tuple[tuple[sc.Pile, ...], dict[str, str]]:
    rng = stream(plan.seed, "fates")
    fates = _fates([p for p in plan.piles if p.cover.kind == "none" and not p.roofed], rng)
    gone: dict[str, str] = {}
    piles = []
    for pile in plan.piles:
        later = fates[pile.id](pile) if pile.id in fates else _covered_later(pile)
        if later is not None and pile.id == "P03" and pile.wall_height:
            wall = round(2.6 * pile.wall_height, 1)
            later = replace(later, wall_height=wall, change=later.change or "fixed")
        if later is None:
            gone[pile.id] = "fixed"
        else:
            piles.append(later)
    return (*piles, _new_pile(plan)), gone


def _fates(bare: list[sc.Pile], rng: Any) -> dict[str, Callable[[sc.Pile], sc.Pile | None]]:
    open_ground = [p for p in bare if not p.wall_height]
    order = [open_ground[i] for i in rng.permutation(len(open_ground))]
    choices: list[Callable[[sc.Pile], sc.Pile | None]] = [
        lambda p: None,
        lambda p: replace(p, cover=Cover("green", 1.0), cut=0.0, change="fixed"),
        lambda p: replace(p, cover=Cover("green", 0.55), cut=0.0, change="partly_fixed"),
        lambda p: replace(p, change="not_fixed"),
        lambda p: replace(p, radius=p.radius * 1.2, change="worse"),
    ]
    fates = {p.id: choices[min(i, 4)] for i, p in enumerate(order)}
    for pile in bare:
        fates.setdefault(pile.id, choices[3])
    return fates


def _covered_later(pile: sc.Pile) -> sc.Pile:
    cover = pile.cover
    if cover.torn:
        return replace(pile, cover=Cover(cover.kind, 1.0), change="fixed")
    if cover.kind == "green" and cover.part < 0.9:
        return replace(pile, cover=Cover(), change="worse")
    if cover.kind == "black" and cover.part < 0.9:
        return replace(pile, change="not_fixed")
    if cover.kind == "black":
        return replace(pile, cover=Cover("black", 0.5), change="new")
    return pile


def _new_pile(plan: sc.Scene) -> sc.Pile:
    rng = stream(plan.seed, "new pile")
    x, y = -20 + float(rng.uniform(-2, 2)), -62 + float(rng.uniform(-2, 2))
    return sc.Pile(
        "P13", "sand pile 13", "sand", x, y, float(rng.uniform(5, 7.5)), 33.0, rough=0.5,
        change="new",
    )


def _mirror(plan: sc.Scene) -> sc.Scene:
    sx, sy = plan.sign
    b = plan.bounds
    xs, ys = sorted((b.west * sx, b.east * sx)), sorted((b.south * sy, b.north * sy))
    turn = {"n": "ns"[sy < 0], "s": "sn"[sy < 0], "e": "ew"[sx < 0], "w": "we"[sx < 0], "": ""}
    return replace(
        plan,
        bounds=sc.Bounds(xs[0], ys[0], xs[1], ys[1]),
        piles=tuple(
            replace(p, x=p.x * sx, y=p.y * sy, dx=p.dx * sx, dy=p.dy * sy, side=p.side * sy)
            for p in plan.piles
        ),
        roads=tuple(replace(r, line=sc.mirrored(r.line, plan.sign)) for r in plan.roads),
        patches=tuple(replace(p, ring=sc.mirrored(p.ring, plan.sign)) for p in plan.patches),
        sheds=tuple(
            replace(h, x=h.x * sx, y=h.y * sy, open_side=turn[h.open_side]) for h in plan.sheds
        ),
        conveyors=tuple(_mirror_conveyor(c, sx, sy) for c in plan.conveyors),
        vehicles=tuple(_mirror_vehicle(v, sx, sy) for v in plan.vehicles),
        tanks=tuple(replace(t, x=t.x * sx, y=t.y * sy) for t in plan.tanks),
        trees=tuple(replace(t, x=t.x * sx, y=t.y * sy) for t in plan.trees),
    )


def _mirror_conveyor(belt: sc.Conveyor, sx: float, sy: float) -> sc.Conveyor:
    (x0, y0, z0), (x1, y1, z1) = belt.start, belt.end
    return replace(belt, start=(x0 * sx, y0 * sy, z0), end=(x1 * sx, y1 * sy, z1))


def _mirror_vehicle(vehicle: sc.Vehicle, sx: float, sy: float) -> sc.Vehicle:
    heading = vehicle.heading_deg if sx > 0 else 180 - vehicle.heading_deg
    return replace(
        vehicle, x=vehicle.x * sx, y=vehicle.y * sy, heading_deg=heading if sy > 0 else -heading
    )
