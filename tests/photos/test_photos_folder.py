import errno
import json
import os
import subprocess
import sys
import time

import cv2
import numpy as np
import photo_maker
import psutil
import pytest
from photo_maker import CALITERRA, drone_jpeg, flight, make_jpeg, texture

from kilnsight.errors import InputError
from kilnsight.photos import folder as fo
from kilnsight.photos.flag import Flag
from kilnsight.photos.folder import Kind, read_folder

needs_caliterra = pytest.mark.skipif(not CALITERRA.is_dir(), reason="no caliterra photos here")


def names(files) -> list[str]:
    return [file.name for file in files]


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="not a folder"):
        read_folder(tmp_path / "file")


def test_empty_folder(tmp_path):
    found = read_folder(tmp_path)
    assert (found.photos, found.rejected, found.others) == ((), (), ())


def test_sub_folders_other_files_and_progress(tmp_path):
    flight(tmp_path / "100MEDIA", 3)
    flight(tmp_path / "101MEDIA", 2, start=10)
    for name in (
        "a.MP4",
        "b.MRK",
        "notes.txt",
        "100MEDIA/DJI_0001.DNG",
        "lone.DNG",
        "map.tif",
        "._DJI_0001.JPG",
        ".DS_Store",
    ):
        (tmp_path / name).write_bytes(b"x")
    seen = []
    found = read_folder(
        tmp_path, workers=0, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(i, 5) for i in range(1, 6)]
    assert "100MEDIA/DJI_0002.JPG" in names(found.photos) and len(found.photos) == 5
    kinds = {file.name: (file.kind, file.twin) for file in found.others}
    assert kinds == {
        "a.MP4": (Kind.VIDEO, False),
        "b.MRK": (Kind.POSITION, False),
        "notes.txt": (Kind.OTHER, False),
        "100MEDIA/DJI_0001.DNG": (Kind.RAW, True),
        "lone.DNG": (Kind.RAW, False),
        "map.tif": (Kind.IMAGE, False),
    }


def test_what_cannot_be_used_is_named(tmp_path):
    flight(tmp_path, 4)
    (tmp_path / "copy.jpg").write_bytes((tmp_path / "DJI_0001.JPG").read_bytes())
    (tmp_path / "cut.jpg").write_bytes(drone_jpeg(9)[:5000])
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "bare.jpg").write_bytes(make_jpeg(7))
    found = read_folder(tmp_path, workers=0)
    assert {file.name: file.flag for file in found.rejected} == {
        "copy.jpg": Flag.DUPLICATE,
        "cut.jpg": Flag.TRUNCATED,
        "text.jpg": Flag.NOT_A_PHOTO,
        "bare.jpg": Flag.NO_FOCAL,
    }
    assert len(found.photos) == 4 and len({photo.sha256 for photo in found.photos}) == 4
    assert all(file.reason and file.remedy for file in found.rejected)


def test_thermal_pictures_are_set_aside(tmp_path):
    flight(tmp_path, 3)
    flight(tmp_path, 2, prefix="T", size=(640, 512), start=20, sub={0x920A: 9.1}, model="M3T")
    found = read_folder(tmp_path, workers=0)
    assert len(found.photos) == 3 and names(found.thermal) == ["T_0000.JPG", "T_0001.JPG"]


