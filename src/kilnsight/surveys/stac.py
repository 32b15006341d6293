"""A static STAC 1.0 catalogue of a survey, with relative links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import rasterio
from pyproj import Transformer

from kilnsight import __version__
from kilnsight.surveys.folder import Json, SurveyFolder, write_json

STAC_VERSION = "1.0.0"
PROJECTION = "https://stac-extensions.github.io/projection/v1.1.0/schema.json"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
JSON = "application/json"
GEOJSON = "application/geo+json"
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Raster:
    """A raster of the survey, named for the catalogue."""

    id: str
    path: Path
    title: str
    roles: tuple[str, ...]


def write_catalogue(survey: Path) -> Path:
    """Write `stac/catalog.json`, a collection and an item for each raster; the catalogue's path.

    A raster that is not there gets no item.
    """
    folder = SurveyFolder.open(survey)
    about = folder.read_survey()
    rasters = [
        Raster("ortho", folder.ortho, "Orthomosaic", ("data", "visual")),
        Raster("dsm", folder.dsm, "Surface model, metres", ("data",)),
        Raster("dsm_spread", folder.dsm_spread, "Spread of the surface model, metres", ("data",)),
    ]
    items = [_item(folder, raster, about) for raster in rasters if raster.path.is_file()]
    for item in items:
        write_json(folder.stac / "items" / f"{item['id']}.json", item)
    write_json(folder.stac / "collection.json", _collection(folder, about, items))
    return write_json(folder.stac / "catalog.json", _catalogue(about))


def _name(about: Json) -> str:
    return str(about.get("name") or "survey")


def _times(about: Json) -> tuple[str, str]:
    """Start and end of the flight in UTC; where they are not known, when the survey was made."""
    flight = about.get("flight") or {}
    zone = _zone(flight.get("time_zone"))
    start = _utc(flight.get("start"), zone) or _utc(about.get("created"), UTC) or _EPOCH
    return start, _utc(flight.get("end"), zone) or start


def _zone(name: Any) -> timezone:
    """Zone of a name such as `UTC+8` or `+05:30`; UTC where there is none."""
    found = re.fullmatch(r"(?:UTC)?([+-])(\d{1,2})(?::?(\d{2}))?", str(name or ""))
    if found is None:
        return UTC
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(ahead if found[1] == "+" else -ahead) if ahead < timedelta(hours=24) else UTC


def _utc(value: Any, zone: timezone) -> str | None:
    """Time in UTC as STAC wants it; a time without a zone is taken to be in `zone`."""
    try:
        time = datetime.fromisoformat(value)
        time = time.replace(tzinfo=time.tzinfo or zone)
        return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError, OverflowError):
        return None


def _link(rel: str, href: str, media: str = JSON) -> Json:
    return {"rel": rel, "href": href, "type": media}


def _item(folder: SurveyFolder, raster: Raster, about: Json) -> Json:
    with rasterio.open(raster.path) as source:
        crs, bounds = source.crs, source.bounds
        shape, affine = list(source.shape), list(source.transform)[:6]
    to_wgs84 = Transformer.from_crs(crs.to_wkt(), 4326, always_xy=True)
    start, end = _times(about)
    return {
        "type": "Feature", "stac_version": STAC_VERSION, "stac_extensions": [PROJECTION],
        "id": raster.id, "geometry": _outline(bounds, to_wgs84),
        "bbox": [round(x, 8) for x in to_wgs84.transform_bounds(*bounds)],
        "properties": {
            "title": raster.title, "datetime": start,
            "start_datetime": start, "end_datetime": end,
            "proj:epsg": crs.to_epsg(), "proj:shape": shape, "proj:transform": affine,
            "proj:bbox": list(bounds),
        },
        "collection": "map",
        "links": [
            _link("root", "../catalog.json"), _link("parent", "../collection.json"),
            _link("collection", "../collection.json"),
        ],
        "assets": {
            raster.id: {
                "href": f"../../{raster.path.relative_to(folder.root).as_posix()}",
                "title": raster.title, "type": COG, "roles": list(raster.roles),
            }
        },
    }


def _outline(bounds: tuple[float, float, float, float], to_wgs84: Transformer) -> Json:
    """Polygon in WGS 84 of bounds (west, south, east, north) in the map's CRS."""
    west, south, east, north = bounds
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    turned = [to_wgs84.transform(x, y) for x, y in corners]
    return {"type": "Polygon", "coordinates": [[[round(c, 8) for c in xy] for xy in turned]]}


def _collection(folder: SurveyFolder, about: Json, items: list[Json]) -> Json:
    return {
        "type": "Collection", "stac_version": STAC_VERSION, "id": "map",
        "title": _name(about), "license": "proprietary",
        "description": f"Map and findings of a drone survey, made by Kilnsight {__version__}.",
        "extent": {
            "spatial": {"bbox": [_union(items)]},
            "temporal": {"interval": [list(_times(about))]},
        },
        "links": [
            _link("root", "./catalog.json"), _link("parent", "./catalog.json"),
            *(_link("item", f"./items/{item['id']}.json", GEOJSON) for item in items),
        ],
        "assets": _vectors(folder),
    }


def _union(items: list[Json]) -> list[float]:
    if not items:
        return [-180.0, -90.0, 180.0, 90.0]
    west, south, east, north = zip(*(item["bbox"] for item in items), strict=True)
    return [min(west), min(south), max(east), max(north)]


def _vectors(folder: SurveyFolder) -> Json:
    named = {
        "findings": (folder.findings_json, "Suspected problems"),
        "photos": (folder.photos_json, "Photos"),
    }
    return {
        key: {"href": f"../{path.name}", "title": title, "type": GEOJSON, "roles": ["data"]}
        for key, (path, title) in named.items() if path.is_file()
    }


def _catalogue(about: Json) -> Json:
    return {
        "type": "Catalog", "stac_version": STAC_VERSION, "id": "survey", "title": _name(about),
        "description": f"A drone survey in open formats, made by Kilnsight {__version__}.",
        "links": [_link("root", "./catalog.json"), _link("child", "./collection.json")],
    }
