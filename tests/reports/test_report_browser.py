"""The page in a real browser, from disk and from a file server."""

import functools
import http.server
import threading

import pytest
from chromium_page import CHROMIUM, chromium_page
from survey_maker import CELL, HEIGHT, WIDTH

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

READY = (
    "document.documentElement.dataset.ready && "
    "document.querySelectorAll('.leaflet-tile').length && "
    "document.querySelectorAll('.leaflet-tile:not(.leaflet-tile-loaded)').length === 0"
)
LOADED = "[...document.querySelectorAll('.leaflet-tile')].filter(t => t.naturalWidth > 1).length"


def shown(part):
    return f"[...document.querySelectorAll('.leaflet-tile')].some(t => t.src.includes('{part}'))"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with chromium_page(tmp_path_factory.mktemp("chromium") / "profile") as opened:
        opened.size(1280, 900)
        yield opened


def show(page, survey, query=""):
    page.console.clear()
    page.requests.clear()
    page.failed.clear()
    page.open(f"{(survey / 'report.html').as_uri()}{query}")
    page.until(READY)
    return page


def visible(page, text):
    return text in page.run("document.body.innerText")


def assert_quiet(page):
    assert page.console == []
    assert page.failed == []
    assert {r.split(":", 1)[0] for r in page.requests} <= {"file", "data"}


def test_opens_from_disk_with_its_tiles_and_in_silence(page, survey):
    show(page, survey)
    assert page.run(LOADED) >= 4
    assert_quiet(page)
    assert page.run("document.querySelectorAll('.pin').length") == 3


def test_switch_of_language_needs_no_reload(page, survey):
    show(page, survey)
    assert visible(page, "uncovered open pile") and not visible(page, "物料露天堆存")
    before = len(page.requests)
    page.click("[data-language=zh_Hans]")
    assert visible(page, "物料露天堆存") and not visible(page, "uncovered open pile")
    assert page.run("document.documentElement.lang") == "zh-Hans"
    assert page.run("document.title") == "航测调查报告：溧阳示例水泥有限公司"
    assert "航测" in page.run("document.title")
    assert page.run("document.querySelector('.overview img').alt").startswith("全图")
    assert visible(page, "正射影像")
    page.click("[data-language=en]")
    assert visible(page, "Orthomosaic") and not visible(page, "正射影像")
    assert len(page.requests) == before
    assert_quiet(page)


def test_address_can_name_the_language(page, survey):
    show(page, survey, "?lang=zh")
    assert visible(page, "问题清单")


def test_card_finds_its_place_and_the_pin_its_card(page, survey):
    show(page, survey)
    page.click("#F003 .locate")
    page.until("document.querySelector('.leaflet-popup')")
    assert "F003" in page.run("document.querySelector('.leaflet-popup').innerText")
    assert page.run("document.querySelector('.card.on').id") == "F003"
    page.until(READY)
    assert_quiet(page)
    page.click(".leaflet-popup-content a")
    page.run("document.querySelector('.pin.s2').click()")
    assert page.run("document.querySelector('.card.on').id") == "F002"


def test_crop_enlarges_and_closes(page, survey):
    show(page, survey)
    page.click("#F001 .shot")
    page.until("document.querySelector('#lightbox[open] img').naturalWidth > 300")
    caption = page.run("document.querySelector('#lightbox p').textContent")
    assert "DJI_0002.JPG" in caption and "SHA-256" in caption
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Escape", code="Escape",
              windowsVirtualKeyCode=27)
    page.until("!document.querySelector('#lightbox').open")
    assert_quiet(page)


def test_layers_switch_and_the_read_out_tells_place_and_height(page, survey):
    show(page, survey)
    page.click(".leaflet-control-layers-base label:nth-child(2) input")
    page.until(READY)
    page.until(shown("relief"))
    assert visible(page, "24.") and page.run("!!document.querySelector('.legend .ramp')")
    for number in (2, 3):
        page.click(f".leaflet-control-layers-overlays label:nth-child({number}) input")
    page.until(READY)
    spot = page.run(
        "(() => { const r = document.getElementById('map').getBoundingClientRect();"
        "return [r.left + r.width / 2, r.top + r.height / 2]; })()"
    )
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=spot[0], y=spot[1])
    text = page.run("document.getElementById('readout').textContent")
    assert f"E {712400 + WIDTH * CELL / 2:.0f}"[:8] in text
    assert f"N {3478900 - HEIGHT * CELL / 2:.0f}"[:8] in text
    assert "≈ 2" in text
    assert_quiet(page)


def test_native_resolution_is_sharp(page, survey):
    show(page, survey)
    page.click("#F001 .locate")
    page.until(READY)
    page.until(shown("ortho/3/"))


def test_phone_has_no_sideways_scroll(page, survey):
    page.size(360, 740, mobile=True)
    try:
        show(page, survey, "?lang=zh")
        assert page.run("document.documentElement.scrollWidth") <= 360
        assert page.run("document.getElementById('map').getBoundingClientRect().width") > 300
    finally:
        page.size(1280, 900)


def test_hostile_names_run_nothing(page, hostile_survey):
    show(page, hostile_survey)
    page.click("#F001 .locate")
    page.until("document.querySelector('.leaflet-popup')")
    assert page.run("document.title") != "owned"
    assert page.run("document.querySelectorAll('img[src=\"x\"]').length") == 0
    assert visible(page, "<i>pile</i>")
    assert_quiet(page)


def test_empty_survey_says_so(page, empty_survey):
    show(page, empty_survey)
    assert visible(page, "No suspected problem was found in the area seen.")
    assert page.run("document.querySelectorAll('.pin').length") == 0
    assert_quiet(page)


def test_print_shows_the_overview_instead_of_the_map(page, survey):
    show(page, survey)
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert page.run("getComputedStyle(document.getElementById('map')).display") == "none"
        assert page.run("document.querySelector('.overview img').naturalWidth") == 2000
        assert page.run("getComputedStyle(document.querySelector('.card')).breakInside") == "avoid"
    finally:
        page.call("Emulation.setEmulatedMedia", media="")


def test_works_from_a_file_server(page, survey):
    handler = functools.partial(QuietHandler, directory=str(survey))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            page.console.clear()
            page.requests.clear()
            address = f"http://127.0.0.1:{server.server_port}/"
            page.open(address + "report.html")
            page.until(READY)
            assert page.run(LOADED) >= 4
            asked = [r for r in page.requests if not r.startswith("data:")]
            assert all(r.startswith(address) for r in asked)
            assert [line for line in page.console if "favicon" not in line] == []
        finally:
            server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        """Say nothing."""
