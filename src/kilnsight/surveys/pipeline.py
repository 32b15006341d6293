"""The main job: photos in, findings out, stage by stage, each resumed where it stopped."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from kilnsight.errors import InputError, KilnsightError, NothingToDoError
from kilnsight.evidence.manifest import write_manifest
from kilnsight.findings.detect import find
from kilnsight.findings.evidence import attach_evidence
from kilnsight.findings.finding import order_findings, write_findings
from kilnsight.findings.site import SiteMap
from kilnsight.i18n import current_language
from kilnsight.i18n import gettext as _
from kilnsight.mapping import align, exposure, ortho, quality, surface
from kilnsight.mapping.align import Alignment
from kilnsight.mapping.grid import Grid
from kilnsight.mapping.pairs import choose_pairs, match_pairs
from kilnsight.mapping.raster import read_floats, write_colours, write_floats
from kilnsight.mapping.reconstruction import Reconstruction
from kilnsight.mapping.views import write_views
from kilnsight.photos.folder import Flight
from kilnsight.photos.photo import Photo
from kilnsight.reports.html import write_report
from kilnsight.reports.pdf import write_pdf
from kilnsight.rules.apply import apply
from kilnsight.surveys import target
from kilnsight.surveys.folder import SurveyFolder, as_complete, write_bytes, write_json
from kilnsight.surveys.record import write_photos, write_survey
from kilnsight.surveys.stac import write_catalogue
from kilnsight.surveys.stages import STAGES, Ledger, fingerprint, only_one

Json = dict[str, Any]
Progress = Callable[[str, float], None]
"""Called with the name of a stage and how much of it is done, 0 to 1."""

MIB = 2**20
GIB = 2**30
BASE_BYTES = 700 * MIB
"""Memory of the main process, apart from the arrays of the surface model."""
WORKER_BYTES = 700 * MIB
"""Memory of a worker, apart from the photos it holds."""
HELD_PHOTOS = 8
"""Photos a worker holds decoded, three bytes a pixel."""
BYTES_PER_CELL = 72
"""Memory of the main process for a cell of the surface model, at its peak."""
FULL_BYTES = 4 * MIB
"""A disk with less room than this counts as full, where a library fails without a reason."""
CELLS_PER_GSD = 2.0
"""A cell of the surface model is this many times a photo's pixel on the ground."""


@dataclass(frozen=True)
class Settings:
    """What the user may choose: worker processes, memory in GiB, language, name and region.

    `region` is where the site lies, such as `CN-32`: its rules apply. Language, name and region
    left out stay those of an earlier run; without one, the language is that in use, the name that
    of the folder, and no rule of a region applies.
    """

    workers: int = 2
    memory_gib: float = 3.0
    language: str | None = None
    name: str | None = None
    region: str | None = None

    @property
    def parameters(self) -> Json:
        """What changes the map and the findings, and so makes finished stages void."""
        return {"memory_gib": self.memory_gib}


@dataclass(frozen=True)
class _Run:
    """One survey under way."""

    flight: Flight
    folder: SurveyFolder
    settings: Settings
    workers: int
    ledger: Ledger

    @property
    def photos(self) -> list[Photo]:
        """Usable photos in order of time."""
        return list(self.flight.photos)

    @property
    def paths(self) -> dict[str, Path]:
        """Files of the photos by their names."""
        return {p.name: p.path for p in self.flight.photos}


