import numpy as np
import pytest
from mapping_scenes import CAMERA, Frame, lawnmower, over, photo, reconstruction
from pyproj import Transformer

from kilnsight.errors import InputError
from kilnsight.mapping.align import RTK_SIGMA_M, locate, observe, place
from kilnsight.photos.camera import Camera

TO_LONLAT = Transformer.from_crs("EPSG:32650", "EPSG:4326", always_xy=True)


def photos_at(*lonlat, **changed):
    return [photo(f"{i}.jpg", lon=lon, lat=lat, **changed) for i, (lon, lat) in enumerate(lonlat)]


@pytest.mark.parametrize(("lon", "lat", "crs"), [
    (116.4, 39.9, "EPSG:32650"), (-97.1, 33.0, "EPSG:32614"), (151.2, -33.9, "EPSG:32756"),
    (-70.6, -33.4, "EPSG:32719"), (179.99, -17.0, "EPSG:32760"), (-179.9, 66.0, "EPSG:32601"),
    (0.01, 51.5, "EPSG:32631"),
])
def test_the_map_is_in_the_zone_of_the_site(lon, lat, crs):
    found, positions = locate(photos_at(*[(lon + d, lat + d) for d in (0, 1e-4, 2e-4)]))
    assert found == crs
    gaps = np.linalg.norm(np.diff(positions[:, :2], axis=0), axis=1)
    wanted = 1e-4 * 111_200 * np.hypot(1, np.cos(np.radians(lat)))
    np.testing.assert_allclose(gaps, wanted, rtol=0.01)


def test_a_site_across_a_zone_border_is_in_one_zone():
    crs, positions = locate(photos_at(*[(120 + d, 30.0) for d in (-3e-3, -2e-3, -1e-3, 1e-3)]))
    assert crs == "EPSG:32650"
    gaps = np.diff(positions[:, 0])
    np.testing.assert_allclose(gaps / gaps[0], [1, 1, 2], rtol=1e-3)


@pytest.mark.parametrize("shift", [-1.5e-3, 1.5e-3])
def test_a_site_across_the_180th_meridian_is_in_one_piece(shift):
    lons = 180 + shift + np.array([-3e-3, -2e-3, -1e-3, 1e-3, 2e-3])
    crs, positions = locate(photos_at(*[((lon + 180) % 360 - 180, -17.0) for lon in lons]))
    assert crs in ("EPSG:32701", "EPSG:32760")
    gaps = np.diff(positions[:, 0])
    assert (gaps > 0).all()
    assert positions[-1, 0] - positions[0, 0] == pytest.approx(5e-3 * 106_500, rel=0.01)


def test_one_photo_far_away_does_not_change_the_zone():
    spots = [(116.4 + i * 1e-4, 39.9) for i in range(5)]
    crs, positions = locate(photos_at(*spots, (-97.0, 33.0)))
    assert crs == "EPSG:32650"
    assert np.isfinite(positions[:5]).all()


@pytest.mark.parametrize("known", [0, 1, 2])
def test_photos_without_places_are_refused(known):
    photos = photos_at(*[(117.0, 30.0)] * known, *[(None, None)] * 4)
    with pytest.raises(InputError, match=rf"Only {known} of {known + 4} photos"):
        locate(photos)


def test_a_missing_place_is_nan():
    _, positions = locate([*photos_at(*[(117.0, 30.0)] * 3),
                           photo("x", lon=None, lat=None, altitude=None)])
    assert np.isnan(positions[3]).all()
    assert np.isfinite(positions[:3]).all()


def test_gimbal_angles_are_turned_from_true_to_grid_north():
    photos = photos_at(*[(119.5, 40.0)] * 3, yaw_deg=0.0, pitch_deg=-30.0, roll_deg=0.0)
    crs, positions = locate(photos)
    ahead = observe(photos, crs, positions).axes[0][2]
    north = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(119.5, 40.001)
    wanted = np.array(north) - positions[0, :2]
    assert wanted[0] < -1
    np.testing.assert_allclose(ahead[:2] / np.hypot(*ahead[:2]), wanted / np.hypot(*wanted),
                               atol=1e-5)


def test_uncertainty_is_that_of_the_receiver():
    spot = {"lon": 117.0, "lat": 30.0}
    photos = [photo("a", **spot), photo("b", rtk=True, rtk_std_m=(0.012, 0.011, 0.05), **spot),
              photo("c", rtk=False, rtk_std_m=(1.2, 1.1, 2.0), **spot),
              photo("d", rtk=True, **spot)]
    seen = observe(photos, *locate(photos))
    np.testing.assert_allclose(seen.sigma, [[2, 2, 4], [RTK_SIGMA_M, RTK_SIGMA_M, 0.05],
                                            [2, 2, 4], [2, 2, 4]])
    assert np.isnan(seen.axes).all()


