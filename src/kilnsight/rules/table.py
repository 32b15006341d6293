"""A TOML file read field by field: what is missing, misspelt or of the wrong kind is named."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Collection, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.rules.bilingual import Text

MAX_BYTES = 4_000_000
"""Size above which a file is not read."""


class Table:
    """A table of a file. Each field is asked for once; `close` refuses those never asked for."""

    def __init__(self, values: dict[str, Any], *, file: Path | str, place: str = "") -> None:
        self._values = dict(values)
        self._file = file
        self._place = place

    def fail(self, problem: str, remedy: str | None = None) -> InputError:
        """Error that names the file and the table."""
        where = _("In {place}: {problem}", place=self._place or "TOML", problem=problem)
        return InputError(where, remedy=remedy or _("See docs/rules.md for the format."),
                          file=self._file)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def keys(self) -> list[str]:
        """Names of the fields that nobody has asked for yet."""
        return list(self._values)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; `default` where the field is missing."""
        value = self._values.pop(key, default)
        if value is None:
            raise self.fail(_("the field {key} is missing.", key=key))
        if not isinstance(value, str) or (not value.strip() and default != value):
            raise self.fail(_("the field {key} has to be a text.", key=key))
        return value.strip()

    def pair(self, stem: str = "") -> Text:
        """A text in both languages: the fields `en` and `zh`, or `STEM_en` and `STEM_zh`."""
        stem = f"{stem}_" if stem else ""
        pair = Text(self.text(f"{stem}en"), self.text(f"{stem}zh"))
        if not any("\u4e00" <= sign <= "\u9fff" for sign in pair.zh):
            raise self.fail(_("the field {key} holds no Chinese.", key=f"{stem}zh"))
        return pair

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """A text out of `allowed`."""
        value = self.text(key, default)
        self._allow(key, [value], allowed)
        return value

    def texts(
        self, key: str, *, default: Sequence[str] | None = None,
        allowed: Collection[str] | None = None,
    ) -> tuple[str, ...]:
        """A list of texts, all out of `allowed` where that is given; empty only by default."""
        value = self._values.pop(key, None)
        if value is None and default is not None:
            return tuple(default)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            raise self.fail(_("the field {key} has to be a list of texts.", key=key))
        if allowed is not None:
            self._allow(key, value, allowed)
        return tuple(value)

    def _allow(self, key: str, values: Sequence[str], allowed: Collection[str]) -> None:
        for value in values:
            if value not in allowed:
                raise self.fail(
                    _("{key} is {value}, which is not known.", key=key, value=repr(value)),
                    _("Use one of: {known}.", known=", ".join(v for v in allowed if v)),
                )

    def date(self, key: str) -> dt.date | None:
        """A date such as 2028-01-01; None where the field is missing."""
        value = self._values.pop(key, None)
        if value is not None and (isinstance(value, dt.datetime) or not isinstance(value, dt.date)):
            raise self.fail(_("the field {key} has to be a date such as 2028-01-01.", key=key))
        return value

    def dates(self, key: str) -> frozenset[dt.date]:
        """A list of dates, possibly empty."""
        values = self._values.pop(key, [])
        if not isinstance(values, list) or any(type(v) is not dt.date for v in values):
            raise self.fail(_("the field {key} has to be a list of dates.", key=key))
        return frozenset(values)

    def number(self, key: str, default: float | None = None) -> float:
        """A number that is not negative."""
        value = self._values.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
            raise self.fail(_("the field {key} has to be a number from 0 on.", key=key))
        return float(value)

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number that is not negative."""
        value = self.number(key, default)
        if value != int(value):
            raise self.fail(_("the field {key} has to be a whole number.", key=key))
        return int(value)

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers from 0 on, possibly empty."""
        values = self._values.pop(key, [])
        if not isinstance(values, list) or any(type(v) is not int or v < 0 for v in values):
            raise self.fail(_("the field {key} has to be a list of whole numbers.", key=key))
        return tuple(values)

    def bands(self, key: str) -> tuple[tuple[float, float], ...]:
        """A list of pairs, the first numbers rising, such as where a factor begins to hold."""
        value = self._values.pop(key, None)
        pairs: list[Any] = value if isinstance(value, list) else [None]
        if not all(
            isinstance(p, list) and len(p) == 2
            and all(isinstance(x, int | float) and not isinstance(x, bool) for x in p)
            for p in pairs
        ) or [p[0] for p in pairs] != sorted({p[0] for p in pairs}):
            raise self.fail(_("the field {key} has to be a list of rising pairs.", key=key))
        return tuple((float(start), float(factor)) for start, factor in pairs)

    def part(self, key: str) -> Table:
        """A table within this one; an empty one where it is missing."""
        return self._part(self._values.pop(key, {}), key)

    def parts(self, key: str, *, named: str = "") -> list[Table]:
        """A list of tables; each is named in errors by its field `named`."""
        values = self._values.pop(key, [])
        if not isinstance(values, list):
            raise self.fail(_("the field {key} has to be a list of tables.", key=key))
        return [
            self._part(v, f"{key} {v.get(named, i) if isinstance(v, dict) else i}")
            for i, v in enumerate(values, start=1)
        ]

    def _part(self, value: Any, place: str) -> Table:
        if not isinstance(value, dict):
            raise self.fail(_("the field {key} has to be a table.", key=place))
        return Table(value, file=self._file, place=place)

    def close(self) -> None:
        """Refuse fields that nobody asked for: a misspelt one must not go unseen."""
        if self._values:
            raise self.fail(_("the field {key} is not known.", key=min(self._values)))


def read_table(path: Path | Traversable) -> Table:
    """Table of a whole TOML file; InputError where it is missing or no TOML."""
    file = str(path)
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise ValueError(_("it is too large"))
        return Table(tomllib.loads(content.decode("utf-8")), file=file)
    except OSError as error:
        raise InputError(
            _("This file cannot be read: {reason}.", reason=error.strerror or str(error)),
            remedy=_("Check its name and who may read it."), file=file,
        ) from error
    except ValueError as error:
        raise InputError(
            _("This is no valid TOML file: {reason}.", reason=error),
            remedy=_("Correct it or leave it out."), file=file,
        ) from error
