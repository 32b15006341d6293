import hashlib
import json

import cv2
import numpy as np
import pytest
from findings_scenes import EAST, NORTH, SAND, Scene, on_map
from shapely.geometry import Point, Polygon, box

from kilnsight.errors import InputError
from kilnsight.findings.detect import find
from kilnsight.findings.evidence import attach_evidence, crop_box_of, crop_names, draw_outline
from kilnsight.findings.sight import Sight, best_showings
from kilnsight.findings.site import SiteMap
from kilnsight.photos.camera import Camera, Pose, View

LENS = Camera(600, 450, 480.0, 480.0, 299.5, 224.5, k1=-0.05)


def view(name, x, y, *, height=90.0, yaw=0.0, pitch=-90.0):
    centre = np.array([EAST + x, NORTH + y, height + 50.0])
    return View(name, LENS, Pose.from_gimbal(yaw, pitch, 0.0, centre))


def photograph(scene, shot):
    """Picture of a scene: its cells thrown into the photo, the nearest last."""
    step = 0.1
    x, y = np.meshgrid(np.arange(0, scene.size, step), np.arange(0, scene.size, step))
    rows = np.clip(((scene.size - y) / scene.cell).astype(int), 0, scene.dsm.shape[0] - 1)
    columns = np.clip((x / scene.cell).astype(int), 0, scene.dsm.shape[1] - 1)
    z = scene.dsm[rows, columns]
    points = np.column_stack([EAST + x.ravel(), NORTH + y.ravel(), z.ravel()])
    uv, depth = shot.project(points)
    seen = shot.sees(points)
    order = np.argsort(-depth[seen])
    u, v = np.rint(uv[seen][order]).astype(int).T
    picture = np.zeros((LENS.height, LENS.width, 3), np.uint8)
    colours = np.clip(scene.rgb, 0, 255).astype(np.uint8)[rows, columns].reshape(-1, 3)
    picture[v, u] = colours[seen][order]
    return cv2.medianBlur(picture, 3)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evidence")
    scene = Scene(100, slope=0.02)
    scene.cone(50, 50, 5)
    scene.shed(60, 40, 80, 60, height=20)
    views = [view("over.jpg", 48, 50), view("west.jpg", 5, 50, height=45, yaw=90, pitch=-40),
             view("east.jpg", 120, 50, height=20, yaw=270, pitch=-20), view("far.jpg", 900, 50)]
    (folder / "photos").mkdir()
    for shot in views[:3]:
        picture = photograph(scene, shot)
        cv2.imwrite(str(folder / "photos" / shot.name), picture[..., ::-1])
    cv2.imwrite(str(folder / "photos" / "far.jpg"), np.zeros((450, 600, 3), np.uint8))
    scene.write(folder, views=views)
    site = SiteMap.open(folder)
    findings = find(site)
    return folder, site, findings, attach_evidence(findings, site, folder / "photos", folder)


def test_the_pile_is_found_and_shown_by_the_views_that_see_it(survey):
    *_, (finding,) = survey
    assert finding.code == "D01"
    assert {e.photo for e in finding.evidence} == {"over.jpg", "west.jpg"}


def test_what_a_shed_hides_is_not_seen_from_behind_it(survey):
    _, site, *_ = survey
    sight = Sight(site)
    pile = np.array([[EAST + 47, NORTH + 50, 0.0]])
    pile[:, 2] = sight.heights(pile[:, :2])
    assert not sight.visible(pile, site.views["east.jpg"].pose.centre)[0]
    assert sight.visible(pile, site.views["west.jpg"].pose.centre)[0]
    assert best_showings(sight, on_map(Point(50, 50).buffer(6)), [site.views["far.jpg"]],
                         count=3) == []


def test_the_outline_lies_around_the_pile_in_the_photo(survey):
    folder, _, _, (finding,) = survey
    assert finding.evidence
    for evidence in finding.evidence:
        picture = cv2.imread(str(folder / "photos" / evidence.photo))[..., ::-1].astype(int)
        sand = np.abs(picture - SAND).max(axis=2) < 25
        drawn = np.zeros(sand.shape, np.uint8)
        cv2.fillPoly(drawn, [np.rint(evidence.polygon_px).astype(np.int32)], 1)
        both = (drawn > 0) & sand
        assert both.sum() / ((drawn > 0) | sand).sum() > 0.8