def survey(
    flight: Flight, out: Path, settings: Settings, *, progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> SurveyFolder:
    """Survey the photos of a flight into the folder `out`, going on where an earlier run stopped.

    `notice` is told in a sentence what the run makes of an earlier one. Raises `InputError` where
    the photos do not make a map or `out` cannot be used, and `NothingToDoError` where the survey
    is complete already.
    """
    target.check_target(flight.folder, out)
    folder = SurveyFolder(out)
    with only_one(folder.work):
        ledger = Ledger(
            folder.work / "stages.json",
            photos=fingerprint({p.name: p.sha256 for p in flight.photos}),
            settings=fingerprint(settings.parameters),
            words={"language": settings.language, "name": settings.name,
                   "region": settings.region},
        )
        ledger.words["language"] = ledger.words["language"] or current_language()
        job = _Run(flight, folder, settings, _workers(flight, settings), ledger)
        _look_back(job, notice or (lambda text: None))
        target.check_disk(folder, job.photos)
        folder.manifest.unlink(missing_ok=True)
        ledger.save()
        _write_survey(job, results=False)
        _run_stages(job, progress or (lambda stage, share: None))
    return folder


def _look_back(job: _Run, notice: Callable[[str], None]) -> None:
    """Take over what an earlier run finished; what was made from other photos is removed."""
    folder, ledger = job.folder, job.ledger
    missing = target.missing_from(folder)
    if ledger.differs:
        target.refuse_strangers(folder, job.photos)
        if ledger.known:
            notice(_differs(ledger))
        target.clear(folder, keep_features="version" not in ledger.differs)
        return
    for stage in missing:
        ledger.forget(stage)
    if ledger.done("report"):
        raise NothingToDoError(
            _("This survey is complete: nothing was changed in {folder}.", folder=folder.root)
        )
    target.sweep(folder)
    if ledger.seconds:
        notice(_("Going on from the last finished stage: {done} of {total} are done.",
                 done=len(ledger.seconds), total=len(STAGES)))


def _differs(ledger: Ledger) -> str:
    """Sentence that says why an earlier run is of no use."""
    if "photos" in ledger.differs:
        return _("The photos are not those of the earlier run: the survey starts anew.")
    if "version" in ledger.differs:
        return _("The earlier run was made by another version: the survey starts anew.")
    return _("The settings are not those of the earlier run: the survey starts anew.")


def _workers(flight: Flight, settings: Settings) -> int:
    """Worker processes that fit into the memory."""
    pixels = max(p.width * p.height for p in flight.photos)
    each = WORKER_BYTES + HELD_PHOTOS * 3 * pixels
    room = int((settings.memory_gib * GIB - BASE_BYTES) // each)
    return max(1, min(settings.workers, room))


def _run_stages(job: _Run, progress: Progress) -> None:
    """Do the stages that are not done."""
    stages: dict[str, Callable[[_Run, Callable[[float], None]], None]] = {
        "align": _align, "surface": _surface, "ortho": _ortho, "findings": _findings,
        "report": _report,
    }
    for name, stage in stages.items():
        if not job.ledger.done(name):
            started = time.monotonic()
            progress(name, 0.0)
            with _full_disk_named(job.folder):
                stage(job, _inside(progress, name))
            job.ledger.finish(name, time.monotonic() - started)
        progress(name, 1.0)


def _inside(progress: Progress, stage: str) -> Callable[[float], None]:
    """Progress of a stage that is not done before it says so and its ledger is written."""
    return lambda share: progress(stage, min(share, 0.99))


@contextmanager
def _full_disk_named(folder: SurveyFolder) -> Iterator[None]:
    """Make every error that a full disk causes say so, whichever library it comes from."""
    try:
        yield
    except KilnsightError:
        raise
    except Exception as error:
        number = getattr(error, "errno", None)
        full = shutil.disk_usage(folder.root).free < FULL_BYTES
        if number == errno.ENOSPC or (number is None and full):
            target.sweep(folder)
            reason = os.strerror(errno.ENOSPC)
            raise OSError(errno.ENOSPC, reason, str(folder.root)) from error
        raise


def _align(job: _Run, tell: Callable[[float], None]) -> None:
    """Poses of the photos: map/cameras.json, photos.geojson."""
    for pairs in job.folder.work.glob("pairs-*"):
        shutil.rmtree(pairs)  # heights by other poses
    model = align.align(job.photos, job.folder.work, workers=job.workers, progress=tell)
    alignment = align.place(model, job.photos)
    model.save(job.folder.work / "reconstruction.npz")
    job.folder.cameras_json.parent.mkdir(exist_ok=True)
    write_views(job.folder.cameras_json, alignment.views, crs=alignment.crs)
    given = len(job.photos) + len(job.flight.rejected)
    write_json(job.folder.quality_json,
               quality.alignment_quality(alignment, job.photos, given=given))
    write_photos(job.folder, job.photos, alignment)


def _alignment(job: _Run) -> Alignment:
    """Alignment of the finished first stage."""
    model = Reconstruction.load(job.folder.work / "reconstruction.npz")
    return align.place(model, job.photos)


def _surface(job: _Run, tell: Callable[[float], None]) -> None:
    """Surface model and its spread: map/dsm.tif, map/dsm_spread.tif."""
    alignment = _alignment(job)
    gsd = surface.ground_sample_distance(alignment)
    grid = surface.site_grid(alignment, cell=_cell(alignment, gsd, job))
    folder = job.folder.work / f"pairs-{grid.cell:g}"
    folder.mkdir(exist_ok=True)
    pairs = choose_pairs(alignment, folder)
    match_pairs(alignment, pairs, grid, job.paths, workers=job.workers,
                progress=lambda share: tell(0.8 * share))
    height, spread = surface.fuse_all(pairs, grid, workers=job.workers,
                                      progress=lambda share: tell(0.8 + 0.15 * share))
    height, spread = surface.clean(height, spread, cell=grid.cell)
    if not np.isfinite(height).any():
        raise InputError(
            _("The photos were placed, but no ground could be measured in them."),
            remedy=_("Fly with at least 70 % overlap and avoid water, snow and fog."),
        )
    write_floats(job.folder.dsm, height, grid=grid, crs=alignment.crs, name="height")
    write_floats(job.folder.dsm_spread, spread, grid=grid, crs=alignment.crs,
                 name="standard deviation of height")
    for path in (job.folder.dsm, job.folder.dsm_spread):
        target.ensure_whole(path)
    _update(job.folder.quality_json, quality.surface_quality(height, spread, grid, gsd_m=gsd))
    shutil.rmtree(folder)


def _cell(alignment: Alignment, gsd: float, job: _Run) -> float:
    """Cell of the surface model: twice the pixel on the ground, or what fits into memory."""
    room = job.settings.memory_gib * GIB - BASE_BYTES
    rough = surface.site_grid(alignment, cell=1.0)
    least = float(np.sqrt(rough.ny * rough.nx * BYTES_PER_CELL / max(room, 100 * MIB)))
    return float(np.ceil(max(CELLS_PER_GSD * gsd, least) * 200) / 200)


def _ortho(job: _Run, tell: Callable[[float], None]) -> None:
    """Orthomosaic: map/ortho.tif."""
    alignment = _alignment(job)
    height, grid = read_floats(job.folder.dsm)
    spread, _same = read_floats(job.folder.dsm_spread)
    below = ortho.Surface(grid, surface.dependable(height, spread))
    samples = exposure.sample_colours(alignment, job.paths, workers=job.workers,
                                      progress=lambda share: tell(0.1 * share))
    light = exposure.balance(*samples, views=len(alignment.views))
    plan = ortho.plan_views(alignment.views, below, workers=job.workers)
    tell(0.2)
    cell = float(np.ceil(surface.ground_sample_distance(alignment) * 1000) / 1000)
    canvas = Grid.cover(grid.bounds, cell=cell)
    tiles = ortho.paint(
        alignment.views, job.paths, surface=below, plan=plan, exposure=light, cell=cell,
        seen=surface.seen_ground(height, cell=grid.cell), workers=job.workers,
        progress=lambda share: tell(0.2 + 0.7 * share),
    )
    write_colours(job.folder.ortho, tiles, grid=canvas, crs=alignment.crs)
    target.ensure_whole(job.folder.ortho)
    _update(job.folder.quality_json, {"ortho_cell_m": cell})


def _findings(job: _Run, tell: Callable[[float], None]) -> None:
    """Suspected problems with their evidence: findings.geojson, findings.gpkg, evidence/."""
    site = SiteMap.open(job.folder.root)
    found = find(site, progress=lambda share: tell(0.6 * share))
    region = job.ledger.words["region"] or None
    # Rules weigh severity, and findings are numbered by it.
    found = order_findings(apply(found, region=region, on=_day(job)))
    found = attach_evidence(found, site, job.flight.folder, job.folder.root,
                            progress=lambda share: tell(0.6 + 0.4 * share))
    write_findings(found, job.folder.root)


def _day(job: _Run) -> date:
    """Day of the flight; today where no photo has a time."""
    return next((p.taken.date() for p in job.photos if p.taken is not None), date.today())


def _report(job: _Run, tell: Callable[[float], None]) -> None:
    """What people read, and the seal: survey.json, stac/, report.html, report.pdf, manifest."""
    language = job.ledger.words["language"]
    _write_survey(job, results=True)
    write_catalogue(job.folder.root)
    tell(0.1)
    write_report(job.folder.root, language=language)
    tell(0.7)
    write_pdf(job.folder.root, language=language)
    tell(0.95)
    shutil.rmtree(job.folder.work / "features", ignore_errors=True)
    about = job.folder.survey_json
    write_bytes(about, as_complete(about.read_bytes()))
    write_manifest(job.folder.root)


def _write_survey(job: _Run, *, results: bool) -> None:
    write_survey(
        job.folder, job.photos, name=job.ledger.words["name"],
        parameters=job.settings.parameters, seconds=job.ledger.seconds, results=results,
    )


def _update(path: Path, values: Json) -> None:
    """Put values into a JSON file."""
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **values})
