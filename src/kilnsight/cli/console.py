"""What a command shows while it works: one bar with the time left, or a line a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from kilnsight.i18n import current_language
from kilnsight.i18n import gettext as _
from kilnsight.surveys.pipeline import Progress as Report
from kilnsight.surveys.stages import STAGES

console = Console(stderr=True, highlight=False)

SHARES = {"align": 0.36, "surface": 0.26, "ortho": 0.23, "findings": 0.08, "report": 0.07}
"""Share of a survey's time that each stage takes, measured on 12 to 75 photos."""
TELLING = 0.02
"""Share of the work after which the time left is told: before, it would be a guess."""


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


def say(text: str) -> None:
    """Print a sentence above the progress; names in it may hold brackets."""
    console.print(text, markup=False, soft_wrap=True)


def show_table(table: Table) -> None:
    """Print a table."""
    console.print(table)


def seconds_left(elapsed: float, *, start: float, now: float) -> float | None:
    """Seconds of work left when the share of it went from `start` to `now` in `elapsed` seconds.

    None while too little was done to tell.

    >>> seconds_left(30, start=0.5, now=0.75)
    30.0
    """
    return elapsed * (1 - now) / (now - start) if now - start >= TELLING else None


class _TimeLeft(ProgressColumn):
    """Time left, told by what this run has done itself."""

    def __init__(self) -> None:
        super().__init__()
        # The bar is drawn by a thread, which does not know the language in use.
        self._language = current_language()

    def render(self, task: Task) -> Text:
        """The time left of a task whose field `begun` is the share done by earlier runs."""
        left = seconds_left(
            task.elapsed or 0.0, start=float(task.fields["begun"]), now=task.completed
        )
        if left is None:
            return Text("")
        minutes, seconds = divmod(round(left), 60)
        text = _("{time} left", self._language, time=f"{minutes}:{seconds:02d}")
        return Text(text, style="cyan")


def _bar(*, transient: bool = False) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        _TimeLeft(), console=console, transient=transient, disable=not console.is_terminal,
    )


def survey_progress() -> AbstractContextManager[Report]:
    """Progress of a survey: a bar on a terminal, lines elsewhere."""
    return _survey_bar() if console.is_terminal else _survey_lines()


@contextmanager
def _survey_bar() -> Iterator[Report]:
    with _bar() as bar:
        task = bar.add_task("", total=1.0, begun=0.0)

        def show(stage: str, share: float) -> None:
            now = sum(SHARES[s] for s in STAGES[: STAGES.index(stage)]) + share * SHARES[stage]
            if not bar.tasks[0].description:
                bar.update(task, begun=now)
            bar.update(task, description=stage_name(stage), completed=now)

        yield show


@contextmanager
def _survey_lines() -> Iterator[Report]:
    started: dict[str, float] = {}

    def line(stage: str, share: float) -> None:
        if share == 0.0:
            started[stage] = time.monotonic()
            say(_("{stage}...", stage=stage_name(stage)))
        elif share == 1.0 and stage in started:
            seconds = time.monotonic() - started.pop(stage)
            say(_("{stage}: {seconds:.0f} s", stage=stage_name(stage), seconds=seconds))

    yield line


@contextmanager
def count_progress(title: str, *, transient: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Progress of one piece of work, told as how many of how many are done."""
    with _bar(transient=transient) as bar:
        task = bar.add_task(title, total=1.0, begun=0.0)
        yield lambda done, total: bar.update(task, completed=done / total)
