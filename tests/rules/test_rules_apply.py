import copy
import datetime as dt
import json

import pytest
from shapely.geometry import box

from kilnsight.findings.finding import Evidence, Finding, write_findings
from kilnsight.findings.taxonomy import taxonomy
from kilnsight.quantity import Quantity
from kilnsight.rules.apply import apply

DAY = dt.date(2026, 4, 29)


def feature(code="D01", **properties):
    return {"type": "Feature", "id": "F001", "geometry": None,
            "properties": {"code": code, "confidence": 0.9, "area_m2": 500.0, **properties}}


def finding(code="D01", **fields):
    measures = {"area_m2": Quantity(500.0, "m²", 490, 510, "outline")}
    return Finding(code, box(0, 0, 20, 25), 0.9, taxonomy()[code].severity, measures, **fields)


def ruled(item, **options):
    return apply([item], **{"region": "CN-32", "on": DAY, **options})[0]


def test_features_get_all_properties_and_stay_as_they_were():
    item = feature()
    before = copy.deepcopy(item)
    props = ruled(item)["properties"]
    assert item == before
    assert props["clauses"][0]["id"] == "cn-appcl-117-1" and props["severity"] == 3
    assert (props["due"], props["due_lasting"]) == ("2026-05-02", "2026-06-29")
    assert all(props[f"{name}_reason_{language}"]
               for name in ("severity", "due") for language in ("en", "zh"))
    json.dumps(props)


@pytest.mark.parametrize("code", taxonomy())
def test_findings_and_features_are_ruled_alike(code):
    done, props = ruled(finding(code)), ruled(feature(code))["properties"]
    assert [dict(c) for c in done.clauses] == props["clauses"]
    assert (done.severity, done.due) == (props["severity"], props["due"])
    assert done.notes["severity_reason_zh"] == props["severity_reason_zh"]


@pytest.mark.parametrize("make", [finding, feature])
def test_applied_again_it_gives_the_same(make):
    once = ruled(make(), alert="red")
    assert ruled(once, alert="red") == once


def test_what_an_earlier_region_noted_goes_away():
    without = ruled(feature(), region=None)
    assert without["properties"]["clauses"] == []
    assert "region" in without["properties"]["clauses_note_en"]
    again = ruled(without)["properties"]
    assert again["clauses"] and "clauses_note_en" not in again


def test_heat_has_no_clause_and_says_why():
    props = ruled(feature("T02"))["properties"]
    assert props["clauses"] == [] and "carbon" in props["clauses_note_en"]


@pytest.mark.parametrize(("extra", "level"), [
    ({"recurrent": True}, 4), ({"receptor_m": 100.0}, 4), ({"control_off": True}, 4),
    ({"confidence": 0.5}, 2), ({"photos": ["a"]}, 2), ({"photos": ["a", "b"]}, 3),
    ({"photos": ["a"], "volume_m3": 500.0}, 3), ({"photos": []}, 3), ({"area_m2": None}, 3),
])
def test_properties_of_a_finding_weigh_in(extra, level):
    assert ruled(feature(**extra))["properties"]["severity"] == level


def test_notes_of_a_finding_weigh_in():
    assert ruled(finding(notes={"recurrent": True})).severity == 4
    crop = Evidence("a.jpg", "0" * 64, "evidence/F001/a.jpg", [[0, 0]], (0, 0, 1, 1), 1.0)
    assert ruled(finding(evidence=(crop,))).severity == 2


def test_the_files_of_a_survey_hold_what_rules_gave(tmp_path):
    from pyproj import CRS

    write_findings([ruled(finding(id="F001"))], tmp_path, crs=CRS(32650))
    props = json.loads((tmp_path / "findings.geojson").read_text("utf-8"))["features"][0][
        "properties"]
    assert props["due"] == "2026-05-02" and props["clauses"][0]["status"] == "secondary"
    assert (tmp_path / "findings.gpkg").is_file()


def test_nothing_stays_nothing():
    assert apply([], region=None, on=DAY) == []
