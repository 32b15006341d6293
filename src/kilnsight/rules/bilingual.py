"""A text in both languages at once, as survey folders store it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kilnsight.i18n import gettext


@dataclass(frozen=True)
class Text:
    """One text in English and in Chinese."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """The text in one of `kilnsight.i18n.LANGUAGES`.

        >>> Text("dust", "粉尘").of("zh_Hans")
        '粉尘'
        """
        return self.zh if language.startswith("zh") else self.en


def both(message: str, **values: object) -> Text:
    """Text of a message id in both languages; a `Text` among the values fills in its own."""

    def filled(language: str) -> str:
        own = {k: v.of(language) if isinstance(v, Text) else v for k, v in values.items()}
        return gettext(message, language, **own)

    return Text(filled("en"), filled("zh_Hans"))


def joined(sentences: Sequence[Text]) -> Text:
    """Sentences one after the other, with a space between them in English.

    >>> joined([])
    Text(en='', zh='')
    """
    return Text(" ".join(s.en for s in sentences), "".join(s.zh for s in sentences))
