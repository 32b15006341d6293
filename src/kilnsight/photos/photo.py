"""One photo as the drone left it: camera, pose, time, hash, and what is the matter with it."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kilnsight.errors import InputError
from kilnsight.photos import exif as ex
from kilnsight.photos import xmp as xm
from kilnsight.photos.camera import Camera
from kilnsight.photos.exif import Exif, read_exif
from kilnsight.photos.flag import Flag, PhotoError, reason, remedy
from kilnsight.photos.focal import FocalSource, nominal_camera, read_hints
from kilnsight.photos.jpeg import JpegFile, read_jpeg
from kilnsight.photos.metadata import read_attitude, read_place, read_time
from kilnsight.photos.quality import Quality, exposure_flags, look, measure
from kilnsight.photos.sensors import Sensor
from kilnsight.photos.xmp import read_xmp

MAX_FILE_BYTES = 256 * 2**20
"""Largest file that is read; the largest aerial cameras write JPEGs of 100 MB."""


@dataclass(frozen=True)
class Photo:
    """A photo as its file describes it; None is unknown and was not guessed.

    `name` is relative to the folder, with forward slashes. `width` and `height` are the stored
    pixels: `orientation` (EXIF, 1 to 8) is not applied, and has to be ignored when decoding.
    `camera` is the nominal one in those pixels. `taken` is aware where the zone is known;
    `zone_source` says from what. Angles are those of the gimbal in degrees: yaw clockwise from
    north, pitch -90 straight down. Heights are metres, `relative_altitude_m` above take-off.
    `rtk` is True for a fixed solution, `rtk_std_m` its (longitude, latitude, height) deviations.
    """

    name: str
    path: Path
    sha256: str
    bytes: int
    width: int
    height: int
    make: str | None
    model: str | None
    camera: Camera | None
    focal: FocalSource | None
    taken: datetime | None
    zone_source: str | None
    lat: float | None
    lon: float | None
    altitude_m: float | None
    altitude_reference: str | None
    relative_altitude_m: float | None
    yaw_deg: float | None
    pitch_deg: float | None
    roll_deg: float | None
    rtk: bool | None
    rtk_std_m: tuple[float, float, float] | None
    orientation: int
    quality: Quality
    flags: tuple[Flag, ...]

    @property
    def focal_source(self) -> str:
        """Where the focal length comes from, in the language in use; empty where unknown."""
        return "" if self.focal is None else self.focal.text()

    @property
    def has_gps(self) -> bool:
        """Whether latitude and longitude are known."""
        return self.lat is not None and self.lon is not None

    @property
    def camera_name(self) -> str:
        """Make and model without repetition; empty where unknown.

        Canon's models repeat the make, DJI's do not.
        """
        make, model = self.make or "", self.model or ""
        return model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()

    @property
    def lens(self) -> Camera:
        """The nominal camera; raises `InputError` where it is unknown."""
        if self.camera is None:
            raise InputError(reason(Flag.NO_FOCAL), remedy=remedy(Flag.NO_FOCAL), file=self.path)
        return self.camera


def read_photo(path: Path, *, folder: Path | None = None) -> Photo:
    """Photo in a file; `folder` is what its name is relative to (default: the file's own).

    The file is read once and its metadata are taken for hostile. Raises `InputError` with what
    is wrong and what to do where the file cannot be used.
    """
    try:
        return parse_photo(path, folder=folder)
    except PhotoError as error:
        problem = reason(error.flag, error.detail)
        raise InputError(problem, remedy=remedy(error.flag), file=path) from error


def parse_photo(path: Path, *, folder: Path | None = None) -> Photo:
    """The same as `read_photo`, but raises `PhotoError` with a flag instead of sentences."""
    data = _read(path)
    jpeg = read_jpeg(data)
    grey = look(jpeg.bare, width=jpeg.width, height=jpeg.height)
    return _photo(path, jpeg, data, quality=measure(grey), folder=folder or path.parent)


def _read(path: Path) -> bytes:
    """Bytes of a regular file of at most `MAX_FILE_BYTES`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError(Flag.NOT_A_PHOTO)
        if status.st_size > MAX_FILE_BYTES:
            raise PhotoError(Flag.TOO_LARGE, f"{status.st_size / 2**20:.0f} MiB")
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES)
    except OSError as error:
        raise PhotoError(Flag.UNREADABLE, error.strerror or type(error).__name__) from error


def _photo(path: Path, jpeg: JpegFile, data: bytes, *, quality: Quality, folder: Path) -> Photo:
    exif, xmp = read_exif(jpeg.exif), read_xmp(jpeg.xmp)
    hints = read_hints(exif, xmp)
    camera, focal, sensor = nominal_camera(hints, width=jpeg.width, height=jpeg.height)
    place, attitude = read_place(exif, xmp), read_attitude(exif, xmp)
    taken, zone_source = read_time(exif, xmp, lon=place.lon)
    flags = exposure_flags(quality) | _flags(camera, sensor, thermal=_is_thermal(exif, xmp, sensor))
    flags |= {Flag.NO_GPS} if place.lat is None else set()
    flags |= {Flag.NO_TIME} if taken is None else set()
    return Photo(
        name=path.relative_to(folder).as_posix(), path=path,
        sha256=hashlib.sha256(data).hexdigest(), bytes=len(data),
        width=jpeg.width, height=jpeg.height, make=hints.make, model=hints.model,
        camera=camera, focal=focal, taken=taken, zone_source=zone_source,
        lat=place.lat, lon=place.lon, altitude_m=place.altitude_m,
        altitude_reference=place.altitude_reference,
        relative_altitude_m=place.relative_altitude_m,
        yaw_deg=attitude.yaw_deg, pitch_deg=attitude.pitch_deg, roll_deg=attitude.roll_deg,
        rtk=place.rtk, rtk_std_m=place.rtk_std_m, orientation=_orientation(exif),
        quality=quality, flags=in_order(flags),
    )


def in_order(flags: frozenset[Flag]) -> tuple[Flag, ...]:
    """Flags in the order in which `Flag` lists them."""
    return tuple(flag for flag in Flag if flag in flags)


def _flags(camera: Camera | None, sensor: Sensor | None, *, thermal: bool) -> frozenset[Flag]:
    found = {
        Flag.NO_FOCAL: camera is None,
        Flag.FISHEYE: sensor is not None and sensor.fisheye,
        Flag.THERMAL: thermal,
    }
    return frozenset(flag for flag, is_so in found.items() if is_so)


def _is_thermal(exif: Exif, xmp: dict[str, str], sensor: Sensor | None) -> bool:
    """Whether the picture shows heat: by the camera, or by what the file says of itself."""
    if sensor is not None and sensor.band == "thermal":
        return True
    source = (xm.text(xmp, "drone-dji:ImageSource", "drone:ImageSource") or "").lower()
    band = (xm.text(xmp, "Camera:BandName") or "").upper()
    maker = (ex.text(exif.main, 0x010F) or "").lower()
    return source.startswith("infrared") or band == "LWIR" or maker.startswith("flir")


def _orientation(exif: Exif) -> int:
    value = ex.number(exif.main, 0x0112)
    return int(value) if value is not None and 1 <= value <= 8 else 1
