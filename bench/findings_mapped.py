"""Scores D01, D09, D16 on surveys mapped from simulated photos.

`python bench/findings_mapped.py SURVEY TRUTH [SURVEY TRUTH ...]`: each survey folder with a map,
and the simulator's truth folder of the same flight. The findings are made anew from the map.
Prints a table and writes or prints the figures as JSON. The maps have what truth maps have not:
rounded toes, holes beside trees and walls, seams, and the errors of the georeferencing.
Only the flight's GPS shift is taken out before problems are matched.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely

from kilnsight.findings.detect import find
from kilnsight.findings.grid import polygons
from kilnsight.findings.site import SiteMap
from map_truth import fit_cameras
from scoring import read_truth, score_cover, score_piles, table


def mapped_area(site: SiteMap) -> Any:
    """Area that both the ortho and the surface model show, small holes filled."""
    grid = site.grid(1.0)
    seen = (site.ortho(grid)[1] & np.isfinite(site.dsm(grid))).astype(np.uint8)
    seen = np.asarray(cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)))
    return shapely.union_all(polygons(grid, seen > 0))


def in_place(survey: Path, truth_folder: Path, site: SiteMap) -> list[dict[str, Any]]:
    """Problems that are really there, moved by the GPS error of the flight to where the map is.

    Sizes are left as they are: the error of the map's scale counts.
    """
    scale, rotation, shift = fit_cameras(survey, truth_folder)
    height = float(np.nanmedian(site.dsm(site.grid(2.0))))

    def move(xy: Any) -> Any:
        there = np.column_stack([xy, np.full(len(xy), height)])
        here = scale * there @ rotation.T + shift
        middle = here[:, :2].mean(axis=0)
        return xy + middle - xy.mean(axis=0)

    truth = read_truth(truth_folder, site.crs)
    return [{**t, "polygon": shapely.transform(t["polygon"], move)} for t in truth]


def score_survey(survey: Path, truth_folder: Path) -> dict[str, Any]:
    """Scores of one mapped survey."""
    site = SiteMap.open(survey)
    start = time.perf_counter()
    found = find(site)
    seconds = time.perf_counter() - start
    truth, mapped = in_place(survey, truth_folder, site), mapped_area(site)
    scores = {code: score_cover(found, truth, code, mapped=mapped) for code in ("D09", "D16")}
    piles = score_piles(found, truth, grid_scale=site.grid_scale, mapped=mapped)
    return {"survey": str(survey), "seconds": seconds, "D01": piles, **scores}


def print_table(scores: list[dict[str, Any]]) -> None:
    """A line a pile, then what was missed and what was made up."""
    print(f"{'pile':28} {'true m3':>9} {'volume':>8} {'+-95 %':>7} {'held':>5} {'area':>7}   IoU")
    for score in scores:
        print(score["survey"])
        for row in score["D01"]["rows"]:
            print(f"{row['name'][:28]:28} {row['volume_m3']:9.1f} {row['volume']:+8.1%} "
                  f"{row['half_width']:7.1%} {'yes' if row['held'] else 'NO':>5} "
                  f"{row['area']:+7.1%} {row['iou']:5.2f}")
        for kind in ("missed", "false"):
            print(f"{kind}: {', '.join(score['D01'][kind]) or 'none'}")


def main() -> None:
    """Score the surveys named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="SURVEY TRUTH")
    parser.add_argument("--json", type=Path, help="write the figures here and not to the screen")
    arguments = parser.parse_args()
    if len(arguments.folders) % 2:
        parser.error("name a truth folder after each survey folder")
    pairs = zip(arguments.folders[::2], arguments.folders[1::2], strict=True)
    scores = [score_survey(survey, truth) for survey, truth in pairs]
    print_table(scores)
    text = json.dumps({**table(scores), "maps": scores}, indent=1, default=float)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
