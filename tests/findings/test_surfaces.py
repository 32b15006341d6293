import numpy as np
import pytest
from findings_scenes import ASPHALT, GRASS, ROOF, SOIL, Scene
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from kilnsight.findings.grid import burn
from kilnsight.findings.roads import split_yards
from kilnsight.findings.site import SiteMap
from kilnsight.findings.surfaces import (
    Surface,
    Tone,
    classify,
    find_cues,
    linear,
    map_surfaces,
    otsu,
    scene_tone,
)
from kilnsight.mapping.grid import Grid

TONE = Tone(np.ones(3, np.float32), 0.15, 0.09, 0.065, 0.22)
DUST, NET, WATER, SHEET = (190, 176, 158), (50, 98, 70), (38, 56, 56), (75, 120, 175)


def surface_of(colour, *, height=0.0, roof=False, gain=1.0, tone=TONE):
    rgb = np.clip(np.full((24, 24, 3), colour) * gain, 0, 255).astype(np.uint8)
    seen = np.ones((24, 24), bool)
    cues = find_cues(rgb, seen, tone=tone, cell=0.25)
    flat = np.full((24, 24), height, np.float32)
    kinds = classify(cues, flat, np.full((24, 24), roof), tone=tone, cell=0.25)
    return Surface(int(np.bincount(kinds.ravel()).argmax()))


@pytest.mark.parametrize(("colour", "how", "kind"), [
    (GRASS, {}, Surface.VEGETATION), (SOIL, {}, Surface.BARE_SOIL), (DUST, {}, Surface.UNPAVED),
    (ASPHALT, {}, Surface.PAVED), (NET, {"height": 3.0}, Surface.DUST_NET),
    (SHEET, {"height": 3.0}, Surface.TARPAULIN), (ROOF, {"roof": True}, Surface.ROOF),
    (WATER, {}, Surface.WATER), ((190, 180, 165), {"height": 3.0}, Surface.BULK_MATERIAL),
])
def test_colours_say_what_covers_the_ground(colour, how, kind):
    assert surface_of(colour, **how) == kind


@settings(max_examples=25)
@given(st.floats(0.75, 1.15))
def test_exposure_does_not_matter_for_plants_and_soil(gain):
    assert surface_of(GRASS, gain=gain) == Surface.VEGETATION
    assert surface_of(SOIL, gain=gain) == Surface.BARE_SOIL


def test_light_is_linear():
    light = linear(np.array([0, 188, 255], np.uint8))
    assert light == pytest.approx([0, 0.5, 1], abs=0.005)


def test_otsu_parts_two_humps():
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(0, 0.1, 500), random.normal(1, 0.1, 500)])
    assert 0.2 < otsu(values.astype(np.float32), 0.0, 1.0) < 0.8


def test_tiling_does_not_show(tmp_path, monkeypatch):
    scene = Scene(60)
    scene.paint(box(0, 20, 60, 30), DUST)
    scene.paint(box(20, 35, 50, 55), SOIL)
    site = SiteMap.open(scene.noisy(0.02).write(tmp_path))
    grid, tone = site.grid(0.25), scene_tone(site)
    nothing = np.zeros(grid.shape, bool)
    flat = np.zeros(grid.shape, np.float32)
    whole = map_surfaces(site, grid, height=flat, roof=nothing, tone=tone)
    monkeypatch.setattr("kilnsight.findings.surfaces.TILE", 90)
    tiled = map_surfaces(site, grid, height=flat, roof=nothing, tone=tone)
    assert (whole == tiled).mean() > 0.999


def test_a_yard_and_the_road_that_leaves_it_are_parted():
    grid = Grid.cover((0, 0, 200, 100), cell=0.5)
    yard, road = box(10, 10, 90, 90), box(90, 45, 200, 53)
    worn = burn(grid, yard.union(road))
    yards, roads = split_yards(worn, filler=np.zeros_like(worn), cell=0.5)
    assert not (yards & roads).any() and ((yards | roads) == worn).all()
    assert (yards & burn(grid, yard)).sum() > 0.98 * burn(grid, yard).sum()
    assert (roads & burn(grid, road)).sum() > 0.9 * burn(grid, road).sum()


def test_a_pile_in_its_middle_does_not_make_a_yard_a_road():
    grid = Grid.cover((0, 0, 60, 60), cell=0.5)
    pile = burn(grid, box(20, 20, 40, 40))
    worn = burn(grid, box(5, 5, 55, 55)) & ~pile
    yards, roads = split_yards(worn, filler=pile, cell=0.5)
    assert (yards == worn).all() and not roads.any()
