"""Place, scale and level of a reconstruction, from GPS and gimbal that may be wrong.

Horizontal positions give scale and heading. What is up comes from the gimbal where it was
recorded, else from the plane in which an aircraft flies and from the cameras' axes. The recorded
altitude is used only where it agrees with the photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from kilnsight.i18n import gettext as _
from kilnsight.mapping.reconstruction import Reconstruction

Array = NDArray[np.float64]

GPS_SIGMA_M = 2.0
"""Standard deviation of a single-receiver GPS position, horizontally."""
ALTITUDE_SIGMA_M = 4.0
"""The same for the altitude."""
GIMBAL_SIGMA_DEG = 0.6
"""Standard deviation of a recorded gimbal angle, photo by photo."""
GIMBAL_BIAS_DEG = 0.25
"""What remains of it in the mean of all photos."""
FLIGHT_LEVEL_SIGMA_M = 1.5
"""How well an autopilot holds its height over a flight, by barometer."""
AXIS_SIGMA_DEG = 3.0
"""How far the mean axis of a camera without gimbal record may be from the vertical."""
MAX_TILT_DEG = 4.0
"""An altitude that asks for a larger tilt than this, against the other evidence, is wrong."""
MAX_ALTITUDE_RESIDUAL_M = 8.0
"""An altitude that scatters more than this about the photos' own heights is wrong."""

JACKKNIFE_BLOCKS = 8
"""Stretches of a flight whose position errors are taken to be independent."""


@dataclass(frozen=True)
class Observed:
    """What the photos record, one row a photo, NaN where a photo does not say.

    `position`, (n, 3): easting, northing, altitude in metres. `sigma`, (n, 3): standard deviation
    of it. `axes`, (n, 3, 3): rotation from map axes to camera axes by the gimbal.
    """

    position: Array
    sigma: Array
    axes: Array


@dataclass(frozen=True)
class Georeference:
    """Similarity from the reconstruction's frame to the map: x -> scale * rotation @ x + shift."""

    scale: float
    rotation: Array
    shift: Array
    method: str
    altitude_used: bool
    horizontal_residual_m: Array
    vertical_residual_m: Array
    scale_sigma: float
    tilt_sigma_deg: float
    position_sigma_m: float
    height_offset_sigma_m: float
    altitude_range_m: float = 0.0
    flight_range_m: float = 0.0

    def points(self, xyz: Array) -> Array:
        """Map coordinates, shape (n, 3), of points of the frame, shape (n, 3)."""
        return np.asarray(self.scale * xyz @ self.rotation.T + self.shift)

    def orientation(self, rotation: Array) -> Array:
        """Rotation from map axes to camera axes, for one from the frame to camera axes."""
        return np.asarray(rotation @ self.rotation.T)


def georeference(model: Reconstruction, observed: Observed) -> Georeference:
    """Similarity that fits the observed places best; see the module's text for the evidence.

    At least three aligned photos must have a horizontal position.
    """
    used = model.aligned & np.isfinite(observed.position[:, :2]).all(axis=1)
    centres, seen = model.centres[used], _subset(observed, used)
    up, tilt_sigma, method = _up(model.rotations[used], centres, seen)
    start = _level_fit(centres, seen, up)
    ok, flight_range = _altitude_agrees(centres, seen, start)
    scale, rotation, shift = _refine(centres, seen, start, up, tilt_sigma, use_altitude=ok)
    residual = scale * centres @ rotation.T + shift - seen.position
    if not ok:
        heights = residual[np.isfinite(residual[:, 2]), 2]
        offset = float(np.median(heights)) if len(heights) else 0.0
        shift = shift - [0, 0, offset]
        residual[:, 2] -= offset
    return _result(
        (scale, rotation, shift), residual, centres, seen, method=method, tilt_sigma=tilt_sigma,
        altitude_used=ok, flight_range=flight_range, uncertainty=_uncertainty(centres, seen, up),
    )


