"""The cast: people named by their role, in two agencies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from unittest.mock import patch

from portal import users
from portal.agencies import Agency, create_agency
from portal.users import User, create_user

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

PASSWORD = "correct horse battery"
# the same password is hashed once for all of the cast: a real hash takes long
hash_once = cache(users.hash_password)


@dataclass(frozen=True)
class Cast:
    """Two agencies and the people of the tests."""

    harbor: Agency
    alder: Agency
    officer: User
    dispatcher: User
    civilian: User
    manager: User
    outsider: User
    outside_manager: User
    author: User
    analyst: User
    auditor: User
    operator: User


def make_cast(db: Session, now: datetime) -> Cast:
    harbor = create_agency(db, name="Harbor City Police Department", now=now)
    alder = create_agency(db, name="Alder Ridge Sheriff's Office", now=now)

    def person(name: str, role: str, agency: Agency | None, position: str) -> User:
        address = name.lower().replace(" ", ".")
        with patch.object(users, "hash_password", hash_once):
            return create_user(
                db,
                email=f"{address}@example.org",
                name=name,
                password=PASSWORD,
                roles=[role],
                agency=agency,
                position=position,
                now=now,
            )

    return Cast(
        harbor=harbor,
        alder=alder,
        officer=person("Officer", "learner", harbor, "sworn"),
        dispatcher=person("Dispatcher", "learner", harbor, "dispatcher"),
        civilian=person("Civilian", "learner", harbor, "npo"),
        manager=person("Training manager", "training_manager", harbor, "sworn"),
        outsider=person("Outsider", "learner", alder, "sworn"),
        outside_manager=person("Outside manager", "training_manager", alder, "sworn"),
        author=person("Author", "author", None, "npo"),
        analyst=person("Analyst", "analyst", None, "npo"),
        auditor=person("Auditor", "auditor", None, "npo"),
        operator=person("Operator", "operator", None, "npo"),
    )
