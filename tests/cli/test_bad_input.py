"""Bad input, one by one: a sentence with file and remedy, and the exit code that is promised."""

import json
import os
import shutil
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import STAGE_LINES, Running, kilnsight, stamps

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def sentence_of(done):
    """The last line that a failed command printed."""
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def copy_photos(photos, folder, *, step=1, count=None):
    folder.mkdir(parents=True)
    for path in sorted(photos.iterdir())[::step][:count]:
        shutil.copy(path, folder)
    return folder


def refused(photos, out, *words):
    done = kilnsight("survey", photos, "--out", out)
    assert done.returncode == 1, done.stderr
    assert all(word in sentence_of(done) for word in words), sentence_of(done)
    return done


def test_no_such_folder(tmp_path):
    refused(tmp_path / "none", tmp_path / "s", str(tmp_path / "none"), "There is no such folder")
    assert not (tmp_path / "s").exists()


def test_no_photos(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "readme.txt").write_text("hello")
    refused(tmp_path / "photos", tmp_path / "s", "There are no photos in the folder", "JPEG")
    assert not (tmp_path / "s").exists()


def test_three_photos(flight_photos, tmp_path):
    photos = copy_photos(flight_photos, tmp_path / "photos", count=3)
    done = refused(photos, tmp_path / "s", str(photos), "3; a map needs at least 4")
    assert done.stderr.count("a map needs at least 4") == 1


def test_photos_without_gps(flight_photos, tmp_path):
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for path in sorted(flight_photos.iterdir()):
        with Image.open(path) as picture:
            exif = picture.getexif()
            exif.pop(0x8825)
            kept = exif.get_ifd(0x8769)
            assert kept
            picture.save(tmp_path / "photos" / path.name, exif=exif, quality=90)
    refused(tmp_path / "photos", tmp_path / "s", "GPS", "original files")


def test_photos_without_overlap(flight_photos, tmp_path):
    import cv2
    import numpy as np

    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(1)
    for path in sorted(flight_photos.iterdir())[:5]:
        head, exif = path.read_bytes(), b""
        at = 2
        while head[at + 1] in (0xE0, 0xE1):
            size = struct.unpack(">H", head[at + 2 : at + 4])[0]
            exif += head[at : at + 2 + size]
            at += 2 + size
        noise = cv2.resize(rng.integers(0, 255, (60, 80, 3), np.uint8), (640, 480))
        jpeg = cv2.imencode(".jpg", noise)[1].tobytes()
        (photos / path.name).write_bytes(jpeg[:2] + exif + jpeg[2:])
    done = kilnsight("survey", photos, "--out", tmp_path / "s")
    assert done.returncode == 1, done.stderr
    assert "70 % overlap" in sentence_of(done)
    assert not (tmp_path / "s" / "manifest.json").exists()


@pytest.mark.parametrize("make", ["file", "other", "inside", "around", "same", "unwritable"])
def test_folders_that_no_survey_is_written_to(make, flight_photos, tmp_path):
    photos = copy_photos(flight_photos, tmp_path / "flight" / "photos", count=4)
    out, words = {
        "file": (tmp_path / "file", "This is a file, not a folder"),
        "other": (tmp_path / "other", "holds other files and is no survey"),
        "inside": (photos / "survey", "cannot lie in one another"),
        "around": (tmp_path / "flight", "cannot lie in one another"),
        "same": (photos, "cannot lie in one another"),
        "unwritable": (tmp_path / "file" / "survey", "No survey can be written here"),
    }[make]
    (tmp_path / "file").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.doc").write_text("mine")
    before = stamps(tmp_path)
    refused(photos, out, str(out), words, "--out")
    assert stamps(tmp_path) == before


def test_bad_files_among_good_ones_and_a_read_only_folder(flight_photos, tmp_path):
    """Cut, huge and foreign files are named; the others make the survey."""
    photos = copy_photos(flight_photos, tmp_path / "photos")
    names = sorted(p.name for p in photos.iterdir())
    whole = (photos / names[0]).read_bytes()
    (photos / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "notes.txt").write_text("windy")
    frame = whole.index(b"\xff\xc0")
    huge = whole[: frame + 5] + struct.pack(">HH", 50_000, 50_000) + whole[frame + 9 :]
    (photos / "huge.jpg").write_bytes(huge)
    for path in photos.iterdir():
        path.chmod(0o444)
    photos.chmod(0o555)
    before = stamps(tmp_path)
    done = kilnsight("survey", photos, "--out", tmp_path / "s", "--workers", 2, "--memory", 1.5)
    photos.chmod(0o755)
    assert done.returncode == 0, done.stderr
    for name in ("cut.jpg", "huge.jpg", "notes.txt"):
        assert name in done.stderr
    assert "12 photos to use." in done.stderr
    assert {n: t for n, t in stamps(tmp_path).items() if n in before} == before
    assert kilnsight("check", tmp_path / "s").returncode == 0


def test_of_two_flights_in_one_folder_the_larger_is_mapped(flight_photos, tmp_path):
    others = sorted(SHARED.glob("caliterra/**/*.[jJ][pP][gG]"))[:5]
    if len(others) < 5:
        pytest.skip(f"no real photos in {SHARED / 'caliterra'}")
    photos = tmp_path / "photos"
    shutil.copytree(flight_photos, photos / "a")
    (photos / "b").mkdir()
    for path in others:
        shutil.copy(path, photos / "b")
    done = kilnsight("survey", photos, "--out", tmp_path / "s", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert "taken at places far from each other" in " ".join(done.stderr.split())
    lost = [f"b/{path.name}" for path in others]
    figures = json.loads((tmp_path / "s" / "map" / "quality.json").read_text("utf-8"))
    assert figures["photos"]["unaligned"] == lost
    said = [line for line in done.stderr.splitlines() if "could not be placed" in line]
    assert len(said) == 1 and all(name in said[0] for name in lost)


@contextmanager
def small_disk(folder, megabytes):
    """A disk of its own in memory, where the system lets us have one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this system mounts no small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_too_small_is_refused_at_the_start(flight_photos, tmp_path):
    with small_disk(tmp_path / "disk", 4) as disk:
        done = refused(flight_photos, disk / "s", "MB left", "needs about", "--out")
        assert "Placing" not in done.stderr


def test_a_disk_that_fills_up_keeps_finished_stages(flight_photos, small_survey, tmp_path):
    with small_disk(tmp_path / "disk", 60) as disk:
        survey = shutil.copytree(small_survey, disk / "s")
        (survey / "notes.txt").write_text("mine")
        (survey / "map" / "ortho.tif").unlink()
        filler = disk / "films.mp4"
        run = ["survey", flight_photos, "--out", survey, "--workers", 2]
        started = Running(*run)
        started.wait_for_line(STAGE_LINES["ortho"])
        # There was room enough at the start; others take it meanwhile.
        filler.write_bytes(bytes(shutil.disk_usage(disk).free - 300_000))
        printed = started.end()
        assert started.process.returncode == 1, printed
        assert "Traceback" not in printed
        assert printed.splitlines()[-1].startswith(f"{survey}: The system says: the disk is full.")
        assert (survey / "notes.txt").read_text() == "mine"
        stages = {n: t for n, t in stamps(survey).items() if n.startswith("map/dsm")}
        assert stages
        filler.unlink()
        again = kilnsight(*run)
        assert again.returncode == 0, again.stderr
        assert "2 of 5 are done" in again.stderr
        assert {n: t for n, t in stamps(survey).items() if n in stages} == stages
        assert kilnsight("check", survey).returncode == 0
