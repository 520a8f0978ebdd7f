"""Persons: the identifiers (IFIs) that belong to one human being.

Every identifier is a person of its own until somebody links it to another: an
operator, or a proof such as a POST-ID. Links are only ever added; the newest row of
an identifier counts, so unlinking is one more row and history stays. Linking and
unlinking are changes of the rules' catalogue: they re-decide what both persons have
earned. xAPI 1.0.3 Communication 2.4 (Agents resource: the Person object).
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.rules.catalogue import note_change
from lrs.rules.tables import PersonLink
from lrs.tables import Reference, Statement, key_of
from statements import actors
from statements.actors import actor_of
from statements.references import ACTORS

# how many of the newest statements of an identifier are looked through for names
NAMED_IN = 100
NAMESPACE = uuid.UUID("5c1f6f0e-0c86-5c1b-9a53-6a1f3c6f0b7d")


def own_person(actor_key: uuid.UUID) -> uuid.UUID:
    """The person that an identifier is as long as nobody links it."""
    return uuid.uuid5(NAMESPACE, actor_key.hex)


def person_of(
    db: Session, *, tenant: int, ifi: str, number: int | None = None
) -> uuid.UUID:
    """The person an identifier belongs to, now or after change `number`."""
    return person_of_key(db, tenant=tenant, actor_key=key_of(ifi), number=number)


def person_of_key(
    db: Session, *, tenant: int, actor_key: uuid.UUID, number: int | None = None
) -> uuid.UUID:
    """The same, by the key of the identifier."""
    newest = (
        select(PersonLink.person)
        .where(PersonLink.tenant_id == tenant, PersonLink.actor_key == actor_key)
        .order_by(PersonLink.number.desc())
        .limit(1)
    )
    if number is not None:
        newest = newest.where(PersonLink.number <= number)
    return db.scalar(newest) or own_person(actor_key)


def actor_keys_of(
    db: Session,
    *,
    tenant: int,
    person: uuid.UUID,
    actor_key: uuid.UUID | None = None,
    number: int | None = None,
) -> frozenset[uuid.UUID]:
    """The keys of all identifiers of a person, now or after change `number`.

    An identifier that was never linked is in no table: pass the one at hand.
    """
    ever = select(PersonLink.actor_key).where(
        PersonLink.tenant_id == tenant,
        (PersonLink.person == person) | (PersonLink.previous == person),
    )
    candidates = set(db.scalars(ever))
    if actor_key is not None:
        candidates.add(actor_key)
    return frozenset(
        key
        for key in candidates
        if person_of_key(db, tenant=tenant, actor_key=key, number=number) == person
    )


def ifis_of(db: Session, *, tenant: int, ifi: str) -> list[str]:
    """All identifiers of the person that `ifi` belongs to, itself among them."""
    key = key_of(ifi)
    person = person_of_key(db, tenant=tenant, actor_key=key)
    keys = actor_keys_of(db, tenant=tenant, person=person, actor_key=key)
    known = select(PersonLink.ifi).where(
        PersonLink.tenant_id == tenant, PersonLink.actor_key.in_(keys)
    )
    return sorted({ifi, *db.scalars(known)})


def link(
    db: Session, *, tenant: int, ifi: str, to: str, why: str, now: datetime
) -> uuid.UUID:
    """Make `ifi`, with all that is linked to it, the same person as `to`; the person.

    Raises Invalid where one of them is no identifier. Linking twice changes nothing.
    """
    actor_of(ifi)
    actor_of(to)
    person = person_of(db, tenant=tenant, ifi=to)
    moving = [
        one
        for one in ifis_of(db, tenant=tenant, ifi=ifi)
        if person_of(db, tenant=tenant, ifi=one) != person
    ]
    if moving:
        # the one they join is listed too, so that the person's identifiers are complete
        moving += [to]
    _move(db, tenant=tenant, moving=dict.fromkeys(moving, person), why=why, now=now)
    return person


def unlink(db: Session, *, tenant: int, ifi: str, why: str, now: datetime) -> uuid.UUID:
    """Make `ifi` a person of its own again; that person.

    Where others were linked to it, they go on as the person they are: it is `ifi`
    that leaves, under an id that only it can have.
    """
    person = person_of(db, tenant=tenant, ifi=ifi)
    own = own_person(key_of(ifi))
    others = [one for one in ifis_of(db, tenant=tenant, ifi=ifi) if one != ifi]
    if person != own:
        moving = {ifi: own}
    elif others:
        # the others bear the id of the one that leaves: they move to one of theirs
        theirs = own_person(key_of(others[0]))
        moving = dict.fromkeys(others, theirs)
    else:
        moving = {}
    _move(db, tenant=tenant, moving=moving, why=why, now=now)
    return own


def _move(
    db: Session, *, tenant: int, moving: dict[str, uuid.UUID], why: str, now: datetime
) -> None:
    if not moving:
        return
    number = note_change(db, tenant=tenant, kind="link", course_key=None, now=now)
    for ifi, person in moving.items():
        db.add(
            PersonLink(
                tenant_id=tenant,
                number=number,
                actor_key=key_of(ifi),
                ifi=ifi,
                person=person,
                previous=person_of(db, tenant=tenant, ifi=ifi),
                why=why,
                recorded_at=now,
            )
        )
    db.flush()


def find_names(db: Session, *, tenant: int, ifis: list[str]) -> list[str]:
    """The names that statements give these identifiers, newest first, each once.

    Looks through the newest statements that refer to each of them.
    """
    found: dict[str, None] = {}
    for ifi in ifis:
        newest = (
            select(Reference.seq)
            .where(
                Reference.tenant_id == tenant,
                Reference.ref_key == key_of(ifi),
                # the server's own word is not in what was received
                Reference.usage.in_(sorted(ACTORS - {"authority"})),
            )
            .distinct()
            .order_by(Reference.seq.desc())
            .limit(NAMED_IN)
        )
        payloads = (
            select(Statement.payload)
            .where(Statement.tenant_id == tenant, Statement.seq.in_(newest))
            .order_by(Statement.seq.desc())
        )
        for payload in db.scalars(payloads):
            for actor in _actors_in(orjson.loads(payload)):
                if "name" in actor and actors.ifi(actor) == ifi:
                    found.setdefault(actor["name"])
    return list(found)


def _actors_in(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every Agent and Group of a statement or sub-statement, members among them."""
    target, context = part["object"], part.get("context", {})
    named = [part["actor"], context.get("instructor"), context.get("team")]
    named += [one["agent"] for one in context.get("contextAgents", ())]
    named += [one["group"] for one in context.get("contextGroups", ())]
    kind = target.get("objectType")
    if kind in {"Agent", "Group"}:
        named.append(target)
    for actor in named:
        if actor is not None:
            yield actor
            yield from actor.get("member", ())
    if kind == "SubStatement":
        yield from _actors_in(target)


def person_object(ifis: list[str], names: list[str]) -> dict[str, Any]:
    """The Person object of the Agents resource for these identifiers and names."""
    person: dict[str, Any] = {"objectType": "Person"}
    if names:
        person["name"] = names
    for ifi in ifis:
        for kind, value in actor_of(ifi).items():
            if kind != "objectType":
                person.setdefault(kind, []).append(value)
    return person
