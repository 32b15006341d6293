import numpy as np
import pytest
from findings_scenes import Scene, on_map
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.findings import detect
from kilnsight.findings.pilecover import Sun, _cover_fraction, look_at
from kilnsight.findings.site import SiteMap
from kilnsight.findings.surfaces import scene_tone

NET_IN_SHADE, SAND = (26, 27, 31), (196, 180, 150)


def look(folder, colour):
    scene = Scene(60, slope=0.0, base_rgb=SAND)
    scene.cone(30, 30, 4, colour=colour)
    site = SiteMap.open(scene.noisy(0.01).write(folder))
    polygon = on_map(scene.truth[0]["polygon"])
    return look_at(site, polygon, tone=scene_tone(site), sun=Sun(0.0, 0.0))


def test_a_pile_in_shadow_is_undecided_and_one_in_the_sun_is_not(tmp_path):
    shaded = look(tmp_path / "shaded", NET_IN_SHADE).cover
    assert (shaded.lo, shaded.hi) == (shaded.value, 1.0) and shaded.value < 0.3
    assert "shadow" in shaded.method
    lit = look(tmp_path / "lit", SAND).cover
    assert lit.hi < 0.1 and "shadow" not in lit.method


def test_a_find_in_shadow_is_less_sure(tmp_path):
    sure = {}
    for name, colour in (("lit", SAND), ("shaded", NET_IN_SHADE)):
        scene = Scene(60, slope=0.0, base_rgb=(150, 145, 130))
        scene.cone(30, 30, 5, colour=colour)
        site = SiteMap.open(scene.noisy(0.02).write(tmp_path / name))
        sure[name] = {f.code: f for f in detect.find(site)}["D01"]
    assert sure["shaded"].measures["cover_fraction"].hi == 1.0
    assert sure["shaded"].confidence == pytest.approx(0.65 * sure["lit"].confidence, abs=0.05)


@given(st.floats(0, 1), st.integers(0, 500), st.integers(0, 500), st.booleans())
def test_only_what_colour_cannot_tell_is_wider_than_mixed_colours(value, dark, bare, fabric):
    cover = _cover_fraction(value, dark, bare, fabric=fabric)
    assert 0 <= cover.lo <= cover.value <= cover.hi <= 1
    told = value > 0.9 or (dark + bare > 0 and not (dark > 0.9 * (dark + bare) and value < 0.5))
    if told:
        assert cover.hi - cover.lo < detect.UNDECIDED
    elif not (fabric and dark):
        assert cover.hi == 1.0 and np.isclose(cover.lo, value)
