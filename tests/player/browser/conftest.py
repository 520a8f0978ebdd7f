"""The player served on both sites, and pages of a real Chromium on it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.conftest import sqlite_url
from tests.player.site import Site, serve
from tests.servers import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from lrs.config import Config
    from tests.servers import Servers


@pytest.fixture
def site(servers: Servers, tmp_path: Path, config: Config) -> Iterator[Site]:
    with serve(replace(config, database_url=sqlite_url(servers, tmp_path))) as served:
        yield served


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 800})
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def playwright_open(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Give a function that opens a browser of its own with options of its own."""
    opened: list[Browser] = []

    def open_with(*options: str) -> BrowserContext:
        made = browser.browser_type.launch(
            executable_path=chromium(),
            chromium_sandbox=os.geteuid() != 0,
            args=list(options),
        )
        opened.append(made)
        return made.new_context()

    yield open_with
    for one in opened:
        one.close()
