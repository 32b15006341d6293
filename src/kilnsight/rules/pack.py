"""Packs of rules: dated clauses, where they hold, what they cite, how far they were checked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, cast

from kilnsight.findings.taxonomy import Status, taxonomy
from kilnsight.i18n import gettext as _
from kilnsight.rules.bilingual import Text
from kilnsight.rules.table import Table, read_table

Place = Literal["plant", "quarry"]
Age = Literal["new", "existing"]
Kind = Literal["duty", "evidence"]

STATUSES: tuple[Status, ...] = ("official", "secondary", "unverified")
"""How far a text was checked: its primary text opened, read in a copy, from memory."""
NEEDS = ("ultra_low", "major_source", "construction")
"""Facts about a plant that a rule can ask for."""
BUILT_IN = ("cn", "cn-quarry", "cn-32", "eu", "us")
"""Packs that come with the program, in the order their clauses are listed."""


@dataclass(frozen=True)
class Penalty:
    """Fine from `least` to `most` in units of `currency` (ISO 4217), and what follows refusal."""

    least: float
    most: float
    currency: str
    then: Text | None

    def words(self) -> str:
        """The range in figures, the same in every language.

        >>> Penalty(2000, 20000, "CNY", None).words()
        'CNY 2,000–20,000'
        """
        return f"{self.currency} {self.least:,.0f}–{self.most:,.0f}"


@dataclass(frozen=True)
class Rule:
    """A clause and where it holds.

    `regions` are codes such as `CN`, `CN-32`, `EU`; none means everywhere. `age` None means both
    new and existing plants. `start` and `end` are the first and the last day, None where open.
    """

    id: str
    text: str
    title: Text
    article: Text
    codes: tuple[str, ...]
    summary: Text
    status: Status
    source: tuple[str, ...]
    regions: tuple[str, ...]
    places: tuple[Place, ...]
    age: Age | None
    start: dt.date | None
    end: dt.date | None
    needs: tuple[str, ...]
    kind: Kind
    penalty: Penalty | None
    url: str

    @property
    def citation(self) -> str:
        """Short citation, such as `CN-APPCL art. 117(1)`."""
        return f"{self.text} {self.article.en}"


@dataclass(frozen=True)
class Pack:
    """Rules of one place or one permit; `members` are regions that count as within it."""

    id: str
    name: Text
    regions: tuple[str, ...]
    members: tuple[str, ...]
    rules: tuple[Rule, ...]
    without: dict[str, Text]

    def holds_in(self, region: str, rule_region: str) -> bool:
        """Whether a site in `region` lies within a region that a rule of this pack names."""
        if rule_region in self.regions and any(within(region, m) for m in self.members):
            return True
        return within(region, rule_region)


def within(region: str, outer: str) -> bool:
    """Whether a region code lies within another.

    >>> within("CN-32", "CN"), within("CN", "CN-32"), within("CN-32", "CN-3")
    (True, False, False)
    """
    return f"{region}-".upper().startswith(f"{outer}-".upper())


def load_pack(path: Path | str | Traversable) -> Pack:
    """Pack of a TOML file as docs/rules.md describes it, such as a plant's own permit.

    Raises `InputError` that names the file, the table and the field at fault.
    """
    table = read_table(Path(path) if isinstance(path, str) else path)
    head = table.part("pack")
    pack_id, name = head.text("id"), head.pair()
    regions = head.texts("regions", default=())
    members = head.texts("members", default=())
    head.close()
    texts = _texts(table.part("texts"))
    sources = table.part("sources")
    known = {key: sources.text(key) for key in sources.keys()}  # noqa: SIM118
    entries = table.parts("rules", named="id")
    rules = tuple(_rule(entry, texts, known, regions) for entry in entries)
    for entry, rule in zip(entries, rules, strict=True):
        if sum(rule.id == other.id for other in rules) > 1:
            raise entry.fail(_("the id {id} is there twice.", id=rule.id))
    without = dict(_without(entry) for entry in table.parts("none", named="code"))
    table.close()
    return Pack(pack_id, name, regions, members, rules, without)


@cache
def built_in_packs() -> tuple[Pack, ...]:
    """Packs that come with the program: China, its quarries, Jiangsu, European Union, USA."""
    folder = files(__package__).joinpath("packs")
    return tuple(load_pack(folder.joinpath(f"{name}.toml")) for name in BUILT_IN)


def _texts(table: Table) -> dict[str, tuple[Text, str]]:
    """Title and address of each text that rules cite."""
    found = {}
    for key in table.keys():  # noqa: SIM118
        entry = table.part(key)
        found[key] = (entry.pair(), entry.text("url", ""))
        entry.close()
    return found


def _rule(
    entry: Table, texts: dict[str, tuple[Text, str]], sources: dict[str, str],
    regions: tuple[str, ...],
) -> Rule:
    text = entry.choice("text", texts)
    title, url = texts[text]
    source = entry.texts("source", allowed=sources)
    rule = Rule(
        id=entry.text("id"), text=text, title=title, article=entry.pair("article"),
        codes=entry.texts("codes", allowed=taxonomy()), summary=entry.pair(),
        status=cast(Status, entry.choice("status", STATUSES)),
        source=tuple(f"{key}: {sources[key]}" for key in source),
        regions=entry.texts("regions", default=regions),
        places=cast(tuple[Place, ...], entry.texts(
            "places", default=("plant", "quarry"), allowed=("plant", "quarry"))),
        age=cast(Age | None, entry.choice("age", ("new", "existing", ""), "") or None),
        start=entry.date("from"), end=entry.date("to"),
        needs=entry.texts("needs", default=(), allowed=NEEDS),
        kind=cast(Kind, entry.choice("kind", ("duty", "evidence"), "duty")),
        penalty=_penalty(entry.part("penalty")) if "penalty" in entry else None,
        url=entry.text("url", url),
    )
    if rule.start and rule.end and rule.start > rule.end:
        raise entry.fail(_("it ends before it begins."))
    entry.close()
    return rule


def _penalty(entry: Table) -> Penalty:
    least, most = entry.number("least"), entry.number("most")
    if least > most:
        raise entry.fail(_("the least penalty is above the most."))
    then = entry.pair("then") if "then_en" in entry else None
    penalty = Penalty(least, most, entry.text("currency"), then)
    entry.close()
    return penalty


def _without(entry: Table) -> tuple[str, Text]:
    """Code for which a pack has no clause, with the reason."""
    code, reason = entry.choice("code", taxonomy()), entry.pair()
    entry.close()
    return code, reason
