import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.errors import InputError
from kilnsight.rules.calendar import (
    Calendar,
    add_months,
    add_working_days,
    calendar_for,
    load_calendar,
    next_working_day,
    working_days,
)

CHINA = calendar_for("CN-32")
CALENDARS = st.sampled_from([CHINA, Calendar()])
DATES = st.dates(dt.date(2023, 6, 1), dt.date(2027, 6, 1))
COUNTS = st.integers(0, 60)

OWN = """
[calendar]
id = "own"
en = "Own"
zh = "自有"

[[years]]
year = 2027
status = "secondary"
source = "notice"
off = [2027-01-01]
work = [2027-01-03]
"""


@given(DATES, COUNTS, COUNTS, CALENDARS)
def test_working_days_add_up(day, a, b, calendar):
    step = add_working_days(day, a, calendar=calendar)
    assert add_working_days(step, b, calendar=calendar) == add_working_days(
        day, a + b, calendar=calendar)


@given(DATES, COUNTS, CALENDARS)
def test_counting_undoes_adding(day, count, calendar):
    end = add_working_days(day, count, calendar=calendar)
    assert working_days(day, end, calendar=calendar) == count
    assert count == 0 or calendar.is_working_day(end)
    assert end >= day + dt.timedelta(days=count) or count == 0 or end > day


@given(DATES, st.integers(0, 40), CALENDARS)
def test_a_later_start_never_ends_earlier(day, count, calendar):
    later = day + dt.timedelta(days=1)
    assert (add_working_days(day, count, calendar=calendar)
            <= add_working_days(later, count, calendar=calendar))


@given(DATES, CALENDARS)
def test_the_next_working_day_is_one_and_none_lies_before_it(day, calendar):
    found = next_working_day(day, calendar=calendar)
    assert calendar.is_working_day(found)
    before = [day + dt.timedelta(days=i) for i in range((found - day).days)]
    assert not any(map(calendar.is_working_day, before))


@given(DATES, st.integers(0, 60))
def test_months_keep_the_day_or_end_the_month(day, count):
    found = add_months(day, count)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == count
    assert found.day == day.day or (found.day < day.day and (found + dt.timedelta(1)).day == 1)


@pytest.mark.parametrize(("year", "off", "work"), [(2024, 28, 8), (2025, 28, 5), (2026, 33, 6)])
def test_days_off_are_balanced_by_working_weekends(year, off, work):
    days = [d for d in CHINA.off if d.year == year]
    assert len(days) == off
    assert all(d.weekday() >= 5 for d in CHINA.work)
    assert len([d for d in CHINA.work if d.year == year]) == work
    # Statutory holidays were 11 a year until 2024 and are 13 since; the rest is moved weekends.
    moved = len([d for d in days if d.weekday() < 5]) - work
    assert moved <= (11 if year == 2024 else 13)


@pytest.mark.parametrize(("day", "works"), [
    ("2024-02-18", True), ("2024-10-12", True), ("2025-01-28", False), ("2025-02-08", True),
    ("2026-02-23", False), ("2026-02-14", True), ("2026-01-02", False), ("2026-01-05", True),
])
def test_known_days_in_china(day, works):
    assert CHINA.is_working_day(dt.date.fromisoformat(day)) is works


def test_spring_festival_is_stepped_over():
    start = dt.date(2026, 2, 13)
    assert add_working_days(start, 2, calendar=CHINA) == dt.date(2026, 2, 24)
    assert add_working_days(start, 2, calendar=Calendar()) == dt.date(2026, 2, 17)


def test_a_year_without_notice_is_unverified():
    day = dt.date(2026, 12, 30)
    assert CHINA.status(day, day) == "secondary"
    assert CHINA.status(day, dt.date(2027, 1, 5)) == "unverified"
    assert calendar_for("US").status(day, day) == "unverified"
    assert calendar_for(None) == Calendar()


def test_a_calendar_of_the_user_is_read(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN, "utf-8")
    calendar = load_calendar(path)
    assert not calendar.is_working_day(dt.date(2027, 1, 1))
    assert calendar.is_working_day(dt.date(2027, 1, 3))


@pytest.mark.parametrize(("old", "new", "named"), [
    ("2027-01-01", "2026-01-01", "2026-01-01"), ("2027-01-03", "2027-01-01", "both"),
    ('"secondary"', '"sure"', "sure"), ("off", "of", "of"), ('source = "notice"', "", "source"),
    ("[2027-01-03]", '["2027-01-03"]', "work"),
])
def test_broken_calendars_are_refused(tmp_path, old, new, named):
    path = tmp_path / "own.toml"
    path.write_text(OWN.replace(old, new), "utf-8")
    with pytest.raises(InputError, match=re.escape(named)):
        load_calendar(path)


def test_negative_counts_are_an_error_of_the_program():
    with pytest.raises(ValueError, match="negative"):
        add_working_days(dt.date(2026, 1, 1), -1, calendar=CHINA)
