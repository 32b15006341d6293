"""A survey as a command runs it: check the photos, show what is wrong, survey, say the result."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

import click

from kilnsight.cli.console import console, count_progress, say, show_table, survey_progress
from kilnsight.errors import NothingToDoError
from kilnsight.i18n import current_language
from kilnsight.i18n import gettext as _
from kilnsight.photos.check import Severity, check, ensure_usable, problems_table
from kilnsight.photos.folder import Flight, read_folder
from kilnsight.simulate.flight import simulate
from kilnsight.surveys.folder import SurveyFolder
from kilnsight.surveys.pipeline import Settings, survey
from kilnsight.surveys.target import check_target


def run_survey(photos: Path, out: Path, settings: Settings) -> SurveyFolder:
    """Survey the photos of a folder into `out`, with progress and result on the console."""
    check_target(photos, out)
    with count_progress(_("Reading the photos"), transient=True) as count:
        flight = read_folder(photos, workers=settings.workers, progress=count)
    _show_problems(flight)
    ensure_usable(flight)
    say(_("{count} photos to use.", count=len(flight.photos)))
    try:
        with survey_progress() as progress:
            folder = survey(flight, out, settings, progress=progress, notice=say)
    except NothingToDoError:
        _say_report(SurveyFolder(out))
        raise
    _show_result(folder)
    return folder


def _show_problems(flight: Flight) -> None:
    """Table of what is wrong with the photos; an error that stops the work is said afterwards."""
    problems = check(flight)
    if problems and problems[0].severity is Severity.ERROR:
        problems = problems[1:]
    if problems:
        show_table(problems_table(problems))


def _show_result(folder: SurveyFolder) -> None:
    """What is doubtful about the map, how many problems were found, and where the report is."""
    language = current_language()
    for warning in folder.read_quality().get("warnings", []):
        say(_("Mind: {text}", text=warning["text"][language]))
    counts = folder.read_survey()["findings"]
    listed = ", ".join(f"{code} × {n}" for code, n in counts.items()) or "–"
    say(_("{total} suspected problems: {listed}", total=sum(counts.values()), listed=listed))
    _say_report(folder)


def _say_report(folder: SurveyFolder) -> None:
    click.echo(_("Report: {path}", path=folder.report_html.resolve()))


def run_simulate(
    out: Path, *, seed: int, visit: int, photos: int, width: int, workers: int
) -> None:
    """Write a simulated flight, with progress on the console."""
    with count_progress(_("Simulating a flight")) as progress:
        simulate(out, seed=seed, visit=visit, photos=photos, width=width, workers=workers,
                 progress=progress)
    click.echo(_("Photos: {photos}; the truth: {truth}",
                 photos=(out / "photos").resolve(), truth=(out / "truth").resolve()))


def run_demo(out: Path, settings: Settings, *, seed: int, show: bool) -> None:
    """Simulate a flight, survey it and open the report; what is there already is kept."""
    flight, folder = out / f"flight-{seed}", SurveyFolder(out / f"survey-{seed}")
    # The file with the truth about the scene is written last.
    if not (flight / "truth" / "scene.json").exists():
        run_simulate(flight, seed=seed, visit=1, photos=60, width=2000, workers=settings.workers)
    try:
        run_survey(flight / "photos", folder.root, settings)
    except NothingToDoError as done:
        say(str(done))
    if show and console.is_terminal and has_screen():
        webbrowser.open(folder.report_html.resolve().as_uri())


def has_screen() -> bool:
    """Whether a browser window can be shown."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
