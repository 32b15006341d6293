import json

import numpy as np
import pytest
from findings_scenes import ASPHALT, EAST, NORTH, SOIL, Scene, on_map
from shapely.geometry import box

from kilnsight.errors import InputError
from kilnsight.findings.detect import find
from kilnsight.findings.finding import write_findings
from kilnsight.findings.site import SiteMap

DUST = (190, 176, 158)


def share(a, b):
    return a.intersection(b).area / a.union(b).area


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    scene = Scene(160, slope=0.02, seed=3)
    scene.paint(box(0, 20, 160, 28), DUST)
    scene.paint(box(0, 40, 160, 48), ASPHALT)
    scene.paint(box(50, 100, 110, 140), SOIL)
    scene.cone(30, 75, 4)
    survey = scene.noisy(0.03).write(tmp_path_factory.mktemp("site"))
    return SiteMap.open(survey), find(SiteMap.open(survey))


def test_one_of_each_is_found_where_it_is(found):
    _, findings = found
    assert [f.code for f in findings] == ["D01", "D09", "D16"]
    assert [f.id for f in findings] == ["F001", "F002", "F003"]
    assert share(findings[1].polygon, on_map(box(0, 20, 160, 28))) > 0.9
    assert share(findings[2].polygon, on_map(box(50, 100, 110, 140))) > 0.9


def test_a_road_has_length_and_width(found):
    _, findings = found
    assert findings[1].measures["width_m"].value == pytest.approx(8, rel=0.1)
    assert findings[1].measures["length_m"].value == pytest.approx(160, rel=0.1)


def test_every_number_has_an_interval_and_a_method(found):
    _, findings = found
    assert findings and all(finding.measures for finding in findings)
    for finding in findings:
        for quantity in finding.measures.values():
            assert quantity.lo <= quantity.value <= quantity.hi
            assert quantity.lo < quantity.hi and quantity.method
            assert quantity.unit in ("m", "m2", "m3", "1")
            assert quantity.source.startswith("map/")
        assert finding.properties()["area_m2_source"] == finding.measures["area_m2"].source


def test_progress_rises_to_one(tmp_path):
    shares = []
    find(SiteMap.open(Scene(40).write(tmp_path)), progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_an_empty_and_an_unseen_map_have_no_findings(tmp_path):
    scene = Scene(40)
    assert find(SiteMap.open(scene.noisy(0.02).write(tmp_path / "grass"))) == []
    scene.dsm[:] = np.nan
    scene.rgb[:] = 0
    survey = scene.write(tmp_path / "nothing")
    assert find(SiteMap.open(survey)) == []
    write_findings([], survey)
    assert json.loads((survey / "findings.geojson").read_text())["features"] == []


def test_holes_in_the_surface_model_do_not_hide_a_pile(tmp_path):
    scene = Scene(80, slope=0.02)
    scene.cone(40, 40, 5)
    scene.noisy(0.03)
    for x, y in ((40, 44), (37, 38), (60, 20)):
        scene.dsm[np.hypot(scene.x - x, scene.y - y) < 0.9] = np.nan
    (finding,) = [f for f in find(SiteMap.open(scene.write(tmp_path))) if f.code == "D01"]
    truth = scene.truth[0]["volume"]
    assert finding.measures["volume_m3"].value == pytest.approx(truth, rel=0.04)


def test_a_missing_layer_is_named(tmp_path):
    with pytest.raises(InputError, match=r"dsm\.tif"):
        SiteMap.open(tmp_path)


def test_the_map_is_read_in_its_place(found):
    site, _ = found
    assert site.bounds == pytest.approx((EAST, NORTH, EAST + 160, NORTH + 160))
    assert site.grid_scale == pytest.approx(0.9996, abs=1e-5)
    assert site.scale_sigma == 0.002
    grid = site.grid(1.0, bounds=(EAST + 25, NORTH + 70, EAST + 35, NORTH + 80))
    top = site.dsm(grid).max()
    assert top == pytest.approx(50 + 0.02 * 30 + 0.01 * 75 + 4, abs=0.5)
    outside = site.grid(1.0, bounds=(EAST - 20, NORTH, EAST - 10, NORTH + 10))
    assert np.isnan(site.dsm(outside)).all() and not site.ortho(outside)[1].any()
