import json
from dataclasses import replace

import numpy as np
import pytest
from mapping_scenes import CAMERA, alignment, georeferenced, over, photo, view

from kilnsight.mapping.grid import Grid
from kilnsight.mapping.quality import alignment_quality, surface_quality
from kilnsight.mapping.surface import clean


def placed(**changed):
    """Two views over a few points, with a georeference of the given figures."""
    views = [view(over(0, 0, 80), name="a.jpg"), view(over(10, 0, 80), name="b.jpg")]
    points = np.array([over(x, y, 0) for x in (0, 10, 20) for y in (0, 10)])
    return alignment(views, points, place=georeferenced(**changed))


PHOTOS = [photo("a.jpg"), photo("b.jpg")]


def codes(report):
    return [w["code"] for w in report["warnings"]]


def test_figures_of_a_good_flight():
    report = alignment_quality(placed(), PHOTOS, given=3)
    assert report["photos"] == {"given": 3, "used": 2, "aligned": 2, "unaligned": []}
    assert report["points"] == 6
    assert report["mean_track_length"] == 2.0
    assert report["reprojection_error_px"] == 0.5
    assert report["lens"]["fx"] == report["lens"]["prior_fx"] == 1150.0
    assert report["georeference"]["scale_sigma"] == 0.004
    assert report["georeference"]["horizontal_residual_m"] == {"median": 1.0, "p95": 1.0}
    assert codes(report) == []
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize(("changed", "code", "words"), [
    ({"altitude_used": False, "altitude_range_m": 114.2, "flight_range_m": 9.8,
      "height_offset_sigma_m": 57.1}, "gps_altitude_drift", ("114", "10", "57")),
    ({"scale_sigma": 0.031, "horizontal_residual_m": np.full(5, 7.0)}, "scale_uncertain",
     ("7", "3.1")),
])
def test_doubts_about_the_place_are_said_in_both_languages(changed, code, words):
    (warning,) = alignment_quality(placed(**changed), PHOTOS, given=2)["warnings"]
    assert warning["code"] == code
    assert warning["text"].keys() == {"en", "zh_Hans"}
    for text in warning["text"].values():
        assert all(word in text for word in words)
        assert "{" not in text
    assert any("一" <= c <= "鿿" for c in warning["text"]["zh_Hans"])
    assert warning["text"]["en"].isascii()


def test_photos_that_were_not_placed_are_named():
    aligned = replace(placed(), unaligned=tuple(f"x{i}.jpg" for i in range(11)))
    report = alignment_quality(aligned, PHOTOS, given=13)
    (warning,) = report["warnings"]
    assert warning["code"] == "photos_unaligned"
    for text in warning["text"].values():
        assert "11" in text and "x7.jpg..." in text and "x8" not in text
    assert len(report["photos"]["unaligned"]) == 11


def test_a_changed_lens_is_said_once_a_lens():
    aligned = placed()
    zoomed = replace(CAMERA, fx=1150 * 1.08, fy=1150 * 1.08)
    aligned = replace(aligned, views=tuple(replace(v, camera=zoomed) for v in aligned.views))
    report = alignment_quality(aligned, PHOTOS, given=2)
    assert codes(report) == ["lens_changed"]
    assert "+8.0" in report["warnings"][0]["text"]["en"]
    assert "+8.0" in report["warnings"][0]["text"]["zh_Hans"]


def test_photos_without_altitude_are_said_and_no_drift():
    changed = {"altitude_used": False, "altitude_range_m": 0.0,
               "vertical_residual_m": np.empty(0)}
    report = alignment_quality(placed(**changed), PHOTOS, given=2)
    assert codes(report) == ["no_altitude"]
    assert "高度未知" in report["warnings"][0]["text"]["zh_Hans"]
    assert report["georeference"]["height_offset_sigma_m"] is None
    assert report["georeference"]["vertical_residual_m"] == {"median": None, "p95": None}


GRID = Grid(0.0, 40.0, 0.1, 400, 400)


def test_coverage_counts_holes():
    height = np.zeros(GRID.shape, np.float32)
    height[150:200, 150:200] = np.nan
    spread = np.where(np.isnan(height), np.nan, 0.05).astype(np.float32)
    report = surface_quality(height, spread, GRID, gsd_m=0.05)
    assert report["coverage"]["area_m2"] == pytest.approx(1600 - 25)
    assert report["coverage"]["hull_area_m2"] == pytest.approx(1600)
    assert report["coverage"]["hole_fraction"] == pytest.approx(25 / 1600, abs=1e-4)
    assert report["dsm_spread_m"] == {"median": 0.05, "p95": 0.05}
    assert report["dsm_cell_m"] == 0.1


@pytest.mark.parametrize("seed", range(4))
def test_hole_fraction_is_never_negative(seed):
    rng = np.random.default_rng(seed)
    x, y = GRID.centres()
    turned = np.abs(x[None, :] - 20) + np.abs(y[:, None] - 20)
    height = np.where((turned < 19) & (rng.random(GRID.shape) < 0.8), 5.0, np.nan)
    height = height.astype(np.float32)
    spread = np.where(np.isnan(height), np.nan, 0.05).astype(np.float32)
    cleaned = clean(height, spread, cell=GRID.cell)
    coverage = surface_quality(*cleaned, GRID, gsd_m=0.05)["coverage"]
    assert 0 <= coverage["hole_fraction"] < 0.2
    assert coverage["area_m2"] <= coverage["hull_area_m2"]


def test_an_empty_surface_has_no_figures():
    nothing = np.full(GRID.shape, np.nan, np.float32)
    report = surface_quality(nothing, nothing, GRID, gsd_m=0.05)
    assert report["coverage"] == {"area_m2": 0.0, "hull_area_m2": 0.0, "hole_fraction": 0.0}
    json.dumps(report, allow_nan=False)
