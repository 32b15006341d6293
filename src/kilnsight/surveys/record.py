"""What a survey says of itself: survey.json and photos.geojson."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from kilnsight import __version__
from kilnsight.findings.site import SiteMap
from kilnsight.i18n import gettext as _
from kilnsight.mapping.align import Alignment
from kilnsight.mapping.footprint import footprint, to_lonlat
from kilnsight.photos.geotag import photo_properties
from kilnsight.photos.photo import Photo
from kilnsight.surveys.folder import SurveyFolder, write_json

Json = dict[str, Any]


def write_photos(folder: SurveyFolder, photos: Sequence[Photo], alignment: Alignment) -> None:
    """Write photos.geojson: what each photo records and the ground it shows."""
    ground = float(np.median(alignment.points[:, 2]))
    views = {v.name: v for v in alignment.views}
    features = []
    for photo in photos:
        view = views.get(photo.name)
        geometry: Json | None = None
        if view is not None:
            ring = to_lonlat(footprint(view, ground), alignment.crs)
            geometry = {"type": "Polygon", "coordinates": [ring]}
        elif photo.lon is not None and photo.lat is not None:
            geometry = {"type": "Point", "coordinates": [photo.lon, photo.lat]}
        properties = {**photo_properties(photo), "aligned": view is not None}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    write_json(folder.photos_json, {"type": "FeatureCollection", "features": features})


def write_survey(
    folder: SurveyFolder, photos: Sequence[Photo], *, name: str, parameters: Json,
    seconds: Mapping[str, float], results: bool,
) -> None:
    """Write survey.json of a run under way: what the photos say and, with `results`, the rest.

    It says that it is complete when everything else is there: see `folder.as_complete`.
    """
    times = [p.taken for p in photos if p.taken is not None]
    document: Json = {
        "kilnsight": __version__, "name": name or folder.root.resolve().name,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "complete": False,
        "plant": None, "crew": None, "permit": None,
        "flight": {
            "start": times[0].isoformat() if times else None,
            "end": times[-1].isoformat() if times else None,
            "time_zone": next((t.tzname() for t in times if t.tzinfo is not None), None),
            "cameras": sorted({p.camera_name for p in photos}),
        },
        "engine": {"name": "builtin", "parameters": parameters},
        "seconds": dict(seconds),
    }
    if results:
        document |= _results(folder, photos)
    write_json(folder.survey_json, document)


def _results(folder: SurveyFolder, photos: Sequence[Photo]) -> Json:
    """What survey.json says of the map and the findings."""
    figures = folder.read_quality()
    site = SiteMap.open(folder.root)
    counts = Counter(feature["properties"]["code"] for feature in folder.read_findings())
    return {
        "map": {"crs": f"EPSG:{site.crs.to_epsg()}", "bounds": list(site.bounds),
                "vertical_datum": _datum(photos, figures)},
        "coverage": {"area_m2": figures["coverage"]["area_m2"]},
        "findings": dict(sorted(counts.items())),
    }


def _datum(photos: Sequence[Photo], figures: Json) -> str:
    """Name of what heights are counted from, in English; reports turn it."""
    place = figures["georeference"]
    if place["vertical_residual_m"]["median"] is None:
        return _("local, arbitrary level", "en")
    if not place["altitude_used"]:
        sigma = f"{place['height_offset_sigma_m']:.0f}"
        return _("local, level with the recorded GPS altitude to about {sigma} m", "en",
                 sigma=sigma)
    references = sorted({p.altitude_reference for p in photos if p.altitude_reference})
    if not references:
        return _("GPS altitude as recorded by the camera", "en")
    return _("GPS altitude as recorded by the camera ({references})", "en",
             references=", ".join(references))
