import numpy as np
import pytest
from findings_scenes import SAND, Scene, on_map, plant
from shapely.geometry import box

from kilnsight.findings.detect import find
from kilnsight.findings.piles import Shape, _toe
from kilnsight.findings.site import SiteMap


def piles_of(scene, folder, **how):
    site = SiteMap.open(scene.write(folder, **how))
    return site, [f for f in find(site) if f.code == "D01"]


def matched(finding, scene):
    truth = max(
        scene.truth, key=lambda t: on_map(t["polygon"]).intersection(finding.polygon).area
    )
    shape = on_map(truth["polygon"])
    union = shape.union(finding.polygon).area
    return truth, shape.intersection(finding.polygon).area / union


def test_piles_are_found_and_sheds_trees_and_trucks_are_not(tmp_path):
    scene = plant(1).noisy(0.04)
    site, found = piles_of(scene, tmp_path, sigma=0.04)
    assert len(found) == 4
    k2 = site.grid_scale**2
    for finding in found:
        truth, overlap = matched(finding, scene)
        assert overlap > 0.8
        alone = truth["height"] in (6, 4)
        if alone:
            volume = finding.measures["volume_m3"]
            assert volume.value * k2 == pytest.approx(truth["volume"], rel=0.02)
            assert volume.lo * k2 <= truth["volume"] <= volume.hi * k2
            assert finding.measures["area_m2"].value * k2 == pytest.approx(
                on_map(truth["polygon"]).area, rel=0.03
            )


@pytest.mark.parametrize("slope", [0.0, 0.06, 0.12])
def test_a_pile_on_a_slope_keeps_its_volume(tmp_path, slope):
    scene = Scene(90, slope=slope)
    scene.cone(45, 45, 5, stretch=8)
    scene.noisy(0.03)
    site, found = piles_of(scene, tmp_path)
    assert len(found) == 1
    value = found[0].measures["volume_m3"].value * site.grid_scale**2
    assert value == pytest.approx(scene.truth[0]["volume"], rel=0.02)


def test_a_pile_against_a_shed_is_cut_at_the_wall(tmp_path):
    scene = Scene(100, slope=0.02)
    scene.cone(45, 50, 5)
    scene.shed(50, 30, 80, 70)
    scene.noisy(0.03)
    _, found = piles_of(scene, tmp_path)
    assert len(found) == 1
    shed = on_map(__import__("shapely").geometry.box(50, 30, 80, 70))
    assert found[0].polygon.intersection(shed).area < 0.08 * found[0].polygon.area


def test_covered_piles_are_no_open_piles_and_half_covered_ones_say_so(tmp_path):
    scene = Scene(120, slope=0.02)
    scene.cone(35, 60, 5, colour=(50, 98, 70))
    scene.cone(85, 60, 5, colour=SAND)
    half = (np.hypot(scene.x - 85, scene.y - 60) < 8) & (scene.x > 85)
    scene.rgb[half] = (50, 98, 70)
    scene.noisy(0.03)
    _, found = piles_of(scene, tmp_path)
    assert len(found) == 1
    cover = found[0].measures["cover_fraction"]
    assert cover.value == pytest.approx(0.5, abs=0.05)
    assert cover.lo <= 0.5 <= cover.hi


def test_a_level_meadow_with_trees_has_no_piles(tmp_path):
    scene = Scene(100)
    for x in range(10, 100, 14):
        scene.tree(x, 30 + x % 40, radius=3 + x % 3)
    _, found = piles_of(scene.noisy(0.05), tmp_path)
    assert found == []


def test_a_pile_ends_at_the_low_wall_it_is_heaped_against(tmp_path):
    scene = Scene(80, cell=0.15, slope=0.0)
    scene.cone(40, 40, 4, stretch=8)
    behind = scene.y > 42
    scene.dsm = np.where(behind, scene.ground, scene.dsm)
    wall = (scene.y > 42) & (scene.y < 42.45) & (np.abs(scene.x - 40) < 14)
    scene.dsm = np.where(wall, scene.ground + 3.2, scene.dsm)
    scene.noisy(0.02)
    _, found = piles_of(scene, tmp_path)
    assert len(found) == 1
    beyond = on_map(box(0, 42.5, 80, 80))
    assert found[0].polygon.intersection(beyond).area < 0.06 * found[0].polygon.area


def test_spikes_and_doubtful_cells_do_not_raise_a_pile(tmp_path):
    scene = Scene(70, cell=0.1, slope=0.02)
    scene.cone(35, 35, 3)
    scene.noisy(0.02)
    tip = np.hypot(scene.x - 35, scene.y - 33)
    scene.dsm[tip < 0.2] += 9
    site, found = piles_of(scene, tmp_path)
    assert len(found) == 1
    assert found[0].measures["height_m"].value == pytest.approx(3, abs=0.3)
    assert found[0].measures["volume_m3"].value == pytest.approx(scene.truth[0]["volume"], rel=0.03)
    assert np.isnan(site.dsm(site.grid(0.1))).sum() < 60


def test_single_unknown_cells_at_the_toe_do_not_drop_a_pile(tmp_path):
    scene = Scene(60, slope=0.0)
    scene.dsm = scene.ground + 0.3 * np.sin(scene.x) * np.cos(scene.y)
    scene.ground = scene.dsm.copy()
    scene.cone(30, 30, 4)
    for angle in (0.3, 1.9, 3.5, 5.1):
        x, y = 30 + 7.5 * np.cos(angle), 30 + 7.5 * np.sin(angle)
        scene.dsm[np.hypot(scene.x - x, scene.y - y) < 0.25] = np.nan
    site, found = piles_of(scene.noisy(0.02), tmp_path)
    assert np.isnan(site.dsm(site.grid(0.2))).any()
    assert len(found) == 1
    volume = found[0].measures["volume_m3"]
    assert volume.value == pytest.approx(scene.truth[0]["volume"], rel=0.05)


def test_the_toe_is_drawn_across_unknown_cells():
    x, y = np.meshgrid(np.arange(-10, 10, 0.2), np.arange(-10, 10, 0.2))
    rise = np.maximum(3 - 0.7 * np.hypot(x, y), 0).astype(np.float32)
    shape = Shape(60, 3, 0.9, 0, 0, 0, 0, 8, 0)
    how = {"blocked": np.zeros(rise.shape, bool), "cell": 0.2, "shape": shape}
    whole, toe = _toe(rise, rise > 0.5, **how)
    rise[[50, 40, 62, 70], [50, 61, 38, 55]] = np.nan
    inside, same = _toe(rise, np.nan_to_num(rise) > 0.5, **how)
    assert inside is not None and (inside ^ whole).sum() <= 4
    assert same == pytest.approx(toe, abs=0.02)
