"""Packages sent by an author, and the page that looks on."""

from __future__ import annotations

import uuid


def test_unknown_packages_have_no_status(cast, caller) -> None:
    browser = caller(cast.author)
    assert browser.get(f"/authoring/packages/{uuid.uuid4()}/status").status_code == 404
