"""Framesets: the contents frame leads the frame beside it, sandbox or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.player.browser.test_play import content_of
from tests.player.packages import scorm_12

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Page

    from tests.player.site import Site

FRAMESET = """<!doctype html><html lang="en"><head><title>Frames</title></head>
<frameset cols="200,*">
<frame name="contents" src="contents.html"><frame name="page" src="one.html">
</frameset></html>"""
CONTENTS = """<!doctype html><html lang="en"><head><title>Contents</title></head><body>
<a href="two.html" target="page">link</a>
<button onclick="window.open('two.html', 'page')">open</button>
<a href="two.html" target="page" onclick="return false">refused</a>
<a href="two.html">own</a>
</body></html>"""
INSIDE = """<!doctype html><html lang="en"><head><title>Page</title></head><body>
<h1>One</h1><a href="two.html" target="_parent">parent</a></body></html>"""


def framed(site: Site, page: Page) -> FrameLocator:
    """Show the frameset; the unit's own document."""
    files: dict[str, bytes | str] = {
        "unit 0/contents.html": CONTENTS,
        "unit 0/one.html": INSIDE,
        "unit 0/two.html": "<!doctype html><h1>Two</h1>",
    }
    package = site.add(scorm_12({"One": FRAMESET}, files))
    page.goto(site.launch(package).url)
    expect(page.locator("#cover")).to_be_hidden()
    unit = content_of(page)
    expect(beside(unit).locator("h1")).to_have_text("One")
    return unit


def beside(unit: FrameLocator) -> FrameLocator:
    return unit.frame_locator("frame[name=page]")


@pytest.mark.parametrize("way", ["link", "open"])
def test_a_frame_leads_the_one_beside_it(site: Site, page: Page, way: str) -> None:
    unit = framed(site, page)
    unit.frame_locator("frame[name=contents]").get_by_text(way).click()
    expect(beside(unit).locator("h1")).to_have_text("Two")


def test_a_link_of_the_frame_itself_and_one_that_is_refused_stay_as_they_are(
    site: Site, page: Page
) -> None:
    unit = framed(site, page)
    contents = unit.frame_locator("frame[name=contents]")
    contents.get_by_text("refused").click()
    expect(beside(unit).locator("h1")).to_have_text("One")
    contents.get_by_text("own").click()
    expect(contents.locator("h1")).to_have_text("Two")


def test_a_frame_may_lead_the_one_above_it(site: Site, page: Page) -> None:
    unit = framed(site, page)
    beside(unit).get_by_text("parent").click()
    expect(unit.locator("h1")).to_have_text("Two")
