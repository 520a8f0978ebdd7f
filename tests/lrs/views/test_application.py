from __future__ import annotations

from lrs.views import parts
from lrs.views.application import parts as same
from tests.lrs.views.conftest import Lrs


def test_views_reach_the_parts(lrs: Lrs) -> None:
    with lrs.app.app_context():
        assert parts() is lrs.parts
        assert same() is lrs.parts
