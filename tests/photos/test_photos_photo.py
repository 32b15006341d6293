import json
import random
import shutil
import subprocess
from datetime import timedelta

import pytest
from photo_maker import CALITERRA, THERMAL, drone_jpeg, make_jpeg, photo_of

from kilnsight.errors import InputError
from kilnsight.photos.flag import Flag, PhotoError
from kilnsight.photos.geotag import photo_properties
from kilnsight.photos.photo import parse_photo, read_photo

needs_caliterra = pytest.mark.skipif(not CALITERRA.is_dir(), reason="no caliterra photos here")
needs_thermal = pytest.mark.skipif(not THERMAL.is_dir(), reason="no thermal photos here")
needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="no exiftool here")


def test_photo_of_a_drone(tmp_path):
    xmp = (
        'drone-dji:GimbalYawDegree="+12.5" drone-dji:GimbalPitchDegree="-90.00" '
        'drone-dji:GimbalRollDegree="+0.00" drone-dji:RelativeAltitude="+80.10"'
    )
    photo = photo_of(drone_jpeg(lat=-31.4, lon=119.5, second=61, xmp=xmp), tmp_path)
    assert photo.lat == pytest.approx(-31.4) and photo.lon == pytest.approx(119.5)
    assert (photo.yaw_deg, photo.pitch_deg, photo.roll_deg) == (12.5, -90, 0)
    assert photo.relative_altitude_m == 80.1 and photo.altitude_m == 120
    assert photo.taken.isoformat() == "2026-03-05T10:01:01+08:00"
    assert photo.camera_name == "DJI M3E" and photo.orientation == 1
    assert photo.lens.fx == pytest.approx(12.29 / 17.3 * 400, rel=1e-4)
    assert photo.flags == () and photo.rtk is None


def test_bare_jpeg_says_what_it_lacks(tmp_path):
    photo = photo_of(make_jpeg(), tmp_path)
    assert set(photo.flags) == {Flag.NO_GPS, Flag.NO_FOCAL, Flag.NO_TIME}
    assert photo.camera is None and photo.taken is None and photo.camera_name == ""
    with pytest.raises(InputError, match="focal length"):
        _ = photo.lens


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", "not a JPEG"),
        (make_jpeg()[:3000], "ends before"),
        (make_jpeg(size=(100, 80)), "100 x 80"),
    ],
)
def test_errors_name_file_and_remedy(tmp_path, data, words):
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        read_photo(tmp_path / "a.jpg")
    assert caught.value.file == tmp_path / "a.jpg" and caught.value.remedy


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_photo(tmp_path / "nowhere.jpg")
    with pytest.raises(InputError):
        read_photo(tmp_path)


