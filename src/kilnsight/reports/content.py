"""What a report says, read from a survey folder and from nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely.geometry
from pyproj import Transformer

from kilnsight.errors import InputError
from kilnsight.evidence.manifest import completed_survey, fingerprint, sha256_of
from kilnsight.i18n import gettext as _
from kilnsight.reports import figures, words
from kilnsight.reports.bilingual import Text, looked_up, same
from kilnsight.reports.figures import Measure
from kilnsight.reports.tiles import Grid, grid_of
from kilnsight.surveys.folder import Json, SurveyFolder

Ring = list[tuple[float, float]]

# Shapely has no types; its geometries are Any here.
_shapely: Any = shapely
_shape: Any = shapely.geometry.shape
_transform: Any = shapely.transform
_empty: Any = shapely.geometry.GeometryCollection
_GEOMETRY_ERRORS = (
    _shapely.errors.ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError
)


@dataclass(frozen=True)
class Crop:
    """A picture of evidence: its file, the photo it was cut from and that photo's hash."""

    file: Path
    photo: str
    sha256: str


@dataclass(frozen=True)
class Finding:
    """A finding ready to show; `polygons` are lists of rings in metres of the map."""

    id: str
    number: int
    code: str
    name: Text
    severity: int
    severity_name: Text
    status: Text
    confidence: str
    measures: list[Measure]
    fix: Text
    due: str
    clauses: list[Text]
    reasons: list[Text]
    crops: list[Crop]
    polygons: list[list[Ring]]
    place: tuple[float, float]
    lonlat: tuple[float, float]


@dataclass(frozen=True)
class CodeTotal:
    """All findings of one taxonomy code: how many, and their areas and volumes added up."""

    code: str
    name: Text
    count: int
    severity: int
    area: str
    volume: str


@dataclass(frozen=True)
class Photo:
    """A row of the table of photos, with the place and footprint in metres of the map."""

    name: str
    sha256: str
    time: str
    camera: str
    height: str
    flags: list[Text]
    aligned: bool
    place: tuple[float, float] | None
    footprint: Ring


@dataclass(frozen=True)
class Content:
    """Everything a report shows, in every language at once."""

    folder: SurveyFolder
    title: str
    survey: Json
    quality: Json
    flown: Text
    cameras: str
    datum: Text
    grid: Grid
    findings: list[Finding]
    totals: list[CodeTotal]
    photos: list[Photo]
    warnings: list[Text]
    fingerprint: str
    hashes: list[tuple[str, str]]

    @property
    def photos_in_map(self) -> int:
        """How many photos were used in the map."""
        return sum(photo.aligned for photo in self.photos)


def read_content(survey: Path) -> Content:
    """Content of the report on a survey folder; InputError where a part is missing or broken."""
    folder = SurveyFolder.open(survey)
    for needed in (folder.ortho, folder.dsm):
        if not needed.is_file():
            raise InputError(
                _("The map is missing, so there is nothing to report on."),
                remedy=_("Run `kilnsight survey` again."), file=needed,
            )
    about, quality = folder.read_survey(), folder.read_quality()
    grid = grid_of(folder.ortho)
    to_map = _to_map(grid, folder)
    features = folder.read_findings()
    flight = _section(about, "flight")
    return Content(
        folder=folder, title=_title(about, folder), survey=about, quality=quality,
        flown=figures.when(flight.get("start"), flight.get("end")),
        cameras=", ".join(str(c) for c in flight.get("cameras") or []),
        datum=looked_up(str(_section(about, "map").get("vertical_datum") or "–")),
        grid=grid,
        findings=[
            read_finding(feature, number=i, folder=folder, to_map=to_map)
            for i, feature in enumerate(features, start=1)
        ],
        totals=add_up([feature["properties"] for feature in features]),
        photos=[_photo(feature, folder, to_map) for feature in folder.read_photos()],
        warnings=[_warning(w) for w in quality.get("warnings") or []],
        fingerprint=fingerprint(folder.root),
        hashes=[
            (p.relative_to(folder.root).as_posix(), _sha256(p, folder)) for p in _sealed(folder)
        ],
    )


def read_finding(
    feature: Json, *, number: int, folder: SurveyFolder, to_map: Transformer
) -> Finding:
    """Finding of a GeoJSON feature; its crops are those whose files are in the survey."""
    props = feature["properties"]
    outline = _geometry(feature.get("geometry"), to_map, file=folder.findings_json)
    point = outline.representative_point() if not outline.is_empty else None
    place = (point.x, point.y) if point is not None else (0.0, 0.0)
    level = severity_of(props)
    return Finding(
        id=_safe_id(feature.get("id"), number), number=number, code=str(props.get("code") or "–"),
        name=_pair(props, "name"), severity=level, severity_name=words.severity(level),
        status=words.status(str(props.get("status") or "suspected")),
        confidence=figures.percent(figures.finite(props.get("confidence"))),
        measures=measures_of(props), fix=_pair(props, "fix"), due=str(props.get("due") or ""),
        clauses=[_clause(clause) for clause in props.get("clauses") or []],
        reasons=[_pair(props, key) for key in REASONS if props.get(f"{key}_en")],
        crops=_crops(props, folder), polygons=_polygons(outline), place=place,
        lonlat=to_map.transform(place[0], place[1], direction="INVERSE"),
    )


