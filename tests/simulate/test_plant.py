import numpy as np
import pytest

from kilnsight.simulate import plant
from kilnsight.simulate.ground import lay_ground
from kilnsight.simulate.problems import change_of, problems
from kilnsight.simulate.scene import Site, sun_position


@pytest.fixture(scope="module")
def both():
    scenes = [plant.build(1, visit) for visit in (1, 2)]
    return [problems(s, lay_ground(s, margin=10)) for s in scenes]


def test_every_kind_of_problem_exists(both):
    codes = {t.code for t in both[0].values()} | {t.code for t in both[1].values()}
    assert {"D01", "D02", "D03", "D04", "D05", "D09", "D11", "D16", "W01"} <= codes


def test_every_kind_of_change_exists(both):
    names = set(both[0]) | set(both[1])
    changes = {change_of(both[0].get(n), both[1].get(n)) for n in names}
    assert changes == {"fixed", "partly_fixed", "not_fixed", "worse", "new"}


def test_areas_are_those_of_the_polygons(both):
    for thing in both[0].values():
        area = thing.measures.get("area_m2")
        if thing.code in ("D01", "D09", "D16", "W01"):
            assert thing.shape.area == pytest.approx(area, rel=0.03), thing.id


def test_unchanged_things_stay_the_same_between_visits():
    first, second = plant.build(4), plant.build(4, 2)
    later = {p.id: p for p in second.piles}
    kept = [p for p in first.piles if p.id in later and not later[p.id].change]
    assert kept and all(later[p.id] == p for p in kept)
    assert first.trees == second.trees and first.tanks == second.tanks
    assert first.sign == second.sign


def test_seeds_differ():
    assert plant.build(1).piles != plant.build(2).piles
    assert len({plant.build(s).sign for s in range(12)}) > 1


def test_sun_stands_where_it_should():
    """Noon at Nanjing on the equinox: in the south, 90 degrees less latitude high."""
    from datetime import datetime

    azimuth, elevation = sun_position(datetime(2026, 3, 21, 12, 12), (118.9, 31.6))
    assert azimuth == pytest.approx(180, abs=2)
    assert elevation == pytest.approx(58.4, abs=1)


def test_grid_of_the_site_has_true_scale():
    site = Site()
    ends = site.to_lon_lat(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    from pyproj import Geod

    _, _, metres = Geod(ellps="WGS84").inv(*ends[0], *ends[1])
    assert metres == pytest.approx(1000, abs=0.03)
