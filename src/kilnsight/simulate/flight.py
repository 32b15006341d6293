"""A flight over a plant that does not exist: its photos, and the truth about it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.photos.camera import Camera
from kilnsight.simulate import exif, film, plant, render, route, truth
from kilnsight.simulate.noise import stream

Progress = Callable[[int, int], None]
"""Called with how many of how many pieces of work are done."""
_WIDTHS = (240, 5280)


def simulate(
    out: Path, *, seed: int, visit: int = 1, photos: int = 60, width: int = 2000,
    workers: int = 2, progress: Progress | None = None, compact: bool = False,
    rtk: bool = False, position_error: route.PositionError | None = None,
) -> None:
    """Write `out`/photos/*.jpg and `out`/truth/ for a visit (1 or 2) to the plant of a seed.

    `photos` and `width` (pixels) set the size of the flight, `compact` flies over a quarter of
    the plant; `rtk` or `position_error` set how exact recorded positions are. The same
    arguments give the same bytes, whatever `workers`. Raises InputError for bad arguments and
    for a folder that holds other photos.
    """
    _check(visit, photos, width)
    error = position_error or (route.RTK if rtk else route.PositionError())
    scene = plant.build(seed, visit, compact=compact)
    camera = route.true_camera(seed, width)
    shots = route.fly(scene, photos=photos, camera=camera, error=error)
    folders = [out / "photos", out / "truth"]
    _refuse_strangers(folders[0], {shot.view.name for shot in shots})
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    stage = render.set_stage(scene)
    level, rays = _level(stage), lens_rays(camera)

    def take(shot: route.Shot) -> None:
        light = render.photograph(stage, shot.view, rays)
        rng = stream(seed, f"noise {visit} {shot.number}")
        picture = film.expose(light, shot, level=level, rng=rng)
        exif.write_photo(folders[0] / shot.view.name, picture, shot,
                         nominal=route.nominal_camera(width), error=error)

    blocks = truth.ortho_blocks(stage)
    ticks = _Ticks(len(shots) + len(blocks), progress)
    with _OpenCVThreads(1), ThreadPoolExecutor(max(1, workers)) as pool:
        rows = pool.map(lambda r: film.develop(truth.ortho_block(stage, r), level=level), blocks)
        # the orthophoto's blocks are queued first, so that both threads stay busy to the end
        for _done in pool.map(take, shots):
            ticks.tick()
        ortho = np.concatenate([ticks.pass_on(block) for block in rows])
    truth.write_raster(folders[1] / "ortho.tif", ortho, scene, cell=truth.ORTHO_M)
    truth.write_heights(folders[1], stage)
    earlier = plant.build(seed, 1, compact=compact) if visit == 2 else None
    truth.write_findings(folders[1], scene, stage.ground, earlier)
    truth.write_cameras(folders[1], scene, shots, camera)
    truth.write_scene(folders[1], scene, error)


def _check(visit: int, photos: int, width: int) -> None:
    if photos < 1:
        raise InputError(
            _("A flight needs at least one photo, not {count}.", count=photos),
            remedy=_("Ask for 1 photo or more."),
        )
    if not _WIDTHS[0] <= width <= _WIDTHS[1]:
        raise InputError(
            _("Photos cannot be {width} pixels wide.", width=width),
            remedy=_("Choose a width from {low} to {high}.", low=_WIDTHS[0], high=_WIDTHS[1]),
        )
    if visit not in (1, 2):
        raise InputError(
            _("There is no visit {visit}.", visit=visit), remedy=_("Ask for visit 1 or 2.")
        )


def _refuse_strangers(folder: Path, names: set[str]) -> None:
    strangers = sorted(p.name for p in folder.glob("*") if p.name not in names)
    if strangers:
        raise InputError(
            _("The folder holds other files, such as {name}.", name=strangers[0]),
            remedy=_("Choose a new or empty folder."), file=folder,
        )


class _OpenCVThreads:
    """While it lasts OpenCV uses so many threads; afterwards as many as before."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.before = cv2.getNumThreads()

    def __enter__(self) -> None:
        cv2.setNumThreads(self.count)

    def __exit__(self, *_error: object) -> None:
        cv2.setNumThreads(self.before)


class _Ticks:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self.done, self.progress = total, 0, progress

    def tick(self) -> None:
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total)

    def pass_on(self, block: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.tick()
        return block


def _level(stage: render.Stage) -> float:
    coarse, _near, _ident = render.draw_map(stage, cell=1.0)
    return float(coarse.mean())


def lens_rays(camera: Camera) -> NDArray[np.float32]:
    """Ideal image coordinates of each pixel, shape (height, width, 2)."""
    step = 4
    u, v = (np.arange(0, n + step, step, dtype=float) for n in (camera.width, camera.height))
    pixels = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    ideal = camera.undistort(pixels).reshape(len(v), len(u), 2)
    rows, columns = np.arange(camera.height), np.arange(camera.width)
    low, share = rows // step, (rows % step / step)[:, None, None]
    ideal = ideal[low] + share * (ideal[low + 1] - ideal[low])
    low, share = columns // step, (columns % step / step)[:, None]
    ideal = ideal[:, low] + share * (ideal[:, low + 1] - ideal[:, low])
    return ideal.astype(np.float32)
