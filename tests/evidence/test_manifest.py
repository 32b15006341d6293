"""A manifest must find every change, however small, and name it."""

import errno
import json
import os
import random
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.errors import InputError
from kilnsight.evidence.manifest import (
    FIRST_CHAIN,
    Entry,
    chain_of,
    check,
    fingerprint,
    head_of,
    sha256_of,
    write_manifest,
)


@pytest.fixture
def survey(tmp_path):
    root = tmp_path / "survey"
    for name, data in {
        "survey.json": b'{"name": "a"}', "map/ortho.tif": bytes(range(256)) * 40,
        "findings.geojson": b'{"features": []}', "evidence/F001/DJI 1 \xe6\xb0\xb4.jpg".encode(
            "latin-1").decode("latin-1"): b"jpeg", "empty.txt": b"", ".work/state": b"s",
        "photos.geojson": json.dumps({"features": [
            {"properties": {"name": "a.jpg", "sha256": "ab" * 32}},
            {"properties": {"name": "b.jpg", "sha256": "cd" * 32}},
        ]}).encode(),
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    write_manifest(root)
    return root


def kinds(root):
    return {(fault.kind, fault.path) for fault in check(root)}


def test_untouched_survey_has_no_fault(survey):
    assert check(survey) == []


def test_writing_again_gives_the_same_head(survey):
    before = json.loads((survey / "manifest.json").read_text())
    after = json.loads(write_manifest(survey).read_text())
    assert before["head"] == after["head"]
    assert not list(survey.glob(".manifest*"))


def test_manifest_is_as_documented(survey):
    manifest = json.loads((survey / "manifest.json").read_text())
    paths = [item["path"] for item in manifest["files"]]
    assert paths == sorted(paths)
    assert not {"manifest.json", ".work/state"} & set(paths)
    previous = FIRST_CHAIN
    for item in manifest["files"]:
        assert item["sha256"] == sha256_of(survey / item["path"])
        previous = chain_of(previous, item["path"], item["bytes"], item["sha256"])
        assert item["chain"] == previous
    assert [p["name"] for p in manifest["photos"]] == ["a.jpg", "b.jpg"]
    entries = [Entry(**item) for item in manifest["files"]]
    assert manifest["head"] == head_of(entries, manifest["photos"])


def test_each_kind_of_fault_is_named(survey):
    (survey / "empty.txt").unlink()
    (survey / "new.txt").write_text("x")
    (survey / "map" / "ortho.tif").write_bytes(b"other")
    assert kinds(survey) == {
        ("missing", "empty.txt"), ("extra", "new.txt"), ("changed", "map/ortho.tif")
    }


def test_work_folder_is_ignored_only_at_the_top(survey):
    (survey / ".work" / "more").write_text("x")
    assert check(survey) == []
    (survey / "map" / ".work").mkdir()
    (survey / "map" / ".work" / "x").write_text("x")
    assert kinds(survey) == {("extra", "map/.work/x")}


def test_single_bit_flips_anywhere_are_found(survey):
    rng = random.Random(3)
    paths = [p for p in survey.rglob("*") if p.is_file() and p.stat().st_size
             and ".work" not in p.parts]
    for number in range(600):
        path = survey / "manifest.json" if number % 2 else rng.choice(paths)
        original = path.read_bytes()
        changed = bytearray(original)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(changed))
        faults = check(survey)
        assert faults, (path, changed)
        if path.name != "manifest.json":
            assert [f.kind for f in faults] == ["changed"]
            assert faults[0].path == path.relative_to(survey).as_posix()
        path.write_bytes(original)
    assert check(survey) == []


