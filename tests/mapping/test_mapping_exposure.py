import cv2
import numpy as np
import pytest
from mapping_scenes import alignment, at_once, over, view

from kilnsight.mapping import exposure
from kilnsight.mapping.exposure import balance, sample_colours
from kilnsight.photos.camera import Camera


def observations(seed, *, views=8, points=400, falloff=0.3, noise=0.02, spread=0.2):
    """Log colours of points, each in some views, and the true log gains of the views."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, spread, (views, 3))
    view_of, point_of = np.nonzero(rng.random((views, points)) < 0.4)
    colour = np.log(rng.uniform(40, 110, (points, 3)))
    r2 = rng.random(len(view_of))
    log = colour[point_of] + true[view_of] - falloff * r2[:, None]
    return true, (view_of, point_of, log + rng.normal(0, noise, log.shape), r2)


@pytest.mark.parametrize("seed", range(3))
def test_gains_are_found_up_to_a_common_factor(seed):
    true, seen = observations(seed)
    found = balance(*seen, views=8)
    left = np.log(found.gains) + true
    assert (left - left.mean(axis=0)).std() < 0.015
    assert found.falloff == pytest.approx(0.3, abs=0.02)


def test_wrong_colours_do_not_matter():
    true, (view_of, point_of, log, r2) = observations(3)
    log[::11] += 1.0
    log[5::50] = np.nan
    left = np.log(balance(view_of, point_of, log, r2, views=8).gains) + true
    assert (left - left.mean(axis=0)).std() < 0.02


def test_equal_photos_stay_as_they_are():
    _, seen = observations(4, falloff=0.0, spread=0.0, noise=0.001)
    found = balance(*seen, views=8)
    assert found.falloff < 0.005
    np.testing.assert_allclose(found.gains / found.gains.mean(), 1, atol=0.005)


def test_a_view_without_colours_gets_a_usual_gain():
    _, (view_of, point_of, log, r2) = observations(5)
    found = balance(view_of, point_of, log, r2, views=9)
    assert found.gains.shape == (9, 3)
    assert 0.5 < found.gains[8].min() <= found.gains[8].max() < 2


@pytest.mark.parametrize("log", [np.empty((0, 3)), np.full((6, 3), np.nan)])
def test_without_any_colours_photos_stay_as_they_are(log):
    index = np.arange(len(log)) % 2
    found = balance(index, index, log, np.ones(len(log)), views=3)
    np.testing.assert_array_equal(found.gains, np.ones((3, 3)))
    assert found.falloff == 0


def test_colours_are_those_at_the_points(tmp_path, monkeypatch):
    monkeypatch.setattr(exposure, "run", at_once)
    camera = Camera(800, 600, 600.0, 600.0, 399.5, 299.5)
    views = [view(over(-5, 0, 60), camera=camera, name="a.png"),
             view(over(5, 0, 60), camera=camera, name="b.png")]
    for v, colour in zip(views, ([20, 40, 80], [40, 80, 160]), strict=True):
        picture = np.full((600, 800, 3), colour, np.uint8)
        picture[:300] = 255
        cv2.imwrite(str(tmp_path / v.name), picture)
    grid = np.stack(np.meshgrid(np.arange(-20, 21, 5.0), np.arange(-20, 21, 5.0)), -1)
    points = np.array([over(x, y, 0) for x, y in grid.reshape(-1, 2)])
    aligned = alignment(views, points)
    paths = {v.name: tmp_path / v.name for v in views}
    seen, point, log, r2 = sample_colours(aligned, paths, workers=1)
    pairs = set(zip(seen.tolist(), point.tolist(), strict=True))
    assert pairs == {tuple(row) for row in aligned.seen_by.tolist()}
    south = points[point, 1] < over(0, -3, 0)[1]
    assert south.sum() > 30
    for i, colour in enumerate(([80, 40, 20], [160, 80, 40])):
        mine = south & (seen == i)
        np.testing.assert_allclose(log[mine], np.log([colour] * mine.sum()), atol=0.03)
    assert np.isnan(log[points[point, 1] > over(0, 3, 0)[1]]).all()
    middle = np.hypot(*(points[point] - [v.pose.centre for v in np.array(views)[seen]])[:, :2].T)
    np.testing.assert_allclose(r2, (middle * 10) ** 2 / (400**2 + 300**2), atol=0.02)
