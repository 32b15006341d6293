"""The whole way from photos to a surface model, against the truth of a simulated flight."""

import json

import numpy as np
import pytest

from kilnsight.mapping.raster import read_floats
from kilnsight.mapping.views import read_views


def fit(source, target):
    """Scale, rotation and shift that turn points, shape (n, 3), into others (Umeyama 1991)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, s, vt = np.linalg.svd(b.T @ a)
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    turn = u @ sign @ vt
    scale = np.trace(np.diag(s) @ sign) / (a**2).sum()
    return scale, turn, target.mean(axis=0) - scale * turn @ source.mean(axis=0)


@pytest.fixture(scope="module")
def truth(flight_photos):
    return flight_photos.parent / "truth"


@pytest.fixture(scope="module")
def cameras(small_survey, truth):
    """Places of the cameras found and true, each (n, 3), of the same photos."""
    found = {v.name: v for v in read_views(small_survey / "map" / "cameras.json")}
    true = {v.name: v for v in read_views(truth / "cameras.json")}
    assert len(found) >= 11
    names = sorted(found)
    return tuple(np.array([views[n].pose.centre for n in names]) for views in (found, true))


def test_cameras_stand_where_they_stood(cameras, small_survey):
    found, true = cameras
    gsd = json.loads((small_survey / "map" / "quality.json").read_text("utf-8"))["gsd_m"]
    scale, turn, shift = fit(found, true)
    off = found @ turn.T * scale + shift - true
    assert np.sqrt((off**2).sum(axis=1).mean()) < gsd


def test_the_map_is_as_exact_as_it_says(cameras, small_survey):
    found, true = cameras
    scale, turn, _ = fit(found, true)
    said = json.loads((small_survey / "map" / "quality.json").read_text("utf-8"))["georeference"]
    assert abs(scale - 1) < 3 * said["scale_sigma"]
    tilt = np.degrees(np.arccos(np.clip(turn[2, 2], -1, 1)))
    assert tilt < 3 * said["tilt_sigma_deg"]
    off = (found - true).mean(axis=0)
    assert np.hypot(*off[:2]) < 3 * said["position_sigma_m"]
    assert abs(off[2]) < 3 * said["height_offset_sigma_m"]


def test_the_surface_model_holds_the_true_heights(cameras, small_survey, truth):
    quality = json.loads((small_survey / "map" / "quality.json").read_text("utf-8"))
    height, grid = read_floats(small_survey / "map" / "dsm.tif")
    true, true_grid = read_floats(truth / "dsm.tif")
    scale, turn, shift = fit(*cameras)
    rows, columns = np.nonzero(np.isfinite(height))
    x, y = grid.centres()
    xyz = np.column_stack([x[columns], y[rows], height[rows, columns]]) @ turn.T * scale + shift
    r, c = (np.rint(i).astype(int) for i in true_grid.indices(xyz[:, :2]))
    inside = (r >= 0) & (c >= 0) & (r < true_grid.ny) & (c < true_grid.nx)
    # The flight sees more than the plant, of which the truth tells.
    assert inside.sum() * grid.cell**2 > 5000
    off = xyz[inside, 2] - true[r[inside], c[inside]]
    off = off[np.isfinite(off)]
    assert np.median(np.abs(off)) < quality["gsd_m"]
    assert 0 <= quality["coverage"]["hole_fraction"] < 0.5
