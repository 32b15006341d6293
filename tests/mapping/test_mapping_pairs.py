import cv2
import numpy as np
import pytest
from mapping_scenes import alignment, at_once, lawnmower, over, photograph, texture, view

from kilnsight.errors import InputError
from kilnsight.mapping import pairs, surface
from kilnsight.mapping.grid import Grid
from kilnsight.mapping.pairs import PARTNERS, choose_pairs, match_pairs
from kilnsight.mapping.surface import fuse_all
from kilnsight.photos.camera import Camera, View

LENS = Camera(480, 360, 400.0, 400.0, 239.5, 179.5)


def flight(poses, *, seed=0, camera=LENS):
    """Views of the poses and points all over the ground under them."""
    views = [View(f"{i}.png", camera, p) for i, p in enumerate(poses)]
    centres = np.array([p.centre for p in poses])
    low, high = centres.min(axis=0) - 60, centres.max(axis=0) + 60
    xy = np.random.default_rng(seed).uniform(low[:2], high[:2], (4000, 2))
    return alignment(views, np.column_stack([xy, np.full(len(xy), over(0, 0, 0)[2])]))


def test_every_photo_of_a_flight_has_partners(tmp_path):
    rng = np.random.default_rng(1)
    aligned = flight(lawnmower(rng, lines=3, stops=8))
    chosen = choose_pairs(aligned, tmp_path)
    assert [(p.first, p.second) for p in chosen] == sorted({(p.first, p.second) for p in chosen})
    assert all(p.first < p.second for p in chosen)
    assert {i for p in chosen for i in (p.first, p.second)} == set(range(24))
    assert len(chosen) <= 24 * PARTNERS
    assert len({p.target for p in chosen}) == len(chosen)
    for p in chosen:
        assert p.near_m < 88 and p.far_m > 92
        assert p.near_m > 0.35 * 80


def test_number_of_pairs_grows_with_photos(tmp_path):
    rng = np.random.default_rng(2)
    counts = [len(choose_pairs(flight(lawnmower(rng, lines=n, stops=6)), tmp_path)) / (6 * n)
              for n in (2, 6)]
    assert counts[1] < 1.5 * counts[0]


def test_a_hover_is_refused_with_a_remedy(tmp_path):
    rng = np.random.default_rng(3)
    poses = lawnmower(rng, lines=1, stops=6, step=0.1)
    for pose in poses:
        pose.centre[:] = over(0, 0, 90) + rng.normal(0, 0.3, 3)
    with pytest.raises(InputError, match="grid"):
        choose_pairs(flight(poses), tmp_path)


def test_a_descent_is_refused(tmp_path):
    poses = [view(over(0, 0, h)).pose for h in (60, 70, 80, 90)]
    with pytest.raises(InputError):
        choose_pairs(flight(poses), tmp_path)


def test_views_of_opposite_directions_are_no_pairs(tmp_path):
    poses = [view(over(-40, 0, 50), yaw=90, pitch=-45).pose,
             view(over(40, 0, 50), yaw=270, pitch=-45).pose,
             view(over(-40, 12, 50), yaw=90, pitch=-45).pose]
    chosen = choose_pairs(flight(poses), tmp_path)
    assert [(p.first, p.second) for p in chosen] == [(0, 2)]


def test_pairs_give_heights_and_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs, "run", at_once)
    monkeypatch.setattr(surface, "run", at_once)
    level = over(0, 0, 0)[2]
    world = Grid(float(over(-60, 0, 0)[0]), float(over(0, 50, 0)[1]), 0.15, 660, 800)
    painted = texture(*world.shape, seed=4, sizes=(1.5, 4.0, 12.0))
    views = [view(over(12 * k, 2 * k, 50), yaw=5.0 * k, camera=LENS, name=f"{k}.png")
             for k in (-1, 0, 1)]
    for v in views:
        picture = photograph(v, painted, world, np.full(world.shape, level))
        cv2.imwrite(str(tmp_path / v.name), picture)
    xy = np.random.default_rng(5).uniform([-30, -25], [30, 25], (500, 2))
    z = np.random.default_rng(6).uniform(-1, 1, 500)
    aligned = alignment(views, np.array([over(*p, h) for p, h in zip(xy, z, strict=True)]))
    chosen = choose_pairs(aligned, tmp_path)
    assert len(chosen) >= 2
    grid = Grid.cover((*over(-30, -20, 0)[:2], *over(30, 20, 0)[:2]), cell=0.25)
    told = []
    match_pairs(aligned, chosen, grid, {v.name: tmp_path / v.name for v in views}, workers=1,
                progress=told.append)
    assert told[-1] == 1.0
    height, spread = fuse_all(chosen, grid, workers=1)
    known = np.isfinite(height)
    assert known.mean() > 0.5
    assert np.median(np.abs(height[known] - level)) < 0.5 * 50 / 400
    assert np.isfinite(spread[known]).all()
    stamps = [p.target.stat().st_mtime_ns for p in chosen]
    match_pairs(aligned, chosen, grid, {}, workers=1)
    assert [p.target.stat().st_mtime_ns for p in chosen] == stamps
    assert not list(tmp_path.glob("*.part"))


def test_views_without_common_ground_leave_an_empty_file(tmp_path):
    views = (view(over(0, 0, 50), camera=LENS, name="a"), view(over(400, 0, 50), camera=LENS,
                                                               name="b"))
    pair = pairs.StereoPair(0, 1, 45.0, 55.0, tmp_path / "p.npz")
    pairs._match_pair(views, Grid(0.0, 10.0, 1.0, 10, 10), {}, pair)
    with np.load(pair.target) as data:
        assert data["height"].size == 0
        assert data["part"].tolist() == [0, 0, 0, 0]
