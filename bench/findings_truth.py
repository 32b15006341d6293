"""Scores D01, D09, D16 on simulated truth maps: `python bench/findings_truth.py --seeds 101-105`.

The maps are the simulator's own ortho and surface model; the surface model is blurred and given
correlated noise as dense matching would (`--blur`, `--noise`), so that what is scored is the
finder and the measurement, not the mapping. Prints a JSON table; `--keep DIR` keeps the maps.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from scipy import ndimage

from kilnsight.findings.detect import find
from kilnsight.findings.site import SiteMap
from scoring import read_truth, score_cover, score_piles, table


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


def score_seed(seed: int, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Scores of one map."""
    survey = make_map(folder / f"seed{seed}_visit{arguments.visit}", seed=seed,
                      visit=arguments.visit, blur_m=arguments.blur, noise_m=arguments.noise)
    site = SiteMap.open(survey)
    start = time.perf_counter()
    found = find(site)
    seconds = time.perf_counter() - start
    truth = read_truth(survey / "truth", site.crs)
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
