"""Alignment: from photos to views on the map and the points they have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.mapping.features import Features, detect_features
from kilnsight.mapping.georeference import (
    ALTITUDE_SIGMA_M,
    GPS_SIGMA_M,
    Georeference,
    Observed,
    georeference,
)
from kilnsight.mapping.matching import candidate_pairs, match_probed
from kilnsight.mapping.reconstruction import Matches, Reconstruction, reconstruct
from kilnsight.photos.camera import Camera, Pose, View
from kilnsight.photos.photo import Photo
from kilnsight.workers import run

Array = NDArray[np.float64]
Progress = Callable[[float], None]

MIN_MATCHES = 30
"""Matches a pair of photos must have to be used."""
MIN_ALIGNED = 3
"""Photos that must be placed for a map to be made."""
DEFAULT_FLIGHT_HEIGHT_M = 80.0
"""Height above ground taken to guess where an oblique photo looks, where none was recorded."""
MIN_FLIGHT_HEIGHT_M = 10.0
"""A recorded height above take-off below this is not that above the ground."""
RTK_SIGMA_M = 0.03
"""Least standard deviation taken for an RTK position: the antenna is not the lens."""


@dataclass(frozen=True)
class Alignment:
    """Photos placed on the map.

    `views` holds the aligned photos; `points`, (m, 3), their common points in map coordinates,
    with `errors`, (m,), reprojection errors in pixels, and `seen_by`, (k, 2) int: index into
    `views` and into `points`.
    """

    crs: str
    views: tuple[View, ...]
    unaligned: tuple[str, ...]
    points: Array
    errors: Array
    seen_by: NDArray[np.int64]
    place: Georeference

    def points_of_views(self) -> list[NDArray[np.int64]]:
        """Indices into `seen_by` of the points of each view."""
        view = self.seen_by[:, 0]
        order = np.argsort(view, kind="stable")
        return np.split(order, np.searchsorted(view[order], np.arange(1, len(self.views))))


class _Picture(NamedTuple):
    """What a worker needs of a photo."""

    path: Path
    target: Path


def align(
    photos: Sequence[Photo], work: Path, *, workers: int, progress: Progress | None = None
) -> Reconstruction:
    """Place `photos`, in order of time; intermediate files go to `work` and are kept there.

    Raises `InputError` where the photos do not overlap enough or have no positions.
    """
    _crs, positions = locate(photos)
    report = progress or (lambda share: None)
    features = _features(photos, work, workers=workers, progress=lambda x: report(0.45 * x))
    pairs = candidate_pairs(_ground_points(photos, positions))
    matches = _matches(features, pairs, workers=workers, progress=lambda x: report(0.45 + x * 0.25))
    _check_overlap(matches, len(photos))
    cameras, camera_of_photo = _cameras(photos)
    model = reconstruct(
        [Features.load(f).xy for f in features], matches,
        cameras=cameras, camera_of_photo=camera_of_photo, scratch=work, threads=workers,
    )
    report(1.0)
    return model


def place(model: Reconstruction, photos: Sequence[Photo]) -> Alignment:
    """Put the reconstruction of `photos`, in the same order, on the map by what they record.

    Raises `InputError` where too few photos were placed.
    """
    crs, positions = locate(photos)
    _lenses, camera_of_photo = _cameras(photos)
    placed = model.aligned & np.isfinite(positions[:, :2]).all(axis=1)
    if placed.sum() < MIN_ALIGNED:
        raise InputError(
            _("Only {count} of {total} photos could be placed.", count=int(placed.sum()),
              total=len(photos)),
            remedy=_("Fly with at least 70 % overlap along and across, or check that the photos"
                     " are of one site."),
        )
    where = georeference(model, observe(photos, crs, positions))
    index = np.flatnonzero(model.aligned).tolist()
    views = tuple(
        View(photos[i].name, model.cameras[camera_of_photo[i]],
             Pose(where.orientation(model.rotations[i]), where.points(model.centres[i])))
        for i in index
    )
    back = np.full(len(photos), -1)
    back[index] = np.arange(len(index))
    seen_by = np.column_stack([back[model.observations[:, 0]], model.observations[:, 1]])
    seen_by = seen_by[seen_by[:, 0] >= 0]
    unaligned = tuple(p.name for p, ok in zip(photos, model.aligned, strict=True) if not ok)
    return Alignment(
        crs, views, unaligned, where.points(model.points), model.errors, seen_by, where
    )


def locate(photos: Sequence[Photo]) -> tuple[str, Array]:
    """UTM zone of the site and positions in it, shape (n, 3): east, north, altitude; NaN unknown.

    Raises `InputError` where fewer than three photos have a position.
    """
    lonlat = np.array([[_number(p.lon), _number(p.lat)] for p in photos]).reshape(-1, 2)
    known = np.isfinite(lonlat).all(axis=1)
    if known.sum() < MIN_ALIGNED:
        raise InputError(
            _("Only {count} of {total} photos have a GPS position, so the map has no place and"
              " no scale.", count=int(known.sum()), total=len(photos)),
            remedy=_("Use the original files from the drone: editing and messaging programs"
                     " remove positions."),
        )
    lon, lat = _middle(lonlat[known])
    area = AreaOfInterest(lon, lat, lon, lat)
    code = query_utm_crs_info(datum_name="WGS 84", area_of_interest=area)[0].code
    transformer = Transformer.from_crs("EPSG:4326", f"EPSG:{code}", always_xy=True)
    positions = np.full((len(photos), 3), np.nan)
    positions[known, :2] = np.column_stack(transformer.transform(*lonlat[known].T))
    positions[:, 2] = [_number(p.altitude_m) for p in photos]
    return f"EPSG:{code}", positions


def _middle(lonlat: Array) -> tuple[float, float]:
    """Median longitude and latitude, also of a site on both sides of the 180th meridian."""
    lon, lat = lonlat.T
    if np.ptp(lon) > 180:
        lon = lon % 360
    return float((np.median(lon) + 180) % 360 - 180), float(np.median(lat))


def observe(photos: Sequence[Photo], crs: str, positions: Array) -> Observed:
    """Positions, their uncertainty and gimbal axes of photos, on the map."""
    axes = np.full((len(photos), 3, 3), np.nan)
    sigma = np.tile([GPS_SIGMA_M, GPS_SIGMA_M, ALTITUDE_SIGMA_M], (len(photos), 1))
    projection = Proj(CRS(crs))
    for i, photo in enumerate(photos):
        if photo.rtk_std_m is not None and photo.rtk:
            sigma[i] = np.maximum(photo.rtk_std_m, RTK_SIGMA_M)
        angles = (photo.yaw_deg, photo.pitch_deg, photo.roll_deg)
        if None in angles or photo.lon is None or photo.lat is None:
            continue
        yaw, pitch, roll = (float(a) for a in angles if a is not None)
        yaw -= projection.get_factors(photo.lon, photo.lat).meridian_convergence
        axes[i] = Pose.from_gimbal(yaw, pitch, roll, np.zeros(3)).rotation
    return Observed(positions, sigma, axes)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _ground_points(photos: Sequence[Photo], positions: Array) -> Array:
    """Where the axis of each photo meets the ground, shape (n, 2), as far as recorded."""
    ground = positions[:, :2].copy()
    for i, photo in enumerate(photos):
        if photo.pitch_deg is None or photo.yaw_deg is None or photo.pitch_deg > -20:
            continue
        # Take-off may lie above the flight, on a quarry's rim: its height tells nothing then.
        recorded = photo.relative_altitude_m or 0.0
        height = recorded if recorded > MIN_FLIGHT_HEIGHT_M else DEFAULT_FLIGHT_HEIGHT_M
        reach = height / math.tan(math.radians(-photo.pitch_deg))
        yaw = math.radians(photo.yaw_deg)
        ground[i] += np.clip(reach, 0, 4 * height) * np.array([math.sin(yaw), math.cos(yaw)])
    return ground


def _cameras(photos: Sequence[Photo]) -> tuple[list[Camera], list[int]]:
    """Distinct lenses, and for each photo its index among them."""
    cameras: list[Camera] = []
    index: dict[tuple[str | None, Camera], int] = {}
    chosen = []
    for photo in photos:
        key = (photo.model, photo.lens)
        if key not in index:
            index[key] = len(cameras)
            cameras.append(replace(photo.lens))
        chosen.append(index[key])
    return cameras, chosen


def _features(
    photos: Sequence[Photo], work: Path, *, workers: int, progress: Progress
) -> list[Path]:
    """Feature files of the photos; those that are there already are kept."""
    folder = work / "features"
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{p.sha256[:20]}.npz" for p in photos]
    missing = [_Picture(p.path, f) for p, f in zip(photos, files, strict=True) if not f.exists()]
    for count, _done in enumerate(run(_detect, missing, workers=workers), start=1):
        progress(count / len(missing))
    return files


def _detect(picture: _Picture) -> None:
    """Find the features of a photo and store them."""
    gray = cv2.imread(str(picture.path), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    if gray is None:
        raise InputError(
            _("This photo could not be decoded."), file=picture.path,
            remedy=_("Copy it again from the card, or take it out of the folder."),
        )
    detect_features(np.asarray(gray, dtype=np.uint8)).save(picture.target)


def _matches(
    files: Sequence[Path], pairs: Sequence[tuple[int, int]], *, workers: int, progress: Progress
) -> Matches:
    """Matches of the pairs that have enough of them."""
    found: Matches = {}
    groups: dict[int, list[int]] = {}
    for i, j in pairs:
        groups.setdefault(i, []).append(j)
    tasks = sorted(groups.items())
    compare = partial(_match_group, tuple(files))
    for count, ((i, _js), rows) in enumerate(run(compare, tasks, workers=workers), start=1):
        found |= {(i, j): m for j, m in rows if len(m) >= MIN_MATCHES}
        progress(count / len(tasks))
    return found


def _match_group(
    files: tuple[Path, ...], group: tuple[int, list[int]]
) -> list[tuple[int, NDArray[np.uint32]]]:
    """Matches of one photo with several others."""
    first = Features.load(files[group[0]])
    return [
        (j, match_probed(first.descriptors, Features.load(files[j]).descriptors))
        for j in group[1]
    ]


def _check_overlap(matches: Matches, count: int) -> None:
    """Raise where hardly any photo shares ground with another."""
    matched = {i for pair in matches for i in pair}
    if len(matched) < MIN_ALIGNED:
        raise InputError(
            _("Only {count} of {total} photos show the same ground as another photo.",
              count=len(matched), total=count),
            remedy=_("Fly with at least 70 % overlap along and across, and do not mix flights."),
        )
