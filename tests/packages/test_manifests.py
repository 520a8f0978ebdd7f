from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from packages.courses import (
    PackageNotFound,
    PackageNotImported,
    get_package,
    manifest_of,
)
from packages.manifests import Manifests, manifest_at
from tests.player.sample import add_package, make_unit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def test_a_manifest_is_read_once(db: Session, now: datetime) -> None:
    package = add_package(db, make_unit(0), make_unit(1), now=now)
    assert manifest_at(db, package_id=package.id) == manifest_of(package)
    db.expunge_all()
    asked: list[str] = []
    event.listen(
        db.get_bind(), "before_cursor_execute", lambda *told: asked.append(told[2])
    )
    assert manifest_at(db, package_id=package.id) == manifest_of(package)
    assert asked == []


def test_what_is_not_imported_is_not_kept(db: Session, now: datetime) -> None:
    kept = Manifests()
    with pytest.raises(PackageNotFound):
        kept.get(db, package_id=uuid.uuid4())
    package = add_package(db, now=now)
    package.status = "importing"
    with pytest.raises(PackageNotImported):
        kept.get(db, package_id=package.id)
    assert len(kept) == 0
    package.status = "imported"
    assert kept.get(db, package_id=package.id) == manifest_of(package)


def test_the_last_used_are_kept_up_to_a_number_of_units(
    db: Session, now: datetime
) -> None:
    kept = Manifests(most=5)
    small = [add_package(db, now=now).id for _ in range(3)]
    for package_id in small:
        kept.get(db, package_id=package_id)
    assert len(kept) == 3
    kept.get(db, package_id=small[0])
    middle = add_package(db, *[make_unit(n) for n in range(4)], now=now).id
    kept.get(db, package_id=middle)
    # the first was used last, so it is what stays beside the four
    assert len(kept) == 2
    get_package(db, package_id=small[0]).status = "queued"
    assert len(kept.get(db, package_id=small[0]).units) == 1
    large = add_package(db, *[make_unit(n) for n in range(6)], now=now).id
    assert len(kept.get(db, package_id=large).units) == 6
    assert len(kept) == 0
