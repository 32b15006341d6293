import numpy as np
import pytest
from findings_scenes import SOIL, Scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from kilnsight.findings.grid import burn
from kilnsight.findings.roads import split_yards
from kilnsight.findings.site import SiteMap
from kilnsight.findings.surfaces import (
    linear,
    map_plants,
    otsu,
    scene_tone,
)
from kilnsight.mapping.grid import Grid

DUST = (190, 176, 158)


def painted(folder, colour, *, light=1.0):
    """Site of 60 m with grass all over, a road of dust and a square of a colour."""
    scene = Scene(60)
    scene.paint(box(0, 20, 60, 30), DUST)
    scene.paint(box(20, 35, 50, 55), colour)
    scene.rgb[:] = np.clip(scene.rgb * light, 0, 255).astype(np.uint8)
    return SiteMap.open(scene.noisy(0.02).write(folder))


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.5, 1.2))
def test_exposure_does_not_matter_for_plants(tmp_path, light):
    site = painted(tmp_path, SOIL, light=light)
    grid, tone = site.grid(0.5), scene_tone(site)
    plants = map_plants(site, grid, tone=tone)
    local = Grid.cover((0, 0, 60, 60), cell=0.5)
    soil, grass = burn(local, box(22, 37, 48, 53)), burn(local, box(2, 2, 58, 18))
    assert plants[grass].mean() > 0.99 and plants[soil].mean() < 0.01
    assert 0.04 < tone.bare <= tone.green


def test_blue_pipes_do_not_turn_the_ground_red(tmp_path):
    steel, cast = (205, 222, 245), np.array([0.88, 1.0, 1.12])
    scene = Scene(60, base_rgb=SOIL)
    scene.paint(box(20, 35, 50, 55), steel)
    with_pipes = scene_tone(SiteMap.open(scene.write(tmp_path / "pipes")))
    assert np.abs(with_pipes.white - 1).max() < 0.1

    scene = Scene(60, base_rgb=(150, 150, 148))
    scene.paint(box(0, 10, 60, 50), (170, 170, 168))
    scene.rgb[:] = np.clip(scene.rgb * cast, 0, 255).astype(np.uint8)
    camera = scene_tone(SiteMap.open(scene.write(tmp_path / "cast")))
    assert camera.white[0] > 1.15 and camera.white[2] < 0.9


def test_light_is_linear():
    light = linear(np.array([0, 188, 255], np.uint8))
    assert light == pytest.approx([0, 0.5, 1], abs=0.005)


def test_otsu_parts_two_humps():
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(0, 0.1, 500), random.normal(1, 0.1, 500)])
    assert 0.2 < otsu(values.astype(np.float32), 0.0, 1.0) < 0.8


def test_tiling_does_not_show(tmp_path, monkeypatch):
    site = painted(tmp_path, SOIL)
    grid, tone = site.grid(0.25), scene_tone(site)
    whole = map_plants(site, grid, tone=tone)
    monkeypatch.setattr("kilnsight.findings.surfaces.TILE", 90)
    assert (whole == map_plants(site, grid, tone=tone)).mean() > 0.999


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
