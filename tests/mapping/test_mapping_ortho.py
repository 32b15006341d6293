import cv2
import numpy as np
import pytest
from mapping_scenes import alignment, at_once, over, photograph, texture, view

from kilnsight.errors import InputError
from kilnsight.mapping import exposure, ortho
from kilnsight.mapping.exposure import Exposure
from kilnsight.mapping.grid import Grid
from kilnsight.mapping.ortho import Surface, paint, plan_views
from kilnsight.photos.camera import Camera

LENS = Camera(480, 360, 400.0, 400.0, 240.5, 178.0, -0.08, 0.01, 2e-4, 1e-4)
HEIGHT_M = 40.0
WEST, NORTH = over(0, 0, 0)[0] - 40, over(0, 0, 0)[1] + 32
WORLD = Grid(float(WEST), float(NORTH), 0.1, 640, 800)
GAINS = (1.2, 0.85, 1.0, 1.15, 0.8, 1.1)


@pytest.fixture(autouse=True)
def here_and_now(monkeypatch):
    monkeypatch.setattr(ortho, "run", at_once)
    monkeypatch.setattr(exposure, "run", at_once)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Level ground with texture, seen by six views whose exposures differ by up to 20 %."""
    folder = tmp_path_factory.mktemp("photos")
    ground = (texture(*WORLD.shape, seed=6, sizes=(2.0, 5.0, 25.0)) * 0.45 + 50).astype(np.uint8)
    flat = np.full(WORLD.shape, over(0, 0, 0)[2], np.float32)
    views = []
    for k, gain in enumerate(GAINS):
        place = over(12.0 * (k % 3 - 1), 14.0 * (k // 3 - 0.5), HEIGHT_M)
        views.append(view(place, yaw=90.0 * (k // 3) * 2 + 2 * k, pitch=-89.0 - k % 2, camera=LENS,
                          name=f"{k}.png"))
        grey = photograph(views[-1], ground, WORLD, flat) * gain
        colour = np.clip(np.stack([0.8 * grey, 0.9 * grey, grey], axis=2), 0, 255)
        cv2.imwrite(str(folder / views[-1].name), np.rint(colour).astype(np.uint8))
    surface = Surface(WORLD.sub(slice(60, 580), slice(90, 710)), flat[60:580, 90:710])
    return views, {v.name: folder / v.name for v in views}, surface, ground


def mosaic(views, paths, surface, seen=None, light=None, cell=0.1):
    """The painted mosaic as one picture (4, ny, nx), its grid, and the plan."""
    plan = plan_views(views, surface, workers=1)
    seen = np.ones(surface.grid.shape, bool) if seen is None else seen
    light = light or Exposure(np.ones((len(views), 3)), 0.0)
    whole = np.zeros((4, *Grid.cover(surface.grid.bounds, cell=cell).shape), np.uint8)
    grid = None
    for tile in paint(views, paths, surface=surface, plan=plan, seen=seen, exposure=light,
                      cell=cell, workers=1):
        grid, rows, columns, picture = tile
        assert not whole[:, rows, columns].any()
        whole[:, rows, columns] = picture
    return whole, grid, plan


def test_mosaic_is_the_ground_without_seams(scene):
    views, paths, surface, ground = scene
    rng = np.random.default_rng(0)
    points = np.array([over(*p, 0) for p in rng.uniform([-30, -25], [30, 25], (900, 2))])
    samples = exposure.sample_colours(alignment(views, points), paths, workers=1)
    light = exposure.balance(*samples, views=len(views))
    whole, _, plan = mosaic(views, paths, surface, light=light)
    assert len(np.unique(plan.labels[plan.labels >= 0])) == len(views)
    seen = whole[3] == 255
    assert seen.mean() > 0.9
    truth = ground[60:580, 90:710].astype(float)
    red = whole[0].astype(float)
    assert np.corrcoef(red[seen], truth[seen])[0, 1] > 0.98
    off = red - truth * (red[seen] @ truth[seen]) / (truth[seen] @ truth[seen])
    off[~seen] = 0
    weight = np.maximum(cv2.blur(seen.astype(float), (25, 25)), 1e-3)
    tone = (cv2.blur(off, (25, 25)) / weight)[weight > 0.9]
    assert np.ptp(tone) < 6
    step = cv2.blur(off, (9, 9))
    assert np.percentile(np.abs(step[:, 12:] - step[:, :-12])[seen[:, 12:] & seen[:, :-12]],
                         99) < 3
    # Without balancing the same scene has steps: the test is able to fail.
    raw = mosaic(views, paths, surface)[0][0].astype(float)
    bad = raw - truth * (raw[seen] @ truth[seen]) / (truth[seen] @ truth[seen])
    assert np.ptp(cv2.blur(bad, (25, 25))[weight > 0.99]) > 10


def test_colours_keep_their_order(scene):
    views, paths, surface, _ = scene
    whole, _, _ = mosaic(views, paths, surface)
    red, green, blue, alpha = (band.astype(float) for band in whole)
    seen = alpha > 0
    assert np.median((green / np.maximum(red, 1))[seen]) == pytest.approx(0.9, abs=0.02)
    assert np.median((blue / np.maximum(red, 1))[seen]) == pytest.approx(0.8, abs=0.02)


def test_place_is_exact_at_any_cell(scene):
    views, paths, surface, ground = scene
    whole, grid, _ = mosaic(views, paths, surface, cell=0.07)
    x, y = grid.centres()
    rows = np.rint((WORLD.north - y) / WORLD.cell - 0.5).astype(int).clip(0, 639)
    columns = np.rint((x - WORLD.west) / WORLD.cell - 0.5).astype(int).clip(0, 799)
    truth = ground[np.ix_(rows, columns)].astype(np.float32)
    middle = (slice(200, 500), slice(250, 600))
    shift, response = cv2.phaseCorrelate(truth[middle], whole[0][middle].astype(np.float32))
    assert np.hypot(*shift) < 0.25
    assert response > 0.5


def test_ground_that_was_not_seen_stays_empty(scene):
    views, paths, surface, _ = scene
    seen = np.zeros(surface.grid.shape, bool)
    seen[100:300, 100:400] = True
    whole, _, _ = mosaic(views, paths, surface, seen=seen)
    assert (whole[3] > 0).sum() == 200 * 300
    assert not whole[:3][:, whole[3] == 0].any()
    assert (whole[3][100:300, 100:400] == 255).all()


def test_nothing_seen_gives_no_tiles(scene):
    views, paths, surface, _ = scene
    plan = plan_views(views, surface, workers=1)
    tiles = paint(views, paths, surface=surface, plan=plan, cell=0.1, workers=1,
                  seen=np.zeros(surface.grid.shape, bool),
                  exposure=Exposure(np.ones((6, 3)), 0.0))
    assert list(tiles) == []


def test_each_place_is_shown_from_near_above(scene):
    views, _, surface, _ = scene
    plan = plan_views(views, surface, workers=1)
    assert plan.labels.dtype == np.int16
    x, y = plan.grid.centres()
    for k, v in enumerate(views):
        row = int((plan.grid.north - v.pose.centre[1]) / plan.grid.cell)
        column = int((v.pose.centre[0] - plan.grid.west) / plan.grid.cell)
        assert plan.labels[row, column] == k
    far = np.array([np.hypot(*np.meshgrid(x - v.pose.centre[0], y - v.pose.centre[1]))
                    for v in views])
    chosen = np.take_along_axis(far, np.maximum(plan.labels, 0)[None].astype(int), 0)[0]
    # Elsewhere the nearest does not have the place in its picture.
    assert (chosen - far.min(axis=0) < 8)[plan.labels >= 0].mean() > 0.97


def test_what_a_wall_hides_comes_from_the_other_side():
    heights = np.full(WORLD.shape, over(0, 0, 0)[2], np.float32)
    x, _ = WORLD.centres()
    off = x - over(0, 0, 0)[0]
    heights[:, np.abs(off) < 1] += 12
    views = [view(over(-16, 0, HEIGHT_M), camera=LENS), view(over(16, 0, HEIGHT_M), camera=LENS)]
    plan = plan_views(views, Surface(WORLD, heights), workers=1)
    px, _ = plan.grid.centres()
    row = plan.labels[plan.grid.ny // 2]
    assert (row[(px - over(0, 0, 0)[0] > 2) & (px - over(0, 0, 0)[0] < 5)] == 1).all()
    assert (row[(px - over(0, 0, 0)[0] < -2) & (px - over(0, 0, 0)[0] > -5)] == 0).all()


def test_a_view_that_looks_away_or_to_the_horizon_does_no_harm(scene):
    views, _, surface, _ = scene
    away = view(over(0, 0, HEIGHT_M), pitch=40.0, camera=LENS, name="0.png")
    elsewhere = view(over(5000, 0, HEIGHT_M), camera=LENS, name="0.png")
    level = view(over(-60, 0, 15), yaw=90, pitch=-5.0, camera=LENS, name="0.png")
    plan = plan_views([*views, away, elsewhere, level], surface, workers=1)
    usual = plan_views(views, surface, workers=1)
    assert not np.isin(plan.labels, [6, 7]).any()
    changed = (plan.labels != usual.labels) & (usual.labels >= 0)
    assert changed.mean() < 0.02


def test_a_broken_photo_is_named(scene, tmp_path):
    views, paths, surface, _ = scene
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"bad\.png"):
        mosaic(views, dict.fromkeys(paths, bad), surface)
