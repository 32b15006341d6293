"""Map of simulated flights against the truth: cameras, scale, level, surface model.

`python bench/map_truth.py SURVEY TRUTH [SURVEY TRUTH ...]`. Heights are compared twice: as they
stand, where the GPS error of the flight shows, and after the similarity that fits the cameras
best, where only the mapping's own error is left. Prints a table and a line of JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from kilnsight.mapping.raster import read_floats
from kilnsight.mapping.views import read_views

Array = NDArray[np.float64]

SAMPLES = 400_000
STEEP = 1.0
"""Slope from which a place is left out of the figures for `open ground`: edges of buildings."""


def similarity(source: Array, target: Array) -> tuple[float, Array, Array]:
    """Scale, rotation and shift with target = scale * rotation @ source + shift (Umeyama 1991)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, s, vt = np.linalg.svd(b.T @ a)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = float((s * np.diag(flip)).sum() / (a**2).sum())
    return scale, rotation, target.mean(axis=0) - scale * rotation @ source.mean(axis=0)


def fit_cameras(survey: Path, truth: Path) -> tuple[float, Array, Array]:
    """Similarity from the true frame to the map's, by the cameras."""
    solved = {v.name: v.pose.centre for v in read_views(survey / "map" / "cameras.json")}
    true = {v.name: v.pose.centre for v in read_views(truth / "cameras.json")}
    both = [name for name in true if name in solved]
    return similarity(np.array([true[n] for n in both]), np.array([solved[n] for n in both]))


def compare(survey: Path, truth: Path) -> dict[str, Any]:
    """Errors of a survey's map, metres unless named otherwise."""
    solved = {v.name: v for v in read_views(survey / "map" / "cameras.json")}
    true = {v.name: v for v in read_views(truth / "cameras.json") if v.name in solved}
    there = np.array([true[name].pose.centre for name in true])
    here = np.array([solved[name].pose.centre for name in true])
    scale, rotation, shift = similarity(there, here)
    rest = here - (scale * there @ rotation.T + shift)
    first = next(iter(true))
    result: dict[str, Any] = {
        "photos": len(true), "scale_error": scale - 1,
        "tilt_deg": float(np.degrees(np.arccos(min(1.0, rotation[2, 2])))),
        "shift": np.round((here - there).mean(axis=0), 3).tolist(),
        "camera_rms": np.round(np.sqrt((rest**2).mean(axis=0)), 4).tolist(),
        "focal_error": solved[first].camera.fx / true[first].camera.fx - 1,
    }
    return result | _heights(survey, truth, (scale, rotation, shift))


def _heights(survey: Path, truth: Path, fit: tuple[float, Array, Array]) -> dict[str, Any]:
    """Height errors at random places of the true surface."""
    dsm, grid = read_floats(survey / "map" / "dsm.tif")
    with rasterio.open(truth / "dsm.tif") as source:
        true, cell, left, top = source.read(1), source.transform.a, *source.transform[2:6:3]
    slope = np.hypot(*np.gradient(true, cell))
    random = np.random.default_rng(0)
    rows, columns = (random.integers(1, n - 1, SAMPLES) for n in true.shape)
    xyz = np.column_stack([left + (columns + 0.5) * cell, top - (rows + 0.5) * cell,
                           true[rows, columns]]).astype(float)
    scale, rotation, shift = fit
    fitted = scale * xyz @ rotation.T + shift
    gentle = slope[rows, columns] < STEEP
    raw, local = _error(dsm, grid, xyz), _error(dsm, grid, fitted)
    seen = np.isfinite(local)
    spread, _grid = read_floats(survey / "map" / "dsm_spread.tif")
    sigma = _value(spread, grid, fitted[:, :2])
    # The shift in height that all cells share is not what the spread of a cell is about.
    known = seen & np.isfinite(sigma)
    held = np.abs(local - np.nanmedian(local))[known] <= 1.96 * sigma[known]
    return {
        "spread_holds": round(float(held.mean()), 3),
        "dsm_cell": grid.cell, "seen": float(seen.mean()),
        "raw": _spread(raw), "local": _spread(local),
        "open_ground": _spread(local[gentle]),
    }


def _error(dsm: NDArray[np.float32], grid: Any, xyz: Array) -> Array:
    """Surface model less true height at map points; NaN where it has none."""
    return _value(dsm, grid, xyz[:, :2]) - xyz[:, 2]


def _value(layer: NDArray[np.float32], grid: Any, xy: Array) -> Array:
    """Bilinear value of a layer at map points; NaN where a neighbour is unknown."""
    at = grid.indices(xy)
    known = np.isfinite(layer)
    value = map_coordinates(np.where(known, layer, 0), at, order=1)
    weight = map_coordinates(known.astype(np.float32), at, order=1)
    return np.where(weight > 0.99, value, np.nan)


def _spread(error: Array) -> dict[str, float]:
    """Bias, median absolute error and its 95th percentile."""
    error = error[np.isfinite(error)]
    return {"bias": round(float(np.median(error)), 3),
            "median": round(float(np.median(np.abs(error))), 3),
            "p95": round(float(np.percentile(np.abs(error), 95)), 3)}


def main() -> None:
    """Compare each survey with its truth and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="SURVEY TRUTH pairs")
    folders = parser.parse_args().folders
    results = {}
    for survey, truth in zip(folders[::2], folders[1::2], strict=True):
        r = results[survey.name] = compare(survey, truth)
        print(f"{survey.name}: {r['photos']} photos, scale {100 * r['scale_error']:+.2f} %, tilt"
              f" {r['tilt_deg']:.3f} deg, focal {100 * r['focal_error']:+.3f} %, cameras"
              f" {r['camera_rms']} m; heights (median, 95 %) raw {r['raw']['median']},"
              f" {r['raw']['p95']}; local {r['local']['median']}, {r['local']['p95']}; open ground"
              f" {r['open_ground']['median']}, {r['open_ground']['p95']} m;"
              f" within 1.96 spreads {100 * r['spread_holds']:.0f} %")
    print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
