import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilnsight.simulate import plant
from kilnsight.simulate.ground import MESH_M, lay_ground
from kilnsight.simulate.piles import pile_height
from kilnsight.simulate.render import look_down, set_stage
from kilnsight.simulate.scene import Bounds, Cover, Pile


@pytest.fixture(scope="module")
def stage():
    return set_stage(plant.build(3, compact=True))


@settings(max_examples=20, deadline=None)
@given(st.floats(4, 12), st.floats(30, 40), st.floats(0, 8))
def test_smooth_pile_has_the_volume_of_geometry(radius, repose, half):
    """A ridge is a prism and a cone, whose tip is blunted by a twentieth of the radius."""
    pile = Pile("P90", "x", "sand", 0, 0, radius, repose, dx=half, rough=0)
    step = 0.1
    axis = np.arange(-25, 25, step)
    volume = pile_height(pile, *np.meshgrid(axis, axis)).sum() * step**2
    slope, blunt = np.tan(np.radians(repose)), 0.05 * radius
    r = np.linspace(0, 1.2 * radius, 20001)
    profile = np.maximum(slope * (radius - np.hypot(r, blunt) + blunt), 0)
    exact = np.trapezoid(profile * (2 * np.pi * r + 4 * half), r) if hasattr(
        np, "trapezoid") else np.trapz(profile * (2 * np.pi * r + 4 * half), r)
    assert volume == pytest.approx(exact, rel=0.005)


def test_stated_volumes_are_those_of_the_rendered_surface(stage):
    scene, ground = stage.scene, stage.ground
    empty = stage.mesh.faces[:0]
    bare = stage.mesh.__class__(
        stage.mesh.vertices, empty, *(getattr(stage.mesh, k)[:0] for k in (
            "normals", "along", "tint", "material", "body"))
    )
    cell = 0.125
    top, _ = look_down((stage.corners, bare), ground, cell=cell)
    base = stage.corners.copy()
    base[..., 2] = ground.base
    low, _ = look_down((base, bare), ground, cell=cell)
    above = (top - low)[::-1]
    reach = cv2.dilate((ground.owner + 1).astype(np.float32), np.ones((5, 5))) - 1
    rows = ((np.arange(above.shape[0]) + 0.5) * cell / MESH_M).round().astype(int)
    columns = ((np.arange(above.shape[1]) + 0.5) * cell / MESH_M).round().astype(int)
    owner = reach[np.ix_(rows, columns)]
    stated_in_all, found_in_all = 0.0, np.where(owner >= 0, above, 0).sum() * cell**2
    for n, pile in enumerate(scene.piles):
        stated = ground.measures[pile.id].volume_m3
        stated_in_all += stated
        if stated > 200:
            around = np.where(owner == n, above, 0).sum() * cell**2
            assert around == pytest.approx(stated, rel=0.01), pile.id
    assert stated_in_all > 1000
    assert found_in_all == pytest.approx(stated_in_all, rel=0.005)


@pytest.mark.parametrize("seed", range(4))
def test_piles_are_of_real_sizes_and_covers_as_planned(seed):
    scene = plant.build(seed)
    ground = lay_ground(scene, margin=5)
    volumes = [ground.measures[p.id].volume_m3 for p in scene.piles]
    assert 8 <= len(volumes) <= 14
    assert min(volumes) > 30 and max(volumes) < 6000
    for pile in scene.piles:
        measures = ground.measures[pile.id]
        assert measures.cover_fraction == pytest.approx(pile.cover.part, abs=0.01)
        assert measures.exposed_m2 <= measures.area_m2 <= measures.surface_m2


def test_all_covers_and_a_low_wall_exist():
    scene = plant.build(7)
    assert {p.cover.kind for p in scene.piles} == {"none", "green", "black", "tarp"}
    assert any(0 < p.cover.part < 1 for p in scene.piles)
    walled = [p for p in scene.piles if p.wall_height]
    assert all(p.wall_height < p.radius * np.tan(np.radians(p.repose_deg)) for p in walled)
    assert walled


def test_pile_is_nothing_outside_its_foot():
    pile = Pile("P91", "x", "coal", 3, 4, 5, 35, cover=Cover("green", 1.0))
    away = np.array([3 + 7.0, 3 - 8.0])
    assert (pile_height(pile, away, np.array([4.0, 4.0])) == 0).all()
    assert Bounds(0, 0, 1, 1).shape(0.1) == (10, 10)
