import json

import numpy as np
import pyogrio.raw
import pytest
import shapely
from pyproj import CRS, Geod, Transformer
from shapely.geometry import Point, Polygon, box, shape

from kilnsight.findings.finding import Evidence, Finding, order_findings, write_findings
from kilnsight.quantity import Quantity

UTM = CRS(32650)


def measure(value, unit="m2"):
    return Quantity(value, unit, 0.9 * value, 1.1 * value, "by hand")


def finding(code="D16", x=0.0, size=100.0, severity=1, **more):
    polygon = box(500000 + x, 3300000, 500000 + x + 20, 3300010)
    return Finding(code, polygon, 0.8, severity, {"area_m2": measure(size)}, **more)


def test_findings_are_ordered_by_severity_then_size():
    pile = Finding("D01", Point(500100, 3300000).buffer(5), 0.9, 3, {
        "area_m2": measure(80), "volume_m3": measure(120, "m3")})
    ordered = order_findings([finding(size=50), finding(size=90), pile])
    assert [(f.id, f.code, f.size) for f in ordered] == [
        ("F001", "D01", 120), ("F002", "D16", 90), ("F003", "D16", 50)]


def test_geojson_is_rfc_7946_and_keeps_holes_and_place(tmp_path):
    ring = Point(500000, 3300000).buffer(30).difference(Point(500000, 3300000).buffer(10))
    clockwise = shapely.geometry.polygon.orient(ring, -1.0)
    found = order_findings([Finding("D16", clockwise, 0.7, 1, {"area_m2": measure(ring.area)})])
    write_findings(found, tmp_path, crs=UTM)
    text = (tmp_path / "findings.geojson").read_text("utf-8")
    stored = json.loads(text)
    assert "crs" not in stored
    (feature,) = stored["features"]
    assert feature["id"] == "F001"
    polygon = shape(feature["geometry"])
    assert polygon.exterior.is_ccw and not polygon.interiors[0].is_ccw
    area = Geod(ellps="WGS84").geometry_area_perimeter(polygon)[0]
    assert area == pytest.approx(ring.area / 0.9996**2, rel=1e-4)
    lon, lat = Transformer.from_crs(UTM, 4326, always_xy=True).transform(500000, 3300000)
    assert polygon.centroid.distance(Point(lon, lat)) < 1e-6
    numbers = np.array(feature["geometry"]["coordinates"][0])
    assert (np.round(numbers, 7) == numbers).all()


def test_properties_are_those_of_the_contract(tmp_path):
    evidence = Evidence("a.jpg", "00ff", "evidence/F001/a.jpg", [[1.0, 2.0]], (0, 0, 5, 5), 0.5)
    write_findings(order_findings([finding(evidence=(evidence,))]), tmp_path, crs=UTM)
    stored = json.loads((tmp_path / "findings.geojson").read_text("utf-8"))
    (properties,) = [f["properties"] for f in stored["features"]]
    assert properties["name_zh"] == "裸土" and properties["status"] == "suspected"
    assert properties["area_m2"] == 100 and properties["area_m2_lo"] == 90
    assert properties["area_m2_hi"] == 110 and properties["area_m2_method"] == "by hand"
    assert properties["photos"] == ["a.jpg"]
    assert properties["evidence"][0]["crop_box_px"] == [0, 0, 5, 5]
    assert properties["clauses"] == [] and properties["due"] is None
    assert set(properties) >= {"code", "name_en", "confidence", "severity", "fix_en", "fix_zh"}


def test_geopackage_has_the_same_in_the_maps_crs(tmp_path):
    pile = Finding("D01", Point(500100, 3300000).buffer(5), 0.9, 3, {
        "volume_m3": measure(120, "m3")})
    write_findings(order_findings([finding(), pile]), tmp_path, crs=UTM)
    meta, _, geometry, columns = pyogrio.raw.read(tmp_path / "findings.gpkg")
    table = dict(zip(meta["fields"], columns, strict=True))
    assert CRS(meta["crs"]) == UTM
    assert list(table["id"]) == ["F001", "F002"]
    assert table["volume_m3"][0] == 120 and np.isnan(table["volume_m3"][1])
    assert json.loads(table["evidence"][0]) == []
    assert isinstance(shapely.from_wkb(geometry[0]), Polygon)
    assert shapely.from_wkb(geometry[0]).centroid.x == pytest.approx(500100)


def test_no_findings_are_two_empty_files(tmp_path):
    write_findings([], tmp_path, crs=UTM)
    assert json.loads((tmp_path / "findings.geojson").read_text())["features"] == []
    assert pyogrio.read_info(tmp_path / "findings.gpkg")["features"] == 0


def test_writing_again_replaces_and_leaves_no_parts(tmp_path):
    for count in (3, 1):
        write_findings(order_findings([finding(x=50 * i) for i in range(count)]), tmp_path, crs=UTM)
    assert pyogrio.read_info(tmp_path / "findings.gpkg")["features"] == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["findings.geojson", "findings.gpkg"]
