"""Parts of a flight: photos that belong together by place, time or camera."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from kilnsight.photos.folder import seconds
from kilnsight.photos.photo import Photo

FAR_M = 300.0
"""Gap between positions from which on photos share no ground: at 120 m above ground a photo of
a common drone covers less than 200 m."""
STEPS = 10.0
"""The gap has to be this many times the usual distance of one photo to the next as well."""
PAUSE_S = 2 * 3600.0
"""Gap in time from which on light and site may have changed; a change of battery is shorter."""
FOCAL_STEP = 1.05
"""Relative difference of focal lengths from which on a zoom was moved."""

EARTH_M = 6_371_000.0

Groups = tuple[tuple[str, ...], ...]
"""Names of the photos of each part, larger parts first."""


def _largest_first(groups: list[list[Photo]]) -> Groups:
    ordered = sorted(groups, key=len, reverse=True)
    return tuple(tuple(photo.name for photo in group) for group in ordered)


def by_camera(photos: Sequence[Photo]) -> Groups:
    """Photos grouped by make, model, picture size and focal length."""
    found: dict[tuple[str, int, int, int], list[Photo]] = defaultdict(list)
    for photo in photos:
        step = 0 if photo.camera is None else math.log(photo.camera.fx) / math.log(FOCAL_STEP)
        found[photo.camera_name, photo.width, photo.height, round(step)].append(photo)
    return _largest_first(list(found.values()))


def by_time(photos: Sequence[Photo]) -> Groups:
    """Photos with a known time, split where nothing was taken for `PAUSE_S`."""
    groups: list[list[Photo]] = []
    last = -math.inf
    for photo in sorted((p for p in photos if p.taken is not None), key=seconds):
        if seconds(photo) - last > PAUSE_S:
            groups.append([])
        groups[-1].append(photo)
        last = seconds(photo)
    return _largest_first(groups)


def _metres(photos: Sequence[Photo]) -> list[tuple[float, float]]:
    """East and north of each photo's position in metres from the first; all have one."""
    first_lat, first_lon = math.radians(photos[0].lat or 0), photos[0].lon or 0
    return [
        (
            math.radians(((p.lon or 0) - first_lon + 180) % 360 - 180)
            * math.cos(first_lat) * EARTH_M,
            (math.radians(p.lat or 0) - first_lat) * EARTH_M,
        )
        for p in photos
    ]


def extent_m(photos: Sequence[Photo]) -> float:
    """Longest side of the box around the positions in metres; all photos have one."""
    if not photos:
        return 0.0
    east, north = zip(*_metres(photos), strict=True)
    return float(max(max(east) - min(east), max(north) - min(north)))


def by_place(photos: Sequence[Photo]) -> Groups:
    """Photos with a position, split where gaps between them are far wider than usual.

    Positions are put into square cells as wide as the gap; cells that touch belong together, so
    that the cost grows with the number of photos alone.
    """
    placed = sorted((p for p in photos if p.has_gps), key=seconds)
    if len(placed) < 2:
        return _largest_first([placed] if placed else [])
    points = _metres(placed)
    gap = max(FAR_M, STEPS * _usual_step(points))
    cells: dict[tuple[int, int], list[Photo]] = defaultdict(list)
    for photo, (east, north) in zip(placed, points, strict=True):
        cells[math.floor(east / gap), math.floor(north / gap)].append(photo)
    return _largest_first(_join(cells))


def _usual_step(points: list[tuple[float, float]]) -> float:
    """Median distance from a position to the nearest other one, metres.

    Not that from one to the next in time: two aircraft may have flown at once.
    """
    distances, _ = KDTree(points).query(points, k=2)
    return float(np.median(distances[:, 1]))


def _join(cells: dict[tuple[int, int], list[Photo]]) -> list[list[Photo]]:
    """Photos of cells that touch, by side or corner, as one group each; empties `cells`."""
    groups = []
    while cells:
        group, border = list[Photo](), [next(iter(cells))]
        while border:
            column, row = border.pop()
            if (column, row) in cells:
                group += cells.pop((column, row))
                border += [(column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        groups.append(sorted(group, key=lambda photo: (seconds(photo), photo.name)))
    return groups
