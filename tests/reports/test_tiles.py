"""Tiles put together again must be the map they were cut from."""

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.transform import from_origin
from survey_maker import CELL, HEIGHT, NORTH, WEST, WIDTH

from kilnsight.errors import InputError
from kilnsight.reports.tiles import TILE, Box, Grid, grid_of, paint_ortho, read_box, webp


def assembled(folder, zoom, shape):
    out = np.zeros((-(-shape[0] // TILE) * TILE, -(-shape[1] // TILE) * TILE, 4), np.uint8)
    for path in folder.glob(f"{zoom}/*/*.webp"):
        x, y = int(path.parent.name), int(path.stem)
        out[y * TILE:(y + 1) * TILE, x * TILE:(x + 1) * TILE] = Image.open(path).convert("RGBA")
    return out[:shape[0], :shape[1]]


def test_native_zoom_is_the_map_pixel_by_pixel(survey):
    grid = grid_of(survey / "map" / "ortho.tif")
    picture = assembled(survey / "report" / "ortho", grid.max_zoom, (HEIGHT, WIDTH))
    with rasterio.open(survey / "map" / "ortho.tif") as source:
        truth, mask = np.moveaxis(source.read(), 0, -1), source.dataset_mask()
    assert np.array_equal(picture[..., 3] > 127, mask > 127)
    error = np.abs(picture[..., :3].astype(int) - truth)[mask > 0]
    assert error.mean() < 3
    # A shift by a pixel would show at the shed's edge.
    edge = slice(300, 320), slice(1700, 2150)
    assert np.abs(picture[edge][..., :3].astype(int) - truth[edge]).mean() < 6
    shifted = np.abs(picture[edge][..., :3].astype(int) - np.roll(truth, 2, axis=0)[edge]).mean()
    assert shifted > np.abs(picture[edge][..., :3].astype(int) - truth[edge]).mean()


@pytest.mark.parametrize("layer", ["ortho", "relief"])
def test_whole_map_in_one_tile_at_zoom_zero(survey, layer):
    tiles = list((survey / "report" / layer / "0").rglob("*.webp"))
    assert len(tiles) == 1
    picture = np.asarray(Image.open(tiles[0]).convert("RGBA"))
    used = picture[..., 3] > 0
    factor = 2 ** Grid(0, 0, 1, WIDTH, HEIGHT, "").max_zoom
    assert abs(np.flatnonzero(used.any(axis=0)).max() + 1 - WIDTH / factor) <= 1
    assert abs(np.flatnonzero(used.any(axis=1)).max() + 1 - HEIGHT / factor) <= 1


@pytest.fixture(scope="module")
def ramp_raster(tmp_path_factory):
    path = tmp_path_factory.mktemp("ramp") / "ramp.tif"
    east, south = np.meshgrid(np.arange(96) + 0.5, np.arange(64) + 0.5)
    with rasterio.open(
        path, "w", driver="GTiff", count=2, dtype="float32", width=96, height=64,
        crs="EPSG:32650", transform=from_origin(WEST, NORTH, CELL, CELL),
    ) as out:
        out.write(np.stack([east, south]).astype(np.float32))
    return path


@settings(max_examples=60, deadline=None)
@given(st.floats(-20, 90), st.floats(-20, 60), st.sampled_from([0.5, 1.0, 2.0, 4.0]))
def test_a_box_shows_the_place_it_names(ramp_raster, col, row, scale):
    box = Box(WEST + col * CELL, NORTH - row * CELL, CELL * scale, 24, 16)
    with rasterio.open(ramp_raster) as source:
        east, south = read_box(source, box, bands=[1, 2], fill=-999)
    columns = col + (np.arange(24) + 0.5) * scale
    rows = row + (np.arange(16) + 0.5) * scale
    known = east != -999
    assert known[:, (columns > 2) & (columns < 94)][(rows > 2) & (rows < 62)].all()
    inner = known & ((columns > 4) & (columns < 92)) & ((rows > 4) & (rows < 60))[:, None]
    assert np.abs(east - columns)[inner].max(initial=0) <= max(0.75 * scale, 0.75)
    assert np.abs(south - rows[:, None])[inner].max(initial=0) <= max(0.75 * scale, 0.75)


def test_outside_the_raster_nothing_is_seen(survey):
    box = Box(WEST - 1000, NORTH, CELL, 32, 32)
    with rasterio.open(survey / "map" / "ortho.tif") as source:
        assert not paint_ortho(source, box)[..., 3].any()


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_zoom_zero_fits_one_tile(width, height):
    grid = Grid(0, 0, 0.1, width, height, "")
    longest = max(width, height)
    assert longest <= TILE * 2**grid.max_zoom
    assert grid.max_zoom == 0 or longest > TILE * 2 ** (grid.max_zoom - 1)
    assert grid.zoom_for(0.1) == grid.max_zoom
    assert grid.zoom_for(0.2) == max(0, grid.max_zoom - 1)
    assert 0 <= grid.zoom_for(1e9) <= grid.max_zoom


def test_opaque_picture_has_no_alpha():
    picture = np.full((8, 8, 4), 255, np.uint8)
    opaque = webp(picture)
    picture[0, 0, 3] = 0
    assert b"ALPH" not in opaque
    assert b"ALPH" in webp(picture)


def test_a_map_that_is_no_map_is_named(tmp_path):
    (tmp_path / "ortho.tif").write_bytes(b"junk")
    with pytest.raises(InputError, match=r"ortho\.tif"):
        grid_of(tmp_path / "ortho.tif")