def test_properties_are_those_of_the_contract(tmp_path):
    found = photo_properties(photo_of(drone_jpeg(), tmp_path))
    assert sorted(found) == sorted(
        [
            "name",
            "sha256",
            "bytes",
            "width",
            "height",
            "time",
            "camera",
            "lat",
            "lon",
            "altitude_m",
            "relative_altitude_m",
            "yaw_deg",
            "pitch_deg",
            "roll_deg",
            "rtk",
            "flags",
            "focal_px",
            "focal_source",
        ]
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    empty = photo_properties(photo_of(make_jpeg(), tmp_path))
    assert empty["focal_px"] is None and empty["time"] is None and empty["camera"] is None
    assert empty["flags"] == ["no_gps", "no_focal", "no_time"]


@needs_caliterra
def test_caliterra():
    photo = read_photo(CALITERRA / "IMG_9354.jpg")
    assert photo.sha256 == "ec0066f267d74f3ee8d59b354d1c34881a2ca081f85975336dd9d7b987350091"
    assert photo.lens.fx == pytest.approx(1458.7, abs=0.1)
    assert (
        photo.taken.isoformat() == "2014-10-19T13:20:51-05:00" and photo.zone_source == "GPS time"
    )
    assert (photo.lat, photo.lon) == (
        pytest.approx(30.171223, abs=1e-6),
        pytest.approx(-98.089992, abs=1e-6),
    )
    assert (photo.altitude_m, photo.altitude_reference) == (317.3, "sea level")
    assert photo.yaw_deg is None and photo.rtk is None and photo.flags == ()
    assert photo.taken.utcoffset() == timedelta(hours=-5)


def exiftool(*paths):
    tags = [
        "-Make",
        "-Model",
        "-ImageWidth",
        "-ImageHeight",
        "-DateTimeOriginal",
        "-GPSLatitude",
        "-GPSLongitude",
        "-GimbalYawDegree",
        "-GimbalPitchDegree",
        "-GimbalRollDegree",
        "-RelativeAltitude",
        "-AbsoluteAltitude",
    ]
    out = subprocess.run(["exiftool", "-j", "-n", *tags, *paths], capture_output=True, check=False)
    return json.loads(out.stdout)


@needs_exiftool
@needs_thermal
def test_thermal_photos_agree_with_exiftool():
    paths = sorted(p for p in THERMAL.rglob("*") if p.suffix.lower() == ".jpg")
    assert len(paths) >= 14
    for path, tags in zip(paths, exiftool(*paths), strict=True):
        photo = read_photo(path)
        assert (photo.width, photo.height) == (tags["ImageWidth"], tags["ImageHeight"])
        assert (photo.make, photo.model) == (tags["Make"], tags["Model"])
        written = tags["DateTimeOriginal"][:19].replace("-", ":")
        assert photo.taken.strftime("%Y:%m:%d %H:%M:%S") == written
        assert Flag.THERMAL in photo.flags
        expected = [tags.get(f"Gimbal{axis}Degree") for axis in ("Yaw", "Pitch", "Roll")]
        assert [photo.yaw_deg, photo.pitch_deg, photo.roll_deg] == pytest.approx(expected)
        assert photo.relative_altitude_m == tags.get("RelativeAltitude")
        assert photo.altitude_m == tags.get("AbsoluteAltitude")
        if "GPSLatitude" in tags:
            assert (photo.lat, photo.lon) == pytest.approx(
                (tags["GPSLatitude"], tags["GPSLongitude"])
            )
        else:
            assert Flag.NO_GPS in photo.flags


@needs_exiftool
@needs_caliterra
def test_caliterra_agrees_with_exiftool():
    paths = sorted(CALITERRA.glob("*.jpg"))[::15]
    for path, tags in zip(paths, exiftool(*paths), strict=True):
        photo = read_photo(path)
        assert (photo.lat, photo.lon) == pytest.approx((tags["GPSLatitude"], tags["GPSLongitude"]))


def mutations(data: bytes, *, count: int, head: int, seed: int):
    """Copies of a file with damage in its head: bytes changed, cut, doubled or set to extremes."""
    rng = random.Random(seed)
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(rng.randint(1, 12)):
            at, size = rng.randrange(head), rng.randint(1, 8)
            kind = rng.randrange(4)
            if kind == 0:
                copy[at] = rng.randrange(256)
            elif kind == 1:
                copy[at : at + size] = rng.choice([b"\xff", b"\x00", b"\x7f"]) * size
            elif kind == 2:
                del copy[at : at + size]
            else:
                copy[at:at] = copy[at : at + size * 20]
        yield bytes(copy)


def survives(data, path) -> bool:
    path.write_bytes(data)
    try:
        photo = parse_photo(path)
    except PhotoError:
        return False
    json.dumps(photo_properties(photo), allow_nan=False)
    return True


def test_made_photos_with_damaged_heads_never_raise_anything_else(tmp_path):
    data = drone_jpeg(
        xmp='drone-dji:GimbalPitchDegree="-90" drone-dji:RtkFlag="50"', size=(240, 200)
    )
    head = data.index(b"\xff\xda")
    good = [survives(d, tmp_path / "a.jpg") for d in mutations(data, count=600, head=head, seed=1)]
    assert 20 < sum(good) < 580


@needs_thermal
def test_real_photos_with_damaged_heads_never_raise_anything_else(tmp_path):
    data = (THERMAL / "DJI_XTR.jpg").read_bytes()
    good = [survives(d, tmp_path / "a.jpg") for d in mutations(data, count=300, head=900, seed=2)]
    assert sum(good) > 10


@needs_caliterra
def test_caliterra_with_damaged_exif_never_raises_anything_else(tmp_path):
    data = (CALITERRA / "IMG_9354.jpg").read_bytes()
    good = [survives(d, tmp_path / "a.jpg") for d in mutations(data, count=60, head=1300, seed=3)]
    assert sum(good) > 2