def _subset(observed: Observed, used: NDArray[np.bool_] | NDArray[np.intp]) -> Observed:
    """Rows of what was observed."""
    return Observed(observed.position[used], observed.sigma[used], observed.axes[used])


def _up(rotations: Array, centres: Array, seen: Observed) -> tuple[Array, float, str]:
    """Up in the frame, its standard deviation in degrees, and the evidence it rests on."""
    axes, recorded = seen.axes, np.isfinite(seen.axes).all(axis=(1, 2))
    if recorded.sum() >= 3:
        ups = np.einsum("nij,ni->nj", rotations[recorded], axes[recorded][:, :, 2])
        sigma = np.hypot(GIMBAL_SIGMA_DEG / np.sqrt(recorded.sum()), GIMBAL_BIAS_DEG)
        return _robust_direction(ups), float(sigma), _("gimbal angles", "en")
    axis_up = _robust_direction(-rotations[:, 2])
    plane_up, extent, level = _plane(centres)
    if plane_up @ axis_up < 0:
        plane_up = -plane_up
    apart = np.degrees(np.arccos(np.clip(plane_up @ axis_up, -1, 1)))
    if extent <= 0 or level > 0.15 * extent:
        return axis_up, AXIS_SIGMA_DEG, _("mean camera axis", "en")
    if apart > 4 * AXIS_SIGMA_DEG:
        # Photos that all slant one way, or a flight up a slope: seen from above, only one fits.
        if _misfit(centres, seen, plane_up) < _misfit(centres, seen, axis_up):
            return plane_up, AXIS_SIGMA_DEG, _("plane of flight", "en")
        return axis_up, AXIS_SIGMA_DEG, _("mean camera axis", "en")
    # The frame has no scale yet: autopilot scatter about the plane stands for its metres.
    sigma = max(np.degrees(2 * level / extent), 0.8)
    weight = np.array([sigma**-2, AXIS_SIGMA_DEG**-2])
    up = weight[0] * plane_up + weight[1] * axis_up
    sigma = float(weight.sum() ** -0.5)
    return up / np.linalg.norm(up), sigma, _("plane of flight and camera axes", "en")


def _misfit(centres: Array, seen: Observed, up: Array) -> float:
    """Median distance of the horizontal positions, metres, when `up` is upright."""
    scale, rotation, shift = _level_fit(centres, seen, up)
    off = (scale * centres @ rotation.T + shift - seen.position)[:, :2]
    return float(np.median(np.hypot(off[:, 0], off[:, 1])))


def _robust_direction(directions: Array) -> Array:
    """Geometric median of directions, shape (n, 3), length 1."""
    mean = directions.mean(axis=0)
    for _round in range(30):
        weight = 1 / np.maximum(np.linalg.norm(directions - mean, axis=1), 1e-4)
        mean = (weight[:, None] * directions).sum(axis=0) / weight.sum()
    return np.asarray(mean / np.linalg.norm(mean))


def _plane(centres: Array) -> tuple[Array, float, float]:
    """Normal of the plane most centres lie in, their extent along it and scatter about it.

    Robust: a climb at the start or end of the flight does not tilt it.
    """
    weight = np.ones(len(centres))
    for _round in range(60):
        mean = (weight[:, None] * centres).sum(axis=0) / weight.sum()
        _u, spread, axes = np.linalg.svd((centres - mean) * np.sqrt(weight)[:, None])
        distance = np.abs((centres - mean) @ axes[2])
        scale = max(1.4826 * float(np.median(distance)), 1e-9)
        weight = 1 / (1 + (distance / scale) ** 2) ** 2
    extent = float(spread[1] / np.sqrt(weight.sum()))
    return np.asarray(axes[2]), extent, scale


