"""A page in a real Chromium, driven over its debugging pipe; nothing but the browser is needed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-default-apps",
    "--disable-dev-shm-usage", "--remote-debugging-pipe", "--hide-scrollbars",
]


class Page:
    """One tab: runs scripts, collects console messages and requests."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out, self._in = to_browser, os.fdopen(from_browser, "rb", buffering=0)
        self._number, self._buffer, self._session = 0, b"", None
        self.console: list[str] = []
        self.requests: list[str] = []
        self.failed: list[str] = []
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = self._in.read(1 << 16)
            if not piece:
                raise RuntimeError("the browser closed its pipe")
            self._buffer += piece
        message, self._buffer = self._buffer.split(b"\0", 1)
        value = json.loads(message)
        self._note(value)
        return value

    def _note(self, value: dict[str, Any]) -> None:
        params, method = value.get("params", {}), value.get("method")
        if method == "Log.entryAdded":
            entry = params["entry"]
            self.console.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")
        elif method == "Runtime.consoleAPICalled":
            self.console.append(f"console.{params['type']}: {params['args']}")
        elif method == "Runtime.exceptionThrown":
            self.console.append(f"exception: {params['exceptionDetails']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.loadingFailed" and not params.get("canceled"):
            self.failed.append(json.dumps(params))
        if method:
            self.events.append(value)

    def attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        opened = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = opened["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def size(self, width: int, height: int, *, scale: float = 1, mobile: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=scale, mobile=mobile,
        )

    def open(self, url: str) -> None:
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self._next()

    def run(self, script: str) -> Any:
        """Value of a script; a promise is awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def until(self, condition: str, *, seconds: float = 15) -> Any:
        """Wait in the page, frame by frame, until a script's value is true."""
        return self.run(
            f"new Promise((done, fail) => {{ const end = Date.now() + {1000 * seconds};"
            f"(function look() {{ const v = ({condition}); if (v) done(v);"
            f"else if (Date.now() > end) fail(new Error('waited in vain for: ' + "
            f"{json.dumps(condition)})); else setTimeout(look, 20); }})(); }})"
        )

    def click(self, selector: str) -> None:
        """Click with the mouse on the middle of an element."""
        spot = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const r = e.getBoundingClientRect();"
            "return [r.left + r.width / 2, r.top + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=spot[0], y=spot[1], button="left",
                clickCount=1,
            )

    def screenshot(self, path: Path, *, full: bool = False) -> None:
        params: dict[str, Any] = {"format": "png", "captureBeyondViewport": full}
        if full:
            box = self.call("Page.getLayoutMetrics")["cssContentSize"]
            params["clip"] = {**box, "scale": 1}
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **params)["data"]))

    def print(self, path: Path) -> None:
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        self._in.close()
        os.close(self._out)


@contextmanager
def chromium_page(profile: Path) -> Iterator[Page]:
    """A page of a fresh browser; `profile` is a folder for its files."""
    browser_reads, we_write = os.pipe()
    we_read, browser_writes = os.pipe()
    # The browser reads from descriptor 3 and writes to 4; the shell puts the pipes there.
    command = f'exec "$0" "$@" 3<&{browser_reads} 4>&{browser_writes}'
    flags = [*FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with (profile.parent / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/bash", "-c", command, CHROMIUM, *flags],
            pass_fds=(browser_reads, browser_writes), stdout=log, stderr=log,
        )
        os.close(browser_reads)
        os.close(browser_writes)
        page = Page(we_write, we_read)
        try:
            page.attach()
            yield page
        finally:
            page.close()
            process.terminate()
            process.wait(timeout=10)
