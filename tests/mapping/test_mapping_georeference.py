from dataclasses import replace

import numpy as np
import pytest
from mapping_scenes import Frame, errors, lawnmower, reconstruction, recorded

from kilnsight.mapping.georeference import georeference
from kilnsight.photos.camera import Pose


def flown(seed, *, flight=None, **record):
    """Poses, frame, reconstruction and record of a flight of a seed."""
    rng = np.random.default_rng(seed)
    poses = lawnmower(rng, **(flight or {}))
    frame = Frame.random(rng)
    return poses, frame, reconstruction(poses, frame, rng), recorded(poses, rng, **record)


def climbing(observed, by_m=114.0):
    """The same record with an altitude that climbs steadily though the aircraft does not."""
    position = observed.position.copy()
    position[:, 2] += np.linspace(0, by_m, len(position))
    return replace(observed, position=position)


@pytest.mark.parametrize("seed", range(4))
def test_good_gps_and_gimbal_give_the_map_within_the_stated_sigmas(seed):
    poses, frame, model, observed = flown(seed)
    place = georeference(model, observed)
    scale, tilt, horizontal, vertical = errors(place, frame, poses)
    assert place.altitude_used
    assert place.method == "gimbal angles"
    assert abs(scale) < 3 * place.scale_sigma < 0.04
    assert tilt < 3 * place.tilt_sigma_deg < 1.5
    assert horizontal < 3 * place.position_sigma_m < 9
    assert abs(vertical) < 3 * place.height_offset_sigma_m
    placed = place.points(model.centres)
    assert np.median(place.horizontal_residual_m) == pytest.approx(
        np.median(np.hypot(*(placed - observed.position)[:, :2].T))
    )


def test_orientation_is_that_of_the_cameras():
    poses, _frame, model, observed = flown(1, gps_m=0.05, altitude_m=0.05)
    place = georeference(model, observed)
    turned = [place.orientation(r) for r in model.rotations]
    off = [np.degrees(np.arccos((np.trace(a @ p.rotation.T) - 1) / 2))
           for a, p in zip(turned, poses, strict=True)]
    assert max(off) < 0.3


@pytest.mark.parametrize("seed", range(6))
def test_climbing_altitude_neither_tilts_nor_shrinks_the_map(seed):
    poses, frame, model, observed = flown(seed, gimbal=False)
    place = georeference(model, climbing(observed))
    scale, tilt, _, _ = errors(place, frame, poses)
    assert not place.altitude_used
    assert tilt < 1.5
    assert abs(scale) < 0.02
    assert place.flight_range_m < 12
    assert place.altitude_range_m == pytest.approx(114, abs=3)
    assert place.height_offset_sigma_m > 30


@pytest.mark.parametrize("seed", range(3))
def test_climbing_altitude_after_a_real_climb(seed):
    rng = np.random.default_rng(seed)
    poses = lawnmower(rng)
    for i in range(7):
        poses[i].centre[2] -= 20 * (1 - i / 7)
    frame = Frame.random(rng)
    model = reconstruction(poses, frame, rng)
    place = georeference(model, climbing(recorded(poses, rng, gimbal=False)))
    scale, tilt, _, _ = errors(place, frame, poses)
    assert not place.altitude_used
    assert tilt < 1.5
    assert abs(scale) < 0.02
    assert place.flight_range_m == pytest.approx(20, abs=8)


@pytest.mark.parametrize("off_m", [[500, 0, 0], [-300, 400, 0], [500, 0, 300], [0, 5000, 0]])
def test_one_wrong_position_does_not_move_the_map(off_m):
    poses, frame, model, observed = flown(3)
    before = georeference(model, observed)
    position = observed.position.copy()
    position[17] += off_m
    after = georeference(model, replace(observed, position=position))
    moved = after.points(model.centres) - before.points(model.centres)
    assert np.linalg.norm(moved, axis=1).max() < 0.5
    assert after.altitude_used == before.altitude_used
    assert errors(after, frame, poses)[1] < 0.5


def test_constant_altitude_offset_is_accepted():
    poses, frame, model, observed = flown(5, altitude_m=0.0)
    raised = replace(observed, position=observed.position + np.array([0, 0, 50.0]))
    place = georeference(model, raised)
    _, tilt, _, vertical = errors(place, frame, poses)
    assert place.altitude_used
    assert vertical == pytest.approx(50, abs=1)
    assert tilt < 0.5
    assert place.vertical_residual_m.max() < 3


def test_no_altitude_at_all():
    poses, frame, model, observed = flown(6)
    position = observed.position.copy()
    position[:, 2] = np.nan
    place = georeference(model, replace(observed, position=position))
    assert not place.altitude_used
    assert place.altitude_range_m == 0
    assert len(place.vertical_residual_m) == 0
    assert np.isfinite(place.shift).all()
    assert errors(place, frame, poses)[1] < 1.0