def measures_of(props: Json) -> list[Measure]:
    """Measures of a finding in the order they are shown."""
    known = [
        figures.measure(props, key, label=label, unit=unit)
        for key, (label, unit) in words.measures().items()
    ]
    return [m for m in known if m is not None]


def severity_of(props: Json) -> int:
    """Severity 1 to 4 of a finding's properties; 1 where there is none."""
    level = figures.finite(props.get("severity"))
    return 1 if level is None else min(4, max(1, int(level)))


def add_up(findings: list[Json]) -> list[CodeTotal]:
    """Totals of each code among the findings' properties, the most severe codes first."""
    groups: dict[str, list[Json]] = defaultdict(list)
    for props in findings:
        groups[str(props.get("code") or "–")].append(props)
    totals = [
        CodeTotal(
            code, _pair(group[0], "name"), len(group), max(map(severity_of, group)),
            figures.total(group, "area_m2", unit="m²"),
            figures.total(group, "volume_m3", unit="m³"),
        )
        for code, group in groups.items()
    ]
    return sorted(totals, key=lambda total: (-total.severity, total.code))


def _title(about: Json, folder: SurveyFolder) -> str:
    plant = about.get("plant")
    named = plant.get("name") if isinstance(plant, dict) else plant
    return str(named or about.get("name") or folder.root.resolve().name)


def _section(data: Json, key: str) -> Json:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _to_map(grid: Grid, folder: SurveyFolder) -> Transformer:
    if not grid.crs:
        raise InputError(
            _("The map does not say which coordinate system it is in."),
            remedy=_("Run `kilnsight survey` again."), file=folder.ortho,
        )
    return Transformer.from_crs(4326, grid.crs, always_xy=True)


def _geometry(value: Any, to_map: Transformer, *, file: Path) -> Any:
    """Shapely geometry in metres of the map of a GeoJSON one; empty where there is none."""
    if value is None:
        return _empty()
    try:
        return _transform(
            _shape(value),
            lambda points: np.column_stack(to_map.transform(points[:, 0], points[:, 1])),
        )
    except _GEOMETRY_ERRORS as error:
        raise InputError(
            _("A geometry in the file is broken."),
            remedy=_("Restore it from a copy or run `kilnsight survey` again."), file=file,
        ) from error


def _polygons(outline: Any) -> list[list[Ring]]:
    """Rings of each polygon of a geometry, the outer one first."""
    parts = [p for p in getattr(outline, "geoms", [outline]) if p.geom_type == "Polygon"]
    return [
        [list(ring.coords) for ring in (part.exterior, *part.interiors)]
        for part in parts if not part.is_empty
    ]


def _safe_id(value: Any, number: int) -> str:
    """Id fit for an anchor and a file name; `F` and the number where the file's own is not."""
    text = str(value or "")
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,32}", text) else f"F{number:03d}"


REASONS = ("severity_reason", "due_reason", "clauses_note")
"""Properties that say in words why a finding is severe, when it is due, why it has no clause."""


def _pair(props: Json, key: str) -> Text:
    english, chinese = props.get(f"{key}_en"), props.get(f"{key}_zh")
    return Text(str(english or chinese or "–"), str(chinese or english or "–"))


def _clause(value: Any) -> Text:
    if not isinstance(value, dict):
        return same(value)
    text = value.get("title") or value.get("text") or value.get("id") or "–"
    return Text(str(value.get("en") or text), str(value.get("zh_Hans") or text))


def _crops(props: Json, folder: SurveyFolder) -> list[Crop]:
    found = []
    for item in props.get("evidence") or []:
        file = folder.inside(str(item.get("crop") or "")) if isinstance(item, dict) else None
        if file is not None:
            photo, digest = str(item.get("photo") or "–"), str(item.get("sha256") or "")
            found.append(Crop(file, photo, digest))
    return found


def _photo(feature: Json, folder: SurveyFolder, to_map: Transformer) -> Photo:
    props = feature["properties"]
    lon, lat = figures.finite(props.get("lon")), figures.finite(props.get("lat"))
    place = None if lon is None or lat is None else to_map.transform(lon, lat)
    rings = _polygons(_geometry(feature.get("geometry"), to_map, file=folder.photos_json))
    return Photo(
        name=str(props.get("name") or "–"), sha256=str(props.get("sha256") or ""),
        time=figures.when(props.get("time")).en, camera=str(props.get("camera") or "–"),
        height=figures.plain(figures.finite(props.get("relative_altitude_m")), "m"),
        flags=[words.flag(str(flag)) for flag in props.get("flags") or []],
        aligned=bool(props.get("aligned")), place=place,
        footprint=rings[0][0] if rings else [],
    )


def _warning(warning: Any) -> Text:
    text = warning.get("text") if isinstance(warning, dict) else warning
    if not isinstance(text, dict):
        return same(text)
    english, chinese = text.get("en"), text.get("zh_Hans")
    return Text(str(english or chinese or "–"), str(chinese or english or "–"))


def _sha256(path: Path, folder: SurveyFolder) -> str:
    # The report is made before survey.json says that the survey is complete.
    return completed_survey(path)[1] if path == folder.survey_json else sha256_of(path)


def _sealed(folder: SurveyFolder) -> list[Path]:
    parts = [
        folder.findings_json, folder.photos_json, folder.survey_json, folder.quality_json,
        folder.ortho, folder.dsm,
    ]
    return [path for path in parts if path.is_file()]
