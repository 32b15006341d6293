import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point

from kilnsight.findings.grid import burn, grow, polygons, resample, smooth_outline
from kilnsight.mapping.grid import Grid


@given(
    st.floats(-1e3, 1e6), st.floats(-1e3, 1e6), st.floats(1, 300), st.floats(1, 300),
    st.sampled_from([0.1, 0.25, 0.5, 1.0]),
)
def test_cover_holds_its_bounds(west, south, wide, high, cell):
    bounds = (west, south, west + wide, south + high)
    grid = Grid.cover(bounds, cell=cell)
    w, s, e, n = grid.bounds
    slack = 1e-3 * cell + 1e-6
    assert w <= west + slack and s <= south + slack
    assert e >= bounds[2] - slack and n >= bounds[3] - slack
    assert e - w < wide + 2 * cell + slack


def test_centres_and_indices_are_inverse():
    grid = Grid(100.0, 50.0, 0.5, 4, 6)
    x, y = grid.centres()
    xx, yy = np.meshgrid(x, y)
    rows, columns = grid.indices(np.column_stack([xx.ravel(), yy.ravel()]))
    assert rows.reshape(4, 6) == pytest.approx(np.repeat(np.arange(4)[:, None], 6, axis=1))
    assert columns.reshape(4, 6) == pytest.approx(np.repeat(np.arange(6)[None], 4, axis=0))


@given(st.integers(1, 90), st.integers(1, 90), st.integers(5, 40), st.integers(0, 9))
def test_tiles_meet_without_overlap(ny, nx, size, halo):
    seen = np.zeros((ny, nx), int)
    for rows, columns, *inner in Grid(0, 0, 1, ny, nx).tiles(size, halo=halo):
        seen[rows, columns][tuple(inner)] += 1
    assert (seen == 1).all()


def test_burning_and_outlining_keep_holes_and_area():
    grid = Grid.cover((0, 0, 40, 40), cell=0.25)
    ring = Point(20, 20).buffer(12).difference(Point(20, 20).buffer(5))
    outline = polygons(grid, burn(grid, ring))
    assert len(outline) == 1
    smooth = smooth_outline(outline[0], cell=grid.cell)
    assert smooth.is_valid and len(smooth.interiors) == 1
    assert smooth.area == pytest.approx(ring.area, rel=0.01)
    assert smooth.length == pytest.approx(ring.length, rel=0.03)


def test_resample_reads_a_plane_exactly():
    source = Grid.cover((0, 0, 20, 20), cell=1.0)
    x, y = source.centres()
    plane = (2 * x[None] - 3 * y[:, None]).astype(np.float32)
    target = Grid.cover((3, 4, 15, 16), cell=0.2)
    tx, ty = target.centres()
    assert resample(plane, source=source, target=target) == pytest.approx(
        2 * tx[None] - 3 * ty[:, None], abs=1e-4
    )


def test_part_is_cut_to_the_grid():
    grid = Grid(0.0, 10.0, 1.0, 10, 10)
    assert grid.part((2.2, 3.1, 4.0, 5.5)) == (slice(4, 7), slice(2, 4))
    rows, columns = grid.part((50, 50, 60, 60))
    assert rows.start == rows.stop == 0 and columns.start == columns.stop == 10


def test_grow_is_in_metres():
    mask = np.zeros((41, 41), bool)
    mask[20, 20] = True
    assert grow(mask, 2.0, cell=0.25).sum() == pytest.approx(np.pi * 8**2, rel=0.1)
