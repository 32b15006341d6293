"""`kilnsight demo`: the five-minute proof, with nothing but the program."""

from __future__ import annotations

from pathlib import Path

import click

from kilnsight.cli import options
from kilnsight.i18n import gettext as _

REGION = "CN-32"
"""Where simulated plants stand: in Jiangsu."""


@click.command(
    "demo", short_help=_("Simulate a flight, survey it, open the report."),
    help=_("Simulate a drone flight over a cement plant, survey it and open the report."),
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True,
              help=_("Folder for the simulated flight and its survey."))
@click.option("--seed", type=int, default=1, show_default=True,
              help=_("Which plant: the same seed gives the same one."))
@click.option("--open/--no-open", "show", default=True, show_default=True,
              help=_("Open the report in a browser where there is a screen."))
@options.workers
@options.memory
@options.language
def command(out: Path, seed: int, show: bool, workers: int, memory_gib: float) -> None:
    """Run the demo."""
    from kilnsight.cli.run import run_demo
    from kilnsight.surveys.pipeline import Settings

    settings = Settings(
        workers, memory_gib, options.chosen_language(), _("Simulated plant {seed}", seed=seed),
        region=REGION,
    )
    run_demo(out, settings, seed=seed, show=show)
