import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.findings.taxonomy import taxonomy
from kilnsight.rules.calendar import Calendar, calendar_for
from kilnsight.rules.deadline import clocks, deadlines, due, fall_due

DAY = dt.date(2026, 4, 29)
DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2026, 12, 31))


def ends(name, start=DAY, **options):
    return fall_due(deadlines()[name], start=start, calendar=calendar_for("CN"), **options).date


@pytest.mark.parametrize(("name", "extended", "days"), [
    ("cn-accept", 0, 15), ("cn-file", 0, 15), ("cn-file", 1, 30), ("cn-decide", 0, 90),
    ("cn-decide", 1, 120), ("cn-decide", 2, 150), ("cn-complaint", 0, 60), ("cn-complaint", 1, 90),
    ("us-citizen-suit", 0, 60),
])
def test_clocks_are_those_of_the_facts(name, extended, days):
    assert ends(name, extended=extended) == DAY + dt.timedelta(days=days)


def test_working_days_step_over_may_day():
    assert ends("cn-accept-fast", dt.date(2026, 4, 30)) == dt.date(2026, 5, 7)


def test_months_and_regions():
    assert ends("eu-report-operator") == dt.date(2026, 6, 29)
    assert {d.id for d in clocks("DE")} == {d.id for d in clocks("EU")} != set()
    assert "cn-accept-fast" in {d.id for d in clocks("CN-61")}
    assert "cn-accept-fast" not in {d.id for d in clocks("CN-32")}
    assert clocks("IN") == []


def test_what_is_from_memory_and_what_is_proposed_says_so():
    status = {d.id: d.status for d in deadlines().values()}
    assert status["us-citizen-suit"] == status["eu-revisit"] == "unverified"
    assert {s for i, s in status.items() if i.startswith("fix-")} == {"proposal"}
    assert "official" not in status.values()
    assert all(d.source and d.least <= d.most for d in deadlines().values())


@pytest.mark.parametrize(("code", "level", "first", "lasting"), [
    ("D01", 3, "2026-05-02", "2026-06-29"), ("D01", 2, "2026-05-02", "2026-10-29"),
    ("D06", 3, "2026-05-14", None), ("D06", 2, "2026-05-29", None),
    ("D11", 2, "2026-05-02", None), ("Q02", 2, "2026-10-29", "2026-10-29"),
])
def test_fixes_are_due_by_class_and_severity(code, level, first, lasting):
    found = due({"code": code}, on=DAY, region="CN", severity=level)
    assert found.date == dt.date.fromisoformat(first)
    assert (found.lasting and found.lasting.isoformat()) == lasting


def test_a_last_day_of_rest_moves_unless_immediate():
    assert due({"code": "D06"}, on=dt.date(2026, 9, 17), region="CN", severity=3).date == dt.date(
        2026, 10, 8)
    assert due({"code": "D11"}, on=dt.date(2026, 9, 29), region="CN").date == dt.date(2026, 10, 2)


def test_unknown_holidays_are_admitted():
    known = due({"code": "D06"}, on=DAY, region="CN").reason
    unknown = due({"code": "D06"}, on=DAY, region="US").reason
    assert "weekends alone" in unknown.en and "仅扣除周末" in unknown.zh
    assert "weekends alone" not in known.en


@given(st.sampled_from(list(taxonomy())), DAYS, st.sampled_from(["CN", "US", None]))
def test_more_severe_is_never_due_later(code, day, region):
    found = [due({"code": code}, on=day, region=region, severity=s) for s in range(1, 5)]
    dates = [f.date for f in found]
    assert dates == sorted(dates, reverse=True)
    assert all(day < f.date <= (f.lasting or f.date) for f in found)
    assert all(f.status == "proposal" and f.reason.en and f.reason.zh for f in found)


@pytest.mark.parametrize("extended", [-1, 2])
def test_extensions_that_are_not_there_are_an_error_of_the_program(extended):
    with pytest.raises(ValueError, match="cn-file"):
        fall_due(deadlines()["cn-file"], start=DAY, calendar=Calendar(), extended=extended)
