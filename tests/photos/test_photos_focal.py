import math

import pytest

from kilnsight.photos.exif import Exif
from kilnsight.photos.focal import Assumption, LensHints, Method, nominal_camera, read_hints
from kilnsight.photos.sensors import find_sensor, sensors

M3E_PX = 12.29 / 17.3 * 5280
DEWARP = (3713.29, 3713.29, 7.0, -5.5, -0.1126, 0.0149, 0.0001, -0.0001, -0.0271)


def solve(width, height, **hints):
    camera, source, _ = nominal_camera(LensHints(**hints), width=width, height=height)
    return camera, source, () if source is None else tuple(kind for kind, _ in source.assumptions)


def test_data_base_is_sane():
    assert len(sensors()) >= 60
    for sensor in sensors():
        assert sensor.status in ("secondary", "unverified") and sensor.band in (
            "visible",
            "thermal",
        )
        shape = sensor.width_mm / sensor.height_mm
        assert shape == pytest.approx(sensor.width_px / sensor.height_px, rel=0.02), sensor.name
        assert 1 < 1000 * sensor.width_mm / sensor.width_px < 20 or sensor.width_px > 7000


@pytest.mark.parametrize(
    ("make", "model", "focal", "size", "name"),
    [
        ("DJI", "FC6310", 8.8, (5472, 3648), "Phantom 4 Pro / Advanced / RTK"),
        ("dji", "fc6310r", None, (5472, 3648), "Phantom 4 Pro / Advanced / RTK"),
        ("DJI", "M3E", 12.29, (5280, 3956), "Mavic 3E / 3D, wide"),
        ("DJI", "M3E", 12.3, (1320, 989), "Mavic 3E / 3D, wide"),
        ("DJI", "M3T", 4.4, (4000, 3000), "Mavic 3T, wide"),
        ("DJI", "M3T", 9.1, (640, 512), "Mavic 3T / 3TD / M30T, thermal"),
        ("DJI", "ZH20T", 25.0, (5184, 3888), "Zenmuse H20, zoom"),
        ("Hasselblad", "L1D-20c", 10.26, (5472, 3648), "Mavic 2 Pro"),
        ("Canon", "Canon PowerShot SX260 HS", 4.5, (2000, 1500), "Canon SX260 HS"),
        ("SONY", "ILCE-6000", 16.0, (6000, 4000), "Sony A6000 series"),
        ("Skydio", "2", 3.7, (4056, 3040), "Skydio 2"),
        (
            "DJI",
            "MAVIC2-ENTERPRISE-ADVANCED",
            None,
            (640, 512),
            "Mavic 2 Enterprise Advanced, thermal",
        ),
    ],
)
def test_cameras_are_found(make, model, focal, size, name):
    assert find_sensor(make, model, focal_mm=focal, width=size[0], height=size[1]).name == name


@pytest.mark.parametrize(
    ("make", "model", "focal"),
    [
        ("DJI", "FC9999", 5.0),
        ("Nikon", "2", 3.7),
        (None, None, 4.0),
        ("DJI", "", 4.0),
        ("DJI", "M3T", 15.0),
    ],
)
def test_unknown_cameras_stay_unknown(make, model, focal):
    assert find_sensor(make, model, focal_mm=focal, width=4000, height=3000) is None


def test_resolution_of_the_original_is_not_taken_for_that_of_the_smaller_picture():
    camera, source, assumed = solve(
        2000,
        1500,
        make="Canon",
        model="Canon PowerShot SX260 HS",
        focal_mm=4.5,
        exif_width=2000,
        plane_per_mm=16393.44262 / 25.4,
    )
    assert camera.fx == pytest.approx(4.5 / 6.17 * 2000)
    assert (camera.cx, camera.cy, camera.k1) == (999.5, 749.5, 0)
    assert source.method is Method.SENSOR
    assert assumed == (Assumption.RESIZED, Assumption.PLANE_REFUSED)
    assert "3.10 mm" in source.text("en") and "3.10 mm" in source.text("zh_Hans")


def test_resolution_that_fits_is_used():
    camera, source, assumed = solve(
        4000,
        3000,
        make="Canon",
        model="Canon PowerShot SX260 HS",
        focal_mm=4.5,
        exif_width=4000,
        plane_per_mm=16393.44262 / 25.4,
    )
    assert source.method is Method.FOCAL_PLANE and assumed == ()
    assert camera.fx == pytest.approx(4.5 * 16393.44262 / 25.4)


def test_calibration_beats_all_and_follows_the_size():
    hints = {
        "make": "DJI",
        "model": "M3E",
        "focal_mm": 12.29,
        "equivalent_mm": 24.0,
        "calibrated_px": 3725.15,
        "calibrated_width": 5280.0,
    }
    full, source, assumed = solve(5280, 3956, **hints)
    assert (full.fx, source.method, assumed) == (3725.15, Method.CALIBRATED, ())
    small, _, assumed = solve(1320, 989, **hints)
    assert small.fx == pytest.approx(3725.15 / 4) and assumed == (Assumption.RESIZED,)


