from __future__ import annotations

import pytest

from tests.portal.views.text import text_of


@pytest.fixture
def engine(sqlite_engine):
    return sqlite_engine


def test_everyone_begins_where_their_work_is(world, caller) -> None:
    first = {
        "officer": "/my/courses",
        "manager": "/agency/learners",
        "author": "/authoring",
        "analyst": "/statements",
        "operator": "/admin/users",
    }
    for name, path in first.items():
        assert caller(getattr(world.cast, name)).get("/").headers["Location"] == path


def test_the_start_page_needs_no_sign_in(caller) -> None:
    assert "Sign in" in text_of(caller().get("/"))


def test_the_profile_says_what_is_known(world, caller) -> None:
    page = text_of(caller(world.cast.manager).get("/account"))
    for part in (
        "Training manager",
        "training.manager@example.org",
        "Harbor City Police Department",
        "Sworn officer",
        str(world.cast.manager.id),
    ):
        assert part in page
