from __future__ import annotations

from unittest.mock import patch

import pytest

from tests.portal.views.text import text_of


@pytest.fixture(autouse=True)
def _clock(now):
    with patch("portal.views.managers.clock", lambda: now):
        yield


def test_a_manager_sees_the_own_agency_only(world, caller) -> None:
    world.complete(world.cast.officer)
    inside, outside = caller(world.cast.manager), caller(world.cast.outside_manager)
    page = text_of(inside.get("/agency/learners"))
    assert "Officer" in page
    assert "Outsider" not in page
    assert "Officer" not in text_of(outside.get("/agency/learners"))
    for path in ("", "/credit"):
        address = f"/agency/learners/{world.cast.officer.id}{path}"
        assert inside.get(address).status_code == 200
        assert outside.get(address).status_code == 404
    page = text_of(inside.get(f"/agency/learners/{world.cast.officer.id}"))
    assert "Completed" in page
    assert "1 of 24 hours earned" in page
