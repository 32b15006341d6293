import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.photos.xmp import number, read_xmp, text


def test_attributes_and_elements():
    found = read_xmp(b"""<rdf:Description drone-dji:RelativeAltitude="+112.30"
      drone-dji:GimbalYawDegree = '-1.5'><Camera:Pitch>7.5</Camera:Pitch></rdf:Description>""")
    assert number(found, "drone-dji:RelativeAltitude") == 112.3
    assert number(found, "drone-dji:GimbalYawDegree") == -1.5
    assert number(found, "Camera:Pitch") == 7.5


def test_prefixes_follow_the_schema_not_the_name():
    found = read_xmp(b'<r:D xmlns:a="http://www.dji.com/drone-dji/1.0/" a:RtkFlag="50"/>')
    assert number(found, "drone-dji:RtkFlag") == 50


@pytest.mark.parametrize(
    "body",
    [
        '<s:CameraOrientationNED s:Roll="0.2" s:Pitch="-84" s:Yaw="146.5"/>',
        '<s:CameraOrientationNED rdf:parseType="Resource"><s:Roll>0.2</s:Roll>'
        "<s:Pitch>-84</s:Pitch><s:Yaw>146.5</s:Yaw></s:CameraOrientationNED>",
    ],
)
def test_skydio_structure_is_told_from_the_other_frame(body):
    found = read_xmp(
        (
            '<d xmlns:s="https://www.skydio.com/drone-skydio/1.0/">'
            '<s:CameraOrientationFLU s:Roll="9" s:Pitch="9" s:Yaw="9"/>' + body + "</d>"
        ).encode()
    )
    assert [
        number(found, f"drone-skydio:CameraOrientationNED.{a}") for a in ("Roll", "Pitch", "Yaw")
    ] == [0.2, -84, 146.5]


def test_entities_are_refused_and_nothing_grows():
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "ha">'
        + "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9))
        + ']><d drone-dji:RtkFlag="50">&j;</d>'
    )
    assert read_xmp(bomb.encode()) == {}


def test_long_packets_take_no_time():
    start = time.perf_counter()
    for hostile in (
        b"a:" * 120_000,
        b"<a:b" * 60_000,
        b"x:CameraOrientationNED" * 11_000,
        b'a:b="' * 50_000,
        b"xmlns:a='" * 25_000,
        b" " * 250_000,
        b"<!" * 120_000,
    ):
        read_xmp(hostile)
    assert time.perf_counter() - start < 5


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_any_text_is_read(content):
    for name, value in read_xmp(content.encode("utf-8", "replace")).items():
        number({name: value}, name)
        text({name: value}, name)


@given(st.floats(-1e6, 1e6))
def test_numbers_come_back(value):
    assert number({"a": f"{value:+.6f}"}, "a") == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("written", ["nan", "inf", "1/0", "1e999", "--1", "", "1_000", "٣", "1;2"])
def test_no_numbers(written):
    assert number({"a": written}, "a") is None
