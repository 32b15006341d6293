import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.findings.taxonomy import taxonomy
from kilnsight.rules.severity import Circumstances, severity

CODES = st.sampled_from(list(taxonomy()))
MEASURES = st.sampled_from(["area_m2", "volume_m3", "length_m", "height_m", "temperature_c"])
SIZES = st.floats(0, 1e7)
AROUND = st.builds(
    Circumstances, recurrent=st.booleans(), control_off=st.booleans(),
    receptor_m=st.none() | st.floats(0, 2000),
    alert=st.sampled_from([None, "yellow", "orange", "red"]),
    confidence=st.floats(0, 1), frames=st.none() | st.integers(1, 9),
)


@given(CODES, MEASURES, SIZES, SIZES, AROUND)
def test_larger_is_never_less_severe(code, measure, a, b, around):
    small, large = (
        severity(code, {measure: size}, circumstances=around) for size in sorted((a, b))
    )
    assert small.level <= large.level and small.score <= large.score


@given(CODES, MEASURES, SIZES, AROUND)
def test_bounds_cap_and_words(code, measure, size, around):
    found = severity(code, {measure: size}, circumstances=around)
    assert 1 <= found.level <= 4
    if around.confidence < 0.6 or around.frames == 1:
        assert found.level <= 2
    assert found.base == taxonomy()[code].severity
    assert f"Severity {found.level}" in found.reason.en
    assert f"严重程度 {found.level}" in found.reason.zh
    assert "by no law" in found.reason.en and "并非法律规定" in found.reason.zh


@given(CODES, SIZES, AROUND)
def test_circumstances_never_make_less_of_it(code, size, around):
    bare = Circumstances(confidence=around.confidence, frames=around.frames)
    extent = {"area_m2": size}
    assert (severity(code, extent, circumstances=bare).score
            <= severity(code, extent, circumstances=around).score)


@given(SIZES, st.floats(0, 1), st.floats(0, 1))
def test_more_cover_is_never_more_severe(area, a, b):
    less, more = (
        severity("D01", {"area_m2": area, "cover_fraction": c}).score for c in sorted((a, b))
    )
    assert more <= less


@pytest.mark.parametrize(("extent", "around", "level"), [
    ({}, {}, 3), ({"area_m2": 50}, {}, 2), ({"area_m2": 500}, {}, 3), ({"area_m2": 5000}, {}, 4),
    ({"area_m2": 500}, {"recurrent": True}, 4), ({"area_m2": 50}, {"recurrent": True}, 3),
    ({"area_m2": 500}, {"receptor_m": 500}, 4), ({"area_m2": 500}, {"receptor_m": 501}, 3),
    ({"area_m2": 500}, {"alert": "yellow"}, 3), ({"area_m2": 500}, {"alert": "orange"}, 4),
    ({"area_m2": 500}, {"control_off": True}, 4), ({"area_m2": 5000}, {"confidence": 0.59}, 2),
    ({"area_m2": 5000}, {"confidence": 0.6}, 4), ({"area_m2": 5000}, {"frames": 1}, 2),
    ({"area_m2": math.nan}, {}, 3),
])
def test_open_piles(extent, around, level):
    assert severity("D01", extent, circumstances=Circumstances(**around)).level == level


@pytest.mark.parametrize(("celsius", "level"), [(300, 1), (350, 2), (400, 3), (560, 4)])
def test_hot_spots_follow_their_temperature(celsius, level):
    assert severity("T01", {"temperature_c": celsius}).level == level


def test_a_missing_control_does_not_count_twice():
    off = Circumstances(control_off=True)
    assert severity("D17", {}, circumstances=off).score == severity("D17", {}).score


def test_reasons_name_what_weighed():
    reason = severity("D01", {"area_m2": 2000}, circumstances=Circumstances(
        recurrent=True, receptor_m=120, alert="red", confidence=0.5, frames=1)).reason
    for words in ("base 3", "2,000 m²", "found before", "120 m", "red", "0.50", "one photo"):
        assert words in reason.en
    for words in ("基础级别为 3", "此前已发现过", "红色", "置信度 0.50", "仅一张照片"):
        assert words in reason.zh
