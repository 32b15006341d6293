"""What a DJI Mavic 3E writes into its photos: EXIF, and the XMP packet beside it."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from kilnsight.photos.camera import Camera
from kilnsight.simulate.route import PositionError, Shot

_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
JPEG_QUALITY = 90


def degrees_of(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds of an angle without its sign, as EXIF has them."""
    whole = round(abs(value) * 3600 * 10**5)
    seconds = IFDRational(whole % (60 * 10**5), 10**5)
    minutes = whole // (60 * 10**5)
    return IFDRational(minutes // 60), IFDRational(minutes % 60), seconds


def exif_of(shot: Shot) -> Image.Exif:
    """EXIF of a photo."""
    camera, stamp = shot.view.camera, f"{shot.time:%Y:%m:%d %H:%M:%S}"
    exif = Image.Exif()
    exif[0x010E], exif[0x010F], exif[0x0110] = "default", "DJI", "M3E"
    exif[0x0112], exif[0x011A], exif[0x011B], exif[0x0128] = 1, 72.0, 72.0, 2
    exif[0x0131], exif[0x0132] = "09.08.02.06", stamp
    inner = exif.get_ifd(0x8769)
    inner.update({
        0x829A: IFDRational(1, 1000), 0x829D: IFDRational(28, 10), 0x8822: 2, 0x8827: 100,
        0x9000: b"0230", 0x9003: stamp, 0x9004: stamp, 0x9209: 0, 0x9208: 0,
        0x920A: IFDRational(123, 10), 0xA001: 1, 0xA002: camera.width, 0xA003: camera.height,
        0xA402: 0, 0xA403: 0, 0xA405: 24, 0xA434: "24.0 mm f/2.8", 0xA431: "1581F5FJB22B0001",
    })
    lon, lat = shot.lon_lat
    exif.get_ifd(0x8825).update({
        0: b"\x02\x03\x00\x00", 1: "N" if lat >= 0 else "S", 2: degrees_of(lat),
        3: "E" if lon >= 0 else "W", 4: degrees_of(lon), 5: b"\x00" if shot.altitude_m >= 0
        else b"\x01", 6: IFDRational(round(abs(shot.altitude_m) * 1000), 1000),
    })
    return exif


def xmp_of(shot: Shot, *, nominal: Camera, error: PositionError) -> bytes:
    """XMP packet of a photo, with the attributes of DJI's own namespace."""
    fields = {**_pose_fields(shot), **_lens_fields(shot, nominal), **_rtk_fields(error)}
    fields["UTCAtExposure"] = f"{shot.time - timedelta(hours=8):%Y-%m-%dT%H:%M:%S}.000000"
    lines = "\n".join(f'   drone-dji:{key}="{value}"' for key, value in fields.items())
    stamp = f"{shot.time:%Y-%m-%dT%H:%M:%S}+08:00"
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="DJI Meta Data"\n'
        '   xmlns:tiff="http://ns.adobe.com/tiff/1.0/"\n'
        '   xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
        '   xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"\n'
        f'   xmp:ModifyDate="{stamp}" xmp:CreateDate="{stamp}"\n'
        '   tiff:Make="DJI" tiff:Model="M3E"\n'
        f"{lines}/>\n"
        " </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    ).encode()


def _pose_fields(shot: Shot) -> dict[str, str]:
    lon, lat = shot.lon_lat
    return {
        "Version": "1.6", "ImageSource": "WideCamera", "GpsStatus": "Normal",
        "GpsLatitude": f"{lat:+.9f}", "GpsLongitude": f"{lon:+.9f}",
        "AbsoluteAltitude": f"{shot.altitude_m:+.3f}",
        "RelativeAltitude": f"{shot.relative_m:+.3f}",
        "GimbalRollDegree": f"{shot.roll_deg:+.2f}", "GimbalYawDegree": f"{shot.yaw_deg:+.2f}",
        "GimbalPitchDegree": f"{shot.pitch_deg:+.2f}", "FlightRollDegree": "+1.20",
        "FlightYawDegree": f"{shot.flight_yaw_deg:+.2f}", "FlightPitchDegree": "-3.40",
        "FlightXSpeed": "+0.0", "FlightYSpeed": "+0.0", "FlightZSpeed": "+0.0",
        "CamReverse": "0", "GimbalReverse": "0",
    }


def _lens_fields(shot: Shot, nominal: Camera) -> dict[str, str]:
    lens = shot.view.camera
    terms = [lens.fx * 1.0004, lens.fy * 1.0004, lens.cx - nominal.cx, lens.cy - nominal.cy,
             lens.k1, lens.k2, lens.p1, lens.p2, lens.k3]
    return {
        "SensorTemperature": "38.2", "ShutterType": "Mechanical", "SurveyingMode": "1",
        "CalibratedFocalLength": f"{nominal.fx:.6f}",
        "CalibratedOpticalCenterX": f"{nominal.width / 2:.6f}",
        "CalibratedOpticalCenterY": f"{nominal.height / 2:.6f}",
        "DewarpData": "2025-11-03;" + ",".join(f"{t:.9f}" for t in terms), "DewarpFlag": "0",
        "DroneModel": "M3E", "DroneSerialNumber": "1581F5FJB22B0001",
    }


def _rtk_fields(error: PositionError) -> dict[str, str]:
    if not error.rtk:
        return {"AltitudeType": "GpsFusionAlt", "RtkFlag": "0"}
    return {
        "AltitudeType": "RtkAlt", "RtkFlag": "50", "RtkStdLon": f"{error.horizontal_m:.5f}",
        "RtkStdLat": f"{error.horizontal_m:.5f}", "RtkStdHgt": f"{error.vertical_m:.5f}",
        "RtkDiffAge": "1.00000",
    }


def write_photo(
    path: Path, picture: NDArray[np.uint8], shot: Shot, *, nominal: Camera, error: PositionError
) -> None:
    """Write a picture, shape (height, width, 3), as the drone would."""
    body = _XMP_HEADER + xmp_of(shot, nominal=nominal, error=error)
    # older Pillow cannot write XMP into a JPEG by itself
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    stream = BytesIO()
    Image.fromarray(picture).save(
        stream, format="JPEG", quality=JPEG_QUALITY, exif=exif_of(shot), extra=segment,
    )
    path.write_bytes(stream.getvalue())
