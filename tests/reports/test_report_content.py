"""The report says what the survey says, and survives surveys that others made."""

import json
import shutil

import pytest
from PIL import Image
from shapely.geometry import Polygon
from survey_maker import NORTH, TO_WGS84, WEST, disc, dump

from kilnsight.errors import InputError
from kilnsight.reports.content import add_up, read_content
from kilnsight.reports.html import lonlat_fit, outlines_of
from kilnsight.reports.pictures import draw_overview, nice_length, save_crop


@pytest.fixture(scope="module")
def content(survey):
    return read_content(survey)


@pytest.fixture
def copy(survey, tmp_path):
    return shutil.copytree(survey, tmp_path / "copy", ignore=shutil.ignore_patterns("report*"))


def change(path, edit):
    value = json.loads(path.read_text("utf-8"))
    edit(value)
    dump(path, value)


def test_places_come_back_in_map_metres(content):
    truth = Polygon(disc(70.0, 60.0, 17.0))
    drawn = Polygon([(x - WEST, NORTH - y) for x, y in content.findings[0].polygons[0][0]])
    assert drawn.symmetric_difference(truth).area < 0.01 * truth.area
    x, y = content.findings[0].place
    assert drawn.contains(Polygon([(x - WEST + d, NORTH - y + e) for d, e in ((0, 0), (.1, 0),
                                                                              (0, .1))]))


def test_findings_carry_names_measures_and_crops(content):
    first = content.findings[0]
    assert (first.id, first.code, first.severity) == ("F001", "D01", 3)
    assert (first.name.en, first.name.zh_Hans) == ("uncovered open pile", "物料露天堆存")
    assert [m.key for m in first.measures] == [
        "area_m2", "volume_m3", "height_m", "cover_fraction"
    ]
    assert [crop.photo for crop in first.crops] == ["DJI_0002.JPG", "DJI_0003.JPG"]
    assert content.title == "溧阳示例水泥有限公司"


def test_totals_are_by_code_and_severe_first():
    items = [{"code": "D16", "severity": 1}, {"code": "D01", "severity": 3, "area_m2": 5.0},
             {"code": "D01", "severity": 2, "area_m2": 7.0}]
    totals = add_up(items)
    assert [(t.code, t.count, t.severity) for t in totals] == [("D01", 2, 3), ("D16", 1, 1)]
    assert totals[0].area.startswith("12")


def test_photos_keep_flags_and_footprints(content):
    assert content.photos_in_map == 9
    last = content.photos[-1]
    assert (last.aligned, last.footprint, [f.en for f in last.flags]) == (False, [], ["blurred"])
    assert len(content.photos[0].footprint) == 5


def test_sparse_survey_is_read(copy):
    dump(copy / "survey.json", {})
    (copy / "map" / "quality.json").unlink()
    dump(copy / "findings.geojson", {"features": [
        {"geometry": None, "id": "../../x", "properties": {}},
        {"geometry": {"type": "MultiPolygon", "coordinates": []}, "properties": {"severity": 99}},
    ]})
    dump(copy / "photos.geojson", {"features": []})
    content = read_content(copy)
    assert [f.id for f in content.findings] == ["F001", "F002"]
    assert [f.severity for f in content.findings] == [1, 4]
    assert content.title == "copy"


def test_crops_outside_the_survey_are_not_read(copy, tmp_path):
    secret = tmp_path / "secret.jpg"
    Image.new("RGB", (9, 9)).save(secret)

    def lead_out(value):
        evidence = value["features"][0]["properties"]["evidence"]
        evidence[0]["crop"], evidence[1]["crop"] = "../secret.jpg", str(secret)

    change(copy / "findings.geojson", lead_out)
    assert read_content(copy).findings[0].crops == []


@pytest.mark.parametrize("geometry", [
    {"type": "Polygon"}, {"type": "Polygon", "coordinates": [[1, 2]]}, {"type": "Sphere"}, 7,
    {"type": "Polygon", "coordinates": "x"},
])
def test_broken_geometry_names_the_file(copy, geometry):
    change(copy / "findings.geojson", lambda v: v["features"][0].update(geometry=geometry))
    with pytest.raises(InputError, match=r"findings\.geojson"):
        read_content(copy)


@pytest.mark.parametrize("part", ["map/ortho.tif", "map/dsm.tif", "photos.geojson", "survey.json",
                                  "findings.geojson"])
def test_missing_part_is_named(copy, part):
    (copy / part).unlink()
    with pytest.raises(InputError, match=part.rsplit("/", 1)[-1].replace(".", r"\.")):
        read_content(copy)


def test_lonlat_fit_is_right_to_millimetres(content):
    for east, south in ((0, 0), (230, 170), (111, 42)):
        x, y = east / 1000, -south / 1000
        terms = (1, x, y, x * x, x * y, y * y)
        lon, lat = (sum(a * b for a, b in zip(row, terms, strict=True))
                    for row in lonlat_fit(content))
        truth = TO_WGS84.transform(WEST + east, NORTH - south)
        assert abs(lon - truth[0]) * 95_000 < 0.005
        assert abs(lat - truth[1]) * 111_000 < 0.005


def test_overview_shows_the_outlines(content, survey):
    plain = draw_overview(content.folder.ortho, content.grid, [], side=600)
    drawn = draw_overview(content.folder.ortho, content.grid, outlines_of(content), side=600)
    assert drawn.size == plain.size == (600, round(600 * 1700 / 2300))
    east, south, radius = 70.0, 60.0, 17.0
    place = round((east + radius) / 230 * 600), round(south / 230 * 600)
    across = [drawn.getpixel((place[0] + d, place[1])) for d in range(-3, 4)]
    assert any(red > 180 and green < 130 for red, green, _blue in across)
    assert drawn.getpixel((2, 2)) == (255, 255, 255)


def test_scale_bar_lengths():
    assert [nice_length(x) for x in (1, 46, 99.9, 500, 0.7)] == [1, 20, 50, 500, 0.5]


def test_unreadable_crop_is_left_out(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8junk")
    assert not save_crop(tmp_path / "bad.jpg", tmp_path / "out.jpg", side=100)
    Image.new("RGB", (400, 200)).save(tmp_path / "good.png")
    assert save_crop(tmp_path / "good.png", tmp_path / "out.jpg", side=100)
    with Image.open(tmp_path / "out.jpg") as made:
        assert made.size == (100, 50)


def test_survey_without_findings_is_read(empty_survey):
    content = read_content(empty_survey)
    assert content.findings == [] and content.totals == []
