"""Evidence: crops of the original photos that show a finding, its outline drawn into them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kilnsight import __version__
from kilnsight.errors import InputError
from kilnsight.findings.finding import Evidence, Finding
from kilnsight.findings.sight import Showing, Sight, best_showings
from kilnsight.findings.site import SiteMap
from kilnsight.i18n import gettext as _

Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]
Progress = Callable[[float], None]

CROP_SIDE = 1200
"""Longest side of a crop in pixels."""
MARGIN = 0.18
"""Surroundings shown around the outline, share of its longer side."""
MIN_MARGIN_PX = 60
"""Surroundings shown at least, pixels of the photo."""
BLURRED = 0.35
"""Sharpness below this share of the best candidate's keeps a photo out."""
PART = ".part"
"""What the name of a file ends in while it is being written."""
BRIGHT, DARK = (60, 255, 255), (20, 20, 20)
"""Colours of the outline, BGR: one of the two stands out on any ground."""


def attach_evidence(
    findings: Sequence[Finding], site: SiteMap, photos: Path | str, survey: Path | str, *,
    count: int = 4, progress: Progress | None = None,
) -> list[Finding]:
    """The findings with their evidence: crops and evidence.json are written into the survey.

    `photos` is the folder of the original photos, `count` the most crops a finding gets. Crops
    of an earlier run are replaced. Raises InputError where a photo cannot be read, or a finding's
    folder is a link.
    """
    photos, survey = Path(photos), Path(survey)
    views = list(site.views.values())
    _clear(survey / "evidence", {form for v in views for form in _forms(v.name)})
    if not views or not findings:
        return list(findings)
    sight, sharp = Sight(site), _Sharpness(photos)
    chosen = {}
    for done, finding in enumerate(findings, start=1):
        showings = best_showings(sight, finding.polygon, views, count=count + 2)
        chosen[finding.id] = sharp.best(showings, count=count)
        if progress:
            progress(0.5 * done / len(findings))
    names = crop_names(view.name for view in views)
    crops = _draw_crops(chosen, photos, survey, names=names, progress=progress)
    attached = [replace(f, evidence=tuple(crops[f.id])) for f in findings]
    for finding in attached:
        _write_list(finding, survey)
    return attached


class _Sharpness:
    """Sharpness of photos, each read once at half size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, float] = {}

    def of(self, name: str) -> float:
        """Variance of the Laplacian over the picture's contrast; larger is sharper."""
        if name not in self.known:
            grey = _read(self.folder / name, cv2.IMREAD_REDUCED_GRAYSCALE_2)
            edges = cv2.Laplacian(grey, cv2.CV_32F)
            self.known[name] = float(edges.var() / max(float(grey.std()), 1.0) ** 2)
        return self.known[name]

    def best(self, showings: list[Showing], *, count: int) -> list[Showing]:
        """The first `count` showings whose photo is not blurred beside the others."""
        values = [self.of(s.view.name) for s in showings]
        limit = BLURRED * max(values, default=0.0)
        return [s for s, v in zip(showings, values, strict=True) if v >= limit][:count]


def _draw_crops(
    chosen: dict[str, list[Showing]], photos: Path, survey: Path, *, names: dict[str, str],
    progress: Progress | None,
) -> dict[str, list[Evidence]]:
    """Evidence of each finding; every photo is read once, however many findings it shows."""
    by_photo: dict[str, list[tuple[str, Showing]]] = {}
    for number, showings in chosen.items():
        for showing in showings:
            by_photo.setdefault(showing.view.name, []).append((number, showing))
    made: dict[tuple[str, str], Evidence] = {}
    for done, (name, wanted) in enumerate(sorted(by_photo.items()), start=1):
        picture, digest = _read(photos / name, cv2.IMREAD_COLOR), _sha256(photos / name)
        for number, showing in wanted:
            place = Path("evidence") / number / names[name]
            made[number, name] = _draw_crop(picture, showing, place, survey, sha256=digest)
        if progress:
            progress(0.5 + 0.5 * done / len(by_photo))
    return {n: [made[n, s.view.name] for s in shown] for n, shown in chosen.items()}


def _draw_crop(
    picture: Picture, showing: Showing, place: Path, survey: Path, *, sha256: str
) -> Evidence:
    """Crop of one photo for one finding, written to its place."""
    crop_box = crop_box_of(showing.ring_px, width=picture.shape[1], height=picture.shape[0])
    crop = draw_outline(picture, showing.ring_px, crop_box)
    encoded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    _write(survey / place, encoded.tobytes())
    ring = [[round(float(u), 1), round(float(v), 1)] for u, v in showing.ring_px]
    return Evidence(
        showing.view.name, sha256, place.as_posix(), ring, crop_box, round(float(showing.score), 3)
    )


