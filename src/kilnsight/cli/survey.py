"""`kilnsight survey`: photos in, findings out."""

from __future__ import annotations

from pathlib import Path

import click

from kilnsight.cli import options
from kilnsight.i18n import gettext as _


@click.command(
    "survey", short_help=_("Photos in, findings out."),
    help=_("Turn the drone photos in the folder PHOTOS into a survey folder. A run that was"
           " stopped goes on from its last finished stage when started again."),
)
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="SURVEY",
              help=_("Folder of the survey, new or to go on with."))
@click.option("--name", default=None, help=_("Name of the plant or survey, for the report."))
@click.option("--region", default=None, metavar="CODE", callback=options.region_code,
              help=_("Where the site lies, such as CN-32, DE or US-TX: its rules apply."))
@options.workers
@options.memory
@options.language
def command(
    photos: Path, out: Path, name: str | None, region: str | None, workers: int,
    memory_gib: float,
) -> None:
    """Run the survey and say where its report is."""
    from kilnsight.cli.run import run_survey
    from kilnsight.surveys.pipeline import Settings

    language = options.chosen_language()
    run_survey(photos, out, Settings(workers, memory_gib, language, name, region))
