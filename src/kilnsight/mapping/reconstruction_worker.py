"""Sparse reconstruction in a process of its own: pycolmap must not meet rasterio.

Run as `python -m kilnsight.mapping.reconstruction_worker TASK RESULT`. TASK is an .npz file and
RESULT the .npz file to write; `reconstruction.py` describes both.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

SEED = 7
TRACKS_PER_VIEW = 400
"""Tracks a photo needs in the global stage; all others are triangulated afterwards."""
MIN_PHOTOS_FOR_PRINCIPAL_POINT = 12
"""Fewer photos do not hold the principal point: it would take up other errors."""
MAX_ITERATIONS = 30


def main(task_path: Path, result_path: Path) -> None:
    """Reconstruct the task and write the result."""
    pycolmap.logging.minloglevel = 3
    with np.load(task_path, allow_pickle=False) as task, tempfile.TemporaryDirectory(
        dir=result_path.parent
    ) as scratch:
        database = Path(scratch) / "colmap.db"
        _fill(database, task)
        pairs = Path(scratch) / "pairs.txt"
        np.savetxt(pairs, task["pairs"], fmt="%d %d")
        pycolmap.verify_matches(database, pairs, _verification())
        models = pycolmap.global_mapping(database, scratch, scratch, _options(task))
        model = _largest(models)
        if model is not None:
            _adjust(model)
        result = _result(model, len(task["camera_of_photo"]))
    with result_path.open("wb") as stream:
        np.savez(stream, **result)


def _verification() -> Any:
    """Settings of the check of each pair's matches, with a seed: same photos, same map."""
    options = pycolmap.TwoViewGeometryOptions()
    options.ransac.random_seed = SEED
    return options


def _options(task: Any) -> Any:
    """Settings of the global mapper."""
    options = pycolmap.GlobalPipelineOptions()
    options.random_seed = SEED
    options.num_threads = int(task["threads"])
    options.mapper.bundle_adjustment.refine_principal_point = False
    options.mapper.track_required_tracks_per_view = TRACKS_PER_VIEW
    options.mapper.global_positioning.use_gpu = False
    options.mapper.bundle_adjustment.ceres.use_gpu = False
    return options


def _adjust(model: Any) -> None:
    """Bundle adjustment with a free principal point, and without the worst observations."""
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_principal_point = model.num_reg_images() >= MIN_PHOTOS_FOR_PRINCIPAL_POINT
    options.ceres.use_gpu = False
    options.ceres.solver_options.max_num_iterations = MAX_ITERATIONS
    pycolmap.bundle_adjustment(model, options)


def _fill(path: Path, task: Any) -> None:
    """Write cameras, photos, keypoints and matches of the task into a COLMAP data base."""
    with pycolmap.Database.open(path) as database:
        for parameters, size in zip(task["parameters"], task["sizes"], strict=True):
            camera = pycolmap.Camera(
                model="OPENCV", width=int(size[0]), height=int(size[1]), params=list(parameters)
            )
            camera.has_prior_focal_length = True
            database.write_camera(camera)
        offsets = task["keypoint_offsets"]
        for i, camera_index in enumerate(task["camera_of_photo"]):
            image_id = database.write_image(
                pycolmap.Image(name=f"{i}", camera_id=int(camera_index) + 1)
            )
            # COLMAP's pixel centres are at .5, ours at whole numbers.
            xy = task["keypoints"][offsets[i] : offsets[i + 1]] + 0.5
            database.write_keypoints(image_id, xy.astype(np.float32))
        offsets = task["match_offsets"]
        for k, (i, j) in enumerate(task["pairs"]):
            matches = task["matches"][offsets[k] : offsets[k + 1]]
            database.write_matches(int(i) + 1, int(j) + 1, matches)


def _largest(models: Any) -> Any:
    """Model with the most photos, or None."""
    return max(models.values(), key=lambda m: m.num_reg_images(), default=None)


def _result(model: Any, count: int) -> dict[str, Any]:
    """Poses, lenses and points of a model, in the pixel convention of this project."""
    rotations = np.full((count, 3, 3), np.nan)
    centres = np.full((count, 3), np.nan)
    if model is None:
        return {"rotations": rotations, "centres": centres}
    for image in model.images.values():
        if image.has_pose:
            pose = image.cam_from_world()
            rotations[int(image.name)] = pose.rotation.matrix()
            centres[int(image.name)] = image.projection_center()
    points = list(model.points3D.values())
    observations = np.array(
        [(int(model.images[e.image_id].name), k, e.point2D_idx)
         for k, p in enumerate(points) for e in p.track.elements], dtype=np.int64
    )
    cameras = sorted(model.cameras.items())
    return {
        "rotations": rotations, "centres": centres,
        "points": np.array([p.xyz for p in points]).reshape(-1, 3),
        "errors": np.array([p.error for p in points]),
        "observations": observations.reshape(-1, 3),
        "camera_ids": np.array([k - 1 for k, _ in cameras]),
        "parameters": np.array([c.params for _, c in cameras]),
    }


def _end_with_parent() -> None:
    """Leave Ctrl-C to the parent; end when it ends, which closes the other end of stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _end_with_parent()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
