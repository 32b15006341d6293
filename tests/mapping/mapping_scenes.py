"""Flights whose truth is known, and the reconstruction a perfect program would make of them."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from kilnsight.mapping.align import Alignment
from kilnsight.mapping.georeference import Georeference, Observed
from kilnsight.mapping.reconstruction import Reconstruction
from kilnsight.photos.camera import Camera, Pose, View
from kilnsight.photos.photo import Photo
from kilnsight.photos.quality import Quality

ORIGIN = np.array([500_000.0, 3_300_000.0, 400.0])
CAMERA = Camera(1600, 1200, 1150.0, 1150.0, 799.5, 599.5)


@dataclass(frozen=True)
class Frame:
    """The frame of a reconstruction: frame = (rotation @ (map - ORIGIN)) / scale + shift."""

    scale: float
    rotation: np.ndarray
    shift: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Frame":
        turn = Rotation.from_quat(rng.normal(size=4)).as_matrix()
        return cls(float(np.exp(rng.normal(1, 1))), turn, rng.normal(size=3))

    def points(self, xyz):
        return (np.asarray(xyz) - ORIGIN) @ self.rotation.T / self.scale + self.shift


def lawnmower(rng, *, lines=6, stops=10, gap=30.0, step=25.0, height=90.0, pitch=-90.0):
    """Poses of a level flight to and fro, looking down or, by `pitch`, ahead."""
    poses = []
    for line in range(lines):
        there = range(stops) if line % 2 == 0 else range(stops - 1, -1, -1)
        yaw = 90.0 if line % 2 == 0 else 270.0
        for stop in there:
            stand = ORIGIN + np.array([stop * step, line * gap, height])
            place = stand + rng.normal(0, [0.5, 0.5, 0.25])
            angles = rng.normal([yaw, pitch, 0], 0.5)
            poses.append(Pose.from_gimbal(*angles, place))
    return poses


def reconstruction(poses, frame, rng, *, noise_m=0.02):
    """Poses in the frame, as good as bundle adjustment finds them."""
    turned = [p.rotation @ frame.rotation.T for p in poses]
    centres = np.array([p.centre for p in poses]) + rng.normal(0, noise_m, (len(poses), 3))
    empty = np.empty((0, 3))
    return Reconstruction(np.array(turned), frame.points(centres), empty, np.empty(0),
                          empty.astype(np.int64), (CAMERA,))


def recorded(poses, rng, *, gps_m=1.5, altitude_m=2.5, gimbal=True, sigma=(2.0, 2.0, 4.0)):
    """What the drone writes: positions that drift slowly, one offset in altitude, gimbal angles."""
    count = len(poses)
    walk = [rng.normal(size=2)]
    for _ in range(count - 1):
        walk.append(0.97 * walk[-1] + np.sqrt(1 - 0.97**2) * rng.normal(size=2))
    drift = np.column_stack([gps_m * np.array(walk), np.full(count, rng.normal(0, altitude_m))])
    position = np.array([p.centre for p in poses]) + drift
    position += rng.normal(0, min(gps_m, 0.2), (count, 3))
    axes = np.full((count, 3, 3), np.nan)
    if gimbal:
        for i, pose in enumerate(poses):
            wrong = Rotation.from_rotvec(np.radians(rng.normal(0, 0.35, 3))).as_matrix()
            axes[i] = wrong @ pose.rotation
    return Observed(position, np.tile(np.array(sigma, dtype=float), (count, 1)), axes)


def errors(place: Georeference, frame: Frame, poses):
    """Error of scale (relative), tilt (degrees), place and height (metres, at the middle)."""
    scale = place.scale / frame.scale - 1
    up = place.rotation @ frame.rotation @ [0, 0, 1.0]
    tilt = float(np.degrees(np.arccos(np.clip(up[2], -1, 1))))
    middle = np.mean([p.centre for p in poses], axis=0)
    off = place.points(frame.points(middle)[None])[0] - middle
    return scale, tilt, float(np.hypot(*off[:2])), float(off[2])


def over(east, north, up):
    """Place on the map by its distance from the origin, metres."""
    return ORIGIN + np.array([east, north, up])


def view(centre, *, yaw=0.0, pitch=-90.0, roll=0.0, camera=CAMERA, name="a.jpg"):
    """A view from a place, turned as a gimbal would be."""
    return View(name, camera, Pose.from_gimbal(yaw, pitch, roll, np.asarray(centre, dtype=float)))


def texture(rows, columns, *, seed, sizes=(1.0, 2.5, 8.0)):
    """Grey picture, uint8, with detail of several sizes all over."""
    rng = np.random.default_rng(seed)
    total = np.zeros((rows, columns))
    for size in sizes:
        noise = cv2.GaussianBlur(rng.normal(size=(rows, columns)), (0, 0), size)
        total += noise / noise.std()
    total = (total - total.mean()) / total.std()
    return np.clip(128 + 42 * total, 0, 255).astype(np.uint8)


def photograph(seen, ground, grid, heights):
    """Picture of a height field, (ny, nx) metres on `grid`, painted with `ground`, uint8.

    Each pixel's ray is followed by bisection from where it can first meet the surface.
    """
    camera = seen.camera
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = seen.rays(np.column_stack([u.ravel(), v.ravel()]).astype(float))
    low, high = float(heights.min()) - 0.1, float(heights.max()) + 0.1
    per_metre = rays / -rays[:, 2:]
    centre = seen.pose.centre

    def above(z):
        xy = (centre + per_metre * (centre[2] - z)[:, None])[:, :2]
        return z - sample(heights.astype(np.float32), grid, xy)

    steps = 21 if high - low > 1 else 2
    top, under = np.full(len(rays), high), np.zeros(len(rays), bool)
    bottom = top - (high - low) / (steps - 1)
    for z in np.linspace(high, low, steps)[1:]:
        under |= above(np.full(len(rays), z)) < 0
        bottom[~under] = z - (high - low) / (steps - 1)
        top[~under] = z
    for _ in range(9 if steps > 2 else 6):
        middle = (top + bottom) / 2
        up = above(middle) > 0
        top, bottom = np.where(up, middle, top), np.where(up, bottom, middle)
    xy = (centre + per_metre * (centre[2] - bottom)[:, None])[:, :2]
    colour = sample(ground.astype(np.float32), grid, xy)
    return np.clip(np.rint(colour), 0, 255).astype(np.uint8).reshape(camera.height, camera.width)


def sample(values, grid, xy):
    """Values of a grid between its cells' centres, at map points (n, 2)."""
    rows, columns = (a.astype(np.float32).reshape(1, -1) for a in grid.indices(xy))
    parts = [
        cv2.remap(values, columns[:, i : i + 30000], rows[:, i : i + 30000], cv2.INTER_LINEAR,
                  borderMode=cv2.BORDER_REPLICATE)[0]
        for i in range(0, columns.shape[1], 30000)
    ]
    return np.concatenate(parts)


