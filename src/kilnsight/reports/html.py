"""The report as a web page that opens from disk: one page, and a folder with its pictures."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pyproj import Transformer

from kilnsight import __version__
from kilnsight.i18n import current_language
from kilnsight.reports import assessment, bilingual, figures, pictures, words
from kilnsight.reports.content import Content, Finding, read_content
from kilnsight.reports.relief import RAMP, ReliefPainter, height_grid, height_scale
from kilnsight.reports.tiles import TILE, cut_tiles, grid_of, paint_ortho
from kilnsight.surveys.folder import SurveyFolder, write_bytes

_HERE = Path(__file__).parent
_LEAFLET = _HERE / "assets" / "leaflet"


@dataclass(frozen=True)
class Shot:
    """A crop as the page shows it: relative addresses of the small and the large picture."""

    thumb: str
    view: str
    photo: str
    sha256: str


def write_report(survey: Path, *, language: str | None = None) -> Path:
    """Write `report.html` and `report/` into a survey folder and give back the page's path.

    Reads nothing but the survey folder. The page holds both languages and starts in `language`,
    one of `kilnsight.i18n.LANGUAGES` (default: the one in use). Raises InputError where a part of
    the survey is missing or broken; an older report stays as it is then.
    """
    content = read_content(Path(survey))
    folder = content.folder
    with _fresh_folder(folder) as assets:
        layers = _cut_layers(content, assets)
        shots = {f.number: _save_shots(f, assets) for f in content.findings}
        overview = pictures.draw_overview(folder.ortho, content.grid, outlines_of(content))
        overview.save(assets / "overview.jpg", quality=88)
        page = _page(
            content, layers=layers, shots=shots, overview=overview.size,
            language=language or current_language(),
        )
    return write_bytes(folder.report_html, page.encode())


def outlines_of(content: Content) -> list[pictures.Outline]:
    """Outlines to draw on the overview."""
    return [
        pictures.Outline(f.number, f.severity, [r for p in f.polygons for r in p], f.place)
        for f in content.findings if f.polygons
    ]


OURS = frozenset({"crops", "ortho", "relief", "overview.jpg"})
"""What a report puts into its folder."""


@contextmanager
def _fresh_folder(folder: SurveyFolder) -> Iterator[Path]:
    """Empty folder whose entries take the place of those in `report/` when all went well.

    It lies in `.work` meanwhile, so that a killed run leaves nothing in the survey itself. What a
    user put beside the report's own entries is never touched.
    """
    making = folder.work / "report"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        yield making
        folder.report_assets.mkdir(exist_ok=True)
        for name in sorted(OURS):
            _replace(folder.report_assets / name, making / name)
    finally:
        shutil.rmtree(making, ignore_errors=True)
        if not any(folder.work.iterdir()):
            folder.work.rmdir()


def _replace(old: Path, new: Path) -> None:
    """Put `new`, where there is one, in the place of `old`."""
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old)
    else:
        old.unlink(missing_ok=True)
    if new.exists():
        new.rename(old)


def _cut_layers(content: Content, assets: Path) -> dict[str, Any]:
    """Cut the tiles of both layers; what the map's script must know about them."""
    grid, folder = content.grid, content.folder
    scale = height_scale(folder.dsm)
    relief_zoom = grid.zoom_for(grid_of(folder.dsm).cell)
    return {
        "ortho": {"zoom": grid.max_zoom, "empty": cut_tiles(
            folder.ortho, assets / "ortho", grid=grid, max_zoom=grid.max_zoom, paint=paint_ortho,
        )},
        "relief": {"zoom": relief_zoom, "empty": cut_tiles(
            folder.dsm, assets / "relief", grid=grid, max_zoom=relief_zoom,
            paint=ReliefPainter(scale),
        ), "low": scale.low, "high": scale.high, "ramp": RAMP},
    }


def _save_shots(finding: Finding, assets: Path) -> list[Shot]:
    """Write the crops of a finding in two sizes; those that cannot be read are left out."""
    shots = []
    for i, crop in enumerate(finding.crops, start=1):
        # Names are the program's own: those of the survey may hold anything.
        stem = f"{finding.number:03d}-{i}"
        view, thumb = (assets / "crops" / f"{stem}{kind}.jpg" for kind in ("", "-small"))
        if pictures.save_crop(crop.file, view, side=pictures.VIEW_PX):
            pictures.save_crop(view, thumb, side=pictures.THUMB_PX)
            address = "report/crops/"
            shots.append(
                Shot(address + thumb.name, address + view.name, crop.photo, crop.sha256)
            )
    return shots


