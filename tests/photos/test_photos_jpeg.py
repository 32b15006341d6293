import subprocess
import sys
import time

import pytest
from photo_maker import make_jpeg, with_xmp

from kilnsight.photos.flag import Flag, PhotoError
from kilnsight.photos.jpeg import MAX_SCANS, read_jpeg
from kilnsight.photos.quality import look


def flag_of(data: bytes) -> Flag:
    with pytest.raises(PhotoError) as caught:
        read_jpeg(data)
    return caught.value.flag


def with_size(data: bytes, width: int, height: int) -> bytes:
    """The file with another size in its frame header."""
    at = next(i for i in range(len(data)) if data[i] == 0xFF and data[i + 1] in (0xC0, 0xC2))
    return data[: at + 5] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[at + 9 :]


def test_size_and_blocks():
    jpeg = read_jpeg(make_jpeg(size=(320, 240), exif={0x0110: "M3E"}, xmp='drone-dji:RtkFlag="50"'))
    assert (jpeg.width, jpeg.height, jpeg.progressive) == (320, 240, False)
    assert jpeg.exif[:2] in (b"II", b"MM") and b"RtkFlag" in jpeg.xmp
    assert b"Exif" not in jpeg.bare and b"RtkFlag" not in jpeg.bare
    assert look(jpeg.bare, width=320, height=240).shape == (240, 320)


def test_progressive_is_known_and_decoded():
    jpeg = read_jpeg(make_jpeg(progressive=True))
    assert jpeg.progressive
    assert look(jpeg.bare, width=400, height=300).shape == (300, 400)


def test_huge_header_is_refused_before_anything_is_decoded(tmp_path):
    """A subprocess, so that its peak memory is that of the refusal.

    Not ru_maxrss: Linux lets that start with the memory of the process that forked it.
    """
    (tmp_path / "huge.jpg").write_bytes(with_size(make_jpeg(), 50_000, 50_000))
    code = (
        "import time; from pathlib import Path\n"
        "from kilnsight.errors import InputError\n"
        "from kilnsight.photos.photo import read_photo\n"
        "start = time.perf_counter()\n"
        "try: read_photo(Path('huge.jpg'))\n"
        "except InputError as error: print(error)\n"
        "print(time.perf_counter() - start)\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.split('VmHWM:')[1].split()[0]) / 1024)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "huge.jpg" in out[0] and "50000 x 50000" in out[0] and "panoramas" in out[0]
    assert float(out[1]) < 2
    assert float(out[2]) < 256


@pytest.mark.parametrize(
    ("size", "flag"),
    [
        ((50_000, 50_000), Flag.TOO_LARGE),
        ((65_000, 300), Flag.TOO_LARGE),
        ((0, 300), Flag.DAMAGED),
        ((160, 120), Flag.TOO_SMALL),
    ],
)
def test_sizes_that_are_refused(size, flag):
    assert flag_of(with_size(make_jpeg(), *size)) is flag


def test_scan_bomb_is_refused_at_once():
    data = make_jpeg(progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    start = time.perf_counter()
    assert flag_of(data[:-2] + scan * (MAX_SCANS + 5) + b"\xff\xd9") is Flag.DAMAGED
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"GIF89a", b"\x89PNG\r\n", b"II*\0" * 50])
def test_other_files_are_no_photos(data):
    assert flag_of(data) is Flag.NOT_A_PHOTO


@pytest.mark.parametrize("share", [0.02, 0.2, 0.6, 0.99])
def test_cut_files_are_truncated(share):
    data = make_jpeg(exif={0x0110: "M3E"})
    assert flag_of(data[: int(len(data) * share)]) is Flag.TRUNCATED


def test_file_allocated_but_not_written_to_its_end_is_truncated():
    data = make_jpeg()
    half = len(data) // 2
    assert flag_of(data[:half] + bytes(len(data) - half)) is Flag.TRUNCATED


def test_end_of_the_thumbnail_is_not_the_end_of_the_picture():
    data = make_jpeg()
    inner = with_xmp(data, 'a:b="' + "x" * 10 + '\xff\xd9"')
    assert flag_of(inner[: len(inner) // 2]) is Flag.TRUNCATED


def test_what_follows_the_picture_does_not_matter():
    data = make_jpeg()
    assert read_jpeg(data + b"\0" * 500 + make_jpeg(seed=2)[:300]).bare == read_jpeg(data).bare


def test_damage_that_only_shows_when_decoding_is_named():
    data = make_jpeg()
    at = data.index(b"\xff\xda")
    jpeg = read_jpeg(data[: at + 14] + b"\xff\xd9")
    with pytest.raises(PhotoError):
        look(jpeg.bare, width=jpeg.width, height=jpeg.height)
