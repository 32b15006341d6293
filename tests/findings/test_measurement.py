import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import rotate
from shapely.geometry import LineString, Point, box

from kilnsight.findings.grid import burn
from kilnsight.findings.measurement import (
    Base,
    Scale,
    fit_base,
    measure_area,
    measure_extent,
    measure_perimeter,
    measure_strip,
    measure_volume,
)
from kilnsight.mapping.grid import Grid

EXACT = Scale()


@given(st.floats(2, 80), st.floats(2, 80), st.floats(0, 180))
def test_a_rectangle_has_its_area_sides_and_perimeter(a, b, turn):
    shape = rotate(box(0, 0, a, b), turn)
    assert measure_area(shape, scale=EXACT, outline_m=0.1).value == pytest.approx(a * b)
    assert measure_perimeter(shape, scale=EXACT, outline_m=0.1).value == pytest.approx(2 * (a + b))
    length, width = measure_extent(shape, scale=EXACT, outline_m=0.1)
    assert (length.value, width.value) == pytest.approx((max(a, b), min(a, b)), rel=1e-6)


def test_grid_scale_turns_grid_metres_into_ground_metres():
    area = measure_area(box(0, 0, 100, 100), scale=Scale(0.9996, 0.0), outline_m=0.1)
    assert area.value == pytest.approx(10_008.0, abs=0.1)
    assert area.unit == "m2"


def test_intervals_grow_with_every_source_of_error():
    def width(sigma, outline):
        q = measure_area(box(0, 0, 30, 20), scale=Scale(1.0, sigma), outline_m=outline)
        return q.hi - q.lo

    assert width(0, 0.1) < width(0.005, 0.1) < width(0.005, 0.3)
    assert width(0.01, 1e-9) == pytest.approx(2 * 1.96 * 0.02 * 600, rel=1e-3)


def test_a_winding_road_has_its_length_and_width():
    bend = [(10 * math.sin(t / 10) + 20, t) for t in range(5, 95)]
    line = LineString(bend)
    grid = Grid.cover((0, 0, 40, 100), cell=0.25)
    road = line.buffer(3, cap_style="flat")
    length, width = measure_strip(road, burn(grid, road), grid=grid, scale=EXACT, outline_m=0.2)
    assert width.value == pytest.approx(6, rel=0.05)
    assert length.value == pytest.approx(line.length, rel=0.07)
    assert length.lo < line.length < length.hi


def cone(height, *, tan=0.7, cell=0.1, tilt=(0.0, 0.0)):
    half = height / tan + 5
    grid = Grid.cover((-half, -half, half, half), cell=cell)
    x, y = np.meshgrid(*grid.centres())
    floor = 10 + tilt[0] * x + tilt[1] * y
    rise = np.maximum(height - tan * np.hypot(x, y), 0)
    outline = Point(0, 0).buffer(height / tan, 128)
    return grid, (floor + rise).astype(np.float32), floor, outline


@given(st.floats(1.5, 9), st.floats(-0.08, 0.08), st.floats(-0.08, 0.08))
def test_a_cone_on_a_slope_has_its_volume_within_one_percent(height, east, north):
    grid, dsm, floor, outline = cone(height, tilt=(east, north))
    inside = burn(grid, outline)
    rim = burn(grid, outline.buffer(3)) & ~burn(grid, outline.buffer(0.5))
    base = fit_base(dsm, rim=rim, inside=inside, grid=grid, fallback=floor.astype(np.float32))
    assert base.kind == "plane"
    volume = measure_volume(dsm, base, inside=inside, spread=np.full_like(dsm, 0.02), grid=grid,
                            scale=EXACT, outline_m=0.1)
    truth = math.pi * (height / 0.7) ** 2 * height / 3
    assert volume.net.value == pytest.approx(truth, rel=0.01)
    assert volume.net.lo <= truth <= volume.net.hi
    assert volume.height.value == pytest.approx(height, abs=0.15)


def test_cut_and_fill_keep_their_signs():
    grid, dsm, floor, outline = cone(3)
    pit = (2 * floor - dsm).astype(np.float32)
    inside = burn(grid, outline)
    rim = burn(grid, outline.buffer(3)) & ~burn(grid, outline.buffer(0.5))
    base = fit_base(pit, rim=rim, inside=inside, grid=grid, fallback=floor.astype(np.float32))
    spread = np.full_like(pit, 0.02)
    hole = measure_volume(pit, base, inside=inside, spread=spread, grid=grid, scale=EXACT,
                          outline_m=0.1)
    assert hole.net.value < 0 and hole.fill < 0.01 * hole.cut
    assert hole.net.value == pytest.approx(hole.fill - hole.cut)


