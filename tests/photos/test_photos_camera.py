import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.photos.camera import Camera, Pose, View

M3E = Camera(
    5280, 3956, 3713.29, 3713.29, 2646.5, 1972.0, -0.1126, 0.0149, 0.0001, -0.0001, -0.0271
)


def down(camera: Camera, *, yaw=0.0) -> View:
    return View("a", camera, Pose.from_gimbal(yaw, -90, 0, np.array([0, 0, 100.0])))


def test_nadir_photo_with_north_up():
    uv, depth = down(Camera(400, 300, 300, 300, 199.5, 149.5)).project(
        np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0.0]])
    )
    assert uv == pytest.approx(np.array([[199.5, 149.5], [229.5, 149.5], [199.5, 119.5]]))
    assert depth == pytest.approx([100, 100, 100])


def test_half_turn_of_roll_at_nadir_is_half_a_turn_of_yaw():
    rolled = Pose.from_gimbal(30, -90, 180, np.zeros(3)).rotation
    assert rolled == pytest.approx(Pose.from_gimbal(210, -90, 0, np.zeros(3)).rotation, abs=1e-12)


def test_points_far_outside_are_not_folded_into_the_picture():
    off_axis = np.linspace(0, 88, 400)
    ground = np.column_stack(
        [100 * np.tan(np.radians(off_axis)), np.zeros(400), np.zeros(400)]
    )
    seen = down(M3E).sees(ground)
    edge = np.degrees(np.arctan(M3E.undistort(np.array([[5279.0, 1972.0]]))[0, 0]))
    assert 30 < edge < 45
    assert seen[off_axis < edge - 1].all() and not seen[off_axis > edge + 1].any()


def test_lens_without_distortion_folds_nowhere():
    assert Camera(400, 300, 300, 300, 199.5, 149.5).fold_radius == np.inf
    assert Camera(400, 300, 300, 300, 199.5, 149.5, k1=-1 / 3).fold_radius == pytest.approx(1)


@given(st.floats(0, 5279), st.floats(0, 3955))
def test_pixels_come_back(u, v):
    uv = np.array([[u, v]])
    assert M3E.distort(M3E.undistort(uv)) == pytest.approx(uv, abs=0.01)
