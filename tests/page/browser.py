"""Headless Chromium, over the WebDriver protocol."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Browser:
    """A browser with a profile in `folder`; a context manager. `chromedriver` and `chromium` are paths."""

    def __init__(self, folder: Path, chromedriver: str, chromium: str) -> None:
        self._driver = subprocess.Popen([chromedriver, "--port=0"], stdout=subprocess.PIPE, text=True)
        try:
            assert self._driver.stdout is not None
            said = (re.search(r"started successfully on port (\d+)", line) for line in self._driver.stdout)
            self._url = f"http://127.0.0.1:{next(found for found in said if found)[1]}/session"
            options = {"binary": chromium, "args": [*FLAGS, f"--user-data-dir={folder}"]}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            session = self._call("", {"capabilities": {"alwaysMatch": wanted}})
            self._url += f"/{session['sessionId']}"
        except BaseException:
            self._driver.kill()
            raise

    def _call(self, path: str, given: dict[str, Any] | None, method: str = "POST") -> Any:
        body = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(f"{self._url}{path}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise AssertionError(json.load(refusal)["value"]["message"]) from None

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        self._call("/url", {"url": url})

    def run(self, script: str) -> Any:
        """What the function body `script` returns there."""
        return self._call("/execute/sync", {"script": script, "args": []})

    def text(self, selector: str) -> str:
        """What is to be read of the first element that fits; "" without one, and of one that is hidden."""
        find = f"const found = document.querySelector({json.dumps(selector)})"
        text: str = self.run(f"{find}; return found?.checkVisibility() ? found.innerText : ''")
        return text

    def _devtools(self, command: str, **parameters: Any) -> None:
        self._call("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screen(self, width: int, height: int, *, phone: bool = False) -> None:
        """Show pages on one of so many CSS pixels; a phone's has two dots for each."""
        self._devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def scheme(self, scheme: str) -> None:
        """`light` or `dark`: what the user prefers."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._devtools("Emulation.setEmulatedMedia", features=features)

    def picture(self) -> bytes:
        """What the screen shows, as PNG."""
        return base64.b64decode(self._call("/screenshot", None, "GET"))

    def complaints(self) -> list[str]:
        """Errors of scripts, and what the page's policy refused, since the last call."""
        return [entry["message"] for entry in self._call("/se/log", {"type": "browser"})]

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call("", None, "DELETE")
        finally:
            self._driver.terminate()
            self._driver.communicate(timeout=20)
