"""The stages of a survey on disk: which are done, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.surveys.folder import write_json

STAGES = ("align", "surface", "ortho", "findings", "report")
"""Stages in their order; each needs the ones before it."""


class Ledger:
    """Finished stages of one survey, kept in a file.

    `fingerprint` stands for the photos and the parameters: with another one, nothing is finished.
    """

    def __init__(self, path: Path, *, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._seconds: dict[str, float] = {}
        stored = _read(path)
        self.known = stored.get("fingerprint") is not None
        self.same = stored.get("fingerprint") == fingerprint
        if self.same:
            self._seconds = dict(stored.get("seconds", {}))

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds each finished stage took, in their order."""
        return {name: self._seconds[name] for name in STAGES if name in self._seconds}

    def done(self, stage: str) -> bool:
        """Whether a stage and all before it are finished."""
        return all(name in self._seconds for name in STAGES[: STAGES.index(stage) + 1])

    def finish(self, stage: str, seconds: float) -> None:
        """Note that a stage is finished; what comes after it has to be done again."""
        kept = STAGES[: STAGES.index(stage)]
        self._seconds = {name: s for name, s in self._seconds.items() if name in kept}
        self._seconds[stage] = round(seconds, 1)
        write_json(self._path, {"fingerprint": self._fingerprint, "seconds": self._seconds})


def fingerprint(photos: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """Hash that stands for photos (name to sha256) and parameters."""
    text = json.dumps([dict(sorted(photos.items())), dict(sorted(parameters.items()))])
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """What a ledger's file holds; nothing where it is missing or damaged."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


@contextmanager
def only_one(work: Path) -> Iterator[None]:
    """Hold a survey's working folder; raises `InputError` while another process holds it."""
    import fcntl

    work.mkdir(parents=True, exist_ok=True)
    handle = os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o644)
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