def test_altitude_of_half_the_photos_sets_the_height():
    poses, frame, model, observed = flown(7, altitude_m=0.0)
    drifting = climbing(observed, by_m=40.0)
    drifting.position[::2, 2] = np.nan
    place = georeference(model, drifting)
    assert not place.altitude_used
    _, _, _, vertical = errors(place, frame, poses)
    assert vertical == pytest.approx(20, abs=3)


@pytest.mark.parametrize("gimbal", [True, False])
def test_single_strip(gimbal):
    strip = {"lines": 1, "stops": 24, "step": 20.0}
    poses, frame, model, observed = flown(8, flight=strip, gimbal=gimbal)
    place = georeference(model, observed)
    scale, tilt, horizontal, _ = errors(place, frame, poses)
    assert tilt < (0.8 if gimbal else 4.0)
    assert tilt < 2.5 * place.tilt_sigma_deg
    assert abs(scale) < 3 * place.scale_sigma
    assert horizontal < 6


def test_rtk_is_believed_to_the_decimetre():
    poses, frame, model, observed = flown(
        9, gps_m=0.02, altitude_m=0.03, sigma=(0.03, 0.03, 0.04)
    )
    place = georeference(model, observed)
    scale, tilt, horizontal, vertical = errors(place, frame, poses)
    assert abs(scale) < 1e-3
    assert tilt < 0.1
    assert horizontal < 0.1
    assert abs(vertical) < 0.15
    assert place.position_sigma_m < 0.1
    assert place.scale_sigma < 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_oblique_photos_with_gimbal(seed):
    poses, frame, model, observed = flown(seed, flight={"pitch": -50.0})
    place = georeference(model, observed)
    scale, tilt, _, _ = errors(place, frame, poses)
    assert tilt < 3 * place.tilt_sigma_deg
    assert abs(scale) < 0.03


@pytest.mark.parametrize("yaws", [(90.0, 270.0), (40.0, 40.0)])
def test_oblique_photos_without_gimbal_are_levelled_by_the_flight(yaws):
    rng = np.random.default_rng(2)
    poses = lawnmower(rng, pitch=-50.0)
    poses = [Pose.from_gimbal(yaws[(i // 10) % 2], -50.0, 0.0, p.centre)
             for i, p in enumerate(poses)]
    frame = Frame.random(rng)
    model = reconstruction(poses, frame, rng)
    place = georeference(model, recorded(poses, rng, gimbal=False))
    scale, tilt, _, _ = errors(place, frame, poses)
    assert tilt < 2.0
    assert abs(scale) < 0.03


def test_flight_along_a_slope_is_levelled_by_the_axes():
    rng = np.random.default_rng(4)
    poses = lawnmower(rng)
    for pose in poses:
        pose.centre[2] += 0.3 * (pose.centre[1] - poses[0].centre[1])
    frame = Frame.random(rng)
    model = reconstruction(poses, frame, rng)
    place = georeference(model, recorded(poses, rng, gimbal=False))
    _, tilt, _, _ = errors(place, frame, poses)
    assert tilt < 3.0


@pytest.mark.parametrize("count", [3, 4, 5])
def test_very_few_photos(count):
    flight = {"lines": 2, "stops": 3}
    poses, frame, model, observed = flown(2, flight=flight)
    few = slice(0, count)
    model = replace(model, rotations=model.rotations[few], centres=model.centres[few])
    observed = replace(observed, position=observed.position[few], sigma=observed.sigma[few],
                       axes=observed.axes[few])
    place = georeference(model, observed)
    scale, tilt, _, _ = errors(place, frame, poses[few])
    assert abs(scale) < 0.25
    assert tilt < 2.0
    assert np.isfinite([place.scale_sigma, place.position_sigma_m, place.tilt_sigma_deg]).all()


def test_photos_without_position_or_pose_are_left_out():
    poses, frame, model, observed = flown(4)
    model.centres[3] = np.nan
    model.rotations[3] = np.nan
    observed.position[5] = np.nan
    place = georeference(model, observed)
    assert len(place.horizontal_residual_m) == 58
    assert errors(place, frame, poses)[1] < 1


@pytest.mark.parametrize("gps_m", [0.5, 1.5, 3.0])
def test_stated_scale_uncertainty_is_honest(gps_m):
    within, stated = [], []
    for seed in range(30):
        poses, frame, model, observed = flown(seed, gps_m=gps_m)
        place = georeference(model, observed)
        within.append(abs(errors(place, frame, poses)[0]) < 2 * place.scale_sigma)
        stated.append(place.scale_sigma)
    assert np.mean(within) >= 0.8
    # Honest, yet not by claiming nothing.
    assert np.median(stated) < 0.02 * max(gps_m, 1.0)
