"""Scores D01, D09, D16 on simulated truth maps: `python bench/findings_truth.py --seeds 101-105`.

The maps are the simulator's own ortho and surface model; the surface model is blurred and given
correlated noise as dense matching would (`--blur`, `--noise`), so that what is scored is the
finder and the measurement, not the mapping. Prints a JSON table; `--keep DIR` keeps the maps.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from pyproj import Transformer
from scipy import ndimage
from shapely.geometry import shape

from kilnsight.findings.detect import find
from kilnsight.findings.finding import Finding
from kilnsight.findings.site import SiteMap

MATCH_IOU = 0.5
MIN_PILE_M2 = 50.0
MIN_VOLUME_M3 = 200.0


def make_map(folder: Path, *, seed: int, visit: int, blur_m: float, noise_m: float) -> Path:
    """Survey folder with the truth's map, and truth/ beside it; made once."""
    if (folder / "map" / "dsm_spread.tif").exists():
        return folder
    from kilnsight.simulate.flight import simulate

    simulate(folder, seed=seed, visit=visit, photos=1, width=240)
    (folder / "map").mkdir(exist_ok=True)
    shutil.copy(folder / "truth" / "ortho.tif", folder / "map")
    with rasterio.open(folder / "truth" / "dsm.tif") as source:
        dsm, profile = source.read(1), source.profile
    cell = profile["transform"].a
    random = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(random.normal(0, 1, dsm.shape), 0.3 / cell)
    rough = ndimage.gaussian_filter(dsm, blur_m / cell) + noise_m * noise / noise.std()
    for name, values in (("dsm", rough), ("dsm_spread", np.full_like(dsm, max(noise_m, 0.01)))):
        with rasterio.open(folder / "map" / f"{name}.tif", "w", **profile) as target:
            target.write(values.astype(np.float32), 1)
    quality = {"georeference": {"scale_sigma": 0.001}}
    (folder / "map" / "quality.json").write_text(json.dumps(quality))
    return folder


def read_truth(folder: Path, crs: Any) -> list[dict[str, Any]]:
    """Problems that are really there, polygons in the map's CRS."""
    to_map = Transformer.from_crs(4326, crs, always_xy=True)
    stored = json.loads((folder / "truth" / "findings.geojson").read_text())
    truth = []
    for feature in stored["features"]:
        polygon = shapely.transform(
            shape(feature["geometry"]), lambda xy: np.column_stack(to_map.transform(*xy.T))
        )
        if feature["properties"].get("present", True):
            truth.append({**feature["properties"], "polygon": shapely.make_valid(polygon)})
    return truth


def overlap(a: Any, b: Any) -> float:
    """Intersection over union of two polygons."""
    return float(a.intersection(b).area / max(a.union(b).area, 1e-9))


def score_piles(
    found: list[Finding], truth: list[dict[str, Any]], *, grid_scale: float
) -> dict[str, Any]:
    """Matches of D01 and the errors of the matched piles."""
    wanted = [t for t in truth if t["code"] == "D01" and t["area_m2"] > MIN_PILE_M2]
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
        "name": pile["name"], "volume_m3": pile["volume_m3"],
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


def score_cover(found: list[Finding], truth: list[dict[str, Any]], code: str) -> dict[str, float]:
    """Areas in m2 of the found, the true and both, of a code."""
    mine = shapely.union_all([f.polygon for f in found if f.code == code])
    real = shapely.union_all([t["polygon"] for t in truth if t["code"] == code])
    piles = shapely.union_all([t["polygon"] for t in truth if t["code"] in ("D01", "D02", "D03")])
    real = real.difference(piles)
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


def score_seed(seed: int, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Scores of one map."""
    survey = make_map(folder / f"seed{seed}_visit{arguments.visit}", seed=seed,
                      visit=arguments.visit, blur_m=arguments.blur, noise_m=arguments.noise)
    site = SiteMap.open(survey)
    start = time.perf_counter()
    found = find(site)
    seconds = time.perf_counter() - start
    truth = read_truth(survey, site.crs)
    return {
        "seed": seed, "seconds": seconds,
        "D01": score_piles(found, truth, grid_scale=site.grid_scale),
        "D09": score_cover(found, truth, "D09"), "D16": score_cover(found, truth, "D16"),
    }


def main() -> None:
    """Score the seeds asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="101-105", help="first-last, or a list with commas")
    parser.add_argument("--visit", type=int, default=1, choices=(1, 2))
    parser.add_argument("--blur", type=float, default=0.15, help="blur of the DSM, metres")
    parser.add_argument("--noise", type=float, default=0.03, help="noise of the DSM, metres")
    parser.add_argument("--keep", type=Path, help="folder for the simulated maps")
    parser.add_argument("--details", action="store_true", help="also each pile")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last) + 1) if last else map(int, first.split(","))
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        scores = [score_seed(seed, folder, arguments) for seed in seeds]
    result = {"seeds": arguments.seeds, "visit": arguments.visit, **table(scores)}
    if arguments.details:
        result["maps"] = scores
    else:
        result["missed"] = {s["seed"]: s["D01"]["missed"] for s in scores if s["D01"]["missed"]}
        result["false"] = {s["seed"]: s["D01"]["false"] for s in scores if s["D01"]["false"]}
    print(json.dumps(result, indent=1, default=float))


if __name__ == "__main__":
    main()
