"""Pictures of the report that are no map tiles: evidence crops and the numbered overview."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image, ImageDraw, ImageFont, ImageOps

from kilnsight.reports.tiles import Box, Grid, paint_ortho, readable

SEVERITY_COLOURS = {1: "#f2c53d", 2: "#f08a24", 3: "#d92d2a", 4: "#8c1d8a"}
"""Outline colour of each severity, low to urgent."""

SEVERITY_INK = {1: "#1d2125", 2: "#1d2125", 3: "#ffffff", 4: "#ffffff"}
"""Text colour that reads well on the colour of the same severity."""

FONT = Path(__file__).parent / "fonts" / "KilnsightSansSC-Regular.otf"
VIEW_PX, THUMB_PX = 1600, 480
_MAX_PIXELS = 100_000_000
_OVERSAMPLE = 2


@dataclass(frozen=True)
class Outline:
    """A finding to draw on the overview: number, severity, rings in map metres, label's place."""

    number: int
    severity: int
    rings: list[list[tuple[float, float]]]
    place: tuple[float, float]


def save_crop(source: Path, out: Path, *, side: int, quality: int = 84) -> bool:
    """Write a picture as JPEG with its longer side `side` pixels at most; False if unreadable."""
    try:
        with Image.open(source) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                return False
            picture.draft("RGB", (side, side))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    upright.thumbnail((side, side), Image.Resampling.LANCZOS)
    out.parent.mkdir(parents=True, exist_ok=True)
    upright.save(out, "jpeg", quality=quality, progressive=True)
    return True


def draw_overview(
    ortho: Path, grid: Grid, outlines: list[Outline], *, side: int = 2000
) -> Image.Image:
    """Picture of the whole map with numbered outlines, a scale bar and north up, RGB."""
    factor = max(grid.width, grid.height) / side
    size = (max(1, round(grid.width / factor)), max(1, round(grid.height / factor)))
    cell = grid.cell * factor
    with readable(ortho), rasterio.open(ortho) as source:
        pixels = paint_ortho(source, Box(grid.west, grid.north, cell, *size))
    base = Image.new("RGB", size, "white")
    base.paste(Image.fromarray(pixels[..., :3]), mask=Image.fromarray(pixels[..., 3]))
    canvas = _Canvas(base, grid=grid, cell=cell)
    # The most severe come last and so lie on top.
    for outline in sorted(outlines, key=lambda o: o.severity):
        canvas.outline(outline)
    for outline in sorted(outlines, key=lambda o: o.severity):
        canvas.label(outline)
    canvas.scale_bar()
    return canvas.finished()


class _Canvas:
    """Draws at twice the size and shrinks at the end, for smooth lines."""

    def __init__(self, base: Image.Image, *, grid: Grid, cell: float) -> None:
        self.size = base.size
        self.unit = max(base.size) / 2000 * _OVERSAMPLE
        # Nearest up and box down leave what is not drawn over as it was.
        self.picture = base.resize(
            (base.width * _OVERSAMPLE, base.height * _OVERSAMPLE), Image.Resampling.NEAREST
        )
        self.draw = ImageDraw.Draw(self.picture)
        self.grid, self.cell = grid, cell / _OVERSAMPLE

    def at(self, east: float, north: float) -> tuple[float, float]:
        return (east - self.grid.west) / self.cell, (self.grid.north - north) / self.cell

    def outline(self, outline: Outline) -> None:
        colour = SEVERITY_COLOURS[outline.severity]
        for ring in outline.rings:
            points = [self.at(*point) for point in ring]
            self.draw.line(points, fill="white", width=round(9 * self.unit), joint="curve")
            self.draw.line(points, fill=colour, width=round(5 * self.unit), joint="curve")

    def label(self, outline: Outline) -> None:
        x, y = self.at(*outline.place)
        radius = 27 * self.unit
        self.draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius),
            fill=SEVERITY_COLOURS[outline.severity], outline="white", width=round(3 * self.unit),
        )
        self.text((x, y), str(outline.number), size=31, fill=SEVERITY_INK[outline.severity])

    def text(self, place: tuple[float, float], text: str, *, size: float, fill: str) -> None:
        font = ImageFont.truetype(str(FONT), max(8, round(size * self.unit)))
        self.draw.text(place, text, font=font, fill=fill, anchor="mm")

    def scale_bar(self) -> None:
        length_m = nice_length(self.grid.cell * self.grid.width / 7)
        width, unit = length_m / self.cell, self.unit
        left, bottom = 34 * unit, self.picture.height - 36 * unit
        box = (left - 18 * unit, bottom - 56 * unit, left + width + 18 * unit, bottom + 20 * unit)
        self.draw.rounded_rectangle(box, radius=8 * unit, fill="white")
        self.draw.rectangle((left, bottom - 4 * unit, left + width, bottom + 4 * unit), fill="#222")
        label = f"{length_m:g} m"
        self.text((left + width / 2, bottom - 30 * unit), label, size=34, fill="#222")

    def finished(self) -> Image.Image:
        return self.picture.resize(self.size, Image.Resampling.BOX)


def nice_length(length_m: float) -> float:
    """Largest of 1, 2, 5, 10, 20, ... metres that is no longer than `length_m`.

    >>> nice_length(46), nice_length(0.7)
    (20.0, 0.5)
    """
    power = 10.0 ** np.floor(np.log10(length_m))
    return float(max(f * power for f in (1, 2, 5) if f * power <= length_m * 1.000001))
