"""Sparse reconstruction: poses, lenses and points in a frame of their own, without place or scale.

The work is done by `reconstruction_worker` in another process. The task file holds `parameters`
and `sizes` of the lenses, `camera_of_photo`, `keypoints` with `keypoint_offsets`, `pairs` and
`matches` with `match_offsets`, and `threads`; the result file holds the fields of
`Reconstruction`.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilnsight.photos.camera import Camera
from kilnsight.workers import out_of_memory

Array = NDArray[np.float64]
Matches = dict[tuple[int, int], NDArray[np.uint32]]

_DISK_FULL = ("database or disk is full", "No space left on device", "disk I/O error")
"""What SQLite and the system say in the worker's last words when the disk is full."""


@dataclass(frozen=True)
class Reconstruction:
    """Photos placed relative to each other.

    `rotations`, (n, 3, 3), and `centres`, (n, 3): frame to camera axes and projection centres of
    the n photos, NaN where a photo could not be placed. `points`, (m, 3), with `errors`, (m,), the
    mean reprojection error in pixels. `observations`, (k, 3) int: photo, point, keypoint.
    """

    rotations: Array
    centres: Array
    points: Array
    errors: Array
    observations: NDArray[np.int64]
    cameras: tuple[Camera, ...]

    @property
    def aligned(self) -> NDArray[np.bool_]:
        """Which photos were placed, shape (n,)."""
        return np.asarray(np.isfinite(self.centres[:, 0]))

    def save(self, path: Path) -> None:
        """Write to `path` (.npz)."""
        lenses = np.array([list(c.as_dict().values()) for c in self.cameras], dtype=float)
        part = path.with_suffix(".part")
        with part.open("wb") as stream:
            np.savez(
                stream, rotations=self.rotations, centres=self.centres, points=self.points,
                errors=self.errors, observations=self.observations, lenses=lenses,
            )
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Reconstruction:
        """Reconstruction written by `save`."""
        with np.load(path, allow_pickle=False) as data:
            return cls(
                data["rotations"], data["centres"], data["points"], data["errors"],
                data["observations"],
                tuple(Camera(int(row[0]), int(row[1]), *row[2:]) for row in data["lenses"]),
            )


def reconstruct(
    keypoints: Sequence[NDArray[np.float32]], matches: Matches, *,
    cameras: Sequence[Camera], camera_of_photo: Sequence[int], scratch: Path, threads: int,
) -> Reconstruction:
    """Place photos relative to each other from matched keypoints.

    `keypoints`: pixels, shape (n, 2), for each photo; `matches`: indices into them for pairs of
    photos; `camera_of_photo`: index into `cameras` for each photo.
    """
    task, result = scratch / "reconstruction_task.npz", scratch / "reconstruction_result.npz"
    pairs = sorted(matches)
    np.savez(
        task,
        parameters=np.array([_parameters(c) for c in cameras]),
        sizes=np.array([[c.width, c.height] for c in cameras]),
        camera_of_photo=np.asarray(camera_of_photo),
        keypoints=np.vstack(keypoints),
        keypoint_offsets=np.cumsum([0, *map(len, keypoints)]),
        pairs=np.array(pairs).reshape(-1, 2),
        matches=np.vstack([matches[p] for p in pairs]),
        match_offsets=np.cumsum([0, *(len(matches[p]) for p in pairs)]),
        threads=threads,
    )
    _run_worker(task, result)
    with np.load(result, allow_pickle=False) as data:
        reconstruction = _read(data, cameras)
    task.unlink()
    result.unlink()
    return reconstruction


def _run_worker(task: Path, result: Path) -> None:
    """Let the worker do the task in the file `task`; OSError where the disk is full."""
    command = [sys.executable, "-m", "kilnsight.mapping.reconstruction_worker"]
    # The pipe to the worker ends with this process, however it ends, and the worker with it.
    with subprocess.Popen(
        [*command, str(task), str(result)], text=True, errors="replace",
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as worker:
        try:
            said = "" if worker.stderr is None else worker.stderr.read()
            code = worker.wait()
        except BaseException:
            worker.kill()
            raise
    if code == -signal.SIGKILL:
        raise out_of_memory()
    if code and any(words in said for words in _DISK_FULL):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(task.parent))
    if code:
        raise RuntimeError(f"sparse reconstruction failed ({code}): {said[-2000:]}")


def _parameters(camera: Camera) -> list[float]:
    """Parameters of COLMAP's OPENCV lens to start from; its pixel centres are at .5."""
    return [camera.fx, camera.fy, camera.cx + 0.5, camera.cy + 0.5,
            camera.k1, camera.k2, camera.p1, camera.p2]


def _read(data: Any, cameras: Sequence[Camera]) -> Reconstruction:
    """Reconstruction of the worker's result; lenses it did not use stay as they were."""
    if "points" not in data:
        none = np.empty((0, 3))
        return Reconstruction(
            data["rotations"], data["centres"], none, np.empty(0),
            none.astype(np.int64), tuple(cameras),
        )
    solved = list(cameras)
    for index, row in zip(data["camera_ids"], data["parameters"], strict=True):
        solved[index] = _camera(cameras[index], row)
    return Reconstruction(
        data["rotations"], data["centres"], data["points"], data["errors"],
        data["observations"], tuple(solved),
    )


def _camera(nominal: Camera, parameters: Array) -> Camera:
    """Camera of the parameters of COLMAP's OPENCV lens."""
    fx, fy, cx, cy, k1, k2, p1, p2 = (float(p) for p in parameters)
    return Camera(nominal.width, nominal.height, fx, fy, cx - 0.5, cy - 0.5, k1, k2, p1, p2)
