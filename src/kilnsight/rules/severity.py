"""How severe a finding is, from 1 (low) to 4 (urgent), and why, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from kilnsight.findings.taxonomy import taxonomy
from kilnsight.rules.applicable import status_words
from kilnsight.rules.bilingual import Text, joined
from kilnsight.rules.bilingual import both as _
from kilnsight.rules.table import Table, read_table

Alert = Literal["yellow", "orange", "red"]
Bands = tuple[tuple[float, float], ...]

LOWEST, HIGHEST = 1, 4
"""Bounds of severity."""


@dataclass(frozen=True)
class Circumstances:
    """What surrounds a finding; None is not known and weighs nothing.

    `receptor_m` is the distance in metres to the nearest home, school or the like; `alert` the
    air pollution alert of the day; `frames` the number of photos that show the finding.
    """

    recurrent: bool = False
    receptor_m: float | None = None
    alert: Alert | None = None
    control_off: bool = False
    confidence: float = 1.0
    frames: int | None = None


@dataclass(frozen=True)
class Severity:
    """Severity with its base, the score before it is rounded, and the reason."""

    level: int
    base: int
    score: float
    reason: Text


@dataclass(frozen=True)
class _Weights:
    """What severity.toml holds."""

    circumstances: dict[str, float]
    receptor_m: float
    confidence: float
    cap: int
    bands: dict[str, Bands]
    codes: dict[str, dict[str, Bands]]


def severity(
    code: str, extent: Mapping[str, float], *, circumstances: Circumstances | None = None
) -> Severity:
    """Severity of a finding of `code` with measured `extent`, by names such as `area_m2`.

    Base of the taxonomy x extent band x circumstances, rounded, within 1 to 4; at most 2 where the
    confidence is below 0.6 or one photo alone shows it. A proposal of this project, set by no law.
    """
    around = circumstances or Circumstances()
    weights, base = _weights(), taxonomy()[code].severity
    band, size = _extent(code, extent)
    factors = _circumstances(code, around)
    score = base * band * math.prod(factor for factor, _text in factors)
    level = min(HIGHEST, max(LOWEST, math.floor(score + 0.5 + 1e-9)))
    doubts = _doubts(around) if level > weights.cap else []
    if doubts:
        level = weights.cap
    start = _("Severity {level}: base {base} for this kind of problem.", level=level, base=base)
    reason = [start, size, *(text for _factor, text in factors), *doubts]
    proposal = _("({status})", status=status_words("proposal"))
    return Severity(level, base, round(score, 3), joined([*reason, proposal]))


def _extent(code: str, extent: Mapping[str, float]) -> tuple[float, Text]:
    """Factor of the largest band that a measure reaches, and its words."""
    weights = _weights()
    own = weights.codes.get(code, {m: weights.bands[m] for m in taxonomy()[code].measures
                                   if m in weights.bands})
    open_share = 1.0
    if code in {"D01", "D02"}:
        open_share = 1 - min(1.0, max(0.0, extent.get("cover_fraction", 0.0)))
    reached = []
    for measure, bands in own.items():
        value = extent.get(measure)
        if value is not None and math.isfinite(value):
            # What is under a cover raises no dust: the open share counts.
            value = abs(value) * (open_share if measure in {"area_m2", "volume_m3"} else 1)
            reached.append((_factor(bands, value), measure, value))
    if not reached:
        return 1.0, _("Its size was not measured and weighs nothing.")
    factor, measure, value = max(reached, key=lambda found: found[0])
    return factor, _size_words(factor, measure, value)


def _factor(bands: Bands, value: float) -> float:
    """Factor of the last band that a value reaches."""
    return max((factor for start, factor in bands if value >= start), default=1.0)


def _size_words(factor: float, measure: str, value: float) -> Text:
    name, unit = {
        "area_m2": (_("open or affected area"), "m²"), "volume_m3": (_("open volume"), "m³"),
        "length_m": (_("length"), "m"), "height_m": (_("height"), "m"),
        "temperature_c": (_("highest temperature"), "°C"),
    }[measure]
    size = f"{value:,.1f}" if value < 10 else f"{value:,.0f}"
    given = {"name": name, "size": size, "unit": unit, "factor": f"{factor:g}"}
    if factor > 1:
        return _("Large: {name} {size} {unit} (× {factor}).", **given)
    if factor < 1:
        return _("Small: {name} {size} {unit} (× {factor}).", **given)
    return _("Of ordinary size: {name} {size} {unit} (× {factor}).", **given)


def _circumstances(code: str, around: Circumstances) -> list[tuple[float, Text]]:
    """Factor and words of each circumstance that makes a finding more severe."""
    weights = _weights()
    given = {key: {"factor": f"{factor:g}"} for key, factor in weights.circumstances.items()}
    found = []
    if around.recurrent:
        found.append(("recurrent", _("It was found before (× {factor}).", **given["recurrent"])))
    if around.receptor_m is not None and around.receptor_m <= weights.receptor_m:
        found.append(("receptor", _(
            "People live or stay {distance} m away (× {factor}).",
            distance=f"{around.receptor_m:.0f}", **given["receptor"],
        )))
    if around.alert in {"orange", "red"}:
        colour = _("orange") if around.alert == "orange" else _("red")
        found.append(("alert", _(
            "There was a {colour} air pollution alert (× {factor}).",
            colour=colour, **given["alert"],
        )))
    # D17 is the very finding that a control is off: it must not count twice.
    if around.control_off and code != "D17":
        found.append(("control_off", _(
            "The dust control was switched off (× {factor}).", **given["control_off"],
        )))
    return [(weights.circumstances[key], text) for key, text in found]


def _doubts(around: Circumstances) -> list[Text]:
    """Why a finding is too doubtful to be severe."""
    weights, doubts = _weights(), []
    if around.confidence < weights.confidence:
        doubts.append(_(
            "Held at {cap}: the confidence {value} is below {limit}.", cap=weights.cap,
            value=f"{around.confidence:.2f}", limit=f"{weights.confidence:g}",
        ))
    if around.frames == 1:
        doubts.append(_("Held at {cap}: one photo alone shows it.", cap=weights.cap))
    return doubts


@cache
def _weights() -> _Weights:
    table = read_table(files(__package__).joinpath("severity.toml"))
    around, limits = table.part("circumstances"), table.part("limits")
    bands, codes = table.part("bands"), table.part("codes")
    table.choice("status", ("proposal",))
    table.close()
    return _Weights(
        circumstances={key: around.number(key) for key in around.keys()},  # noqa: SIM118
        receptor_m=limits.number("receptor_m"), confidence=limits.number("confidence"),
        cap=limits.whole("cap"), bands=_bands(bands),
        codes={code: _bands(codes.part(code)) for code in codes.keys()},  # noqa: SIM118
    )


def _bands(table: Table) -> dict[str, Bands]:
    return {key: table.bands(key) for key in table.keys()}  # noqa: SIM118
