"""Names of what the survey's files hold as keys and codes, in every language."""

from __future__ import annotations

from kilnsight.reports.bilingual import Text, same
from kilnsight.reports.bilingual import message as _


def measures() -> dict[str, tuple[Text, str]]:
    """Name and unit of each measured property of a finding, in the order they are shown."""
    return {
        "area_m2": (_("Area"), "m²"), "volume_m3": (_("Volume"), "m³"),
        "height_m": (_("Height"), "m"), "cover_fraction": (_("Covered share"), "%"),
        "length_m": (_("Length"), "m"), "width_m": (_("Width"), "m"),
        "perimeter_m": (_("Perimeter"), "m"),
    }


def severity(level: int) -> Text:
    """Name of a severity from 1 (low) to 4 (urgent)."""
    return (_("low"), _("medium"), _("high"), _("urgent"))[level - 1]


def status(code: str) -> Text:
    """Name of a finding's status; the code itself where it is not known."""
    known = {
        "suspected": _("suspected"), "confirmed": _("confirmed"), "rejected": _("rejected"),
    }
    return known.get(code, same(code))


def flag(code: str) -> Text:
    """Name of a photo's quality flag; the code itself where it is not known."""
    known = {
        "blurred": _("blurred"), "overexposed": _("over-exposed"),
        "underexposed": _("under-exposed"), "no_gps": _("no GPS position"),
        "no_time": _("no time"), "no_focal": _("focal length unknown"),
        "duplicate": _("duplicate"), "not_a_photo": _("not a photo"),
        "truncated": _("truncated file"), "damaged": _("damaged file"),
        "too_large": _("file too large"), "too_small": _("picture too small"),
        "thermal": _("thermal picture"), "fisheye": _("fisheye lens"),
        "unreadable": _("unreadable file"), "crashed": _("unreadable file"),
    }
    return known.get(code, same(code.replace("_", " ")))


def on_map() -> dict[str, Text]:
    """Texts that the map's own script shows, by key."""
    return {
        "ortho": _("Orthomosaic"), "relief": _("Surface model (height)"),
        "findings": _("Suspected problems"), "positions": _("Photo positions"),
        "footprints": _("Photo footprints"), "height": _("Height"), "severity": _("Severity"),
        "card": _("Show the details"), "aligned": _("used in the map"),
        "unaligned": _("not used in the map"), "whole": _("Show the whole map"),
        "zoomIn": _("Zoom in"), "zoomOut": _("Zoom out"), "unseen": _("not seen"),
    }


def headings() -> dict[str, Text]:
    """Headings and labels that the page and the PDF share, by key."""
    return {
        "kind": _("Drone survey report"), "summary": _("Summary"), "map": _("Map"),
        "findings": _("Findings"), "quality": _("Quality and coverage"),
        "unseen": _("What was not seen"), "accuracy": _("How accurate it is"),
        "method": _("Method and limits"), "proof": _("How to verify this report"),
        "code": _("Code"), "sort": _("Kind"), "number": _("Number"),
        "area": _("Total area (95 % interval)"), "volume": _("Total volume (95 % interval)"),
        "measured": _("Measured"), "value": _("Value"), "interval": _("95 % interval"),
        "how": _("How"), "clauses": _("Clauses"), "fix": _("Typical fix"), "note": _("Note"),
        "severity": _("Severity"), "confidence": _("Confidence"), "place": _("Place"),
        "due": _("Due"), "flown": _("Flown"), "camera": _("Camera"),
        "used": _("Photos in the map"), "seen": _("Ground seen"),
        "gsd": _("Ground sampling distance"),
        "fingerprint": _("Data fingerprint: chain over all files but the report and the manifest"),
    }


def sentences() -> dict[str, Text]:
    """Sentences that the page and the PDF share, by key."""
    return {
        "lead": _(
            "From the photos of this flight a map and a surface model were computed. Areas, "
            "heights and volumes were measured in them; each is given with its 95 % interval. "
            "Everything listed here is suspected until a person has confirmed it."
        ),
        "none": _("No suspected problem was found in the area seen."),
        "none_means": _(
            "This holds for the kinds of problem that were looked for and for the ground that the "
            "map shows, and for nothing else."
        ),
        "bounds": _(
            "The bounds of a total are the sums of the single bounds, which is on the cautious "
            "side."
        ),
        "map_note": _("The whole map, north up. Numbers are those of the findings."),
        "no_crop": _("There is no crop of a photo for this finding."),
        "accuracy_unknown": _("The accuracy of the map is not known."),
        "proof_how": _(
            "Every photo was hashed on arrival, and every file of the survey is listed with its "
            "SHA-256 in manifest.json, each entry chained to the one before. The command "
            "“kilnsight check” with the folder's name computes all of them again and names any "
            "file that changed; any tool that computes SHA-256 can do the same."
        ),
        "proof_head": _(
            "The head in manifest.json stands for the whole survey with this report: write it "
            "down or send it to someone, and nobody can change a file unnoticed. A report cannot "
            "hold the hash of itself; what it can hold is that of the data it was made from:"
        ),
        "stand_in": _(
            "A character of a name that the font of this PDF lacks is shown by its number, such as "
            "[U+011F]; report.html shows it."
        ),
    }
