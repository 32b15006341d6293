"""The aligned photos as views, and the file that holds them: map/cameras.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from kilnsight.photos.camera import Camera, Pose, View


def write_views(path: Path, views: Sequence[View], *, crs: str) -> None:
    """Write lenses and poses as docs/survey-folder.md defines them."""
    cameras = list(dict.fromkeys(v.camera for v in views))
    document = {
        "crs": crs,
        "cameras": [{"id": i, **c.as_dict()} for i, c in enumerate(cameras)],
        "views": [
            {"photo": v.name, "camera": cameras.index(v.camera),
             "rotation": v.pose.rotation.round(9).tolist(),
             "centre": v.pose.centre.round(4).tolist()}
            for v in views
        ],
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    part.replace(path)


def read_views(path: Path) -> list[View]:
    """Views written by `write_views`."""
    document = json.loads(path.read_text(encoding="utf-8"))
    names = {f.name for f in fields(Camera)}
    cameras = {
        c["id"]: Camera(**{k: v for k, v in c.items() if k in names}) for c in document["cameras"]
    }
    return [
        View(v["photo"], cameras[v["camera"]],
             Pose(np.array(v["rotation"], dtype=float), np.array(v["centre"], dtype=float)))
        for v in document["views"]
    ]


def read_crs(path: Path) -> str:
    """CRS of the views, such as `EPSG:32614`."""
    return str(json.loads(path.read_text(encoding="utf-8"))["crs"])
