import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.mapping.grid import Grid

cells = st.sampled_from([0.05, 0.1, 0.125, 0.25, 0.5, 1.0, 2.0])
grids = st.builds(
    lambda c, left, top, ny, nx: Grid(left * c, top * c, c, ny, nx),
    cells, st.integers(-10_000, 10_000), st.integers(-10_000, 10_000),
    st.integers(1, 60), st.integers(1, 60),
)
spans = st.tuples(st.floats(-500, 500), st.floats(-500, 500),
                  st.floats(0.01, 60), st.floats(0.01, 60))


@given(spans, cells)
def test_cover_covers_and_hardly_more(span, cell):
    west, south, width, height = span
    grid = Grid.cover((west, south, west + width, south + height), cell=cell)
    w, s, e, n = grid.bounds
    slack = 2e-6 * cell + 1e-9
    assert w <= west + slack and s <= south + slack
    assert e >= west + width - slack and n >= south + height - slack
    assert e - w < width + 2 * cell + slack and n - s < height + 2 * cell + slack
    assert abs(grid.west / cell - round(grid.west / cell)) < 1e-6


@given(grids)
def test_covering_the_own_bounds_gives_the_grid(grid):
    again = Grid.cover(grid.bounds, cell=grid.cell)
    assert again.shape == grid.shape
    assert again.west == pytest.approx(grid.west, abs=1e-6)
    assert again.north == pytest.approx(grid.north, abs=1e-6)


@given(grids)
def test_indices_undo_centres(grid):
    x, y = grid.centres()
    rows, columns = grid.indices(np.column_stack([np.resize(x, grid.nx),
                                                  np.full(grid.nx, y[0])]))
    np.testing.assert_allclose(columns, np.arange(grid.nx), atol=1e-6)
    np.testing.assert_allclose(rows, 0, atol=1e-6)
    rows, _ = grid.indices(np.column_stack([np.full(grid.ny, x[0]), y]))
    np.testing.assert_allclose(rows, np.arange(grid.ny), atol=1e-6)


@given(grids)
def test_transform_agrees_with_centres(grid):
    x, y = grid.centres()
    assert grid.transform @ (0.5, 0.5) == pytest.approx((x[0], y[0]))
    assert grid.transform @ (grid.nx, grid.ny) == pytest.approx((grid.bounds[2], grid.bounds[1]))


@given(grids, st.floats(-30, 90), st.floats(-30, 90), st.floats(0, 60), st.floats(0, 60))
def test_part_holds_exactly_the_cells_that_touch(grid, left, low, width, height):
    bounds = (grid.west + left * grid.cell, grid.north - grid.ny * grid.cell + low * grid.cell)
    bounds = (*bounds, bounds[0] + width * grid.cell, bounds[1] + height * grid.cell)
    rows, columns = grid.part(bounds)
    assert 0 <= rows.start <= rows.stop <= grid.ny
    assert 0 <= columns.start <= columns.stop <= grid.nx
    x, y = grid.centres()
    half, eps = grid.cell / 2, 1e-6 * grid.cell + 1e-9
    touched = (x + half > bounds[0] + eps) & (x - half < bounds[2] - eps)
    assert set(np.flatnonzero(touched)) <= set(range(columns.start, columns.stop))
    apart = (x + half < bounds[0] - eps) | (x - half > bounds[2] + eps)
    assert not set(np.flatnonzero(apart)) & set(range(columns.start, columns.stop))
    touched = (y + half > bounds[1] + eps) & (y - half < bounds[3] - eps)
    assert set(np.flatnonzero(touched)) <= set(range(rows.start, rows.stop))


@given(grids, st.data())
def test_sub_has_the_centres_of_its_cells(grid, data):
    r0 = data.draw(st.integers(0, grid.ny - 1))
    c0 = data.draw(st.integers(0, grid.nx - 1))
    sub = grid.sub(slice(r0, grid.ny), slice(c0, grid.nx))
    np.testing.assert_allclose(sub.centres()[0], grid.centres()[0][c0:], atol=1e-6)
    np.testing.assert_allclose(sub.centres()[1], grid.centres()[1][r0:], atol=1e-6)
    assert sub.shape == (grid.ny - r0, grid.nx - c0)


@given(grids, st.integers(1, 25), st.integers(0, 9))
def test_tiles_cover_every_cell_once(grid, size, halo):
    count = np.zeros(grid.shape, int)
    for rows, columns, inner_rows, inner_columns in grid.tiles(size, halo=halo):
        part = np.zeros((rows.stop - rows.start, columns.stop - columns.start), int)
        assert part.shape[0] <= size + 2 * halo
        part[inner_rows, inner_columns] = 1
        count[rows, columns] += part
        # The halo is whole except at the edge of the grid.
        assert inner_rows.start == halo or rows.start == 0
        assert part.shape[0] - inner_rows.stop == halo or rows.stop == grid.ny
    assert (count == 1).all()
