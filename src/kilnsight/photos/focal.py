"""Focal length in pixels: the nominal camera of a photo, and what was assumed for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from kilnsight.i18n import gettext as _
from kilnsight.photos import exif as ex
from kilnsight.photos import xmp as xm
from kilnsight.photos.camera import Camera
from kilnsight.photos.exif import Exif
from kilnsight.photos.sensors import Sensor, find_sensor

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""Diagonal that 35 mm equivalents refer to (CIPA DCG-001), millimetres."""
ASPECT_TOLERANCE = 0.02
"""Relative difference up to which two pictures have the same shape."""
PLANE_TOLERANCE = 0.06
"""Relative difference of sensor widths up to which FocalPlaneResolution is believed."""
AGREEMENT = 0.25
"""Relative difference from the sensor data base beyond which a calibration is not believed."""
DOUBT = 0.15
"""Relative difference between two sources of a focal length that is worth saying."""


class Method(StrEnum):
    """How the focal length in pixels was got, in order of preference."""

    DEWARP = "dewarp"
    CALIBRATED = "calibrated"
    FOCAL_PLANE = "focal_plane"
    SENSOR = "sensor"
    EQUIVALENT = "equivalent"
    FIELD_OF_VIEW = "field_of_view"
    UNCHECKED_PLANE = "unchecked_plane"


class Assumption(StrEnum):
    """Something that was assumed, or found wrong, on the way to the focal length."""

    RESIZED = "resized"
    ROWS_CROPPED = "rows_cropped"
    COLUMNS_CROPPED = "columns_cropped"
    PLANE_REFUSED = "plane_refused"
    CALIBRATION_REFUSED = "calibration_refused"
    FIXED_LENS = "fixed_lens"
    ZOOMED = "zoomed"
    DISAGREES = "disagrees"
    FISHEYE = "fisheye"
    DEWARPED = "dewarped"


@dataclass(frozen=True)
class FocalSource:
    """Where a focal length comes from: the method, its values and what was assumed."""

    method: Method
    detail: str
    assumptions: tuple[tuple[Assumption, str], ...] = ()

    @property
    def certain(self) -> bool:
        """Whether the file itself gives the focal length and nothing was assumed."""
        sure = (Method.DEWARP, Method.CALIBRATED, Method.FOCAL_PLANE)
        return self.method in sure and not self.assumptions

    def text(self, language: str | None = None) -> str:
        """All of it as one line in a language (default: the one in use)."""
        parts = [_method_text(self.method, self.detail, language)]
        parts += [_assumption_text(kind, value, language) for kind, value in self.assumptions]
        return "; ".join(parts)


def _method_text(method: Method, detail: str, language: str | None) -> str:
    texts = {
        Method.DEWARP: _("calibrated lens in XMP: {detail}", language, detail=detail),
        Method.CALIBRATED: _("calibrated focal length in XMP: {detail}", language, detail=detail),
        Method.FOCAL_PLANE: _("focal plane resolution in EXIF: {detail}", language, detail=detail),
        Method.SENSOR: _("sensor data base: {detail}", language, detail=detail),
        Method.EQUIVALENT: _("35 mm equivalent by the diagonal: {detail}", language, detail=detail),
        Method.FIELD_OF_VIEW: _("field of view: {detail}", language, detail=detail),
        Method.UNCHECKED_PLANE: _(
            "focal plane resolution in EXIF, not checked: {detail}", language, detail=detail
        ),
    }
    return texts[method]


def _assumption_text(kind: Assumption, value: str, language: str | None) -> str:
    texts = {
        Assumption.RESIZED: _("picture resized: {value}", language, value=value),
        Assumption.ROWS_CROPPED: _(
            "cropped at top and bottom, full width of the sensor assumed: {value}",
            language, value=value,
        ),
        Assumption.COLUMNS_CROPPED: _(
            "cropped at the sides, full height of the sensor assumed: {value}",
            language, value=value,
        ),
        Assumption.PLANE_REFUSED: _(
            "focal plane resolution not used, it means a sensor {value} wide",
            language, value=value,
        ),
        Assumption.CALIBRATION_REFUSED: _(
            "calibration in XMP not used, it does not fit the camera: {value}",
            language, value=value,
        ),
        Assumption.FIXED_LENS: _(
            "focal length of the fixed lens, the EXIF has none: {value}", language, value=value
        ),
        Assumption.ZOOMED: _("digital zoom {value}", language, value=value),
        Assumption.DISAGREES: _(
            "the 35 mm equivalent in the EXIF would give {value}", language, value=value
        ),
        Assumption.FISHEYE: _("fisheye lens taken as a pinhole", language),
        Assumption.DEWARPED: _("lens distortion was removed in the camera", language),
    }
    return texts[kind]


