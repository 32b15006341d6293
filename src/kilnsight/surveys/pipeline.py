"""The main job: photos in, findings out, stage by stage, each resumed where it stopped."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from kilnsight import __version__
from kilnsight.errors import InputError, NothingToDoError
from kilnsight.evidence.manifest import check as check_manifest
from kilnsight.evidence.manifest import write_manifest
from kilnsight.findings.detect import find
from kilnsight.findings.evidence import attach_evidence
from kilnsight.findings.finding import write_findings
from kilnsight.findings.site import SiteMap
from kilnsight.i18n import gettext as _
from kilnsight.mapping import align, exposure, ortho, quality, surface
from kilnsight.mapping.align import Alignment
from kilnsight.mapping.footprint import footprint, to_lonlat
from kilnsight.mapping.grid import Grid
from kilnsight.mapping.pairs import choose_pairs, match_pairs
from kilnsight.mapping.raster import read_floats, write_colours, write_floats
from kilnsight.mapping.reconstruction import Reconstruction
from kilnsight.mapping.views import write_views
from kilnsight.photos.folder import Flight
from kilnsight.photos.geotag import photo_properties
from kilnsight.photos.photo import Photo
from kilnsight.reports.html import write_report
from kilnsight.reports.pdf import write_pdf
from kilnsight.surveys.folder import SurveyFolder, write_json
from kilnsight.surveys.stac import write_catalogue
from kilnsight.surveys.stages import Ledger, fingerprint, only_one

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
CELLS_PER_GSD = 2.0
"""A cell of the surface model is this many times a photo's pixel on the ground."""


@dataclass(frozen=True)
class Settings:
    """What the user may choose: worker processes, memory in GiB, the report's language, a name."""

    workers: int = 2
    memory_gib: float = 3.0
    language: str = "en"
    name: str = ""

    @property
    def parameters(self) -> Json:
        """What changes the map and the findings, and so makes finished stages void."""
        return {"version": __version__, "memory_gib": self.memory_gib}


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
    flight: Flight, out: Path, settings: Settings, *, progress: Progress | None = None
) -> SurveyFolder:
    """Survey the photos of a flight into the folder `out`, going on where an earlier run stopped.

    Raises `InputError` where the photos do not make a map or `out` cannot be used, and
    `NothingToDoError` where the survey is complete already.
    """
    _check_target(out)
    folder = SurveyFolder(out)
    with only_one(folder.work):
        photos = {p.name: p.sha256 for p in flight.photos}
        ledger = Ledger(folder.work / "stages.json",
                        fingerprint=fingerprint(photos, settings.parameters))
        if ledger.done("report") and not check_manifest(out):
            raise NothingToDoError(
                _("This survey is complete: nothing was changed in {folder}.", folder=out)
            )
        job = _Run(flight, folder, settings, _workers(flight, settings), ledger)
        _check_disk(job)
        _write_survey(job, complete=False)
        _run_stages(job, progress or (lambda stage, share: None))
    return folder


def _check_target(out: Path) -> None:
    """Raise where `out` is there and is no survey."""
    if out.exists() and not out.is_dir():
        raise InputError(_("This is a file, not a folder."), file=out,
                         remedy=_("Give the name of a new folder with --out."))
    known = (out / "survey.json", out / ".work")
    if out.is_dir() and any(out.iterdir()) and not any(path.exists() for path in known):
        raise InputError(
            _("This folder holds other files and is no survey."), file=out,
            remedy=_("Give the name of a new folder with --out; nothing was written."),
        )


