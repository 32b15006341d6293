"""Every text of a report is there in both languages."""

import ast
import re
from pathlib import Path

from jinja2 import Environment, nodes

import kilnsight.reports
from kilnsight.i18n import catalogue
from kilnsight.reports import words
from kilnsight.reports.bilingual import Text, looked_up, message

HERE = Path(kilnsight.reports.__file__).parent


def ids_of_code():
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                assert isinstance(node.args[0], ast.Constant), (path, node.lineno)
                yield node.args[0].value


def ids_of_templates():
    for path in (HERE / "templates").glob("*.j2"):
        for node in Environment().parse(path.read_text("utf-8")).find_all(nodes.Call):
            if getattr(node.node, "name", "") == "_":
                assert isinstance(node.args[0], nodes.Const), (path, node.lineno)
                yield node.args[0].value


def test_every_text_has_a_translation():
    ids = {*ids_of_code(), *ids_of_templates()}
    assert len(ids) > 100
    assert not ids - catalogue("zh_Hans").keys()


def test_template_of_the_page_holds_no_text_of_its_own():
    source = (HERE / "templates" / "report.html.j2").read_text("utf-8")
    bare = re.sub(r"{{.*?}}|{%.*?%}", "", source, flags=re.DOTALL)
    bare = re.sub(r"<(style|script).*?</\1>|<[^>]*>|&[a-z]+;", " ", bare, flags=re.DOTALL)
    assert set(re.findall(r"[A-Za-z]{3,}", bare)) <= {"SHA", "English"}


def test_messages_fill_in_texts():
    filled = message("Heights are in metres above: {datum}.", datum=Text("sea level", "海平面"))
    assert "sea level" in filled.en
    assert "海平面" in filled.zh_Hans


def test_known_texts_are_translated_either_way():
    assert looked_up("Orthomosaic") == looked_up("正射影像") == Text("Orthomosaic", "正射影像")
    assert looked_up("no such text") == Text("no such text", "no such text")


def test_filled_texts_are_known_by_their_words():
    english = message("Heights are in metres above: {datum}.", datum="Not seen").en
    assert looked_up(english).zh_Hans == "高程单位为米，起算面：Not seen。"
    nested = looked_up("Heights are in metres above: Orthomosaic.")
    assert nested.zh_Hans == "高程单位为米，起算面：正射影像。"
    assert looked_up(nested.zh_Hans) == nested
    assert looked_up("3 of 4").zh_Hans == "3 of 4"


def test_unknown_codes_stay_readable():
    assert words.flag("very_odd").en == "very odd"
    assert words.status("reopened").en == "reopened"
    assert [words.severity(n).en for n in (1, 2, 3, 4)] == ["low", "medium", "high", "urgent"]
