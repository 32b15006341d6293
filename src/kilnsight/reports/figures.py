"""Numbers as people read them: digits that the interval supports, unit, interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kilnsight.reports.bilingual import Text, looked_up, same


@dataclass(frozen=True)
class Measure:
    """A measured value ready to print, with its 95 % interval where it has one."""

    key: str
    label: Text
    value: str
    interval: str
    unit: str
    method: Text | None

    @property
    def figure(self) -> str:
        """Value and unit, such as `412 m²`."""
        return f"{self.value} {self.unit}".strip()


def decimals(value: float, lo: float | None = None, hi: float | None = None) -> int:
    """Decimals to print: two digits of the half interval, without one three digits of the value.

    >>> decimals(412.37, 395, 430), decimals(6.46, 6.1, 6.8), decimals(0.0213)
    (0, 2, 4)
    """
    half = 0.0 if lo is None or hi is None else (hi - lo) / 2
    if half > 0:
        return min(4, max(0, 1 - math.floor(math.log10(half))))
    return 0 if value == 0 else min(4, max(0, 2 - math.floor(math.log10(abs(value)))))


def number(value: float, digits: int) -> str:
    """Number with `digits` decimals and spaces between thousands.

    >>> number(12345.67, 1)
    '12\\xa0345.7'
    """
    return f"{value:,.{digits}f}".replace(",", "\xa0")


def plain(value: float | None, unit: str = "") -> str:
    """Number without an interval, three digits, with its unit; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{number(value, decimals(value))} {unit}".strip()


def percent(fraction: float | None) -> str:
    """Fraction as a percentage of two digits; a dash where there is none.

    >>> percent(0.0198), percent(0.87), percent(None)
    ('2.0 %', '87 %', '–')
    """
    if fraction is None or not math.isfinite(fraction):
        return "–"
    share = 100 * fraction
    return f"{share:.{1 if 0 < share < 10 else 0}f} %"


def finite(value: Any) -> float | None:
    """Value as a float; None where it is no finite number."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def at(data: Mapping[str, Any], *keys: str) -> float | None:
    """Number at a path of keys in nested dictionaries; None where there is none."""
    found: Any = data
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return finite(found)


def measure(props: Mapping[str, Any], key: str, *, label: Text, unit: str) -> Measure | None:
    """Measure `key` of a finding's properties; None where it was not measured."""
    value = finite(props.get(key))
    if value is None:
        return None
    factor = 100.0 if key.endswith("_fraction") else 1.0
    lo, hi = finite(props.get(f"{key}_lo")), finite(props.get(f"{key}_hi"))
    method = props.get(f"{key}_method")
    return Measure(
        key, label, *_spelled(value * factor, _scaled(lo, factor), _scaled(hi, factor)), unit,
        looked_up(method) if isinstance(method, str) and method else None,
    )


def total(props: list[dict[str, Any]], key: str, *, unit: str) -> str:
    """Sum over findings with the sums of their bounds, such as `930 m² (900–960)`; else a dash."""
    known = [p for p in props if finite(p.get(key)) is not None]
    if not known:
        return "–"
    values = [float(p[key]) for p in known]
    los = [finite(p.get(f"{key}_lo")) for p in known]
    his = [finite(p.get(f"{key}_hi")) for p in known]
    bounded = None not in los and None not in his
    lo = sum(x for x in los if x is not None) if bounded else None
    hi = sum(x for x in his if x is not None) if bounded else None
    value, interval = _spelled(sum(values), lo, hi)
    return f"{value} {unit} ({interval})" if interval else f"{value} {unit}"


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _spelled(value: float, lo: float | None, hi: float | None) -> tuple[str, str]:
    digits = decimals(value, lo, hi)
    if lo is None or hi is None:
        return number(value, digits), ""
    return number(value, digits), f"{number(lo, digits)}–{number(hi, digits)}"


def when(start: Any, end: Any = None) -> Text:
    """Date and time of a flight, `2026-04-11 09:14–09:23`; a dash where it is not known."""
    first, last = _time(start), _time(end)
    if first is None:
        return same(start) if isinstance(start, str) and start else same("–")
    if last is None or last == first:
        return same(f"{first:%Y-%m-%d %H:%M}")
    pattern = "%H:%M" if last.date() == first.date() else "%Y-%m-%d %H:%M"
    return same(f"{first:%Y-%m-%d %H:%M}–{last:{pattern}}")


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
