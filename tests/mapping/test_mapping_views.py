import json

import numpy as np
from mapping_scenes import CAMERA, lawnmower, over, view

from kilnsight.mapping.views import read_crs, read_views, write_views
from kilnsight.photos.camera import Camera, View

PORTRAIT = Camera(1200, 1600, 1000.0, 1001.0, 600.5, 799.0, -0.1, 0.02, 1e-4, -1e-4, 0.003)


def test_views_come_back(tmp_path):
    poses = lawnmower(np.random.default_rng(0), lines=2, stops=3)
    views = [View(f"DCIM/{i} 照片.jpg", (CAMERA, PORTRAIT)[i % 2], p) for i, p in enumerate(poses)]
    path = tmp_path / "cameras.json"
    write_views(path, views, crs="EPSG:32650")
    back = read_views(path)
    assert [v.name for v in back] == [v.name for v in views]
    assert [v.camera for v in back] == [v.camera for v in views]
    points = np.array([over(x, y, 0) for x in (0, 20) for y in (0, 30)])
    for old, new in zip(views, back, strict=True):
        np.testing.assert_allclose(new.project(points)[0], old.project(points)[0], atol=0.01)
    assert read_crs(path) == "EPSG:32650"
    assert [p.name for p in tmp_path.iterdir()] == ["cameras.json"]


def test_the_file_is_as_documented(tmp_path):
    path = tmp_path / "cameras.json"
    write_views(path, [view(over(1, 2, 3), name="a.jpg"), view(over(1, 2, 9), name="b.jpg")],
                crs="EPSG:32650")
    document = json.loads(path.read_text("utf-8"))
    assert document.keys() == {"crs", "cameras", "views"}
    (camera,) = document["cameras"]
    assert camera.keys() == {"id", "width", "height", "fx", "fy", "cx", "cy",
                             "k1", "k2", "p1", "p2", "k3"}
    assert document["views"][0].keys() == {"photo", "camera", "rotation", "centre"}
    np.testing.assert_allclose(document["views"][0]["centre"], over(1, 2, 3))
    np.testing.assert_allclose(document["views"][0]["rotation"][2], [0, 0, -1], atol=1e-9)


def test_no_views(tmp_path):
    write_views(tmp_path / "c.json", [], crs="EPSG:32650")
    assert read_views(tmp_path / "c.json") == []
