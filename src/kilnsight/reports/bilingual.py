"""A text in every language at once, so that a page can switch without being asked for again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup, escape

from kilnsight.i18n import catalogue, gettext

TAGS = {"en": "en", "zh_Hans": "zh-Hans"}
"""BCP 47 tag of each language, for `lang` attributes."""


@dataclass(frozen=True)
class Text:
    """One text in both languages. In a template it prints as two spans, of which one shows."""

    en: str
    zh_Hans: str

    def of(self, language: str) -> str:
        """The text in one of `kilnsight.i18n.LANGUAGES`.

        >>> Text("dust", "粉尘").of("zh_Hans")
        '粉尘'
        """
        return {"en": self.en, "zh_Hans": self.zh_Hans}[language]

    def __html__(self) -> str:
        if self.en == self.zh_Hans:
            return str(escape(self.en))
        return str(
            Markup('<span lang="en">{}</span><span lang="zh-Hans">{}</span>').format(
                self.en, self.zh_Hans
            )
        )


def both(make: Callable[[str], str]) -> Text:
    """Text that `make` gives for each language."""
    return Text(make("en"), make("zh_Hans"))


def same(text: object) -> Text:
    """Text that reads alike in every language, such as a name or a number."""
    return Text(str(text), str(text))


def looked_up(message: str) -> Text:
    """Text that another package wrote in one language, in both where a catalogue knows it."""
    chinese = catalogue("zh_Hans")
    if message in chinese:
        return Text(message, chinese[message])
    return Text(_english().get(message, message), message)


@cache
def _english() -> dict[str, str]:
    """English ids of the Chinese texts."""
    return {text: message for message, text in catalogue("zh_Hans").items()}


def message(text: str, /, **values: object) -> Text:
    """Text of an English id in both languages, with `{name}` fields filled in; a `Text` may fill.

    This is what templates call `_`.
    """

    def filled(language: str) -> str:
        plain = {k: v.of(language) if isinstance(v, Text) else v for k, v in values.items()}
        return gettext(text, language, **plain)

    return both(filled)


def attribute(name: str, text: Text) -> Markup:
    """HTML attribute `name` in English, with what the switch of languages needs to change it."""
    return Markup('{}="{}" data-attr="{}" data-en="{}" data-zh="{}"').format(
        name, text.en, name, text.en, text.zh_Hans
    )
