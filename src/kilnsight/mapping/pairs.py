"""Pairs of photos that see the same ground from two places: which to match, and their heights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.mapping.align import Alignment
from kilnsight.mapping.grid import Grid
from kilnsight.mapping.stereo import disparity, heights_on_grid, points, rectify, warp
from kilnsight.photos.camera import View
from kilnsight.workers import run

Array = NDArray[np.float64]
Progress = Callable[[float], None]

DENSE_PX = 1300
"""Long side of a photo in dense matching."""
PARTNERS = 3
"""Photos each photo is matched with densely."""
BASE_TO_HEIGHT = (0.08, 0.55)
"""Least and greatest baseline over height: below, heights are weak; above, the views differ."""
BEST_BASE_TO_HEIGHT = 0.28
MAX_AXIS_DEG = 25.0
"""Greatest angle between the axes of two photos that are matched densely."""
MAX_FORWARD = 0.3
"""Greatest part of the baseline along a photo's axis: moving forward gives no parallax."""
MIN_SHARED_POINTS = 12
"""Common points two photos must have to be matched densely."""


@dataclass(frozen=True)
class StereoPair:
    """Two views to match densely by index, the depths to search, and the file of the result."""

    first: int
    second: int
    near_m: float
    far_m: float
    target: Path


def choose_pairs(alignment: Alignment, folder: Path) -> list[StereoPair]:
    """Pairs worth matching densely, each once; every photo has up to `PARTNERS` good ones."""
    shared, depths = _shared_points(alignment), _depths(alignment)
    chosen: dict[tuple[int, int], float] = {}
    for i in range(len(alignment.views)):
        scores = [
            (score, j) for j in np.flatnonzero(shared[i] >= MIN_SHARED_POINTS)
            if j != i and (score := _score(alignment, i, int(j), depths)) > 0
        ]
        # Partners on different sides see what one of them has hidden.
        for score, j in sorted(scores, reverse=True)[:PARTNERS]:
            chosen[(min(i, int(j)), max(i, int(j)))] = score
    if not chosen:
        raise InputError(
            _("No two photos see the ground from places that are far enough apart for heights."),
            remedy=_("Fly a grid, not a hover: photos 10 to 30 % of the height apart."),
        )
    return [
        StereoPair(i, j, *_depth_range(depths[i], depths[j]), folder / f"{i:05d}_{j:05d}.npz")
        for i, j in sorted(chosen)
    ]


def _shared_points(alignment: Alignment) -> NDArray[np.int64]:
    """Number of common points of each two views, shape (n, n)."""
    view, point = alignment.seen_by.T
    shape = (len(alignment.views), len(alignment.points))
    seen = coo_matrix((np.ones(len(view), np.int64), (view, point)), shape=shape).tocsr()
    return np.asarray((seen @ seen.T).toarray(), dtype=np.int64)


def _depths(alignment: Alignment) -> list[Array]:
    """Depths of the points each view sees, along its axis, metres."""
    point = alignment.seen_by[:, 1]
    result = []
    for v, rows in zip(alignment.views, alignment.points_of_views(), strict=True):
        offset = alignment.points[point[rows]] - v.pose.centre
        depth = offset @ v.pose.forward
        result.append(depth[depth > 0])
    return result


def _depth_range(first: Array, second: Array) -> tuple[float, float]:
    """Least and greatest depth to search, metres: those of the points, and a margin."""
    depth = np.concatenate([first, second])
    near, far = np.percentile(depth, [0.5, 99.5])
    margin = 0.25 * (far - near) + 0.04 * near
    return float(max(near - 1.5 * margin, 0.35 * near)), float(far + margin)


def _score(alignment: Alignment, i: int, j: int, depths: list[Array]) -> float:
    """How well two views suit each other; 0 where they do not."""
    a, b = alignment.views[i].pose, alignment.views[j].pose
    depth = float(np.median(np.concatenate([depths[i], depths[j]])))
    ratio = float(np.linalg.norm(a.centre - b.centre)) / depth
    angle = np.degrees(np.arccos(np.clip(a.forward @ b.forward, -1, 1)))
    if not BASE_TO_HEIGHT[0] <= ratio <= BASE_TO_HEIGHT[1] or angle > MAX_AXIS_DEG:
        return 0.0
    along = (b.centre - a.centre) / np.linalg.norm(b.centre - a.centre)
    if max(abs(along @ a.forward), abs(along @ b.forward)) > MAX_FORWARD:
        return 0.0
    return float(np.exp(-np.log(ratio / BEST_BASE_TO_HEIGHT) ** 2) * np.cos(np.radians(2 * angle)))


def match_pairs(
    alignment: Alignment, pairs: Sequence[StereoPair], grid: Grid, paths: dict[str, Path], *,
    workers: int, progress: Progress | None = None,
) -> None:
    """Write the heights of each pair on the grid; files that are there already are kept."""
    missing = [p for p in pairs if not p.target.exists()]
    job = partial(_match_pair, alignment.views, grid, paths)
    for count, _done in enumerate(run(job, missing, workers=workers), start=1):
        if progress:
            progress(count / len(missing))


@lru_cache(maxsize=6)
def _gray(path: Path, factor_px: int) -> NDArray[np.uint8]:
    """Grey picture reduced to a long side of `factor_px`."""
    gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    if gray is None:
        raise InputError(
            _("This photo could not be decoded."), file=path,
            remedy=_("Copy it again from the card, or take it out of the folder."),
        )
    scale = min(1.0, factor_px / max(gray.shape))
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _match_pair(
    views: tuple[View, ...], grid: Grid, paths: dict[str, Path], pair: StereoPair
) -> None:
    """Heights of one pair: the part of the grid it sees, with its place."""
    first, second = views[pair.first], views[pair.second]
    scale = min(1.0, DENSE_PX / max(first.camera.width, first.camera.height))
    frame = rectify(first, second, near_m=pair.near_m, far_m=pair.far_m, scale=scale)
    part = (slice(0, 0), slice(0, 0))
    height = deviation = np.empty((0, 0), np.float32)
    if frame is not None:
        left, seen = warp(_gray(paths[first.name], DENSE_PX), first, frame, second=False)
        right, _seen2 = warp(_gray(paths[second.name], DENSE_PX), second, frame, second=True)
        found = disparity(left, right, count=frame.disparities)
        found[~seen] = np.nan
        offset, sigma = points(found, frame, first)
        if len(offset):
            xy = first.pose.centre[:2] + offset[:, :2]
            part = grid.part((*xy.min(axis=0), *xy.max(axis=0)))
            window = grid.sub(*part)
            height, deviation = heights_on_grid(offset, sigma, first.pose.centre, window)
    temporary = pair.target.with_suffix(".part")
    with temporary.open("wb") as stream:
        np.savez(
            stream, height=height, deviation=deviation.astype(np.float16),
            part=np.array([part[0].start, part[0].stop, part[1].start, part[1].stop]),
        )
    temporary.replace(pair.target)