@dataclass(frozen=True)
class LensHints:
    """What a file says about its lens; lengths in millimetres, None or empty where silent.

    `plane_per_mm` is FocalPlaneXResolution in pixels a millimetre, `calibrated_px` a focal length
    in pixels of a picture `calibrated_width` wide, `dewarp` DJI's fx, fy, cx, cy, k1, k2, p1, p2,
    k3 with cx, cy counted from the centre, `fov_deg` the horizontal field of view.
    """

    make: str | None = None
    model: str | None = None
    focal_mm: float | None = None
    equivalent_mm: float | None = None
    zoom: float = 1.0
    exif_width: float | None = None
    plane_per_mm: float | None = None
    calibrated_px: float | None = None
    calibrated_width: float | None = None
    dewarp: tuple[float, ...] = ()
    dewarped: bool = False
    fov_deg: float | None = None


def read_hints(exif: Exif, xmp: dict[str, str]) -> LensHints:
    """What EXIF and XMP say about the lens; impossible values are taken for missing."""
    focal = _within(xm.number(xmp, "Camera:PerspectiveFocalLength"), 0.5, 2_000)
    if (xm.text(xmp, "Camera:PerspectiveFocalLengthUnits") or "mm") != "mm":
        focal = None
    centre = xm.number(
        xmp, "drone-dji:CalibratedOpticalCenterX", "drone-skydio:CalibratedOpticalCenter.X"
    )
    return LensHints(
        make=ex.text(exif.main, 0x010F) or xm.text(xmp, "tiff:Make"),
        model=ex.text(exif.main, 0x0110) or xm.text(xmp, "tiff:Model"),
        focal_mm=focal or _within(ex.number(exif.exif, 0x920A), 0.5, 2_000),
        equivalent_mm=_within(ex.number(exif.exif, 0xA405), 4, 5_000),
        zoom=_within(ex.number(exif.exif, 0xA404), 1, 200) or 1.0,
        exif_width=_within(ex.number(exif.exif, 0xA002), 1, 1e6),
        plane_per_mm=_plane_per_mm(exif),
        calibrated_px=_within(
            xm.number(
                xmp, "drone-dji:CalibratedFocalLength", "drone-skydio:CalibratedFocalLength.X"
            ), 50, 1e6,
        ),
        calibrated_width=_within(None if centre is None else 2 * centre, 100, 1e6),
        dewarp=_dewarp(xmp.get("drone-dji:DewarpData", "")),
        dewarped=xm.number(xmp, "drone-dji:DewarpFlag") == 1,
        fov_deg=_within(xm.number(xmp, "Camera:HorizontalFOV", "drone:HorizontalFOV"), 5, 170),
    )


