"""What can go wrong through no fault of the program, each with a remedy and an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class KilnsightError(Exception):
    """The root of every error this package raises on purpose."""

    exit_code = 70


class InputError(KilnsightError, ValueError):
    """The input is at fault: says what is wrong, with which file, and what to do about it."""

    exit_code = 1

    def __init__(self, problem: str, *, remedy: str, file: Path | str | None = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.file = None if file is None else Path(file)
        super().__init__(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker's error reaches its parent pickled, and keywords get lost without this.
        return _rebuild, (type(self), self.problem, self.remedy, self.file)

    def __str__(self) -> str:
        place = f"{self.file}: " if self.file is not None else ""
        return f"{place}{self.problem} {self.remedy}"


def _rebuild(kind: type[InputError], problem: str, remedy: str, file: Path | None) -> InputError:
    return kind(problem, remedy=remedy, file=file)


class NothingToDoError(KilnsightError):
    """There is nothing to do: what was asked for is there already."""

    exit_code = 3
