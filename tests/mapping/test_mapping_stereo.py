import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_scenes import ORIGIN, over, photograph, texture, view

from kilnsight.mapping.grid import Grid
from kilnsight.mapping.stereo import (
    MAX_DISPARITIES,
    disparity,
    heights_on_grid,
    points,
    rectify,
    warp,
)
from kilnsight.photos.camera import Camera

LENS = Camera(640, 480, 520.0, 522.0, 322.0, 237.0, -0.09, 0.02, 3e-4, -2e-4, 0.0)
HEIGHT_M = 60.0
GSD_M = HEIGHT_M / LENS.fx
WORLD = Grid(float(ORIGIN[0]) - 70, float(ORIGIN[1]) + 60, 0.1, 1200, 1400)


def pair(base_m=20.0, turn=(0.0, 0.0)):
    """Two views side by side over the origin, a little turned."""
    left = view(over(-base_m / 2, 0, HEIGHT_M), yaw=3.0, pitch=-88.0, camera=LENS)
    right = view(over(base_m / 2, 1.0, HEIGHT_M + 1), yaw=turn[0],
                 pitch=-90.0 + turn[1], camera=LENS)
    return left, right


def heights_of(first, second, surface):
    """Heights that dense matching finds of a surface, on the world's grid."""
    ground = texture(*WORLD.shape, seed=3, sizes=(1.5, 4.0, 12.0))
    frame = rectify(first, second, near_m=HEIGHT_M - 14, far_m=HEIGHT_M + 6, scale=1.0)
    pictures = [photograph(v, ground, WORLD, surface) for v in (first, second)]
    left, seen = warp(pictures[0], first, frame, second=False)
    right, _ = warp(pictures[1], second, frame, second=True)
    found = disparity(left, right, count=frame.disparities)
    found[~seen] = np.nan
    offset, sigma = points(found, frame, first)
    return heights_on_grid(offset, sigma, first.pose.centre, WORLD)


def test_a_plane_is_measured():
    height, deviation = heights_of(*pair(), np.full(WORLD.shape, ORIGIN[2]))
    known = np.isfinite(height)
    assert known.sum() * WORLD.cell**2 > 1500
    off = height[known] - ORIGIN[2]
    assert abs(np.median(off)) < 0.1 * GSD_M
    assert np.median(np.abs(off)) < 0.5 * GSD_M
    assert np.percentile(np.abs(off), 99) < 4 * GSD_M
    assert np.median(np.abs(off)) < np.median(deviation[known]) < 2 * GSD_M


def test_a_slope_with_a_box_is_measured():
    x, y = WORLD.centres()
    slope = ORIGIN[2] + 0.15 * (x - ORIGIN[0])[None, :] + 0 * y[:, None]
    box = (np.abs(x - ORIGIN[0]) < 5)[None, :] & (np.abs(y - ORIGIN[1]) < 6)[:, None]
    surface = slope + 4.0 * box
    height, _ = heights_of(*pair(), surface)
    assert np.isfinite(height[box]).mean() > 0.5
    assert abs(np.nanmedian((height - surface)[box])) < 0.5 * GSD_M
    far = ~(np.abs(x - ORIGIN[0]) < 9)[None, :] | ~(np.abs(y - ORIGIN[1]) < 9)[:, None]
    off = (height - surface)[far & np.isfinite(height)]
    assert np.median(np.abs(off)) < 0.5 * GSD_M


def test_pictures_without_texture_give_no_heights():
    first, second = pair()
    frame = rectify(first, second, near_m=50, far_m=70, scale=1.0)
    blank = np.full((LENS.height, LENS.width), 120, np.uint8)
    left, _ = warp(blank, first, frame, second=False)
    right, _ = warp(blank, second, frame, second=True)
    found = disparity(left, right, count=frame.disparities)
    offset, sigma = points(np.full_like(found, np.nan), frame, first)
    assert len(offset) == len(sigma) == 0
    height, deviation = heights_on_grid(offset, sigma, first.pose.centre, WORLD.sub(
        slice(0, 5), slice(0, 5)))
    assert np.isnan(height).all() and np.isnan(deviation).all()


