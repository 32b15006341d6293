"""Sharpness and exposure of a picture, from a quick look at a reduced copy."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.photos.flag import Flag, PhotoError

LOOK_PX = 1000
"""Long side of the reduced copy is at least this; JPEG gives 1/2, 1/4 and 1/8 at little cost."""
BURNT = 250
"""Grey value from which a pixel is burnt out."""
BLACK = 5
"""Grey value up to which a pixel is black."""
OVEREXPOSED_SHARE = 0.15
"""Share of burnt out pixels from which a photo is over-exposed; 75 real photos of bare, bright
ground have at most 0.0002, the same made 1.5 times brighter 0.03."""
UNDEREXPOSED_SHARE = 0.4
"""Share of black pixels from which a photo is under-exposed; deep shadow covers less."""
BLUR_DETAIL = 0.3
"""Detail relative to the flight's median below which a photo may be blurred. 75 real photos have
0.44 and more, the same with a Gaussian blur of 2 pixels at 2000 pixels width at most 0.19."""
BLUR_RATIO = 0.25
"""Fine to coarse detail relative to the flight's median below which a photo may be blurred: real
photos 0.33 and more, blurred ones at most 0.18. Plain ground lacks detail at both scales and a
dark picture too, so that only a photo low in both measures is called blurred."""
BLUR_RATIO_ALONE = 0.05
"""Fine to coarse detail below which a photo is blurred whatever the others are."""
FILLED_ROWS = 8
"""Last rows that are all filling where data are missing: the height of a reduced block."""
SET = 5
"""Photos of a camera from which on their median means something."""


@dataclass(frozen=True)
class Quality:
    """Measures of one picture.

    `detail` is the variance of the Laplacian of the reduced copy, `ratio` that divided by the
    same of a copy 8 times smaller, `burnt` and `black` are shares of the pixels.
    """

    detail: float
    ratio: float
    burnt: float
    black: float


def look(jpeg: bytes, *, width: int, height: int) -> NDArray[np.uint8]:
    """Grey copy of a JPEG picture, shape (rows, columns), reduced while it stays `LOOK_PX` long.

    `width` and `height` are those of the full picture. Raises `PhotoError` where the data end
    too early or cannot be decoded.
    """
    # the import is late so that a process without pictures, one that aligns, never loads Pillow
    from PIL import Image

    factor = 1
    while factor < 8 and max(width, height) / (2 * factor) >= LOOK_PX:
        factor *= 2
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            image.draft("L", (-(-width // factor), -(-height // factor)))
            image.load()
            grey = np.asarray(image.convert("L"))
    except (OSError, SyntaxError, ValueError, IndexError, KeyError, struct.error) as error:
        flag = Flag.TRUNCATED if "truncated" in str(error) else Flag.DAMAGED
        raise PhotoError(flag) from error
    if _ends_in_filling(grey):
        raise PhotoError(Flag.TRUNCATED)
    return grey


def _ends_in_filling(grey: NDArray[np.uint8]) -> bool:
    """Whether the last rows hold the grey that the decoder puts where data are missing.

    It does so without a word where a repair program has put an end marker behind a cut file.
    """
    return bool(np.all(grey[-FILLED_ROWS:] == 128))


def measure(grey: NDArray[np.uint8]) -> Quality:
    """Sharpness and exposure of a grey picture, shape (rows, columns)."""
    coarse = grey
    for _ in range(3):
        coarse = cv2.pyrDown(coarse)  # type: ignore[assignment]
    detail = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    rough = float(cv2.Laplacian(coarse, cv2.CV_32F).var())
    return Quality(
        detail, detail / max(rough, 1e-6),
        float(np.mean(grey >= BURNT)), float(np.mean(grey <= BLACK)),
    )


def exposure_flags(quality: Quality) -> frozenset[Flag]:
    """Flags of one photo that need no other photo to compare with."""
    flags = set()
    if quality.burnt >= OVEREXPOSED_SHARE:
        flags.add(Flag.OVEREXPOSED)
    if quality.black >= UNDEREXPOSED_SHARE:
        flags.add(Flag.UNDEREXPOSED)
    return frozenset(flags)


def blurred(qualities: Iterable[Quality]) -> list[bool]:
    """Whether each photo is blurred, compared with the others; all are of one camera."""
    given = list(qualities)
    enough = len(given) >= SET
    detail = median(q.detail for q in given) if enough else 0.0
    ratio = median(q.ratio for q in given) if enough else 0.0
    return [
        (q.detail < BLUR_DETAIL * detail and q.ratio < BLUR_RATIO * ratio)
        or (q.ratio < BLUR_RATIO_ALONE and q.black < UNDEREXPOSED_SHARE)
        for q in given
    ]
