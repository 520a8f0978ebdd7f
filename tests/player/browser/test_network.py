"""Every fault of a bad network, each several times: nothing lost, nothing twice."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from tests.conftest import sqlite_url
from tests.player.browser.test_faults import (
    FEWEST_ENTRIES,
    WORKING,
    all_sent,
    check_all_applied_once,
    frame_of,
    opened,
)
from tests.player.packages import scorm_12, unit
from tests.player.site import serve
from tests.proxy import FAULTS, Proxy, Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page, Route

    from lrs.config import Config
    from tests.player.site import Site
    from tests.servers import Servers

TIMES = int(os.environ.get("ROLLCALLTEST_NETWORK_TIMES", "1"))
PATIENCE = 240.0
# What the browser itself says of networks that no proxy can play.
UNREACHABLE = (
    "namenotresolved",
    "connectionrefused",
    "connectionreset",
    "addressunreachable",
    "internetdisconnected",
    "timedout",
)
# What gets no answer at all is given up after half a minute; here, sooner. Pauses
# between tries are what they are, but nobody waits for the longest.
HASTE = """
const timeout = AbortSignal.timeout;
AbortSignal.timeout = () => timeout.call(AbortSignal, 3000);
"""


@pytest.fixture
def proxied(
    servers: Servers, tmp_path: Path, config: Config
) -> Iterator[tuple[Site, Proxy]]:
    """Give a player that browsers reach by way of a proxy."""
    config = replace(config, database_url=sqlite_url(servers, tmp_path))
    with Proxy() as proxy, serve(config, public=proxy.port) as site:
        proxy.upstream = site.port
        yield site, proxy


def is_sending(path: str) -> bool:
    return path.endswith("/entries") and path.startswith("/launches/")


def wait_for(page: Page, counted: Counter[str], names: tuple[str, ...]) -> None:
    """Let the page work until each has happened so many times."""
    until = time.monotonic() + PATIENCE
    while any(counted[name] < TIMES for name in names):
        assert time.monotonic() < until, counted
        page.wait_for_timeout(50)
        page.evaluate("window.dispatchEvent(new Event('online'))")
    shell = frame_of(page, "/__player/shell")
    shell.wait_for_function(f"entries.length >= {FEWEST_ENTRIES}")
    frame_of(page, "/page.html").evaluate("rest()")


def test_f3_every_fault_of_a_network_loses_nothing(
    proxied: tuple[Site, Proxy], context: BrowserContext
) -> None:
    site, proxy = proxied
    context.add_init_script(HASTE)
    page = opened(
        site, context, package=site.add(scorm_12({"One": unit("One", WORKING)}))
    )
    # every other request goes through, so that there is always something new to send
    turns = cycle(one for fault in FAULTS for one in (fault, None))

    def choose(request: Request) -> str | None:
        return next(turns) if is_sending(request.path) else None

    proxy.choose = choose
    frame_of(page, "/page.html").evaluate("work()")
    wait_for(page, proxy.done, FAULTS)
    proxy.choose = lambda _: None
    all_sent(page)
    check_all_applied_once(site, page)
    assert min(proxy.done[fault] for fault in FAULTS) >= TIMES


def test_f3_names_and_hosts_that_cannot_be_reached_lose_nothing(
    site: Site, context: BrowserContext
) -> None:
    page = opened(
        site, context, package=site.add(scorm_12({"One": unit("One", WORKING)}))
    )
    counted: Counter[str] = Counter()
    turns = cycle(one for name in UNREACHABLE for one in (name, None))

    def spoil(route: Route) -> None:
        name = next(turns)
        if name is None:
            route.continue_()
        else:
            counted[name] += 1
            route.abort(name)

    page.route("**/launches/*/entries", spoil)
    frame_of(page, "/page.html").evaluate("work()")
    wait_for(page, counted, UNREACHABLE)
    page.unroute("**/launches/*/entries")
    all_sent(page)
    check_all_applied_once(site, page)
