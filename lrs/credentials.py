"""Keys for other systems: who they are, what they may do, whose they are.

xAPI 1.0.3 Communication 4; xAPI 2.0 4.1.8; RFC 6750. A secret is shown once and kept
as a digest, and so is a token (lrs/oauth.py gives them out). Both have 256 random
bits, so a fast digest is enough: guessing them is hopeless, and a slow one would only
make every request slow.
"""

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    String,
    Uuid,
    and_,
    bindparam,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, Json, UtcDateTime
from lrs.rules.terms import start_of_day
from lrs.tenants import touch
from statements.errors import (
    Conflict,
    Invalid,
    InvalidToken,
    MissingScope,
    NotFound,
    Unauthenticated,
)

MAX_NAME = 200
# in every zone an instant, and the start of its day and of the next
LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)
MADE_BEFORE = "This credential was made before; its secret is not shown again."
MAX_PER_MINUTE = 1_000_000

# what each scope holds besides itself; the scopes of xAPI 1.0.3 Communication 4.2
# and our own: reading alone (documents, activities), and all that is known of a person
SCOPES: dict[str, frozenset[str]] = {
    "statements/write": frozenset(),
    "statements/read/mine": frozenset({"activities/read"}),
    "statements/read": frozenset({"statements/read/mine", "activities/read"}),
    "state": frozenset({"state/read", "activities/read"}),
    "state/read": frozenset({"activities/read"}),
    "define": frozenset({"activities/read"}),
    "profile": frozenset({"profile/read", "activities/read"}),
    "profile/read": frozenset({"activities/read"}),
    "activities/read": frozenset(),
    "agents/read": frozenset({"activities/read"}),
    "packages/read": frozenset(),
    "packages/write": frozenset({"packages/read"}),
    "launches/read": frozenset(),
    "launches/write": frozenset(),
    "registrations/read": frozenset(),
    "registrations/write": frozenset({"registrations/read"}),
    "all/read": frozenset(
        {
            "statements/read",
            "statements/read/mine",
            "state/read",
            "profile/read",
            "activities/read",
            "agents/read",
            "packages/read",
            "launches/read",
            "registrations/read",
        }
    ),
    # behind the pre-test wall, and over what others stored: never a part of `all`
    "pretest/read": frozenset(),
    "statements/void": frozenset(),
    # and over who else may come in
    "credentials/read": frozenset(),
    "credentials/write": frozenset({"credentials/read"}),
}
APART = frozenset(
    {"pretest/read", "statements/void", "credentials/read", "credentials/write"}
)
SCOPES["all"] = frozenset(SCOPES) - APART
# the same the other way round: the scopes by which one is held
_HOLDERS = {
    scope: frozenset(own for own in SCOPES if scope == own or scope in SCOPES[own])
    for scope in SCOPES
}
# for those who choose
MEANINGS = {
    "all": "Everything but what stands apart",
    "all/read": "Read everything but what stands apart",
    "statements/write": "Store statements",
    "statements/read/mine": "Read the statements it stored itself",
    "statements/read": "Read all statements",
    "state": "Read and write state documents",
    "state/read": "Read state documents",
    "profile": "Read and write profile documents of agents and activities",
    "profile/read": "Read profile documents of agents and activities",
    "define": "Change the definitions of activities by the statements it stores",
    "activities/read": "Read the definitions of activities",
    "agents/read": "Read under which names and identifiers a person is known",
    "packages/read": "See packages",
    "packages/write": "Upload and delete packages",
    "launches/read": "See launches, and what units reported in them",
    "launches/write": "Launch units of packages",
    "registrations/read": "Read where a registration stands",
    "registrations/write": "Waive units of a registration",
    "pretest/read": "Read pre-test results; every use is logged",
    "statements/void": "Void statements that others stored",
    "credentials/read": "See credentials, without their secrets",
    "credentials/write": "Make credentials no wider than itself, revoke any",
}


class Credential(Base):
    """A key of another system, with what it may do."""

    __tablename__ = "credential"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]] = mapped_column(Json)
    authority: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # requests in a minute; None sets no limit
    per_minute: Mapped[int | None]


class Token(Base):
    """What a credential may be spoken for with for a while (RFC 6749 1.4).

    It does what its credential does, or less, and not longer.
    """

    __tablename__ = "token"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "credential_id"], ["credential.tenant_id", "credential.id"]
        ),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, unique=True)
    credential_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    scopes: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


@dataclass(frozen=True)
class Bounds:
    """The one launch that a caller is for: its kind, registration, learner and unit.

    `ifi` names the learner, `activity` is the IRI of the unit (lrs/sessions.py). Where
    `completes` is true, a statement that names no registration gets the launch's; where
    `records` is false, statements are checked and not kept: the launch leaves no record.
    """

    kind: str
    launch_id: uuid.UUID
    registration: uuid.UUID
    ifi: str
    activity: str
    completes: bool = False
    records: bool = True


