"""From light to a photo: exposure, vignetting, noise, and the tone curve of a camera."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight.photos.camera import Camera
from kilnsight.simulate.kernels import fast
from kilnsight.simulate.route import Shot

Floats = NDArray[np.floating[Any]]
_CURVE_SIZE = 4096
_GREY = 0.185
"""Mean brightness, linear, that the exposure aims at."""


def tone_curve() -> NDArray[np.float32]:
    """Display value 0 to 255 of linear light from 0 to 1.25, with a soft shoulder."""
    light = np.linspace(0, 1.25, _CURVE_SIZE)
    soft = np.where(light < 0.6, light, 0.6 + 0.4 * np.tanh((light - 0.6) / 0.4))
    srgb = np.where(soft < 0.0031308, 12.92 * soft, 1.055 * soft ** (1 / 2.4) - 0.055)
    contrast = srgb + 0.03 * np.sin(2 * np.pi * (srgb - 0.5))
    return np.asarray(255 * np.clip(contrast, 0, 1), dtype=np.float32)


@fast
def _expose(
    light: Floats, noise: Floats, gain: Floats, middle: Floats, curve: Floats, out: Any
) -> None:
    height, width, _ = light.shape
    scale = 1.0 / (middle[0] ** 2 + middle[1] ** 2)
    top = curve.size - 1
    for i in range(height):
        for j in range(width):
            r2 = ((j - middle[0]) ** 2 + (i - middle[1]) ** 2) * scale
            fall = 1 / (1 + 0.22 * r2 + 0.10 * r2 * r2)
            for k in range(3):
                x = light[i, j, k] * gain[k] * fall
                x += noise[i, j, k] * np.sqrt(0.00011 * max(x, 0.0) + 1.5e-6)
                at = min(max(x * (top / 1.25), 0.0), float(top))
                out[i, j, k] = int(curve[int(at)] + 0.5)


def expose(
    light: NDArray[np.float32], shot: Shot, *, level: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Picture, uint8, of linear light, shape (height, width, 3); `level` is the usual mean."""
    mean = float(light[::8, ::8].mean())
    # the camera evens out bright and dark views, but not wholly
    gain = _GREY / (level**0.65 * mean**0.35) * shot.gain
    gains = np.array([gain * shot.balance[0], gain, gain * shot.balance[1]])
    # a real lens is never as sharp as a computed picture
    blurred: Floats = np.asarray(cv2.GaussianBlur(light, (0, 0), 0.45), dtype=np.float32)
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    out = np.empty(light.shape, dtype=np.uint8)
    _expose(blurred, noise, gains, _middle(shot.view.camera), tone_curve(), out)
    return out


def _middle(camera: Camera) -> Floats:
    return np.array([camera.cx, camera.cy])


def develop(light: NDArray[np.float32], *, level: float) -> NDArray[np.uint8]:
    """Map colours, uint8, of linear light, without noise or vignetting."""
    curve = tone_curve()
    at = np.clip(light * (_GREY / level) * ((_CURVE_SIZE - 1) / 1.25), 0, _CURVE_SIZE - 1)
    return np.asarray(curve[at.astype(np.int32)] + 0.5).astype(np.uint8)
