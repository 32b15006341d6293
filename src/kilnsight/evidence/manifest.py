"""The manifest of a survey: a hash of every file, chained, and the check that nothing changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kilnsight import __version__
from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _
from kilnsight.surveys.folder import SurveyFolder, as_complete, read_features, write_bytes

MANIFEST = "manifest.json"
IGNORED = frozenset({".work"})
"""Top-level names that are no part of the survey."""

REPORT = frozenset({"report", "report.html", "report.pdf"})
"""Top-level names that are made from the survey and so cannot hold a hash of themselves."""

ALGORITHM = "sha256"
FIRST_CHAIN = "0" * 64
_KEYS = ["kilnsight", "created", "algorithm", "files", "photos", "head", "seal"]
_FILE_KEYS = ["path", "bytes", "sha256", "chain"]
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file of a survey: relative path with `/`, size in bytes, SHA-256 in hex, chain in hex."""

    path: str
    bytes: int
    sha256: str
    chain: str

    def as_dict(self) -> dict[str, Any]:
        """The entry as the manifest holds it."""
        return {key: getattr(self, key) for key in _FILE_KEYS}


@dataclass(frozen=True)
class Fault:
    """One thing that is not as the manifest says.

    `kind` is `changed`, `missing`, `extra`, `chain`, `head`, `seal` or `manifest`; `path` is
    relative to the survey; `text` says it in a sentence, in the reader's language.
    """

    kind: str
    path: str
    text: str

    def __str__(self) -> str:
        return self.text


def write_manifest(survey: Path) -> Path:
    """Write `manifest.json` over every file of the survey and give back its path.

    Raises InputError where the folder holds something that cannot be vouched for: a link, a
    device, a name that is not UTF-8.
    """
    folder = SurveyFolder.open(survey)
    entries = _chained(folder.root, skip=IGNORED)
    photos = _photo_hashes(folder)
    manifest: dict[str, Any] = {
        "kilnsight": __version__,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "algorithm": ALGORITHM,
        "files": [entry.as_dict() for entry in entries],
        "photos": photos,
        "head": head_of(entries, photos),
    }
    manifest["seal"] = _seal(manifest)
    return write_bytes(folder.manifest, _canonical(manifest))


def check(survey: Path) -> list[Fault]:
    """Everything in the survey that is not as its manifest says; empty when all of it is.

    Hashes every file again. Raises InputError where there is no manifest to check against.
    """
    folder = SurveyFolder(Path(survey))
    if not folder.manifest.is_file():
        raise InputError(
            _("The survey has no manifest.json, so nothing can be checked."),
            remedy=_("Name a survey folder that `kilnsight survey` finished."), file=survey,
        )
    manifest, faults = _read_manifest(folder.manifest)
    if manifest is None:
        return faults
    faults += _file_faults(folder.root, manifest)
    faults += _chain_faults(manifest)
    return sorted(faults, key=lambda fault: (fault.path, fault.kind))


