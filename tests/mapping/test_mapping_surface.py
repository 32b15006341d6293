from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_scenes import alignment, at_once, over, view

from kilnsight.mapping import surface
from kilnsight.mapping.grid import Grid
from kilnsight.mapping.pairs import StereoPair
from kilnsight.mapping.surface import clean, fill, fuse_all, seen_ground, site_grid

GRID = Grid(0.0, 60.0, 0.1, 600, 700)


def write(path, rows, columns, height, deviation=0.05):
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    np.savez(path, height=np.broadcast_to(np.float32(height), shape),
             deviation=np.full(shape, deviation, np.float16),
             part=np.array([rows.start, rows.stop, columns.start, columns.stop]))
    return StereoPair(0, 1, 1.0, 2.0, path)


@pytest.fixture(autouse=True)
def here_and_now(monkeypatch):
    monkeypatch.setattr(surface, "run", at_once)


def test_pairs_are_fused_where_they_lie(tmp_path):
    everywhere = slice(0, 600), slice(0, 700)
    pairs = [write(tmp_path / f"{i}.npz", *everywhere, h) for i, h in enumerate((10.0, 10.1, 9.9))]
    pairs.append(write(tmp_path / "part.npz", slice(500, 600), slice(0, 30), 10.04))
    pairs.append(write(tmp_path / "none.npz", slice(0, 0), slice(0, 0), 0.0))
    height, spread = fuse_all(pairs, GRID, workers=1)
    np.testing.assert_allclose(height[:500], 10.0, atol=1e-4)
    np.testing.assert_allclose(height[500:, :30], 10.01, atol=1e-3)
    assert (spread > 0.02).all() and (spread < 0.2).all()
    assert spread[550, 10] < spread[550, 100]


def test_a_wrong_pair_is_outvoted(tmp_path):
    everywhere = slice(0, 600), slice(0, 700)
    heights = (10.0, 10.05, 9.95, 25.0)
    pairs = [write(tmp_path / f"{i}.npz", *everywhere, h) for i, h in enumerate(heights)]
    height, _ = fuse_all(pairs, GRID, workers=1)
    np.testing.assert_allclose(height, 10.0, atol=0.03)


def test_without_heights_nothing_is_known(tmp_path):
    pair = write(tmp_path / "a.npz", slice(0, 100), slice(0, 100), np.nan)
    height, spread = fuse_all([pair], GRID, workers=1)
    assert np.isnan(height).all() and np.isnan(spread).all()
    height, spread = clean(height, spread, cell=GRID.cell)
    assert np.isnan(height).all() and np.isnan(spread).all()


def ground(seed=0):
    """Sloping ground with a box on it, and its spread; seen but for the corners."""
    rng = np.random.default_rng(seed)
    x, y = GRID.centres()
    truth = (100 + 0.05 * x[None, :] + 0.02 * y[:, None]).astype(np.float32)
    truth[200:300, 300:420] += 8
    height = truth + rng.normal(0, 0.03, truth.shape).astype(np.float32)
    turned = np.abs(x[None, :] - 35) / 34 + np.abs(y[:, None] - 30) / 29
    height[turned > 1.3] = np.nan
    return truth, height, np.full(truth.shape, 0.05, np.float32)


def test_clean_keeps_edges_and_removes_spikes():
    truth, height, spread = ground()
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(20, 580, 300), rng.integers(20, 680, 300)
    seen = np.isfinite(height[rows, columns])
    rows, columns = rows[seen], columns[seen]
    height[rows, columns] += rng.choice([-5, 5], len(rows)).astype(np.float32)
    result, wide = clean(height, spread, cell=GRID.cell)
    known = np.isfinite(result)
    off = np.abs(result - truth)
    assert np.median(off[known]) < 0.03
    assert off[rows, columns][known[rows, columns]].max() < 0.5
    assert np.nanmedian(wide[rows, columns]) > 0.1
    np.testing.assert_allclose(result[205:295, 305:415], truth[205:295, 305:415], atol=0.3)
    np.testing.assert_allclose(result[190:196, 300:420], truth[190:196, 300:420], atol=0.3)


def test_small_gaps_are_filled_with_a_wide_spread_and_large_ones_left():
    truth, height, spread = ground()
    height[400:404, 300:304] = np.nan
    height[450:530, 300:380] = np.nan
    result, wide = clean(height, spread, cell=GRID.cell)
    np.testing.assert_allclose(result[400:404, 300:304], truth[400:404, 300:304], atol=0.1)
    assert (wide[400:404, 300:304] > 0.1).all()
    assert wide[300, 200] == pytest.approx(0.05)
    assert np.isnan(result[470:510, 320:360]).all()
    np.testing.assert_array_equal(np.isnan(result), np.isnan(wide))


