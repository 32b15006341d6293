"""The report as a PDF, set by typst with the bundled font."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typst

from kilnsight import __version__
from kilnsight.i18n import current_language
from kilnsight.reports import assessment, glyphs, pictures, words
from kilnsight.reports.bilingual import Text
from kilnsight.reports.content import Content, Finding, read_content
from kilnsight.reports.html import area_seen, outlines_of
from kilnsight.surveys.folder import write_bytes, write_json

_TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
_CROPS, _CROP_PX = 3, 720
_TALL = 195 / 170
"""Height over width of the space for the map on its page."""


def write_pdf(survey: Path, *, language: str | None = None) -> Path:
    """Write `report.pdf` into a survey folder and give back its path.

    Reads nothing but the survey folder. `language` is one of `kilnsight.i18n.LANGUAGES` (default:
    the one in use). Raises InputError where a part of the survey is missing or broken. A character
    of a name that the bundled font lacks is shown by its number, and the last page says so.
    """
    content = read_content(Path(survey))
    language = language or current_language()
    with tempfile.TemporaryDirectory(prefix="kilnsight-pdf-") as place:
        work = Path(place)
        overview = pictures.draw_overview(
            content.folder.ortho, content.grid, outlines_of(content), side=1800
        )
        overview.save(work / "overview.jpg", quality=86)
        data = pdf_data(content, work, language=language)
        shown, lossy = drawable(data)
        write_json(work / "data.json", {**shown, "lossy": lossy})
        (work / "report.typ").write_bytes(_TEMPLATE.read_bytes())
        made: Any = typst.compile(
            str(work / "report.typ"), root=str(work), font_paths=[str(pictures.FONT.parent)],
            ignore_system_fonts=True,
        )
    return write_bytes(content.folder.report_pdf, bytes(made))


def drawable(data: Any) -> tuple[Any, bool]:
    """`data` with a stand-in for each character the font lacks, and whether there is one.

    A name is the user's and no reason to end without a report. Raises ValueError where one of
    the program's own texts, under `words`, holds such a character.
    """
    lost = {c: f"[U+{ord(c):04X}]\u200b" for c in _lost(data)}
    if own := _lost(data["words"]):
        raise ValueError(f"the font cannot draw the program's own {own}")
    return _replaced(data, str.maketrans(lost)), bool(lost)


def _lost(data: Any) -> list[str]:
    return glyphs.missing("".join(_texts(data)), pictures.FONT)


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _texts(value)


def _replaced(data: Any, table: dict[int, str]) -> Any:
    if isinstance(data, str):
        return data.translate(table)
    if isinstance(data, dict):
        return {key: _replaced(value, table) for key, value in data.items()}
    return [_replaced(value, table) for value in data] if isinstance(data, list) else data


def pdf_data(content: Content, work: Path, *, language: str) -> dict[str, Any]:
    """Everything the template prints, in one language; pictures are written into `work`."""
    quality = content.quality
    return {
        "language": {"en": "en", "zh_Hans": "zh"}[language], "version": __version__,
        "words": {key: text.of(language) for key, text in _words(content).items()},
        "tall": content.grid.height / content.grid.width > _TALL,
        "title": printable(content.title), "name": printable(content.survey.get("name") or ""),
        "facts": _facts(content, language),
        "totals": [
            [str(t.severity), t.code, t.name.of(language), str(t.count), t.area, t.volume]
            for t in content.totals
        ],
        "findings": [_finding(f, work, language=language) for f in content.findings],
        "levels": [words.severity(n).of(language) for n in (1, 2, 3, 4)],
        "colours": [pictures.SEVERITY_COLOURS[n] for n in (1, 2, 3, 4)],
        "ink": [pictures.SEVERITY_INK[n] for n in (1, 2, 3, 4)],
        "warnings": [printable(w.of(language)) for w in content.warnings],
        "coverage": [
            t.of(language) for t in assessment.coverage_sentences(quality, content.survey)
        ],
        "accuracy": [
            *(t.of(language) for t in assessment.accuracy_sentences(quality)),
            printable(assessment.datum_sentence(content.datum).of(language)),
        ],
        "rows": [
            [r.label.of(language), printable(r.value.of(language))]
            for r in assessment.quality_rows(quality)
        ],
        "method": [t.of(language) for t in assessment.method_sentences()],
        "hashes": [
            [content.fingerprint, words.headings()["fingerprint"].of(language)],
            *([digest, name] for name, digest in content.hashes),
        ],
    }


def _facts(content: Content, language: str) -> list[list[str]]:
    w = words.headings()
    facts = [
        (w["flown"], content.flown.of(language)),
        (w["camera"], content.cameras or "–"),
        (w["used"], assessment.photos_used(content.photos_in_map, len(content.photos))
         .of(language)),
        (w["seen"], area_seen(content)),
        (w["gsd"], assessment.gsd_text(content.quality)),
    ]
    return [[label.of(language), printable(value)] for label, value in facts]


def _finding(finding: Finding, work: Path, *, language: str) -> dict[str, Any]:
    return {
        "number": str(finding.number), "severity": finding.severity,
        "name": printable(finding.name.of(language)),
        "meta": f"{finding.id} / {printable(finding.code)} / {finding.status.of(language)}",
        "pairs": _pairs(finding, language),
        "measures": [
            [m.label.of(language), m.figure, m.interval or "–",
             printable(m.method.of(language)) if m.method else "–"]
            for m in finding.measures
        ],
        "fix": printable(finding.fix.of(language)),
        "clauses": [printable(clause.of(language)) for clause in finding.clauses],
        "reasons": [printable(reason.of(language)) for reason in finding.reasons],
        "crops": _crops(finding, work),
    }


def _pairs(finding: Finding, language: str) -> list[list[str]]:
    w, (lon, lat) = words.headings(), finding.lonlat
    pairs = [
        (w["severity"], f"{finding.severity} / 4, {finding.severity_name.of(language)}"),
        (w["confidence"], finding.confidence),
        (w["place"], f"{lat:.6f}, {lon:.6f}" if finding.polygons else "–"),
        *([(w["due"], finding.due)] if finding.due else []),
    ]
    return [[label.of(language), printable(value)] for label, value in pairs]


def _crops(finding: Finding, work: Path) -> list[dict[str, str]]:
    made = []
    for i, crop in enumerate(finding.crops[:_CROPS], start=1):
        name = f"{finding.number:03d}-{i}.jpg"
        if pictures.save_crop(crop.file, work / name, side=_CROP_PX):
            made.append({
                "file": name, "photo": printable(crop.photo), "sha256": printable(crop.sha256[:10])
            })
    return made


def printable(text: object) -> str:
    """Text for a line of print: no control characters, and long words that may be broken.

    >>> printable("a\\x00b")
    'a b'
    """
    plain = "".join(c if c.isprintable() else " " for c in str(text))
    return " ".join(_broken(word) for word in plain.split(" "))


def _broken(word: str) -> str:
    if len(word) <= 24 or not word.isascii():
        return word
    return "\u200b".join(word[i : i + 12] for i in range(0, len(word), 12))


def _words(content: Content) -> dict[str, Text]:
    count = len(content.findings)
    return words.headings() | words.sentences() | {
        "found": assessment.found_sentence(count), "footer": assessment.maker_sentence(__version__),
    }