@dataclass(frozen=True)
class Caller:
    """Who a request comes from, and what it may do; free of the database.

    `scopes` are those given, by name: ask `holds`. `expires_at` is the instant from
    which what the caller sent is refused, whoever remembers the caller until then.
    `bounds` are for callers who came with a launch, not with a credential.
    """

    tenant_id: int
    key: str
    name: str
    scopes: frozenset[str]
    authority: dict[str, Any]
    expires_at: datetime | None
    per_minute: int | None
    credential_id: uuid.UUID
    bounds: Bounds | None = None

    @cached_property
    def authority_text(self) -> str:
        """The authority as it is written into statements."""
        return orjson.dumps(self.authority, option=orjson.OPT_SORT_KEYS).decode()


# made once: every request asks this
_BY_KEY = select(Credential).where(Credential.key == bindparam("key"))
_BY_TOKEN = (
    select(Credential, Token.scopes, Token.expires_at)
    .join(
        Token,
        and_(
            Token.tenant_id == Credential.tenant_id,
            Token.credential_id == Credential.id,
        ),
    )
    .where(Token.sha256 == bindparam("sha256"))
)


@dataclass(frozen=True)
class Issued:
    """A new credential with its secret, which is not to be had again."""

    id: uuid.UUID
    key: str
    secret: str


def create_credential(
    db: Session,
    *,
    tenant: int,
    name: str,
    home_page: str,
    now: datetime,
    scopes: Sequence[str] = ("all",),
    expires_at: datetime | None = None,
    per_minute: int | None = None,
    credential_id: uuid.UUID | None = None,
) -> Issued:
    """A new key and its secret; raises Invalid for what cannot be one.

    `home_page` is the installation's address: statements stored with the key name
    the account (home page, key) as their authority. With a `credential_id` chosen
    before, the same form sent twice makes one credential; the second is a Conflict.
    """
    name = name.strip()
    _check(name, scopes, expires_at, per_minute, now)
    issued = Issued(
        id=credential_id or uuid.uuid4(),
        key=secrets.token_hex(16),
        # letters and digits alone: with a dash ahead, command lines take it for an option
        secret=secrets.token_hex(32),
    )
    if credential_id and db.get(Credential, (tenant, credential_id)) is not None:
        raise Conflict(MADE_BEFORE)
    made = Credential(
        tenant_id=tenant,
        id=issued.id,
        key=issued.key,
        secret_sha256=digest(issued.secret),
        name=name,
        scopes=sorted(set(scopes)),
        authority={
            "objectType": "Agent",
            "name": name,
            "account": {"homePage": home_page, "name": issued.key},
        },
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        per_minute=per_minute,
    )
    try:
        with db.begin_nested():
            db.add(made)
    except IntegrityError as error:
        if db.get(Credential, (tenant, issued.id)) is None:
            raise
        # the same form, twice at once
        raise Conflict(MADE_BEFORE) from error
    return issued


def _check(
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
    per_minute: int | None,
    now: datetime,
) -> None:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(
            f"A credential needs a name of at most {MAX_NAME} characters.", field="name"
        )
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise Invalid(
            f"There is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}.",
            field="scopes",
        )
    if not scopes:
        raise Invalid("A credential needs a scope at least.", field="scopes")
    if expires_at is not None and not _is_within_time(expires_at):
        raise _beyond_time()
    if expires_at is not None and expires_at <= now:
        raise Invalid("It would have expired already.", field="expires_at")
    if per_minute is not None and not 1 <= per_minute <= MAX_PER_MINUTE:
        raise Invalid(
            f"A limit is a number of requests from 1 to {MAX_PER_MINUTE:,}.",
            field="per_minute",
        )


def _is_within_time(instant: datetime) -> bool:
    """Whether the instant, and the day after it, is one in every zone."""
    try:
        return instant.astimezone(UTC) <= LATEST
    except OverflowError:
        return False


def _beyond_time() -> Invalid:
    return Invalid("That is beyond the end of time.", field="expires_at")


def end_of(given: str, *, zone: str) -> datetime:
    """When a credential ends of which this is the last day, or the instant itself.

    `2027-06-30` is good up to midnight in the zone, `2027-06-30T12:00:00Z` up to noon.
    """
    found = None
    try:
        if len(given) == len("2027-06-30"):
            found = start_of_day(date.fromisoformat(given) + timedelta(days=1), zone)
        elif (instant := datetime.fromisoformat(given)).tzinfo is not None:
            found = instant.astimezone(UTC)
    except OverflowError as error:
        raise _beyond_time() from error
    except ValueError:
        pass
    if found is None:
        raise Invalid(
            "Give the last day as 2027-06-30, or an instant as 2027-06-30T12:00:00Z.",
            field="expires_at",
        )
    if not _is_within_time(found):
        raise _beyond_time()
    return found


