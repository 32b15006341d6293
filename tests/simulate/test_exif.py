import json
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pyproj import Transformer

from kilnsight.simulate.exif import degrees_of


@given(st.floats(-180, 180))
def test_degrees_keep_their_value(value):
    d, m, s = degrees_of(value)
    assert float(d) + float(m) / 60 + float(s) / 3600 == pytest.approx(abs(value), abs=2e-9)
    assert 0 <= m < 60 and 0 <= s < 60


def test_exif_names_the_drone(small_flight):
    photo = min((small_flight / "photos").iterdir())
    with Image.open(photo) as opened:
        exif = opened.getexif()
    inner = exif.get_ifd(0x8769)
    assert (exif[0x010F], exif[0x0110]) == ("DJI", "M3E")
    assert float(inner[0x920A]) == pytest.approx(12.3)
    assert inner[0xA405] == 24
    assert photo.name[4:18] == inner[0x9003].replace(":", "").replace(" ", "")


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_place_and_gimbal_near_the_truth(small_flight):
    said = json.loads(subprocess.run(
        ["exiftool", "-j", "-n", str(small_flight / "photos")], capture_output=True, check=True,
    ).stdout)
    truth = json.loads((small_flight / "truth" / "cameras.json").read_text())
    views = {v["photo"]: v for v in truth["views"]}
    to_map = Transformer.from_crs("EPSG:4326", truth["crs"], always_xy=True)
    assert len(said) == len(views) == 6
    for one in said:
        view = views[one["FileName"]]
        east, north = to_map.transform(one["GPSLongitude"], one["GPSLatitude"])
        assert np.hypot(east - view["centre"][0], north - view["centre"][1]) < 12
        assert float(one["GimbalPitchDegree"]) == -90
        assert float(one["AbsoluteAltitude"]) == pytest.approx(one["GPSAltitude"], abs=0.01)
        assert view["rotation"][2][2] < -0.999
        down = np.array(view["rotation"])[1]
        yaw = np.degrees(np.arctan2(-down[0], -down[1]))
        scene = json.loads((small_flight / "truth" / "scene.json").read_text())
        off = float(one["GimbalYawDegree"]) - yaw - scene["grid_convergence_deg"]
        assert abs((off + 180) % 360 - 180) < 2.5


def test_xmp_signs_and_calibration(small_flight):
    text = min((small_flight / "photos").iterdir()).read_bytes()[:8000].decode("latin-1")
    assert 'drone-dji:RelativeAltitude="+' in text
    assert 'drone-dji:DewarpFlag="0"' in text
    assert f'drone-dji:CalibratedFocalLength="{12.29 / 17.3 * 480:.6f}"' in text
