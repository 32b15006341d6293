"""The truth about a flight, written in the formats of a survey folder."""

# mypy: allow-untyped-calls
from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from kilnsight.photos.camera import Camera
from kilnsight.simulate import materials as m
from kilnsight.simulate.ground import MESH_M, Ground, lay_ground
from kilnsight.simulate.problems import Thing, as_multi, change_of, objects, problems
from kilnsight.simulate.render import Stage, draw_map, look_down, materials_seen
from kilnsight.simulate.route import PositionError, Shot
from kilnsight.simulate.scene import Scene

DSM_M = 0.1
ORTHO_M = 0.08


def _dump(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_raster(
    path: Path, values: NDArray[Any], scene: Scene, *, cell: float, nodata: float | None = None
) -> None:
    """Write a raster, shape (rows, columns) or (rows, columns, bands); row 0 in the north."""
    bands = values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)
    west = scene.bounds.west + scene.site.easting
    north = scene.bounds.north + scene.site.northing
    profile: dict[str, Any] = {
        "driver": "GTiff", "dtype": values.dtype, "count": bands.shape[0],
        "height": bands.shape[1], "width": bands.shape[2], "crs": scene.site.crs,
        "transform": from_origin(west, north, cell, cell), "compress": "deflate", "zlevel": 3,
        "tiled": True, "blockxsize": 512, "blockysize": 512, "nodata": nodata,
        "predictor": 3 if values.dtype == np.float32 else 2,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(bands)


def write_heights(folder: Path, stage: Stage) -> None:
    """Write dsm.tif (all there is), terrain.tif (without piles and bodies) and surface.tif."""
    scene, ground = stage.scene, stage.ground
    top, ident = look_down(
        (stage.corners, stage.mesh), ground, cell=DSM_M, bounds=scene.bounds
    )
    write_raster(folder / "dsm.tif", top, scene, cell=DSM_M, nodata=float("nan"))
    seen = m.class_of_material()[materials_seen(stage, ident, cell=DSM_M)]
    write_raster(folder / "surface.tif", seen, scene, cell=DSM_M, nodata=0)
    _dump(folder / "legend.json", {
        str(n): name for n, (name, _) in sorted(m.CLASSES.items())
    })
    inset = round((scene.bounds.west - ground.bounds.west) / MESH_M)
    bare = ground.base[inset:-inset, inset:-inset]
    middle = (bare[1:, 1:] + bare[:-1, :-1]) / 2
    write_raster(folder / "terrain.tif", middle[::-1].astype(np.float32), scene, cell=MESH_M)


def ortho_blocks(stage: Stage, *, rows: int = 512) -> list[slice]:
    """Rows of the orthophoto to draw one at a time."""
    height = stage.scene.bounds.shape(ORTHO_M)[0]
    return [slice(start, min(start + rows, height)) for start in range(0, height, rows)]


def ortho_block(stage: Stage, rows: slice) -> NDArray[np.float32]:
    """Linear radiance of some rows of the orthophoto."""
    return draw_map(stage, cell=ORTHO_M, rows=rows)[0]


def feature(thing: Thing, scene: Scene, extra: dict[str, Any]) -> dict[str, Any]:
    """GeoJSON feature of a thing, in WGS 84."""
    polygons = [_ring_lists(p, scene) for p in as_multi(thing.shape)]
    geometry: dict[str, Any] | None = None
    if len(polygons) == 1:
        geometry = {"type": "Polygon", "coordinates": polygons[0]}
    elif polygons:
        geometry = {"type": "MultiPolygon", "coordinates": polygons}
    properties = {"id": thing.id, "code": thing.code, "name": thing.name, **extra}
    properties.update({k: _rounded(v) for k, v in thing.measures.items()})
    return {"type": "Feature", "id": thing.id, "geometry": geometry, "properties": properties}


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _ring_lists(polygon: Polygon, scene: Scene) -> list[list[list[float]]]:
    rings = orient(polygon)
    return [
        np.round(scene.site.to_lon_lat(np.array(r.coords)[:, :2]), 8).tolist()
        for r in (rings.exterior, *rings.interiors)
    ]


def _collection(features: Iterable[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", **extra, "features": list(features)}


def write_findings(folder: Path, scene: Scene, ground: Ground, earlier: Scene | None) -> None:
    """Write findings.geojson and objects.geojson; `earlier` is the scene of the visit before."""
    now = problems(scene, ground)
    features = []
    before: dict[str, Thing] = {}
    if earlier is not None:
        before = problems(earlier, lay_ground(earlier))
    for name in sorted({*now, *before}):
        thing = now.get(name) or before[name]
        extra: dict[str, Any] = {"present": name in now}
        if earlier is not None:
            extra["change"] = change_of(before.get(name), now.get(name))
        if name in before:
            extra["before"] = {k: _rounded(v) for k, v in before[name].measures.items()}
        features.append(feature(_emptied(thing) if name not in now else thing, scene, extra))
    _dump(folder / "findings.geojson", _collection(features, visit=scene.visit))
    everything = (feature(t, scene, {"kind": t.code}) for t in objects(scene, ground))
    _dump(folder / "objects.geojson", _collection(everything, visit=scene.visit))


def _emptied(thing: Thing) -> Thing:
    gone = {k: None if isinstance(v, float) else v for k, v in thing.measures.items()}
    return Thing(thing.id, thing.code, thing.name, thing.shape, 0.0, gone)


def write_cameras(folder: Path, scene: Scene, shots: list[Shot], camera: Camera) -> None:
    """Write cameras.json: true lens and poses in map coordinates."""
    shift = np.array([scene.site.easting, scene.site.northing, 0.0])
    views = [
        {"photo": s.view.name, "camera": 0, "rotation": s.view.pose.rotation.tolist(),
         "centre": (s.view.pose.centre + shift).tolist()}
        for s in shots
    ]
    lens = {"id": 0, **camera.as_dict()}
    _dump(folder / "cameras.json", {"crs": scene.site.crs, "cameras": [lens], "views": views})


def write_scene(folder: Path, scene: Scene, error: PositionError) -> None:
    """Write scene.json: site, sun, datum, and how wrong recorded positions are."""
    lon, lat = scene.site.lon_lat
    b, site = scene.bounds, scene.site
    _dump(folder / "scene.json", {
        "seed": scene.seed, "visit": scene.visit, "crs": site.crs,
        "vertical_datum": "WGS 84 ellipsoid" if error.rtk else "EGM96 geoid",
        "origin": [site.easting, site.northing], "longitude": lon, "latitude": lat,
        "bounds": [b.west + site.easting, b.south + site.northing,
                   b.east + site.easting, b.north + site.northing],
        "time": scene.sky.time.isoformat() + "+08:00", "sun_azimuth_deg": scene.sky.azimuth,
        "sun_elevation_deg": scene.sky.elevation, "grid_convergence_deg": site.convergence_deg,
        "position_error": {"horizontal_m": error.horizontal_m, "vertical_m": error.vertical_m,
                           "gimbal_deg": error.gimbal_deg, "rtk": error.rtk},
    })
