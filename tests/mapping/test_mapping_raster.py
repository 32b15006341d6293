import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp, MaskFlags

from kilnsight.mapping.grid import Grid
from kilnsight.mapping.raster import BLOCK, read_floats, write_colours, write_floats

GRID = Grid(500_000.0, 3_300_000.0, 0.25, 1300, 1100)


def heights():
    y, x = np.mgrid[:1300, :1100]
    values = (400 + 3 * np.sin(x / 90) + y / 500).astype(np.float32)
    values[:200, :300] = np.nan
    return values


def tiles(picture, grid=GRID):
    for rows, columns, *_ in grid.tiles(512, halo=0):
        yield grid, rows, columns, np.ascontiguousarray(picture[:, rows, columns])


def picture():
    y, x = np.mgrid[:1300, :1100]
    rgb = np.stack([x % 200 + 30, y % 200 + 30, (x + y) % 200 + 30]).astype(float)
    rgb = np.stack([90 + 60 * np.sin(b / 60) for b in rgb])
    rgba = np.concatenate([rgb, np.full((1, 1300, 1100), 255.0)]).astype(np.uint8)
    rgba[:, 700:, 600:] = 0
    return rgba


def assert_cog(path):
    with rasterio.open(path) as source:
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.block_shapes[0] == (BLOCK, BLOCK)
        assert source.overviews(1)[:2] == [2, 4][: len(source.overviews(1))]
        assert source.overviews(1)
        assert source.crs.to_epsg() == 32750
        assert source.shape == GRID.shape
        assert source.transform.almost_equals(GRID.transform, 1e-6)


def test_heights_come_back_from_a_cloud_optimised_file(tmp_path):
    path = tmp_path / "dsm.tif"
    write_floats(path, heights(), grid=GRID, crs="EPSG:32750", name="height")
    assert_cog(path)
    with rasterio.open(path) as source:
        assert np.isnan(source.nodata)
        assert source.dtypes == ("float32",)
        assert source.descriptions == ("height",)
        assert source.units == ("m",)
        assert (source.read_masks(1) == 0).sum() == 200 * 300
        small = source.read(1, out_shape=(325, 275))
        np.testing.assert_allclose(small[80:, 80:], heights()[::4, ::4][80:, 80:], atol=0.3)
        assert np.isnan(small[:45, :70]).all()
    back, grid = read_floats(path)
    np.testing.assert_array_equal(back, heights())
    assert grid == GRID
    assert [p.name for p in tmp_path.iterdir()] == ["dsm.tif"]


def test_colours_come_back_with_their_mask(tmp_path):
    path, wanted = tmp_path / "ortho.tif", picture()
    write_colours(path, tiles(wanted), grid=GRID, crs="EPSG:32750")
    assert_cog(path)
    with rasterio.open(path) as source:
        assert source.count == 3
        assert source.colorinterp == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        assert source.compression.value.upper() == "JPEG"
        assert source.mask_flag_enums[0] == [MaskFlags.per_dataset]
        np.testing.assert_array_equal(source.dataset_mask(), wanted[3])
        seen = wanted[3] > 0
        off = np.abs(source.read().astype(int) - wanted[:3])[:, seen]
    assert np.median(off) <= 2
    assert np.percentile(off, 99) <= 12
    assert [p.name for p in tmp_path.iterdir()] == ["ortho.tif"]


def test_tiles_that_are_left_out_are_masked(tmp_path):
    path, wanted = tmp_path / "ortho.tif", picture()
    few = [t for t in tiles(wanted) if t[1].start == 0]
    write_colours(path, iter(few), grid=GRID, crs="EPSG:32750")
    with rasterio.open(path) as source:
        mask = source.dataset_mask()
    assert (mask[:512] == 255).all()
    assert not mask[512:].any()


def test_an_interrupted_write_leaves_the_earlier_map(tmp_path):
    path = tmp_path / "ortho.tif"
    write_colours(path, tiles(picture()), grid=GRID, crs="EPSG:32750")
    before = path.read_bytes()

    def broken():
        yield next(tiles(picture()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_colours(path, broken(), grid=GRID, crs="EPSG:32750")
    assert path.read_bytes() == before
    write_colours(path, tiles(picture()), grid=GRID, crs="EPSG:32750")
    assert [p.name for p in tmp_path.iterdir()] == ["ortho.tif"]


def test_same_map_same_bytes(tmp_path):
    order = list(tiles(picture()))
    files = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for file, these in zip(files, (order, order[::-1]), strict=True):
        write_colours(file, iter(these), grid=GRID, crs="EPSG:32750")
    assert files[0].read_bytes() == files[1].read_bytes()
