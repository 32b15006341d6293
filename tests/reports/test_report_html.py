"""The page stands on its own, whatever the survey's names hold."""

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from survey_maker import HOSTILE

from kilnsight.errors import InputError
from kilnsight.evidence.manifest import check, write_manifest
from kilnsight.reports import html
from kilnsight.reports.html import embedded, write_report


class Collected(HTMLParser):
    """Elements of a page with their attributes, and the text of its scripts."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.scripts, self.styles, self._inside = [], [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = (tag, dict(attrs))

    def handle_data(self, data):
        tag, attrs = self._inside or ("", {})
        if tag == "script":
            self.scripts.append((attrs.get("type"), data))
        if tag == "style":
            self.styles.append(data)

    def handle_endtag(self, tag):
        self._inside = None


def page_of(survey):
    return (survey / "report.html").read_text("utf-8")


def test_every_picture_is_there_and_nothing_leads_away(survey):
    for tag, attrs in Collected(page_of(survey)).elements:
        for name in ("src", "href"):
            address = attrs.get(name) or ""
            if not address or address.startswith("#"):
                continue
            assert (survey / address).is_file(), (tag, address)
    loads = re.findall(r"url\(([^)]*)\)", page_of(survey))
    assert all(address.startswith("#") for address in loads)


def test_policy_allows_exactly_the_scripts_of_the_page(survey):
    page = Collected(page_of(survey))
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv"))
    run = [text for kind, text in page.scripts if kind != "application/json"]
    assert len(run) == 2
    for text in [*run, *page.styles]:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not any(k.startswith("on") or k == "style" for _t, a in page.elements for k in a)


def test_hostile_names_stay_text(hostile_survey):
    page = Collected(page_of(hostile_survey))
    assert not any("onerror" in attrs for _tag, attrs in page.elements)
    assert sum(tag == "script" for tag, _ in page.elements) == 3
    assert "<b>blurred" not in page_of(hostile_survey)
    data = json.loads(next(text for kind, text in page.scripts if kind == "application/json"))
    assert data["photos"][0]["name"] == HOSTILE
    assert data["findings"][0]["name"]["zh_Hans"] == HOSTILE


@given(st.recursive(st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(
    st.text(), x), max_leaves=6))
def test_embedded_data_comes_back_and_cannot_close_its_element(value):
    text = embedded(value)
    assert json.loads(text) == value
    assert not re.search(r"[<>&\u2028\u2029]", text)


def test_both_languages_are_in_the_page(survey):
    page = page_of(survey)
    for text in (
        "物料露天堆存", "uncovered open pile", "未看到不等于没有问题", "Not seen is not clean",
        "如何核验本报告", "1\xa0968 m³", "1\xa0850–2\xa0086", "飞行期间 GPS 高度漂移 12 米",
    ):
        assert text in page, text
    assert re.search(r'<html lang="en">', page)


def test_what_a_user_puts_beside_the_report_is_kept(survey, tmp_path):
    copy = shutil.copytree(survey, tmp_path / "copy")
    (copy / "report" / "notes.txt").write_text("mine")
    write_report(copy, language="en")
    assert (copy / "report" / "notes.txt").read_text() == "mine"


def test_a_report_that_fails_leaves_a_users_files_in_place(survey, tmp_path, monkeypatch):
    copy = shutil.copytree(survey, tmp_path / "copy")
    notes = copy / "report" / "notes" / "mine.txt"
    notes.parent.mkdir()
    notes.write_text("mine")

    def fail(old, new):
        raise OSError("disk full")

    monkeypatch.setattr(html, "_replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(copy, language="en")
    assert notes.read_text() == "mine" and not (copy / ".work").exists()


def test_same_survey_gives_the_same_bytes(survey, tmp_path):
    copy = shutil.copytree(survey, tmp_path / "copy")
    (copy / "report" / "crops" / "stale.jpg").write_text("x")
    write_report(copy, language="en")
    old, new = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (survey, copy)
    )
    assert old == new


def test_report_and_manifest_fit_together(survey, tmp_path):
    copy = shutil.copytree(survey, tmp_path / "copy")
    write_manifest(copy)
    assert check(copy) == []
    write_report(copy, language="zh_Hans")
    assert '<html lang="zh-Hans">' in page_of(copy)
    assert {fault.path for fault in check(copy)} == {"report.html"}


def test_empty_survey_says_so(empty_survey):
    page = page_of(empty_survey)
    assert "No suspected problem was found in the area seen." in page
    assert "在观测到的范围内未发现疑似问题" in page
    assert "<article" not in page


@pytest.mark.parametrize(("part", "keep"), [("dsm.tif", 4), ("dsm.tif", 60_000),
                                            ("ortho.tif", 4), ("ortho.tif", 60_000)])
def test_failure_keeps_the_old_report(survey, tmp_path, part, keep):
    copy = shutil.copytree(survey, tmp_path / "copy")
    before = sorted(p.name for p in copy.iterdir())
    raster = copy / "map" / part
    raster.write_bytes(raster.read_bytes()[:keep])
    with pytest.raises(InputError, match=re.escape(part)):
        write_report(copy)
    assert sorted(p.name for p in copy.iterdir()) == before
    assert (copy / "report" / "overview.jpg").is_file()
