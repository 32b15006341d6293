import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_scenes import ORIGIN, over, view

from kilnsight.mapping.grid import Grid
from kilnsight.mapping.sightline import hidden, project_cells
from kilnsight.photos.camera import Camera

LENS = Camera(800, 600, 560.0, 563.0, 402.0, 297.0, -0.1, 0.02, 4e-4, -3e-4, -0.004)
GRID = Grid(float(ORIGIN[0]) - 30, float(ORIGIN[1]) + 30, 1.0, 60, 60)


@given(st.floats(0, 360), st.floats(-90, -20), st.floats(-20, 20), st.floats(20, 80))
@settings(max_examples=40, deadline=None)
def test_cells_are_projected_as_points_are(yaw, pitch, roll, height):
    seen = view(over(0, 0, height), yaw=yaw, pitch=pitch, roll=roll, camera=LENS)
    heights = (ORIGIN[2] + 3 * np.random.default_rng(0).random(GRID.shape)).astype(np.float32)
    u, v = project_cells(seen, GRID, heights)
    x, y = GRID.centres()
    xyz = np.column_stack([np.tile(x, GRID.ny), np.repeat(y, GRID.nx), heights.ravel()])
    uv, depth = seen.project(xyz)
    inside = seen.sees(xyz)
    np.testing.assert_allclose(np.column_stack([u.ravel(), v.ravel()])[inside], uv[inside],
                               atol=0.01)
    assert np.isnan(u.ravel()[depth <= 0]).all()
    # What is not seen is not drawn into the picture either.
    with np.errstate(invalid="ignore"):
        drawn = (u >= 0) & (v >= 0) & (u <= LENS.width - 1) & (v <= LENS.height - 1)
    np.testing.assert_array_equal(drawn.ravel(), inside)


def test_heights_that_are_not_known_are_not_projected():
    heights = np.full(GRID.shape, ORIGIN[2], np.float32)
    heights[5, 5] = np.nan
    u, _ = project_cells(view(over(0, 0, 60.0), camera=LENS), GRID, heights)
    assert np.isnan(u[5, 5])
    assert np.isfinite(u[30, 30])


def test_a_lens_that_folds_back_does_not_draw_what_it_cannot_see():
    folding = Camera(800, 600, 300.0, 300.0, 399.5, 299.5, -0.3)
    assert folding.fold_radius < 1.2 * np.hypot(800 / 300, 600 / 300) / 2
    seen = view(over(0, 0, 10.0), camera=folding)
    u, _ = project_cells(seen, GRID, np.full(GRID.shape, ORIGIN[2], np.float32))
    x, y = GRID.centres()
    reach = np.hypot(*np.meshgrid(x - ORIGIN[0], y - ORIGIN[1])) / 10.0
    assert np.isnan(u[reach > folding.fold_radius]).all()


def wall(height_m=10.0):
    """Level ground with a wall, 2 m thick, along the north-south line 10 m east of the origin."""
    heights = np.full(GRID.shape, ORIGIN[2], np.float32)
    x, _ = GRID.centres()
    heights[:, np.abs(x - ORIGIN[0] - 10) < 1] += height_m
    return heights


@pytest.mark.parametrize(("height", "reach"), [(30.0, 5.0), (60.0, 2.0)])
def test_what_lies_behind_a_wall_is_hidden(height, reach):
    heights = wall()
    seen = view(over(0, 0, height), camera=LENS)
    found = hidden(seen, GRID, heights, heights, GRID, top_m=float(heights.max()))
    x, _ = GRID.centres()
    off = x - ORIGIN[0]
    row = found[30]
    # By similar triangles the shadow ends at 11 * height / (height - 10) from below the camera.
    end = 11 * height / (height - 10)
    assert end - 11 == pytest.approx(reach, abs=0.6)
    assert row[(off > 11.5) & (off < end - 1.6)].all()
    assert not row[off > end + 1].any()
    assert not row[off < 8.5].any()
    assert not row[np.abs(off - 10) < 0.4].any()


def test_a_low_wall_and_open_ground_hide_nothing():
    for heights in (wall(0.3), np.full(GRID.shape, ORIGIN[2], np.float32)):
        seen = view(over(-60, 0, 12.0), pitch=-20, yaw=90, camera=LENS)
        found = hidden(seen, GRID, heights, heights, GRID, top_m=float(heights.max()))
        assert not found.any()


def test_a_camera_below_the_top_looks_into_the_wall():
    heights = wall(20.0)
    seen = view(over(0, 0, 8.0), yaw=90.0, pitch=-10, camera=LENS)
    found = hidden(seen, GRID, heights, heights, GRID, top_m=float(heights.max()))
    x, _ = GRID.centres()
    assert found[30, x - ORIGIN[0] > 12].all()
    assert not found[30, np.abs(x - ORIGIN[0]) < 5].any()
