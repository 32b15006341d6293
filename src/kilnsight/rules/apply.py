"""Rules put to findings: each gets its clauses, its severity with the reason, and its due date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from kilnsight.findings.finding import Finding
from kilnsight.findings.taxonomy import taxonomy
from kilnsight.rules.applicable import PlantFacts, applicable, why_none
from kilnsight.rules.calendar import Calendar, calendar_for
from kilnsight.rules.deadline import due
from kilnsight.rules.pack import Pack
from kilnsight.rules.severity import Alert, Circumstances, severity

Item = TypeVar("Item", Finding, dict[str, Any])


def apply(
    findings: Sequence[Item], *, region: str | None, on: dt.date, plant: PlantFacts | None = None,
    packs: Sequence[Pack] = (), alert: Alert | None = None, calendar: Calendar | None = None,
) -> list[Item]:
    """Findings with `clauses`, `severity`, `due` and reasons; the given ones stay as they are.

    Takes `Finding` objects or GeoJSON features. `on` is the day of the flight, `alert` its air
    pollution alert. A feature's properties `recurrent`, `control_off` and `receptor_m`, or the
    notes and measures of a `Finding`, weigh in. The reasons go to `severity_reason_en` and `_zh`,
    `due_reason_en` and `_zh`, `due_lasting` and, where no clause applies, `clauses_note_en` and
    `_zh`: in a feature among the properties, in a `Finding` in its notes.

    Applied again it gives the same. The order is kept; severities may call for another.

    >>> apply([], region=None, on=dt.date(2026, 1, 1))
    []
    """
    calendar = calendar or calendar_for(region)

    def ruled(item: Item) -> Item:
        props = _properties(item)
        around = _circumstances(props, alert)
        return _with(item, {
            **_clauses(props["code"], region=region, on=on, plant=plant, packs=packs),
            **_timed(props, around, on=on, calendar=calendar),
        })

    return [ruled(item) for item in findings]


def _properties(item: Finding | dict[str, Any]) -> dict[str, Any]:
    """Properties that rules look at."""
    if isinstance(item, Finding):
        return {**item.notes, **item.properties()}
    return cast(dict[str, Any], item["properties"])


def _clauses(
    code: str, *, region: str | None, on: dt.date, plant: PlantFacts | None, packs: Sequence[Pack]
) -> dict[str, Any]:
    """The property `clauses`; where it is empty, why. What an earlier call noted is taken away."""
    found = [c.as_dict() for c in applicable(code, region=region, on=on, plant=plant, packs=packs)
             if c.applies]
    note = None if found else why_none(code, region=region, packs=packs)
    return {
        "clauses": found,
        "clauses_note_en": note.en if note else None, "clauses_note_zh": note.zh if note else None,
    }


def _timed(
    props: Mapping[str, Any], around: Circumstances, *, on: dt.date, calendar: Calendar
) -> dict[str, Any]:
    """Severity and due date with their reasons."""
    weighed = severity(props["code"], _extent(props), circumstances=around)
    when = due(props, on=on, severity=weighed.level, calendar=calendar)
    return {
        "severity": weighed.level,
        "severity_reason_en": weighed.reason.en, "severity_reason_zh": weighed.reason.zh,
        "due": when.date.isoformat(),
        "due_reason_en": when.reason.en, "due_reason_zh": when.reason.zh,
        "due_lasting": when.lasting.isoformat() if when.lasting else None,
    }


def _extent(props: Mapping[str, Any]) -> dict[str, float]:
    """Measures of a finding that are numbers."""
    names = {*taxonomy()[props["code"]].measures, "cover_fraction", "temperature_c"}
    values = {name: _number(props.get(name)) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _circumstances(props: Mapping[str, Any], alert: Alert | None) -> Circumstances:
    confidence = _number(props.get("confidence"))
    return Circumstances(
        recurrent=props.get("recurrent") is True, control_off=props.get("control_off") is True,
        receptor_m=_number(props.get("receptor_m")), alert=alert,
        confidence=1.0 if confidence is None else confidence, frames=_frames(props),
    )


def _frames(props: Mapping[str, Any]) -> int | None:
    """How many photos show a finding; None where none was attached yet."""
    photos = len(props.get("photos") or [])
    # A height or a volume takes at least two photos, however few crops were kept.
    measured = any(_number(props.get(name)) is not None for name in ("height_m", "volume_m3"))
    return (max(photos, 2) if measured else photos) or None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _with(item: Item, values: dict[str, Any]) -> Item:
    """Copy of an item with values put where they belong; those that are None are left out."""
    if isinstance(item, Finding):
        own = {key: values.pop(key) for key in ("severity", "due")}
        clauses = tuple(values.pop("clauses"))
        notes = _merged(item.notes, values)
        return replace(item, clauses=clauses, notes=notes, **own)
    return {**item, "properties": _merged(item["properties"], values)}


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**old, **new}
    return {key: value for key, value in merged.items() if value is not None or key not in new}
