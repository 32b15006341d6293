from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.photos.exif import Exif
from kilnsight.photos.metadata import read_attitude, read_place, read_time, zone_between

NORTH_EAST = {1: "N", 2: (31.0, 24.0, 36.0), 3: "E", 4: (119.0, 30.0, 0.0)}


def test_position_with_signs():
    place = read_place(Exif(gps=NORTH_EAST | {1: "S", 3: "W"}), {})
    assert (place.lat, place.lon) == (pytest.approx(-31.41), pytest.approx(-119.5))


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {2: (31.0,), 4: (119.0,)},
        NORTH_EAST | {9: "V"},
        NORTH_EAST | {2: (99.0, 0.0, 0.0)},
        NORTH_EAST | {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
        NORTH_EAST | {2: (float("nan"), 0.0, 0.0)},
        NORTH_EAST | {2: "31 N"},
        NORTH_EAST | {2: (1.0, 2.0, 3.0, 4.0)},
    ],
)
def test_no_position(gps):
    place = read_place(Exif(gps=gps), {})
    assert place.lat is None and place.lon is None


def test_position_from_xmp_with_the_misspelt_longitude():
    place = read_place(
        Exif(), {"drone-dji:GpsLatitude": "31.5", "drone-dji:GpsLongtitude": "119.5"}
    )
    assert (place.lat, place.lon) == (31.5, 119.5)
    assert (
        read_place(
            Exif(),
            {
                "drone-dji:GpsStatus": "Invalid",
                "drone-dji:GpsLatitude": "31.5",
                "drone-dji:GpsLongitude": "119.5",
            },
        ).lat
        is None
    )


@pytest.mark.parametrize(
    ("flag", "fixed"), [("50", True), ("34", False), ("16", False), ("0", False)]
)
def test_rtk(flag, fixed):
    xmp = {
        "drone-dji:RtkFlag": flag,
        "drone-dji:RtkStdLon": "0.012",
        "drone-dji:RtkStdLat": "0.014",
        "drone-dji:RtkStdHgt": "0.025",
        "drone-dji:AltitudeType": "RtkAlt",
        "drone-dji:AbsoluteAltitude": "+45.10",
        "drone-dji:RelativeAltitude": "+112.3",
    }
    place = read_place(Exif(gps=NORTH_EAST | {5: (0.0,), 6: (45.0,)}), xmp)
    assert place.rtk is fixed
    assert place.rtk_std_m == (0.012, 0.014, 0.025)
    assert (place.altitude_m, place.altitude_reference) == (45.1, "ellipsoid")
    assert place.relative_altitude_m == 112.3


def test_without_rtk_nothing_is_said_of_it():
    place = read_place(Exif(gps=NORTH_EAST), {"drone-dji:RtkStdLon": "0.012"})
    assert place.rtk is None and place.rtk_std_m is None and place.altitude_reference is None


def test_height_below_the_sea():
    place = read_place(Exif(gps=NORTH_EAST | {5: (1.0,), 6: (12.0,)}), {})
    assert (place.altitude_m, place.altitude_reference) == (-12, "sea level")


@pytest.mark.parametrize(
    ("xmp", "angles"),
    [
        (
            {
                "drone-dji:GimbalYawDegree": "-170.5",
                "drone-dji:GimbalPitchDegree": "-89.9",
                "drone-dji:GimbalRollDegree": "+0.00",
                "drone-dji:FlightYawDegree": "3",
            },
            (-170.5, -89.9, 0),
        ),
        (
            {
                "drone-parrot:CameraYawDegree": "176.310745",
                "drone-parrot:CameraPitchDegree": "-78.362686",
                "drone-parrot:CameraRollDegree": "-0.3",
                "Camera:Pitch": "11",
            },
            (176.310745, -78.362686, -0.3),
        ),
        ({"Camera:Yaw": "270", "Camera:Pitch": "7.5", "Camera:Roll": "-2"}, (-90, -82.5, -2)),
        ({"Camera:Yaw": "90", "Camera:Pitch": "90", "Camera:Roll": "0"}, (90, 0, 0)),
        ({"Camera:Yaw": "90", "Camera:Pitch": "-85", "Camera:Roll": "0"}, (90, -85, 0)),
        (
            {
                "drone-skydio:CameraOrientationNED.Yaw": "146.5",
                "drone-skydio:CameraOrientationNED.Pitch": "-84",
                "drone-skydio:CameraOrientationNED.Roll": "0.2",
            },
            (146.5, -84, 0.2),
        ),
        (
            {
                "drone-yuneec:GimbalYaw": "92.68",
                "drone-yuneec:GimbalPitch": "-13.74",
                "drone-yuneec:GimbalRoll": "0",
            },
            (92.68, -13.74, 0),
        ),
        ({}, (None, None, None)),
        ({"drone-dji:GimbalPitchDegree": "nan"}, (None, None, None)),
    ],
)
def test_attitude_of_each_maker_is_brought_to_one_convention(xmp, angles):
    found = read_attitude(Exif(), xmp)
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == angles