def test_chance_heights_around_the_site_are_no_ground():
    truth, height, spread = ground()
    known = np.isfinite(height)
    rng = np.random.default_rng(2)
    chance = ~known & (rng.random(height.shape) < 0.15)
    height[chance] = 90 + 30 * rng.random(chance.sum())
    far = np.zeros(height.shape, bool)
    far[:60, :60] = far[-60:, -60:] = True
    result, _ = clean(height, spread, cell=GRID.cell)
    assert np.isnan(result[far & ~known]).all()
    kept = np.isfinite(result)
    assert (kept & ~known).sum() < 0.01 * known.sum()
    assert (np.abs(result - truth) > 1)[kept].mean() < 0.005


@given(st.integers(0, 40), st.floats(0.3, 1.0))
@settings(max_examples=15, deadline=None)
def test_what_is_kept_lies_within_the_ground_seen(seed, share):
    rng = np.random.default_rng(seed)
    _, height, spread = ground(seed)
    height[rng.random(height.shape) > share] = np.nan
    height[150:260, 100:330] = np.nan
    small = (slice(0, 300), slice(0, 350))
    result, _ = clean(height[small], spread[small], cell=GRID.cell)
    assert not (np.isfinite(result) & ~seen_ground(height[small], cell=GRID.cell)).any()


def test_seen_ground_closes_small_gaps_only():
    height = np.zeros(GRID.shape, np.float32)
    height[100:150, 100:150] = np.nan
    height[300:400, 300:420] = np.nan
    seen = seen_ground(height, cell=GRID.cell)
    assert seen[100:150, 100:150].all()
    assert not seen[330:370, 330:390].any()
    assert not seen_ground(np.full(GRID.shape, np.nan, np.float32), cell=GRID.cell).any()


def test_fill_leaves_what_is_known_and_is_smooth():
    x, y = np.meshgrid(np.arange(200), np.arange(150))
    truth = (50 + 0.1 * x + 0.05 * y).astype(np.float32)
    holed = truth.copy()
    holed[40:80, 60:120] = np.nan
    holed[:, :3] = np.nan
    full = fill(holed)
    known = np.isfinite(holed)
    np.testing.assert_array_equal(full[known], truth[known])
    assert np.isfinite(full).all()
    assert np.abs(full - truth)[40:80, 60:120].max() < 1.5


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (3, 3), (1, 40)])
def test_fill_of_tiny_arrays(shape):
    values = np.full(shape, np.nan, np.float32)
    assert (fill(values) == 0).all()
    values[0, 0] = 7
    np.testing.assert_allclose(fill(values), 7)


def scene():
    """Four views over level ground and points on it."""
    rng = np.random.default_rng(0)
    views = [view(over(x, y, 80), name=f"{x}{y}.jpg") for x in (0, 30) for y in (0, 30)]
    points = np.array([over(*p, 0) for p in rng.uniform([-50, -40], [80, 70], (3000, 2))])
    return alignment(views, points)


def test_site_grid_covers_the_points_and_little_more():
    aligned = scene()
    west, south, east, north = site_grid(aligned, cell=0.25).bounds
    (w, s), (e, n) = over(-50, -40, 0)[:2], over(80, 70, 0)[:2]
    assert w - 10 < west < w and s - 10 < south < s
    assert e < east < e + 10 and n < north < n + 10


@pytest.mark.parametrize("share", [0.001, 0.05])
def test_stray_points_do_not_widen_the_site(share):
    aligned = scene()
    rng = np.random.default_rng(1)
    points = aligned.points.copy()
    stray = rng.random(len(points)) < share
    points[stray] += rng.normal(0, 1, (stray.sum(), 3)) * [30_000, 30_000, 5_000]
    usual, wide = (site_grid(a, cell=1.0) for a in (aligned, replace(aligned, points=points)))
    assert wide.ny * wide.nx < 4 * usual.ny * usual.nx


def test_points_at_infinity_do_not_widen_the_site():
    aligned = scene()
    points = aligned.points.copy()
    points[7] = [np.inf, np.nan, 1e9]
    grid = site_grid(replace(aligned, points=points), cell=1.0)
    assert grid.shape == site_grid(aligned, cell=1.0).shape


def test_ground_sample_distance_is_height_over_focal_length():
    gsd = surface.ground_sample_distance(scene())
    assert gsd == pytest.approx(80 / 1150, rel=0.15)
