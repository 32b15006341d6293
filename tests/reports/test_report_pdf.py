"""The PDF holds its Chinese text as text, in a font that has every character."""

import shutil
import subprocess

import pytest
from PIL import ImageFont
from survey_maker import dump

from kilnsight.reports import glyphs, pictures
from kilnsight.reports.content import read_content
from kilnsight.reports.pdf import drawable, pdf_data, printable, write_pdf

PDFTOTEXT = shutil.which("pdftotext")


def text_of(path):
    if PDFTOTEXT is None:
        pytest.skip("pdftotext is not installed")
    done = subprocess.run([PDFTOTEXT, "-layout", path, "-"], capture_output=True, check=True)
    return done.stdout.decode()


@pytest.fixture(scope="module")
def chinese(survey, tmp_path_factory):
    copy = shutil.copytree(survey, tmp_path_factory.mktemp("pdf") / "s")
    return write_pdf(copy, language="zh_Hans")


def test_chinese_text_is_there(chinese):
    text = text_of(chinese).replace(" ", "")
    for words in (
        "溧阳示例水泥有限公司", "物料露天堆存", "道路积尘、未硬化", "裸土", "立即用防尘网苫盖",
        "飞行期间GPS高度漂移12米", "未看到不等于没有问题", "1968m³", "F003",
    ):
        assert words in text.replace("\xa0", ""), words


def test_english_text_is_there(survey, tmp_path):
    copy = shutil.copytree(survey, tmp_path / "s")
    text = text_of(write_pdf(copy, language="en"))
    for words in ("uncovered open pile", "Not seen is not clean", "95 % interval", "suspected"):
        assert words in text


def test_only_the_bundled_font_is_used(chinese):
    if (tool := shutil.which("pdffonts")) is None:
        pytest.skip("pdffonts is not installed")
    listing = subprocess.run([tool, chinese], capture_output=True, check=True).stdout.decode()
    fonts = listing.splitlines()[2:]
    assert fonts and all("KilnsightSansSC" in font and " yes " in font for font in fonts)


def test_same_survey_gives_the_same_pdf(chinese):
    before = chinese.read_bytes()
    assert write_pdf(chinese.parent, language="zh_Hans").read_bytes() == before


def test_names_are_data_and_never_markup(hostile_survey, tmp_path):
    copy = shutil.copytree(hostile_survey, tmp_path / "s")
    text = "".join(text_of(write_pdf(copy, language="zh_Hans")).split())
    assert "#eval(1)" in text
    assert "{{7*7}}" in text


def test_character_without_a_glyph_has_a_stand_in(empty_survey, tmp_path):
    root = shutil.copytree(empty_survey, tmp_path / "s")
    dump(root / "survey.json", {"name": "Soğut 🏭 臺灣"})
    text = "".join(text_of(write_pdf(root, language="en")).split()).replace("\u200b", "")
    assert "So[U+011F]ut[U+1F3ED]" in text
    assert "isshownbyitsnumber" in text


def test_stand_ins_are_for_names_alone(survey, tmp_path):
    data = pdf_data(read_content(survey), tmp_path, language="en")
    assert drawable(data) == (data, False)
    with pytest.raises(ValueError, match="own"):
        drawable({**data, "words": {"map": "龘"}})


def test_empty_survey_has_a_pdf(empty_survey, tmp_path):
    copy = shutil.copytree(empty_survey, tmp_path / "s")
    assert "在观测到的范围内未发现疑似问题" in text_of(write_pdf(copy, language="zh_Hans"))


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_every_text_of_the_program_can_be_drawn(survey, tmp_path, language):
    data = pdf_data(read_content(survey), tmp_path, language=language)
    assert not glyphs.missing(str(data), pictures.FONT)


def test_font_holds_gb2312_and_agrees_with_its_renderer():
    known = glyphs.drawable(pictures.FONT)
    level = [bytes([row, cell]).decode("gb2312", "ignore")
             for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
    characters = "".join(level)
    assert len(characters) == 6763
    assert not glyphs.missing(characters, pictures.FONT)
    font = ImageFont.truetype(str(pictures.FONT), 24)
    blank = bytes(font.getmask("\U0001f3ed"))
    for character in characters[::500] + "Az9m²³–·":
        assert bytes(font.getmask(character)) != blank
    for character in "龘ก":
        assert ord(character) not in known
        assert bytes(font.getmask(character)) == blank


def test_long_words_may_be_broken_and_control_characters_go():
    assert printable("a\x00b\nc") == "a b c"
    assert printable("x" * 40).replace("\u200b", "") == "x" * 40
    assert "\u200b" in printable("x" * 40)
    assert printable("short.jpg") == "short.jpg"