def _within(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


def _plane_per_mm(exif: Exif) -> float | None:
    # EXIF 2.32, FocalPlaneResolutionUnit: 2 inch, 3 centimetre; 4 and 5 are Adobe's mm and um
    unit_mm = {2.0: 25.4, 3.0: 10.0, 4.0: 1.0, 5.0: 0.001}.get(ex.number(exif.exif, 0xA210) or 2.0)
    resolution = ex.number(exif.exif, 0xA20E)
    if unit_mm is None or resolution is None:
        return None
    return _within(resolution / unit_mm, 10, 5_000)


def _dewarp(written: str) -> tuple[float, ...]:
    """Nine numbers of "date;fx,fy,cx,cy,k1,k2,p1,p2,k3", or none."""
    parts = written.split(";")[-1].split(",")
    values = [xm.number({"value": part}, "value") for part in parts[:9]]
    return () if len(parts) != 9 or None in values else tuple(v for v in values if v is not None)


def nominal_camera(
    hints: LensHints, *, width: int, height: int
) -> tuple[Camera | None, FocalSource | None, Sensor | None]:
    """Camera of a photo of this size in pixels, where its focal length comes from, its sensor.

    Camera and source are None where nothing in the file or the data base gives a focal length.
    Without a trustworthy calibration the principal point is the middle, distortion is zero.
    """
    sensor = find_sensor(
        hints.make, hints.model, focal_mm=hints.focal_mm, width=width, height=height
    )
    job = _Job(hints, sensor, width, height)
    camera, source = _calibrated(job)
    if camera is None:
        camera, source = _measured(job)
    if source is not None and sensor is not None and sensor.fisheye:
        source = replace(source, assumptions=(*source.assumptions, (Assumption.FISHEYE, "")))
    return camera, source, sensor


Result = tuple[Camera | None, FocalSource | None]


@dataclass(frozen=True)
class _Job:
    hints: LensHints
    sensor: Sensor | None
    width: int
    height: int

    @property
    def long_side(self) -> int:
        return max(self.width, self.height)

    @property
    def diagonal(self) -> float:
        return math.hypot(self.width, self.height)

    def camera(self, focal_px: float) -> Camera:
        return Camera(
            self.width, self.height, focal_px, focal_px, (self.width - 1) / 2, (self.height - 1) / 2
        )

    def shape(self) -> tuple[float, list[tuple[Assumption, str]]]:
        """Sensor width, millimetres, that the picture's long side covers, and what it assumes."""
        sensor = self.sensor
        assert sensor is not None
        ratio = self.long_side / min(self.width, self.height)
        native = sensor.width_px / sensor.height_px
        size = f"{sensor.width_px} x {sensor.height_px} -> {self.width} x {self.height}"
        if ratio > native * (1 + ASPECT_TOLERANCE):
            return sensor.width_mm, [(Assumption.ROWS_CROPPED, size)]
        if ratio < native * (1 - ASPECT_TOLERANCE):
            return sensor.height_mm * ratio, [(Assumption.COLUMNS_CROPPED, size)]
        same = abs(self.long_side - sensor.width_px) <= 0.01 * sensor.width_px
        return sensor.width_mm, [] if same else [(Assumption.RESIZED, size)]

    def from_sensor(self) -> tuple[float, str, list[tuple[Assumption, str]]] | None:
        """Focal length in pixels from millimetres and the sensor, its text, what it assumes."""
        sensor, focal = self.sensor, self.hints.focal_mm
        if sensor is None or (focal or sensor.fixed_focal_mm) is None:
            return None
        width_mm, assumed = self.shape()
        if focal is None:
            focal = sensor.fixed_focal_mm or 0.0
            assumed.append((Assumption.FIXED_LENS, f"{focal:g} mm"))
        if self.hints.zoom > 1:
            assumed.append((Assumption.ZOOMED, f"{self.hints.zoom:g} x"))
        text = f"{sensor.name}, {focal:g} mm, {sensor.width_mm:g} mm ({sensor.status})"
        return focal * self.hints.zoom / width_mm * self.long_side, text, assumed

    def from_equivalent(self) -> float | None:
        """Focal length in pixels from the 35 mm equivalent, by the diagonal."""
        equivalent = self.hints.equivalent_mm
        return None if equivalent is None else equivalent / FULL_FRAME_DIAGONAL_MM * self.diagonal

    def expected(self) -> float | None:
        """Rough focal length in pixels that a calibration has to agree with."""
        known = self.from_sensor()
        return known[0] if known else self.from_equivalent()


def _calibrated(job: _Job) -> Result:
    """Camera from a calibration in the XMP where one is there and fits the camera."""
    scale, assumed = _calibration_scale(job)
    values = job.hints.dewarp
    expected = job.expected()
    if values and _trustworthy(values, job, scale=scale, expected=expected):
        return _dewarp_camera(values, job, scale=scale, assumed=assumed)
    focal = job.hints.calibrated_px
    if focal is None or not _agrees(focal * scale, expected):
        return None, None
    source = FocalSource(Method.CALIBRATED, f"{focal:g} px", tuple(assumed))
    return job.camera(focal * scale), source


def _dewarp_camera(
    values: tuple[float, ...], job: _Job, *, scale: float, assumed: list[tuple[Assumption, str]]
) -> Result:
    fx, fy, cx, cy, k1, k2, p1, p2, k3 = values
    camera = replace(
        job.camera(fx * scale), fy=fy * scale,
        cx=(job.width - 1) / 2 + cx * scale, cy=(job.height - 1) / 2 + cy * scale,
    )
    if job.hints.dewarped:
        assumed = [*assumed, (Assumption.DEWARPED, "")]
    else:
        camera = replace(camera, k1=k1, k2=k2, p1=p1, p2=p2, k3=k3)
    return camera, FocalSource(Method.DEWARP, f"fx {fx:g} px", tuple(assumed))


def _calibration_scale(job: _Job) -> tuple[float, list[tuple[Assumption, str]]]:
    """Pixels of this picture for a pixel of the calibrated one."""
    known = job.hints.calibrated_width or (job.sensor.width_px if job.sensor else None)
    if known is None or abs(known - job.long_side) <= 0.01 * known:
        return 1.0, []
    text = f"{known:g} -> {job.long_side}"
    return job.long_side / known, [(Assumption.RESIZED, text)]


def _agrees(focal_px: float, expected: float | None) -> bool:
    return expected is None or abs(focal_px / expected - 1) <= AGREEMENT


def _trustworthy(
    values: tuple[float, ...], job: _Job, *, scale: float, expected: float | None
) -> bool:
    """Whether a lens is one: square pixels, a centre in the middle, no fold in the picture."""
    fx, fy, cx, cy, k1, k2, _p1, _p2, k3 = values
    if fx <= 0 or fy <= 0 or abs(fx / fy - 1) > 0.02 or not _agrees(fx * scale, expected):
        return False
    if max(abs(cx), abs(cy)) * scale > 0.05 * job.long_side:
        return False
    corner = 0.6 * job.diagonal / (fx * scale)
    slopes = (
        1 + 3 * k1 * r**2 + 5 * k2 * r**4 + 7 * k3 * r**6
        for r in (corner * step / 20 for step in range(21))
    )
    return all(slope > 0.2 for slope in slopes)


def _measured(job: _Job) -> Result:
    """Camera from lengths in millimetres, equivalents or angles."""
    from_sensor, equivalent = job.from_sensor(), job.from_equivalent()
    refused = _refused(job)
    if from_sensor is not None:
        focal_px, text, assumed = from_sensor
        plane = _plane_focal(job)
        if plane is not None and abs(plane / focal_px - 1) <= PLANE_TOLERANCE:
            text = _plane_text(job)
            return _camera(job, plane, Method.FOCAL_PLANE, text, [*assumed, *refused])
        if equivalent is not None and abs(equivalent / focal_px - 1) > DOUBT:
            assumed = [*assumed, (Assumption.DISAGREES, f"{equivalent:.0f} px")]
        return _camera(job, focal_px, Method.SENSOR, text, [*assumed, *refused])
    if equivalent is not None:
        text = f"{job.hints.equivalent_mm:g} mm / {FULL_FRAME_DIAGONAL_MM:.2f} mm"
        return _camera(job, equivalent, Method.EQUIVALENT, text, refused)
    if job.hints.fov_deg is not None:
        focal_px = job.width / 2 / math.tan(math.radians(job.hints.fov_deg) / 2)
        return _camera(job, focal_px, Method.FIELD_OF_VIEW, f"{job.hints.fov_deg:g} deg", refused)
    plane = _plane_focal(job)
    if plane is None or not 0.3 <= plane / job.long_side <= 10:
        return None, None
    return _camera(job, plane, Method.UNCHECKED_PLANE, _plane_text(job), refused)


def _camera(
    job: _Job, focal_px: float, method: Method, text: str,
    assumed: list[tuple[Assumption, str]],
) -> Result:
    return job.camera(focal_px), FocalSource(method, text, tuple(assumed))


def _plane_text(job: _Job) -> str:
    return f"{job.hints.focal_mm:g} mm, {job.hints.plane_per_mm:.1f} px/mm"


def _plane_focal(job: _Job) -> float | None:
    """Focal length in pixels from FocalPlaneResolution, which counts the EXIF's own width."""
    hints = job.hints
    if hints.focal_mm is None or hints.plane_per_mm is None:
        return None
    if hints.exif_width is not None and abs(hints.exif_width / job.long_side - 1) > 0.01:
        return hints.focal_mm * hints.plane_per_mm * job.long_side / hints.exif_width
    return hints.focal_mm * hints.plane_per_mm


def _refused(job: _Job) -> list[tuple[Assumption, str]]:
    """Says what is wrong with a calibration or a FocalPlaneResolution that is not used.

    A picture that was made smaller keeps the resolution of the original: the sensor it then
    means is too small by the same factor.
    """
    hints, notes = job.hints, list[tuple[Assumption, str]]()
    if hints.dewarp or hints.calibrated_px is not None:
        value = hints.dewarp[0] if hints.dewarp else hints.calibrated_px
        notes.append((Assumption.CALIBRATION_REFUSED, f"{value:g} px"))
    plane, expected = _plane_focal(job), job.expected()
    if plane is not None and expected is not None and abs(plane / expected - 1) > PLANE_TOLERANCE:
        implied = job.long_side * (hints.focal_mm or 0) / plane
        notes.append((Assumption.PLANE_REFUSED, f"{implied:.2f} mm"))
    return notes
