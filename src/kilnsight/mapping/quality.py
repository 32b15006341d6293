"""How good the map is: the figures and the warnings of map/quality.json."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kilnsight.i18n import LANGUAGES
from kilnsight.i18n import gettext as _
from kilnsight.mapping.align import Alignment
from kilnsight.mapping.georeference import Georeference
from kilnsight.mapping.grid import Grid
from kilnsight.mapping.surface import seen_ground
from kilnsight.photos.photo import Photo

Json = dict[str, Any]

MAX_LENS_CHANGE = 0.05
"""A focal length that moves by more than this from what was recorded is worth a warning."""
MAX_SCALE_SIGMA = 0.02
"""A scale less certain than this is worth a warning: areas are then off by 8 %, at 95 %."""


def alignment_quality(alignment: Alignment, photos: list[Photo], *, given: int) -> Json:
    """Figures of the alignment: photos, points, residuals, lens, and warnings about them."""
    place = alignment.place
    view, _point = alignment.seen_by.T
    prior = {p.name: p.lens.fx for p in photos}
    first = alignment.views[0]
    assumed = next(p.focal_source for p in photos if p.name == first.name)
    return {
        "photos": {"given": given, "used": len(photos), "aligned": len(alignment.views),
                   "unaligned": list(alignment.unaligned)},
        "reprojection_error_px": _round(float(np.mean(alignment.errors)), 3),
        "points": len(alignment.points),
        "mean_track_length": _round(len(view) / max(len(alignment.points), 1), 2),
        "georeference": {
            "method": place.method, "altitude_used": place.altitude_used,
            "horizontal_residual_m": _spread(place.horizontal_residual_m),
            "vertical_residual_m": _spread(place.vertical_residual_m),
            "scale_sigma": _round(place.scale_sigma, 5),
            "tilt_sigma_deg": _round(place.tilt_sigma_deg, 3),
            "position_sigma_m": _round(place.position_sigma_m, 2),
            "height_offset_sigma_m": _round(place.height_offset_sigma_m, 2)
            if len(place.vertical_residual_m) else None,
            "gps_altitude_range_m": _round(place.altitude_range_m, 1),
            "flight_height_range_m": _round(place.flight_range_m, 1),
        },
        "lens": {"prior_fx": _round(prior[first.name], 1), "fx": _round(first.camera.fx, 1),
                 "assumed": assumed},
        "warnings": _warnings(alignment, prior),
    }


def surface_quality(
    height: NDArray[np.float32], spread: NDArray[np.float32], grid: Grid, *, gsd_m: float
) -> Json:
    """Figures of the surface model: cell sizes, coverage and spread."""
    known = np.isfinite(height)
    seen = known | seen_ground(height, cell=grid.cell)
    area = float(known.sum()) * grid.cell**2
    hull = float(seen.sum()) * grid.cell**2
    values = spread[np.isfinite(spread)]
    return {
        "gsd_m": _round(gsd_m, 4), "dsm_cell_m": grid.cell, "ortho_cell_m": None,
        "coverage": {"area_m2": _round(area, 1), "hull_area_m2": _round(hull, 1),
                     "hole_fraction": _round(1 - area / hull if hull else 0.0, 4)},
        "dsm_spread_m": _spread(values),
    }


def _warnings(alignment: Alignment, prior: dict[str, float]) -> list[Json]:
    """What the user should know before trusting the map."""
    place = alignment.place
    found = []
    if not len(place.vertical_residual_m):
        found.append(_warning(
            "no_altitude", "The photos record no altitude: heights within the map are true to"
            " scale, but their common level above the sea is not known.",
        ))
    elif not place.altitude_used and place.altitude_range_m > 0:
        found.append(_altitude_warning(place))
    if place.scale_sigma > MAX_SCALE_SIGMA:
        found.append(_warning(
            "scale_uncertain", "GPS positions scatter by {residual:.0f} m about the flight path of"
            " the photos, so the map's scale is known to {percent:.1f} % (one standard deviation)."
            " Areas and volumes carry it in their intervals.",
            residual=float(np.median(place.horizontal_residual_m)), percent=100 * place.scale_sigma,
        ))
    if alignment.unaligned:
        found.append(_warning(
            "photos_unaligned", "{count} photos could not be placed and were not used: {names}.",
            count=len(alignment.unaligned), names=", ".join(alignment.unaligned[:8])
            + ("..." if len(alignment.unaligned) > 8 else ""),
        ))
    for view in {v.camera: v for v in alignment.views}.values():
        change = view.camera.fx / prior[view.name] - 1
        if abs(change) > MAX_LENS_CHANGE:
            found.append(_warning(
                "lens_changed", "The photos show a focal length {percent:+.1f} % from the one"
                " recorded. Zoom, stabilisation or a resized picture does this.",
                percent=100 * change,
            ))
    return found


def _altitude_warning(place: Georeference) -> Json:
    return _warning(
        "gps_altitude_drift", "The recorded altitude changes by {recorded:.0f} m during the flight,"
        " while the photos show that the aircraft's height changed by {flown:.0f} m. The altitude"
        " was not used: heights within the map are true to scale, but their common level above the"
        " sea is known to about {sigma:.0f} m only.",
        recorded=place.altitude_range_m, flown=place.flight_range_m,
        sigma=place.height_offset_sigma_m,
    )


def _warning(code: str, message: str, **values: object) -> Json:
    """Warning with its text in every language."""
    text = {language: _(message, language, **values) for language in LANGUAGES}
    return {"code": code, "text": text}


def _spread(values: NDArray[Any]) -> Json:
    """Median and 95th percentile of values, null where there is none."""
    if not len(values):
        return {"median": None, "p95": None}
    return {"median": _round(float(np.median(values)), 3),
            "p95": _round(float(np.percentile(values, 95)), 3)}


def _round(value: float, digits: int) -> float:
    return round(float(value), digits)
