import numpy as np

from kilnsight.findings.heaps import find_heaps
from kilnsight.findings.mounds import Relief

CELL = 0.25


def heaps_of(height, bright):
    """Number of heaps on ground of brightness 0.2."""
    nothing = np.zeros(height.shape, bool)
    zero = np.zeros(height.shape, np.float32)
    labels = np.zeros(height.shape, np.int32)
    relief = Relief(height.astype(np.float32), zero, zero, nothing, nothing, labels, nothing)
    light = np.where(height > 0.02, bright, 0.2).astype(np.float32)
    return int(find_heaps(relief, light=light, plants=nothing, cell=CELL).max())


def field():
    x, y = np.meshgrid(np.arange(120) * CELL - 15, np.arange(120) * CELL - 15)
    return x, y


def test_a_tipped_load_of_another_material_is_a_heap():
    x, y = field()
    cone = np.maximum(0.9 - 0.4 * np.hypot(x, y), 0)
    assert heaps_of(cone, 0.4) == 1
    assert heaps_of(cone, 0.1) == 1


def test_a_hump_of_the_grounds_own_colour_is_none():
    x, y = field()
    assert heaps_of(np.maximum(0.9 - 0.4 * np.hypot(x, y), 0), 0.21) == 0


def test_a_ridge_a_crate_and_a_flat_ground_are_none():
    x, y = field()
    ridge = np.maximum(0.9 - 0.4 * np.hypot(np.maximum(np.abs(x) - 6, 0), y), 0)
    crate = np.where(np.maximum(np.abs(x), np.abs(y)) < 1.7, 0.9, 0.0)
    assert heaps_of(ridge, 0.4) == 0
    assert heaps_of(crate, 0.4) == 0
    assert heaps_of(np.zeros_like(x), 0.4) == 0