def test_crops_and_lists_are_written_as_the_contract_says(survey):
    folder, _, _, (finding,) = survey
    stored = json.loads((folder / "evidence" / "F001" / "evidence.json").read_text())
    assert stored["finding"] == "F001" and stored["kilnsight"]
    assert stored["evidence"] == [json.loads(json.dumps(e.as_dict())) for e in finding.evidence]
    assert stored["evidence"]
    for entry in stored["evidence"]:
        crop = cv2.imread(str(folder / entry["crop"]))
        left, top, right, bottom = entry["crop_box_px"]
        assert crop.shape[:2] == (bottom - top, right - left)
        original = (folder / "photos" / entry["photo"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(original).hexdigest()
        ring = np.array(entry["polygon_px"])
        assert (ring >= [left, top]).all() and (ring <= [right, bottom]).all()


def test_a_second_run_replaces_the_crops_and_nothing_else(survey):
    folder, site, findings, _ = survey
    (folder / "evidence" / "F099").mkdir()
    (folder / "evidence" / "Feld").mkdir(exist_ok=True)
    attach_evidence(findings, site, folder / "photos", folder)
    assert sorted(p.name for p in (folder / "evidence").iterdir()) == ["F001", "Feld"]


def test_a_missing_and_a_damaged_photo_are_named(survey, tmp_path):
    _folder, site, findings, _ = survey
    with pytest.raises(InputError, match=r"\.jpg: .* cannot be read"):
        attach_evidence(findings, site, tmp_path, tmp_path)
    for name in site.views:
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(InputError, match="damaged"):
        attach_evidence(findings, site, tmp_path, tmp_path)


def test_crops_are_never_enlarged_and_never_too_long():
    picture = np.zeros((3000, 4000, 3), np.uint8)
    small = np.array([[100.0, 100], [160, 100], [160, 150], [100, 150]])
    large = np.array([[10.0, 10], [3900, 10], [3900, 2900], [10, 2900]])
    box_small = crop_box_of(small, width=4000, height=3000)
    assert box_small == (40, 40, 221, 211)
    assert draw_outline(picture, small, box_small).shape[:2] == (171, 181)
    crop = draw_outline(picture, large, crop_box_of(large, width=4000, height=3000))
    assert max(crop.shape) == 1200


def test_the_outline_has_a_light_and_a_dark_side():
    for ground in (0, 255):
        picture = np.full((300, 300, 3), ground, np.uint8)
        ring = np.array([[80.0, 80], [220, 80], [220, 220], [80, 220]])
        crop = draw_outline(picture, ring, (0, 0, 300, 300)).astype(int)
        assert np.abs(crop - ground).max(axis=2)[78:83, 100:200].max(axis=0).min() > 150
        assert (crop[120:180, 120:180] == ground).all()


def test_a_polygon_that_leaves_the_frame_is_cut_at_it(survey):
    _, site, *_ = survey
    road = Polygon(on_map(box(-200, 45, 300, 55)).exterior.coords)
    (showing,) = best_showings(Sight(site), road, [site.views["over.jpg"]], count=1)
    assert (showing.ring_px >= 0).all() and (showing.ring_px <= [599, 449]).all()
    assert 0.15 < showing.part < 0.5


@pytest.mark.parametrize("pair", [("a/b_c.jpg", "a_b/c.JPG"), ("x.jpg", "x.jpeg"),
                                  ("x.jpg", "X.jpg")])
def test_no_two_crops_share_a_name(pair):
    names = crop_names([*pair, "alone.JPG"])
    assert names["alone.JPG"] == "alone.jpg"
    assert len({name.casefold() for name in names.values()}) == 3
    for photo in pair:
        assert names[photo].endswith(f"_{hashlib.sha256(photo.encode()).hexdigest()[:8]}.jpg")


def test_crops_of_an_earlier_run_go_and_files_behind_a_link_stay(survey, tmp_path):
    folder, site, findings, _ = survey
    here, other = tmp_path / "survey", tmp_path / "other"
    for place in (here / "evidence" / "F001", other):
        place.mkdir(parents=True)
        for name in ("over.jpg", "evidence.json", "west.jpg.part", "mine.txt"):
            (place / name).write_text("kept")
    (here / "evidence" / "F002").symlink_to(other, target_is_directory=True)
    attach_evidence([], site, folder / "photos", here)
    assert [p.name for p in (here / "evidence" / "F001").iterdir()] == ["mine.txt"]
    assert len(list(other.iterdir())) == 4

    (here / "evidence" / "F001" / "mine.txt").unlink()
    (here / "evidence" / "F001").rmdir()
    (here / "evidence" / "F002").rename(here / "evidence" / "F001")
    with pytest.raises(InputError, match="link"):
        attach_evidence(findings, site, folder / "photos", here)
    assert {p.read_text() for p in other.iterdir()} == {"kept"}


def test_an_interrupted_write_leaves_the_earlier_file_whole(survey, tmp_path, monkeypatch):
    folder, site, findings, _ = survey
    attach_evidence(findings, site, folder / "photos", tmp_path)
    place = tmp_path / "evidence" / "F001"
    assert not list(place.glob("*.part"))
    before = (place / "over.jpg").read_bytes()
    monkeypatch.setattr("kilnsight.findings.evidence._clear", lambda *_: None)
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        attach_evidence(findings, site, folder / "photos", tmp_path)
    assert (place / "over.jpg").read_bytes() == before
