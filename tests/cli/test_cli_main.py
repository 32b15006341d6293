"""Exit codes and sentences of the command line, and its progress."""

import errno
import os

import click
import pytest

from kilnsight.cli.console import SHARES, seconds_left, survey_progress
from kilnsight.cli.main import cli, run
from kilnsight.errors import InputError, NothingToDoError
from kilnsight.i18n import use_language
from kilnsight.surveys.stages import STAGES


@pytest.fixture(autouse=True)
def english():
    use_language("en")
    yield
    use_language("en")


@pytest.fixture
def failing(monkeypatch):
    """Makes `kilnsight check` raise an error."""

    def make(error):
        def command():
            raise error

        monkeypatch.setattr(
            type(cli), "get_command",
            lambda self, context, name: click.Command(name, callback=command),
        )

    return make


@pytest.mark.parametrize(("error", "code", "words"), [
    (InputError("No.", remedy="Yes.", file="a"), 1, "a: No. Yes."),
    (NothingToDoError("All done."), 3, "All done."),
    (KeyboardInterrupt(), 130, "Run the same command again"),
    (MemoryError(), 1, "--memory"),
    (OSError(errno.ENOSPC, "x", "/s"), 1, "/s: The system says: the disk is full. Free some"),
    (OSError(errno.EROFS, os.strerror(errno.EROFS), "/s"), 1, "Read-only file system. Give"),
    (PermissionError(errno.EACCES, "Permission denied", "/s"), 1, "read and write"),
    (OSError(errno.EBADF, "Bad file descriptor"), 70, "fault of Kilnsight"),
    (ZeroDivisionError("oh"), 70, "fault of Kilnsight"),
])
def test_failures_have_their_code_and_sentence(failing, capsys, monkeypatch, error, code, words):
    monkeypatch.setattr("signal.signal", lambda *arguments: None)
    failing(error)
    assert run(["check"]) == code
    said = capsys.readouterr().err
    assert words in said
    assert ("Traceback" in said) == (code == 70)


def test_usage_is_two(capsys):
    assert run(["survey"]) == 2
    assert run(["nonsense"]) == 2
    assert run(["survey", "a", "--out", "b", "--memory", "0.1"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_and_version_are_zero(capsys):
    assert run(["--help"]) == 0
    assert run(["survey", "--help"]) == 0
    assert run(["--version"]) == 0
    assert "kilnsight, version" in capsys.readouterr().out


def test_check_says_what_changed_by_its_exit_code(tmp_path, capsys):
    assert run(["check", str(tmp_path)]) == 1
    assert "manifest.json" in capsys.readouterr().err


def test_messages_come_in_chinese(tmp_path, capsys):
    assert run(["survey", str(tmp_path / "x"), "--out", str(tmp_path / "y"),
                "--language", "zh"]) == 1
    said = capsys.readouterr().err
    assert "请" in said and "Give" not in said


@pytest.mark.parametrize(("elapsed", "start", "now", "left"), [
    (10, 0.0, 0.5, 10), (10, 0.8, 0.9, 10), (10, 0.0, 1.0, 0), (5, 0.5, 0.501, None),
])
def test_time_left_counts_this_run_alone(elapsed, start, now, left):
    found = seconds_left(elapsed, start=start, now=now)
    assert found == (None if left is None else pytest.approx(left))


def test_shares_make_a_whole():
    assert list(SHARES) == list(STAGES)
    assert sum(SHARES.values()) == pytest.approx(1)


def test_lines_where_there_is_no_terminal(capsys):
    with survey_progress() as progress:
        progress("align", 1.0)
        for share in (0.0, 0.5, 0.99, 1.0):
            progress("surface", share)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["Measuring the surface...", "Measuring the surface: 0 s"]
