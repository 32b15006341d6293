"""What the makers of drones write into photos, brought to one meaning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from kilnsight.photos import exif as ex
from kilnsight.photos import xmp as xm
from kilnsight.photos.exif import Exif

RTK_FIXED = 50
"""DJI's RtkFlag of a fixed solution; 16 to 31 is single point, 32 to 49 float, 0 none."""
CLOCK_TOLERANCE_S = 120.0
"""Most by which the camera's clock may differ from GPS time plus a zone, seconds."""
ZONE_FROM_LONGITUDE_H = 4.0
"""Most by which a zone may differ from longitude / 15, hours; in western China it is 3.1."""
UPWARD_PITCH_DEG = -25.0
"""Camera:Pitch below this is no tilt backwards from nadir but an angle from the horizon."""

Xmp = dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where a photo was taken; None is unknown.

    `lat`, `lon` in degrees (WGS 84), heights in metres. `relative_altitude_m` counts from the
    take-off point. `rtk` says whether the position is a fixed RTK solution; `rtk_std_m` are its
    standard deviations along longitude, latitude and height.
    """

    lat: float | None = None
    lon: float | None = None
    altitude_m: float | None = None
    altitude_reference: str | None = None
    relative_altitude_m: float | None = None
    rtk: bool | None = None
    rtk_std_m: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Attitude:
    """Angles of the camera as DJI writes them, degrees; None is unknown.

    Yaw is clockwise from true north, pitch -90 looks straight down, roll is clockwise as seen
    from behind the camera.
    """

    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None


def _between(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


def read_place(exif: Exif, xmp: Xmp) -> Place:
    """Position and heights; a position of exactly 0, 0 or one marked void is none."""
    lat, lon = _exif_position(exif)
    if lat is None or lon is None:
        lat, lon = _xmp_position(xmp)
    altitude, reference = _altitude(exif, xmp)
    relative = xm.number(
        xmp, "drone-dji:RelativeAltitude", "drone-parrot:RelativeAltitude",
        "drone-skydio:RelativeAltitude", "drone-yuneec:AboveHomeAltitude", "drone:RelativeAltitude",
        "Camera:AboveGroundAltitude",
    )
    flag = xm.number(xmp, "drone-dji:RtkFlag", "drone:RtkFlag")
    return Place(
        lat, lon, altitude, reference, _between(relative, -2_000, 10_000),
        None if flag is None else flag >= RTK_FIXED, _rtk_std(xmp),
    )


def _degrees(parts: tuple[float, ...], reference: str | None, negative: str) -> float | None:
    if not 1 <= len(parts) <= 3 or reference is None:
        return None
    value = sum(part / 60.0**power for power, part in enumerate(parts))
    return -value if reference.upper().startswith(negative) else value


def _exif_position(exif: Exif) -> tuple[float | None, float | None]:
    if (ex.text(exif.gps, 9) or "A").upper() == "V":
        return None, None
    lat = _degrees(ex.numbers(exif.gps, 2), ex.text(exif.gps, 1), "S")
    lon = _degrees(ex.numbers(exif.gps, 4), ex.text(exif.gps, 3), "W")
    return _position(lat, lon)


def _xmp_position(xmp: Xmp) -> tuple[float | None, float | None]:
    if (xm.text(xmp, "drone-dji:GpsStatus") or "").lower() == "invalid":
        return None, None
    # DJI's firmware of 2017 spelled the word Longtitude
    lat = xm.number(xmp, "drone-dji:GpsLatitude", "drone-dji:GPSLatitude", "drone-skydio:Latitude")
    lon = xm.number(
        xmp, "drone-dji:GpsLongitude", "drone-dji:GpsLongtitude", "drone-dji:GPSLongitude",
        "drone-skydio:Longitude",
    )
    return _position(lat, lon)


def _position(lat: float | None, lon: float | None) -> tuple[float | None, float | None]:
    lat, lon = _between(lat, -90, 90), _between(lon, -180, 180)
    if lat is None or lon is None or (abs(lat) < 1e-6 and abs(lon) < 1e-6):
        return None, None
    return lat, lon


def _altitude(exif: Exif, xmp: Xmp) -> tuple[float | None, str | None]:
    """Height in metres and what it counts from, as far as the file says so."""
    absolute = xm.number(xmp, "drone-dji:AbsoluteAltitude", "drone-skydio:AbsoluteAltitude")
    written = ex.number(exif.gps, 6)
    code = ex.number(exif.gps, 5)
    if written is not None and code in (1, 3):
        written = -abs(written)
    altitude = _between(written if absolute is None else absolute, -1_000, 20_000)
    return (None, None) if altitude is None else (altitude, _reference(code, xmp))


def _reference(code: float | None, xmp: Xmp) -> str:
    kind = (xm.text(xmp, "drone-dji:AltitudeType") or "").lower()
    geoid = xm.text(xmp, "CRSInfo:VERTCRS")
    if geoid:
        return geoid
    if kind.startswith("rtk") or code in (2, 3):
        return "ellipsoid"
    return "sea level" if code in (0, 1) else "unknown"


def _rtk_std(xmp: Xmp) -> tuple[float, float, float] | None:
    values = [
        _between(xm.number(xmp, f"drone-dji:RtkStd{axis}"), 1e-9, 1_000)
        for axis in ("Lon", "Lat", "Hgt")
    ]
    if None not in values:
        return tuple(v for v in values if v is not None)  # type: ignore[return-value]
    flat = _between(xm.number(xmp, "Camera:GPSXYAccuracy"), 1e-9, 1_000)
    up = _between(xm.number(xmp, "Camera:GPSZAccuracy"), 1e-9, 1_000)
    return None if flat is None or up is None else (flat, flat, up)


def read_attitude(exif: Exif, xmp: Xmp) -> Attitude:
    """Angles of the camera, from whichever maker's properties are there."""
    for prefix in ("drone-dji:Gimbal{}Degree", "drone-parrot:Camera{}Degree",
                   "drone-skydio:CameraOrientationNED.{}", "drone-yuneec:Gimbal{}",
                   "drone:Gimbal{}Degree"):
        angles = [xm.number(xmp, prefix.format(axis)) for axis in ("Yaw", "Pitch", "Roll")]
        if angles[1] is not None:
            return _attitude(*angles)
    yaw, pitch, roll = (xm.number(xmp, f"Camera:{axis}") for axis in ("Yaw", "Pitch", "Roll"))
    if pitch is not None:
        # Pix4D's schema has 0 at nadir and 90 at the horizon; some firmware writes DJI's angle
        # https://support.pix4d.com/hc/en-us/articles/205675256
        return _attitude(yaw, pitch - 90 if pitch >= UPWARD_PITCH_DEG else pitch, roll)
    true_north = (ex.text(exif.gps, 16) or "").upper() == "T"
    return _attitude(ex.number(exif.gps, 17) if true_north else None, None, None)