def flown(count=12, *, unplaced=()):
    """Reconstruction of a flight, its poses, and photos that record their places well."""
    rng = np.random.default_rng(0)
    poses = lawnmower(rng, lines=2, stops=count // 2)
    model = reconstruction(poses, Frame.random(rng), rng)
    for i in unplaced:
        model.centres[i] = np.nan
        model.rotations[i] = np.nan
    photos = []
    for i, pose in enumerate(poses):
        lon, lat = TO_LONLAT.transform(*pose.centre[:2])
        photos.append(photo(f"{i}.jpg", lon=lon, lat=lat, altitude=float(pose.centre[2])))
    return model, poses, photos


def test_placed_photos_stand_where_they_stood():
    model, poses, photos = flown(unplaced=(4,))
    aligned = place(model, photos)
    assert aligned.crs == "EPSG:32650"
    assert aligned.unaligned == ("4.jpg",)
    assert [v.name for v in aligned.views] == [p.name for p in photos if p.name != "4.jpg"]
    kept = [p for i, p in enumerate(poses) if i != 4]
    off = [np.linalg.norm(v.pose.centre - p.centre)
           for v, p in zip(aligned.views, kept, strict=True)]
    assert max(off) < 0.5
    turned = [v.pose.rotation @ p.rotation.T for v, p in zip(aligned.views, kept, strict=True)]
    assert max(np.degrees(np.linalg.norm(t - np.eye(3))) for t in turned) < 1


def test_points_keep_their_views_when_photos_are_missing():
    model, _, photos = flown(unplaced=(4,))
    rng = np.random.default_rng(1)
    seen = np.array([(photo_of, point, 0) for point in range(20)
                     for photo_of in rng.choice(12, 4, replace=False)])
    model = type(model)(model.rotations, model.centres, rng.normal(size=(20, 3)), np.ones(20), seen,
                        model.cameras)
    aligned = place(model, photos)
    names = [v.name for v in aligned.views]
    found = {(names[i], int(p)) for i, p in aligned.seen_by}
    assert found == {(f"{i}.jpg", int(p)) for i, p, _ in seen if i != 4}
    rows = aligned.points_of_views()
    assert len(rows) == 11
    for i, mine in enumerate(rows):
        assert (aligned.seen_by[mine, 0] == i).all()
    assert sum(map(len, rows)) == len(aligned.seen_by)


def test_views_have_the_lens_of_their_photo():
    model, _, photos = flown()
    portrait = Camera(1200, 1600, 1000.0, 1000.0, 599.5, 799.5)
    photos[3] = photo("3.jpg", lon=photos[3].lon, lat=photos[3].lat, camera=portrait,
                      altitude=photos[3].altitude_m)
    model = type(model)(model.rotations, model.centres, model.points, model.errors,
                        model.observations, (CAMERA, portrait))
    aligned = place(model, photos)
    assert [v.camera for v in aligned.views] == [portrait if i == 3 else CAMERA for i in range(12)]


def test_too_few_placed_photos_are_refused_with_a_remedy():
    model, _, photos = flown(unplaced=range(2, 12))
    with pytest.raises(InputError, match=r"Only 2 of 12 photos could be placed.*overlap"):
        place(model, photos)


def test_three_placed_photos_are_enough():
    model, poses, photos = flown(unplaced=range(3, 12))
    aligned = place(model, photos)
    assert len(aligned.views) == 3
    assert np.linalg.norm(aligned.views[0].pose.centre - poses[0].centre) < 5
    assert over(0, 0, 0)[2] < aligned.views[0].pose.centre[2]


def test_a_take_off_above_the_flight_does_not_turn_photos_round():
    """On a quarry's rim the recorded height is negative; photos still look where they point."""
    from types import SimpleNamespace

    from kilnsight.mapping.align import _ground_points

    here = np.zeros((2, 3))
    photos = [SimpleNamespace(pitch_deg=p, yaw_deg=90.0, relative_altitude_m=-20.0)
              for p in (-90.0, -45.0)]
    straight, slanting = _ground_points(photos, here)
    assert np.abs(straight).max() < 1e-6
    assert slanting[0] > 20 and abs(slanting[1]) < 1e-6
