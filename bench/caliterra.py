"""Photos to report on the 75 real photos of caliterra: wall time, peak memory, stages.

`python bench/caliterra.py --photos FOLDER [--workers 2] [--memory 3]`; targets: 4 minutes and
3 GiB on two cores. Prints a table and a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from resources import load, measure

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "caliterra"


def main() -> None:
    """Survey the photos into a scratch folder and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=DEFAULT)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=float, default=3.0)
    parser.add_argument("--keep", type=Path, help="folder for the survey")
    arguments = parser.parse_args()
    if not arguments.photos.is_dir():
        sys.exit(f"{arguments.photos}: not there; give the folder of the photos with --photos")
    busy = load()
    with tempfile.TemporaryDirectory() as scratch:
        out = arguments.keep or Path(scratch) / "survey"
        usage = measure([
            sys.executable, "-m", "kilnsight", "survey", str(arguments.photos), "--out", str(out),
            "--workers", str(arguments.workers), "--memory", str(arguments.memory),
        ])
        if usage.code:
            sys.exit(usage.output)
        survey = json.loads((out / "survey.json").read_text())
        quality = json.loads((out / "map" / "quality.json").read_text())
    stages = survey["seconds"]
    for name, seconds in stages.items():
        print(f"{name:10s} {seconds:7.1f} s")
    print(f"{'wall':10s} {usage.wall_s:7.1f} s   (target 240 s)")
    print(f"{'processor':10s} {usage.cpu_s:7.1f} s")
    print(f"{'memory':10s} {usage.peak_mib:7.0f} MiB (target 3072 MiB)")
    print(f"{'aligned':10s} {quality['photos']['aligned']} of {quality['photos']['used']}")
    figures = asdict(usage) | {"output": "", "stages": stages, "load_before": busy,
                               "aligned": quality["photos"]["aligned"],
                               "findings": survey["findings"]}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