def test_surveys_and_links_to_folders_are_left_out(tmp_path):
    flight(tmp_path / "in", 2)
    survey = flight(tmp_path / "in" / "survey" / "evidence", 2, start=50)
    (survey.parent / "survey.json").write_text("{}")
    flight(tmp_path / "elsewhere", 2, start=60)
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    assert names(read_folder(tmp_path / "in", workers=0).photos) == ["DJI_0000.JPG", "DJI_0001.JPG"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    [rejected] = read_folder(tmp_path, workers=0).rejected
    assert (rejected.name, rejected.flag) == ("closed/", Flag.UNREADABLE)
    assert "Permission denied" in rejected.reason


def test_pipe_called_jpg_does_not_hang(tmp_path):
    flight(tmp_path, 1)
    os.mkfifo(tmp_path / "pipe.jpg")
    assert [f.flag for f in read_folder(tmp_path, workers=0).rejected] == [Flag.NOT_A_PHOTO]


def test_a_worker_that_dies_costs_one_file(tmp_path, monkeypatch):
    flight(tmp_path, 7)
    (tmp_path / "DJI_0003.JPG").rename(tmp_path / "killer.JPG")
    monkeypatch.setattr(fo, "_attempt", photo_maker.attempt_that_crashes)
    found = read_folder(tmp_path, workers=2)
    assert len(found.photos) == 6
    assert [(f.name, f.flag) for f in found.rejected] == [("killer.JPG", Flag.CRASHED)]


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    flight(tmp_path / "in", 12)
    code = (
        "import os, sys, psutil; from pathlib import Path\n"
        "from kilnsight.photos.folder import read_folder\n"
        "def stop(done, total):\n"
        "    pids = [c.pid for c in psutil.Process().children(recursive=True)]\n"
        "    Path('pids').write_text(' '.join(map(str, pids)))\n"
        "    os.kill(os.getpid(), 9)\n"
        "if __name__ == '__main__': read_folder(Path('in'), progress=stop)\n"
    )
    (tmp_path / "run.py").write_text(code)
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, check=False)
    assert done.returncode == -9
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    left = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(left, timeout=10)
    assert len(pids) >= 2 and not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_name_that_is_no_unicode_is_rejected(tmp_path):
    flight(tmp_path, 2)
    (tmp_path / "DJI_0001.JPG").rename(tmp_path / os.fsdecode("\u7167\u7247.jpg".encode("gbk")))
    found = read_folder(tmp_path, workers=0)
    assert [file.flag for file in found.rejected] == [Flag.BAD_NAME]
    assert json.dumps(found.rejected[0].name, ensure_ascii=False).encode()


def test_workers_and_this_process_agree(tmp_path):
    flight(tmp_path, 5)
    assert read_folder(tmp_path, workers=2) == read_folder(tmp_path, workers=0)


def test_photos_come_in_order_of_time(tmp_path):
    flight(tmp_path, 3, hour=12, prefix="A")
    flight(tmp_path, 3, hour=9, prefix="B", start=5)
    assert [name[0] for name in names(read_folder(tmp_path, workers=0).photos)] == list("BBBAAA")


def test_blurred_and_badly_exposed_photos_are_flagged(tmp_path):
    flight(tmp_path, 8, size=(1000, 750))
    sharp = texture(77, 1000, 750)
    pictures = {
        "soft": cv2.GaussianBlur(sharp, (0, 0), 2.5),
        "moved": cv2.blur(sharp, (25, 1)),
        "burnt": np.clip(sharp.astype(int) * 4, 0, 255).astype(np.uint8),
        "black": (sharp * 0.02).astype(np.uint8),
        "plain": cv2.GaussianBlur(sharp, (0, 0), 60),
    }
    pictures["plain"] = np.clip(
        pictures["plain"] + np.random.default_rng(0).normal(0, 2, sharp.shape), 0, 255
    ).astype(np.uint8)
    for name, picture in pictures.items():
        (tmp_path / f"{name}.jpg").write_bytes(drone_jpeg(picture=picture))
    flags = {photo.name: set(photo.flags) for photo in read_folder(tmp_path, workers=0).photos}
    assert flags["soft.jpg"] == {Flag.BLURRED} == flags["moved.jpg"]
    assert Flag.OVEREXPOSED in flags["burnt.jpg"] and Flag.UNDEREXPOSED in flags["black.jpg"]
    assert flags["plain.jpg"] == set()
    assert all(not found for name, found in flags.items() if name.startswith("DJI"))


@needs_caliterra
def test_caliterra_is_read_in_seconds_without_false_flags():
    start = time.perf_counter()
    found = read_folder(CALITERRA)
    assert time.perf_counter() - start < 20
    assert len(found.photos) == 75 and not found.rejected
    assert all(photo.flags == () for photo in found.photos)
    assert all(photo.lens.fx == pytest.approx(1458.67, abs=0.01) for photo in found.photos)
    times = [photo.taken for photo in found.photos]
    assert times == sorted(times) and {t.utcoffset().total_seconds() for t in times} == {-18_000}


@needs_caliterra
def test_blurred_copies_among_real_photos_are_found(tmp_path):
    paths = sorted(CALITERRA.glob("*.jpg"))[::5]
    for i, path in enumerate(paths):
        data = path.read_bytes()
        if i % 5 == 0:
            soft = cv2.GaussianBlur(cv2.imread(str(path)), (0, 0), 2)
            body = cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
            exif = data[data.index(b"\xff\xe1") :]
            data = body[:2] + exif[: 2 + int.from_bytes(exif[2:4], "big")] + body[2:]
        (tmp_path / path.name).write_bytes(data)
    blurred = [photo.name for photo in read_folder(tmp_path).photos if Flag.BLURRED in photo.flags]
    assert blurred == [path.name for path in paths[::5]]
