"""Names of what the survey's files hold as keys and codes, in every language."""

from __future__ import annotations

from collections.abc import Callable

from kilnsight.i18n import gettext as _
from kilnsight.reports.bilingual import Text, both, same

Naming = Callable[[str], str]

MEASURES: dict[str, tuple[Naming, str]] = {
    "area_m2": (lambda language: _("Area", language), "m²"),
    "volume_m3": (lambda language: _("Volume", language), "m³"),
    "height_m": (lambda language: _("Height", language), "m"),
    "cover_fraction": (lambda language: _("Covered share", language), "%"),
    "length_m": (lambda language: _("Length", language), "m"),
    "width_m": (lambda language: _("Width", language), "m"),
    "perimeter_m": (lambda language: _("Perimeter", language), "m"),
}
"""Measured properties of a finding in the order they are shown, each with its name and unit."""

_SEVERITIES: dict[int, Naming] = {
    1: lambda language: _("low", language),
    2: lambda language: _("medium", language),
    3: lambda language: _("high", language),
    4: lambda language: _("urgent", language),
}

_STATUSES: dict[str, Naming] = {
    "suspected": lambda language: _("suspected", language),
    "confirmed": lambda language: _("confirmed", language),
    "rejected": lambda language: _("rejected", language),
}

_FLAGS: dict[str, Naming] = {
    "blurred": lambda language: _("blurred", language),
    "overexposed": lambda language: _("over-exposed", language),
    "underexposed": lambda language: _("under-exposed", language),
    "no_gps": lambda language: _("no GPS position", language),
    "no_time": lambda language: _("no time", language),
    "no_focal": lambda language: _("focal length unknown", language),
    "duplicate": lambda language: _("duplicate", language),
    "not_a_photo": lambda language: _("not a photo", language),
    "truncated": lambda language: _("truncated file", language),
    "damaged": lambda language: _("damaged file", language),
    "too_large": lambda language: _("file too large", language),
    "too_small": lambda language: _("picture too small", language),
    "thermal": lambda language: _("thermal picture", language),
    "fisheye": lambda language: _("fisheye lens", language),
    "unreadable": lambda language: _("unreadable file", language),
    "crashed": lambda language: _("unreadable file", language),
}


def severity(level: int) -> Text:
    """Name of a severity from 1 (low) to 4 (urgent)."""
    return both(_SEVERITIES[level])


def status(code: str) -> Text:
    """Name of a finding's status; the code itself where it is not known."""
    return both(_STATUSES[code]) if code in _STATUSES else same(code)


def flag(code: str) -> Text:
    """Name of a photo's quality flag; the code itself where it is not known."""
    return both(_FLAGS[code]) if code in _FLAGS else same(code.replace("_", " "))


def map_words() -> dict[str, Text]:
    """Texts that the map's own script shows, by key."""
    words: dict[str, Naming] = {
        "ortho": lambda language: _("Orthomosaic", language),
        "relief": lambda language: _("Surface model (height)", language),
        "findings": lambda language: _("Suspected problems", language),
        "positions": lambda language: _("Photo positions", language),
        "footprints": lambda language: _("Photo footprints", language),
        "height": lambda language: _("Height", language),
        "severity": lambda language: _("Severity", language),
        "card": lambda language: _("Show the details", language),
        "aligned": lambda language: _("used in the map", language),
        "unaligned": lambda language: _("not used in the map", language),
        "whole": lambda language: _("Show the whole map", language),
        "zoomIn": lambda language: _("Zoom in", language),
        "zoomOut": lambda language: _("Zoom out", language),
        "close": lambda language: _("Close", language),
        "unseen": lambda language: _("not seen", language),
    }
    return {key: both(naming) for key, naming in words.items()}
