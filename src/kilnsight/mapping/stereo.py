"""Dense heights from two photos: rectification, semi-global matching, points on the map's grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kilnsight.mapping.grid import Grid
from kilnsight.photos.camera import View

Array = NDArray[np.float64]

BLOCK_PX = 5
"""Window of semi-global matching."""
MAX_DISPARITIES = 320
"""Widest search; a pair that needs more is rectified at a smaller scale."""
SUBPIXEL_SIGMA = 0.35
"""Standard deviation of a matched disparity, pixels of the rectified pictures."""
MIN_SIDEWAYS = 0.3
"""Sine of the angle between baseline and axes; less, and the views lie one behind the other."""
CONSISTENCY_PX = 1.2
"""Disparities of the two directions may differ by this much."""


@dataclass(frozen=True)
class Rectified:
    """Two views turned to lie side by side along their baseline.

    `rotation`, (3, 3): map axes to the common camera axes, x along the baseline. `focal` in
    rectified pixels, `size` (width, height). `origin` and `origin2`: principal point (x, y) of the
    first and the second picture; that of the second is shifted so that disparities start at 0.
    """

    rotation: Array
    focal: float
    size: tuple[int, int]
    origin: tuple[float, float]
    origin2: tuple[float, float]
    baseline: float
    disparities: int


def rectify(
    first: View, second: View, *, near_m: float, far_m: float, scale: float
) -> Rectified | None:
    """Common frame of two views for depths `near_m` to `far_m`, `scale` times the photo's pixels.

    None where they share too little ground, or lie one behind the other.
    """
    baseline = second.pose.centre - first.pose.centre
    length = float(np.linalg.norm(baseline))
    x = baseline / length
    forward = first.pose.forward + second.pose.forward
    z = forward - (forward @ x) * x
    if np.linalg.norm(z) < MIN_SIDEWAYS * np.linalg.norm(forward):
        return None
    z /= np.linalg.norm(z)
    rotation = np.stack([x, np.cross(z, x), z])
    focal = scale * (first.camera.fx + first.camera.fy) / 2
    span = focal * length * (1 / near_m - 1 / far_m)
    if span > MAX_DISPARITIES:
        return rectify(first, second, near_m=near_m, far_m=far_m,
                       scale=0.98 * scale * MAX_DISPARITIES / span)
    shift = np.floor(focal * length / far_m)
    box1, box2 = _box(first, rotation) * focal, _box(second, rotation) * focal
    left = max(box1[0], box2[0] + shift - 16)
    right = min(box1[2], box2[2] + shift + span + 16)
    top, bottom = max(box1[1], box2[1]), min(box1[3], box2[3])
    disparities = int(np.ceil((span + 2) / 16) * 16)
    left -= disparities
    size = (int(right - left), int(bottom - top))
    largest = 3 * scale * max(first.camera.width, first.camera.height)
    if size[0] < disparities + 64 or size[1] < 64 or max(size) > largest:
        return None
    return Rectified(rotation, focal, size, (-left, -top), (-left + shift, -top), length,
                     disparities)


def _box(view: View, rotation: Array) -> Array:
    """Left, top, right, bottom of a picture in the turned frame at focal length 1."""
    w, h = view.camera.width - 1, view.camera.height - 1
    t = np.linspace(0, 1, 9)
    zero, one = np.zeros(9), np.ones(9)
    edge = np.vstack([np.c_[t, zero], np.c_[t, one], np.c_[zero, t], np.c_[one, t]]) * [w, h]
    local = view.rays(edge) @ rotation.T
    xy = local[:, :2] / local[:, 2:]
    return np.concatenate([xy.min(axis=0), xy.max(axis=0)])


def warp(
    picture: NDArray[np.uint8], view: View, frame: Rectified, *, second: bool
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Picture turned into the common frame, and where it has content; both (height, width)."""
    cx, cy = frame.origin2 if second else frame.origin
    matrix = np.array([[frame.focal, 0, cx], [0, frame.focal, cy], [0, 0, 1]])
    turn = frame.rotation @ view.pose.rotation.T
    factor = picture.shape[1] / view.camera.width
    camera = view.camera.scaled(factor)
    map1, map2 = cv2.initUndistortRectifyMap(
        camera.matrix, camera.distortion, turn, matrix, frame.size, cv2.CV_32FC1
    )
    warped = cv2.remap(picture, map1, map2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (map1 >= 0) & (map2 >= 0) & (map1 < camera.width - 1) & (map2 < camera.height - 1)
    return np.asarray(warped, dtype=np.uint8), inside


def disparity(
    left: NDArray[np.uint8], right: NDArray[np.uint8], *, count: int
) -> NDArray[np.float32]:
    """Disparity of each pixel of `left`, checked from both sides; NaN where they disagree."""
    clahe = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8))
    left, right = (np.asarray(clahe.apply(p), dtype=np.uint8) for p in (left, right))
    there = _match(left, right, count)
    back = np.ascontiguousarray(
        _match(np.ascontiguousarray(right[:, ::-1]), np.ascontiguousarray(left[:, ::-1]), count)
        [:, ::-1]
    )
    _check(there, back, CONSISTENCY_PX)
    # Islands of a few pixels are chance matches.
    fixed = np.where(np.isnan(there), -16, np.round(there * 16)).astype(np.int16)
    cv2.filterSpeckles(fixed, -16, 60, 24)
    there[fixed < 0] = np.nan
    return there


