from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select

from lrs import persons
from lrs.persons import (
    actor_keys_of,
    find_names,
    ifis_of,
    link,
    own_person,
    person_object,
    person_of,
    unlink,
)
from lrs.rules.tables import Change, PersonLink
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, key_of
from statements.actors import actor_of
from statements.errors import Invalid
from statements.prepare import prepare

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

MAIL = "mbox::mailto:officer@agency.example"
ACCOUNT = "account::https://portal.example|officer"
OTHER = "openid::https://id.example/officer"


def person(db: Session, ifi: str, **rest: int) -> uuid.UUID:
    return person_of(db, tenant=MAIN_TENANT, ifi=ifi, **rest)


def everybody(db: Session) -> list[list[str]]:
    """The identifiers of each person."""
    found = [ifis_of(db, tenant=MAIN_TENANT, ifi=ifi) for ifi in (MAIL, ACCOUNT, OTHER)]
    return [one for at, one in enumerate(found) if one not in found[:at]]


def join(db: Session, now: datetime, ifi: str, to: str) -> uuid.UUID:
    return link(db, tenant=MAIN_TENANT, ifi=ifi, to=to, why="POST-ID", now=now)


def part(db: Session, now: datetime, ifi: str) -> uuid.UUID:
    return unlink(db, tenant=MAIN_TENANT, ifi=ifi, why="a mistake", now=now)


def test_everybody_is_a_person_of_their_own_at_first(db: Session) -> None:
    assert person(db, MAIL) == own_person(key_of(MAIL))
    assert len({person(db, ifi) for ifi in (MAIL, ACCOUNT, OTHER)}) == 3
    assert everybody(db) == [[MAIL], [ACCOUNT], [OTHER]]


def test_linking_is_explicit_and_reaches_all_that_is_linked(
    db: Session, now: datetime
) -> None:
    join(db, now, MAIL, ACCOUNT)
    assert person(db, MAIL) == person(db, ACCOUNT) != person(db, OTHER)
    found = join(db, now, ACCOUNT, OTHER)
    assert everybody(db) == [[ACCOUNT, MAIL, OTHER]]
    assert found == person(db, MAIL) == own_person(key_of(OTHER))
    keys = actor_keys_of(db, tenant=MAIN_TENANT, person=found)
    assert keys == {key_of(ifi) for ifi in (MAIL, ACCOUNT, OTHER)}


def test_linking_twice_changes_nothing(db: Session, now: datetime) -> None:
    join(db, now, MAIL, ACCOUNT)
    join(db, now, MAIL, ACCOUNT)
    join(db, now, ACCOUNT, MAIL)
    assert len(db.scalars(select(Change)).all()) == 1


def test_a_link_is_a_change_of_the_catalogue(db: Session, now: datetime) -> None:
    join(db, now, MAIL, ACCOUNT)
    assert person(db, MAIL, number=0) == own_person(key_of(MAIL))
    assert person(db, MAIL, number=1) == own_person(key_of(ACCOUNT))


@pytest.mark.parametrize("leaving", [MAIL, ACCOUNT, OTHER])
def test_unlinking_leaves_the_others_together(
    db: Session, now: datetime, leaving: str
) -> None:
    join(db, now, MAIL, ACCOUNT)
    join(db, now, OTHER, ACCOUNT)
    found = part(db, now, leaving)
    others = sorted({MAIL, ACCOUNT, OTHER} - {leaving})
    assert sorted(everybody(db)) == sorted([[leaving], others])
    assert found == person(db, leaving) == own_person(key_of(leaving))
    assert person(db, others[0]) == person(db, others[1]) != found
    # history stays
    assert len(db.scalars(select(PersonLink)).all()) >= 5


def test_unlinking_who_is_alone_changes_nothing(db: Session, now: datetime) -> None:
    part(db, now, MAIL)
    assert db.scalars(select(Change)).all() == []


def test_only_identifiers_are_linked(db: Session, now: datetime) -> None:
    for ifi, to in ((MAIL, "somebody"), ("somebody", MAIL)):
        with pytest.raises(Invalid):
            join(db, now, ifi, to)


def test_a_link_of_one_tenant_is_none_of_another(db: Session, now: datetime) -> None:
    join(db, now, MAIL, ACCOUNT)
    assert person_of(db, tenant=2, ifi=MAIL) == own_person(key_of(MAIL))


def test_the_person_object_lists_identifiers_by_kind() -> None:
    several = [MAIL, "mbox::mailto:b@agency.example", ACCOUNT]
    assert person_object(several, ["B", "A"]) == {
        "objectType": "Person",
        "name": ["B", "A"],
        "mbox": ["mailto:officer@agency.example", "mailto:b@agency.example"],
        "account": [{"homePage": "https://portal.example", "name": "officer"}],
    }
    assert "name" not in person_object([OTHER], [])


def named(ifi: str, name: str) -> dict[str, Any]:
    return actor_of(ifi) | {"name": name}


def store(db: Session, now: datetime, *statements: dict[str, Any]) -> None:
    common = {
        "verb": {"id": "https://v.example"},
        "object": {"id": "https://a.example"},
    }
    prepared = []
    for statement in statements:
        whole = {"id": str(uuid.uuid4()), **common, **statement}
        prepared.append(prepare(whole, orjson.dumps(whole), version="2.0.0", now=now))
    store_statements(
        db,
        tenant=MAIN_TENANT,
        statements=prepared,
        authority=named(MAIL, "the authority"),
        now=now,
    )


def test_names_are_found_wherever_statements_give_them(
    db: Session, now: datetime
) -> None:
    someone = named("mbox::mailto:someone@agency.example", "someone else")
    team = {"objectType": "Group", "name": "no", "member": [someone, named(MAIL, "e")]}
    store(
        db,
        now,
        {"actor": named(MAIL, "a")},
        {"actor": someone, "object": named(MAIL, "b")},
        {"actor": team},
        {"actor": someone, "context": {"instructor": named(MAIL, "c")}},
        {"actor": someone, "context": {"team": {**team, "member": [named(MAIL, "d")]}}},
        {
            "actor": someone,
            "context": {
                "contextAgents": [
                    {"objectType": "contextAgent", "agent": named(MAIL, "f")}
                ],
                "contextGroups": [
                    {
                        "objectType": "contextGroup",
                        "group": {**team, "member": [named(MAIL, "g")]},
                    }
                ],
            },
        },
        {
            "actor": someone,
            "object": {
                "objectType": "SubStatement",
                "actor": named(MAIL, "h"),
                "verb": {"id": "https://v.example"},
                "object": {"id": "https://a.example"},
            },
        },
        {"actor": actor_of(MAIL)},
        {"actor": named(MAIL, "a")},
        {"actor": named(ACCOUNT, "another's")},
    )
    found = find_names(db, tenant=MAIN_TENANT, ifis=[MAIL])
    assert found == ["a", "h", "f", "g", "d", "c", "e", "b"]
    assert find_names(db, tenant=MAIN_TENANT, ifis=[ACCOUNT, OTHER]) == ["another's"]
    assert find_names(db, tenant=2, ifis=[MAIL]) == []


def test_names_are_looked_for_in_the_newest_statements(
    db: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(db, now, *({"actor": named(MAIL, name)} for name in "abcde"))
    monkeypatch.setattr(persons, "NAMED_IN", 3)
    assert find_names(db, tenant=MAIN_TENANT, ifis=[MAIL]) == ["e", "d", "c"]
