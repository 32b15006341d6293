"""The catalogue's links lead to files, and its boxes lie where the map lies."""

import json

import pytest
from survey_maker import EPSG, NORTH, TO_WGS84, WEST, make_survey

from kilnsight.surveys.stac import write_catalogue


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return write_catalogue(make_survey(tmp_path_factory.mktemp("stac") / "survey"))


def linked(path):
    value = json.loads(path.read_text())
    yield path, value
    for link in value["links"]:
        if link["rel"] in ("child", "item"):
            yield from linked(path.parent / link["href"])


def test_every_link_and_asset_is_there(catalogue):
    seen = list(linked(catalogue))
    assert [value["type"] for _, value in seen] == ["Catalog", "Collection", "Feature", "Feature"]
    for path, value in seen:
        assert value["stac_version"] == "1.0.0"
        for link in [*value["links"], *value.get("assets", {}).values()]:
            assert not link["href"].startswith(("/", "http"))
            assert (path.parent / link["href"]).is_file(), link


def test_items_carry_place_and_time(catalogue):
    items = [value for _, value in linked(catalogue) if value["type"] == "Feature"]
    lon, lat = TO_WGS84.transform(WEST, NORTH)
    for item in items:
        assert item["properties"]["proj:epsg"] == EPSG
        assert item["properties"]["datetime"] == "2026-04-11T01:14:05Z"
        west, south, east, north = item["bbox"]
        assert west <= lon < east and south < lat <= north + 1e-6
        assert item["geometry"]["coordinates"][0][0] == item["geometry"]["coordinates"][0][-1]


@pytest.mark.parametrize(("flight", "start"), [
    ({"start": "2026-01-02 03:04:05", "end": None}, "2026-01-02T03:04:05Z"),
    ({"start": "2026-01-02T03:04:05", "time_zone": "UTC+8"}, "2026-01-01T19:04:05Z"),
    ({"start": "2026-01-02T03:04:05", "time_zone": "-03:30"}, "2026-01-02T06:34:05Z"),
    ({"start": "2026-01-02T03:04:05", "time_zone": "UTC+99"}, "2026-01-02T03:04:05Z"),
    ({"start": "soon"}, "2026-02-02T00:00:00Z"),
])
def test_times_are_utc_and_a_map_without_rasters_has_no_items(tmp_path, flight, start):
    about = {"name": "a", "created": "2026-02-02T00:00:00Z", "flight": flight}
    (tmp_path / "survey.json").write_text(json.dumps(about))
    seen = dict(linked(write_catalogue(tmp_path)))
    collection = next(v for v in seen.values() if v["type"] == "Collection")
    assert collection["extent"]["temporal"]["interval"] == [[start, start]]
    assert len(seen) == 2
