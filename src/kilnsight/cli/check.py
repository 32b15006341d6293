"""`kilnsight check`: whether a survey is as it was written."""

from __future__ import annotations

from pathlib import Path

import click

from kilnsight.cli import options
from kilnsight.i18n import gettext as _


@click.command(
    "check", short_help=_("Prove a survey untouched, or name what changed."),
    help=_("Compare every file of the folder SURVEY with the manifest written with it. Ends with 0"
           " when nothing was changed, and with 1 when anything was: each file is named."),
)
@click.argument("survey", type=click.Path(path_type=Path))
@options.language
@click.pass_context
def command(context: click.Context, survey: Path) -> None:
    """Check the survey and name what changed."""
    from kilnsight.evidence.manifest import check

    faults = check(survey)
    for fault in faults:
        click.echo(fault.text)
    if faults:
        context.exit(1)
    click.echo(_("Nothing was changed in {folder}.", folder=survey))