def _match(left: NDArray[np.uint8], right: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """Semi-global matching (Hirschmueller 2008) of `left` against `right`; NaN without match."""
    matcher = cv2.StereoSGBM.create(
        minDisparity=0, numDisparities=count, blockSize=BLOCK_PX,
        P1=8 * BLOCK_PX**2, P2=40 * BLOCK_PX**2, disp12MaxDiff=-1, preFilterCap=31,
        uniquenessRatio=3, speckleWindowSize=0, mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    raw = matcher.compute(left, right)
    found = np.asarray(raw, dtype=np.float32) / np.float32(16)
    found[raw < 0] = np.nan
    return found


@numba.njit(cache=True, nogil=True)
def _check(
    there: NDArray[np.float32], back: NDArray[np.float32], limit: float
) -> None:  # pragma: no cover - compiled
    """Blank disparities that the other direction does not confirm."""
    rows, columns = there.shape
    for r in range(rows):
        for c in range(columns):
            d = there[r, c]
            if np.isnan(d):
                continue
            other = int(np.round(c - d))
            if other < 0 or other >= columns or not abs(back[r, other] - d) <= limit:
                there[r, c] = np.nan


def points(
    found: NDArray[np.float32], frame: Rectified, first: View
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Offsets from the first view's centre on the map, (n, 3), and height deviations, (n,), metres.

    `found` is the disparity in the common frame, NaN where unknown.
    """
    rows, columns = np.nonzero(np.isfinite(found))
    shift = frame.origin2[0] - frame.origin[0]
    # A point at x1 - cx and x2 - cx2 has the parallax x1 - x2 + (cx2 - cx).
    parallax = found[rows, columns].astype(np.float64) + shift
    depth = frame.focal * frame.baseline / parallax
    ray = np.column_stack([
        (columns - frame.origin[0]) / frame.focal, (rows - frame.origin[1]) / frame.focal,
        np.ones(len(rows)),
    ])
    offset = (ray * depth[:, None]) @ frame.rotation
    sigma = depth**2 / (frame.focal * frame.baseline) * SUBPIXEL_SIGMA
    return offset.astype(np.float32), sigma.astype(np.float32)


def heights_on_grid(
    offset: NDArray[np.float32], sigma: NDArray[np.float32], centre: Array, grid: Grid
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean height and its deviation in each cell, (ny, nx), NaN in empty cells.

    Points that lie well below the highest of their cell belong to what stands beside it and are
    left out, so that edges stay sharp.
    """
    rows, columns = grid.indices(centre[:2] + offset[:, :2].astype(np.float64))
    height = np.full(grid.shape, np.nan, np.float32)
    deviation = np.full(grid.shape, np.nan, np.float32)
    _splat(
        np.rint(rows).astype(np.int32), np.rint(columns).astype(np.int32),
        (offset[:, 2] + centre[2]).astype(np.float32), sigma, height, deviation,
    )
    return height, deviation


@numba.njit(cache=True, nogil=True)
def _splat(
    rows: NDArray[np.int32], columns: NDArray[np.int32], z: NDArray[np.float32],
    sigma: NDArray[np.float32], height: NDArray[np.float32], deviation: NDArray[np.float32],
) -> None:  # pragma: no cover - compiled
    """Mean of the upper points of each cell."""
    ny, nx = height.shape
    top = np.full((ny, nx), -np.inf, np.float32)
    for k in range(len(rows)):
        r, c = rows[k], columns[k]
        if 0 <= r < ny and 0 <= c < nx and z[k] > top[r, c]:
            top[r, c] = z[k]
    total = np.zeros((ny, nx), np.float64)
    spread = np.zeros((ny, nx), np.float64)
    count = np.zeros((ny, nx), np.int32)
    for k in range(len(rows)):
        r, c = rows[k], columns[k]
        if 0 <= r < ny and 0 <= c < nx and z[k] > top[r, c] - 4 * sigma[k] - 0.3:
            total[r, c] += z[k]
            spread[r, c] += sigma[k]
            count[r, c] += 1
    for r in range(ny):
        for c in range(nx):
            if count[r, c]:
                height[r, c] = total[r, c] / count[r, c]
                deviation[r, c] = spread[r, c] / count[r, c]
