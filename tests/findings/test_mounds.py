import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilnsight.findings.cover import is_sunken, through_shade, tidy
from kilnsight.findings.mounds import find_relief, split_mounds
from kilnsight.findings.pilecover import find_sun

CELL = 0.25


def cones(*places, size=60):
    n = round(size / CELL)
    x, y = np.meshgrid((np.arange(n) + 0.5) * CELL, (np.arange(n) + 0.5) * CELL)
    rise = [np.maximum(h - 0.7 * np.hypot(x - cx, y - cy), 0) for cx, cy, h in places]
    return np.max(rise, axis=0).astype(np.float32), x, y


@settings(max_examples=20, deadline=None)
@given(st.floats(9, 22), st.floats(3, 6), st.floats(3, 6))
def test_two_cones_part_at_the_saddle(apart, first, second):
    height, x, _ = cones((20, 30, first), (20 + apart, 30, second))
    labels = split_mounds(height, mask=height > 0.35, cell=CELL)
    assert labels.max() == 2
    # Equal slopes meet where the two surfaces are equally high.
    line = 20 + (apart + (first - second) / 0.7) / 2
    left = labels == labels[120, 80]
    wrong = (left & (x > line + 1)) | ((labels > 0) & ~left & (x < line - 1))
    assert wrong.sum() <= 0.01 * (labels > 0).sum()


def test_a_bumpy_ridge_is_one_mound():
    height, _x, _ = cones((20, 30, 4), (22, 30, 4.2), (24, 30, 4.1))
    assert split_mounds(height, mask=height > 0.35, cell=CELL).max() == 1


def test_a_block_is_a_roof_and_a_wall_is_thin():
    height, x, y = cones((15, 15, 4))
    height[(x > 30) & (x < 50) & (y > 30) & (y < 45)] = 8
    height[(x > 5) & (x < 50) & (y > 52) & (y < 52.8)] = 3
    none = np.zeros(height.shape, bool)
    relief = find_relief(height, cell=CELL, plants=none, unseen=none)
    assert relief.roof[150, 160] and not relief.roof[60, 60]
    assert relief.thin[209, 100] and relief.labels.max() == 1
    assert relief.labels[60, 60] == 1


def test_leaves_and_unseen_places_are_no_mounds():
    height, *_ = cones((15, 15, 4), (45, 45, 4))
    plants, unseen = np.zeros((2, *height.shape), bool)
    plants[:120], unseen[120:] = True, True
    bumps = np.random.default_rng(0).normal(0, 0.5, height.shape)
    height = np.where(height > 0, height + bumps, 0).astype(np.float32)
    assert find_relief(height, cell=CELL, plants=plants, unseen=unseen).labels.max() == 0


@given(st.floats(0, 2 * math.pi))
def test_the_sun_is_found_from_the_shading(azimuth):
    height, *_ = cones((30, 30, 8))
    down, right = np.gradient(height, CELL)
    east, north = math.sin(azimuth), math.cos(azimuth)
    light = np.where(height > 0, 0.3 + 0.2 * (-right * east + down * north), 0)
    sun = find_sun(light.astype(np.float32), height, cell=CELL)
    assert (sun.east, sun.north) == pytest.approx((east, north), abs=0.05)


def test_a_pond_is_sunken_and_a_road_is_not():
    surface = np.full((120, 120), 5, np.float32)
    pond = np.zeros(surface.shape, bool)
    pond[40:80, 40:80] = True
    surface[pond] = 4
    assert is_sunken(surface, pond, cell=0.5)
    assert not is_sunken(np.full_like(surface, 5), pond, cell=0.5)


def test_a_road_goes_on_below_a_shadow_but_not_beside_it():
    road = np.zeros((60, 200), bool)
    road[25:40] = True
    shade = np.zeros(road.shape, bool)
    shade[:, 90:105] = True
    joined = through_shade(road & ~shade, shade, cell=0.5)
    assert joined[27:38].all()
    assert not joined[:15].any()


def test_tidy_drops_specks_and_fills_holes():
    mask = np.zeros((100, 100), bool)
    mask[20:80, 20:80] = True
    mask[45:55, 45:55] = False
    mask[5, 5] = True
    clean = tidy(mask, cell=0.5)
    assert clean[50, 50] and not clean[5, 5]