def test_every_value_of_the_manifest_is_held(survey):
    path = survey / "manifest.json"
    manifest = json.loads(path.read_text())

    def rewrite(change):
        copy = json.loads(json.dumps(manifest))
        change(copy)
        path.write_bytes(json.dumps(copy, ensure_ascii=False, indent=1).encode() + b"\n")
        return {fault.kind for fault in check(survey)}

    assert "head" in rewrite(lambda m: m["photos"].pop())
    assert "head" in rewrite(lambda m: m["photos"].reverse())
    assert "seal" in rewrite(lambda m: m.update(created="2020-01-01T00:00:00Z"))
    assert "seal" in rewrite(lambda m: m["photos"][0].update(name="c.jpg"))
    assert {"chain", "extra"} <= rewrite(lambda m: m["files"].pop(1))
    assert {"chain"} <= rewrite(lambda m: m["files"].reverse())
    assert "manifest" in rewrite(lambda m: m.pop("head"))
    assert "manifest" in rewrite(lambda m: m["files"][0].update(bytes="1"))


def test_appended_bytes_truncation_and_junk_are_found(survey):
    path = survey / "manifest.json"
    original = path.read_bytes()
    for data in (original + b" ", original[:-1], b"", b"[]", b"\xff\xfe", b"[" * 100_000,
                 original.replace(b"a.jpg", b"\\ud800")):
        path.write_bytes(data)
        assert [f.kind for f in check(survey)][:1] == ["manifest"]


def test_a_link_is_neither_written_nor_accepted(survey, tmp_path):
    target = tmp_path / "outside.tif"
    shutil.copy(survey / "map" / "ortho.tif", target)
    (survey / "map" / "ortho.tif").unlink()
    (survey / "map" / "ortho.tif").symlink_to(target)
    assert kinds(survey) == {("changed", "map/ortho.tif")}
    with pytest.raises(InputError, match=r"ortho\.tif"):
        write_manifest(survey)


def test_a_name_that_is_no_text_is_reported(survey):
    try:
        (survey / os.fsdecode(b"bad\xff.txt")).write_text("x")
    except OSError:
        pytest.skip("the file system refuses names that are not UTF-8")
    assert kinds(survey) == {("extra", "bad?.txt")}
    with pytest.raises(InputError, match="UTF-8"):
        write_manifest(survey)


def test_a_folder_that_cannot_be_read_is_not_left_out(survey, monkeypatch):
    (survey / "closed").mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    for work in (write_manifest, check):
        with pytest.raises(InputError, match="Permission denied"):
            work(survey)


def test_no_manifest_and_no_survey_are_named(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.json"):
        check(tmp_path)
    with pytest.raises(InputError, match=r"survey\.json"):
        write_manifest(tmp_path)


def test_fingerprint_is_that_of_the_data_alone(survey):
    before = fingerprint(survey)
    (survey / "report").mkdir()
    for name in ("report/tile.webp", "report.html", "report.pdf", "manifest.json"):
        (survey / name).write_text("x")
    assert fingerprint(survey) == before
    (survey / "findings.geojson").write_bytes(b"{}")
    assert fingerprint(survey) != before


def test_fingerprint_does_not_change_when_the_survey_becomes_complete(survey):
    about = survey / "survey.json"
    about.write_text('{"name": "complete", "complete": false}')
    before = fingerprint(survey)
    about.write_text('{"name": "complete", "complete": true}')
    assert fingerprint(survey) == before == write_and_read(survey)


def write_and_read(survey):
    """Last chain over the data files by the finished manifest."""
    return json.loads(write_manifest(survey).read_text())["files"][-1]["chain"]


@given(st.lists(st.tuples(st.text(), st.integers(0, 99), st.text("0123456789abcdef")), max_size=5))
def test_chain_depends_on_every_part(parts):
    chain = FIRST_CHAIN
    for path, size, digest in parts:
        clean = path.encode("utf-8", "replace").decode()
        following = chain_of(chain, clean, size, digest)
        assert following != chain_of(chain, clean + "x", size, digest)
        assert following != chain_of(chain, clean, size + 1, digest)
        chain = following
    assert len(chain) == 64