def test_a_bent_rim_gets_a_membrane_and_a_hidden_one_the_bare_earth():
    grid, dsm, floor, outline = cone(4)
    x, _y = np.meshgrid(*grid.centres())
    bent = (0.01 * x**2).astype(np.float32)
    inside = burn(grid, outline)
    rim = burn(grid, outline.buffer(3)) & ~burn(grid, outline.buffer(0.5))
    ground = (floor + bent).astype(np.float32)
    base = fit_base(dsm + bent, rim=rim, inside=inside, grid=grid, fallback=ground)
    assert base.kind == "rim membrane" and "plane" in base.reason
    none = fit_base(dsm, rim=rim & (x > 9), inside=inside, grid=grid, fallback=ground)
    assert none.kind == "bare earth" and none.heights is ground


@pytest.mark.parametrize("holes", [[(6.5, 0.0)], [(1.0, 1.0)], [(6.5, 0.0), (1.0, 1.0)]])
def test_holes_in_the_rim_and_inside_leave_the_volume_of_a_pile_on_wavy_ground(holes):
    grid, dsm, floor, outline = cone(4)
    x, y = np.meshgrid(*grid.centres())
    waves = (0.35 * np.sin(x) * np.cos(y)).astype(np.float32)
    dsm, ground = dsm + waves, (floor + waves).astype(np.float32)
    for east, north in holes:
        dsm[np.hypot(x - east, y - north) < 0.4] = np.nan
    dsm[np.random.default_rng(2).random(dsm.shape) < 0.03] = np.nan
    inside = burn(grid, outline)
    rim = burn(grid, outline.buffer(3)) & ~burn(grid, outline.buffer(0.5))
    base = fit_base(dsm, rim=rim, inside=inside, grid=grid, fallback=ground)
    assert base.kind == "rim membrane" and np.isfinite(base.heights).all()
    volume = measure_volume(dsm, base, inside=inside, spread=np.full_like(dsm, 0.02), grid=grid,
                            scale=EXACT, outline_m=0.1)
    truth = math.pi * (4 / 0.7) ** 2 * 4 / 3
    assert volume.net.value == pytest.approx(truth, rel=0.05)
    assert volume.net.lo <= truth <= volume.net.hi
    assert volume.height.value == pytest.approx(4, abs=0.5)


@pytest.mark.parametrize("unknown", ["base", "spread"])
def test_a_volume_over_an_unknown_base_or_spread_is_refused(unknown):
    grid, dsm, floor, outline = cone(2)
    inside = burn(grid, outline)
    heights, spread = floor.astype(np.float32), np.full_like(dsm, 0.02)
    (heights if unknown == "base" else spread).flat[inside.argmax()] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        measure_volume(dsm, Base(heights, "plane", "", 0.01), inside=inside, spread=spread,
                       grid=grid, scale=EXACT, outline_m=0.1)


def test_intervals_hold_the_truth_with_correlated_errors():
    from scipy import ndimage

    random = np.random.default_rng(5)
    held = []
    for _ in range(40):
        height = random.uniform(2, 6)
        grid, dsm, floor, outline = cone(height, cell=0.2)
        noise = ndimage.gaussian_filter(random.normal(0, 1, dsm.shape), 3)
        dsm = (dsm + 0.08 * noise / noise.std()).astype(np.float32)
        inside = burn(grid, outline.buffer(random.normal(0, 0.1)))
        rim = burn(grid, outline.buffer(3.5)) & ~burn(grid, outline.buffer(0.9))
        base = fit_base(dsm, rim=rim, inside=inside, grid=grid, fallback=floor.astype(np.float32))
        volume = measure_volume(dsm, base, inside=inside, spread=np.full_like(dsm, 0.08),
                                grid=grid, scale=EXACT, outline_m=0.12)
        truth = math.pi * (height / 0.7) ** 2 * height / 3
        held.append(volume.net.lo <= truth <= volume.net.hi)
    assert np.mean(held) >= 0.9


def test_what_may_lie_under_a_roof_raises_only_the_upper_end():
    grid, dsm, floor, outline = cone(4)
    inside = burn(grid, outline) & burn(grid, box(-20, -20, 1, 20))
    rim = burn(grid, outline.buffer(3)) & ~burn(grid, outline.buffer(0.5))
    base = fit_base(dsm, rim=rim, inside=inside, grid=grid, fallback=floor.astype(np.float32))
    how = {"inside": inside, "spread": np.full_like(dsm, 0.02), "grid": grid, "scale": EXACT,
           "outline_m": 0.1}
    roof = burn(grid, box(1, -20, 20, 20))
    open_air, hidden = (measure_volume(dsm, base, **how, hiding=h).net for h in (None, roof))
    whole = math.pi * (4 / 0.7) ** 2 * 4 / 3
    assert hidden.value == open_air.value and hidden.lo == open_air.lo
    missing = whole - open_air.value
    assert open_air.value + 0.5 * missing < hidden.hi < open_air.value + 1.5 * missing
    assert open_air.hi < hidden.hi
    assert "roof" in hidden.method and "roof" not in open_air.method
