"""Working days: dated calendars as data; a year without one knows weekends only and says so."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import cast

from kilnsight.findings.taxonomy import Status
from kilnsight.i18n import gettext as _
from kilnsight.rules.pack import STATUSES, within
from kilnsight.rules.table import Table, read_table

DAY = dt.timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class Calendar:
    """Days off and working days at weekends, for the years in `years`; else weekends only."""

    id: str = "weekends"
    regions: tuple[str, ...] = ()
    off: frozenset[dt.date] = frozenset()
    work: frozenset[dt.date] = frozenset()
    years: dict[int, Status] = field(default_factory=dict)

    def is_working_day(self, day: dt.date) -> bool:
        """Whether people work on a day.

        >>> Calendar().is_working_day(dt.date(2026, 1, 3))
        False
        """
        return day in self.work or (day.weekday() < _SATURDAY and day not in self.off)

    def status(self, first: dt.date, last: dt.date) -> Status:
        """How far the days from `first` to `last` are known: the least of the years touched."""
        years = range(first.year, last.year + 1)
        return max((self.years.get(y, "unverified") for y in years), key=STATUSES.index)


def load_calendar(path: Path | str | Traversable) -> Calendar:
    """Calendar of a TOML file as docs/rules.md describes it; InputError names what is at fault."""
    table = read_table(Path(path) if isinstance(path, str) else path)
    head = table.part("calendar")
    name, regions = head.text("id"), head.texts("regions", default=())
    head.pair()
    head.close()
    years = [_year(entry) for entry in table.parts("years", named="year")]
    table.close()
    off = frozenset[dt.date]().union(*(days for _y, _s, days, _w in years))
    work = frozenset[dt.date]().union(*(days for _y, _s, _o, days in years))
    return Calendar(name, regions, off, work, {year: status for year, status, _o, _w in years})


@cache
def calendar_for(region: str | None) -> Calendar:
    """Built-in calendar of a region; weekends only where there is none."""
    china = load_calendar(files(__package__).joinpath("calendars", "cn.toml"))
    if region is not None and any(within(region, own) for own in china.regions):
        return china
    return Calendar()


def add_working_days(day: dt.date, count: int, *, calendar: Calendar) -> dt.date:
    """The `count`-th working day after `day`; `day` itself where `count` is 0.

    >>> add_working_days(dt.date(2026, 1, 2), 1, calendar=Calendar())
    datetime.date(2026, 1, 5)
    """
    if count < 0:
        raise ValueError(f"count {count} is negative")
    for _step in range(count):
        day = next_working_day(day + DAY, calendar=calendar)
    return day


def next_working_day(day: dt.date, *, calendar: Calendar) -> dt.date:
    """The day itself where people work on it, else the first after it."""
    while not calendar.is_working_day(day):
        day += DAY
    return day


def working_days(after: dt.date, until: dt.date, *, calendar: Calendar) -> int:
    """How many working days lie after one day, up to and with another; 0 where it is not later."""
    days = (after + DAY * i for i in range(1, (until - after).days + 1))
    return sum(calendar.is_working_day(day) for day in days)


def add_months(day: dt.date, count: int) -> dt.date:
    """The same day `count` months on, or the last of that month where it has no such day.

    >>> add_months(dt.date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    after = dt.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(dt.date(year, month + 1, 1) + DAY * (day.day - 1), after - DAY)


def _year(entry: Table) -> tuple[int, Status, frozenset[dt.date], frozenset[dt.date]]:
    year = entry.whole("year")
    status = cast(Status, entry.choice("status", STATUSES))
    entry.text("source")
    off, work = entry.dates("off"), entry.dates("work")
    strays = [day for day in off | work if day.year != year]
    if strays:
        raise entry.fail(_("{date} is not in {year}.", date=min(strays), year=year))
    if off & work:
        raise entry.fail(_("{date} is both off and at work.", date=min(off & work)))
    entry.close()
    return year, status, off, work
