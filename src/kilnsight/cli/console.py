"""What a command shows while it works: one bar with the time left, or a line a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from kilnsight.i18n import gettext as _
from kilnsight.surveys.pipeline import Progress as Report

console = Console(stderr=True, highlight=False)

SHARES = {"align": 0.34, "surface": 0.28, "ortho": 0.2, "findings": 0.1, "report": 0.08}
"""Share of a survey's time that each stage takes, measured on 75 photos."""


def stage_name(stage: str) -> str:
    """Name of a stage in the language in use."""
    names = {
        "align": _("Placing the photos"),
        "surface": _("Measuring the surface"),
        "ortho": _("Painting the orthomosaic"),
        "findings": _("Looking for problems"),
        "report": _("Writing the report"),
    }
    return names[stage]


@contextmanager
def survey_progress() -> Iterator[Report]:
    """Progress of a survey: a bar on a terminal, lines elsewhere."""
    if console.is_terminal:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TimeElapsedColumn(), TextColumn("/"), TimeRemainingColumn(), console=console,
            speed_estimate_period=120,
        ) as bar:
            task = bar.add_task("", total=1.0)

            def show(stage: str, share: float) -> None:
                before = sum(v for k, v in SHARES.items() if _before(k, stage))
                bar.update(task, description=stage_name(stage),
                           completed=before + share * SHARES[stage])

            yield show
        return
    started: dict[str, float] = {}

    def line(stage: str, share: float) -> None:
        if share == 0.0:
            started[stage] = time.monotonic()
            console.print(_("{stage}...", stage=stage_name(stage)))
        elif share == 1.0 and stage in started:
            seconds = time.monotonic() - started.pop(stage)
            console.print(_("{stage}: {seconds:.0f} s", stage=stage_name(stage), seconds=seconds))

    yield line


@contextmanager
def share_progress(title: str) -> Iterator[Callable[[float], None]]:
    """Progress of one piece of work, told as a share from 0 to 1."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TimeRemainingColumn(), console=console, disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _before(stage: str, other: str) -> bool:
    order = list(SHARES)
    return order.index(stage) < order.index(other)


def show_table(table: Table | None) -> None:
    """Print a table, unless there is none."""
    if table is not None:
        console.print(table)
