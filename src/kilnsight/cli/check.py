"""`kilnsight check`: whether a survey is as it was written."""

from __future__ import annotations

from pathlib import Path

import click

from kilnsight.cli import options


@click.command("check", short_help="Prove a survey untouched, or name what changed.")
@click.argument("survey", type=click.Path(path_type=Path))
@options.language
@click.pass_context
def command(context: click.Context, survey: Path) -> None:
    """Compare every file of the folder SURVEY with the manifest written with it.

    Ends with 0 when nothing was changed, and with 1 when anything was: each file is named.
    """
    from kilnsight.evidence.manifest import check
    from kilnsight.i18n import gettext as _

    faults = check(survey)
    for fault in faults:
        click.echo(fault.text)
    if faults:
        context.exit(1)
    click.echo(_("Nothing was changed in {folder}.", folder=survey))
