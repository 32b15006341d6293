"""The stages of a survey on disk: which are done, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kilnsight import __version__
from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.surveys.folder import write_json

STAGES = ("align", "surface", "ortho", "findings", "report")
"""Stages in their order; each needs the ones before it."""


class Ledger:
    """Finished stages of one survey, kept in a file.

    `photos` and `settings` are hashes of what the stages were made from: with others, or with
    another version of the program, nothing is finished. `words` are what only later stages
    depend on: the region whose rules apply, and the report's language and name; one given as None
    stays as it was.
    """

    def __init__(
        self, path: Path, *, photos: str, settings: str, words: Mapping[str, str | None]
    ) -> None:
        self._path = path
        self._inputs = {"version": __version__, "photos": photos, "settings": settings}
        stored = _read(path)
        before = _strings(stored.get("words"))
        self.words = {name: word or before.get(name, "") for name, word in words.items()}
        self.known = "photos" in stored
        """Whether an earlier run left a ledger."""
        self.differs = tuple(k for k, v in self._inputs.items() if stored.get(k) != v)
        """What is not as it was in the earlier run: `version`, `photos`, `settings`."""
        self._seconds: dict[str, float] = {}
        if not self.differs:
            self._seconds = _seconds(stored.get("seconds"))
            for name in (n for n, word in self.words.items() if before.get(n, "") != word):
                self.forget("findings" if name == "region" else "report")

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds each finished stage took, in their order."""
        return {name: self._seconds[name] for name in STAGES if name in self._seconds}

    def done(self, stage: str) -> bool:
        """Whether a stage and all before it are finished."""
        return all(name in self._seconds for name in STAGES[: STAGES.index(stage) + 1])

    def finish(self, stage: str, seconds: float) -> None:
        """Note on disk that a stage is finished; what comes after it has to be done again."""
        self.forget(stage)
        self._seconds[stage] = round(seconds, 1)
        self.save()

    def forget(self, stage: str) -> None:
        """Take a stage and all after it for not finished."""
        kept = STAGES[: STAGES.index(stage)]
        self._seconds = {name: s for name, s in self._seconds.items() if name in kept}

    def save(self) -> None:
        """Write the ledger to its file."""
        write_json(self._path, {**self._inputs, "words": self.words, "seconds": self._seconds})


def fingerprint(values: Mapping[str, Any]) -> str:
    """Hash that stands for values by name, whatever their order."""
    text = json.dumps(dict(sorted(values.items())))
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """What a ledger's file holds; nothing where it is missing or damaged."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _strings(value: Any) -> dict[str, str]:
    """The texts of a dictionary."""
    items = value.items() if isinstance(value, dict) else ()
    return {str(k): v for k, v in items if isinstance(v, str)}


def _seconds(value: Any) -> dict[str, float]:
    """The numbers of a dictionary that belong to stages."""
    items = value.items() if isinstance(value, dict) else ()
    return {k: float(v) for k, v in items if k in STAGES and isinstance(v, int | float)}


@contextmanager
def only_one(work: Path) -> Iterator[None]:
    """Hold a survey's working folder, made where it is missing.

    Raises `InputError` while another process holds it and where nothing can be written there.
    """
    import fcntl

    handle = _open_lock(work)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                _("Another run is working on this survey."),
                remedy=_("Wait until it has ended, or give another folder with --out."),
                file=work.parent,
            ) from error
        yield
    finally:
        os.close(handle)


def _open_lock(work: Path) -> int:
    """Handle of the lock's file."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        return os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(
            _("No survey can be written here: {reason}.", reason=error.strerror or str(error)),
            remedy=_("Give a folder that can be written with --out."), file=work.parent,
        ) from error
