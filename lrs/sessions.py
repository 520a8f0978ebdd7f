"""Callers whose credential is good for one launch of a unit, and no longer.

The record store knows what such a caller is bound to: an actor, a registration, a unit.
What else holds while a launch goes on (which statement may follow which, which document
is whose) is known by whoever launches; `wsgi.py` hands it in as `Sessions`, by kind.
Where the record store runs alone nothing is launched, and nobody comes with such a key.

A session's key is `kind.hex`, so that it is told from a credential's by a look at it.
Nothing of these callers is remembered between requests: an ended session is refused at
once, and the requests of other callers are as fast as they were.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from lrs.credentials import Bounds, Caller, digest, read_basic
from lrs.documents import ACTIVITY_PROFILE, STATE, Content, Context
from lrs.store import Write, authority_text, store_write
from statements import text
from statements.build import agent
from statements.errors import DomainError, Forbidden, NotFound, Unauthenticated
from statements.prepare import Prepared, prepare
from statements.references import LAUNCH

UNIT_ACCOUNT = "unit"
SCOPES = frozenset({"statements/write", "statements/read", "state", "profile"})


@dataclass(frozen=True)
class SessionKey:
    """A new key with its secret; `sha256` is what may be kept of the secret.

    `token` is both as they follow `Basic ` in an Authorization header.
    """

    key: str
    secret: str
    sha256: bytes
    token: str


@dataclass(frozen=True)
class Further:
    """Statements that follow from those received, under the authority given."""

    statements: Sequence[Prepared]
    authority: dict[str, Any]


@dataclass(frozen=True)
class DocumentCall:
    """What a bounded caller asks of a document resource.

    `method` is GET, PUT, POST or DELETE. Without `document_id` it is about all
    documents of the context. `content` is what a PUT or POST sends.
    """

    method: str
    context: Context
    document_id: str | None
    content: Content | None = None


class Sessions(Protocol):
    """What the record store asks of whoever launches units of a kind.

    Each function may write; it is called in a transaction of its own, which is
    committed when it returns, or in the one that stores what was sent. Each looks at
    the session again: since `admit` it may have ended.
    """

    def admit(self, db: Session, *, key: str, secret: str, now: datetime) -> Caller:
        """The caller, with bounds; raises Unauthenticated for anything but open."""

    def before_statements(
        self,
        db: Session,
        *,
        caller: Caller,
        statements: Sequence[Prepared],
        now: datetime,
    ) -> Sequence[Further]:
        """What follows from the statements, stored after them in this transaction.

        Raises Forbidden, with `requirement`, for what may not be stored.
        """

    def keep_refused(
        self,
        db: Session,
        *,
        caller: Caller,
        statements: Sequence[Prepared],
        refusal: DomainError,
        now: datetime,
    ) -> None:
        """Keep what was refused, in a transaction of its own."""

    def before_document(
        self, db: Session, *, caller: Caller, call: DocumentCall, now: datetime
    ) -> None:
        """Nothing, or Forbidden; bounds have been checked."""

    def before_query(self, db: Session, *, caller: Caller, now: datetime) -> None:
        """Nothing, or Forbidden; only statements of the registration are found."""


Known = Mapping[str, Sessions]


def issue_key(kind: str) -> SessionKey:
    """A new key for a session of a kind."""
    key, secret = f"{kind}.{secrets.token_hex(16)}", secrets.token_hex(32)
    token = base64.b64encode(f"{key}:{secret}".encode()).decode()
    return SessionKey(key, secret, digest(secret), token)


def unit_authority(portal_url: str) -> dict[str, Any]:
    """Who vouches for what a launched unit says of its own learner and registration.

    It counts as results of this installation, never as its acts (lrs/rules/log.py).
    """
    return agent(portal_url, UNIT_ACCOUNT)


def bounded_caller(
    *,
    tenant: int,
    key: str,
    launch_id: UUID,
    bounds: Bounds,
    portal_url: str,
    expires_at: datetime | None = None,
) -> Caller:
    """The caller that a session stands for."""
    return Caller(
        tenant_id=tenant,
        key=key,
        name="A launched unit",
        scopes=SCOPES,
        authority=unit_authority(portal_url),
        expires_at=expires_at,
        per_minute=None,
        credential_id=launch_id,
        bounds=bounds,
    )


def kind_of(known: Known, authorization: str) -> str | None:
    """Which kind of session a header is about; None for everyone else's."""
    if not known or not authorization[:6].lower().startswith("basic"):
        return None
    try:
        key, _ = read_basic(authorization)
    except Unauthenticated:
        return None
    kind, dot, _ = key.partition(".")
    return kind if dot and kind in known else None


def admit(db: Session, known: Known, *, authorization: str, now: datetime) -> Caller:
    """The caller behind a header that `kind_of` knows; raises Unauthenticated."""
    key, secret = read_basic(authorization)
    kind = key.partition(".")[0]
    return known[kind].admit(db, key=key, secret=secret, now=now)


def bounds_of(caller: Caller) -> Bounds:
    """What a bounded caller is bound to."""
    if caller.bounds is None:
        message = f"{caller.key} is not bound"
        raise ValueError(message)
    return caller.bounds