def alignment(views, points, *, place=None, errors=None, unaligned=()):
    """Views and points as a perfect alignment: each point is seen by all views that show it."""
    points = np.asarray(points, dtype=float)
    seen = [np.flatnonzero(v.sees(points, margin_px=2)) for v in views]
    seen_by = np.vstack([np.column_stack([np.full(len(s), i), s]) for i, s in enumerate(seen)])
    if errors is None:
        errors = np.full(len(points), 0.5)
    return Alignment("EPSG:32650", tuple(views), tuple(unaligned), points, errors,
                     seen_by.astype(np.int64), place)


def georeferenced(**changed):
    """A georeference of good photos, with some of its figures changed."""
    figures = {
        "method": "gimbal angles", "altitude_used": True, "horizontal_residual_m": np.ones(5),
        "vertical_residual_m": np.ones(5), "scale_sigma": 0.004, "tilt_sigma_deg": 0.3,
        "position_sigma_m": 1.0, "height_offset_sigma_m": 4.0, "altitude_range_m": 2.0,
        "flight_range_m": 2.0,
    }
    return Georeference(1.0, np.eye(3), np.zeros(3), **(figures | changed))


def at_once(function, tasks, *, workers):
    """Stands in for `workers.run`: does the tasks here and now."""
    return ((task, function(task)) for task in tasks)


def photo(name="a.jpg", *, camera=CAMERA, lon=117.0, lat=30.0, altitude=100.0, **changed):
    """A photo as `photos` would describe it."""
    usual = {
        "path": Path(name), "sha256": name.rjust(64, "0"), "bytes": 1000, "width": camera.width,
        "height": camera.height, "make": "DJI", "model": "M3E", "camera": camera,
        "focal": None, "taken": None, "zone_source": None, "lat": lat, "lon": lon,
        "altitude_m": altitude, "altitude_reference": None, "relative_altitude_m": 90.0,
        "yaw_deg": None, "pitch_deg": None, "roll_deg": None, "rtk": None, "rtk_std_m": None,
        "orientation": 1, "quality": Quality(100.0, 1.0, 0.0, 0.0), "flags": (),
    }
    return Photo(name, **(usual | changed))