def find_credentials(
    db: Session,
    *,
    tenant: int | None = None,
    after: tuple[datetime, uuid.UUID] | None = None,
    limit: int | None = None,
) -> list[Credential]:
    """The credentials of a tenant, or of all, newest first; also those of the past.

    A page begins after the credential made at that instant with that id.
    """
    query = select(Credential).order_by(Credential.created_at.desc(), Credential.id)
    if tenant is not None:
        query = query.where(Credential.tenant_id == tenant)
    if after is not None:
        at, last = after
        query = query.where(
            or_(
                Credential.created_at < at,
                and_(Credential.created_at == at, Credential.id > last),
            )
        )
    return list(db.scalars(query.limit(limit)))


def get_credential(
    db: Session, *, credential_id: uuid.UUID, tenant: int | None = None
) -> Credential:
    """The credential of this id, of this tenant where one is given; raises NotFound."""
    found = db.scalar(select(Credential).where(Credential.id == credential_id))
    if found is None or tenant not in {None, found.tenant_id}:
        raise NotFound("There is no such credential.")
    return found


def revoke_credential(db: Session, *, key: str, now: datetime) -> None:
    """The key, and every token of it, is refused from now on; raises NotFound."""
    found = db.scalar(select(Credential).where(Credential.key == key))
    if found is None:
        raise NotFound(f"There is no credential {key}.")
    found.revoked_at = found.revoked_at or now
    touch(db, tenant=found.tenant_id)
    db.flush()


def admit(db: Session, *, authorization: str, now: datetime) -> Caller:
    """The caller behind an Authorization header; raises Unauthenticated.

    Whoever remembers the answer asks again when a credential has changed, and compares
    `expires_at` each time.
    """
    kind, _, given = authorization.strip().partition(" ")
    if kind.lower() == "bearer":
        return _verify_token(db, token=given.strip(), now=now)
    key, secret = read_basic(authorization)
    return verify_secret(db, key=key, secret=secret, now=now)


def verify_secret(db: Session, *, key: str, secret: str, now: datetime) -> Caller:
    """The caller who has this key and its secret; raises Unauthenticated.

    Unknown, wrong, expired and revoked are one answer.
    """
    found = None
    if key.isascii() and key.isalnum():
        found = db.scalar(_BY_KEY, {"key": key})
    known = found.secret_sha256 if found else bytes(32)
    is_right = hmac.compare_digest(known, digest(secret))
    if not is_right or found is None or state_of(found, now=now) != "open":
        raise Unauthenticated("The key or secret is not valid.")
    return _caller(found, scopes=found.scopes, expires_at=found.expires_at)


def _verify_token(db: Session, *, token: str, now: datetime) -> Caller:
    row = db.execute(_BY_TOKEN, {"sha256": digest(token)}).first()
    if (
        row is None
        or row.expires_at <= now
        or state_of(row.Credential, now=now) != "open"
    ):
        raise InvalidToken
    ends = {row.expires_at, row.Credential.expires_at} - {None}
    return _caller(row.Credential, scopes=row.scopes, expires_at=min(ends))


def state_of(credential: Credential, *, now: datetime) -> str:
    """`open`, `revoked` or `expired`."""
    if credential.revoked_at is not None:
        return "revoked"
    is_over = credential.expires_at is not None and credential.expires_at <= now
    return "expired" if is_over else "open"


def _caller(
    credential: Credential, *, scopes: Sequence[str], expires_at: datetime | None
) -> Caller:
    return Caller(
        tenant_id=credential.tenant_id,
        key=credential.key,
        name=credential.name,
        scopes=frozenset(scopes),
        authority=credential.authority,
        expires_at=expires_at,
        per_minute=credential.per_minute,
        credential_id=credential.id,
    )


def holds(caller: Caller, scope: str) -> bool:
    """Whether the caller has the scope, by name or by one that holds it."""
    return not caller.scopes.isdisjoint(_HOLDERS[scope])


def require_scope(caller: Caller, scope: str) -> None:
    """Nothing, or MissingScope."""
    if not holds(caller, scope):
        raise MissingScope(f"This needs the scope {scope}.", scope=scope)


def read_basic(authorization: str) -> tuple[str, str]:
    """Key and secret of a Basic header; raises Unauthenticated for anything else."""
    kind, _, given = authorization.strip().partition(" ")
    try:
        if kind.lower() != "basic":
            raise ValueError
        text = base64.b64decode(given.strip(), validate=True).decode()
    except ValueError:
        raise Unauthenticated(
            "Send the key and secret of a credential (Basic), or a token (Bearer)."
        ) from None
    key, _, secret = text.partition(":")
    return key, secret


def digest(secret: str) -> bytes:
    """What is kept of a secret or a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