@given(
    base=st.tuples(st.floats(-20, 20), st.floats(-20, 20), st.floats(-2, 2)).filter(
        lambda b: np.hypot(b[0], b[1]) > 6),
    angles=st.tuples(st.floats(0, 360), st.floats(-95, -75), st.floats(-5, 5)),
    place=st.tuples(st.floats(-10, 10), st.floats(-10, 10), st.floats(-3, 8)),
    scale=st.sampled_from([0.4, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_points_undo_projection(base, angles, place, scale):
    first = view(over(0, 0, HEIGHT_M), yaw=angles[0], pitch=angles[1], roll=angles[2],
                 camera=LENS)
    second = view(over(0, 0, HEIGHT_M) + base, yaw=angles[0] + 4, pitch=-88, camera=LENS)
    frame = rectify(first, second, near_m=48, far_m=70, scale=scale)
    if frame is None:
        return
    xyz = ORIGIN + place
    pixels = []
    for v, origin in ((first, frame.origin), (second, frame.origin2)):
        local = frame.rotation @ (xyz - v.pose.centre)
        pixels.append(local[:2] / local[2] * frame.focal + origin)
    assert pixels[0][1] == pytest.approx(pixels[1][1], abs=1e-4)
    parallax = pixels[0][0] - pixels[1][0]
    assert -1 <= parallax <= frame.disparities
    column, row = np.rint(pixels[0]).astype(int)
    if not (0 <= column < frame.size[0] and 0 <= row < frame.size[1]):
        return
    # The point on the ray of the nearest whole pixel, with the same depth, is known exactly.
    found = np.full((frame.size[1], frame.size[0]), np.nan, np.float32)
    found[row, column] = parallax
    offset, sigma = points(found, frame, first)
    ray = np.array([(column - frame.origin[0]) / frame.focal,
                    (row - frame.origin[1]) / frame.focal, 1.0])
    depth = (frame.rotation @ (xyz - first.pose.centre))[2]
    np.testing.assert_allclose(offset[0], (ray * depth) @ frame.rotation, atol=1e-3 * depth)
    assert 0 < sigma[0] < depth


def test_disparities_start_at_zero_for_the_farthest():
    first, second = pair()
    frame = rectify(first, second, near_m=50, far_m=70, scale=1.0)
    shift = frame.origin2[0] - frame.origin[0]
    ends = [frame.focal * frame.baseline / d - shift for d in (70, 50)]
    assert 0 <= ends[0] < 1.5
    assert ends[1] <= frame.disparities <= ends[1] + 20
    assert frame.disparities % 16 == 0


@pytest.mark.parametrize("base", [(0, 0, 10), (0, 0, -10), (0.5, 0, 9)])
def test_one_view_behind_the_other_is_refused(base):
    first = view(over(0, 0, HEIGHT_M), camera=LENS)
    second = view(over(0, 0, HEIGHT_M) + base, camera=LENS)
    assert rectify(first, second, near_m=50, far_m=70, scale=1.0) is None


def test_views_that_share_no_ground_are_refused():
    first = view(over(0, 0, HEIGHT_M), camera=LENS)
    second = view(over(200, 0, HEIGHT_M), camera=LENS)
    assert rectify(first, second, near_m=55, far_m=62, scale=1.0) is None


def test_a_wide_search_is_made_at_a_smaller_scale():
    first, second = pair(base_m=30.0)
    frame = rectify(first, second, near_m=18, far_m=90, scale=1.0)
    assert frame.focal < LENS.fx
    assert frame.disparities <= MAX_DISPARITIES + 16


def test_photos_of_two_cameras_and_sizes():
    first, _ = pair()
    other = Camera(480, 800, 700.0, 700.0, 239.5, 399.5)
    second = view(over(8, 0, HEIGHT_M), yaw=90.0, camera=other)
    frame = rectify(first, second, near_m=55, far_m=65, scale=0.7)
    ground = texture(*WORLD.shape, seed=3, sizes=(1.5, 4.0, 12.0))
    flat = np.full(WORLD.shape, ORIGIN[2])
    left, seen = warp(photograph(first, ground, WORLD, flat), first, frame, second=False)
    right, _ = warp(photograph(second, ground, WORLD, flat), second, frame, second=True)
    found = disparity(left, right, count=frame.disparities)
    found[~seen] = np.nan
    offset, _ = points(found, frame, first)
    assert len(offset) > 5000
    assert np.median(np.abs(offset[:, 2] + HEIGHT_M)) < 2 * GSD_M


def test_low_points_of_a_cell_are_left_out():
    grid = Grid(0.0, 2.0, 1.0, 2, 2)
    offset = np.array([[0.5, 0.5, 5.0], [0.6, 0.4, 5.1], [0.4, 0.6, 0.0], [1.5, 1.5, 1.0],
                       [9.0, 9.0, 9.0]], np.float32)
    height, deviation = heights_on_grid(offset, np.full(5, 0.1, np.float32), np.zeros(3), grid)
    np.testing.assert_allclose(height, [[np.nan, 1.0], [5.05, np.nan]], atol=1e-5)
    np.testing.assert_allclose(deviation, [[np.nan, 0.1], [0.1, np.nan]], atol=1e-5)
