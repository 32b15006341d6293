"""What survey.json says that heights are counted from."""

from types import SimpleNamespace

import pytest

from kilnsight.reports.bilingual import looked_up
from kilnsight.surveys.record import _datum


@pytest.mark.parametrize(("residual", "used", "reference", "english", "chinese"), [
    (None, False, None, "local, arbitrary level", "本地任意起算面"),
    (3.0, False, "sea level",
     "local, level with the recorded GPS altitude to about 57 m", "误差约 57 m"),
    (1.0, True, "sea level", "GPS altitude as recorded by the camera (sea level)", "记录的 GPS"),
    (1.0, True, None, "GPS altitude as recorded by the camera", "记录的 GPS"),
])
def test_datum_is_named_in_both_languages(residual, used, reference, english, chinese):
    place = {"vertical_residual_m": {"median": residual}, "altitude_used": used,
             "height_offset_sigma_m": None if residual is None else 57.1}
    datum = _datum([SimpleNamespace(altitude_reference=reference)], {"georeference": place})
    assert datum == english
    assert chinese in looked_up(datum).zh_Hans
