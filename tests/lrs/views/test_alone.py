from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrs.views.access import allowed_of
from lrs.views.alone import create_app
from tests.lrs.views.conftest import Lrs, issue, statement

if TYPE_CHECKING:
    from lrs.parts import Parts


@pytest.fixture
def alone(parts: Parts) -> Lrs:
    return Lrs(create_app(parts), parts, issue(parts))


def test_it_takes_and_gives_statements(alone: Lrs) -> None:
    (id,) = alone.store(statement())
    assert alone.found() == [id]


def test_every_route_declares_who_may_call_it(alone: Lrs) -> None:
    rules = list(alone.app.url_map.iter_rules())
    assert len(rules) > 5
    undeclared = [
        str(rule) for rule in rules if allowed_of(alone.app, rule.endpoint) is None
    ]
    assert undeclared == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/metrics", 200),
        ("/xapi/about", 200),
        ("/", 404),
        ("/sign-in", 404),
    ],
)
def test_what_is_the_portals_is_not_there(alone: Lrs, path: str, status: int) -> None:
    answer = alone.get(path)
    assert answer.status_code == status
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Request-ID"]