def _page(
    content: Content, *, layers: dict[str, Any], shots: dict[int, list[Shot]],
    overview: tuple[int, int], language: str,
) -> str:
    style = _text(_LEAFLET / "leaflet.css") + _text(_HERE / "templates" / "report.css")
    # The two pictures that Leaflet's style names are of controls this page does not have.
    style = re.sub(r"background-image: url\(images/[^)]*\);", "", style)
    library = re.sub(r"//# sourceMappingURL=\S+", "", _text(_LEAFLET / "leaflet.js"))
    scripts = [library, _text(_HERE / "templates" / "report.js")]
    return _environment().get_template("report.html.j2").render(
        c=content, shots=shots, overview=overview, language=language,
        tags=bilingual.TAGS, policy=policy(scripts, style), style=style,
        scripts=scripts,
        data=embedded(map_data(content, layers)),
        rows=assessment.quality_rows(content.quality),
        accuracy=assessment.accuracy_sentences(content.quality),
        method=assessment.method_sentences(),
        w=words.headings() | words.sentences(),
        coverage=assessment.coverage_sentences(content.quality, content.survey),
        gsd=assessment.gsd_text(content.quality), area=area_seen(content),
        colours=pictures.SEVERITY_COLOURS, levels=[words.severity(n) for n in (1, 2, 3, 4)],
        datum=assessment.datum_sentence(content.datum),
        used=assessment.photos_used(content.photos_in_map, len(content.photos)),
        maker=assessment.maker_sentence(__version__),
    )


def _environment() -> Environment:
    loader = FileSystemLoader(_HERE / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"_": bilingual.message, "attribute": bilingual.attribute}
    return environment


def area_seen(content: Content) -> str:
    """Area of the ground that the map shows; a dash where it is not known."""
    coverage = content.quality.get("coverage") or content.survey.get("coverage") or {}
    value = figures.at(coverage, "area_m2")
    return "–" if value is None else assessment.area(value)


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def policy(scripts: list[str], style: str) -> str:
    """Content security policy: the page's own scripts by hash, pictures, and nothing else."""
    allowed = " ".join(_source_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_source_hash(style)}; "
        "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )


def _source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def embedded(value: Any) -> str:
    """JSON that may stand in a script element whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def map_data(content: Content, layers: dict[str, Any]) -> dict[str, Any]:
    """What the map's script works with; places are metres east and north of the map's corner."""
    grid = content.grid
    return {
        "tile": TILE, "cell": grid.cell, "width": grid.width, "height": grid.height,
        "west": grid.west, "north": grid.north, "zoom": grid.max_zoom, "layers": layers,
        "heights": height_grid(content.folder.dsm), "lonlat": lonlat_fit(content),
        "colours": pictures.SEVERITY_COLOURS, "ink": pictures.SEVERITY_INK,
        "findings": [_map_finding(finding, content) for finding in content.findings],
        "photos": [
            {
                "name": photo.name, "aligned": photo.aligned,
                "place": _near(content, [photo.place])[0] if photo.place else None,
                "ring": _near(content, photo.footprint),
            }
            for photo in content.photos
        ],
        "words": {
            language: {key: text.of(language) for key, text in words.on_map().items()}
            for language in bilingual.TAGS
        },
    }


def _map_finding(finding: Finding, content: Content) -> dict[str, Any]:
    sizes = [m.figure for m in finding.measures if m.key in ("area_m2", "volume_m3")]
    return {
        "id": finding.id, "number": finding.number, "code": finding.code,
        "severity": finding.severity, "size": ", ".join(sizes),
        "name": {language: finding.name.of(language) for language in bilingual.TAGS},
        "level": {language: finding.severity_name.of(language) for language in bilingual.TAGS},
        "place": _near(content, [finding.place])[0],
        "polygons": [[_near(content, ring) for ring in rings] for rings in finding.polygons],
    }


def _near(content: Content, points: list[tuple[float, float]]) -> list[list[float]]:
    """Points of the map as [metres north, metres east] of its upper left corner, centimetres."""
    west, north = content.grid.west, content.grid.north
    return [[round(y - north, 2), round(x - west, 2)] for x, y in points]


def lonlat_fit(content: Content) -> list[list[float]]:
    """Coefficients of longitude and latitude over 1, x, y, xx, xy, yy; x, y in map kilometres.

    Fitted over the map; for one of 5 km it is right to a few millimetres.
    """
    grid = content.grid
    span = np.linspace(0, 1, 7)
    x, y = (v.ravel() for v in np.meshgrid(
        span * grid.width * grid.cell / 1000, -span * grid.height * grid.cell / 1000
    ))
    to_wgs84 = Transformer.from_crs(grid.crs, 4326, always_xy=True)
    lonlat = np.column_stack(to_wgs84.transform(grid.west + 1000 * x, grid.north + 1000 * y))
    terms = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    return [list(map(float, row)) for row in np.linalg.lstsq(terms, lonlat, rcond=None)[0].T]