def _level_fit(centres: Array, seen: Observed, up: Array) -> tuple[float, Array, Array]:
    """Similarity that keeps `up` upright and fits the horizontal positions, robustly."""
    east = np.cross(up, [1.0, 0, 0] if abs(up[0]) < 0.9 else [0, 1.0, 0])
    east /= np.linalg.norm(east)
    frame = np.stack([east, np.cross(up, east), up])
    level = centres @ frame.T
    here = level[:, 0] + 1j * level[:, 1]
    there = seen.position[:, 0] + 1j * seen.position[:, 1]
    origin = np.median(there.real) + 1j * np.median(there.imag)
    design = np.column_stack([here, np.ones(len(here))])
    weight = np.ones(len(here))
    for _round in range(50):
        goal = (there - origin) * weight
        turn, *_rest = np.linalg.lstsq(design * weight[:, None], goal, rcond=None)
        off = np.abs(design @ turn - (there - origin))
        weight = 1 / np.sqrt(1 + (off / max(1.4826 * float(np.median(off)), 0.05)) ** 2)
    angle = np.angle(turn[0])
    spin = Rotation.from_rotvec([0, 0, angle]).as_matrix()
    shift_xy = turn[1] + origin
    heights = seen.position[:, 2] - abs(turn[0]) * level[:, 2]
    known = heights[np.isfinite(heights)]
    shift = np.array([shift_xy.real, shift_xy.imag, np.median(known) if len(known) else 0.0])
    return float(abs(turn[0])), spin @ frame, shift


def _altitude_agrees(
    centres: Array, seen: Observed, fit: tuple[float, Array, Array]
) -> tuple[bool, float]:
    """Whether recorded altitudes follow the heights of the photos; and the range of the latter.

    A plane of the differences is allowed up to `MAX_TILT_DEG`, for the level may be off.
    """
    scale, rotation, shift = fit
    placed = scale * centres @ rotation.T + shift
    flight_range = float(np.ptp(placed[:, 2]))
    known = np.isfinite(seen.position[:, 2])
    if known.sum() < 4:
        return False, flight_range
    xy = placed[known, :2] - placed[known, :2].mean(axis=0)
    difference = seen.position[known, 2] - placed[known, 2]
    plane, scatter = _trend(xy, difference)
    extent = float(np.sqrt((xy**2).sum(axis=1).mean()))
    slope = float(np.degrees(np.arctan(np.hypot(*plane[:2]))))
    noise = np.degrees(np.arctan(ALTITUDE_SIGMA_M / max(extent, 1.0)))
    limit = max(MAX_TILT_DEG, 2 * float(noise))
    return scatter < MAX_ALTITUDE_RESIDUAL_M and slope < limit, flight_range


def _trend(xy: Array, values: Array) -> tuple[Array, float]:
    """Plane (slope east, slope north, height) of values, and their deviation from it.

    The worst tenth does not count: a photo or two with a wild altitude say nothing of the others.
    """
    design = np.column_stack([xy, np.ones(len(xy))])
    keep = np.ones(len(values), dtype=bool)
    for _round in range(10):
        plane, *_rest = np.linalg.lstsq(design[keep], values[keep], rcond=None)
        off = np.abs(values - design @ plane)
        keep = off <= np.quantile(off, 0.9, method="higher")
    scatter = float(np.std((values - design @ plane)[keep]))
    return np.asarray(plane, dtype=np.float64), scatter


def _refine(
    centres: Array, seen: Observed, fit: tuple[float, Array, Array], up: Array,
    tilt_sigma: float, *, use_altitude: bool,
) -> tuple[float, Array, Array]:
    """Similarity from positions and level together, each by its own uncertainty."""
    scale, rotation, shift = fit
    origin = shift.copy()
    weight = 1 / seen.sigma
    if not use_altitude:
        weight = weight * [1, 1, 0]
    target = np.where(np.isfinite(seen.position), seen.position, 0)
    weight = np.where(np.isfinite(seen.position), weight, 0)
    # Errors of neighbouring positions go together: a flight holds far fewer than n of them.
    weight = weight * np.sqrt(min(1.0, 12 / len(centres)))

    def cost(x: Array) -> Array:
        turned = Rotation.from_rotvec(x[1:4]).as_matrix() @ rotation
        placed = scale * np.exp(x[0]) * centres @ turned.T + origin + x[4:7]
        tilt = np.degrees((turned @ up)[:2]) / tilt_sigma
        misfit = np.linalg.norm((placed - target) * weight, axis=1)
        robust = np.sqrt(2 * (np.sqrt(1 + misfit**2) - 1)) / np.maximum(misfit, 1e-9)
        held = 0.0 if use_altitude else x[6]
        return np.concatenate([((placed - target) * weight * robust[:, None]).ravel(),
                               tilt, [held]])

    x = least_squares(cost, np.zeros(7), x_scale=[0.01, 0.01, 0.01, 0.01, 1, 1, 1]).x
    turned = Rotation.from_rotvec(x[1:4]).as_matrix() @ rotation
    return float(scale * np.exp(x[0])), turned, origin + x[4:7]


