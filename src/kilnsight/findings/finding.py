"""A finding: a suspected problem with place, size and pictures, and the files findings go to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely
from pyproj import CRS, Transformer
from shapely.geometry import Polygon, mapping

from kilnsight.findings.site import SiteMap
from kilnsight.findings.taxonomy import taxonomy
from kilnsight.quantity import Quantity

LAYER = "findings"
"""Name of the layer in findings.gpkg."""


@dataclass(frozen=True)
class Evidence:
    """A photo that shows a finding.

    `polygon_px` is the outline in pixels of the original photo, shape (n, 2) as nested lists;
    `crop_box_px` is (left, top, right, bottom); `crop` the path within the survey folder.
    """

    photo: str
    sha256: str
    crop: str
    polygon_px: list[list[float]]
    crop_box_px: tuple[int, int, int, int]
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary for JSON, in the order of the survey folder's contract."""
        return {
            "photo": self.photo, "sha256": self.sha256, "crop": self.crop,
            "polygon_px": self.polygon_px, "crop_box_px": list(self.crop_box_px),
            "score": self.score,
        }


@dataclass(frozen=True)
class Finding:
    """A suspected problem. `polygon` is in the map's CRS; `id` is empty until it is ordered."""

    code: str
    polygon: Polygon
    confidence: float
    severity: int
    measures: dict[str, Quantity]
    id: str = ""
    status: str = "suspected"
    evidence: tuple[Evidence, ...] = ()
    clauses: tuple[dict[str, str], ...] = ()
    due: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> float:
        """What findings of one severity are ordered by: volume, else area."""
        for key in ("volume_m3", "area_m2"):
            if key in self.measures:
                return self.measures[key].value
        return 0.0

    def properties(self) -> dict[str, Any]:
        """Properties of the finding's feature, as docs/survey-folder.md names them."""
        problem = taxonomy()[self.code]
        return {
            "code": self.code, "name_en": problem.name_en, "name_zh": problem.name_zh,
            "status": self.status, "confidence": round(self.confidence, 3),
            "severity": self.severity, **_flat(self.measures),
            "photos": [e.photo for e in self.evidence],
            "evidence": [e.as_dict() for e in self.evidence],
            "clauses": list(self.clauses), "due": self.due,
            "fix_en": problem.fix_en, "fix_zh": problem.fix_zh, **self.notes,
        }


def _flat(measures: dict[str, Quantity]) -> dict[str, Any]:
    """Each measure as value, `_lo`, `_hi`, `_method` and, where it is known, `_source`."""
    flat: dict[str, Any] = {}
    for key, quantity in measures.items():
        flat[key] = _rounded(quantity.value)
        flat[f"{key}_lo"], flat[f"{key}_hi"] = _rounded(quantity.lo), _rounded(quantity.hi)
        flat[f"{key}_method"] = quantity.method
        if quantity.source:
            flat[f"{key}_source"] = quantity.source
    return flat


def _rounded(value: float) -> float:
    """Value with five significant digits, enough for any interval stated here."""
    return float(f"{value:.5g}")


def order_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Findings by falling severity, code and falling size, with ids F001, F002...

    >>> order_findings([])
    []
    """
    ranked = sorted(findings, key=lambda f: (-f.severity, f.code, -f.size, f.polygon.bounds))
    return [replace(f, id=f"F{i:03d}") for i, f in enumerate(ranked, start=1)]


def write_findings(
    findings: Sequence[Finding], survey: Path | str, *, crs: CRS | None = None
) -> None:
    """Write findings.geojson (WGS 84) and findings.gpkg (in `crs`, by default the map's).

    Both files are replaced whole: they are written beside and renamed.
    """
    survey = Path(survey)
    crs = crs or SiteMap.open(survey).crs
    collection = {"type": "FeatureCollection", "features": _features(findings, crs)}
    text = json.dumps(collection, ensure_ascii=False, indent=1, allow_nan=False)
    part = survey / "findings.geojson.part"
    part.write_text(text + "\n", "utf-8")
    part.replace(survey / "findings.geojson")
    _write_gpkg(findings, survey / "findings.gpkg", crs)


def _features(findings: Sequence[Finding], crs: CRS) -> list[dict[str, Any]]:
    """GeoJSON features in longitude and latitude, outer rings counter-clockwise (RFC 7946)."""
    to_wgs84 = Transformer.from_crs(crs, 4326, always_xy=True)

    def turn(xy: Any) -> Any:
        return np.round(np.column_stack(to_wgs84.transform(xy[:, 0], xy[:, 1])), 7)

    return [
        {
            "type": "Feature", "id": f.id,
            "geometry": mapping(_wound(shapely.transform(f.polygon, turn))),
            "properties": f.properties(),
        }
        for f in findings
    ]


def _wound(polygon: Any) -> Any:
    """Valid polygon with its outer ring counter-clockwise."""
    if not polygon.is_valid:
        polygon = shapely.make_valid(polygon)
    parts = [p for p in getattr(polygon, "geoms", [polygon]) if isinstance(p, Polygon)]
    largest = max(parts, key=lambda p: p.area, default=Polygon())
    return shapely.geometry.polygon.orient(largest, 1.0)


def _write_gpkg(findings: Sequence[Finding], path: Path, crs: CRS) -> None:
    """GeoPackage with a column a property; lists as JSON text; replaced whole."""
    rows = [{"id": f.id, **f.properties()} for f in findings]
    names = list(dict.fromkeys(key for row in rows for key in row)) or ["id", "code"]
    columns = [_column([row.get(name) for row in rows]) for name in names]
    part = path.with_name("findings.part.gpkg")
    part.unlink(missing_ok=True)
    geometry = np.array([shapely.to_wkb(f.polygon) for f in findings], dtype=object)
    pyogrio.raw.write(
        str(part), geometry, columns, fields=names, layer=LAYER, driver="GPKG",
        geometry_type="Polygon", crs=crs.to_wkt(),
    )
    part.replace(path)


def _column(values: list[Any]) -> Any:
    """Column of a table: numbers as floats with NaN for none, all else as text."""
    if values and all(v is None or isinstance(v, int | float) for v in values):
        return np.array([np.nan if v is None else v for v in values], dtype=float)
    texts = [
        v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values
    ]
    return np.array(texts, dtype=object)
