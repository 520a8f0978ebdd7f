"""A Chromium that can be killed: started as a process of our own, driven over CDP."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.servers import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, BrowserType

START_SECONDS = 120
END_SECONDS = 10
OPTIONS = [
    "--headless=new",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]


class Killable:
    """A browser with its profile in `folder`; the profile outlives the process."""

    def __init__(self, driver: BrowserType, folder: Path) -> None:
        self.driver = driver
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> BrowserContext:
        """Start it and give its one context."""
        port_file = self.folder / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        options = [*OPTIONS, f"--user-data-dir={self.folder}"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")
        self.process = subprocess.Popen(
            [chromium(), *options, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + START_SECONDS
        while not port_file.exists() or "\n" not in port_file.read_text():
            if time.monotonic() > until:
                message = "Chromium did not start"
                raise RuntimeError(message)
            time.sleep(0.05)
        port = port_file.read_text().split("\n")[0]
        browser = self.driver.connect_over_cdp(f"http://127.0.0.1:{port}")
        return browser.contexts[0]

    def kill(self) -> None:
        """Kill every process of the browser at once, as a power button would."""
        if self.process is not None:
            group, until = self.process.pid, time.monotonic() + END_SECONDS
            os.killpg(group, signal.SIGKILL)
            self.process.wait()
            self.process = None
            with contextlib.suppress(ProcessLookupError):
                while time.monotonic() < until:
                    os.killpg(group, 0)
                    time.sleep(0.01)


@contextmanager
def killable(driver: BrowserType, folder: Path) -> Iterator[Killable]:
    """Give a browser that is not running yet, and end it at last."""
    browser = Killable(driver, folder)
    try:
        yield browser
    finally:
        browser.kill()
