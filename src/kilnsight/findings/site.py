"""A surveyed site as the finders see it: ortho, surface model, spread and views, by windows."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Proj
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError
from rasterio.vrt import WarpedVRT

from kilnsight.errors import InputError
from kilnsight.findings.grid import disk
from kilnsight.i18n import gettext as _
from kilnsight.mapping.grid import Bounds, Grid
from kilnsight.mapping.views import read_views
from kilnsight.photos.camera import View

DEFAULT_SCALE_SIGMA = 0.01
"""Relative scale error taken where the survey does not state one: hand-held GPS, 100 m across."""
DEFAULT_SPREAD_M = 0.1
"""Height error of a cell taken where there is no spread layer, metres."""
MAX_SPREAD_M = 0.6
"""Height error from which a cell is not believed at all, metres."""
SPIKE_M = 1.0
"""Height by which a thing narrower than `SPIKE_WIDTH_M` is a mistake of matching, metres."""
SPIKE_WIDTH_M = 0.7
"""Width up to which a thing that stands out so far is no heap of anything, metres."""
MIN_SPREAD_M = 0.01
"""Smallest height error believed, metres: dense matching never does better than a centimetre."""


@dataclass(frozen=True)
class SiteMap:
    """The map part of a survey folder, opened for reading windows at any resolution.

    `crs` and `bounds` are those of the surface model, `dsm_cell` and `ortho_cell` in metres.
    """

    folder: Path
    crs: CRS
    bounds: Bounds
    dsm_cell: float
    ortho_cell: float
    quality: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, survey: Path | str) -> SiteMap:
        """Site map of a survey folder; raises InputError where a layer is missing or unusable."""
        folder = Path(survey) / "map"
        dsm, ortho = _describe(folder / "dsm.tif"), _describe(folder / "ortho.tif")
        if not dsm["crs"] or not CRS(dsm["crs"]).is_projected:
            raise InputError(
                _("The surface model has no projected coordinate system."),
                remedy=_("Give it one in metres, such as the UTM zone of the site."),
                file=folder / "dsm.tif",
            )
        quality_file = folder / "quality.json"
        quality = json.loads(quality_file.read_text("utf-8")) if quality_file.exists() else {}
        return cls(
            folder, CRS(dsm["crs"]), dsm["bounds"], dsm["cell"], ortho["cell"], quality
        )

    def grid(self, cell: float, *, bounds: Bounds | None = None) -> Grid:
        """Grid with cells of `cell` metres over `bounds`, or over the whole surface model."""
        return Grid.cover(bounds or self.bounds, cell=cell)

    def dsm(self, grid: Grid) -> NDArray[np.float32]:
        """Heights of the surface model on a grid, shape (ny, nx), metres, NaN where unknown.

        Cells whose spread is above `MAX_SPREAD_M` and spikes count as unknown.
        """
        dsm = _read_floats(self.folder / "dsm.tif", grid, cell=self.dsm_cell)
        path = self.folder / "dsm_spread.tif"
        if path.exists():
            dsm[_read_floats(path, grid, cell=self.dsm_cell) > MAX_SPREAD_M] = np.nan
        dsm[_spikes(dsm, cell=grid.cell)] = np.nan
        return dsm

    def spread(self, grid: Grid) -> NDArray[np.float32]:
        """Standard deviation of the heights, shape (ny, nx), metres; a default where unknown."""
        path = self.folder / "dsm_spread.tif"
        if not path.exists():
            return np.full(grid.shape, DEFAULT_SPREAD_M, np.float32)
        spread = _read_floats(path, grid, cell=self.dsm_cell)
        spread[~np.isfinite(spread)] = DEFAULT_SPREAD_M
        return np.maximum(spread, np.float32(MIN_SPREAD_M))

    def ortho(self, grid: Grid) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Colours, shape (ny, nx, 3), RGB, and where they were seen, shape (ny, nx)."""
        how = Resampling.average if grid.cell > self.ortho_cell else Resampling.bilinear
        with rasterio.open(self.folder / "ortho.tif") as source, WarpedVRT(
            source, crs=source.crs, transform=grid.transform, width=grid.nx, height=grid.ny,
            resampling=how, add_alpha=source.count == 3,
        ) as view:
            bands = view.read()
        seen = bands[3] >= 128 if len(bands) > 3 else np.ones(grid.shape, bool)
        return np.ascontiguousarray(bands[:3].transpose(1, 2, 0)), seen

    @cached_property
    def views(self) -> dict[str, View]:
        """View of each aligned photo by its file name; empty where no cameras are stored."""
        path = self.folder / "cameras.json"
        if not path.exists():
            return {}
        return {view.name: view for view in read_views(path)}

    @cached_property
    def grid_scale(self) -> float:
        """Grid metres per ground metre at the middle of the site (0.9996 to 1.001 in UTM)."""
        west, south, east, north = self.bounds
        projection = Proj(self.crs)
        lon, lat = projection((west + east) / 2, (south + north) / 2, inverse=True)
        factors = projection.get_factors(lon, lat)
        return math.sqrt(factors.areal_scale)

    @cached_property
    def scale_sigma(self) -> float:
        """Relative standard deviation of the map's scale, from its quality report."""
        georeference = self.quality.get("georeference") or {}
        value = georeference.get("scale_sigma")
        return float(value) if value is not None else DEFAULT_SCALE_SIGMA


def _spikes(dsm: NDArray[np.float32], *, cell: float) -> NDArray[np.bool_]:
    """Cells that stand out from all around them, up or down, as no surface on a site does."""
    if cell > SPIKE_WIDTH_M / 2:
        return np.zeros(dsm.shape, bool)
    known, kernel = np.isfinite(dsm), disk(SPIKE_WIDTH_M / 2, cell=cell)
    low = np.where(known, dsm, np.float32(1e6))
    high = np.where(known, dsm, np.float32(-1e6))
    up = dsm - cv2.dilate(np.where(known, cv2.erode(low, kernel), -1e6), kernel) > SPIKE_M
    down = cv2.erode(np.where(known, cv2.dilate(high, kernel), 1e6), kernel) - dsm > SPIKE_M
    return np.asarray(up | down)


def _describe(path: Path) -> dict[str, Any]:
    """CRS, bounds and cell size of a raster."""
    try:
        with rasterio.open(path) as source:
            bounds = source.bounds
            return {
                "crs": source.crs, "cell": abs(source.transform.a),
                "bounds": (bounds.left, bounds.bottom, bounds.right, bounds.top),
            }
    except RasterioIOError as error:
        raise InputError(
            _("This map layer is missing or cannot be read."),
            remedy=_("Run the survey again, or put a GeoTIFF there."), file=path,
        ) from error


def _read_floats(path: Path, grid: Grid, *, cell: float) -> NDArray[np.float32]:
    """First band of a raster on a grid, NaN outside and where there is no data."""
    how = Resampling.average if grid.cell > 1.01 * cell else Resampling.bilinear
    with rasterio.open(path) as source, WarpedVRT(
        source, crs=source.crs, transform=grid.transform, width=grid.nx, height=grid.ny,
        resampling=how, src_nodata=math.nan, nodata=math.nan, dtype="float32",
    ) as view:
        return np.asarray(view.read(1), dtype=np.float32)
