"""Which units of a registration were waived."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from lrs.tables import MAIN_TENANT
from player import registrations
from player.waivers import waived_units, waiver_id
from tests.player.sample import Player, add_package, make_unit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


def test_those_that_have_a_statement_of_it(
    db: Session, config: Config, now: datetime
) -> None:
    units = [make_unit(place) for place in range(3)]
    player = Player(db, config, add_package(db, *units, now=now), now).open()
    statement_id = registrations.waive(
        db,
        config=config,
        tenant=MAIN_TENANT,
        registration=player.registration,
        unit=1,
        reason="Administrative",
        now=now,
    )
    assert statement_id == waiver_id(player.registration, player.package.id, 1)

    def found(registration: uuid.UUID) -> set[int]:
        return waived_units(
            db,
            tenant=MAIN_TENANT,
            registration=registration,
            package_id=player.package.id,
            units=units,
        )

    assert found(player.registration) == {1}
    assert found(uuid.uuid4()) == set()
