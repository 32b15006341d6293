"""Numbers are printed with the digits that their interval supports."""

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.reports import assessment, bilingual, figures
from kilnsight.reports.bilingual import same

VALUES = st.floats(1e-3, 1e6)


def back(text):
    return float(text.replace("\xa0", ""))


@given(VALUES, st.floats(0.001, 0.9))
def test_rounding_never_moves_a_value_by_more_than_its_interval(value, part):
    props = {"area_m2": value, "area_m2_lo": value * (1 - part), "area_m2_hi": value * (1 + part)}
    made = figures.measure(props, "area_m2", label=same("Area"), unit="m²")
    lo, hi = (back(text) for text in made.interval.split("–"))
    step = 10.0 ** -figures.decimals(value, props["area_m2_lo"], props["area_m2_hi"])
    assert abs(back(made.value) - value) <= 0.5 * step + 1e-9
    assert lo <= back(made.value) <= hi
    assert step <= max(0.11 * 2 * value * part, 1e-4) or step == 1


@pytest.mark.parametrize("bad", [None, "3", math.nan, math.inf, True, []])
def test_what_is_no_number_is_no_measure(bad):
    assert figures.measure({"area_m2": bad}, "area_m2", label=same("Area"), unit="m²") is None


def test_value_without_bounds_has_no_interval():
    made = figures.measure({"height_m": 3.14159}, "height_m", label=same("H"), unit="m")
    assert (made.figure, made.interval) == ("3.14 m", "")


def test_cover_fraction_is_a_percentage():
    props = {"cover_fraction": 0.04, "cover_fraction_lo": 0.02, "cover_fraction_hi": 0.06}
    made = figures.measure(props, "cover_fraction", label=same("Cover"), unit="%")
    assert (made.figure, made.interval) == ("4.0 %", "2.0–6.0")


def test_totals_add_values_and_bounds():
    one = {"area_m2": 100.0, "area_m2_lo": 90.0, "area_m2_hi": 110.0}
    assert figures.total([one, one, {}], "area_m2", unit="m²") == "200 m² (180–220)"
    assert figures.total([one, {"area_m2": 50.0}], "area_m2", unit="m²") == "150 m²"
    assert figures.total([{}], "area_m2", unit="m²") == "–"


def test_flight_times():
    start, end = "2026-04-11T09:14:05+08:00", "2026-04-11T09:23:05+08:00"
    assert figures.when(start, end).en == "2026-04-11 09:14–09:23"
    assert figures.when(start, "2026-04-12T09:23:05+08:00").en.endswith("–2026-04-12 09:23")
    assert figures.when(None).en == "–"
    assert figures.when("last week").en == "last week"


@pytest.mark.parametrize("module", [figures, bilingual, assessment])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def test_sentences_appear_only_where_the_figures_are():
    assert assessment.accuracy_sentences({}) == []
    assert assessment.quality_rows({}) == []
    assert assessment.quality_rows({"photos": None, "georeference": "odd", "gsd_m": "x"}) == []
    unseen = assessment.coverage_sentences({}, {})
    assert [s.en for s in unseen] == [unseen[-1].en]
    assert unseen[-1].en.startswith("Not seen is not clean")


def test_sentences_carry_the_numbers():
    quality = {"georeference": {"position_sigma_m": 1.2, "scale_sigma": 0.004}}
    place, scale = assessment.accuracy_sentences(quality)
    assert "2.94 m" in place.en and "2.94 m" in place.zh_Hans
    assert "0.8 %" in scale.en and "1.6 %" in scale.en and "2.4 %" in scale.zh_Hans
    coverage = {"area_m2": 900.0, "hull_area_m2": 1000.0}
    seen = assessment.coverage_sentences({"coverage": coverage}, {})
    assert "100 m² (10 %)" in seen[1].en
