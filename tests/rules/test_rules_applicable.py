import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules_packs import PACK

from kilnsight.findings.taxonomy import taxonomy
from kilnsight.rules.applicable import PlantFacts, applicable, status_words, why_none
from kilnsight.rules.pack import load_pack

DAY = dt.date(2026, 6, 1)
OLD, NEW = "cn-gb4915-2026-existing", "cn-gb4915-2026-new"


def ids(code, *, region="CN", on=DAY, **facts):
    clauses = applicable(code, region=region, on=on, plant=PlantFacts(**facts))
    return {c.rule.id for c in clauses if c.applies}


def why(code, rule, *, region="CN", on=DAY, **facts):
    clauses = applicable(code, region=region, on=on, plant=PlantFacts(**facts))
    return next(c.why for c in clauses if c.rule.id == rule)


@pytest.mark.parametrize(("on", "existing", "wanted"), [
    (dt.date(2027, 12, 31), True, set()), (dt.date(2028, 1, 1), True, {OLD}),
    (dt.date(2027, 12, 31), None, set()), (dt.date(2028, 1, 1), None, {OLD}),
    (dt.date(2026, 3, 31), False, set()), (dt.date(2026, 4, 1), False, {NEW}),
    (dt.date(2028, 1, 1), False, {NEW}),
])
def test_the_amended_standard_holds_from_its_dates(on, existing, wanted):
    assert ids("D01", on=on, existing=existing) & {OLD, NEW} == wanted


def test_a_reason_names_the_date():
    text = why("D01", OLD, on=dt.date(2027, 12, 31))
    assert "2028-01-01" in text.en and "2028-01-01" in text.zh
    assert "taken for existing" in why("D01", NEW).en


@pytest.mark.parametrize(("region", "packs"), [
    ("CN", {"cn"}), ("CN-32", {"cn"}), ("CN-34", {"cn"}), ("EU", {"eu"}), ("DE", {"eu"}),
    ("BE-VLG", {"eu", "be"}), ("US-TX", {"us"}), ("IN", set()), (None, set()),
])
def test_regions_select(region, packs):
    assert {i.split("-")[0] for i in ids("D01", region=region)} == packs


def test_a_province_adds_to_the_nation():
    assert ids("D01", region="CN") < ids("D01", region="CN-32")
    assert not any(i.startswith("cn-32") for i in ids("D01", region="CN-33"))


@pytest.mark.parametrize("code", ["D01", "D02", "D07", "D11", "D14", "D16", "Q01", "W01", "S01"])
def test_the_code_of_2026_takes_the_place_of_the_laws(code):
    laws = {"CN-APPCL", "CN-WATER", "CN-SOLIDWASTE"}
    last, first = dt.date(2026, 8, 14), dt.date(2026, 8, 15)
    before, after = (
        [c.rule for c in applicable(code, region="CN", on=on) if c.applies] for on in (last, first)
    )
    assert {r.text for r in before} & laws and not {r.text for r in after} & laws
    code_rules = [r for r in after if r.text == "CN-ECODE"]
    assert [(r.status, r.penalty) for r in code_rules] == [("unverified", None)]
    assert not [r for r in before if r.text == "CN-ECODE"]


def test_quarries_have_their_own_rules():
    assert ids("Q01") == {"cn-appcl-117-5", "cn-gb16297"}
    assert not any("ultralow" in i or "gb4915" in i for i in ids("D01", place="quarry"))
    assert "cn-appcl-117-1" in ids("D01", place="quarry")


def test_ultra_low_rules_are_for_those_who_declare_them():
    rule = "cn-ultralow-fugitive"
    assert rule in ids("D12", ultra_low=True) and rule not in ids("D12", ultra_low=False)
    unknown = [c for c in applicable("D12", region="CN", on=DAY) if c.rule.id == rule]
    line = unknown[0].as_dict()
    assert "It holds if" in line["en"] and "此项未给出" in line["zh_Hans"]


def test_a_rule_of_a_permit_needs_no_region(tmp_path):
    (tmp_path / "own.toml").write_text(PACK, "utf-8")
    packs = [load_pack(tmp_path / "own.toml")]
    clauses = applicable("D01", region=None, on=DAY, packs=packs)
    assert [c.rule.id for c in clauses if c.applies] == ["r1"]
    assert clauses[0].rule.id == "r1" and len(clauses) > 5


@pytest.mark.parametrize("region", ["CN-32", "DE", "US", "IN", None])
@pytest.mark.parametrize("code", taxonomy())
def test_every_code_has_clauses_or_a_reason_anywhere(code, region):
    if not [c for c in applicable(code, region=region, on=DAY) if c.applies]:
        reason = why_none(code, region=region)
        assert reason.en and reason.zh and reason.en != reason.zh


def test_every_clause_is_shown_with_its_status():
    for code in taxonomy():
        for clause in applicable(code, region="CN-32", on=DAY):
            shown, words = clause.as_dict(), status_words(clause.rule.status)
            assert words.en in shown["en"] and words.zh in shown["zh_Hans"]
            assert shown["status"] and shown["source"] and shown["citation"]
            assert all(isinstance(value, str) and value for value in shown.values())


@given(
    st.sampled_from(list(taxonomy())), st.sampled_from([None, "CN", "CN-32", "DE", "US"]),
    st.dates(dt.date(2010, 1, 1), dt.date(2040, 1, 1)),
    st.builds(PlantFacts, place=st.sampled_from(["plant", "quarry"]),
              existing=st.sampled_from([None, True, False]),
              ultra_low=st.sampled_from([None, True, False])),
)
def test_each_rule_is_weighed_once_and_reasoned(code, region, on, plant):
    clauses = applicable(code, region=region, on=on, plant=plant)
    assert len({c.rule.id for c in clauses}) == len(clauses)
    applies = [c.applies for c in clauses]
    assert applies == sorted(applies, reverse=True)
    assert all(c.why.en and c.why.zh and c.why.en != c.why.zh for c in clauses)
    for clause in clauses:
        if clause.applies:
            rule = clause.rule
            assert (rule.start or on) <= on <= (rule.end or on)


def test_unknown_codes_are_an_error_of_the_program():
    with pytest.raises(ValueError, match="Z99"):
        applicable("Z99", region="CN", on=DAY)
