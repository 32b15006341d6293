"""Points of a photo that can be found again in another photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE_PX = 1600
"""Photos are reduced to this long side before features are sought."""
MAX_FEATURES = 3600
"""Features kept of a photo; the strongest of each cell of a grid, so that they spread."""
GRID = 12
"""Cells along each side of the grid over which features are spread."""
CONTRAST = 0.008
"""SIFT's contrast threshold; low, since cleared soil and dust films are faint."""


@dataclass(frozen=True)
class Features:
    """Points of one photo.

    `xy`, float32 (n, 2): pixels of the full photo. `descriptors`, float32 (n, 128): square roots
    of SIFT histograms, length 1.
    """

    xy: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write to `path` (.npz), descriptors rounded to bytes."""
        packed = np.clip(np.round(self.descriptors * 255), 0, 255).astype(np.uint8)
        part = path.with_suffix(".part")
        with part.open("wb") as stream:
            np.savez(stream, xy=self.xy, descriptors=packed)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Features:
        """Features written by `save`."""
        with np.load(path, allow_pickle=False) as data:
            descriptors = data["descriptors"].astype(np.float32)
            descriptors /= np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-6)
            return cls(data["xy"], descriptors)


def detect_features(gray: NDArray[np.uint8]) -> Features:
    """Features of a grey picture, shape (height, width)."""
    scale = min(1.0, LONG_SIDE_PX / max(gray.shape))
    size = (round(gray.shape[1] * scale), round(gray.shape[0] * scale))
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA) if scale < 1 else gray
    # All are found before some are chosen: the strongest alone leave faint ground without any.
    # Without the precise upscale every position is a quarter of a pixel off.
    sift = cv2.SIFT.create(
        contrastThreshold=CONTRAST, edgeThreshold=12, enable_precise_upscale=True
    )
    found = sift.detect(small, None)
    if not found:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    keep = _spread(_places(found), np.array([p.response for p in found]), size)
    chosen, raw = sift.compute(small, [found[i] for i in keep])
    # Sides are rounded to whole pixels: each has a scale of its own.
    stretch = np.array(gray.shape[::-1]) / np.array(small.shape[::-1])
    xy = (_places(chosen) + 0.5) * stretch - 0.5
    return Features(xy.astype(np.float32), _root(np.asarray(raw, dtype=np.float32)))


def _places(keypoints: Sequence[cv2.KeyPoint]) -> NDArray[np.float32]:
    """Pixels of keypoints, shape (n, 2)."""
    return np.array([p.pt for p in keypoints], dtype=np.float32).reshape(-1, 2)


def _root(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """RootSIFT (Arandjelovic and Zisserman 2012): square root of the histogram with sum 1."""
    rooted = np.sqrt(raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-6))
    return np.asarray(rooted, dtype=np.float32)


def _spread(
    xy: NDArray[np.float32], response: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.int64]:
    """Indices of up to `MAX_FEATURES` points, the strongest of every cell in turn."""
    cell = np.minimum((xy / np.array(size) * GRID).astype(int), GRID - 1)
    key = cell[:, 1] * GRID + cell[:, 0]
    order = np.lexsort((-response, key))
    start = np.searchsorted(key[order], key[order])
    rank = np.arange(len(xy)) - start
    best = np.lexsort((-response[order], rank))[:MAX_FEATURES]
    return np.asarray(np.sort(order[best]), dtype=np.int64)
