"""What the quality figures of a survey mean, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass

from kilnsight.i18n import gettext as _
from kilnsight.reports.bilingual import Text, both, looked_up, same
from kilnsight.reports.figures import at, finite, number, percent, plain
from kilnsight.surveys.folder import Json


@dataclass(frozen=True)
class Row:
    """One figure of the quality table: what it is and its value."""

    label: Text
    value: Text


def quality_rows(quality: Json) -> list[Row]:
    """Figures of map/quality.json in the order they are shown; those that are missing are left out.
    """
    rows = [
        (both(lambda language: _("Photos used in the map", language)), _photos(quality)),
        (both(lambda language: _("Ground sampling distance of the photos", language)),
         _length(at(quality, "gsd_m"))),
        (both(lambda language: _("Cell of the orthomosaic", language)),
         _length(at(quality, "ortho_cell_m"))),
        (both(lambda language: _("Cell of the surface model", language)),
         _length(at(quality, "dsm_cell_m"))),
        (both(lambda language: _("Reprojection error", language)),
         _unit(at(quality, "reprojection_error_px"), "px")),
        (both(lambda language: _("Tie points", language)), _count(at(quality, "points"))),
        (both(lambda language: _("Photos that see a tie point, mean", language)),
         _unit(at(quality, "mean_track_length"), "")),
        (both(lambda language: _("Horizontal distance to the GPS positions", language)),
         _spread(quality, "georeference", "horizontal_residual_m")),
        (both(lambda language: _("Vertical distance to the GPS positions", language)),
         _spread(quality, "georeference", "vertical_residual_m")),
        (both(lambda language: _("Spread of the surface model", language)),
         _spread(quality, "dsm_spread_m")),
        (both(lambda language: _("Georeference", language)), _method(quality)),
    ]
    return [Row(label, value) for label, value in rows if value is not None]


def accuracy_sentences(quality: Json) -> list[Text]:
    """What the accuracy of the map means for who reads it."""
    place = at(quality, "georeference", "position_sigma_m")
    scale = at(quality, "georeference", "scale_sigma")
    offset = at(quality, "georeference", "height_offset_sigma_m")
    sentences = []
    if place is not None:
        text = plain(1.96 * place, "m")
        sentences.append(both(lambda language: _(
            "A place read from the map lies within about {distance} of the true one "
            "(95 % confidence).", language, distance=text,
        )))
    if scale is not None:
        length, area, volume = (percent(n * 1.96 * scale) for n in (1, 2, 3))
        sentences.append(both(lambda language: _(
            "The scale of the map alone leaves lengths uncertain by {length}, areas by {area} and "
            "volumes by {volume}.", language,
            length=length, area=area, volume=volume,
        )))
    if offset is not None:
        text = plain(1.96 * offset, "m")
        sentences.append(both(lambda language: _(
            "All heights together may be off by up to {offset}; differences of height within the "
            "map, and so volumes, are not touched by it.", language, offset=text,
        )))
    return sentences


def coverage_sentences(quality: Json, survey: Json) -> list[Text]:
    """What was seen and what was not; always ends with what that means."""
    seen = at(quality, "coverage", "area_m2")
    seen = at(survey, "coverage", "area_m2") if seen is None else seen
    hull = at(quality, "coverage", "hull_area_m2")
    sentences = []
    if seen is not None:
        text = area(seen)
        sentences.append(both(lambda language: _(
            "The map shows {area} of ground.", language, area=text
        )))
    if seen is not None and hull is not None and hull > seen:
        gap, share = area(hull - seen), percent((hull - seen) / hull)
        sentences.append(both(lambda language: _(
            "Within its outline {area} ({share}) were not observed.", language,
            area=gap, share=share,
        )))
    sentences.append(both(lambda language: _(
        "Not seen is not clean: where the map has gaps, under roofs and outside its outline "
        "nothing is said.", language,
    )))
    return sentences


def area(area_m2: float) -> str:
    """Area in square metres, from one hectare on in hectares.

    >>> area(940.0), area(36120.0)
    ('940 m²', '3.61 ha')
    """
    return f"{area_m2 / 1e4:.2f} ha" if area_m2 >= 1e4 else f"{number(area_m2, 0)} m²"


def _photos(quality: Json) -> Text | None:
    aligned, given = at(quality, "photos", "aligned"), at(quality, "photos", "given")
    if aligned is None or given is None:
        return None
    used, total = number(aligned, 0), number(given, 0)
    return both(lambda language: _("{used} of {total}", language, used=used, total=total))


def _length(length_m: float | None) -> Text | None:
    return None if length_m is None else same(f"{100 * length_m:.1f} cm")


def _unit(value: float | None, unit: str) -> Text | None:
    return None if value is None else same(f"{value:.2f} {unit}".strip())


def _count(value: float | None) -> Text | None:
    return None if value is None else same(number(value, 0))


def _spread(quality: Json, *keys: str) -> Text | None:
    middle, high = at(quality, *keys, "median"), at(quality, *keys, "p95")
    if middle is None or high is None:
        return None
    values = {"median": f"{middle:.2f} m", "p95": f"{high:.2f} m"}
    return both(lambda language: _("median {median}, 95 % below {p95}", language, **values))


def _method(quality: Json) -> Text | None:
    reference = quality.get("georeference")
    method = reference.get("method") if isinstance(reference, dict) else None
    return looked_up(str(method)) if method else None


def gsd_text(quality: Json) -> str:
    """Ground sampling distance in centimetres; a dash where it is not known."""
    gsd = finite(quality.get("gsd_m"))
    return "–" if gsd is None else f"{100 * gsd:.1f} cm"
