"""Text in the reader's language: English ids, one catalogue of `.po` files per language."""

from __future__ import annotations

import os
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LANGUAGES = ("en", "zh_Hans")
"""Languages with a complete catalogue; English is the text of the ids themselves."""

_language: ContextVar[str] = ContextVar("language", default="en")
_LOCALE_DIR = Path(__file__).parent / "locale"


def pick_language(tag: str | None = None) -> str:
    """Language for a tag such as `zh`, `zh_CN.UTF-8` or `en`; without one, that of the user.

    >>> pick_language("zh_CN.UTF-8"), pick_language("fr"), pick_language("zh")
    ('zh_Hans', 'en', 'zh_Hans')
    """
    tag = tag or os.environ.get("KILNSIGHT_LANG") or os.environ.get("LC_ALL") or ""
    tag = tag or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "en"
    return "zh_Hans" if tag.lower().startswith("zh") else "en"


def use_language(language: str) -> None:
    """Make `language` (one of `LANGUAGES`) that of all text from here on."""
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is none of {LANGUAGES}")
    _language.set(language)


def current_language() -> str:
    """Language in use, one of `LANGUAGES`."""
    return _language.get()


@cache
def catalogue(language: str) -> dict[str, str]:
    """All messages of a language, English id to text; the files of a language are merged."""
    messages: dict[str, str] = {}
    for path in sorted((_LOCALE_DIR / language).glob("*.po")):
        with path.open("rb") as stream:
            for message in read_po(stream):
                if message.id and message.string and not message.fuzzy:
                    messages[str(message.id)] = str(message.string)
    return messages


def gettext(message: str, language: str | None = None, /, **values: object) -> str:
    """Text of `message` in `language` (default: the one in use), with `{name}` fields filled in.

    >>> gettext("{count} photos", "en", count=3)
    '3 photos'
    """
    language = language or current_language()
    text = message if language == "en" else catalogue(language).get(message, message)
    return text.format(**values) if values else text
