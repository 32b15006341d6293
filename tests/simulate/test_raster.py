import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilnsight.photos.camera import Camera, Pose, View
from kilnsight.simulate import raster
from kilnsight.simulate.mesh import Builder
from kilnsight.simulate.noise import field, stream
from kilnsight.simulate.route import true_camera


def test_nearer_triangle_hides_the_other():
    near, ident = raster.blank(20, 20)
    uvw = np.array([[0, 0, 1.0], [19, 0, 1], [0, 19, 1], [0, 0, 2], [9, 0, 2], [0, 9, 2]])
    raster.draw_mesh(near, ident, uvw, np.array([[3, 4, 5], [0, 1, 2]], dtype=np.int32))
    assert ident[2, 2] == raster.FIRST_TRIANGLE
    assert ident[8, 8] == raster.FIRST_TRIANGLE + 1
    assert ident[19, 19] == raster.NOTHING


def test_grid_leaves_no_cracks():
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.linspace(-3, 43, 9), np.linspace(-3, 43, 9))
    uvw = np.stack([x + rng.normal(0, 0.8, x.shape), y, rng.random(x.shape)], axis=-1)
    near, ident = raster.blank(40, 40)
    raster.draw_grid(near, ident, uvw, raster.GROUND)
    assert (ident == raster.GROUND).all() and (near >= 0).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(-40, 40), st.floats(-30, 30), st.floats(0, 20), st.floats(0, 360))
def test_projection_is_that_of_the_camera_model(x, y, z, yaw):
    view = View("a", true_camera(2, 800), Pose.from_gimbal(yaw, -80, 0.5, np.array([0, 0, 100.0])))
    point = np.array([[x, y, z]])
    uv, depth = view.project(point)
    got = raster.perspective(point, view, fine=2)[0]
    if np.isnan(got[0]):
        assert not view.sees(point)[0]
    else:
        assert got[:2] == pytest.approx(2 * (uv[0] + 0.5) - 0.5, abs=1e-6)
        assert got[2] == pytest.approx(1 / depth[0])


def test_points_behind_the_camera_are_skipped():
    view = View("a", Camera(100, 80, 90, 90, 50, 40), Pose.from_gimbal(0, -90, 0, np.zeros(3)))
    assert np.isnan(raster.perspective(np.array([[0.0, 0, 5]]), view)).all()


def test_box_stands_where_it_was_put():
    builder = Builder()
    builder.box((3.0, 4.0), [[6, 0], [0, 2]], low=1, high=5, material=33)
    mesh = builder.build()
    assert mesh.vertices.min(axis=0) == pytest.approx([-3, 2, 1])
    assert mesh.vertices.max(axis=0) == pytest.approx([9, 6, 5])
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1, abs=1e-5)


def test_noise_is_anchored_and_streams_are_apart():
    x = np.linspace(0, 50, 300)
    a = field(x, x, wavelength=3, salt=1)
    assert np.array_equal(a, field(x, x, wavelength=3, salt=1))
    assert abs(np.corrcoef(a, field(x, x, wavelength=3, salt=2))[0, 1]) < 0.5
    assert stream(1, "a").random() == stream(1, "a").random() != stream(1, "b").random()
