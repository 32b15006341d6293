"""Image tiles cut from a map in its own grid, by windows, so that a map of any size fits."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import Resampling
from rasterio.windows import Window

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _

TILE = 512
"""Side of a tile, pixels."""

QUALITY = 80
_METHOD = 1
"""WebP effort: three times as fast as the default and 10 % larger."""

_SNAP = 1e-3
"""Part of a pixel that is taken for rounding."""

_CACHE_MIB = 128
"""GDAL's cache of raster blocks while tiles are cut; without a bound it takes 5 % of memory."""

_env: Any = rasterio.Env

Pixels = NDArray[np.uint8]
Painter = Callable[[Any, "Box"], Pixels]
"""Gives the RGBA picture, shape (h, w, 4), of a box of an open raster."""


@dataclass(frozen=True)
class Grid:
    """Pixel grid of the map: upper left corner and cell in metres, size in pixels, CRS."""

    west: float
    north: float
    cell: float
    width: int
    height: int
    crs: str

    @property
    def max_zoom(self) -> int:
        """Zoom at which a tile's pixel is a pixel of the map; at 0 one tile shows all."""
        return max(0, math.ceil(math.log2(max(self.width, self.height) / TILE)))

    def zoom_for(self, cell: float) -> int:
        """Coarsest zoom whose pixels are no larger than `cell` metres."""
        return min(self.max_zoom, max(0, self.max_zoom - math.floor(math.log2(cell / self.cell))))


@dataclass(frozen=True)
class Box:
    """A part of the map: bounds in metres and the size in pixels, (width, height), it is drawn at.
    """

    west: float
    north: float
    cell: float
    width: int
    height: int


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what rasterio raises on a broken file into InputError with the file's name."""
    try:
        yield
    except rasterio.errors.RasterioError as error:
        raise InputError(
            _("The map cannot be read."), remedy=_("Run `kilnsight survey` again."), file=path
        ) from error


def grid_of(path: Path) -> Grid:
    """Grid of a raster; InputError where the file cannot be read or is not north-up and square."""
    with readable(path), rasterio.open(path) as source:
        t = source.transform
        if t.b or t.d or t.a <= 0 or not math.isclose(t.a, -t.e, rel_tol=1e-6):
            raise InputError(
                _("The map is not north-up with square cells."),
                remedy=_("Warp it, for example with gdalwarp, and try again."), file=path,
            )
        wkt = source.crs.to_wkt() if source.crs else ""
        return Grid(t.c, t.f, t.a, source.width, source.height, wkt)


def read_box(
    source: Any, box: Box, *, bands: list[int], fill: float,
    resampling: Resampling = Resampling.bilinear,
) -> NDArray[Any]:
    """Bands of an open raster over a box, (bands, height, width); `fill` outside the raster.

    Overviews are used where the box is coarser than the raster.
    """
    shape = (len(bands), box.height, box.width)
    out = np.full(shape, fill, dtype=source.dtypes[bands[0] - 1])
    window, rows, columns = _overlap(source, box)
    part = out[:, rows, columns]
    if part.size:
        part[:] = source.read(bands, window=window, out_shape=part.shape, resampling=resampling)
    return out


def read_mask(source: Any, box: Box) -> Pixels:
    """Mask of an open raster over a box, shape (height, width): 255 where something was seen."""
    out = np.zeros((box.height, box.width), dtype=np.uint8)
    window, rows, columns = _overlap(source, box)
    part = out[rows, columns]
    if part.size:
        part[:] = source.dataset_mask(window=window, out_shape=part.shape)
    return out


def _overlap(source: Any, box: Box) -> tuple[Window, slice, slice]:
    """Where box and raster meet: window in the raster, rows and columns in the box."""
    t = source.transform
    scale = box.cell / t.a
    left, top = (box.west - t.c) / t.a, (t.f - box.north) / t.a
    x0, x1 = (_pixel(v - left, scale, box.width) for v in (0, source.width))
    y0, y1 = (_pixel(v - top, scale, box.height) for v in (0, source.height))
    col, right = (_inside(left + x * scale, source.width) for x in (x0, x1))
    row, bottom = (_inside(top + y * scale, source.height) for y in (y0, y1))
    return Window(col, row, right - col, bottom - row), slice(y0, y1), slice(x0, x1)


def _inside(place: float, limit: int) -> float:
    # A place off a pixel's edge by rounding alone would make GDAL resample, twelve times slower.
    near = round(place)
    return min(float(limit), max(0.0, float(near) if abs(place - near) < _SNAP else place))


def _pixel(offset: float, scale: float, limit: int) -> int:
    return min(limit, max(0, round(offset / scale)))


def paint_ortho(source: Any, box: Box) -> Pixels:
    """RGBA of an orthomosaic over a box; transparent where nothing was seen."""
    bands = [1, 2, 3] if source.count >= 3 else [1, 1, 1]
    colours = read_box(source, box, bands=bands, fill=0, resampling=Resampling.average)
    return np.dstack([*colours, read_mask(source, box)]).astype(np.uint8)


def cut_tiles(raster: Path, out: Path, *, grid: Grid, max_zoom: int, paint: Painter) -> list[str]:
    """Write `out/z/x/y.webp` for zooms 0 to `max_zoom`; the `z/x/y` that are empty and not written.
    """
    rows = [(z, y) for z in range(max_zoom, -1, -1) for y in range(_tiles(grid, z)[1])]

    def one_row(row: tuple[int, int]) -> list[str]:
        with _env(GDAL_CACHEMAX=_CACHE_MIB), rasterio.open(raster) as source:
            return [name for name in _row(source, out, grid=grid, row=row, paint=paint) if name]

    with readable(raster), ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return sorted(name for empty in pool.map(one_row, rows) for name in empty)


def _tiles(grid: Grid, zoom: int) -> tuple[int, int]:
    """Columns and rows of tiles at a zoom."""
    side = TILE * 2 ** (grid.max_zoom - zoom)
    return math.ceil(grid.width / side), math.ceil(grid.height / side)


def _row(
    source: Any, out: Path, *, grid: Grid, row: tuple[int, int], paint: Painter
) -> Iterator[str]:
    """Write a row of tiles; the names of those that are empty."""
    zoom, y = row
    cell = grid.cell * 2 ** (grid.max_zoom - zoom)
    for x in range(_tiles(grid, zoom)[0]):
        box = Box(grid.west + x * TILE * cell, grid.north - y * TILE * cell, cell, TILE, TILE)
        picture = paint(source, box)
        if not picture[..., 3].any():
            yield f"{zoom}/{x}/{y}"
            continue
        path = out / str(zoom) / str(x) / f"{y}.webp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(webp(picture))


def webp(picture: Pixels) -> bytes:
    """WebP of an RGB or RGBA picture; an opaque one is written without alpha."""
    if picture.shape[2] == 4 and (picture[..., 3] == 255).all():
        picture = picture[..., :3]
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(
        stream, "webp", quality=QUALITY, method=_METHOD, alpha_quality=90
    )
    return stream.getvalue()
