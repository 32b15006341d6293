"""What is wrong with a flight, before any work starts: problems and one table of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.table import Table
from rich.text import Text

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.photos import flag as fl
from kilnsight.photos.flag import Flag
from kilnsight.photos.folder import Flight, Kind
from kilnsight.photos.group import by_camera, by_place, by_time, extent_m
from kilnsight.photos.photo import Photo

MIN_PHOTOS = 4
"""Fewest photos that a map can be made from: three give no check on themselves."""
MIN_GPS = 3
"""Fewest positions that place a map, which needs as many points as a plane."""
MIN_EXTENT_M = 5.0
"""Spread of positions below which the aircraft cannot have flown over anything, metres."""
SHOWN = 3
"""Names of photos that a row of the table shows."""


class Severity(StrEnum):
    """How bad a problem is: an error stops the work, a warning may spoil it, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Problem:
    """Something the user should know before the work starts, in the language in use.

    `photos` are the names of the files meant, `groups` the parts into which they fall where the
    problem is that there are several.
    """

    code: str
    severity: Severity
    text: str
    remedy: str
    photos: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()


def check(flight: Flight) -> list[Problem]:
    """All that is wrong with a flight, errors first; empty where nothing is."""
    problems = [
        *_too_few(flight), *_positions(flight), *_mixed(flight), *_rejected(flight),
        *_flagged(flight.photos), *_lenses(flight.photos), *_thermal(flight), *_others(flight),
    ]
    order = list(Severity)
    return sorted(problems, key=lambda problem: order.index(problem.severity))


def ensure_usable(flight: Flight) -> list[Problem]:
    """Problems of a flight, none of them an error; raises `InputError` with the first error."""
    problems = check(flight)
    for problem in problems:
        if problem.severity is Severity.ERROR:
            raise InputError(problem.text, remedy=problem.remedy, file=flight.folder)
    return problems


def _names(photos: Iterable[Photo]) -> tuple[str, ...]:
    return tuple(photo.name for photo in photos)


def _too_few(flight: Flight) -> list[Problem]:
    names, count = _names(flight.photos), len(flight.photos)
    if not flight.photos and not flight.rejected and not flight.thermal:
        return [Problem(
            "no_photos", Severity.ERROR, _("There are no photos in the folder."),
            _("Give the folder with the JPEG files as the camera wrote them."),
        )]
    if not flight.photos and flight.thermal:
        return [Problem(
            "only_thermal", Severity.ERROR, _("The folder holds thermal pictures only."),
            _("Add the photos of visible light of the same flight."), _names(flight.thermal),
        )]
    if count >= MIN_PHOTOS:
        return []
    text = _("Photos that can be used: {count}; a map needs at least {least}.",
             count=count, least=MIN_PHOTOS)
    remedy = _("Give all photos of the flight; each place has to be on several of them.")
    return [Problem("too_few_photos", Severity.ERROR, text, remedy, names)]


def _positions(flight: Flight) -> list[Problem]:
    """Problems with GPS positions; none for fewer photos than a map needs."""
    without = [photo for photo in flight.photos if not photo.has_gps]
    placed = [photo for photo in flight.photos if photo.has_gps]
    if len(flight.photos) < MIN_PHOTOS:
        return []
    remedy = fl.remedy(Flag.NO_GPS)
    if len(placed) < MIN_GPS:
        text = _("The map cannot be placed: photos with GPS position: {count}, needed: {least}.",
                 count=len(placed), least=MIN_GPS)
        return [Problem("no_gps", Severity.ERROR, text, remedy, _names(without))]
    found = []
    if without:
        text = _("Photos without a GPS position, placed by what they show: {count}.",
                 count=len(without))
        found.append(Problem("some_without_gps", Severity.WARNING, text, remedy, _names(without)))
    if extent_m(placed) < MIN_EXTENT_M:
        text = _("All photos have the same GPS position, within {metres} m.", metres=MIN_EXTENT_M)
        found.append(Problem(
            "no_movement", Severity.WARNING, text,
            _("Check that the aircraft had GPS reception; the map may be misplaced."),
            _names(placed),
        ))
    return found


def _mixed(flight: Flight) -> list[Problem]:
    """Signs that the folder holds more than one flight."""
    split = _("If these are several flights, survey each from a folder of its own.")
    cases = (
        ("mixed_places", by_place(flight.photos),
         _("The photos were taken at places far from each other")),
        ("mixed_times", by_time(flight.photos), _("The photos were taken with hours between them")),
        ("mixed_cameras", by_camera(flight.photos),
         _("The photos were taken with different cameras or settings")),
    )
    return [
        Problem(code, Severity.WARNING, f"{text}: {_describe(groups)}", split,
                tuple(name for group in groups for name in group), groups)
        for code, groups, text in cases if len(groups) > 1
    ]


