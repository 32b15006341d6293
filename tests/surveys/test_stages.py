"""The ledger of stages: what counts as finished after which change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilnsight.errors import InputError
from kilnsight.surveys.stages import STAGES, Ledger, fingerprint, only_one

WORDS = {"language": "en", "name": None}


def ledger(folder, **changes):
    known = {"photos": "p", "settings": "s", "words": WORDS} | changes
    return Ledger(folder / "stages.json", **known)


def finished(folder):
    book = ledger(folder)
    for number, stage in enumerate(STAGES, start=1):
        book.finish(stage, number)
    return book


def test_stages_are_done_in_their_order(tmp_path):
    book = ledger(tmp_path)
    assert not book.known
    book.finish("surface", 2.0)
    assert not book.done("surface"), "align is missing"
    book.finish("align", 1.04)
    assert book.done("align") and not book.done("surface"), "surface was made from another align"
    assert book.seconds == {"align": 1.0}


def test_what_is_finished_survives_on_disk(tmp_path):
    finished(tmp_path)
    again = ledger(tmp_path)
    assert again.known and again.differs == () and again.done("report")
    assert list(again.seconds) == list(STAGES)


@pytest.mark.parametrize("changed", ["photos", "settings"])
def test_other_inputs_make_everything_void(tmp_path, changed):
    finished(tmp_path)
    again = ledger(tmp_path, **{changed: "other"})
    assert again.differs == (changed,) and again.seconds == {}


def test_another_version_makes_everything_void(tmp_path, monkeypatch):
    finished(tmp_path)
    monkeypatch.setattr("kilnsight.surveys.stages.__version__", "0.0.9")
    assert ledger(tmp_path).differs == ("version",)


def test_another_region_asks_for_the_findings_again(tmp_path):
    finished(tmp_path)
    again = ledger(tmp_path, words={"language": "en", "name": None, "region": "CN-32"})
    assert again.done("ortho") and not again.done("findings")


def test_another_language_asks_for_the_report_alone(tmp_path):
    finished(tmp_path)
    again = ledger(tmp_path, words={"language": "zh_Hans", "name": None})
    assert again.done("findings") and not again.done("report")
    assert ledger(tmp_path, words={"language": None, "name": None}).done("report")


def test_a_name_once_given_stays(tmp_path):
    ledger(tmp_path, words={"language": "en", "name": "East"}).save()
    assert ledger(tmp_path).words == {"language": "en", "name": "East"}


@given(text=st.one_of(
    st.text(max_size=30), st.just("[]"), st.just("null"),
    st.fixed_dictionaries({k: st.one_of(st.none(), st.text(), st.lists(st.integers()))
                           for k in ("version", "photos", "seconds", "words")}).map(json.dumps),
))
def test_a_damaged_ledger_finishes_nothing(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "stages.json").write_text(text, "utf-8")
    book = ledger(folder)
    assert not book.done("align")
    book.finish("align", 1)
    assert ledger(folder).done("align")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5))
def test_fingerprints_forget_the_order_and_nothing_else(values):
    assert fingerprint(values) == fingerprint(dict(reversed(values.items())))
    assert fingerprint(values) != fingerprint({**values, "one more photo": "x"})


def test_only_one_run_at_a_time(tmp_path):
    work = tmp_path / "survey" / ".work"
    with only_one(work), pytest.raises(InputError, match="Another run"), only_one(work):
        pytest.fail("two runs at once")
    with only_one(work):
        pass


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="No survey can be written here") as error:
        only_one(tmp_path / "file" / "survey" / ".work").__enter__()
    assert error.value.file == tmp_path / "file" / "survey"
