"""What a run makes of an earlier one, with stages that only note that they ran.

The real stages are run by tests of the command line.
"""

import json
import os
import shutil
from dataclasses import replace

import pytest

from kilnsight.errors import InputError, NothingToDoError
from kilnsight.evidence.manifest import check, fingerprint, sha256_of
from kilnsight.photos.folder import read_folder
from kilnsight.surveys import pipeline
from kilnsight.surveys.pipeline import Settings, survey
from kilnsight.surveys.stages import STAGES
from kilnsight.surveys.target import (
    OUTPUTS,
    bytes_needed,
    check_disk,
    check_target,
    ensure_whole,
    stage_of,
)

USERS = ("notes.txt", "evidence/F001/comment.txt", "evidence/F001/mine.jpg", "report/mine.txt")


@pytest.fixture(scope="module")
def flight(flight_photos):
    return read_folder(flight_photos, workers=0)


@pytest.fixture
def folder(small_survey, tmp_path):
    """Complete survey that a test may spoil, with a file of the user's."""
    copy = shutil.copytree(small_survey, tmp_path / "survey")
    for name in USERS:
        (copy / name).write_text("mine")
    return copy


@pytest.fixture
def ran(monkeypatch):
    """Names of the stages that ran."""
    names = []
    for stage in STAGES:
        def note(job, tell, stage=stage):
            names.append(stage)
            for name in OUTPUTS[stage]:
                path = job.folder.root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()

        monkeypatch.setattr(pipeline, f"_{stage}", note)
    return names


def go(flight, folder, **settings):
    """Run a survey; the sentences it told."""
    told = []
    survey(flight, folder, Settings(**settings), notice=told.append)
    return told


def fewer(flight):
    return replace(flight, photos=flight.photos[:-1])


