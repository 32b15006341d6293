"""A folder of photos: what of it is a flight, what is not, and why."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC
from enum import StrEnum
from pathlib import Path

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.photos import flag as fl
from kilnsight.photos.flag import Flag, PhotoError
from kilnsight.photos.photo import Photo, in_order, parse_photo
from kilnsight.photos.quality import blurred
from kilnsight.workers import pool

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe"})
"""File names that are taken for photos."""

Progress = Callable[[int, int], None]
"""Called with the number of files read and of all files."""


class Kind(StrEnum):
    """What a file is that lies beside the photos."""

    RAW = "raw"
    IMAGE = "image"
    VIDEO = "video"
    POSITION = "position"
    OTHER = "other"


_KINDS = {
    **dict.fromkeys((".dng", ".arw", ".cr2", ".cr3", ".raw", ".iiq", ".raf"), Kind.RAW),
    **dict.fromkeys((".png", ".tif", ".tiff", ".heic", ".webp", ".bmp"), Kind.IMAGE),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".lrf", ".mkv"), Kind.VIDEO),
    **dict.fromkeys((".mrk", ".nav", ".obs", ".rtk", ".bin", ".rpos", ".srt"), Kind.POSITION),
}


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be used: why, as a flag with its values, and in sentences."""

    name: str
    path: Path
    flag: Flag
    detail: str = ""

    @property
    def reason(self) -> str:
        """What is wrong with the file, in the language in use."""
        return fl.reason(self.flag, self.detail)

    @property
    def remedy(self) -> str:
        """What to do about it, in the language in use."""
        return fl.remedy(self.flag)


@dataclass(frozen=True)
class OtherFile:
    """A file that is no photo and need not be; `twin` says that a JPEG has the same name."""

    name: str
    kind: Kind
    twin: bool = False


