import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from mapping_scenes import CAMERA, lawnmower, over

from kilnsight.mapping.reconstruction import Reconstruction, reconstruct
from kilnsight.photos.camera import Camera, Pose, View

LENS = replace(CAMERA, fx=1162.0, fy=1162.0, k1=-0.06, k2=0.01)
PORTRAIT = Camera(1200, 1600, 1100.0, 1100.0, 599.5, 799.5)


def similarity(source, target):
    """Residuals of the best similarity of points, shape (n, 3) (Umeyama 1991)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, s, vt = np.linalg.svd(b.T @ a)
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    turn = u @ sign @ vt
    scale = np.trace(np.diag(s) @ sign) / (a**2).sum()
    return scale * a @ turn.T - b


@pytest.fixture(scope="module")
def scene():
    """Fourteen views of two cameras over bumpy ground, keypoints and matches with a few errors."""
    rng = np.random.default_rng(0)
    poses = lawnmower(rng, lines=2, stops=7, gap=25.0, step=16.0, height=70.0)
    lenses = [LENS if i % 4 else PORTRAIT for i in range(len(poses))]
    views = [View(f"{i}", lens, pose) for i, (lens, pose) in enumerate(
        zip(lenses, poses, strict=True))]
    xy = rng.uniform([-40, -50], [140, 70], (1500, 2))
    points = np.array([over(*p, 6 * np.sin(p[0] / 9) * np.cos(p[1] / 11)) for p in xy])
    keypoints, numbers = [], []
    for v in views:
        seen = np.flatnonzero(v.sees(points, margin_px=3))
        uv, _ = v.project(points[seen])
        keypoints.append((uv + rng.normal(0, 0.3, uv.shape)).astype(np.float32))
        numbers.append(seen)
    matches = {}
    for i in range(len(views)):
        for j in range(i + 1, len(views)):
            common, a, b = np.intersect1d(numbers[i], numbers[j], return_indices=True)
            if len(common) > 60:
                b[: len(b) // 12] = rng.permutation(b[: len(b) // 12])
                matches[i, j] = np.column_stack([a, b]).astype(np.uint32)
    # A photo of another place, with nothing in common.
    keypoints.append(rng.uniform(0, 1200, (300, 2)).astype(np.float32))
    return views, keypoints, matches


@pytest.fixture(scope="module")
def solved(scene, tmp_path_factory):
    views, keypoints, matches = scene
    nominal = [replace(CAMERA), replace(PORTRAIT)]
    camera_of = [0 if v.camera is LENS else 1 for v in views] + [0]
    scratch = tmp_path_factory.mktemp("scratch")
    models = [reconstruct(keypoints, matches, cameras=nominal, camera_of_photo=camera_of,
                          scratch=scratch, threads=2) for _ in range(2)]
    assert list(scratch.iterdir()) == []
    return models


def test_cameras_are_placed_relative_to_each_other(scene, solved):
    views, model = scene[0], solved[0]
    assert model.aligned.tolist() == [True] * len(views) + [False]
    off = similarity(model.centres[:-1], np.array([v.pose.centre for v in views]))
    assert np.sqrt((off**2).sum(axis=1).mean()) < 0.1
    for i in range(len(views) - 1):
        found = model.rotations[i + 1] @ model.rotations[i].T
        wanted = views[i + 1].pose.rotation @ views[i].pose.rotation.T
        assert np.degrees(np.linalg.norm(found - wanted)) / np.sqrt(2) < 0.1


def test_lenses_are_found(scene, solved):
    first, second = solved[0].cameras
    # Level ground seen from above says little of the focal length.
    assert first.fx == pytest.approx(1162, rel=0.03)
    assert first.k1 == pytest.approx(-0.06, abs=0.03)
    assert (second.width, second.height) == (1200, 1600)
    assert second.fx == pytest.approx(1100, rel=0.02)


def test_points_project_to_their_keypoints(scene, solved):
    keypoints, model = scene[1], solved[0]
    assert len(model.points) > 900
    assert np.median(model.errors) < 0.6
    photo, point, key = model.observations.T
    assert not (photo == len(keypoints) - 1).any()
    lens_of = [v.camera is not LENS for v in scene[0]]
    for i in (0, 1, 9):
        seen = View("", model.cameras[lens_of[i]], Pose(model.rotations[i], model.centres[i]))
        uv, _ = seen.project(model.points[point[photo == i]])
        off = uv - keypoints[i][key[photo == i]]
        assert np.median(np.hypot(*off.T)) < 0.7
        # Half a pixel would show that the two pixel conventions are mixed up.
        assert np.abs(np.median(off, axis=0)).max() < 0.1


def test_the_same_photos_give_the_same_model(solved):
    first, second = solved
    np.testing.assert_allclose(first.centres, second.centres, atol=1e-5)
    np.testing.assert_array_equal(first.observations, second.observations)


def test_a_model_comes_back_from_its_file(solved, tmp_path):
    model = solved[0]
    model.save(tmp_path / "m.npz")
    back = Reconstruction.load(tmp_path / "m.npz")
    for name in ("rotations", "centres", "points", "errors", "observations"):
        np.testing.assert_array_equal(getattr(back, name), getattr(model, name))
    assert back.cameras == model.cameras
    assert isinstance(back.cameras[0].width, int)
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]


def test_matches_that_fit_nothing_place_nothing(tmp_path):
    rng = np.random.default_rng(1)
    keypoints = [rng.uniform(0, 1100, (80, 2)).astype(np.float32) for _ in range(3)]
    matches = {(i, j): np.column_stack([rng.permutation(80), rng.permutation(80)])
               .astype(np.uint32) for i, j in ((0, 1), (1, 2))}
    model = reconstruct(keypoints, matches, cameras=[CAMERA], camera_of_photo=[0, 0, 0],
                        scratch=tmp_path, threads=1)
    assert model.aligned.sum() == 0
    assert len(model.points) == 0
    assert model.cameras == (CAMERA,)


def test_a_worker_that_fails_says_why(tmp_path):
    keypoints = [np.zeros((40, 2), np.float32)] * 2
    matches = {(0, 1): np.full((40, 2), 7_000_000, np.uint32)}
    with pytest.raises(RuntimeError, match="sparse reconstruction failed"):
        reconstruct(keypoints, matches, cameras=[CAMERA], camera_of_photo=[0, 5],
                    scratch=tmp_path, threads=1)


def test_the_worker_loads_neither_rasterio_nor_pillow():
    code = "import sys, kilnsight.mapping.reconstruction_worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "pycolmap" in loaded
    assert not loaded & {"rasterio", "PIL", "cv2"}
    assert not re.search(r"\b(rasterio|PIL)\b", done.stderr)
