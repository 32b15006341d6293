"""Photos to orthomosaic at 50, 100 and 200 photos: seconds a photo, and peak memory.

`python bench/scaling.py [--counts 50,100,200] [--width 1000]`. The flights are simulated with the
same overlap and height, so that the area grows with the photos. Prints a table and JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from resources import load, measure

MAPPING = ("align", "surface", "ortho")


def run(folder: Path, *, count: int, width: int, seed: int, workers: int) -> dict[str, Any]:
    """Simulate a flight and survey it; what the mapping stages took."""
    program = [sys.executable, "-m", "kilnsight"]
    made = measure([*program, "simulate", str(folder / "flight"), "--seed", str(seed), "--photos",
                    str(count), "--width", str(width), "--workers", str(workers)])
    if made.code:
        sys.exit(made.output)
    done = measure([*program, "survey", str(folder / "flight" / "photos"), "--out",
                    str(folder / "survey"), "--workers", str(workers)])
    if done.code:
        sys.exit(done.output)
    survey = json.loads((folder / "survey" / "survey.json").read_text())
    seconds = {name: survey["seconds"][name] for name in MAPPING}
    return {"photos": count, "stages": seconds, "mapping_s": sum(seconds.values()),
            "per_photo_s": sum(seconds.values()) / count, "wall_s": done.wall_s,
            "cpu_s": done.cpu_s, "cpu_per_photo_s": done.cpu_s / count,
            "peak_mib": done.peak_mib, "area_m2": survey["coverage"]["area_m2"]}


def main() -> None:
    """Run the flights and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", default="50,100,200")
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    rows = []
    print("photos  mapping s  s/photo  cpu s/photo  peak MiB  area m2   load")
    for count in map(int, arguments.counts.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            busy = load()
            row = run(Path(scratch), count=count, width=arguments.width, seed=arguments.seed,
                      workers=arguments.workers)
        rows.append(row)
        print(f"{count:6d} {row['mapping_s']:10.0f} {row['per_photo_s']:8.2f}"
              f" {row['cpu_per_photo_s']:12.2f} {row['peak_mib']:9.0f} {row['area_m2']:8.0f}"
              f" {busy:6.1f}", flush=True)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
