"""Photos as features: the properties of `photos.geojson`."""

from __future__ import annotations

from typing import Any

from kilnsight.photos.photo import Photo


def photo_properties(photo: Photo) -> dict[str, Any]:
    """Properties of a photo for `photos.geojson`, all but `aligned`, ready for JSON.

    `time` is ISO 8601, with the zone where it is known; `focal_source` is English whatever the
    language in use, as the file may be read by anyone.
    """
    return {
        "name": photo.name, "sha256": photo.sha256, "bytes": photo.bytes,
        "width": photo.width, "height": photo.height,
        "time": None if photo.taken is None else photo.taken.isoformat(),
        "camera": photo.camera_name or None,
        "lat": photo.lat, "lon": photo.lon, "altitude_m": photo.altitude_m,
        "relative_altitude_m": photo.relative_altitude_m,
        "yaw_deg": photo.yaw_deg, "pitch_deg": photo.pitch_deg, "roll_deg": photo.roll_deg,
        "rtk": photo.rtk, "flags": [flag.value for flag in photo.flags],
        "focal_px": None if photo.camera is None else photo.camera.fx,
        "focal_source": None if photo.focal is None else photo.focal.text("en"),
    }
