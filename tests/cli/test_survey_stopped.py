"""Surveys that end early: nothing is lost, nothing is left running, and the next run goes on."""

import json
import shutil
import signal

import pytest
from command_line import STAGE_LINES, Running, gone, kilnsight, stamps, wait_until

from kilnsight.surveys.stages import STAGES
from kilnsight.surveys.target import OUTPUTS


def seconds(survey):
    return json.loads((survey / ".work" / "stages.json").read_text())["seconds"]


def wait_inside(stage, run, survey):
    """Return when the stage is in the middle of its work."""
    run.wait_for_line(STAGE_LINES[stage])
    work = survey / ".work"
    if stage == "align":
        wait_until(lambda: len(list(work.glob("features/*.npz"))) >= 3)
    elif stage == "surface":
        wait_until(lambda: any(work.glob("pairs-*/*.npz")))
    elif stage == "ortho":
        run.wait_for_worker("spawn_main")
    elif stage == "report":
        wait_until(lambda: (survey / "report.html").exists())


def test_a_survey_killed_in_every_stage_goes_on_each_time(flight_photos, tmp_path):
    survey = tmp_path / "survey"
    before, features = {}, {}
    for number, stage in enumerate(STAGES):
        run = Running("survey", flight_photos, "--out", survey, "--workers", 2)
        wait_inside(stage, run, survey)
        left = gone(run.kill())
        run.end()
        assert left == [], f"still at work after a kill in {stage}"
        done = seconds(survey)
        assert list(done) == list(STAGES[:number])
        assert {name: done[name] for name in before} == before
        finished = {name for s in STAGES[1:number] for name in OUTPUTS[s]}
        kept = {n: t for n, t in stamps(survey).items() if n in finished}
        assert {n: kept[n] for n in features} == features, f"made again after a kill in {stage}"
        before, features = done, kept
        assert kilnsight("check", survey).returncode == 1
    last = kilnsight("survey", flight_photos, "--out", survey, "--workers", 2)
    assert last.returncode == 0, last.stderr
    assert "4 of 5 are done" in last.stderr
    assert {n: t for n, t in stamps(survey).items() if n in features} == features
    assert {name: seconds(survey)[name] for name in before} == before
    assert all((survey / name).exists() for names in OUTPUTS.values() for name in names)
    assert json.loads((survey / "survey.json").read_text())["complete"] is True
    assert kilnsight("check", survey).returncode == 0
    assert not [n for n in stamps(survey) if ".part" in n or "rough" in n]
    assert {p.name for p in (survey / ".work").iterdir()} == {
        "lock", "stages.json", "reconstruction.npz"
    }


def test_features_found_before_a_kill_are_kept(flight_photos, tmp_path):
    survey = tmp_path / "survey"
    run = Running("survey", flight_photos, "--out", survey, "--workers", 1)
    wait_inside("align", run, survey)
    assert gone(run.kill()) == []
    run.end()
    found = {p: p.stat().st_mtime_ns for p in survey.glob(".work/features/*.npz")}
    again = Running("survey", flight_photos, "--out", survey, "--workers", 1)
    again.wait_for_worker("reconstruction_worker")
    assert gone(again.kill()) == [], "the reconstruction outlives its parent"
    again.end()
    assert {p: p.stat().st_mtime_ns for p in found} == found


@pytest.mark.parametrize("stage", ["align", "ortho"])
def test_ctrl_c_ends_with_one_sentence(stage, flight_photos, small_survey, tmp_path):
    survey = tmp_path / "survey"
    if stage == "ortho":
        shutil.copytree(small_survey, survey)
        (survey / "map" / "ortho.tif").unlink()
    run = Running("survey", flight_photos, "--out", survey, "--workers", 2)
    wait_inside(stage, run, survey)
    children = run.children()
    run.press_ctrl_c()
    printed = run.end()
    # A shell reports 130 for both.
    assert run.process.returncode in (130, -signal.SIGINT)
    assert printed.splitlines()[-1].startswith("Stopped. Run the same command again")
    assert "Traceback" not in printed and "Error" not in printed and "Warning" not in printed
    assert gone(children) == []
    if stage == "ortho":
        assert list(seconds(survey)) == ["align", "surface"]
        assert list(survey.glob("map/*.tif.*")) == []


def test_a_second_run_is_refused_while_the_first_works(flight_photos, tmp_path):
    survey = tmp_path / "survey"
    run = Running("survey", flight_photos, "--out", survey, "--workers", 1)
    run.wait_for_line(STAGE_LINES["align"])
    second = kilnsight("survey", flight_photos, "--out", survey)
    assert second.returncode == 1
    assert "Another run is working on this survey." in second.stderr
    run.kill()
    run.end()
