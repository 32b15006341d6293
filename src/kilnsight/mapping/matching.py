"""Which photos show the same ground, and which of their features are the same points."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

RATIO = 0.8
"""Lowe's ratio: a match is kept when the second best is farther by this factor."""
NEIGHBOURS = 10
"""Photos tried for each photo, nearest first by the ground they look at."""
PROBE_FEATURES = 700
"""Features compared first to see whether a pair is worth comparing in full."""
PROBE_MATCHES = 9
"""Matches among the probed features that make a pair worth comparing in full."""


def candidate_pairs(
    ground_xy: NDArray[np.float64], *, neighbours: int = NEIGHBOURS
) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of photos to compare.

    `ground_xy`, shape (n, 2), metres: where each photo's axis meets the ground, NaN where
    unknown. Photos follow each other in time; one without a place is compared with its
    neighbours in time.
    """
    count = len(ground_xy)
    pairs = {(i, i + 1) for i in range(count - 1)}
    known = np.flatnonzero(np.isfinite(ground_xy).all(axis=1))
    if len(known) > 1:
        k = min(neighbours + 1, len(known))
        _, nearest = cKDTree(ground_xy[known]).query(ground_xy[known], k=k)
        pairs |= {
            (int(min(known[i], known[j])), int(max(known[i], known[j])))
            for i, row in enumerate(nearest) for j in row if i != j
        }
    for i in np.flatnonzero(~np.isfinite(ground_xy).all(axis=1)).tolist():
        pairs |= {(min(i, j), max(i, j)) for j in range(max(0, i - 5), min(count, i + 6)) if j != i}
    return sorted(pairs)


def match(
    first: NDArray[np.float32], second: NDArray[np.float32], *, ratio: float = RATIO
) -> NDArray[np.uint32]:
    """Indices, shape (m, 2), of descriptors that are each other's nearest and pass the ratio."""
    if len(first) < 2 or len(second) < 2:
        return np.empty((0, 2), np.uint32)
    best, runner_up, index, back = _nearest(first @ second.T)
    near, far = np.sqrt(np.maximum(0, 2 - 2 * best)), np.sqrt(np.maximum(0, 2 - 2 * runner_up))
    mutual = back[index] == np.arange(len(first))
    chosen = np.flatnonzero(mutual & (near < ratio * far))
    return np.column_stack([chosen, index[chosen]]).astype(np.uint32)


def match_probed(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> NDArray[np.uint32]:
    """As `match`, but empty when a sample of the features finds hardly any match."""
    step_a = max(1, len(first) // PROBE_FEATURES)
    step_b = max(1, len(second) // (3 * PROBE_FEATURES))
    if len(match(first[::step_a], second[::step_b])) < PROBE_MATCHES:
        return np.empty((0, 2), np.uint32)
    return match(first, second)


@numba.njit(cache=True, nogil=True)
def _nearest(
    similarity: NDArray[np.float32],
) -> tuple[
    NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]
]:  # pragma: no cover - compiled
    """Best and second best similarity and best index of each row; best row of each column."""
    rows, columns = similarity.shape
    best = np.full(rows, -1.0, np.float32)
    runner_up = np.full(rows, -1.0, np.float32)
    index = np.zeros(rows, np.int32)
    column_best = np.full(columns, -1.0, np.float32)
    back = np.zeros(columns, np.int32)
    for i in range(rows):
        first, second, at = np.float32(-1), np.float32(-1), 0
        for j in range(columns):
            value = similarity[i, j]
            if value > first:
                second, first, at = first, value, j
            elif value > second:
                second = value
            if value > column_best[j]:
                column_best[j] = value
                back[j] = i
        best[i], runner_up[i], index[i] = first, second, at
    return best, runner_up, index, back
