"""By when: deadlines of authorities and times to fix a problem, by working-day calendars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from kilnsight.findings.finding import Finding
from kilnsight.findings.taxonomy import Status, taxonomy
from kilnsight.rules.applicable import status_words
from kilnsight.rules.bilingual import Text, joined
from kilnsight.rules.bilingual import both as _
from kilnsight.rules.calendar import (
    Calendar,
    add_months,
    add_working_days,
    calendar_for,
    next_working_day,
)
from kilnsight.rules.pack import STATUSES, built_in_packs, within
from kilnsight.rules.table import Table, read_table

Unit = Literal["days", "working days", "months"]
UNITS: tuple[Unit, ...] = ("days", "working days", "months")
PRESSING = 3
"""Severity from which the shorter end of a range of time is taken."""


@dataclass(frozen=True)
class Deadline:
    """A time from `least` to `most` units; `extensions` may be granted one after the other."""

    id: str
    name: Text
    regions: tuple[str, ...]
    unit: Unit
    least: int
    most: int
    extensions: tuple[int, ...]
    roll: bool
    status: Status | Literal["proposal"]
    source: tuple[str, ...]


@dataclass(frozen=True)
class Due:
    """A date by which something is due, with the reason. `lasting` is that of the lasting fix."""

    date: dt.date
    reason: Text
    status: Status | Literal["proposal"]
    lasting: dt.date | None = None


@cache
def deadlines() -> dict[str, Deadline]:
    """All deadlines by id."""
    table = read_table(files(__package__).joinpath("deadlines.toml"))
    sources = table.part("sources")
    known = {key: sources.text(key) for key in sources.keys()}  # noqa: SIM118
    found = [_deadline(entry, known) for entry in table.parts("deadlines", named="id")]
    table.close()
    return {deadline.id: deadline for deadline in found}


def clocks(region: str) -> list[Deadline]:
    """Deadlines of authorities that hold in a region."""
    found = [d for d in deadlines().values() if d.regions]
    return [d for d in found if any(_covers(own, region) for own in d.regions)]


def fall_due(
    deadline: Deadline, *, start: dt.date, calendar: Calendar, longest: bool = True,
    extended: int = 0,
) -> Due:
    """Date on which a deadline that began on `start` ends, with the first `extended` extensions."""
    if not 0 <= extended <= len(deadline.extensions):
        raise ValueError(f"{deadline.id} knows {len(deadline.extensions)} extensions")
    base = deadline.most if longest else deadline.least
    count = base + sum(deadline.extensions[:extended])
    day = _after(start, count, unit=deadline.unit, calendar=calendar)
    if deadline.roll:
        day = next_working_day(day, calendar=calendar)
    reason = [_("{name}: {span} from {date} ({status}).", name=deadline.name, date=start,
                span=_span(count, deadline.unit), status=status_words(deadline.status))]
    by_calendar = deadline.roll or deadline.unit == "working days"
    if by_calendar and calendar.status(start, day) == "unverified":
        reason.append(_("Public holidays of this time are not known; weekends alone were counted."))
    return Due(day, joined(reason), deadline.status)


def due(
    finding: Finding | Mapping[str, Any], *, on: dt.date, region: str | None = None,
    severity: int | None = None, calendar: Calendar | None = None,
) -> Due:
    """By when a finding seen on a day is to be fixed: first the stopgap, then the lasting fix.

    `finding` is a `Finding` or the properties of its feature. From severity 3 on the shorter end of
    a range holds. A proposal of this project; a date set by the authority takes its place.
    """
    code = finding.code if isinstance(finding, Finding) else str(finding["code"])
    problem = taxonomy()[code]
    pressing = (problem.severity if severity is None else severity) >= PRESSING
    times = calendar or calendar_for(region)
    steps = [
        fall_due(deadlines()[f"fix-{name}"], start=on, calendar=times, longest=not pressing)
        for name in problem.time
    ]
    reason = joined([step.reason for step in steps])
    lasting = max(step.date for step in steps) if len(steps) > 1 else None
    return Due(steps[0].date, reason, "proposal", lasting)


def _covers(own: str, region: str) -> bool:
    """Whether a region lies within one that a deadline names; members count for their union."""
    members = {r: p.members for p in built_in_packs() for r in p.regions}
    return within(region, own) or any(within(region, m) for m in members.get(own, ()))


def _after(start: dt.date, count: int, *, unit: Unit, calendar: Calendar) -> dt.date:
    if unit == "months":
        return add_months(start, count)
    if unit == "working days":
        return add_working_days(start, count, calendar=calendar)
    return start + dt.timedelta(days=count)


def _span(count: int, unit: Unit) -> Text:
    if unit == "months":
        return _("{count} months", count=count)
    if unit == "working days":
        return _("{count} working days", count=count)
    return _("{count} days", count=count)


def _deadline(entry: Table, sources: Mapping[str, str]) -> Deadline:
    source = entry.texts("source", allowed=sources)
    unit = cast(Unit, entry.choice("unit", UNITS))
    extensions = entry.wholes("extensions")
    found = Deadline(
        id=entry.text("id"), name=entry.pair(), regions=entry.texts("regions", default=()),
        unit=unit, least=entry.whole("least"), most=entry.whole("most"), extensions=extensions,
        roll=entry.choice("roll", ("keep", "following"), "keep") == "following",
        status=cast(Any, entry.choice("status", (*STATUSES, "proposal"))),
        source=tuple(f"{key}: {sources[key]}" for key in source),
    )
    entry.close()
    return found