def test_compass_counts_only_where_it_is_true_north():
    assert read_attitude(Exif(gps={16: "T", 17: (200.0,)}), {}).yaw_deg == -160
    assert read_attitude(Exif(gps={16: "M", 17: (200.0,)}), {}).yaw_deg is None


LOCAL = {0x9003: "2014:10:19 13:20:51"}


@pytest.mark.parametrize(
    ("exif", "xmp", "hours", "source"),
    [
        (Exif(exif=LOCAL | {0x9011: "+08:00"}), {}, 8, "OffsetTimeOriginal"),
        (Exif(exif=LOCAL | {0x9010: "-05:30"}), {}, -5.5, "OffsetTime"),
        (Exif(exif=LOCAL, gps={7: (18.0, 20.0, 52.0), 29: "2014:10:19"}), {}, -5, "GPS time"),
        (Exif(exif=LOCAL, gps={7: (5.0, 20.0, 51.0)}), {}, 8, "GPS time"),
        (Exif(exif=LOCAL), {"xmp:CreateDate": "2014-10-19T13:20:51+08:00"}, 8, "XMP"),
        (
            Exif(exif=LOCAL),
            {"drone-dji:UTCAtExposure": "2014:10:19 05:20:51.123456"},
            8,
            "UTCAtExposure",
        ),
        (Exif(exif=LOCAL), {}, None, None),
        (Exif(exif=LOCAL, gps={7: (18.0, 27.0, 30.0), 29: "2014:10:19"}), {}, None, None),
        (Exif(exif=LOCAL, gps={7: (18.0, 20.0, 51.0), 29: "1999:01:01"}), {}, None, None),
    ],
)
def test_zone(exif, xmp, hours, source):
    taken, found = read_time(exif, xmp)
    assert taken.replace(tzinfo=None) == datetime(2014, 10, 19, 13, 20, 51)
    assert found == source
    assert taken.utcoffset() == (None if hours is None else timedelta(hours=hours))


def test_gps_time_that_repeats_the_local_time_is_not_believed_in_china():
    exif = Exif(exif=LOCAL, gps={7: (13.0, 20.0, 51.0), 29: "2014:10:19"})
    assert read_time(exif, {}, lon=119.5)[1] is None
    assert read_time(exif, {}, lon=-1.0)[0].utcoffset() == timedelta(0)


def test_fraction_of_a_second():
    taken, _ = read_time(Exif(exif=LOCAL | {0x9291: "481"}), {})
    assert taken.microsecond == 481_000
    assert read_time(Exif(exif=LOCAL | {0x9291: "²"}), {})[0].microsecond == 0


def test_no_time():
    assert read_time(Exif(), {}) == (None, None)


@given(
    st.integers(-48, 56),
    st.datetimes(datetime(2000, 1, 2), datetime(2030, 1, 1)),
    st.floats(-100, 100),
)
def test_every_zone_comes_back(quarters, local, slow):
    utc = (local - timedelta(minutes=15 * quarters) + timedelta(seconds=slow)).replace(tzinfo=UTC)
    assert zone_between(local, utc).utcoffset(None) == timedelta(minutes=15 * quarters)


def test_sub_seconds_that_end_the_calendar_give_no_time():
    exif = Exif(exif={0x9003: "9999:12:31 23:59:59", 0x9291: "99999999"})
    assert read_time(exif, {}) == (None, None)
