"""The flight: where each photo is taken, and what the drone believes about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from kilnsight.photos.camera import Camera, Pose, View
from kilnsight.simulate.noise import stream
from kilnsight.simulate.scene import Scene
from kilnsight.simulate.terrain import bare_height

SENSOR_MM = (17.3, 13.0)
FOCAL_MM = 12.29
FORWARD_OVERLAP, SIDE_OVERLAP = 0.78, 0.68
_HEIGHTS_M = (55.0, 120.0)


@dataclass(frozen=True)
class PositionError:
    """How wrong recorded positions and angles are: standard deviations in metres and degrees.

    `horizontal_m` drifts slowly over the flight, `vertical_m` is one offset for all of it.
    """

    horizontal_m: float = 1.5
    vertical_m: float = 2.5
    gimbal_deg: float = 0.35
    rtk: bool = False


RTK = PositionError(horizontal_m=0.015, vertical_m=0.02, gimbal_deg=0.35, rtk=True)


@dataclass(frozen=True)
class Shot:
    """One photo: its true view, and what is recorded.

    `lon_lat`, `altitude_m`, `yaw_deg` (from true north), `pitch_deg`, `roll_deg` are as written
    into the file; `gain` and `balance` are the exposure and white balance.
    """

    number: int
    time: datetime
    view: View
    lon_lat: tuple[float, float]
    altitude_m: float
    relative_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    flight_yaw_deg: float
    gain: float
    balance: tuple[float, float]


def nominal_camera(width: int) -> Camera:
    """Lens of a DJI Mavic 3E as its data sheet has it, for photos of `width` pixels."""
    height = 2 * round(width * 3956 / 5280 / 2)
    focal = FOCAL_MM / SENSOR_MM[0] * width
    return Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


def true_camera(seed: int, width: int) -> Camera:
    """The lens that took the photos: a little off the data sheet, and with distortion."""
    rng, nominal = stream(seed, "lens"), nominal_camera(width)
    focal = nominal.fx * (1 + rng.uniform(-0.005, 0.005))
    return replace(
        nominal, fx=focal, fy=focal * (1 + rng.normal(0, 1e-4)),
        cx=nominal.cx + width * rng.normal(0, 0.003), cy=nominal.cy + width * rng.normal(0, 0.003),
        k1=-0.105 + rng.normal(0, 0.006), k2=0.022 + rng.normal(0, 0.003),
        p1=rng.normal(0, 4e-4), p2=rng.normal(0, 4e-4), k3=-0.004,
    )


def flight_height(scene: Scene, nadir: int) -> float:
    """Height above ground at which `nadir` photos cover the area with the usual overlap."""
    b = scene.bounds
    across = SENSOR_MM[0] / FOCAL_MM
    share = (1 - FORWARD_OVERLAP) * (1 - SIDE_OVERLAP) * across**2 * 0.75
    height = np.sqrt((b.east - b.west) * (b.north - b.south) / (max(nadir, 1) * share))
    return float(np.clip(height, *_HEIGHTS_M))


def _grid(scene: Scene, count: int, height: float) -> list[tuple[float, float, float, float]]:
    b = scene.bounds
    step = SENSOR_MM[0] / FOCAL_MM * height * (1 - SIDE_OVERLAP)
    lines = max(1, round((b.north - b.south) / step))
    stops: list[tuple[float, float, float, float]] = []
    for k in range(lines):
        here = (count * (k + 1)) // lines - (count * k) // lines
        x = b.west + (np.arange(here) + 0.5) / max(here, 1) * (b.east - b.west)
        y = b.south + (k + 0.5) / lines * (b.north - b.south)
        yaw = 90.0 if k % 2 == 0 else 270.0
        stops += [(float(e), y, yaw, -90.0) for e in (x if k % 2 == 0 else x[::-1])]
    return stops


def _ring(scene: Scene, count: int) -> list[tuple[float, float, float, float]]:
    b = scene.bounds
    middle = np.array([(b.west + b.east) / 2, (b.south + b.north) / 2])
    half = np.array([(b.east - b.west) / 2 + 15, (b.north - b.south) / 2 + 25])
    stops = []
    for k in range(count):
        turn = 2 * np.pi * k / count + 0.2
        place = middle + half * [np.sin(turn), np.cos(turn)]
        ahead = middle - place
        yaw = float(np.degrees(np.arctan2(ahead[0], ahead[1])) % 360)
        stops.append((float(place[0]), float(place[1]), yaw, -46.0 - 4.0 * (k % 4)))
    return stops


def fly(
    scene: Scene, *, photos: int, camera: Camera, error: PositionError = PositionError()
) -> list[Shot]:
    """Photos of a flight: a grid looking down, then about a sixth of them slanting inwards."""
    slanting = photos // 6 if photos >= 12 else 0
    height = flight_height(scene, photos - slanting)
    stops = _grid(scene, photos - slanting, height) + _ring(scene, slanting)
    rng = stream(scene.seed, f"flight {scene.visit}")
    b = scene.bounds
    middle = np.array([(b.west + b.east) / 2]), np.array([(b.south + b.north) / 2])
    takeoff = float(bare_height(*middle, scene)[0])
    drift = _drift(rng, len(stops), error)
    shots, time = [], scene.sky.time
    for n, stop in enumerate(stops):
        far = np.hypot(stop[0] - stops[n - 1][0], stop[1] - stops[n - 1][1]) if n else 0
        time += timedelta(seconds=round(far / 9 + (5 if far > 40 else 0.6)) if n else 0)
        shots.append(_shot(scene, n + 1, stop, rng, height=height, takeoff=takeoff, time=time,
                           camera=camera, drift=drift[n], error=error))
    return shots


def _drift(rng: np.random.Generator, count: int, error: PositionError) -> NDArray[np.float64]:
    # a first-order Markov walk: neighbours in time are wrong by about the same
    start, keep = rng.normal(size=2), 0.97
    walk = [start]
    for _ in range(count - 1):
        walk.append(keep * walk[-1] + np.sqrt(1 - keep**2) * rng.normal(size=2))
    level = np.full(count, rng.normal(0, error.vertical_m))
    noise = rng.normal(0, 0.25 if not error.rtk else 0.01, (count, 3))
    return np.column_stack([error.horizontal_m * np.array(walk), level]) + noise


def _shot(
    scene: Scene, number: int, stop: tuple[float, float, float, float],
    rng: np.random.Generator, *, height: float, takeoff: float, time: datetime, camera: Camera,
    drift: NDArray[np.float64], error: PositionError,
) -> Shot:
    x, y, yaw, pitch = stop
    centre = np.array([x, y, takeoff + height]) + rng.normal(0, [0.5, 0.5, 0.25])
    said = np.round([yaw + rng.normal(0, 0.3), pitch, 0.0], 1)
    off = rng.normal(0, error.gimbal_deg, 3)
    pose = Pose.from_gimbal(said[0] + off[0], said[1] + off[1], said[2] + off[2], centre)
    site, seen = scene.site, centre + drift
    lon, lat = site.to_lon_lat(seen[None, :2])[0]
    name = f"DJI_{time:%Y%m%d%H%M%S}_{number:04d}_V.jpg"
    north = site.convergence_deg
    return Shot(
        number, time, View(name, camera, pose), (float(lon), float(lat)),
        float(seen[2]), float(centre[2] - takeoff + rng.normal(0, 0.15)),
        _signed(said[0] + north), float(said[1]), float(said[2]),
        _signed(said[0] + north + rng.normal(0, 1.5)),
        float(np.exp(rng.normal(0, 0.05))),
        (float(1 + rng.normal(0, 0.012)), float(1 + rng.normal(0, 0.015))),
    )


def _signed(angle_deg: float) -> float:
    return float((angle_deg + 180) % 360 - 180)