def _uncertainty(centres: Array, seen: Observed, up: Array) -> tuple[float, float]:
    """Standard deviations of scale (relative) and horizontal place (metres).

    By a jackknife over stretches of the flight, since errors of neighbouring photos go together
    (Efron 1982, chapter 3); never better than the stated errors of the positions allow.
    """
    numbers = np.arange(len(centres), dtype=np.intp)
    blocks = np.array_split(numbers, min(JACKKNIFE_BLOCKS, max(3, len(centres) // 2)))
    middle = centres.mean(axis=0)
    fits = []
    for block in blocks:
        rest = np.setdiff1d(numbers, block)
        scale, rotation, shift = _level_fit(centres[rest], _subset(seen, rest), up)
        fits.append([np.log(scale), *(scale * rotation @ middle + shift)[:2]])
    values = np.array(fits)
    count = len(blocks)
    variance = (count - 1) / count * ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    extent = np.exp(values[:, 0].mean()) * np.sqrt(((centres - middle) ** 2).sum(axis=1).mean())
    sigma = float(np.median(seen.sigma[:, 0]))
    floor = sigma / np.sqrt(count)
    scale_sigma = np.hypot(np.sqrt(variance[0]), floor / max(float(extent), 1.0) / 2)
    # A flight is short against the drift of GPS: its photos share most of the error of place.
    place_sigma = np.hypot(np.sqrt(variance[1:].max()), sigma)
    return float(scale_sigma), float(place_sigma)


def _result(
    fit: tuple[float, Array, Array], residual: Array, centres: Array, seen: Observed, *,
    method: str, tilt_sigma: float, altitude_used: bool, flight_range: float,
    uncertainty: tuple[float, float],
) -> Georeference:
    """Georeference with residuals and what they say about its uncertainty."""
    scale, rotation, shift = fit
    horizontal = np.hypot(residual[:, 0], residual[:, 1])
    scale_sigma, position_sigma = uncertainty
    placed = scale * centres @ rotation.T
    extent = float(np.sqrt(((placed - placed.mean(axis=0))[:, :2] ** 2).sum(axis=1).mean()))
    altitudes = seen.position[:, 2]
    known = np.isfinite(altitudes)
    altitude_range = float(np.ptp(altitudes[known])) if known.any() else 0.0
    vertical = np.abs(residual[known, 2])
    if altitude_used:
        scatter = max(1.4826 * float(np.median(vertical)), float(np.median(seen.sigma[:, 2])) / 4)
        from_altitude = np.degrees(scatter / max(extent, 1) / np.sqrt(JACKKNIFE_BLOCKS / 2))
        tilt_sigma = float((tilt_sigma**-2 + max(from_altitude, 0.02) ** -2) ** -0.5)
        offset_sigma = float(np.median(seen.sigma[known, 2]))
    else:
        offset_sigma = max(altitude_range / 2, 10.0)
    return Georeference(
        scale, rotation, shift, method=method, altitude_used=altitude_used,
        horizontal_residual_m=horizontal, vertical_residual_m=vertical,
        scale_sigma=scale_sigma, tilt_sigma_deg=tilt_sigma, position_sigma_m=position_sigma,
        height_offset_sigma_m=offset_sigma,
        altitude_range_m=altitude_range, flight_range_m=flight_range,
    )
