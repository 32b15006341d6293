"""Survey folders made from scratch: a small yard with piles, and one where nothing was found."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin

EPSG = 32650
WEST, NORTH = 712_400.0, 3_478_900.0
"""Corner of the map: a place near Liyang, UTM 50 N, metres."""

CELL = 0.1
WIDTH, HEIGHT = 2300, 1700
BASE_H = 24.0
PILES = [(70.0, 60.0, 17.0, 6.5), (120.0, 48.0, 11.0, 4.2), (150.0, 120.0, 9.0, 3.0)]
"""East, south of the corner, radius, height of each pile, metres."""

TO_WGS84 = Transformer.from_crs(EPSG, 4326, always_xy=True)
HOSTILE = '</script><img src=x onerror="document.title=\'owned\'"> & {{7*7}} #eval(1).jpg'


def make_survey(root: Path, *, findings: bool = True, hostile: bool = False) -> Path:
    """Write a survey folder and give back its path."""
    shutil.copytree(rasters() / "map", root / "map")
    _dsm, rgb, _seen = terrain()
    photos = photo_features()
    if hostile:
        photos[0]["properties"]["name"] = HOSTILE
        photos[0]["properties"]["flags"] = ["<b>blurred</b>"]
    items = finding_features(root, rgb, photos) if findings else []
    if hostile:
        items[0]["properties"] |= {"fix_en": HOSTILE, "name_en": "<i>pile</i>", "name_zh": HOSTILE}
    dump(root / "photos.geojson", collection(photos))
    dump(root / "findings.geojson", collection(items))
    (root / "findings.gpkg").write_bytes(b"not read by the report")
    dump(root / "map" / "quality.json", quality())
    dump(root / "map" / "cameras.json", {"crs": f"EPSG:{EPSG}", "cameras": [], "views": []})
    dump(root / "survey.json", about(items, hostile=hostile))
    return root


def dump(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")


def collection(features: list[dict]) -> dict:
    return {"type": "FeatureCollection", "features": features}


@functools.cache
def terrain() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heights (m), colours (uint8, h x w x 3) and what was seen, all at `CELL`."""
    rng = np.random.default_rng(7)
    east = (np.arange(WIDTH, dtype=np.float32) + 0.5) * CELL
    south = (np.arange(HEIGHT, dtype=np.float32) + 0.5) * CELL
    x, y = np.meshgrid(east, south)
    coarse = sum(
        cv2.resize(rng.normal(0, 1, (HEIGHT // s, WIDTH // s)).astype(np.float32), (WIDTH, HEIGHT))
        * s / 60
        for s in (4, 20, 100)
    )
    height = BASE_H + 0.01 * x + 0.02 * coarse
    colour = np.stack([150 + 9 * coarse, 140 + 8 * coarse, 122 + 7 * coarse], axis=-1)
    road = np.abs(y - 85 - 4 * np.sin(x / 40)) < 5
    colour[road] = np.float32([186, 180, 168]) + 5 * coarse[road][:, None]
    green = (x < 45) & (y > 105)
    colour[green] = np.float32([82, 112, 62]) + 14 * coarse[green][:, None]
    shed = (np.abs(x - 195) < 22) & (np.abs(y - 45) < 14)
    height[shed] += 11
    colour[shed] = np.float32([92, 128, 168]) + 2 * coarse[shed][:, None]
    colour[shed & (np.floor(x[...] / 1.2) % 2 == 0)] += 8
    for pe, ps, radius, top in PILES:
        cone = np.clip(1 - np.hypot(x - pe, y - ps) / radius, 0, None) * top
        pile = cone > 0
        height += cone
        tone = np.array([96, 92, 90]) if pe < 100 else np.array([198, 190, 176])
        colour[pile] = tone + 8 * coarse[pile][:, None]
    gy, gx = np.gradient(height, CELL)
    light = np.clip(1 - 0.45 * gx + 0.45 * gy, 0.45, 1.4)
    colour = np.clip(colour * light[..., None], 0, 255).astype(np.uint8)
    seen = ((x - 115) / 118) ** 4 + ((y - 85) / 88) ** 4 < 1
    seen &= np.hypot(x - 205, y - 150) > 6
    return height.astype(np.float32), colour, seen


@functools.cache
def rasters() -> Path:
    """Folder with the rasters, written once."""
    root = Path(tempfile.mkdtemp(prefix="kilnsight-test-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    (root / "map").mkdir()
    write_rasters(root, *terrain())
    return root


def write_rasters(root: Path, dsm: np.ndarray, rgb: np.ndarray, seen: np.ndarray) -> None:
    transform = from_origin(WEST, NORTH, CELL, CELL)
    shape = {"width": WIDTH, "height": HEIGHT, "crs": f"EPSG:{EPSG}", "transform": transform}
    tiled = {"driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            root / "map" / "ortho.tif", "w", count=3, dtype="uint8", compress="jpeg",
            photometric="ycbcr", **shape, **tiled,
        ) as out,
    ):
        out.write(np.moveaxis(rgb, -1, 0))
        out.write_mask(seen)
        out.build_overviews([2, 4, 8])
    heights = np.where(seen, dsm, np.nan)[::2, ::2].astype(np.float32)
    shape |= {
        "width": heights.shape[1], "height": heights.shape[0],
        "transform": from_origin(WEST, NORTH, 2 * CELL, 2 * CELL),
    }
    with rasterio.open(
        root / "map" / "dsm.tif", "w", count=1, dtype="float32", nodata=np.nan,
        compress="deflate", **shape, **tiled,
    ) as out:
        out.write(heights, 1)
        out.build_overviews([2, 4])


def ring(points: np.ndarray) -> list[list[float]]:
    """Closed WGS 84 ring of points given in metres east and south of the corner."""
    lon, lat = TO_WGS84.transform(WEST + points[:, 0], NORTH - points[:, 1])
    closed = [[round(a, 8), round(b, 8)] for a, b in zip(lon, lat, strict=True)]
    return [*closed, closed[0]]


def disc(east: float, south: float, radius: float, n: int = 40) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    wave = radius * (1 + 0.06 * np.sin(5 * angle))
    return np.column_stack([east + wave * np.cos(angle), south - wave * np.sin(angle)])


def photo_features() -> list[dict]:
    features = []
    for i in range(10):
        east, south = 25 + 45 * (i % 5), 45 + 80 * (i // 5)
        half = np.array([[-42, -30], [42, -30], [42, 30], [-42, 30]], dtype=float)
        lon, lat = TO_WGS84.transform(WEST + east, NORTH - south)
        name = f"DJI_{i + 1:04d}.JPG"
        aligned = i != 9
        geometry = (
            {"type": "Polygon", "coordinates": [ring(half + np.array([east, south]))]}
            if aligned else {"type": "Point", "coordinates": [lon, lat]}
        )
        features.append({
            "type": "Feature", "geometry": geometry,
            "properties": {
                "name": name, "sha256": hashlib.sha256(name.encode()).hexdigest(),
                "bytes": 8_412_345 + i, "width": 5280, "height": 3956,
                "time": f"2026-04-11T09:{14 + i:02d}:05+08:00", "camera": "DJI M3E",
                "lat": lat, "lon": lon, "altitude_m": 118.2, "relative_altitude_m": 90.0,
                "yaw_deg": 91.5, "pitch_deg": -90.0, "roll_deg": 0.0, "rtk": False,
                "flags": ["blurred"] if i == 9 else [], "aligned": aligned,
                "focal_px": 3713.0, "focal_source": "35 mm equivalent",
            },
        })
    return features


def measured(key: str, value: float, part: float, method: str) -> dict:
    return {
        key: value, f"{key}_lo": value * (1 - part), f"{key}_hi": value * (1 + part),
        f"{key}_method": method,
    }


def finding_features(root: Path, rgb: np.ndarray, photos: list[dict]) -> list[dict]:
    pile, road, soil = (
        disc(*PILES[0][:3]),
        np.array([[60, 78], [150, 72], [190, 80], [190, 90], [150, 82], [60, 91]], dtype=float),
        disc(*PILES[2][:2], 14.0),
    )
    d01 = {
        "code": "D01", "name_en": "uncovered open pile", "name_zh": "物料露天堆存",
        "severity": 3, "confidence": 0.87,
        **measured("area_m2", 921.4, 0.03, "outline on the orthomosaic"),
        **measured("volume_m3", 1968.2, 0.06, "surface model above a fitted base plane"),
        **measured("height_m", 6.46, 0.05, "highest point above the base"),
        **measured("cover_fraction", 0.04, 0.5, "share of pixels classed as net"),
        "fix_en": "Cover with a dust net now; build a closed shed.",
        "fix_zh": "立即用防尘网苫盖；限期建设封闭料棚。",
    }
    d09 = {
        "code": "D09", "name_en": "unpaved or dusty road", "name_zh": "道路积尘、未硬化",
        "severity": 2, "confidence": 0.71,
        **measured("area_m2", 1311.0, 0.08, "outline on the orthomosaic"),
        **measured("length_m", 132.0, 0.04, "medial axis"),
        "fix_en": "Sweep and wash; pave.", "fix_zh": "立即清扫冲洗；限期硬化路面。",
    }
    d16 = {
        "code": "D16", "name_en": "bare soil", "name_zh": "裸土", "severity": 1,
        "confidence": 0.55, **measured("area_m2", 615.0, 0.1, "outline on the orthomosaic"),
        "fix_en": "Cover with a net or sow grass.", "fix_zh": "覆盖防尘网或播撒草籽。",
    }
    outlines = [(d01, pile, 2), (d09, road, 3), (d16, soil, 1)]
    return [
        one_finding(root, rgb, photos, number=i + 1, props=props, outline=outline, crops=crops)
        for i, (props, outline, crops) in enumerate(outlines)
    ]


def one_finding(root, rgb, photos, *, number, props, outline, crops) -> dict:
    name = f"F{number:03d}"
    folder = root / "evidence" / name
    folder.mkdir(parents=True)
    evidence = [
        crop(root, folder, rgb, outline=outline, photo=photos[(number + k) % 9]["properties"],
             turn=k)
        for k in range(crops)
    ]
    dump(folder / "evidence.json", {"kilnsight": "0.1.0", "evidence": evidence})
    return {
        "type": "Feature", "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring(outline)]},
        "properties": props | {
            "status": "suspected", "clauses": [], "due": None, "evidence": evidence,
            "photos": [item["photo"] for item in evidence],
        },
    }


def crop(root, folder, rgb, *, outline, photo, turn) -> dict:
    """A stand-in for a crop of a photo: the map around the finding, turned, with the outline."""
    px = outline / CELL
    low = np.clip(px.min(axis=0) - 60, 0, None).astype(int)
    high = np.minimum(px.max(axis=0) + 60, [WIDTH, HEIGHT]).astype(int)
    picture = cv2.cvtColor(rgb[low[1]:high[1], low[0]:high[0]], cv2.COLOR_RGB2BGR)
    cv2.polylines(picture, [np.int32(px - low)], True, (40, 60, 235), 3, cv2.LINE_AA)
    size = (picture.shape[1], picture.shape[0])
    spin = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), 7.0 * turn, 1.12)
    picture = cv2.warpAffine(picture, spin, size)
    path = folder / f"{Path(photo['name']).stem}.jpg"
    if not path.name.startswith("DJI"):
        path = folder / "hostile.jpg"
    cv2.imwrite(str(path), picture)
    return {
        "photo": photo["name"], "sha256": photo["sha256"],
        "crop": path.relative_to(root).as_posix(), "polygon_px": (px * 2.1).round(1).tolist(),
        "crop_box_px": [*map(int, low * 2), *map(int, high * 2)], "score": 0.9 - 0.1 * turn,
    }


def quality() -> dict:
    return {
        "photos": {"given": 10, "used": 10, "aligned": 9, "unaligned": ["DJI_0010.JPG"]},
        "reprojection_error_px": 0.71, "points": 8123, "mean_track_length": 4.1,
        "gsd_m": 0.0213, "dsm_cell_m": 0.2, "ortho_cell_m": 0.1,
        "georeference": {
            "method": "similarity to GPS, robust",
            "horizontal_residual_m": {"median": 0.8, "p95": 1.9},
            "vertical_residual_m": {"median": 1.1, "p95": 3.2}, "tilt_sigma_deg": 0.3,
            "scale_sigma": 0.004, "height_offset_sigma_m": 4.0, "position_sigma_m": 1.2,
        },
        "coverage": {"area_m2": 36120.0, "hull_area_m2": 36850.0, "hole_fraction": 0.0198},
        "dsm_spread_m": {"median": 0.05, "p95": 0.31},
        "lens": {"prior_fx": 3713.0, "fx": 3720.4, "assumed": "35 mm equivalent"},
        "warnings": [{
            "code": "gps_altitude_drift",
            "text": {"en": "GPS altitude climbs by 12 m during the flight; heights were freed "
                           "from it, so only differences of height can be trusted.",
                     "zh_Hans": "飞行期间 GPS 高度漂移 12 米，建图时已消除其影响，"
                                "高程只宜用于相对比较。"},
        }],
    }


def about(items: list[dict], *, hostile: bool) -> dict:
    codes = [item["properties"]["code"] for item in items]
    plant = {"name": HOSTILE if hostile else "溧阳示例水泥有限公司", "id": "demo"}
    return {
        "kilnsight": "0.1.0", "name": "2026-04-11 yard", "created": "2026-04-11T12:00:00Z",
        "plant": plant, "crew": None, "permit": None,
        "flight": {"start": "2026-04-11T09:14:05+08:00", "end": "2026-04-11T09:23:05+08:00",
                   "time_zone": "UTC+8", "cameras": ["DJI M3E"]},
        "engine": {"name": "builtin", "parameters": {"size": 2000}},
        "map": {"crs": f"EPSG:{EPSG}", "vertical_datum": "GPS altitude, mean over the flight",
                "bounds": [WEST, NORTH - HEIGHT * CELL, WEST + WIDTH * CELL, NORTH]},
        "coverage": {"area_m2": 36120.0},
        "findings": {code: codes.count(code) for code in sorted(set(codes))},
        "seconds": {"align": 30},
    }