def _describe(groups: Sequence[tuple[str, ...]]) -> str:
    shown = "; ".join(
        _("{count} photos ({first} to {last})", count=len(g), first=g[0], last=g[-1])
        for g in groups[:SHOWN]
    )
    more = len(groups) - SHOWN
    return shown + (_("; and {count} more groups", count=more) if more > 0 else "")


def _rejected(flight: Flight) -> list[Problem]:
    found: dict[tuple[Flag, str], list[str]] = defaultdict(list)
    for file in flight.rejected:
        # which file a duplicate repeats differs from row to row, and one row is enough
        detail = "" if file.flag is Flag.DUPLICATE else file.detail
        found[file.flag, detail].append(file.name)
    return [
        Problem(
            flag.value, Severity.NOTE if flag is Flag.DUPLICATE else Severity.WARNING,
            _("The file has the same content as another one.") if flag is Flag.DUPLICATE
            else fl.reason(flag, detail),
            fl.remedy(flag), tuple(names),
        )
        for (flag, detail), names in found.items()
    ]


def _flagged(photos: Sequence[Photo]) -> list[Problem]:
    told = (Flag.BLURRED, Flag.OVEREXPOSED, Flag.UNDEREXPOSED, Flag.FISHEYE, Flag.NO_TIME)
    found = [(flag, _names(p for p in photos if flag in p.flags)) for flag in told]
    return [
        Problem(flag.value, Severity.WARNING, fl.reason(flag), fl.remedy(flag), names)
        for flag, names in found if names
    ]


def _lenses(photos: Sequence[Photo]) -> list[Problem]:
    """What was assumed about the lenses, where anything was."""
    found: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        if photo.focal is not None and not photo.focal.certain:
            found[photo.focal.text()].append(photo)
    return [
        Problem(
            "lens_assumed", Severity.NOTE,
            _("Focal length of {camera}, {pixels} px: {source}.", camera=group[0].camera_name,
              pixels=round(group[0].lens.fx), source=source),
            _("Nothing needs to be done; the alignment refines it."), _names(group),
        )
        for source, group in found.items()
    ]


def _thermal(flight: Flight) -> list[Problem]:
    if not flight.thermal or not flight.photos:
        return []
    text = _("Thermal pictures, set aside: {count}.", count=len(flight.thermal))
    names = _names(flight.thermal)
    return [Problem("thermal", Severity.NOTE, text, fl.remedy(Flag.THERMAL), names)]


def _others(flight: Flight) -> list[Problem]:
    images = tuple(
        file.name for file in flight.others if file.kind in (Kind.RAW, Kind.IMAGE) and not file.twin
    )
    rest = tuple(file.name for file in flight.others if file.name not in set(images))
    found = []
    if images:
        found.append(Problem(
            "other_images", Severity.WARNING,
            _("Pictures that are not JPEG, not used: {count}.", count=len(images)),
            _("Export them as JPEG with their EXIF if they belong to the flight."), images,
        ))
    if rest:
        found.append(Problem(
            "other_files", Severity.NOTE,
            _("Other files in the folder, not used: {count}.", count=len(rest)),
            _("Nothing needs to be done."), rest,
        ))
    return found


def problems_table(problems: Sequence[Problem]) -> Table:
    """Table of problems for a terminal: how bad, what, which files, what to do."""
    table = Table(title=_("What is wrong with the photos"), title_justify="left")
    for heading in ("", _("Problem"), _("Files"), _("What to do")):
        table.add_column(heading, overflow="fold")
    styles = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
    words = {
        Severity.ERROR: _("error"), Severity.WARNING: _("warning"), Severity.NOTE: _("note")
    }
    for problem in problems:
        style = styles[problem.severity]
        table.add_row(
            Text(words[problem.severity], style=style), Text(printable(problem.text)),
            Text(_files(problem.photos)), Text(problem.remedy),
        )
    return table


def _files(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    shown = "\n".join(printable(name) for name in names[:SHOWN])
    more = len(names) - SHOWN
    return shown + ("\n" + _("and {count} more", count=more) if more > 0 else "")


def printable(name: str) -> str:
    """Name without control characters: a file's name may hold what moves a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in name)
