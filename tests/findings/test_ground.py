import numpy as np
import pytest
from findings_scenes import Scene, plant

from kilnsight.findings.ground import bare_earth, span


def at_metre(scene, values):
    n = round(1 / scene.cell)
    return values.reshape(values.shape[0] // n, n, -1, n).mean((1, 3)).astype(np.float32)


@pytest.mark.parametrize("slope", [0.0, 0.03, 0.12])
def test_ground_is_found_under_piles_sheds_and_trees(slope):
    scene = plant(slope=slope)
    error = bare_earth(at_metre(scene, scene.dsm)) - at_metre(scene, scene.ground)
    assert np.quantile(np.abs(error), 0.99) < 0.15


def test_a_pile_sixty_metres_wide_is_taken_off():
    scene = Scene(160)
    scene.cone(80, 80, 21)
    error = bare_earth(at_metre(scene, scene.dsm)) - at_metre(scene, scene.ground)
    assert np.abs(error).max() < 0.3


def test_terraces_and_pits_stay_ground():
    scene = Scene(160, slope=0)
    scene.dsm[scene.y > 90] += 5
    scene.dsm[(scene.x > 20) & (scene.x < 40) & (scene.y > 20) & (scene.y < 50)] -= 3
    truth = at_metre(scene, scene.dsm)
    error = np.abs(bare_earth(truth) - truth)
    assert np.quantile(error, 0.95) < 0.2


def test_holes_are_spanned_and_an_empty_map_is_level():
    scene = Scene(80)
    dsm = at_metre(scene, scene.dsm)
    dsm[20:40, 30:50] = np.nan
    assert bare_earth(dsm) == pytest.approx(at_metre(scene, scene.ground), abs=0.1)
    assert (bare_earth(np.full((5, 5), np.nan, np.float32)) == 0).all()


def test_span_of_a_rim_is_the_plane_through_it():
    y, x = np.mgrid[0:60, 0:70].astype(np.float32)
    plane = 3 + 0.1 * x - 0.2 * y
    known = np.zeros(plane.shape, bool)
    known[[0, -1]] = known[:, [0, -1]] = True
    assert span(np.where(known, plane, 0), known=known) == pytest.approx(plane, abs=0.05)