def test_a_complete_survey_is_left_alone(flight, folder, ran):
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    with pytest.raises(NothingToDoError):
        go(flight, folder)
    assert ran == []
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()} == before
    assert {(f.kind, f.path) for f in check(folder)} == {
        ("extra", name) for name in USERS
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_missing_file_is_made_again_with_all_that_follows(stage, flight, folder, ran):
    (folder / OUTPUTS[stage][0]).unlink()
    go(flight, folder)
    assert ran == list(STAGES[STAGES.index(stage):])


def test_another_language_or_name_makes_a_new_report_alone(flight, folder, ran):
    go(flight, folder, language="zh_Hans")
    assert ran == ["report"]


@pytest.mark.parametrize("name", ["findings.geojson", "map/ortho.tif", "manifest.json"])
def test_a_file_changed_by_hand_is_not_written_over(name, flight, folder, ran):
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")
    spoilt = path.read_bytes()
    for photos in (flight, fewer(flight)):
        with pytest.raises(InputError, match=name):
            go(photos, folder)
    assert path.read_bytes() == spoilt and ran == []


def test_a_photo_less_starts_anew_and_says_so(flight, folder, ran):
    features = folder / ".work" / "features" / "known.npz"
    features.parent.mkdir()
    features.touch()
    pairs = folder / ".work" / "pairs-0.2"
    pairs.mkdir()
    told = go(fewer(flight), folder)
    assert told == ["The photos are not those of the earlier run: the survey starts anew."]
    assert ran == list(STAGES)
    assert features.exists() and not pairs.exists()
    stale = [p for p in folder.rglob("*") if p.is_file() and p.stat().st_size
             and stage_of(p.relative_to(folder).as_posix()) and p.name != "survey.json"]
    assert stale == []
    assert not [*(folder / "evidence").rglob("*.json"), *(folder / "report").rglob("*.webp")]
    assert [p.name for p in (folder / "evidence").rglob("*.jpg")] == ["mine.jpg"]
    assert {(folder / name).read_text() for name in USERS} == {"mine"}


def test_other_settings_start_anew(flight, folder, ran):
    assert "settings" in go(flight, folder, memory_gib=2.0)[0]
    assert ran == list(STAGES)


def test_the_survey_of_other_photos_is_not_written_over(flight, folder, ran):
    others = replace(flight, photos=tuple(
        replace(p, sha256=p.sha256[::-1]) for p in flight.photos))
    with pytest.raises(InputError, match="the survey of other photos"):
        go(others, folder)
    assert ran == [] and (folder / "report.html").stat().st_size


def test_what_a_killed_run_left_half_written_goes(flight, folder, ran):
    (folder / "map" / "ortho.tif").unlink()
    left = [folder / "map" / "ortho.rough.tif", folder / "map" / "ortho.part.tif.ovr.tmp",
            folder / "findings.part.gpkg", folder / ".survey.json.part"]
    for path in left:
        path.touch()
    (folder / ".work" / "tmp123").mkdir()
    told = go(flight, folder)
    assert told == ["Going on from the last finished stage: 2 of 5 are done."]
    assert not [p for p in left if p.exists()]
    assert not (folder / ".work" / "tmp123").exists()


def test_a_library_that_fails_on_a_full_disk_is_told_as_such(flight, folder, ran, monkeypatch):
    (folder / "map" / "ortho.tif").unlink()

    def fail(job, tell):
        raise RuntimeError("strange words")

    monkeypatch.setattr(pipeline, "_ortho", fail)
    with pytest.raises(RuntimeError):
        go(flight, folder)
    monkeypatch.setattr(pipeline, "FULL_BYTES", 10**18)
    with pytest.raises(OSError, match="No space left") as error:
        go(flight, folder)
    assert error.value.filename == str(folder)


def test_a_survey_says_it_is_complete_only_when_it_is(flight, folder, monkeypatch):
    def stop(root, *, language):
        raise KeyboardInterrupt

    about = folder / "survey.json"
    (folder / "report.pdf").unlink()
    monkeypatch.setattr(pipeline, "write_pdf", stop)
    with pytest.raises(KeyboardInterrupt):
        go(flight, folder)
    assert json.loads(about.read_text())["complete"] is False
    monkeypatch.setattr(pipeline, "write_pdf", lambda root, language: (root / "report.pdf").touch())
    go(flight, folder)
    assert json.loads(about.read_text())["complete"] is True
    page = (folder / "report.html").read_text()
    assert fingerprint(folder) in page and sha256_of(about) in page


def test_the_disk_is_asked_for_what_is_needed(flight, tmp_path, monkeypatch):
    from kilnsight.surveys.folder import SurveyFolder

    needed = bytes_needed(flight.photos)
    assert 10e6 < needed < 40e6, "measured: 24 MB for 16 photos of 900 pixels"
    (tmp_path / ".work").mkdir()
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed - 1))
    with pytest.raises(InputError, match="needs about"):
        check_disk(SurveyFolder(tmp_path), flight.photos)
    (tmp_path / ".work" / "features").write_bytes(b"x")
    check_disk(SurveyFolder(tmp_path), flight.photos)


def test_a_raster_cut_short_is_seen(folder):
    ensure_whole(folder / "map" / "ortho.tif")
    path = folder / "map" / "dsm.tif"
    ensure_whole(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match="written whole"):
        ensure_whole(path)
    assert not path.exists()


def test_folders_that_merely_begin_alike_are_beside_each_other(tmp_path):
    (tmp_path / "a").mkdir()
    check_target(tmp_path / "a", tmp_path / "ab")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(InputError, match="in one another"):
        check_target(tmp_path / "a", tmp_path / "link" / "survey")


@pytest.mark.parametrize("name", [".work", "evidence", "map", "report", "stac"])
def test_a_link_in_place_of_a_folder_is_not_followed(name, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "survey.json").touch()
    check_target(tmp_path / "photos", tmp_path / "out")
    (tmp_path / "out" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        check_target(tmp_path / "photos", tmp_path / "out")


@pytest.mark.parametrize(("path", "stage"), [
    ("map/dsm.tif", "surface"), ("evidence/F012/IMG 1.jpg", None), ("report/x/1.webp", None),
    ("report/ortho/1.webp", "report"), ("evidence/F012/evidence.json", "findings"),
    ("notes.txt", None), ("evidence/F012/notes.txt", None), ("map/mine.tif", None),
])
def test_the_program_knows_what_is_its_own(path, stage):
    assert stage_of(path) == stage
