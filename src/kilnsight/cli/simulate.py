"""`kilnsight simulate`: the photos of a plant that does not exist, and the truth about it."""

from __future__ import annotations

from pathlib import Path

import click

from kilnsight.cli import options
from kilnsight.i18n import gettext as _


@click.command(
    "simulate", short_help=_("Photos of a plant that does not exist, with the truth."),
    help=_("Write the photos of a simulated flight to OUT/photos and the truth to OUT/truth."),
)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seed", type=int, required=True,
              help=_("Which plant: the same seed gives the same one."))
@click.option("--visit", type=click.IntRange(1, 2), default=1, show_default=True,
              help=_("Second visit: some problems are fixed, some not, some are new."))
@click.option("--photos", type=click.IntRange(4, 2000), default=60, show_default=True,
              help=_("Photos of the flight."))
@click.option("--width", type=click.IntRange(320, 5280), default=2000, show_default=True,
              help=_("Width of a photo in pixels."))
@options.workers
@options.language
def command(out: Path, seed: int, visit: int, photos: int, width: int, workers: int) -> None:
    """Write the flight."""
    from kilnsight.cli.run import run_simulate

    run_simulate(out, seed=seed, visit=visit, photos=photos, width=width, workers=workers)
