"""What the quality figures of a survey mean, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass

from kilnsight.reports.bilingual import Text, looked_up, same
from kilnsight.reports.bilingual import message as _
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
        (_("Photos used in the map"), _photos(quality)),
        (_("Ground sampling distance of the photos"),
         _length(at(quality, "gsd_m"))),
        (_("Cell of the orthomosaic"),
         _length(at(quality, "ortho_cell_m"))),
        (_("Cell of the surface model"),
         _length(at(quality, "dsm_cell_m"))),
        (_("Reprojection error"),
         _unit(at(quality, "reprojection_error_px"), "px")),
        (_("Tie points"), _count(at(quality, "points"))),
        (_("Photos that see a tie point, mean"),
         _unit(at(quality, "mean_track_length"), "")),
        (_("Horizontal distance to the GPS positions"),
         _spread(quality, "georeference", "horizontal_residual_m")),
        (_("Vertical distance to the GPS positions"),
         _spread(quality, "georeference", "vertical_residual_m")),
        (_("Spread of the surface model"),
         _spread(quality, "dsm_spread_m")),
        (_("Georeference"), _method(quality)),
    ]
    return [Row(label, value) for label, value in rows if value is not None]


def accuracy_sentences(quality: Json) -> list[Text]:
    """What the accuracy of the map means for who reads it."""
    place = at(quality, "georeference", "position_sigma_m")
    scale = at(quality, "georeference", "scale_sigma")
    offset = at(quality, "georeference", "height_offset_sigma_m")
    sentences = []
    if place is not None:
        # 2.45: within that many deviations of one axis lie 95 % of places in the plane.
        text = plain(2.45 * place, "m")
        sentences.append(_(
            "A place read from the map lies within about {distance} of the true one "
            "(95 % confidence).", distance=text
        ))
    if scale is not None:
        length, surface, volume = (percent(n * 1.96 * scale) for n in (1, 2, 3))
        sentences.append(_(
            "The scale of the map alone leaves lengths uncertain by {length}, areas by {area} and "
            "volumes by {volume}.", length=length, area=surface, volume=volume,
        ))
    if offset is not None:
        text = plain(1.96 * offset, "m")
        sentences.append(_(
            "All heights together may be off by up to {offset}; differences of height within the "
            "map, and so volumes, are not touched by it.", offset=text
        ))
    return sentences


def coverage_sentences(quality: Json, survey: Json) -> list[Text]:
    """What was seen and what was not; always ends with what that means."""
    seen = at(quality, "coverage", "area_m2")
    seen = at(survey, "coverage", "area_m2") if seen is None else seen
    hull = at(quality, "coverage", "hull_area_m2")
    sentences = []
    if seen is not None:
        text = area(seen)
        sentences.append(_(
            "The map shows {area} of ground.", area=text
        ))
    if seen is not None and hull is not None and hull > seen:
        gap, share = area(hull - seen), percent((hull - seen) / hull)
        sentences.append(_(
            "Within its outline {area} ({share}) were not observed.", area=gap, share=share
        ))
    sentences.append(_(
        "Not seen is not clean: where the map has gaps, under roofs and outside its outline "
        "nothing is said."
    ))
    return sentences


def method_sentences() -> list[Text]:
    """How the survey was made, and what it cannot say."""
    return [
        _(
            "The photos were aligned with each other, and their GPS positions placed the result "
            "on the ground. Where photos overlap, the height of the highest surface was computed "
            "cell by cell; the photos projected onto it make the orthomosaic.",
        ),
        _(
            "A program outlined the findings in the map and measured them there. Each interval "
            "holds with 95 % confidence; the method stands beside it.",
        ),
        _(
            "A finding is suspected until a person has confirmed it. Whether a rule is broken is "
            "for the authority to say, not for this report.",
        ),
        _(
            "What lies under roofs, nets and trees was not seen, nor what happened before and "
            "after the flight.",
        ),
    ]


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
    return photos_used(int(aligned), int(given))


def photos_used(used: int, total: int) -> Text:
    """How many of the photos are in the map."""
    return _("{used} of {total}", used=used, total=total)


def datum_sentence(datum: Text) -> Text:
    """What the heights are counted from."""
    return _("Heights are in metres above: {datum}.", datum=datum)


def found_sentence(count: int) -> Text:
    """How many suspected problems there are."""
    return _("Suspected problems: {count}", count=count)


def maker_sentence(version: str) -> Text:
    """What made the report."""
    return _("Made by Kilnsight {version}, open-source software.", version=version)


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
    return _("median {median}, 95 % below {p95}", **values)


def _method(quality: Json) -> Text | None:
    reference = quality.get("georeference")
    method = reference.get("method") if isinstance(reference, dict) else None
    return looked_up(str(method)) if method else None


def gsd_text(quality: Json) -> str:
    """Ground sampling distance in centimetres; a dash where it is not known."""
    gsd = finite(quality.get("gsd_m"))
    return "–" if gsd is None else f"{100 * gsd:.1f} cm"
