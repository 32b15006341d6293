"""A static STAC 1.0 catalogue of a survey, with relative links."""

from __future__ import annotations

from dataclasses import dataclass
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
    """Start and end of the flight, RFC 3339; where they are not known, when the survey was made."""
    flight = about.get("flight") or {}
    made = str(about.get("created") or "1970-01-01T00:00:00Z")
    start = _rfc3339(flight.get("start")) or _rfc3339(made) or "1970-01-01T00:00:00Z"
    return start, _rfc3339(flight.get("end")) or start


def _rfc3339(value: Any) -> str | None:
    """Time with a zone; a camera's local time without one is taken as UTC."""
    if not isinstance(value, str) or "T" not in value.replace(" ", "T"):
        return None
    text = value.replace(" ", "T")
    clock = text.split("T", 1)[1]
    return text if clock.endswith("Z") or "+" in clock or "-" in clock else text + "Z"


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
