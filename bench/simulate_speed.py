"""How long a simulated flight takes: prints a table, then one line of JSON.

    python bench/simulate_speed.py [photos] [width] [workers]

Wall and processor time of each step; the time to compile the inner loops is told apart, since
it is spent once per machine.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def timed(work: Callable[[], None]) -> dict[str, float]:
    """Wall and processor seconds of a piece of work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall_s": round(time.perf_counter() - wall, 1),
            "cpu_s": round(time.process_time() - cpu, 1)}


def main() -> None:
    """Time a tiny flight (which compiles), the same again, and one of the size asked for."""
    given = sys.argv[1:4] + ["60", "2000", "2"][len(sys.argv) - 1 :]
    photos, width, workers = (int(text) for text in given)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        os.environ["NUMBA_CACHE_DIR"] = str(base / "compiled")
        from kilnsight.simulate.flight import simulate

        results = {
            name: timed(lambda n=name, k=kwargs: simulate(base / n, seed=1, workers=workers, **k))
            for name, kwargs in {
                "first small flight (compiles)": {"photos": 4, "width": 400, "compact": True},
                "small flight": {"photos": 12, "width": 800, "compact": True},
                "flight": {"photos": photos, "width": width},
            }.items()
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, seconds in results.items():
        print(f"{name:32s} {seconds['wall_s']:8.1f} s wall {seconds['cpu_s']:8.1f} s processor")
    print(f"{photos} photos of {width} px, {workers} workers, peak memory {peak:.0f} MiB")
    print(json.dumps({"bench": "simulate_speed", "photos": photos, "width": width,
                      "workers": workers, "peak_mib": round(peak), "steps": results}))


if __name__ == "__main__":
    main()
