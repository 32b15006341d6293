import io

import pytest
from photo_maker import drone_jpeg, flight, make_jpeg
from rich.console import Console

from kilnsight.errors import InputError
from kilnsight.i18n import use_language
from kilnsight.photos.check import Severity, check, ensure_usable, problems_table
from kilnsight.photos.folder import read_folder


def problems(folder):
    return {problem.code: problem for problem in check(read_folder(folder, workers=0))}


def errors(folder):
    return [code for code, p in problems(folder).items() if p.severity is Severity.ERROR]


def shown(found) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(problems_table(found))
    return out.getvalue()


def test_good_flight_has_no_errors_or_warnings(tmp_path):
    found = problems(flight(tmp_path, 6))
    assert {p.severity for p in found.values()} <= {Severity.NOTE}
    assert "lens_assumed" in found and "Mavic 3E" in found["lens_assumed"].text


def test_empty_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    assert errors(tmp_path) == ["no_photos"]
    with pytest.raises(InputError, match="no photos") as caught:
        ensure_usable(read_folder(tmp_path, workers=0))
    assert caught.value.file == tmp_path and "JPEG" in caught.value.remedy


def test_three_photos(tmp_path):
    assert errors(flight(tmp_path, 3)) == ["too_few_photos"]
    with pytest.raises(InputError, match="at least 4"):
        ensure_usable(read_folder(tmp_path, workers=0))


def test_four_photos_are_enough(tmp_path):
    assert ensure_usable(read_folder(flight(tmp_path, 4), workers=0))


def test_without_gps(tmp_path):
    flight(tmp_path, 5, gps={})
    assert errors(tmp_path) == ["no_gps"]
    with pytest.raises(InputError, match="cannot be placed"):
        ensure_usable(read_folder(tmp_path, workers=0))


def test_zero_positions_are_none(tmp_path):
    zero = {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}
    assert errors(flight(tmp_path, 5, gps=zero)) == ["no_gps"]


def test_some_without_gps(tmp_path):
    flight(tmp_path, 5)
    (tmp_path / "x.jpg").write_bytes(drone_jpeg(9, gps={}))
    found = problems(tmp_path)
    assert found["some_without_gps"].photos == ("x.jpg",)
    assert found["some_without_gps"].severity is Severity.WARNING


def test_aircraft_that_did_not_move(tmp_path):
    for i in range(5):
        (tmp_path / f"{i}.jpg").write_bytes(drone_jpeg(i))
    assert "no_movement" in problems(tmp_path)


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("mixed_places", {"lat": 31.5}),
        ("mixed_times", {"day": 9}),
        ("mixed_times", {"hour": 15}),
        ("mixed_cameras", {"size": (440, 330)}),
    ],
)
def test_two_flights_in_one_folder(tmp_path, code, more):
    flight(tmp_path, 6, prefix="A")
    flight(tmp_path, 4, prefix="B", start=30, **more)
    found = problems(tmp_path)
    assert code in found and found[code].severity is Severity.WARNING
    assert [len(group) for group in found[code].groups] == [6, 4]
    assert {name[0] for name in found[code].groups[1]} == {"B"}
    assert "A_0000.JPG to A_0005.JPG" in found[code].text
    others = {"mixed_places", "mixed_times", "mixed_cameras"} - {code}
    assert not others & set(found)


def test_change_of_battery_is_one_flight(tmp_path):
    flight(tmp_path, 5, prefix="A")
    flight(tmp_path, 5, prefix="B", start=9, hour=11, lat=31.4009)
    assert not {"mixed_places", "mixed_times", "mixed_cameras"} & set(problems(tmp_path))


def test_table_has_a_row_for_each_kind_of_trouble(tmp_path):
    flight(tmp_path, 5)
    (tmp_path / "cut[red].jpg").write_bytes(drone_jpeg(9)[:5000])
    (tmp_path / "bell\x07\x1b[2J.jpg").write_text("hello")
    (tmp_path / "copy.jpg").write_bytes((tmp_path / "DJI_0001.JPG").read_bytes())
    (tmp_path / "bare.jpg").write_bytes(make_jpeg(7))
    (tmp_path / "lone.DNG").write_bytes(b"x")
    found = check(read_folder(tmp_path, workers=0))
    assert [p.code for p in found if p.severity is Severity.WARNING] == [
        "no_focal",
        "not_a_photo",
        "truncated",
        "other_images",
    ]
    text = shown(found)
    assert "cut[red].jpg" in text and "\x1b[2J" not in text and "\x07" not in text
    assert "bell??[2J.jpg" in text and "lone.DNG" in text and "same content" in text


def test_table_in_chinese(tmp_path):
    flight(tmp_path, 3)
    (tmp_path / "cut.jpg").write_bytes(drone_jpeg(9)[:5000])
    use_language("zh_Hans")
    try:
        text = shown(check(read_folder(tmp_path, workers=0)))
    finally:
        use_language("en")
    assert "照片存在的问题" in text and "至少需要 4 张" in text and "被截断" in text
    assert "error" not in text and "sensor data base" not in text