def _workers(flight: Flight, settings: Settings) -> int:
    """Worker processes that fit into the memory."""
    pixels = max(p.width * p.height for p in flight.photos)
    each = WORKER_BYTES + HELD_PHOTOS * 3 * pixels
    room = int((settings.memory_gib * GIB - BASE_BYTES) // each)
    return max(1, min(settings.workers, room))


def _check_disk(job: _Run) -> None:
    """Raise where the disk cannot hold the survey: about 12 bytes a pixel of the photos."""
    needed = 200 * MIB + sum(1_400_000 + 6 * p.width * p.height // 4 for p in job.photos)
    free = shutil.disk_usage(job.folder.root).free
    if free < needed:
        raise InputError(
            _("The disk has {free:.1f} GB left, and this survey needs about {needed:.1f} GB.",
              free=free / 1e9, needed=needed / 1e9),
            remedy=_("Free some space or give a folder on another disk with --out."),
            file=job.folder.root,
        )


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
            stage(job, lambda share, name=name: progress(name, share))  # type: ignore[misc]
            job.ledger.finish(name, time.monotonic() - started)
        progress(name, 1.0)


def _align(job: _Run, tell: Callable[[float], None]) -> None:
    """Poses of the photos: map/cameras.json, photos.geojson."""
    model = align.align(job.photos, job.folder.work, workers=job.workers, progress=tell)
    alignment = align.place(model, job.photos)
    model.save(job.folder.work / "reconstruction.npz")
    job.folder.cameras_json.parent.mkdir(exist_ok=True)
    write_views(job.folder.cameras_json, alignment.views, crs=alignment.crs)
    given = len(job.photos) + len(job.flight.rejected)
    write_json(job.folder.quality_json,
               quality.alignment_quality(alignment, job.photos, given=given))
    _write_photos(job, alignment)


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
    below = ortho.Surface(grid, surface.fill(height))
    samples = exposure.sample_colours(alignment, job.paths, workers=job.workers,
                                      progress=lambda share: tell(0.1 * share))
    light = exposure.balance(*samples, views=len(alignment.views))
    plan = ortho.plan_views(alignment.views, below, workers=job.workers)
    tell(0.2)
    cell = float(np.ceil(surface.ground_sample_distance(alignment) * 1000) / 1000)
    target = Grid.cover(grid.bounds, cell=cell)
    tiles = ortho.paint(
        alignment.views, job.paths, surface=below, plan=plan, exposure=light, cell=cell,
        seen=surface.seen_ground(height, cell=grid.cell), workers=job.workers,
        progress=lambda share: tell(0.2 + 0.7 * share),
    )
    write_colours(job.folder.ortho, tiles, grid=target, crs=alignment.crs)
    _update(job.folder.quality_json, {"ortho_cell_m": cell})


def _findings(job: _Run, tell: Callable[[float], None]) -> None:
    """Suspected problems with their evidence: findings.geojson, findings.gpkg, evidence/."""
    site = SiteMap.open(job.folder.root)
    found = find(site, progress=lambda share: tell(0.6 * share))
    shutil.rmtree(job.folder.evidence, ignore_errors=True)
    found = attach_evidence(found, site, job.flight.folder, job.folder.root,
                            progress=lambda share: tell(0.6 + 0.4 * share))
    write_findings(found, job.folder.root)


def _report(job: _Run, tell: Callable[[float], None]) -> None:
    """What people read, and the seal: survey.json, stac/, report.html, report.pdf, manifest."""
    _write_survey(job, complete=True)
    write_catalogue(job.folder.root)
    tell(0.1)
    write_report(job.folder.root, language=job.settings.language)
    tell(0.7)
    write_pdf(job.folder.root, language=job.settings.language)
    tell(0.95)
    shutil.rmtree(job.folder.work / "features", ignore_errors=True)
    write_manifest(job.folder.root)


def _write_photos(job: _Run, alignment: Alignment) -> None:
    """photos.geojson: what each photo records and the ground it shows."""
    ground = float(np.median(alignment.points[:, 2]))
    views = {v.name: v for v in alignment.views}
    features = []
    for photo in job.photos:
        view = views.get(photo.name)
        geometry: Json | None = None
        if view is not None:
            ring = to_lonlat(footprint(view, ground), alignment.crs)
            geometry = {"type": "Polygon", "coordinates": [ring]}
        elif photo.lon is not None and photo.lat is not None:
            geometry = {"type": "Point", "coordinates": [photo.lon, photo.lat]}
        properties = {**photo_properties(photo), "aligned": view is not None}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    write_json(job.folder.photos_json, {"type": "FeatureCollection", "features": features})


def _write_survey(job: _Run, *, complete: bool) -> None:
    """survey.json; before the map is made, only what the photos say."""
    times = [p.taken for p in job.photos if p.taken is not None]
    document: Json = {
        "kilnsight": __version__, "name": job.settings.name or job.folder.root.resolve().name,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "complete": complete,
        "plant": None, "crew": None, "permit": None,
        "flight": {
            "start": times[0].isoformat() if times else None,
            "end": times[-1].isoformat() if times else None,
            "time_zone": next((t.tzname() for t in times if t.tzinfo is not None), None),
            "cameras": sorted({p.camera_name for p in job.photos}),
        },
        "engine": {"name": "builtin", "parameters": job.settings.parameters},
        "seconds": job.ledger.seconds,
    }
    if complete:
        document |= _results(job)
    write_json(job.folder.survey_json, document)


def _results(job: _Run) -> Json:
    """What survey.json says of the map and the findings."""
    figures = job.folder.read_quality()
    site = SiteMap.open(job.folder.root)
    counts: dict[str, int] = {}
    for feature in job.folder.read_findings():
        code = feature["properties"]["code"]
        counts[code] = counts.get(code, 0) + 1
    return {
        "map": {"crs": f"EPSG:{site.crs.to_epsg()}", "bounds": list(site.bounds),
                "vertical_datum": _datum(job, figures)},
        "coverage": {"area_m2": figures["coverage"]["area_m2"]},
        "findings": dict(sorted(counts.items())),
    }


def _datum(job: _Run, figures: Json) -> str:
    """Name of what heights are counted from."""
    if not figures["georeference"]["altitude_used"]:
        sigma = figures["georeference"]["height_offset_sigma_m"]
        return f"local, level with the recorded GPS altitude to about {sigma:.0f} m"
    references = sorted({p.altitude_reference for p in job.photos if p.altitude_reference})
    return "GPS altitude as recorded by the camera" + (
        f" ({', '.join(references)})" if references else "")


def _update(path: Path, values: Json) -> None:
    """Put values into a JSON file."""
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **values})