def crop_names(photos: Iterable[str]) -> dict[str, str]:
    """File name of each photo's crop, no two alike even where case does not count.

    >>> crop_names(["DJI_0001.JPG", "100MEDIA/DJI_0001.JPG"])
    {'DJI_0001.JPG': 'DJI_0001.jpg', '100MEDIA/DJI_0001.JPG': '100MEDIA_DJI_0001.jpg'}
    >>> crop_names(["x.jpg", "x.jpeg"])
    {'x.jpg': 'x_8f3c0b84.jpg', 'x.jpeg': 'x_222d675a.jpg'}
    """
    forms = {photo: _forms(photo) for photo in photos}
    shared = Counter(simple.casefold() for simple, _long in forms.values())
    return {p: long if shared[simple.casefold()] > 1 else simple
            for p, (simple, long) in forms.items()}


def _forms(photo: str) -> tuple[str, str]:
    """Simple name of a photo's crop, and that with a part of the photo name's hash."""
    stem = Path(photo).with_suffix("").as_posix().replace("/", "_")
    return f"{stem}.jpg", f"{stem}_{hashlib.sha256(photo.encode()).hexdigest()[:8]}.jpg"


def crop_box_of(ring: NDArray[np.float64], *, width: int, height: int) -> Box:
    """Box (left, top, right, bottom) around a ring of pixels, shape (n, 2), with a margin."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    margin = max(MIN_MARGIN_PX, MARGIN * float((high - low).max()))
    left, top = np.maximum(np.floor(low - margin), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + margin) + 1, [width, height]).astype(int)
    return int(left), int(top), int(right), int(bottom)


def draw_outline(picture: Picture, ring: NDArray[np.float64], crop_box: Box) -> Picture:
    """The part of a picture in a box, at most `CROP_SIDE` pixels long, with the ring drawn."""
    left, top, right, bottom = crop_box
    crop: Any = picture[top:bottom, left:right]
    factor = min(1.0, CROP_SIDE / max(crop.shape[:2]))
    if factor < 1:
        crop = cv2.resize(crop, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    crop = np.ascontiguousarray(crop)
    # Fixed-point coordinates with 4 fractional bits keep the thin line where it belongs.
    points = ((ring - [left, top] + 0.5) * factor - 0.5) * 16
    line = [np.round(points).astype(np.int32).reshape(-1, 1, 2)]
    wide = max(3, round(max(crop.shape[:2]) / 220))
    cv2.polylines(crop, line, True, DARK, wide, cv2.LINE_AA, 4)
    cv2.polylines(crop, line, True, BRIGHT, max(1, wide // 2), cv2.LINE_AA, 4)
    return np.asarray(crop, dtype=np.uint8)


def _read(path: Path, mode: int) -> Picture:
    """Picture of a file as stored: the turn that EXIF asks for is not applied, as in the map."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise InputError(
            _("This photo of the map cannot be read."),
            remedy=_("Put it back where it was when the survey was made."), file=path,
        ) from error
    picture = cv2.imdecode(data, mode | cv2.IMREAD_IGNORE_ORIENTATION) if len(data) else None
    if picture is None:
        raise InputError(
            _("This photo of the map is damaged."),
            remedy=_("Copy it from the camera again."), file=path,
        )
    return np.asarray(picture, dtype=np.uint8)


def _sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _clear(folder: Path, crops: set[str]) -> None:
    """Remove the crops and lists of an earlier run from F001, F002..., and nothing else."""
    for child in folder.glob("F*"):
        if child.is_symlink() or not child.is_dir() or not re.fullmatch(r"F\d{3,}", child.name):
            continue
        for path in list(child.iterdir()):
            if path.name.removesuffix(PART) in crops | {"evidence.json"}:
                path.unlink()
        if not any(child.iterdir()):
            child.rmdir()


def _write_list(finding: Finding, survey: Path) -> None:
    """evidence.json beside the crops of a finding."""
    if not finding.evidence:
        return
    folder = survey / "evidence" / finding.id
    content: dict[str, Any] = {
        "kilnsight": __version__, "finding": finding.id, "code": finding.code,
        "evidence": [e.as_dict() for e in finding.evidence],
    }
    text = json.dumps(content, ensure_ascii=False, indent=1)
    _write(folder / "evidence.json", (text + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file whole: beside its place first. A folder that is a link may hold originals."""
    if path.parent.is_symlink():
        raise InputError(
            _("This folder of the survey is a link to another one."),
            remedy=_("Remove the link; evidence is written into the survey itself."),
            file=path.parent,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    part.write_bytes(content)
    part.replace(path)
