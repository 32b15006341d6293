"""Scores of findings against the truth of a simulated site, shared by the benches of findings."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry import shape

from kilnsight.findings.finding import Finding

MATCH_IOU = 0.5
MIN_PILE_M2 = 50.0
MIN_VOLUME_M3 = 200.0
MIN_MAPPED = 0.9
"""Share of a true problem that the map must show for it to be asked for."""


def read_truth(truth_folder: Path, crs: Any) -> list[dict[str, Any]]:
    """Problems that are really there, polygons in the map's CRS."""
    to_map = Transformer.from_crs(4326, crs, always_xy=True)
    stored = json.loads((truth_folder / "findings.geojson").read_text())
    found = []
    for feature in stored["features"]:
        polygon = shapely.transform(
            shape(feature["geometry"]), lambda xy: np.column_stack(to_map.transform(*xy.T))
        )
        if feature["properties"].get("present", True):
            found.append({**feature["properties"], "polygon": shapely.make_valid(polygon)})
    return found


def overlap(a: Any, b: Any) -> float:
    """Intersection over union of two polygons."""
    return float(a.intersection(b).area / max(a.union(b).area, 1e-9))


def score_piles(
    found: list[Finding], truth: list[dict[str, Any]], *, grid_scale: float, mapped: Any = None
) -> dict[str, Any]:
    """Matches of D01 and the errors of the matched piles; `mapped` is the area the map shows."""
    wanted = [
        t for t in truth
        if t["code"] == "D01" and t["area_m2"] > MIN_PILE_M2 and is_mapped(t["polygon"], mapped)
    ]
    piles = [f for f in found if f.code == "D01"]
    left = [f for f in piles if f.measures["area_m2"].value > MIN_PILE_M2]
    rows, missed = [], []
    for pile in wanted:
        best = max(piles, key=lambda f: overlap(f.polygon, pile["polygon"]), default=None)
        if best is None or overlap(best.polygon, pile["polygon"]) < MATCH_IOU:
            missed.append(pile["name"])
            continue
        left = [f for f in left if f is not best]
        rows.append(_errors(best, pile, grid_scale))
    return {"wanted": len(wanted), "rows": rows, "missed": missed,
            "false": [_describe(f, truth) for f in left]}


def _errors(finding: Finding, pile: dict[str, Any], grid_scale: float) -> dict[str, Any]:
    # The simulator's metres are grid metres; findings are ground metres.
    volume, k2 = finding.measures["volume_m3"], grid_scale**2
    return {
        "name": pile["name"], "id": finding.id, "volume_m3": pile["volume_m3"],
        "half_width": (volume.hi - volume.lo) / 2 / max(volume.value, 1e-9),
        "volume": volume.value * k2 / pile["volume_m3"] - 1,
        "held": volume.lo * k2 <= pile["volume_m3"] <= volume.hi * k2,
        "area": finding.measures["area_m2"].value * k2 / pile["area_m2"] - 1,
        "cover": finding.measures["cover_fraction"].value - pile["cover_fraction"],
        "iou": overlap(finding.polygon, pile["polygon"]),
    }


def _describe(finding: Finding, truth: list[dict[str, Any]]) -> str:
    other = max(truth, key=lambda t: overlap(finding.polygon, t["polygon"]))
    near = overlap(finding.polygon, other["polygon"]) > 0.3
    place = f"{finding.polygon.centroid.x:.0f} {finding.polygon.centroid.y:.0f}"
    return f"{finding.id} {other['id'] if near else 'at ' + place}"


def is_mapped(polygon: Any, mapped: Any) -> bool:
    """Whether the map shows a place, all but wholly."""
    return mapped is None or polygon.intersection(mapped).area >= MIN_MAPPED * polygon.area


def score_cover(
    found: list[Finding], truth: list[dict[str, Any]], code: str, *, mapped: Any = None
) -> dict[str, float]:
    """Areas in m2 of the found, the true and both, of a code, within what the map shows."""
    mine = shapely.union_all([f.polygon for f in found if f.code == code])
    real = shapely.union_all([t["polygon"] for t in truth if t["code"] == code])
    piles = shapely.union_all([t["polygon"] for t in truth if t["code"] in ("D01", "D02", "D03")])
    real = real.difference(piles)
    if mapped is not None:
        mine, real = mine.intersection(mapped), real.intersection(mapped)
    return {"found": mine.area, "true": real.area, "both": mine.intersection(real).area}


def table(scores: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures over all maps."""
    rows = [r for s in scores for r in s["D01"]["rows"]]
    false = sum(len(s["D01"]["false"]) for s in scores)
    large = [r for r in rows if r["volume_m3"] > MIN_VOLUME_M3]
    figures: dict[str, Any] = {"D01": {
        "n": sum(s["D01"]["wanted"] for s in scores),
        "recall": len(rows) / max(sum(s["D01"]["wanted"] for s in scores), 1),
        "precision": len(rows) / max(len(rows) + false, 1),
        "volume_error_median": _quantile([abs(r["volume"]) for r in large], 0.5),
        "volume_error_p90": _quantile([abs(r["volume"]) for r in large], 0.9),
        "volume_half_width_median": _quantile([r["half_width"] for r in large], 0.5),
        "volume_interval_holds": float(np.mean([r["held"] for r in rows])) if rows else math.nan,
        "area_error_median": _quantile([abs(r["area"]) for r in rows], 0.5),
        "cover_error_median": _quantile([abs(r["cover"]) for r in rows], 0.5),
        "cover_error_p90": _quantile([abs(r["cover"]) for r in rows], 0.9),
    }}
    for code in ("D09", "D16"):
        sums = {k: sum(s[code][k] for s in scores) for k in ("found", "true", "both")}
        figures[code] = {
            "iou": sums["both"] / max(sums["found"] + sums["true"] - sums["both"], 1e-9),
            "precision": sums["both"] / max(sums["found"], 1e-9),
            "recall": sums["both"] / max(sums["true"], 1e-9),
            "true_m2": sums["true"],
        }
    figures["seconds_per_map"] = float(np.mean([s["seconds"] for s in scores]))
    return figures


def _quantile(values: list[float], share: float) -> float:
    return float(np.quantile(values, share)) if values else math.nan
