"""Reading a survey folder says what is wrong; writing leaves a file whole or not at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.errors import InputError
from kilnsight.surveys.folder import SurveyFolder, read_features, read_json, write_bytes, write_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", max_size=3), VALUES, max_size=4))
def test_json_round_trip(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "deep" / "x.json"
    assert read_json(write_json(path, value)) == value


def test_failed_write_keeps_the_old_file(tmp_path):
    path = write_json(tmp_path / "a.json", {"old": 1})
    with pytest.raises(ValueError, match="compliant"):
        write_json(path, {"bad": float("nan")})
    with pytest.raises(TypeError):
        write_bytes(path, "text")
    assert read_json(path) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_what_a_killed_run_left_is_replaced(tmp_path):
    (tmp_path / ".a.json.part").write_text('{"half": ')
    assert read_json(write_json(tmp_path / "a.json", {"whole": 1})) == {"whole": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_open_needs_survey_json(tmp_path):
    with pytest.raises(InputError, match=r"survey\.json"):
        SurveyFolder.open(tmp_path)
    write_json(tmp_path / "survey.json", {"name": "a"})
    assert SurveyFolder.open(tmp_path).read_survey()["name"] == "a"


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_broken_json_names_the_file(tmp_path, data):
    path = tmp_path / "photos.geojson"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"photos\.geojson"):
        read_json(path)


@pytest.mark.parametrize("value", [{}, {"features": 3}, {"features": [1]}, {"features": [{}]}])
def test_features_need_properties(tmp_path, value):
    path = write_json(tmp_path / "findings.geojson", value)
    with pytest.raises(InputError, match="feature"):
        read_features(path)


def test_missing_quality_is_empty_and_missing_photos_are_named(tmp_path):
    folder = SurveyFolder(tmp_path)
    assert folder.read_quality() == {}
    with pytest.raises(InputError, match=r"photos\.geojson"):
        folder.read_photos()


def test_names_that_lead_out_are_no_names(tmp_path):
    root = tmp_path / "survey"
    inner = write_json(root / "evidence" / "a.json", {})
    write_json(tmp_path / "secret.json", {})
    (root / "link.json").symlink_to(tmp_path / "secret.json")
    folder = SurveyFolder(root)
    assert folder.inside("evidence/a.json") == inner.resolve()
    for name in ("../secret.json", str(tmp_path / "secret.json"), "link.json", "evidence", "\0",
                 "nothing.json"):
        assert folder.inside(name) is None


def test_paths_are_those_of_the_contract(tmp_path):
    folder = SurveyFolder(tmp_path)
    named = [
        folder.survey_json, folder.photos_json, folder.ortho, folder.dsm, folder.dsm_spread,
        folder.cameras_json, folder.quality_json, folder.findings_json, folder.findings_gpkg,
        folder.evidence, folder.stac, folder.report_html, folder.report_assets, folder.report_pdf,
        folder.manifest, folder.work,
    ]
    assert [path.relative_to(tmp_path).as_posix() for path in named] == [
        "survey.json", "photos.geojson", "map/ortho.tif", "map/dsm.tif", "map/dsm_spread.tif",
        "map/cameras.json", "map/quality.json", "findings.geojson", "findings.gpkg", "evidence",
        "stac", "report.html", "report", "report.pdf", "manifest.json", ".work",
    ]


def test_written_files_can_be_read_by_others(tmp_path):
    path = write_json(tmp_path / "a.json", {"zh": "水泥"})
    assert path.stat().st_mode & 0o444 == 0o444
    assert json.loads(path.read_text("utf-8")) == {"zh": "水泥"}
