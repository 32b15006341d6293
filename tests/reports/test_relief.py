"""Slopes towards the light are bright, and heights come back out of the read-out grid."""

import base64

import numpy as np
import pytest
import rasterio
from survey_maker import CELL, NORTH, PILES, WEST

from kilnsight.reports.relief import (
    RAMP,
    ReliefPainter,
    Scale,
    height_grid,
    height_scale,
    hill_shade,
    ramp,
)
from kilnsight.reports.tiles import Box


def plane(east_slope, north_slope):
    south, east = np.mgrid[:20, :20].astype(float)
    return east_slope * east - north_slope * south


def test_slope_to_the_north_west_is_brighter_than_flat_and_than_south_east():
    to_nw, flat, to_se = (
        hill_shade(plane(*slope), 1.0)[10, 10] for slope in ((0.5, -0.5), (0, 0), (-0.5, 0.5))
    )
    assert to_nw > flat > to_se
    assert to_se >= 0 and to_nw <= 1


def test_shade_depends_on_slope_and_not_on_height():
    surface = plane(0.3, 0.1)
    assert np.allclose(hill_shade(surface, 1.0), hill_shade(surface + 500, 1.0), atol=1e-3)
    assert not np.allclose(hill_shade(surface, 1.0)[5, 5], hill_shade(surface, 4.0)[5, 5])


def test_gap_makes_no_false_cliff():
    surface = np.full((11, 11), 50.0)
    surface[5, 5] = np.nan
    shade = hill_shade(surface, 0.1)
    assert np.isfinite(shade).all()
    assert np.ptp(shade) < 1e-6
    assert np.isfinite(hill_shade(np.full((4, 4), np.nan), 1.0)).all()


def test_ramp_starts_and_ends_with_its_colours():
    first, last = ([int(c[i:i + 2], 16) for i in (1, 3, 5)] for c in (RAMP[0], RAMP[-1]))
    assert ramp(np.array([-1.0, 0.0])).tolist() == [first, first]
    assert ramp(np.array([1.0, 7.0])).tolist() == [last, last]
    assert np.isnan(ramp(np.array([np.nan]))).all()


def test_painted_box_is_transparent_where_nothing_is_known(survey):
    painter = ReliefPainter(height_scale(survey / "map" / "dsm.tif"))
    with rasterio.open(survey / "map" / "dsm.tif") as source:
        corner = painter(source, Box(WEST, NORTH, 2 * CELL, 64, 64))
        middle = painter(source, Box(WEST + 100, NORTH - 80, 2 * CELL, 64, 64))
    assert not corner[0, 0, 3]
    assert (middle[..., 3] == 255).all()


def test_height_scale_spans_the_yard(survey):
    scale = height_scale(survey / "map" / "dsm.tif")
    assert 23.5 < scale.low < 25
    assert 34 < scale.high < 38


def test_height_grid_finds_the_pile(survey):
    grid = height_grid(survey / "map" / "dsm.tif")
    cells = np.frombuffer(base64.b64decode(grid["data"]), "<i2").reshape(grid["rows"], grid["cols"])
    east, south, _radius, top = PILES[0]
    row, col = int(south / grid["dy"]), int(east / grid["dx"])
    height = grid["base"] + cells[row, col] / 10
    assert height == pytest.approx(24 + 0.01 * east + top, abs=0.8)
    assert cells[0, 0] == -32768


def test_a_model_without_heights_has_a_scale(tmp_path, survey):
    with rasterio.open(survey / "map" / "dsm.tif") as source:
        profile = source.profile | {"width": 8, "height": 8, "tiled": False}
    profile.pop("blockxsize"), profile.pop("blockysize")
    with rasterio.open(tmp_path / "dsm.tif", "w", **profile) as out:
        out.write(np.full((1, 8, 8), np.nan, np.float32))
    assert height_scale(tmp_path / "dsm.tif") == Scale(0.0, 1.0)
    assert height_grid(tmp_path / "dsm.tif")["base"] == 0
