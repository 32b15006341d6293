"""The folder a survey is written to: whether it may be, and what in it is the program's own."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import rasterio
from rasterio.errors import RasterioError

from kilnsight.errors import InputError
from kilnsight.evidence.manifest import check as check_manifest
from kilnsight.i18n import gettext as _
from kilnsight.photos.photo import Photo
from kilnsight.reports.html import OURS
from kilnsight.surveys.folder import SurveyFolder
from kilnsight.surveys.stages import STAGES

MIB = 2**20
BYTES_PER_PHOTO = 700_000
"""Features of a photo and its share of the reconstruction."""
BYTES_PER_PIXEL = 1.6
"""Heights of the dense pairs, for a pixel of the photos: the peak is before they are fused."""

OUTPUTS = {
    "align": ("map/cameras.json", "map/quality.json", "photos.geojson",
              ".work/reconstruction.npz"),
    "surface": ("map/dsm.tif", "map/dsm_spread.tif"),
    "ortho": ("map/ortho.tif",),
    "findings": ("findings.geojson", "findings.gpkg"),
    "report": ("survey.json", "stac/catalog.json", "report.html", "report.pdf", "manifest.json"),
}
"""Files each stage leaves, relative to the survey."""

_FAMILIES = {
    "findings": re.compile(r"evidence/F\d{3,}/evidence\.json"),
    "report": re.compile(
        rf"report/({'|'.join(map(re.escape, sorted(OURS)))})(/.+)?"
        r"|stac/(collection|items/[^/]+)\.json"
    ),
}
"""Further files of a stage, whose number depends on what is found."""

_CROP = re.compile(r"evidence/F\d{3,}/[^/]+\.jpg")

_LEFTOVERS = (
    ".*.part", "map/.*.part", "map/*.part", "map/*.rough.tif*", "map/*.part.tif*",
    "findings.geojson.part", "findings.part.gpkg*", "stac/.*.part", "stac/items/.*.part",
)
"""Files that a killed run leaves half written."""

_KEPT_WORK = frozenset({"lock", "stages.json", "features", "reconstruction.npz"})
"""What an interrupted run goes on from, in `.work`; pairs are kept as well."""

_FOLDERS = (".work", "evidence", "map", "report", "stac", "stac/items")
"""Folders of a survey that are emptied or written into."""

_NOT_OURS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "lost+found"})
"""What systems put into a folder by themselves."""


def check_target(photos: Path, out: Path) -> None:
    """Raise `InputError` where a survey of the folder `photos` may not be written to `out`."""
    here, there = photos.resolve(), out.resolve()
    if out.exists() and not out.is_dir():
        raise InputError(_("This is a file, not a folder."), file=out,
                         remedy=_("Give the name of a new folder with --out."))
    if there.is_relative_to(here) or here.is_relative_to(there):
        raise InputError(
            _("The photos and the survey cannot lie in one another: the photos' folder stays as"
              " it is."), file=out,
            remedy=_("Give a folder beside the photos with --out, such as {folder}.",
                     folder=here.with_name(f"{here.name}-survey")),
        )
    for link in (out / name for name in _FOLDERS if (out / name).is_symlink()):
        raise InputError(
            _("This folder of the survey is a link, and what it leads to is not the survey's."),
            file=link, remedy=_("Take the link away; nothing was written."),
        )
    if out.is_dir() and not _is_survey(out) and any(p.name not in _NOT_OURS for p in out.iterdir()):
        raise InputError(
            _("This folder holds other files and is no survey."), file=out,
            remedy=_("Give the name of a new folder with --out; nothing was written."),
        )


def _is_survey(out: Path) -> bool:
    return (out / "survey.json").exists() or (out / ".work" / "lock").exists()


def check_disk(folder: SurveyFolder, photos: Sequence[Photo]) -> None:
    """Raise `InputError` where the disk cannot hold the survey of `photos`."""
    have = sum(p.stat().st_size for p in folder.work.rglob("*") if p.is_file())
    needed = max(bytes_needed(photos) - have, 0)
    free = shutil.disk_usage(folder.root).free
    if free < needed:
        raise InputError(
            _("The disk has {free} MB left, and this survey needs about {needed} MB.",
              free=free // 10**6, needed=-(-needed // 10**6)),
            remedy=_("Free some space and run the same command again, or give a folder on another"
                     " disk with --out."),
            file=folder.root,
        )


def bytes_needed(photos: Sequence[Photo]) -> int:
    """Bytes on disk that the survey of `photos` takes at its peak, about."""
    pixels = sum(p.width * p.height for p in photos)
    return 5 * MIB + BYTES_PER_PHOTO * len(photos) + round(BYTES_PER_PIXEL * pixels)


def crops_of(folder: SurveyFolder) -> frozenset[str]:
    """Crops that the survey's evidence.json files list, relative to the survey.

    Other pictures beside them are the user's.
    """
    listed: set[str] = set()
    for path in folder.evidence.glob("F*/evidence.json"):
        try:
            entries = json.loads(path.read_text("utf-8"))["evidence"]
            listed |= {entry["crop"] for entry in entries}
        except (OSError, ValueError, LookupError, TypeError):
            continue  # a damaged list owns nothing
    return frozenset(name for name in listed if isinstance(name, str) and _CROP.fullmatch(name))


def stage_of(path: str, crops: frozenset[str] = frozenset()) -> str | None:
    """Stage that writes a file of the survey, None where it is not the program's.

    `crops` are the survey's own, see `crops_of`.
    """
    if path in crops:
        return "findings"
    for stage in STAGES:
        family = _FAMILIES.get(stage)
        if path in OUTPUTS[stage] or (family is not None and family.fullmatch(path)):
            return stage
    return None


def missing_from(folder: SurveyFolder) -> set[str]:
    """Stages of which a file is missing; `InputError` where one was changed after it was sealed.

    A survey without a manifest was never sealed: what is there counts.
    """
    lost = [name for names in OUTPUTS.values() for name in names
            if not (folder.root / name).exists()]
    if folder.manifest.is_file():
        faults = check_manifest(folder.root)
        lost += [fault.path for fault in faults if fault.kind == "missing"]
        _refuse_changed(folder, [f.path for f in faults if f.kind not in ("missing", "extra")])
    crops = crops_of(folder)
    return {stage for name in lost if (stage := stage_of(name, crops)) is not None}


def _refuse_changed(folder: SurveyFolder, changed: Iterable[str]) -> None:
    """Raise where a file of the program's was changed: by whom and why, it cannot know."""
    crops = crops_of(folder)
    names = sorted({name for name in changed if stage_of(name, crops) is not None})
    if names:
        raise InputError(
            _("This survey was changed after it was finished: {names}.",
              names=", ".join(names[:4]) + ("..." if len(names) > 4 else "")),
            remedy=_("Put the old files back, move the changed ones away to have them made anew,"
                     " or give another folder with --out; nothing was written."),
            file=folder.root,
        )


