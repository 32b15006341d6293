import math
import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photo_maker import make_jpeg

from kilnsight.photos import exif as ex
from kilnsight.photos.jpeg import read_jpeg


def block(order: str, entries: list[tuple[int, int, int, bytes]]) -> bytes:
    """TIFF block of one directory; each value is put behind it."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    data_at = 8 + 2 + 12 * len(entries) + 4
    table, data = struct.pack(order + "H", len(entries)), b""
    for tag, kind, count, value in entries:
        table += struct.pack(order + "HHI", tag, kind, count)
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", data_at + len(data))
            data += value
    return head + table + struct.pack(order + "I", 0) + data


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(order):
    found = ex.read_exif(
        block(
            order,
            [
                (0x010F, 2, 4, b"DJI\0"),
                (0x0112, 3, 1, struct.pack(order + "H", 6)),
                (0x920A, 5, 1, struct.pack(order + "2I", 45, 10)),
                (0x9204, 10, 1, struct.pack(order + "2i", -1, 3)),
            ],
        )
    ).main
    assert ex.text(found, 0x010F) == "DJI"
    assert ex.number(found, 0x0112) == 6
    assert ex.number(found, 0x920A) == 4.5
    assert ex.number(found, 0x9204) == pytest.approx(-1 / 3)


def test_what_pillow_writes_is_read():
    jpeg = read_jpeg(
        make_jpeg(exif={0x0110: "FC6310"}, sub={0x920A: 8.8}, gps={2: (31.0, 24.0, 0.5)})
    )
    found = ex.read_exif(jpeg.exif)
    assert ex.text(found.main, 0x0110) == "FC6310"
    assert ex.number(found.exif, 0x920A) == pytest.approx(8.8)
    assert ex.numbers(found.gps, 2) == (31, 24, 0.5)


def test_hostile_values_are_missing():
    found = ex.read_exif(
        block(
            "<",
            [
                (1, 5, 1, struct.pack("<2I", 45, 0)),
                (2, 2, 0xFFFFFFFF, b"\0\0\0\0"),
                (3, 12, 1, struct.pack("<d", math.nan)),
                (4, 99, 1, b"\0"),
                (5, 2, 6, b"\xff\xfe\x80ab\x1b"),
                (6, 5, 500_000_000, b"\0\0\0\0"),
                (7, 3, 0, b""),
            ],
        )
    ).main
    assert [ex.number(found, tag) for tag in (1, 2, 3, 4, 6, 7)] == [None] * 6
    assert ex.text(found, 5) == "???ab"
    assert ex.number(found, 5) is None


def test_directory_that_claims_65535_entries_ends_with_the_block():
    assert ex.read_exif(b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 24).main == {}


@given(st.binary(max_size=400))
def test_any_bytes_are_read(data):
    for head in (b"", b"II*\0", b"MM\0*"):
        ex.read_exif(head + data)


@given(st.integers(0, 10**6), st.integers(0, 255))
def test_any_changed_byte_is_read(at, value):
    data = bytearray(block(">", [(0x8769, 4, 1, struct.pack(">I", 8)), (1, 2, 9, b"something")]))
    data[at % len(data)] = value
    ex.read_exif(bytes(data))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2014:10:19 13:20:51", datetime(2014, 10, 19, 13, 20, 51)),
        ("2020-06-23 15:17:15", datetime(2020, 6, 23, 15, 17, 15)),
        (
            "2025-10-01T13:27:03+08:00",
            datetime(2025, 10, 1, 13, 27, 3, tzinfo=timezone(timedelta(hours=8))),
        ),
        ("2025-10-01T13:27:03.25Z", datetime(2025, 10, 1, 13, 27, 3, 250_000, tzinfo=UTC)),
        ("    :  :     :  :  ", None),
        ("2020:02:31 00:00:00", None),
        ("", None),
        (None, None),
    ],
)
def test_times(written, expected):
    assert ex.parse_time(written) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(written):
    ex.parse_time(written)
    ex.parse_zone(written)


def test_gps_time_needs_a_day_and_a_clock():
    assert ex.gps_time({7: (18.0, 20.0, 51.0), 29: "2014:10:19"}, None) == datetime(
        2014, 10, 19, 18, 20, 51, tzinfo=UTC
    )
    assert ex.gps_time({7: (18.0, 20.0, 51.0)}, None) is None
    assert ex.gps_time({7: (99.0, 0.0, 0.0), 29: "2014:10:19"}, None) is None


def test_end_of_the_calendar_is_no_time():
    assert ex.parse_time("9999:12:31 23:59:59.9999999") is None
    assert ex.gps_time({7: (23.0, 59.0, 60.0), 29: "9999:12:31"}, None) is None
