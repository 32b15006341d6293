"""Make the bundled font: the part of Noto Sans CJK SC that GB 2312 and the report's text need.

Needs fonttools and Debian's `fonts-noto-cjk`; run as `python bench/make_report_font.py`.
"""

from __future__ import annotations

from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

SOURCE = Path("/usr/share/fonts/opentype/noto")
FONTS = Path(__file__).resolve().parents[1] / "src" / "kilnsight" / "reports" / "fonts"
FACE = "Noto Sans CJK SC"
FAMILY = "Kilnsight Sans SC"


def gb2312() -> set[int]:
    """Code points of GB 2312: its symbols and both levels of its 6,763 characters."""
    found = set()
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            text = bytes([row, cell]).decode("gb2312", errors="ignore")
            found.update(ord(c) for c in text)
    return found


def wanted() -> set[int]:
    """Code points of the bundled font."""
    latin = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180))
    marks = set(range(0x2010, 0x2028)) | set(range(0x2030, 0x203C))
    units = {ord(c) for c in "₀₁₂₃₄₅₆₇₈₉⁰¹⁴⁵⁶⁷⁸⁹⁺⁻₂㎡㎥℃µμΔΩ≈≠≤≥×÷±−∞√∑∂→←↑↓↗✓✗●○■□▲△◆◇…‰€™"}
    cjk = set(range(0x3000, 0x3020)) | set(range(0xFF01, 0xFF5F)) | gb2312()
    return latin | marks | units | cjk


def subset(weight: str) -> Path:
    """Write `KilnsightSansSC-<weight>.otf` and give back its path."""
    collection = TTCollection(SOURCE / f"NotoSansCJK-{weight}.ttc")
    font = next(f for f in collection.fonts if f["name"].getDebugName(1).startswith(FACE))
    options = Options()
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    options.hinting = False
    options.desubroutinize = False
    options.name_IDs = [0, 1, 2, 4, 5, 6, 13, 14, 16, 17]
    options.notdef_outline = True
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(font)
    rename(font, weight)
    path = FONTS / f"KilnsightSansSC-{weight}.otf"
    font.save(path)
    return path


def rename(font: TTFont, weight: str) -> None:
    """Give the subset its own family name, so that it is never taken for the whole font."""
    names = font["name"]
    plain = FAMILY.replace(" ", "")
    values = {1: FAMILY, 2: weight, 4: f"{FAMILY} {weight}", 6: f"{plain}-{weight}"}
    for record in list(names.names):
        if record.nameID in (16, 17):
            names.removeNames(nameID=record.nameID)
    for name_id, text in values.items():
        names.removeNames(nameID=name_id)
        names.setName(text, name_id, 3, 1, 0x409)
    cff = font["CFF "].cff
    cff.fontNames = [values[6]]
    cff.topDictIndex[0].FamilyName = FAMILY
    cff.topDictIndex[0].FullName = values[4]
    cff.topDictIndex[0].Weight = weight


if __name__ == "__main__":
    made = subset("Regular")
    print(made, made.stat().st_size)