def ensure_whole(path: Path) -> None:
    """Raise `InputError` where a raster just written cannot be read to its end; it is removed.

    GDAL may finish without an error on a disk that was full for a moment.
    """
    try:
        with rasterio.open(path) as source:
            for _index, window in source.block_windows(1):
                source.read(window=window)
    except RasterioError as error:
        path.unlink(missing_ok=True)
        raise InputError(
            _("The file could not be written whole: the disk was full or failed."), file=path,
            remedy=_("Free some space and run the same command again: finished stages are kept."),
        ) from error


def refuse_strangers(folder: SurveyFolder, photos: Sequence[Photo]) -> None:
    """Raise where the folder holds a survey of other photos: of less than half of these."""
    if not folder.photos_json.is_file():
        return
    known = {feature["properties"].get("sha256") for feature in folder.read_photos()}
    common = known & {photo.sha256 for photo in photos}
    if 2 * len(common) < len(known):
        raise InputError(
            _("This folder holds the survey of other photos."), file=folder.root,
            remedy=_("Give the name of a new folder with --out; nothing was written."),
        )


def sweep(folder: SurveyFolder) -> None:
    """Remove what a killed run left half written."""
    for pattern in _LEFTOVERS:
        _remove(path for path in folder.root.glob(pattern) if path.is_file())
    _remove(p for p in folder.work.iterdir()
            if p.name not in _KEPT_WORK and not p.name.startswith("pairs-"))


def clear(folder: SurveyFolder, *, keep_features: bool) -> None:
    """Remove all that the program wrote, but features where asked to; what is the user's stays."""
    paths, crops = sorted(folder.root.rglob("*"), reverse=True), crops_of(folder)
    _remove(p for p in paths
            if p.is_file() and stage_of(p.relative_to(folder.root).as_posix(), crops))
    for path in paths:
        if path.is_dir() and folder.work not in (path, *path.parents) and not any(path.iterdir()):
            path.rmdir()
    keep = {"lock", "stages.json"} | ({"features"} if keep_features else set())
    _remove(p for p in folder.work.iterdir() if p.name not in keep)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
