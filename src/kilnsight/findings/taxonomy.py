"""Taxonomy of problems: each code with names, signs, severity, fix, and the clauses that apply."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Found = Literal["automatic", "assisted", "by hand"]
Status = Literal["official", "secondary", "unverified"]
TimeClass = Literal["immediate", "short", "season", "engineering"]


@dataclass(frozen=True)
class Clause:
    """A clause of a text; `status` says how far its wording was checked."""

    text: str
    clause: str
    status: Status
    text_en: str
    text_zh: str

    def as_dict(self) -> dict[str, str]:
        """Plain dictionary for JSON."""
        return {
            "text": self.text, "clause": self.clause, "status": self.status,
            "text_en": self.text_en, "text_zh": self.text_zh,
        }


@dataclass(frozen=True)
class Problem:
    """A kind of problem.

    `severity` is 1 (low) to 4 (urgent) before size and place are weighed; `measures` names the
    properties of a finding that size it; `time` is in what time it can be fixed: first the stopgap,
    then the lasting fix (immediate <= 3 days, short <= 30 days, season, engineering 2 to 6 months).
    """

    code: str
    name_en: str
    name_zh: str
    sign_en: str
    sign_zh: str
    severity: int
    found: Found
    measures: tuple[str, ...]
    fix_en: str
    fix_zh: str
    time: tuple[TimeClass, ...]
    clauses: tuple[Clause, ...]

    def name(self, language: str) -> str:
        """Name in a language of `kilnsight.i18n.LANGUAGES`."""
        return self.name_zh if language.startswith("zh") else self.name_en

    def fix(self, language: str) -> str:
        """Typical fix in a language of `kilnsight.i18n.LANGUAGES`."""
        return self.fix_zh if language.startswith("zh") else self.fix_en


@cache
def taxonomy() -> dict[str, Problem]:
    """All problems by code, in the order of the taxonomy.

    >>> taxonomy()["D01"].name_zh
    '物料露天堆存'
    """
    stored = tomllib.loads(files(__package__).joinpath("taxonomy.toml").read_text("utf-8"))
    texts = stored.pop("texts")
    return {code: _problem(code, entry, texts) for code, entry in stored.items()}


def _problem(code: str, entry: dict[str, Any], texts: dict[str, dict[str, str]]) -> Problem:
    """Problem of a table of the taxonomy file."""
    clauses = tuple(
        Clause(c["text"], c["clause"], c["status"],
               text_en=texts[c["text"]]["en"], text_zh=texts[c["text"]]["zh"])
        for c in entry["clauses"]
    )
    return Problem(
        code=code, name_en=entry["en"], name_zh=entry["zh"],
        sign_en=entry["sign_en"], sign_zh=entry["sign_zh"], severity=entry["severity"],
        found=entry["found"], measures=tuple(entry["measures"]),
        fix_en=entry["fix_en"], fix_zh=entry["fix_zh"], time=tuple(entry["time"]),
        clauses=clauses,
    )
