"""A text in every language at once, so that a page can switch without being asked for again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup, escape

from kilnsight.i18n import catalogue, gettext

TAGS = {"en": "en", "zh_Hans": "zh-Hans"}
"""BCP 47 tag of each language, for `lang` attributes."""

_LEAST_WORDS = 6
"""Characters besides its fields that a template needs to be known again."""


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
    """Text that another package wrote in one language, in both where a catalogue knows it.

    A text whose fields were filled in is known by what stands between them.
    """
    return Text(_turned(message, "en"), _turned(message, "zh_Hans"))


def _turned(text: str, language: str) -> str:
    """Text in `language`, whichever language it is in; as it is where no catalogue knows it."""
    whole, filled = _lookup(language)
    if text in whole:
        return whole[text]
    for pattern, template in filled:
        if found := pattern.fullmatch(text):
            fields = {key: _turned(value, language) for key, value in found.groupdict().items()}
            return template.format(**fields)
    return text


@cache
def _lookup(language: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Texts of the other language: those without fields, and patterns of those with them."""
    pairs = [(text, source) if language == "en" else (source, text)
             for source, text in catalogue("zh_Hans").items()]
    filled = [(_pattern(source), text) for source, text in pairs if "{" in source]
    return dict(pairs), [(pattern, text) for pattern, text in filled if pattern is not None]


def _pattern(template: str) -> re.Pattern[str] | None:
    """Pattern of a template whose own words are enough to know it by; None for the others."""
    parts = re.split(r"\{(\w+)\}", template)
    names = parts[1::2]
    if len("".join(parts[::2])) < _LEAST_WORDS or len(set(names)) < len(names):
        return None
    written = [re.escape(part) for part in parts[::2]]
    fields = [f"(?P<{name}>.+?)" for name in names]
    return re.compile("".join(a + b for a, b in zip(written, [*fields, ""], strict=True)))


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
