"""Small scenes with exact truth, written as survey folders."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from scipy import ndimage
from shapely.geometry import Point, Polygon, box

EAST, NORTH = 500000.0, 3300000.0
CRS = "EPSG:32650"
GRASS, SOIL, ASPHALT, SAND, ROOF = (
    (92, 124, 66), (150, 118, 84), (95, 96, 99), (196, 180, 150), (70, 105, 160),
)


@dataclass
class Scene:
    """A plot of `size` metres, origin at its south-west corner, painted and piled up."""

    size: float = 160.0
    cell: float = 0.2
    slope: float = 0.03
    seed: int = 0
    base_rgb: tuple[int, int, int] = GRASS
    truth: list[dict] = field(default_factory=list)

    def __post_init__(self):
        n = round(self.size / self.cell)
        self.x, self.y = np.meshgrid(
            (np.arange(n) + 0.5) * self.cell, self.size - (np.arange(n) + 0.5) * self.cell
        )
        self.random = np.random.default_rng(self.seed)
        self.ground = 50 + self.slope * self.x + 0.5 * self.slope * self.y
        self.dsm = self.ground.copy()
        self.rgb = np.empty((n, n, 3))
        self.rgb[:] = self.base_rgb

    def paint(self, polygon, colour):
        from shapely import contains_xy

        self.rgb[contains_xy(polygon, self.x, self.y)] = colour

    def cone(self, x, y, height, *, slope_deg=35.0, colour=SAND, stretch=0.0):
        """Pile at repose; `stretch` metres of ridge eastwards. Stands on the sloping ground."""
        tan = math.tan(math.radians(slope_deg))
        dx = np.maximum(np.abs(self.x - x) - stretch / 2, 0)
        top = height - tan * np.hypot(dx, self.y - y)
        inside = top > 0
        before = self.dsm.copy()
        self.dsm = np.where(inside, np.maximum(self.dsm, self.ground + top), self.dsm)
        self.rgb[inside] = colour
        radius = height / tan
        core = Polygon([(x - stretch / 2, y - 1e-6), (x + stretch / 2, y), (x, y + 1e-6)])
        shape = Point(x, y).buffer(radius, 64) if stretch == 0 else core.buffer(radius, 64)
        volume = math.pi * radius**2 * height / 3 + stretch * radius * height
        self.truth.append({"polygon": shape, "volume": volume, "height": height})
        return before

    def shed(self, west, south, east, north, *, height=9.0, pitch=0.12, colour=ROOF):
        inside = (self.x > west) & (self.x < east) & (self.y > south) & (self.y < north)
        ridge = (south + north) / 2
        top = self.ground.max() + height - pitch * np.abs(self.y - ridge)
        self.dsm = np.where(inside, top, self.dsm)
        self.rgb[inside] = colour
        return box(west, south, east, north)

    def tree(self, x, y, radius=4.0, height=8.0):
        r = np.hypot(self.x - x, self.y - y)
        inside = r < radius
        bump = height * np.sqrt(np.clip(1 - (r / radius) ** 2, 0, 1)) * 0.6 + 0.4 * height
        noise = ndimage.gaussian_filter(self.random.normal(0, 1, r.shape), 2) * 5
        self.dsm = np.where(inside, self.ground + bump + noise, self.dsm)
        self.rgb[inside] = (58, 92, 40)

    def noisy(self, sigma, *, length=0.6):
        """Adds height noise of `sigma` metres correlated over `length` metres, and grain."""
        white = self.random.normal(0, 1, self.dsm.shape)
        noise = ndimage.gaussian_filter(white, length / self.cell)
        self.dsm = self.dsm + noise * sigma / noise.std()
        self.rgb = self.rgb + self.random.normal(0, 6, self.rgb.shape)
        return self

    def write(self, survey: Path, *, sigma=0.03, scale_sigma=0.002, views=()):
        """Survey folder with map/ortho.tif, dsm.tif, dsm_spread.tif, cameras.json, quality.json."""
        folder = Path(survey) / "map"
        folder.mkdir(parents=True, exist_ok=True)
        n = self.dsm.shape[0]
        common = {
            "driver": "GTiff", "width": n, "height": n, "crs": CRS, "tiled": True,
            "transform": from_origin(EAST, NORTH + self.size, self.cell, self.cell),
        }
        with rasterio.open(folder / "dsm.tif", "w", count=1, dtype="float32", nodata=math.nan,
                           **common) as out:
            out.write(self.dsm.astype(np.float32), 1)
        with rasterio.open(folder / "dsm_spread.tif", "w", count=1, dtype="float32",
                           nodata=math.nan, **common) as out:
            out.write(np.full(self.dsm.shape, sigma, np.float32), 1)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
            folder / "ortho.tif", "w", count=3, dtype="uint8", **common
        ) as out:
            out.write(np.clip(self.rgb, 0, 255).astype(np.uint8).transpose(2, 0, 1))
            out.write_mask(np.isfinite(self.dsm))
        (folder / "quality.json").write_text(
            json.dumps({"georeference": {"scale_sigma": scale_sigma}})
        )
        (folder / "cameras.json").write_text(json.dumps(cameras_json(views)))
        return Path(survey)


def cameras_json(views):
    """Stored form of kilnsight views that share one lens."""
    if not views:
        return {"crs": CRS, "cameras": [], "views": []}
    return {
        "crs": CRS, "cameras": [{"id": 0, **views[0].camera.as_dict()}],
        "views": [{"photo": v.name, "camera": 0, "rotation": v.pose.rotation.tolist(),
                   "centre": v.pose.centre.tolist()} for v in views],
    }


def on_map(polygon):
    """Polygon of a scene in map coordinates."""
    from shapely.affinity import translate

    return translate(polygon, EAST, NORTH)


def plant(seed=0, *, cell=0.2, slope=0.03):
    """Mixed scene: two piles apart, two that touch, a shed, trees, a truck."""
    scene = Scene(160, cell, slope, seed)
    scene.paint(box(20, 20, 140, 110), ASPHALT)
    scene.cone(45, 45, 6)
    scene.cone(95, 40, 4, stretch=20)
    scene.cone(60, 85, 5)
    scene.cone(71, 85, 5, colour=(120, 118, 112))
    scene.shed(100, 70, 135, 100)
    for x, y in ((15, 130), (40, 140), (70, 132), (120, 135), (121, 141)):
        scene.tree(x, y)
    scene.shed(30, 70, 38, 72.6, height=0.5)
    return scene
