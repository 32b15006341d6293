import hashlib
import json
import re

import numpy as np
import pytest
import rasterio
from PIL import Image

from kilnsight.errors import InputError
from kilnsight.photos.camera import Camera, Pose, View
from kilnsight.simulate.flight import lens_rays, simulate
from kilnsight.simulate.route import nominal_camera, true_camera


def digests(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def views_of(folder):
    truth = json.loads((folder / "truth" / "cameras.json").read_text())
    lens = {k: v for k, v in truth["cameras"][0].items() if k != "id"}
    return [
        View(v["photo"], Camera(**lens), Pose(np.array(v["rotation"]), np.array(v["centre"])))
        for v in truth["views"]
    ]


def features(folder, name="findings"):
    found = json.loads((folder / "truth" / f"{name}.geojson").read_text())["features"]
    return {f["properties"]["id"]: f for f in found}


def test_same_bytes_with_other_workers(small_flight, tmp_path):
    simulate(tmp_path, seed=3, photos=6, width=480, compact=True, workers=1)
    assert digests(tmp_path) == digests(small_flight)


def test_files_are_those_of_the_contract(small_flight):
    photos = sorted(p.name for p in (small_flight / "photos").iterdir())
    assert len(photos) == 6
    assert all(re.fullmatch(r"DJI_\d{14}_\d{4}_V\.jpg", name) for name in photos)
    assert sorted(v.name for v in views_of(small_flight)) == photos
    names = {p.name for p in (small_flight / "truth").iterdir()}
    assert {"dsm.tif", "ortho.tif", "surface.tif", "findings.geojson", "objects.geojson",
            "cameras.json", "legend.json"} <= names


def test_truth_rasters_share_place_and_crs(small_flight):
    with rasterio.open(small_flight / "truth" / "dsm.tif") as dsm:
        bounds, crs = dsm.bounds, dsm.crs
        assert np.isfinite(dsm.read(1)).all()
    for name in ("ortho", "surface", "terrain"):
        with rasterio.open(small_flight / "truth" / f"{name}.tif") as other:
            assert other.bounds == pytest.approx(bounds, abs=0.05)
            assert other.crs == crs


def test_photos_agree_with_orthophoto_through_true_cameras(small_flight):
    """Grey levels of map points, looked up in photo and orthophoto, go together."""
    with rasterio.open(small_flight / "truth" / "ortho.tif") as source:
        ortho, place = source.read().mean(axis=0), source.transform
    with rasterio.open(small_flight / "truth" / "dsm.tif") as source:
        dsm, dsm_place = source.read(1), source.transform
    view = views_of(small_flight)[2]
    with Image.open(small_flight / "photos" / view.name) as opened:
        picture = np.asarray(opened.convert("L"), float)
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(20, np.array(dsm.shape)[:, None] - 20, (2, 4000))
    x, y = dsm_place @ (columns + 0.5, rows + 0.5) if hasattr(dsm_place, "__matmul__") else (
        dsm_place * (columns + 0.5, rows + 0.5))
    uv, _ = view.project(np.column_stack([x, y, dsm[rows, columns]]))
    inside = ((uv > 5) & (uv < np.array(picture.shape[::-1]) - 6)).all(axis=1)
    j, i = np.floor(np.array(~place * (x, y))[:, inside]).astype(int)
    u, v = np.rint(uv[inside]).astype(int).T
    smooth = ortho[np.clip(i[:, None] + np.arange(-1, 2), 0, ortho.shape[0] - 1), j[:, None]]
    seen, shifted = picture[v, u], picture[np.clip(v + 20, 0, picture.shape[0] - 1), u]
    good = np.corrcoef(smooth.mean(axis=1), seen)[0, 1]
    assert inside.sum() > 1000
    assert good > 0.8
    assert good > np.corrcoef(smooth.mean(axis=1), shifted)[0, 1] + 0.2


def test_lens_rays_undo_the_lens():
    camera = true_camera(5, 640)
    rays = lens_rays(camera)
    rows, columns = np.array([0, 17, 300, 479]), np.array([639, 3, 320, 0])
    back = camera.distort(rays[rows, columns].astype(float))
    assert np.abs(back - np.column_stack([columns, rows])).max() < 0.02


def test_true_lens_differs_from_the_data_sheet_within_half_a_percent():
    ratios = [true_camera(s, 2000).fx / nominal_camera(2000).fx for s in range(20)]
    assert max(abs(r - 1) for r in ratios) <= 0.005
    assert np.std(ratios) > 0.001


def test_second_visit_says_what_changed(small_flight, second_visit):
    first, second = features(small_flight), features(second_visit)
    assert set(first) <= set(second)
    assert all(f["properties"]["present"] for f in first.values())
    changes = {k: f["properties"]["change"] for k, f in second.items()}
    assert {"fixed", "not_fixed", "new"} <= set(changes.values())
    for name, change in changes.items():
        assert (change == "new") == (name not in first)
        assert (change == "fixed") == (not second[name]["properties"]["present"])


def test_second_visit_has_another_day_and_sun(small_flight, second_visit):
    a, b = (json.loads((f / "truth" / "scene.json").read_text())
            for f in (small_flight, second_visit))
    assert a["time"][:10] != b["time"][:10]
    assert abs(a["sun_azimuth_deg"] - b["sun_azimuth_deg"]) > 40
    assert a["bounds"] == b["bounds"]


def test_unchanged_ground_keeps_its_height(small_flight, second_visit):
    heights = []
    for folder in (small_flight, second_visit):
        with rasterio.open(folder / "truth" / "terrain.tif") as source:
            heights.append(source.read(1))
    assert np.array_equal(*heights)


def test_objects_hold_covered_piles_and_problems_do_not(small_flight):
    objects = features(small_flight, "objects")
    covered = [o["properties"] for o in objects.values()
               if o["properties"]["code"] == "pile" and o["properties"]["cover_fraction"] > 0.99]
    assert covered
    assert all(f"{c['id']}-D01" not in features(small_flight) for c in covered)


def test_folder_with_other_photos_is_left_alone(tmp_path):
    stranger = tmp_path / "photos" / "mine.jpg"
    stranger.parent.mkdir()
    stranger.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"mine\.jpg"):
        simulate(tmp_path, seed=1, photos=2, width=240, compact=True)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [stranger]


@pytest.mark.parametrize(
    "wrong", [{"photos": 0}, {"width": 100}, {"width": 9000}, {"visit": 3}],
)
def test_bad_arguments_are_refused(tmp_path, wrong):
    with pytest.raises(InputError) as caught:
        simulate(tmp_path, seed=1, **wrong)
    assert caught.value.remedy
    assert not list(tmp_path.iterdir())
