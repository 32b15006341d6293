"""Rasters on disk: cloud-optimised GeoTIFFs, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from kilnsight.mapping.grid import Grid

BLOCK = 512
"""Side of the internal tiles, pixels."""
JPEG_QUALITY = 90
CACHE_MIB = 128
"""Memory GDAL may hold for blocks of a raster."""


def write_floats(
    path: Path, values: NDArray[np.float32], *, grid: Grid, crs: str, name: str
) -> None:
    """Write one band of metres as a COG, NaN being no data."""
    rough = path.with_suffix(".rough.tif")
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MIB):
        with rasterio.open(
            rough, "w", driver="GTiff", width=grid.nx, height=grid.ny, count=1, dtype="float32",
            crs=crs, transform=grid.transform, nodata=np.nan, tiled=True, blockxsize=BLOCK,
            blockysize=BLOCK, compress="DEFLATE", predictor=3, zlevel=1,
        ) as target:
            target.write(values, 1)
            target.set_band_description(1, name)
            target.set_band_unit(1, "m")
        _to_cog(rough, path, compress="DEFLATE", predictor="FLOATING_POINT", level="6",
                overview_resampling="AVERAGE")


def write_colours(
    path: Path, tiles: Iterable[tuple[Grid, slice, slice, NDArray[np.uint8]]], *,
    grid: Grid, crs: str,
) -> None:
    """Write tiles of RGBA, (4, ny, nx), as a COG in JPEG with a mask."""
    rough = path.with_suffix(".rough.tif")
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MIB):
        with rasterio.open(
            rough, "w", driver="GTiff", width=grid.nx, height=grid.ny, count=4, dtype="uint8",
            crs=crs, transform=grid.transform, tiled=True, blockxsize=BLOCK, blockysize=BLOCK,
            compress="LZW", bigtiff="IF_SAFER", sparse_ok=True, interleave="pixel",
        ) as target:
            target.colorinterp = (
                ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha
            )
            for _grid, rows, columns, picture in tiles:
                target.write(picture, window=((rows.start, rows.stop),
                                              (columns.start, columns.stop)))
        _to_cog(rough, path, compress="JPEG", quality=str(JPEG_QUALITY),
                overview_resampling="AVERAGE")


def _to_cog(rough: Path, path: Path, **options: str) -> None:
    """Turn a GeoTIFF into a COG with overviews; the first is removed."""
    part = path.with_suffix(".part.tif")
    rasterio.shutil.copy(
        rough, part, driver="COG", blocksize=str(BLOCK), bigtiff="IF_SAFER", **options
    )
    part.replace(path)
    rough.unlink()


def read_floats(path: Path) -> tuple[NDArray[np.float32], Grid]:
    """First band of a raster, and its grid."""
    with rasterio.open(path) as source:
        t = source.transform
        return (
            np.asarray(source.read(1), dtype=np.float32),
            Grid(t.c, t.f, t.a, source.height, source.width),
        )
