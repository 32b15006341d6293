import cv2
import numpy as np
import pytest
from mapping_scenes import texture

from kilnsight.mapping.features import GRID, MAX_FEATURES, Features, detect_features


@pytest.fixture(scope="module")
def found():
    return detect_features(texture(600, 900, seed=1))


def test_a_textured_picture_gives_features_all_over(found):
    assert len(found.xy) > 500
    assert found.xy.dtype == np.float32
    assert found.xy.min() >= -0.5
    assert (found.xy.max(axis=0) < [900, 600]).all()
    cells = np.floor(found.xy / [900 / 6, 600 / 6]).astype(int)
    assert len(np.unique(cells, axis=0)) == 36


def test_descriptors_have_length_one(found):
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-3)
    assert (found.descriptors >= 0).all()


def test_strong_corner_does_not_take_all_features():
    picture = np.full((1200, 1200), 128, np.uint8)
    picture[:600, :600] = texture(600, 600, seed=2)
    weak = texture(1200, 1200, seed=3).astype(float) * 0.25 + 96
    picture[600:] = weak[600:].astype(np.uint8)
    xy = detect_features(picture).xy
    assert (xy[:, 1] > 610).sum() > 300
    per_cell = np.bincount((xy // (1200 / GRID)).astype(int) @ [1, GRID])
    assert per_cell.max() < 10 * MAX_FEATURES / GRID**2


def test_never_more_than_the_limit():
    assert 3000 < len(detect_features(texture(1500, 1600, seed=4)).xy) <= MAX_FEATURES


def test_positions_are_those_of_the_full_picture():
    picture = texture(900, 1200, seed=5)
    large = cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    small, big = detect_features(picture), detect_features(large)
    scaled = (small.xy + 0.5) * 3 - 0.5
    similarity = small.descriptors @ big.descriptors.T
    best = similarity.argmax(axis=1)
    sure = similarity.max(axis=1) > 0.95
    off = np.abs(big.xy[best] - scaled)[sure]
    assert sure.sum() > 100
    assert np.median(off) < 1.0


def test_positions_have_no_common_offset():
    """Blobs at known places, in a picture whose sides do not shrink by the same factor."""
    shape, random = (3648, 5472), np.random.default_rng(2)
    true = random.uniform(200, 3400, (150, 2)) * [1.5, 1.0]
    picture = np.full(shape, 60, np.uint8)
    for x, y in true:
        cv2.circle(picture, (round(x * 16), round(y * 16)), 16 * 16, 200, -1, cv2.LINE_AA, 4)
    picture = cv2.GaussianBlur(picture, (0, 0), 6)
    xy = detect_features(picture).xy
    off = np.array([(d := xy - t)[np.hypot(*d.T).argmin()] for t in true])
    off = off[np.hypot(*off.T) < 3]
    assert len(off) > 80
    assert np.abs(np.median(off, axis=0)).max() < 0.25, "a quarter of a reduced pixel is 0.85"


@pytest.mark.parametrize("shape", [(200, 300), (64, 64), (20, 2000)])
def test_a_blank_picture_has_none(shape):
    found = detect_features(np.full(shape, 90, np.uint8))
    assert found.xy.shape == (0, 2)
    assert found.descriptors.shape == (0, 128)
    assert found.xy.dtype == found.descriptors.dtype == np.float32


def test_saved_features_come_back(found, tmp_path):
    path = tmp_path / "a.npz"
    found.save(path)
    back = Features.load(path)
    np.testing.assert_array_equal(back.xy, found.xy)
    assert np.einsum("ij,ij->i", back.descriptors, found.descriptors).min() > 0.999
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_no_features_come_back_as_none(tmp_path):
    none = detect_features(np.zeros((50, 50), np.uint8))
    none.save(tmp_path / "a.npz")
    assert len(Features.load(tmp_path / "a.npz").xy) == 0
