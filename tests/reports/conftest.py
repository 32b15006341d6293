"""Survey folders with their reports, made once for all tests of this folder."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from survey_maker import make_survey

from kilnsight.reports.html import write_report


def reported(factory, name, **options):
    survey = make_survey(factory.mktemp(name) / "survey", **options)
    write_report(survey, language="en")
    return survey


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    """Survey with three findings and its report."""
    return reported(tmp_path_factory, "full")


@pytest.fixture(scope="session")
def empty_survey(tmp_path_factory):
    """Survey without findings and its report."""
    return reported(tmp_path_factory, "empty", findings=False)


@pytest.fixture(scope="session")
def hostile_survey(tmp_path_factory):
    """Survey whose names try to break out of the page, and its report."""
    return reported(tmp_path_factory, "hostile", hostile=True)
