"""A small flight and its survey, made once for all tests and shared by test processes."""

from __future__ import annotations

import fcntl
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))

FLIGHT = {"seed": 3, "photos": 12, "width": 640, "compact": True}


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Folder that the first of several test processes makes and the others wait for."""
    base = factory.getbasetemp()
    # Test processes of xdist have a folder each, beside each other.
    base = base.parent if base.name.startswith("popen-") else base
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / name).exists():
            part = base / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            make(part)
            part.rename(base / name)
    return base / name


@pytest.fixture(scope="session")
def flight_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of 12 photos of 640 pixels that overlap well; to read only."""

    def make(out: Path) -> None:
        from kilnsight.simulate.flight import simulate

        simulate(out, workers=2, **FLIGHT)

    return made_once(tmp_path_factory, "flight_of_twelve", make) / "photos"


@pytest.fixture(scope="session")
def small_survey(tmp_path_factory: pytest.TempPathFactory, flight_photos: Path) -> Path:
    """Complete survey of `flight_photos`, made by the command line; to read only."""

    def make(out: Path) -> None:
        from command_line import kilnsight

        options = ("--name", "Small plant", "--workers", 2)
        done = kilnsight("survey", flight_photos, "--out", out, *options)
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "survey_of_twelve", make)
