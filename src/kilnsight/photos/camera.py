"""The camera as geometry: lens model, pose, and the view that joins them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A lens and sensor: pinhole with Brown-Conrady distortion, as in OpenCV.

    `width`, `height`, `fx`, `fy`, `cx`, `cy` are in pixels; the centre of the top left pixel is
    (0, 0). `k1`, `k2`, `p1`, `p2`, `k3` have no unit and stand in OpenCV's order.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0

    @property
    def matrix(self) -> Array:
        """Camera matrix K, shape (3, 3), pixels."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]], dtype=float)

    @property
    def distortion(self) -> Array:
        """Distortion coefficients (k1, k2, p1, p2, k3), shape (5,)."""
        return np.array([self.k1, self.k2, self.p1, self.p2, self.k3], dtype=float)

    def scaled(self, factor: float) -> Camera:
        """Same lens for the picture resized by `factor` (0.5: half as wide)."""
        return replace(
            self,
            width=round(self.width * factor), height=round(self.height * factor),
            fx=self.fx * factor, fy=self.fy * factor,
            cx=(self.cx + 0.5) * factor - 0.5, cy=(self.cy + 0.5) * factor - 0.5,
        )

    @property
    def fold_radius(self) -> float:
        """Ideal radius (tangent of the angle off axis) where the radial distortion turns back.

        Beyond it points far outside the picture would be drawn into it; infinite for most lenses.
        """
        slope = np.roots([7 * self.k3, 5 * self.k2, 3 * self.k1, 1.0])
        turns = [float(root.real) for root in slope if abs(root.imag) < 1e-9 and root.real > 0]
        return float(np.sqrt(min(turns))) if turns else float("inf")

    def distort(self, xy: Array) -> Array:
        """Pixels, shape (n, 2), of ideal image coordinates x/z and y/z, shape (n, 2)."""
        x, y = xy[:, 0], xy[:, 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
        dx = 2 * self.p1 * x * y + self.p2 * (r2 + 2 * x * x)
        dy = self.p1 * (r2 + 2 * y * y) + 2 * self.p2 * x * y
        return np.column_stack(
            [self.fx * (x * radial + dx) + self.cx, self.fy * (y * radial + dy) + self.cy]
        )

    def undistort(self, uv: Array, *, iterations: int = 20) -> Array:
        """Ideal image coordinates x/z and y/z, shape (n, 2), of pixels, shape (n, 2)."""
        ideal = np.column_stack([(uv[:, 0] - self.cx) / self.fx, (uv[:, 1] - self.cy) / self.fy])
        xy = ideal.copy()
        unit = replace(self, fx=1.0, fy=1.0, cx=0.0, cy=0.0)
        for _ in range(iterations):
            xy += ideal - unit.distort(xy)
        return xy

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary of the fields, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Pose:
    """Where a camera stood and how it was turned.

    `rotation`, shape (3, 3), turns map axes (east, north, up) into camera axes (right, down,
    forward). `centre`, shape (3,), is in map coordinates: easting, northing, height in metres.
    """

    rotation: Array
    centre: Array

    @property
    def forward(self) -> Array:
        """Viewing direction in map axes, shape (3,), length 1."""
        return np.asarray(self.rotation[2], dtype=float)

    @classmethod
    def from_gimbal(
        cls, yaw_deg: float, pitch_deg: float, roll_deg: float, centre: Array
    ) -> Pose:
        """Pose of a gimbal as DJI writes it.

        Yaw is clockwise from north, pitch -90 looks straight down and 0 at the horizon, roll is
        clockwise as seen from behind the camera; all in degrees.
        """
        yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
        forward = np.array(
            [np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)]
        )
        right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
        down = np.cross(forward, right)
        turned_right = np.cos(roll) * right + np.sin(roll) * down
        turned_down = np.cos(roll) * down - np.sin(roll) * right
        return cls(np.stack([turned_right, turned_down, forward]), np.asarray(centre, dtype=float))


@dataclass(frozen=True)
class View:
    """One photo as geometry: its name, lens and pose."""

    name: str
    camera: Camera
    pose: Pose

    def project(self, xyz: Array) -> tuple[Array, Array]:
        """Pixels, shape (n, 2), and depths in metres, shape (n,), of map points, shape (n, 3).

        Points behind the camera or outside the lens's valid circle get NaN pixels.
        """
        local = (np.asarray(xyz, dtype=float) - self.pose.centre) @ self.pose.rotation.T
        depth = local[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            ideal = local[:, :2] / depth[:, None]
            uv = self.camera.distort(ideal)
        limit = 1.5 * np.hypot(
            self.camera.width / self.camera.fx, self.camera.height / self.camera.fy
        )
        limit = min(limit, self.camera.fold_radius)
        bad = (depth <= 0) | ~(np.hypot(ideal[:, 0], ideal[:, 1]) < limit)
        uv[bad] = np.nan
        return uv, depth

    def rays(self, uv: Array) -> Array:
        """Viewing directions in map axes, shape (n, 3), length 1, of pixels, shape (n, 2)."""
        xy = self.camera.undistort(np.asarray(uv, dtype=float))
        local = np.column_stack([xy, np.ones(len(xy))])
        world = local @ self.pose.rotation
        return np.asarray(world / np.linalg.norm(world, axis=1, keepdims=True))

    def sees(self, xyz: Array, *, margin_px: float = 0.0) -> NDArray[np.bool_]:
        """Whether map points, shape (n, 3), fall inside the picture; what hides them is ignored."""
        uv, _ = self.project(xyz)
        with np.errstate(invalid="ignore"):
            inside = (uv >= margin_px) & (
                uv <= [self.camera.width - 1 - margin_px, self.camera.height - 1 - margin_px]
            )
        return np.asarray(inside.all(axis=1))
