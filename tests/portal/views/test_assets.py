from __future__ import annotations

import pytest


@pytest.fixture
def engine(sqlite_engine):
    """One database is enough here: what differs between the two is tested elsewhere."""
    return sqlite_engine


def test_assets_are_from_a_list(caller) -> None:
    browser = caller()
    for path in (
        "/assets/portal/rollcall.css",
        "/assets/portal/upload.js",
        "/assets/uswds/css/uswds.min.css",
        "/assets/uswds/fonts/public-sans/PublicSans-Regular.woff2",
    ):
        assert browser.get(path, buffered=True).status_code == 200, path
    for path in (
        "/assets/portal/../views/pages.py",
        "/assets/portal/..%2fviews%2fpages.py",
        "/assets/portal/nothing.css",
        "/assets/uswds/scss/stylesheets/uswds.scss",
        "/assets/uswds/../package.json",
        "/assets/uswds/%2e%2e/package.json",
    ):
        assert browser.get(path).status_code == 404, path