def fingerprint(survey: Path) -> str:
    """Chain over the data files of a survey: all but the manifest, the report and `.work`.

    The report prints it, since it cannot print the head of a manifest that covers the report. As
    the report is made before the survey is complete, survey.json counts as it will be then.
    """
    entries = _chained(Path(survey), skip=IGNORED | REPORT, completed=True)
    return entries[-1].chain if entries else FIRST_CHAIN


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def completed_survey(survey_json: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 in hex of survey.json as it is once the survey is complete."""
    data = as_complete(survey_json.read_bytes())
    return len(data), hashlib.sha256(data).hexdigest()


def chain_of(previous: str, path: str, size: int, sha256: str) -> str:
    """Next link of the chain, in hex: SHA-256 of previous chain, path, size and hash."""
    return hashlib.sha256(f"{previous}{path}\n{size}\n{sha256}".encode()).hexdigest()


def head_of(entries: Iterable[Entry], photos: Iterable[dict[str, str]]) -> str:
    """Head of a manifest, in hex: SHA-256 of the last chain followed by the photos' hashes."""
    last = FIRST_CHAIN
    for entry in entries:
        last = entry.chain
    return hashlib.sha256((last + "".join(p["sha256"] for p in photos)).encode()).hexdigest()


def _seal(manifest: dict[str, Any]) -> str:
    """SHA-256 over the whole manifest but the seal, so that date and names cannot change either."""
    rest = {key: value for key, value in manifest.items() if key != "seal"}
    return hashlib.sha256(_canonical(rest)).hexdigest()


def _canonical(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n"


def _chained(root: Path, *, skip: frozenset[str], completed: bool = False) -> list[Entry]:
    entries: list[Entry] = []
    chain = FIRST_CHAIN
    for name in sorted(_names(root, skip=skip)):
        path = root / name
        if _readable(name) != name:
            raise InputError(
                _("The file name {name} is not valid UTF-8.", name=_readable(name)),
                remedy=_("Rename the file."), file=root,
            )
        if path.is_symlink() or not path.is_file():
            raise InputError(
                _("A survey may hold files and folders only, and this is neither."),
                remedy=_("Take it out of the folder."), file=path,
            )
        size, digest = path.stat().st_size, sha256_of(path)
        if completed and name == "survey.json":
            size, digest = completed_survey(path)
        chain = chain_of(chain, name, size, digest)
        entries.append(Entry(name, size, digest, chain))
    return entries


def _names(root: Path, *, skip: frozenset[str]) -> Iterator[str]:
    """Relative paths with `/` of everything under `root` that is no folder, links included."""
    for folder, subfolders, files in os.walk(root, onerror=_refuse_closed):
        base = Path(folder)
        links = [name for name in subfolders if (base / name).is_symlink()]
        top = base == root
        subfolders[:] = [n for n in subfolders if n not in links and not (top and n in skip)]
        for name in files + links:
            if top and (name in skip or name == MANIFEST):
                continue
            yield (base / name).relative_to(root).as_posix()


def _refuse_closed(error: OSError) -> None:
    """Raise for a folder that cannot be read: what it holds must not be left out unsaid."""
    raise InputError(
        _("The folder cannot be read: {reason}.", reason=error.strerror or str(error)),
        remedy=_("Check the permissions of the folder and the disk."), file=error.filename,
    ) from error


def _readable(name: str) -> str:
    """Name with what is not UTF-8 replaced, so that it can be printed."""
    return name.encode(errors="replace").decode()


def _photo_hashes(folder: SurveyFolder) -> list[dict[str, str]]:
    if not folder.photos_json.is_file():
        return []
    found = (feature["properties"] for feature in read_features(folder.photos_json))
    return [
        {"name": str(photo.get("name", "")), "sha256": str(photo.get("sha256") or "")}
        for photo in found
    ]


def _read_manifest(path: Path) -> tuple[dict[str, Any] | None, list[Fault]]:
    """The manifest where it can be understood, and what is wrong with the file itself."""
    data = path.read_bytes()
    try:
        manifest = json.loads(data.decode())
        layout = _canonical(manifest) if _well_formed(manifest) else None
    except (ValueError, RecursionError):
        layout = None
    if layout is None:
        text = _("manifest.json cannot be read as a manifest: it was changed or damaged.")
        return None, [Fault("manifest", MANIFEST, text)]
    if layout != data:
        text = _("manifest.json was written by another hand: its layout is not the program's.")
        return manifest, [Fault("manifest", MANIFEST, text)]
    return manifest, []


def _well_formed(manifest: Any) -> bool:
    return (
        isinstance(manifest, dict)
        and list(manifest) == _KEYS
        and manifest["algorithm"] == ALGORITHM
        and all(isinstance(manifest[key], str) for key in ("kilnsight", "created", "head", "seal"))
        and isinstance(manifest["files"], list)
        and isinstance(manifest["photos"], list)
        and all(map(_is_file_entry, manifest["files"]))
        and all(map(_is_photo_entry, manifest["photos"]))
    )


def _is_file_entry(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and list(item) == _FILE_KEYS
        and type(item["bytes"]) is int
        and all(isinstance(item[key], str) for key in ("path", "sha256", "chain"))
    )


def _is_photo_entry(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and list(item) == ["name", "sha256"]
        and all(isinstance(value, str) for value in item.values())
    )


def _file_faults(root: Path, manifest: dict[str, Any]) -> list[Fault]:
    listed = {item["path"]: item for item in manifest["files"]}
    present = set(_names(root, skip=IGNORED))
    faults = [
        Fault("extra", name, _("{path} is in the folder but not in the manifest.", path=name))
        for name in map(_readable, present - listed.keys())
    ]
    for name, item in listed.items():
        if name not in present:
            text = _("{path} is missing.", path=name)
            faults.append(Fault("missing", name, text))
        elif not _same(root / name, item):
            text = _("{path} was changed after the survey was finished.", path=name)
            faults.append(Fault("changed", name, text))
    return faults


def _same(path: Path, item: dict[str, Any]) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    return bool(path.stat().st_size == item["bytes"] and sha256_of(path) == item["sha256"])


def _chain_faults(manifest: dict[str, Any]) -> list[Fault]:
    faults = []
    entries = [Entry(**item) for item in manifest["files"]]
    previous = FIRST_CHAIN
    names = [entry.path for entry in entries]
    if names != sorted(set(names)):
        text = _("The files in manifest.json are out of order or listed twice.")
        faults.append(Fault("chain", MANIFEST, text))
    for entry in entries:
        if entry.chain != chain_of(previous, entry.path, entry.bytes, entry.sha256):
            text = _("The chain of manifest.json is broken at {path}.", path=entry.path)
            faults.append(Fault("chain", MANIFEST, text))
        previous = entry.chain
    if manifest["head"] != head_of(entries, manifest["photos"]):
        text = _("The head of manifest.json does not belong to its files and photos.")
        faults.append(Fault("head", MANIFEST, text))
    if manifest["seal"] != _seal(manifest):
        text = _("The seal of manifest.json does not belong to its contents.")
        faults.append(Fault("seal", MANIFEST, text))
    return faults
