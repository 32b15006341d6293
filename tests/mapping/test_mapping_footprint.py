import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_scenes import over, view
from shapely.geometry import Polygon

from kilnsight.mapping.footprint import FARTHEST, footprint, to_lonlat

GROUND = float(over(0, 0, 0)[2])


def test_looking_down_the_footprint_is_the_picture_on_the_ground():
    ring = footprint(view(over(0, 0, 100)), GROUND)
    polygon = Polygon(ring)
    wanted = (1599 / 1150 * 100) * (1199 / 1150 * 100)
    assert ring.shape == (5, 2)
    np.testing.assert_array_equal(ring[0], ring[-1])
    assert polygon.area == pytest.approx(wanted, rel=1e-6)
    assert polygon.centroid.coords[0] == pytest.approx(tuple(over(0, 0, 0)[:2]), abs=0.1)


def test_corners_are_where_the_corner_pixels_look():
    seen = view(over(0, 0, 80), yaw=30, pitch=-60, roll=3)
    ring = footprint(seen, GROUND)
    uv, _ = seen.project(np.column_stack([ring[:4], np.full(4, GROUND)]))
    np.testing.assert_allclose(uv, [[0, 0], [1599, 0], [1599, 1199], [0, 1199]], atol=0.01)


@given(st.floats(0, 360), st.floats(-90, 90), st.floats(-30, 30), st.floats(-20, 300))
def test_the_footprint_is_finite_and_near_wherever_the_camera_looks(yaw, pitch, roll, height):
    seen = view(over(0, 0, height), yaw=yaw, pitch=pitch, roll=roll)
    ring = footprint(seen, GROUND)
    assert np.isfinite(ring).all()
    reach = np.hypot(*(ring - seen.pose.centre[:2]).T)
    assert reach.max() <= FARTHEST * max(height, 1.0) + 1e-6


def test_a_photo_with_the_horizon_ends_at_the_farthest():
    ring = footprint(view(over(0, 0, 50), yaw=0.0, pitch=-15.0), GROUND)
    reach = np.hypot(*(ring - over(0, 0, 0)[:2]).T)
    assert reach[:2] == pytest.approx(FARTHEST * 50)
    assert (reach[2:4] < 150).all()
    assert Polygon(ring).is_valid
    assert (ring[:, 1] > over(0, 0, 0)[1] - 1).all()


@pytest.mark.parametrize(("crs", "xy", "lonlat"), [
    ("EPSG:32650", (500_000.0, 0.0), (117.0, 0.0)),
    ("EPSG:32750", (500_000.0, 10_000_000.0), (117.0, 0.0)),
])
def test_lonlat(crs, xy, lonlat):
    found = to_lonlat(np.array([xy, xy]), crs)
    assert len(found) == 2
    assert found[0] == pytest.approx(list(lonlat), abs=1e-6)
    assert all(isinstance(v, float) for v in found[0])