@dataclass(frozen=True)
class Flight:
    """Photos of a folder, in order of time and name.

    `photos` are those of visible light with a known camera, each content once; `thermal` are the
    thermal ones, set aside; `rejected` cannot be used; `others` are no photos.
    """

    folder: Path
    photos: tuple[Photo, ...]
    thermal: tuple[Photo, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    others: tuple[OtherFile, ...] = ()


def read_folder(folder: Path, *, workers: int = 2, progress: Progress | None = None) -> Flight:
    """Photos in a folder and its sub-folders, and what else lies there.

    Files are read by `workers` processes, so that one that crashes its reader is named and the
    others are read all the same; 0 reads in this process. Folders of surveys are left out.
    Raises `InputError` where the folder is none; `check` says what is wrong with the flight.
    """
    if not folder.is_dir():
        what = _("There is no such folder.") if not folder.exists() else _("This is not a folder.")
        raise InputError(what, remedy=_("Give the folder that holds the photos."), file=folder)
    closed: list[Outcome] = []
    files = sorted(_walk(folder, lambda error: closed.append(_closed(error, folder))))
    jpegs = [path for path in files if _is_jpeg(path)]
    outcomes: dict[Path, Photo | Rejected] = {}
    for path, outcome in _read_all(jpegs, folder=folder, workers=workers):
        outcomes[path] = outcome
        if progress is not None:
            progress(len(outcomes), len(jpegs))
    others = _others(folder, [path for path in files if not _is_jpeg(path)], jpegs)
    return _flight(folder, closed + [outcomes[path] for path in jpegs], others)


def _is_jpeg(path: Path) -> bool:
    # macOS leaves ._NAME.jpg beside NAME.jpg on foreign disks, which is no picture
    return path.suffix.lower() in JPEG_SUFFIXES and not path.name.startswith(".")


def _walk(folder: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    """Files below a folder; links to folders, hidden folders and surveys are not entered.

    `on_error` is told of a folder that cannot be read.
    """
    for place, folders, names in os.walk(folder, onerror=on_error, followlinks=False):
        if "survey.json" in names and Path(place) != folder:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in names)


def _others(folder: Path, files: list[Path], jpegs: list[Path]) -> tuple[OtherFile, ...]:
    stems = {(path.parent, path.stem.lower()) for path in jpegs}
    return tuple(
        OtherFile(
            _name(path, folder), _KINDS.get(path.suffix.lower(), Kind.OTHER),
            (path.parent, path.stem.lower()) in stems,
        )
        for path in files if not path.name.startswith(".")
    )


Outcome = Photo | Rejected


def _closed(error: OSError, folder: Path) -> Outcome:
    """What stands for a folder that cannot be read."""
    path = Path(error.filename)
    return Rejected(f"{_name(path, folder)}/", path, Flag.UNREADABLE, error.strerror or str(error))


def _attempt(path: Path, folder: Path) -> Outcome:
    """Photo of a file or why it is none; runs in a worker."""
    name = _name(path, folder)
    if name != path.relative_to(folder).as_posix():
        return Rejected(name, path, Flag.BAD_NAME)
    try:
        return parse_photo(path, folder=folder)
    except PhotoError as error:
        return Rejected(name, path, error.flag, error.detail)
    except MemoryError:
        return Rejected(name, path, Flag.CRASHED)


def _name(path: Path, folder: Path) -> str:
    """Name relative to the folder; bytes that are no UTF-8 become question marks."""
    return path.relative_to(folder).as_posix().encode("utf-8", "replace").decode("utf-8")


def _read_all(
    paths: list[Path], *, folder: Path, workers: int
) -> Iterator[tuple[Path, Outcome]]:
    """Each file with its outcome, as they come."""
    if workers < 1:
        yield from ((path, _attempt(path, folder)) for path in paths)
        return
    queue = deque(paths)
    while queue:
        in_work: dict[Future[Outcome], Path] = {}
        try:
            with pool(workers) as executor:
                yield from _drain(executor, queue, in_work, folder=folder, most=2 * workers)
        except BrokenProcessPool:
            yield from ((path, _read_alone(path, folder)) for path in in_work.values())


def _drain(
    executor: ProcessPoolExecutor, queue: deque[Path], in_work: dict[Future[Outcome], Path],
    *, folder: Path, most: int,
) -> Iterator[tuple[Path, Outcome]]:
    """Outcomes of the queue's files, `most` of them in work at a time.

    A worker that dies ends this with `BrokenProcessPool`; the files then in `in_work` are those
    of which one killed it.
    """
    while queue or in_work:
        while queue and len(in_work) < most:
            in_work[executor.submit(_attempt, queue[0], folder)] = queue[0]
            queue.popleft()
        for future in wait(in_work, return_when=FIRST_COMPLETED).done:
            outcome = future.result()
            yield in_work.pop(future), outcome


def _read_alone(path: Path, folder: Path) -> Outcome:
    """Outcome of a file in a process of its own, which it may crash."""
    try:
        with pool(1) as executor:
            return executor.submit(_attempt, path, folder).result()
    except BrokenProcessPool:
        return Rejected(_name(path, folder), path, Flag.CRASHED)


def _flight(folder: Path, outcomes: list[Outcome], others: tuple[OtherFile, ...]) -> Flight:
    """Outcomes sorted into what can be used and what cannot."""
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    usable: list[Photo] = []
    seen: dict[str, str] = {}
    for photo in (outcome for outcome in outcomes if isinstance(outcome, Photo)):
        first = seen.setdefault(photo.sha256, photo.name)
        if first != photo.name:
            rejected.append(Rejected(photo.name, photo.path, Flag.DUPLICATE, first))
        elif photo.camera is None and Flag.THERMAL not in photo.flags:
            rejected.append(Rejected(photo.name, photo.path, Flag.NO_FOCAL))
        else:
            usable.append(photo)
    usable.sort(key=_order)
    visible = [photo for photo in usable if Flag.THERMAL not in photo.flags]
    return Flight(
        folder, tuple(sorted(_with_blur(visible), key=_order)),
        tuple(photo for photo in usable if Flag.THERMAL in photo.flags),
        tuple(sorted(rejected, key=lambda file: file.name)), others,
    )


def _order(photo: Photo) -> tuple[bool, float, str]:
    return photo.taken is None, seconds(photo), photo.name


def seconds(photo: Photo) -> float:
    """Time of a photo in seconds since 1970 by the camera's own clock, 0 where unknown.

    The zone is left out of it: of one flight some photos may have one and others not.
    """
    if photo.taken is None:
        return 0.0
    return photo.taken.replace(tzinfo=UTC).timestamp()


def _with_blur(photos: list[Photo]) -> Iterator[Photo]:
    """Photos with the flag `BLURRED` where they are, compared within each camera."""
    groups: dict[tuple[str, int, int], list[Photo]] = defaultdict(list)
    for photo in photos:
        groups[photo.camera_name, photo.width, photo.height].append(photo)
    for group in groups.values():
        for photo, is_blurred in zip(group, blurred(p.quality for p in group), strict=True):
            flags = frozenset(photo.flags) | ({Flag.BLURRED} if is_blurred else set())
            yield replace(photo, flags=in_order(flags))
