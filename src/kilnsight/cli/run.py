"""A survey as a command runs it: check the photos, show what is wrong, survey, say the result."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

import click

from kilnsight.cli.console import console, share_progress, show_table, survey_progress
from kilnsight.errors import NothingToDoError
from kilnsight.i18n import current_language
from kilnsight.i18n import gettext as _
from kilnsight.photos.check import check, ensure_usable, problems_table
from kilnsight.photos.folder import read_folder
from kilnsight.simulate.flight import simulate
from kilnsight.surveys.folder import SurveyFolder
from kilnsight.surveys.pipeline import Settings, survey


def run_survey(
    photos: Path, out: Path, *, name: str = "", workers: int, memory_gib: float
) -> SurveyFolder:
    """Survey the photos of a folder into `out`, with progress and result on the console."""
    with console.status(_("Reading the photos")):
        flight = read_folder(photos, workers=workers)
    problems = check(flight)
    if problems:
        show_table(problems_table(problems))
    ensure_usable(flight)
    console.print(_("{count} photos to use.", count=len(flight.photos)))
    settings = Settings(workers, memory_gib, current_language(), name)
    with survey_progress() as progress:
        folder = survey(flight, out, settings, progress=progress)
    counts = folder.read_survey()["findings"]
    total = sum(counts.values())
    listed = ", ".join(f"{code} × {n}" for code, n in counts.items()) or "–"
    console.print(_("{total} suspected problems: {listed}", total=total, listed=listed))
    click.echo(_("Report: {path}", path=folder.report_html.resolve()))
    return folder


def run_simulate(
    out: Path, *, seed: int, visit: int, photos: int, width: int, workers: int
) -> None:
    """Write a simulated flight, with progress on the console."""
    with share_progress(_("Simulating a flight")) as progress:
        simulate(out, seed=seed, visit=visit, photos=photos, width=width, workers=workers,
                 progress=progress)
    click.echo(_("Photos: {photos}; the truth: {truth}",
                 photos=(out / "photos").resolve(), truth=(out / "truth").resolve()))


def run_demo(out: Path, *, seed: int, show: bool, workers: int, memory_gib: float) -> None:
    """Simulate a flight, survey it and open the report; what is there already is kept."""
    flight = out / f"flight-{seed}"
    if not (flight / "truth" / "findings.geojson").exists():
        run_simulate(flight, seed=seed, visit=1, photos=60, width=2000, workers=workers)
    folder = SurveyFolder(out / f"survey-{seed}")
    try:
        run_survey(flight / "photos", folder.root, name=_("Simulated plant {seed}", seed=seed),
                   workers=workers, memory_gib=memory_gib)
    except NothingToDoError:
        click.echo(_("Report: {path}", path=folder.report_html.resolve()))
    if show and console.is_terminal and has_screen():
        webbrowser.open(folder.report_html.resolve().as_uri())


def has_screen() -> bool:
    """Whether a browser window can be shown."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