def test_dewarp_gives_the_whole_lens():
    hints = {
        "make": "DJI",
        "model": "M3E",
        "focal_mm": 12.29,
        "dewarp": DEWARP,
        "calibrated_px": 3725.15,
        "calibrated_width": 5280.0,
    }
    camera, source, _ = solve(5280, 3956, **hints)
    assert source.method is Method.DEWARP
    assert (camera.fx, camera.k1, camera.k3) == (3713.29, -0.1126, -0.0271)
    assert (camera.cx, camera.cy) == (2639.5 + 7.0, 1977.5 - 5.5)
    half, _, _ = solve(2640, 1978, **hints)
    assert (half.fx, half.cx, half.k1) == (3713.29 / 2, 1319.5 + 3.5, -0.1126)
    done, _, assumed = solve(5280, 3956, **hints, dewarped=True)
    assert (done.k1, done.fx) == (0, 3713.29) and Assumption.DEWARPED in assumed


@pytest.mark.parametrize(
    "bad",
    [
        (3713.29, 2000.0, *DEWARP[2:]),
        (0.0, 0.0, *DEWARP[2:]),
        (900.0, 900.0, *DEWARP[2:]),
        (*DEWARP[:2], 900.0, *DEWARP[3:]),
        (*DEWARP[:4], -3.0, *DEWARP[5:]),
    ],
)
def test_dewarp_that_is_no_lens_is_not_used(bad):
    camera, source, assumed = solve(5280, 3956, make="DJI", model="M3E", focal_mm=12.29, dewarp=bad)
    assert source.method is Method.SENSOR and Assumption.CALIBRATION_REFUSED in assumed
    assert camera.fx == pytest.approx(M3E_PX) and camera.k1 == 0


def test_calibration_of_another_camera_is_not_used():
    camera, source, assumed = solve(
        5280, 3956, make="DJI", model="M3E", focal_mm=12.29, calibrated_px=1000.0
    )
    assert source.method is Method.SENSOR and Assumption.CALIBRATION_REFUSED in assumed
    assert camera.fx == pytest.approx(M3E_PX)


@pytest.mark.parametrize(
    ("size", "focal_px", "kind"),
    [
        ((5472, 3648), 3648.0, None),
        ((2736, 1824), 1824.0, Assumption.RESIZED),
        ((5472, 3078), 3648.0, Assumption.ROWS_CROPPED),
        ((4864, 3648), 3648.0, Assumption.COLUMNS_CROPPED),
        ((3648, 5472), 3648.0, None),
        ((1920, 1080), 1280.0, Assumption.ROWS_CROPPED),
    ],
)
def test_resized_and_cropped_pictures(size, focal_px, kind):
    camera, _, assumed = solve(*size, make="DJI", model="FC6310", focal_mm=8.8)
    assert camera.fx == pytest.approx(focal_px)
    assert assumed == (() if kind is None else (kind,))
    assert (camera.width, camera.height) == size


def test_equivalent_goes_by_the_diagonal():
    camera, source, _ = solve(
        4000, 3000, make="Nobody", model="X", focal_mm=4.0, equivalent_mm=24.0
    )
    assert source.method is Method.EQUIVALENT
    assert camera.fx == pytest.approx(24 / 43.2666 * 5000, rel=1e-5)


def test_field_of_view_and_unchecked_resolution_come_last():
    camera, source, _ = solve(4000, 3000, fov_deg=90.0)
    assert source.method is Method.FIELD_OF_VIEW and camera.fx == pytest.approx(2000)
    camera, source, _ = solve(4000, 3000, focal_mm=4.5, plane_per_mm=645.0, exif_width=4000)
    assert source.method is Method.UNCHECKED_PLANE and camera.fx == pytest.approx(2902.5)


def test_nothing_is_guessed():
    assert solve(4000, 3000, make="Nobody", model="X") == (None, None, ())
    assert solve(4000, 3000, focal_mm=4.5) == (None, None, ())


def test_zoom_and_disagreement_are_said():
    camera, _, assumed = solve(5280, 3956, make="DJI", model="M3E", focal_mm=12.29, zoom=2.0)
    assert camera.fx == pytest.approx(2 * M3E_PX) and assumed == (Assumption.ZOOMED,)
    _, _, assumed = solve(5280, 3956, make="DJI", model="M3E", focal_mm=12.29, equivalent_mm=50.0)
    assert assumed == (Assumption.DISAGREES,)


def test_fisheye_is_said():
    _, _, assumed = solve(4000, 3000, make="GoPro", model="HERO4 Black", focal_mm=2.77)
    assert assumed == (Assumption.FISHEYE,)


def test_hints_from_tags():
    hints = read_hints(
        Exif(
            main={0x010F: "DJI", 0x0110: "M3E"},
            exif={
                0x920A: (math.nan,),
                0xA405: (24.0,),
                0xA404: (0.0,),
                0xA20E: (25_400.0,),
                0xA210: (2.0,),
            },
        ),
        {
            "drone-dji:DewarpData": "2022-06-08;" + ",".join(str(v) for v in DEWARP),
            "drone-dji:DewarpFlag": "0",
            "drone-dji:CalibratedFocalLength": "3725.151611",
            "drone-dji:CalibratedOpticalCenterX": "2640.000000",
        },
    )
    assert (hints.focal_mm, hints.equivalent_mm, hints.zoom) == (None, 24, 1)
    assert (hints.plane_per_mm, hints.calibrated_px, hints.calibrated_width) == (
        1000,
        3725.151611,
        5280,
    )
    assert hints.dewarp == DEWARP and not hints.dewarped


@pytest.mark.parametrize("written", ["", "1,2,3", "d;1,2,3,4,5,6,7,8,x", "d;" + "1," * 50, ";;;"])
def test_dewarp_that_cannot_be_read_is_none(written):
    assert read_hints(Exif(), {"drone-dji:DewarpData": written}).dewarp == ()