def _attitude(yaw: float | None, pitch: float | None, roll: float | None) -> Attitude:
    yaw, roll = _between(yaw, -360, 720), _between(roll, -360, 360)
    turned = None if yaw is None else (yaw + 180) % 360 - 180
    return Attitude(turned, _between(pitch, -180, 180), roll)


def read_time(
    exif: Exif, xmp: Xmp, *, lon: float | None = None
) -> tuple[datetime | None, str | None]:
    """Time of exposure and where its zone comes from; without a zone the time is naive.

    `lon` is the longitude in degrees: a zone that does not fit it is not believed.
    """
    local = ex.parse_time(ex.text(exif.exif, 0x9003)) or ex.parse_time(ex.text(exif.exif, 0x9004))
    local = local or ex.parse_time(ex.text(exif.main, 0x0132))
    if local is None:
        return _xmp_time(xmp)
    local = _with_fraction(local.replace(tzinfo=None), ex.text(exif.exif, 0x9291))
    if local is None:
        return None, None
    for tag, name in ((0x9011, "OffsetTimeOriginal"), (0x9010, "OffsetTime")):
        zone = ex.parse_zone(ex.text(exif.exif, tag))
        if zone is not None:
            return local.replace(tzinfo=zone), name
    return _zone_by_comparison(local, exif, xmp, lon=lon)


def _with_fraction(local: datetime, fraction: str | None) -> datetime | None:
    """Time with its sub-seconds, None where they end the calendar."""
    digits = (fraction or "").strip()
    if not (digits.isascii() and digits.isdecimal()):
        return local
    try:
        return local + timedelta(seconds=float(f"0.{digits}"))
    except OverflowError:
        return None


def _xmp_time(xmp: Xmp) -> tuple[datetime | None, str | None]:
    moment = ex.parse_time(xm.text(xmp, "xmp:CreateDate", "xmp:ModifyDate"))
    return moment, "XMP" if moment is not None and moment.tzinfo else None


def _zone_by_comparison(
    local: datetime, exif: Exif, xmp: Xmp, *, lon: float | None
) -> tuple[datetime, str | None]:
    """The local time with the zone that a second clock in the file gives it."""
    for name in ("xmp:CreateDate", "xmp:ModifyDate"):
        stamp = ex.parse_time(xmp.get(name))
        if stamp is None or stamp.tzinfo is None:
            continue
        if abs(stamp.replace(tzinfo=None) - local) < timedelta(minutes=1):
            return local.replace(tzinfo=stamp.tzinfo), "XMP"
    clocks = (
        ("UTCAtExposure", _utc(ex.parse_time(xmp.get("drone-dji:UTCAtExposure")))),
        ("GPS time", ex.gps_time(exif.gps, local.date())),
    )
    for name, utc in clocks:
        zone = zone_between(local, utc, lon=lon) if utc else None
        if zone is not None:
            return local.replace(tzinfo=zone), name
    return local, None


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def zone_between(local: datetime, utc: datetime, *, lon: float | None = None) -> timezone | None:
    """Zone, to the quarter of an hour, in which the naive `local` is the moment `utc`.

    None where the two clocks differ by no zone, or by one that does not fit the longitude.
    """
    gap = (local - utc.replace(tzinfo=None)).total_seconds()
    if abs(gap) > 14 * 3600 + CLOCK_TOLERANCE_S:
        # without a GPS date the local one stood in, which may be a day off
        gap = (gap + 12 * 3600) % 86_400 - 12 * 3600 if abs(gap) < 86_400 else gap
    quarters = round(gap / 900)
    if abs(gap - quarters * 900) > CLOCK_TOLERANCE_S or abs(quarters) > 56:
        return None
    if lon is not None and abs(quarters / 4 - lon / 15) > ZONE_FROM_LONGITUDE_H:
        return None
    return timezone(timedelta(minutes=15 * quarters))
