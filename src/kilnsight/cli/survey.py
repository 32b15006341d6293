"""`kilnsight survey`: photos in, findings out."""

from __future__ import annotations

from pathlib import Path

import click

from kilnsight.cli import options


@click.command("survey", short_help="Photos in, findings out.")
@click.argument("photos", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="SURVEY",
              help="Folder of the survey, new or to go on with.")
@click.option("--name", default="", help="Name of the plant or survey, for the report.")
@options.workers
@options.memory
@options.language
def command(photos: Path, out: Path, name: str, workers: int, memory_gib: float) -> None:
    """Turn the drone photos in the folder PHOTOS into a survey folder.

    A run that was stopped goes on from its last finished stage when started again.
    """
    from kilnsight.cli.run import run_survey

    run_survey(photos, out, name=name, workers=workers, memory_gib=memory_gib)
