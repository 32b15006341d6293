"""Which clauses speak of a problem at a plant on a day, each with why it holds or why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from kilnsight.findings.taxonomy import taxonomy
from kilnsight.rules.bilingual import Text, joined
from kilnsight.rules.bilingual import both as _
from kilnsight.rules.pack import Pack, Place, Rule, built_in_packs


@dataclass(frozen=True)
class PlantFacts:
    """What is known of a plant; None is not known.

    `existing` is about the date from which a standard tells new from existing plants: a plant of
    which it is not known is taken for existing. `ultra_low`: it retrofits to ultra-low emissions or
    declares them. `major_source`: of hazardous air pollutants, in the USA. `construction`: what
    was surveyed is a construction site or building land.
    """

    place: Place = "plant"
    existing: bool | None = None
    ultra_low: bool | None = None
    major_source: bool | None = None
    construction: bool | None = None


@dataclass(frozen=True)
class Clause:
    """A rule weighed for one finding: whether it applies, and why or why not.

    `conditions` are those that it depends on and of which nothing was given.
    """

    rule: Rule
    applies: bool
    why: Text
    conditions: tuple[Text, ...] = ()

    def as_dict(self) -> dict[str, str]:
        """Plain dictionary for the property `clauses`; `en` and `zh_Hans` are ready to print."""
        rule, title = self.rule, full_title(self.rule)
        found = {
            "id": rule.id, "citation": rule.citation,
            "title_en": title.en, "title_zh": title.zh,
            "text_en": rule.summary.en, "text_zh": rule.summary.zh,
            "status": rule.status, "source": "; ".join(rule.source), "kind": rule.kind,
            "why_en": self.why.en, "why_zh": self.why.zh,
        }
        if penalty := penalty_of(rule):
            found |= {"penalty_en": penalty.en, "penalty_zh": penalty.zh}
        if rule.url:
            found["url"] = rule.url
        line = printed(self)
        return found | {"en": line.en, "zh_Hans": line.zh}


def applicable(
    code: str, *, region: str | None, on: dt.date, plant: PlantFacts | None = None,
    packs: Sequence[Pack] = (),
) -> list[Clause]:
    """Clauses of the built-in packs and of `packs` that name a code; those that apply come first.

    `region` is a code such as `CN-32`, `DE` or `US`. Without one only rules that name no region
    apply, such as those of a plant's own permit: a law is never cited for a place not known.
    """
    if code not in taxonomy():
        raise ValueError(f"{code!r} is no code of the taxonomy")
    plant = plant or PlantFacts()
    place: Place = "quarry" if code.startswith("Q") else plant.place
    clauses = [
        _weigh(rule, pack, region=region, on=on, plant=plant, place=place)
        for pack in (*built_in_packs(), *packs) for rule in pack.rules if code in rule.codes
    ]
    return sorted(clauses, key=lambda clause: not clause.applies)


def why_none(code: str, *, region: str | None, packs: Sequence[Pack] = ()) -> Text:
    """Why no clause applies to a code in a region. It never means that the problem is allowed."""
    if region is None:
        return _("No clause is named because the region of the site was not given.")
    for pack in (*packs, *built_in_packs()):
        if code in pack.without and any(pack.holds_in(region, r) for r in pack.regions):
            return pack.without[code]
    return _(
        "The packs in use hold no clause on {code} that applies to region {region}; this does not "
        "mean that there is none.", code=code, region=region,
    )


def full_title(rule: Rule) -> Text:
    """Title of the text with the article."""
    return Text(f"{rule.title.en}, {rule.article.en}", f"{rule.title.zh}{rule.article.zh}")


def penalty_of(rule: Rule) -> Text | None:
    """Penalty of a rule in words; None where none is known."""
    if rule.penalty is None:
        return None
    amount = _("fine of {range}", range=rule.penalty.words())
    then = rule.penalty.then
    if then is None:
        return amount
    return _("{fine}; {then}", fine=amount, then=then)


def printed(clause: Clause) -> Text:
    """Line that documents print: what is asked, on which conditions, and how far it was checked."""
    rule = clause.rule
    return _("{title}: {text} ({status})", title=full_title(rule),
             text=joined([rule.summary, *clause.conditions]), status=status_words(rule.status))


def status_words(status: str) -> Text:
    """What a status means to who reads it."""
    return {
        "official": _("official text opened"),
        "secondary": _("read in a copy, not in the official text"),
        "unverified": _("unverified: not yet read"),
        "proposal": _("proposed by this software, set by no law"),
    }[status]


def _weigh(
    rule: Rule, pack: Pack, *, region: str | None, on: dt.date, plant: PlantFacts, place: Place
) -> Clause:
    """Clause with the first reason why it does not apply, or all reasons why it does."""
    checks = (
        _region(rule, pack, region), _place(rule, place), _dates(rule, on), _age(rule, plant),
        *(_need(need, getattr(plant, need)) for need in rule.needs),
    )
    against = [text for holds, text in checks if not holds]
    if against:
        return Clause(rule, False, against[0])
    conditions = tuple(_need(n, None)[1] for n in rule.needs if getattr(plant, n) is None)
    return Clause(rule, True, joined([text for _holds, text in checks if text.en]), conditions)


_Check = tuple[bool, Text]
_NOTHING = Text("", "")


def _region(rule: Rule, pack: Pack, region: str | None) -> _Check:
    if not rule.regions:
        return True, _("It holds everywhere.")
    names = ", ".join(rule.regions)
    if region is None:
        return False, _("It holds in {regions}; the region of the site was not given.",
                        regions=names)
    if any(pack.holds_in(region, own) for own in rule.regions):
        return True, _("It holds in {regions}; the site is in {region}.",
                       regions=names, region=region)
    return False, _("It holds in {regions}; the site is in {region}, which is elsewhere.",
                    regions=names, region=region)


def _place(rule: Rule, place: Place) -> _Check:
    if place in rule.places:
        return True, _NOTHING
    if place == "quarry":
        return False, _("It does not hold for quarries.")
    return False, _("It holds for quarries only.")


def _dates(rule: Rule, on: dt.date) -> _Check:
    if rule.start and on < rule.start:
        return False, _("It holds from {date} only.", date=rule.start)
    if rule.end and on > rule.end:
        return False, _("It held until {date}.", date=rule.end)
    if rule.start:
        return True, _("In force since {date}.", date=rule.start)
    return True, _NOTHING


def _age(rule: Rule, plant: PlantFacts) -> _Check:
    if rule.age is None:
        return True, _NOTHING
    holds = (rule.age == "existing") == (plant.existing is not False)
    only = (
        _("It holds for existing plants.") if rule.age == "existing"
        else _("It holds for new plants only.")
    )
    if plant.existing is None:
        taken = _("Whether this one is new was not given; it is taken for existing.")
        return holds, joined([only, taken])
    return holds, only


def _need(need: str, value: bool | None) -> _Check:
    condition = {
        "ultra_low": _("the plant retrofits to ultra-low emissions or declares them"),
        "major_source": _("the plant is a major source of hazardous air pollutants"),
        "construction": _("the ground is a construction site or building land"),
    }[need]
    if value is None:
        return True, _("It holds if {condition}, which was not given.", condition=condition)
    if value:
        return True, _("It holds since {condition}.", condition=condition)
    return False, _("It holds only if {condition}.", condition=condition)