def store(
    db: Session,
    known: Known,
    *,
    caller: Caller,
    statements: Sequence[Prepared],
    now: datetime,
) -> datetime | None:
    """Store what a bounded caller sends, and what follows from it, or nothing.

    The instant of the last statement, if any was new.
    """
    if any(one.references.voids is not None for one in statements):
        raise Forbidden(
            "A launched unit voids nothing.",
            requirement="credentials of a launch allow no voiding",
            section="cmi5 6.3",
        )
    bounds = bounds_of(caller)
    if bounds.completes:
        statements = [_completed(one, bounds, now) for one in statements]
    following = known[bounds.kind].before_statements(
        db, caller=caller, statements=statements, now=now
    )
    db.flush()
    if not bounds.records:
        return None
    own = [_of_unit(_without_ours(one, caller), bounds) for one in statements]
    stored = _store(db, caller, own, caller.authority, now)
    for further in following:
        last = _store(db, caller, further.statements, further.authority, now)
        stored = last or stored
    return stored


def keep_refused(
    db: Session,
    known: Known,
    *,
    caller: Caller,
    statements: Sequence[Prepared],
    refusal: DomainError,
    now: datetime,
) -> None:
    """Let whoever launched keep what was refused of a bounded caller."""
    known[bounds_of(caller).kind].keep_refused(
        db, caller=caller, statements=statements, refusal=refusal, now=now
    )


def _store(
    db: Session,
    caller: Caller,
    statements: Sequence[Prepared],
    authority: dict[str, Any],
    now: datetime,
) -> datetime | None:
    if not statements:
        return None
    write = Write(
        tenant=caller.tenant_id,
        statements=statements,
        authority=authority_text(authority),
        now=now,
    )
    return store_write(db, write)


def _completed(one: Prepared, bounds: Bounds, now: datetime) -> Prepared:
    """The statement under the launch's registration where it names none."""
    context = one.received.get("context")
    if context is not None and "registration" in context:
        return one
    added = {"context": {**(context or {}), "registration": str(bounds.registration)}}
    raw = text.splice(one.raw, added)
    done = prepare({**one.statement, **added}, raw, version=one.version, now=now)
    return done._replace(received={**one.received, **added})


def _of_unit(one: Prepared, bounds: Bounds) -> Prepared:
    """The statement, found by the unit that said it where a pre-test is hidden.

    A unit may report about activities of its publisher's that name no unit of ours.
    """
    activities = {*one.references.activities, (LAUNCH, bounds.activity)}
    return one._replace(references=one.references._replace(activities=activities))


def _without_ours(one: Prepared, caller: Caller) -> Prepared:
    """The statement, which defines no activity of the installation's own.

    What a course or a unit is called is not a unit's to say.
    """
    ours = str(caller.authority["account"]["homePage"])
    definitions = [
        (iri, definition)
        for iri, definition in one.references.definitions
        if not iri.startswith(ours)
    ]
    if len(definitions) == len(one.references.definitions):
        return one
    return one._replace(references=one.references._replace(definitions=definitions))


def check_document(
    db: Session, known: Known, *, caller: Caller, call: DocumentCall, now: datetime
) -> None:
    """Nothing, or Forbidden for what is beyond the launch."""
    bounds, context = bounds_of(caller), call.context
    if context.ifi not in {None, bounds.ifi}:
        raise Forbidden(
            "This credential is for one launch: documents are those of its learner.",
            requirement="the agent of a request is the actor of the launch",
        )
    if context.registration not in {None, bounds.registration}:
        raise Forbidden(
            "This credential is for one launch: state is that of its registration.",
            requirement="the registration of a request is that of the launch",
        )
    if context.kind == STATE and not _is_of_unit(str(context.activity), caller):
        raise Forbidden(
            "This credential is for one launch: of what is ours, state is that of its "
            "unit and what stands around it.",
            requirement="the activityId of state is no other course's or unit's",
        )
    if (
        call.method == "DELETE"
        and call.document_id is None
        and (context.registration is None)
    ):
        raise Forbidden(
            "This credential is for one launch: name its registration to remove all "
            "state of it.",
            requirement="no state of other registrations is removed",
        )
    if context.kind == ACTIVITY_PROFILE and context.activity != bounds.activity:
        raise Forbidden(
            "This credential is for one launch: an activity profile is that of its "
            "unit.",
            requirement="the activityId of a profile is that of the launch",
        )
    known[bounds.kind].before_document(db, caller=caller, call=call, now=now)


def _is_of_unit(activity: str, caller: Caller) -> bool:
    """Whether it is a publisher's, or the unit's, in it or around it."""
    own, ours = bounds_of(caller).activity, str(caller.authority["account"]["homePage"])
    is_near = f"{activity}/".startswith(f"{own}/") or own.startswith(f"{activity}/")
    return is_near or not activity.startswith(f"{ours}/")


def is_own_state(caller: Caller, context: Context) -> bool:
    """Whether it is what a unit keeps for itself of the launch's own learner.

    A unit reads that even behind the pre-test wall, or it could not be resumed.
    """
    bounds = caller.bounds
    return (
        bounds is not None
        and context.kind == STATE
        and context.activity == bounds.activity
        and context.ifi == bounds.ifi
        and context.registration == bounds.registration
    )


def bounded_query(
    db: Session,
    known: Known,
    *,
    caller: Caller,
    given: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """The parameters of a query, within the caller's registration; raises Forbidden."""
    bounds = bounds_of(caller)
    if given.get("registration") not in {None, bounds.registration}:
        raise Forbidden(
            "This credential is for one launch: statements are those of its "
            "registration.",
            requirement="the registration of a query is that of the launch",
        )
    known[bounds.kind].before_query(db, caller=caller, now=now)
    return {**given, "registration": bounds.registration}


def check_found(caller: Caller, statement: Mapping[str, Any]) -> None:
    """Nothing, or NotFound for a statement of another registration."""
    context = statement.get("context") or {}
    if context.get("registration", "").lower() != str(bounds_of(caller).registration):
        raise NotFound(f"There is no statement with the id {statement['id']}.")
