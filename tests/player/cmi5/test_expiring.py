"""Sessions whose time is up are abandoned, once, by the worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lrs.db import reading
from player.cmi5.expiring import abandon_expired
from player.cmi5.tables import Cmi5Session
from player.tables import Launch
from tests.player.cmi5.unit import Lms

if TYPE_CHECKING:
    from lrs.parts import Parts


def test_only_what_is_open_and_expired_is_abandoned(parts: Parts) -> None:
    lms = Lms(parts)
    silent = lms.launch(0)
    over = lms.launch(0).begin().say("initialized", "terminated")
    soon, late = (datetime.now(UTC) + timedelta(hours=hours) for hours in (11, 13))
    found = []
    for now in (soon, late, late):
        abandon_expired(parts, now)
        with reading(parts.engine) as db:
            found.append(
                [
                    db.get_one(Cmi5Session, unit.launch_id).abandoned_at is not None
                    for unit in (silent, over)
                ]
            )
    assert found == [[False, False], [True, False], [True, False]]
    with reading(parts.engine) as db:
        assert db.get_one(Launch, silent.launch_id).ended_at == late
        # what ended itself needs nobody to end it
        assert db.get_one(Launch, over.launch_id).ended_at is None
