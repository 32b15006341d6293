"""Options that mean the same in every command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from kilnsight.i18n import gettext as _
from kilnsight.i18n import pick_language, use_language

Command = TypeVar("Command", bound=Callable[..., Any])

_CHOSEN = "kilnsight.language"


def workers(command: Command) -> Command:
    """`--workers N`: processes at work at once."""
    return click.option(
        "--workers", type=click.IntRange(1, 256), default=max(1, os.cpu_count() or 1),
        show_default=True, help=_("Processes at work at once."),
    )(command)


def memory(command: Command) -> Command:
    """`--memory GB`: memory all processes together keep to."""
    return click.option(
        "--memory", "memory_gib", type=click.FloatRange(1.5, 4096), default=3.0,
        show_default=True, metavar="GB", help=_("Memory that all processes together keep to."),
    )(command)


def language(command: Command) -> Command:
    """`--language en|zh`: language of messages and of the report."""
    return click.option(
        "--language", type=click.Choice(["en", "zh"]), default=None, callback=_use,
        expose_value=False, is_eager=True, help=_("Language of messages and report."),
    )(command)


def region_code(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    """Region as ISO 3166 writes it: a country, or a country and a part of it."""
    if value is None or re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", value.upper()):
        return value and value.upper()
    raise click.BadParameter(_("A region is written like CN, CN-32 or US-TX."))


def chosen_language() -> str | None:
    """Language that the running command was told to use; None where it was told none."""
    chosen: str | None = click.get_current_context().meta.get(_CHOSEN)
    return chosen


def _use(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[_CHOSEN] = pick_language(value)
        use_language(pick_language(value))
