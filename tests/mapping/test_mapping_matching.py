import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilnsight.mapping.matching import candidate_pairs, match, match_probed


def descriptors(count, seed=0):
    raw = np.abs(np.random.default_rng(seed).normal(size=(count, 128))).astype(np.float32)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def jittered(values, seed=1, sigma=0.01):
    noisy = values + np.random.default_rng(seed).normal(0, sigma, values.shape)
    return (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)


@given(st.permutations(range(40)))
@settings(max_examples=30, deadline=None)
def test_a_permutation_is_found_again(order):
    first = descriptors(40)
    found = match(first, jittered(first)[order])
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found[:, 0], np.arange(40))
    np.testing.assert_array_equal(np.array(order)[found[:, 1]], np.arange(40))


def test_ambiguous_matches_are_left_out():
    first = descriptors(30)
    doubled = np.vstack([jittered(first, 1), jittered(first[:10], 2)])
    assert match(first, doubled)[:, 0].tolist() == list(range(10, 30))


def test_matches_are_mutual():
    first = descriptors(30)
    # Two of the first picture look like one of the second: it can be only one of them.
    crowd = np.vstack([first, jittered(first[:5], 3, sigma=0.002)])
    second = jittered(first, 4, sigma=0.002)
    found = match(crowd, second)
    assert len(np.unique(found[:, 1])) == len(found)
    forward = {(int(i), int(j)) for i, j in found}
    back = {(int(i), int(j)) for j, i in match(second, crowd)}
    assert {(i, j) for i, j in forward if j >= 5} == {(i, j) for i, j in back if j >= 5}


def test_strangers_do_not_match():
    assert len(match(descriptors(200, 1), descriptors(200, 2))) <= 2


@pytest.mark.parametrize("sizes", [(0, 0), (0, 5), (5, 0), (1, 5), (5, 1)])
def test_next_to_nothing_matches_nothing(sizes):
    found = match(descriptors(sizes[0]), descriptors(sizes[1]))
    assert found.shape == (0, 2)
    assert found.dtype == np.uint32


def test_probing_spares_strangers_and_keeps_friends():
    first = descriptors(2500)
    np.testing.assert_array_equal(match_probed(first, jittered(first)),
                                  match(first, jittered(first)))
    assert len(match_probed(first, descriptors(2500, 9))) == 0


places = st.lists(
    st.one_of(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
              st.just((np.nan, np.nan))),
    min_size=0, max_size=40,
)


@given(places, st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_candidate_pairs_are_sound(xy, neighbours):
    ground = np.array(xy, dtype=float).reshape(-1, 2)
    pairs = candidate_pairs(ground, neighbours=neighbours)
    assert pairs == sorted(set(pairs))
    assert all(0 <= i < j < len(ground) for i, j in pairs)
    assert {(i, i + 1) for i in range(len(ground) - 1)} <= set(pairs)
    # Every photo known by place has its nearest, so the count grows with the photos only.
    assert len(pairs) <= len(ground) * (neighbours + 11)


def test_neighbours_in_space_are_candidates():
    lines = [(x, y) for y in (0, 30) for x in (range(0, 300, 20) if y == 0
                                               else range(280, -1, -20))]
    pairs = candidate_pairs(np.array(lines, dtype=float), neighbours=4)
    assert (0, 29) in pairs
    assert (0, 15) not in pairs


def test_photos_at_one_place_are_all_compared_with_something():
    pairs = candidate_pairs(np.zeros((8, 2)), neighbours=3)
    assert {i for p in pairs for i in p} == set(range(8))


def test_photos_without_place_are_compared_with_neighbours_in_time():
    ground = np.array([(500.0 * i, 0.0) for i in range(20)])
    ground[10] = np.nan
    pairs = set(candidate_pairs(ground, neighbours=1))
    assert {(5, 10), (9, 10), (10, 11), (10, 15)} <= pairs
    assert (4, 10) not in pairs
    assert len(candidate_pairs(np.full((20, 2), np.nan))) >= 19


def test_pairs_grow_in_proportion_to_photos():
    rng = np.random.default_rng(0)
    counts = [len(candidate_pairs(rng.uniform(0, 100 * n**0.5, (n, 2)))) / n for n in (100, 1000)]
    assert counts[1] < 1.3 * counts[0]
