"""Exposure of the photos made alike: one gain a photo and colour, and one fall-off of the lens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.mapping.align import Alignment
from kilnsight.workers import run

Array = NDArray[np.float64]

LOOK_PX = 500
"""Long side of the reduced photos from which colours are taken."""
PRIOR = 0.03
"""Weight that keeps gains near 1, a share of a photo's observations: without it they drift."""

BRIGHT = 215.0
"""Grey level to which the brightest hundredth of the ground is brought, where it is darker."""
MAX_LIFT = 1.45
"""Dark photos are lifted by this factor at most: noise is lifted with them."""


@dataclass(frozen=True)
class Exposure:
    """Corrections of the photos.

    `gains`, (n, 3), multiply red, green and blue of each view; `falloff` makes up for the darkening
    of the lens: a pixel at squared distance r2 from the middle (corner: 1) is multiplied by
    exp(falloff * r2) in all colours alike.
    """

    gains: Array
    falloff: float


def sample_colours(
    alignment: Alignment, paths: dict[str, Path], *, workers: int,
    progress: Callable[[float], None] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, Array]:
    """Colours of the common points: view, point, log RGB (k, 3), squared image radius (k,)."""
    tasks = []
    view, point = alignment.seen_by.T
    rows = alignment.points_of_views()
    for i, v in enumerate(alignment.views):
        uv, _depth = v.project(alignment.points[point[rows[i]]])
        tasks.append((i, paths[v.name], v.camera.width, uv))
    parts: list[tuple[int, Array, Array]] = []
    for count, ((i, *_rest), (log, r2)) in enumerate(
        run(_look, tasks, workers=workers), start=1
    ):
        parts.append((i, log, r2))
        if progress:
            progress(count / len(tasks))
    parts.sort(key=lambda part: part[0])
    order = np.concatenate(rows)
    return (view[order], point[order], np.vstack([p[1] for p in parts]),
            np.concatenate([p[2] for p in parts]))


def _look(task: tuple[int, Path, int, Array]) -> tuple[Array, Array]:
    """Log colours, (k, 3), and squared radii, (k,), at pixels of a photo; NaN at its limits."""
    _index, path, width, uv = task
    flags = cv2.IMREAD_REDUCED_COLOR_2 | cv2.IMREAD_IGNORE_ORIENTATION
    picture = cv2.imread(str(path), flags)
    if picture is None:
        return np.full((len(uv), 3), np.nan), np.full(len(uv), np.nan)
    scale = LOOK_PX / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.5)[:, :, ::-1].astype(np.float64)
    h, w = small.shape[:2]
    xy = np.nan_to_num(uv * (w / width), nan=-1).round().astype(int)
    ok = (xy >= 0).all(axis=1) & (xy < [w, h]).all(axis=1)
    colour = np.full((len(uv), 3), np.nan)
    colour[ok] = small[xy[ok, 1], xy[ok, 0]]
    colour[(colour < 8).any(axis=1) | (colour > 247).any(axis=1)] = np.nan
    r2 = (((xy + 0.5) / [w, h] - 0.5) ** 2 * [w * w, h * h]).sum(axis=1) / ((w * w + h * h) / 4)
    return np.log(colour), r2


def balance(
    view: NDArray[np.int64], point: NDArray[np.int64], log: Array, r2: Array, *, views: int
) -> Exposure:
    """Gains that make each point's colour the same in all views that see it (least squares)."""
    ok = np.isfinite(log).all(axis=1) & np.isfinite(r2)
    if not ok.any():
        return Exposure(np.ones((views, 3)), 0.0)
    view, log, r2 = view[ok], log[ok], r2[ok]
    _, group, size = np.unique(point[ok], return_inverse=True, return_counts=True)
    falloff = _falloff(view, group, size, log.mean(axis=1), r2)
    corrected = log + falloff * r2[:, None]
    gains = np.zeros((views, 3))
    for channel in range(3):
        gains[:, channel] = _gains(view, group, size, corrected[:, channel], views)
    # The corners are lifted: the whole is made as bright as the photos were on average.
    level = gains - gains.mean(axis=0) - falloff * float(r2.mean())
    return Exposure(np.exp(level + _lift(log)), falloff)


def _lift(log: Array) -> float:
    """Log gain, alike for all colours, that brings the brightest ground of dark photos to light."""
    bright = float(np.percentile(log.max(axis=1), 99)) if len(log) else np.log(BRIGHT)
    return float(np.clip(np.log(BRIGHT) - bright, 0.0, np.log(MAX_LIFT)))


def _within(group: NDArray[np.int64], size: NDArray[np.int64], values: Array) -> Array:
    """Values less the mean of their group."""
    return np.asarray(values - (np.bincount(group, values) / size)[group])


def _falloff(
    view: NDArray[np.int64], group: NDArray[np.int64], size: NDArray[np.int64], log: Array,
    r2: Array,
) -> float:
    """Slope of darkening with squared radius, by robust regression within points and views."""
    per_view = np.bincount(view, minlength=int(view.max(initial=0)) + 1)
    y, x = log.copy(), r2.copy()
    for _ in range(5):
        y, x = _within(group, size, y), _within(group, size, x)
        y, x = (_within(view, np.maximum(per_view, 1), v) for v in (y, x))
    keep = np.abs(y) < 3 * max(1.4826 * float(np.median(np.abs(y))), 1e-6) if len(y) else y > 0
    power = float((x[keep] ** 2).sum())
    slope = -float((x[keep] * y[keep]).sum()) / power if power > 0 else 0.0
    return float(np.clip(slope, 0.0, 1.2))


def _gains(
    view: NDArray[np.int64], group: NDArray[np.int64], size: NDArray[np.int64], log: Array,
    views: int,
) -> Array:
    """Log gain of each view so that points keep their colour, robustly."""
    count = np.maximum(np.bincount(view, minlength=views), 1)
    weight = np.ones(len(view))
    gains = np.zeros(views)
    for _ in range(4):
        # Point means are eliminated by turns with the gains: few rounds are enough.
        for _inner in range(12):
            total = np.bincount(group, weight * (log + gains[view]))
            mean = total / np.maximum(np.bincount(group, weight), 1e-9)
            pull = np.bincount(view, weight * (mean[group] - log), minlength=views)
            gains = pull / (np.bincount(view, weight, minlength=views) + PRIOR * count)
        off = np.abs(log + gains[view] - mean[group])
        weight = 1 / (1 + (off / 0.08) ** 2)
    return gains
