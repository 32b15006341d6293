"""The survey folder as an object: where each part lies, and readers that say what is wrong."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _

Json = dict[str, Any]


@dataclass(frozen=True)
class SurveyFolder:
    """A survey on disk as docs/survey-folder.md lays it out; a part is read when asked for.

    >>> SurveyFolder(Path("survey")).ortho.as_posix()
    'survey/map/ortho.tif'
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> SurveyFolder:
        """Survey folder at `root`; InputError where there is none."""
        folder = cls(Path(root))
        if not folder.survey_json.is_file():
            raise InputError(
                _("This is not a survey folder: it has no survey.json."),
                remedy=_("Name the folder that `kilnsight survey` wrote."), file=root,
            )
        return folder

    @property
    def survey_json(self) -> Path:
        """What was surveyed, when and with what."""
        return self.root / "survey.json"

    @property
    def photos_json(self) -> Path:
        """A feature a photo, WGS 84."""
        return self.root / "photos.geojson"

    @property
    def findings_json(self) -> Path:
        """A feature a finding, WGS 84."""
        return self.root / "findings.geojson"

    @property
    def findings_gpkg(self) -> Path:
        """The findings in the map's own CRS."""
        return self.root / "findings.gpkg"

    @property
    def ortho(self) -> Path:
        """Orthomosaic, RGB with an internal mask."""
        return self.root / "map" / "ortho.tif"

    @property
    def dsm(self) -> Path:
        """Surface model, float32 metres, NaN where nothing is known."""
        return self.root / "map" / "dsm.tif"

    @property
    def dsm_spread(self) -> Path:
        """Standard deviation of the surface model's cells, float32 metres."""
        return self.root / "map" / "dsm_spread.tif"

    @property
    def cameras_json(self) -> Path:
        """Lens and pose of each aligned photo."""
        return self.root / "map" / "cameras.json"

    @property
    def quality_json(self) -> Path:
        """How good the map is, with warnings."""
        return self.root / "map" / "quality.json"

    @property
    def evidence(self) -> Path:
        """Folder with a folder of crops for each finding."""
        return self.root / "evidence"

    @property
    def stac(self) -> Path:
        """Folder of the static STAC catalogue."""
        return self.root / "stac"

    @property
    def report_html(self) -> Path:
        """The report as a web page."""
        return self.root / "report.html"

    @property
    def report_assets(self) -> Path:
        """Folder of the pictures that the web page shows."""
        return self.root / "report"

    @property
    def report_pdf(self) -> Path:
        """The report as a PDF."""
        return self.root / "report.pdf"

    @property
    def manifest(self) -> Path:
        """Hashes of every file."""
        return self.root / "manifest.json"

    @property
    def work(self) -> Path:
        """What lets an interrupted run go on; not part of the survey."""
        return self.root / ".work"

    def read_survey(self) -> Json:
        """Contents of survey.json."""
        return read_json(self.survey_json)

    def read_quality(self) -> Json:
        """Contents of map/quality.json; empty where the map has none."""
        return read_json(self.quality_json) if self.quality_json.is_file() else {}

    def read_photos(self) -> list[Json]:
        """Features of photos.geojson, in WGS 84."""
        return read_features(self.photos_json)

    def read_findings(self) -> list[Json]:
        """Features of findings.geojson, in WGS 84, in the order of the file."""
        return read_features(self.findings_json)

    def inside(self, name: str) -> Path | None:
        """File of this survey that a relative `name` from its data means; None where it has none.

        Data may come from others, so a name that leads out of the folder is no name.
        """
        root = self.root.resolve()
        try:
            path = (root / name).resolve()
            return path if path.is_relative_to(root) and path.is_file() else None
        except (OSError, ValueError):
            return None


def read_json(path: Path) -> Json:
    """Object in a JSON file; InputError where the file is missing or broken."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(
            _("The file is missing."), remedy=_("Run `kilnsight survey` again."), file=path
        ) from None
    except (ValueError, RecursionError) as error:
        raise _broken(path, str(error)) from error
    if not isinstance(value, dict):
        raise _broken(path, _("it holds no object"))
    return value


def read_features(path: Path) -> list[Json]:
    """Features of a GeoJSON file, each with a dictionary of properties."""
    features = read_json(path).get("features")
    if not isinstance(features, list):
        raise _broken(path, _("it has no list of features"))
    for feature in features:
        if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
            raise _broken(path, _("a feature has no properties"))
    return features


def write_json(path: Path, value: Any) -> Path:
    """Write `value` as JSON (UTF-8, indented); the file is there whole or not at all."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    return write_bytes(path, text.encode() + b"\n")


def write_bytes(path: Path, data: bytes) -> Path:
    """Write `data`; the file is there whole or not at all, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name: what a killed run leaves behind, the next one replaces.
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


def as_complete(survey_json: bytes) -> bytes:
    """Contents of survey.json as they are once the run has ended: the same, but complete."""
    return survey_json.replace(b'"complete": false', b'"complete": true', 1)


def _broken(path: Path, reason: str) -> InputError:
    return InputError(
        _("The file cannot be read: {reason}.", reason=reason.rstrip(".")),
        remedy=_("Restore it from a copy or run `kilnsight survey` again."), file=path,
    )
