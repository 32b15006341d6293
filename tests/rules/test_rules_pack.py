import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest
from rules_packs import PACK

from kilnsight.errors import InputError
from kilnsight.findings.taxonomy import taxonomy
from kilnsight.rules.pack import BUILT_IN, STATUSES, built_in_packs, load_pack, within

ROOT = Path(__file__).resolve().parents[2]
RULES = [rule for pack in built_in_packs() for rule in pack.rules]
CHINESE = re.compile("[\u4e00-\u9fff]")

# Cells of the table of the facts, by short names of texts.
TEXTS = {"A": "CN-APPCL", "U": "CN-MEE-2024-5", "G": "CN-GB4915-2013", "L": "US-40CFR63-1345"}
CELLS = {
    "D01": "A117(1) A117(2) U G", "D02": "A117(2)", "D03": "A72 A117(2)", "D04": "U", "D05": "U G",
    "D06": "U G L", "D07": "A117(3)", "D08": "U L", "D09": "U", "D10": "A117 CN-LOCAL",
    "D11": "A116", "D12": "U", "D13": "G L", "D14": "CN-PERMIT A", "D15": "U G L",
    "D16": "A115 CN-LOCAL", "D17": "U", "D18": "A117(4)", "T01": "", "T02": "", "W01": "CN-WATER",
    "S01": "CN-SOLIDWASTE CN-GB18597", "S02": "CN-GB30485", "Q01": "A117(5)", "Q02": "CN-DZT0318",
    "X01": "CN-ORDER", "X02": "U",
}


def written(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("code", "cell"), CELLS.items())
def test_every_cell_of_the_table_has_its_rule(code, cell):
    for word in cell.split():
        name, article = (word[0], word[1:]) if word[0] in TEXTS and "-" not in word else (word, "")
        text = TEXTS.get(name, name)
        found = [r for r in RULES if code in r.codes and r.text == text]
        assert [r for r in found if not article or r.article.en == f"art. {article}"], word


def test_every_clause_of_the_taxonomy_has_its_rule():
    have = {(code, rule.text) for rule in RULES for code in rule.codes}
    wanted = {(code, c.text) for code, p in taxonomy().items() for c in p.clauses}
    assert wanted <= have


@pytest.mark.parametrize("code", taxonomy())
def test_every_code_has_a_clause_or_a_reason_for_none(code):
    clauses = [r for r in RULES if code in r.codes]
    reasons = [pack.without[code] for pack in built_in_packs() if code in pack.without]
    assert bool(clauses) != bool(reasons)
    assert all(reason.en and CHINESE.search(reason.zh) for reason in reasons)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rules_have_status_source_and_both_languages(rule):
    assert rule.status in STATUSES and rule.source
    for text in (rule.title, rule.article, rule.summary):
        assert text.en and CHINESE.search(text.zh) and not CHINESE.search(text.en)
    if rule.penalty:
        assert CHINESE.search(rule.penalty.then.zh) and 0 < rule.penalty.least < rule.penalty.most


def test_ids_are_unique_over_all_packs():
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_no_built_in_rule_claims_more_than_was_read():
    assert {rule.status for rule in RULES} == {"secondary", "unverified"}
    memory = [r for r in RULES if any(s.startswith("M:") for s in r.source)]
    assert memory and {r.status for r in memory} == {"unverified"}


def test_what_was_not_found_is_not_there():
    assert not [r for r in RULES if "4149" in r.title.en or "4149" in r.summary.en]


def test_quarries_are_out_of_the_ultra_low_rules():
    ultra_low = [r for r in RULES if r.text == "CN-MEE-2024-5"]
    assert ultra_low and all(r.places == ("plant",) for r in ultra_low)
    assert not [r for r in ultra_low if any(code.startswith("Q") for code in r.codes)]
    assert [p.id for p in built_in_packs()
            if any(c.startswith("Q") for r in p.rules for c in r.codes)] == ["cn-quarry"]


def test_penalties_are_those_of_the_facts():
    fines = {r.article.en: (r.penalty.least, r.penalty.most) for r in RULES if r.penalty}
    assert fines["art. 116"] == (2_000, 20_000)
    assert {fines[f"art. 117({i})"] for i in range(1, 6)} == {(10_000, 100_000)}


def test_packs_are_listed_by_id():
    assert tuple(pack.id for pack in built_in_packs()) == BUILT_IN


@pytest.mark.parametrize(("region", "outer", "inside"), [
    ("CN-32", "CN", True), ("CN", "CN-32", False), ("CN-321", "CN-32", False),
    ("cn-32", "CN", True), ("CNX", "CN", False),
])
def test_regions_nest_by_their_parts(region, outer, inside):
    assert within(region, outer) is inside


def test_a_pack_of_the_user_is_read(tmp_path):
    pack = load_pack(written(tmp_path, PACK))
    assert (pack.id, pack.rules[0].status, pack.rules[0].regions) == ("own", "official", ())
    assert pack.rules[0].source == ("P1: page 1",)


def test_the_documented_pack_is_read(tmp_path):
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/rules.md").read_text("utf-8"), re.S)
    pack = load_pack(written(tmp_path, blocks[0]))
    assert pack.rules[0].end == dt.date(2030, 2, 28)
    assert "D16" in pack.without
    assert tomllib.loads(blocks[1])["calendar"]["id"] == "plant"


@pytest.mark.parametrize(("old", "new", "named"), [
    ('status = "official"', 'status = "sure"', "sure"),
    ('status = "official"', "", "status"),
    ('source = ["P1"]', "", "source"),
    ('source = ["P1"]', "source = []", "source"),
    ('source = ["P1"]', 'source = ["P2"]', "P2"),
    ('codes = ["D01"]', 'codes = ["D99"]', "D99"),
    ('text = "PERMIT"', 'text = "LAW"', "LAW"),
    ('zh = "料堆苫盖。"', 'zh = "Piles"', "zh"),
    ('zh = "料堆苫盖。"', "", "zh"),
    ('status = "official"', 'status = "official"\nform = 2028-01-01', "form"),
    ('status = "official"', 'status = "official"\nfrom = "2028"', "from"),
    ('status = "official"', 'status = "official"\nfrom = 2028-01-02\nto = 2028-01-01', "ends"),
    ('status = "official"', 'status = "official"\nage = "old"', "old"),
    ('status = "official"', 'status = "official"\nneeds = ["luck"]', "luck"),
    ('status = "official"',
     'status = "official"\npenalty = {least = 2, most = 1, currency = "CNY"}', "penalty"),
    ("[pack]", "[pack]\nregion = 1", "region"),
    ("[pack]", "[[pack]]", "pack"),
    ("[pack]", "[pack", "TOML"),
])
def test_what_is_wrong_is_named(tmp_path, old, new, named):
    path = written(tmp_path, PACK.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(named)) as caught:
        load_pack(path)
    assert caught.value.file == path and caught.value.remedy


def test_an_id_is_there_once(tmp_path):
    with pytest.raises(InputError, match="r1"):
        load_pack(written(tmp_path, PACK + PACK[PACK.index("[[rules]]"):]))


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_pack(tmp_path / "none.toml")
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="TOML"):
        load_pack(tmp_path / "own.toml")
