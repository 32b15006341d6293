import pytest

from kilnsight.findings.taxonomy import taxonomy

CODES = (
    [f"D{i:02d}" for i in range(1, 19)] + ["T01", "T02", "W01", "S01", "S02", "Q01", "Q02", "X01",
                                           "X02"]
)


def test_every_code_is_there_and_in_order():
    assert list(taxonomy()) == CODES


def test_severities_are_those_of_the_facts():
    severity = {c: p.severity for c, p in taxonomy().items()}
    assert [c for c in CODES if severity[c] == 4] == ["D13", "D14", "D18", "X01"]
    assert [c for c in CODES if severity[c] == 1] == ["D16", "T02"]
    assert set(severity.values()) == {1, 2, 3, 4}


def test_only_three_codes_are_found_without_a_person():
    automatic = [c for c, p in taxonomy().items() if p.found == "automatic"]
    assert automatic == ["D01", "D09", "D16"]


def test_no_clause_claims_a_primary_text_was_opened():
    statuses = {c.status for p in taxonomy().values() for c in p.clauses}
    assert statuses == {"secondary", "unverified"}


@pytest.mark.parametrize("code", CODES)
def test_both_languages_are_filled(code):
    problem = taxonomy()[code]
    assert problem.name("en") and problem.name("zh_Hans") != problem.name("en")
    assert problem.fix("en").endswith(".") and problem.fix("zh_Hans").endswith("。")
    assert all("\u4e00" <= c.text_zh[0] <= "\u9fff" for c in problem.clauses)


def test_measured_codes_name_properties_of_the_survey_folder():
    known = {"area_m2", "perimeter_m", "volume_m3", "height_m", "length_m", "width_m",
             "cover_fraction"}
    assert {m for p in taxonomy().values() for m in p.measures} <= known
