"""A small flight that several tests look at."""

from pathlib import Path

import pytest

from kilnsight.simulate.flight import simulate

SMALL = {"seed": 3, "photos": 6, "width": 480, "compact": True}


@pytest.fixture(scope="session")
def small_flight(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("flight")
    simulate(out, workers=2, **SMALL)
    return out


@pytest.fixture(scope="session")
def second_visit(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("second")
    simulate(out, visit=2, workers=1, **SMALL)
    return out
