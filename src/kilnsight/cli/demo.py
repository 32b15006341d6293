"""`kilnsight demo`: the five-minute proof, with nothing but the program."""

from __future__ import annotations

from pathlib import Path

import click

from kilnsight.cli import options


@click.command("demo", short_help="Simulate a flight, survey it, open the report.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True,
              help="Folder for the simulated flight and its survey.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which plant.")
@click.option("--open/--no-open", "show", default=True, show_default=True,
              help="Open the report in a browser where there is a screen.")
@options.workers
@options.memory
@options.language
def command(out: Path, seed: int, show: bool, workers: int, memory_gib: float) -> None:
    """Simulate a drone flight over a cement plant, survey it and open the report."""
    from kilnsight.cli.run import run_demo

    run_demo(out, seed=seed, show=show, workers=workers, memory_gib=memory_gib)
