"""Keys for other systems: who they are, what they may do, whose they are.

xAPI 1.0.3 Communication 4; xAPI 2.0 4.1.2. A secret is shown once and kept as a
digest. It has 256 random bits, so a fast digest is enough: guessing it is hopeless,
and a slow one would only make every request slow.
"""

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Uuid, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, Json, UtcDateTime
from statements.errors import Invalid, MissingScope, NotFound, Unauthenticated

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
            "registrations/read",
        }
    ),
    # behind the pre-test wall, and over what others stored: never a part of `all`
    "pretest/read": frozenset(),
    "statements/void": frozenset(),
}
APART = frozenset({"pretest/read", "statements/void"})
SCOPES["all"] = frozenset(SCOPES) - APART
# the same the other way round: the scopes by which one is held
_HOLDERS = {
    scope: frozenset(own for own in SCOPES if scope == own or scope in SCOPES[own])
    for scope in SCOPES
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


@dataclass(frozen=True)
class Caller:
    """Who a request comes from, and what it may do; free of the database.

    `scopes` are those given, by name: ask `holds`. `expires_at` is the instant from
    which what the caller sent is refused, whoever remembers the caller until then.
    """

    tenant_id: int
    key: str
    name: str
    scopes: frozenset[str]
    authority: dict[str, Any]
    expires_at: datetime | None
    per_minute: int | None
    credential_id: uuid.UUID


# made once: every request asks this
_BY_KEY = select(Credential).where(Credential.key == bindparam("key"))


@dataclass(frozen=True)
class Issued:
    """A new credential with its secret, which is not to be had again."""

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
) -> Issued:
    """A new key and its secret; raises Invalid for an unknown scope or no name.

    `home_page` is the installation's address: statements stored with the key name
    the account (home page, key) as their authority.
    """
    if not name.strip():
        raise Invalid("A credential needs a name.")
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise Invalid(
            f"There is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}."
        )
    issued = Issued(key=secrets.token_hex(16), secret=secrets.token_urlsafe(32))
    db.add(
        Credential(
            tenant_id=tenant,
            id=uuid.uuid4(),
            key=issued.key,
            secret_sha256=_digest(issued.secret),
            name=name.strip(),
            scopes=sorted(set(scopes)),
            authority={
                "objectType": "Agent",
                "name": name.strip(),
                "account": {"homePage": home_page, "name": issued.key},
            },
            created_at=now,
            expires_at=expires_at,
            revoked_at=None,
            per_minute=per_minute,
        )
    )
    db.flush()
    return issued


def revoke_credential(db: Session, *, key: str, now: datetime) -> None:
    """The key is refused from now on; raises NotFound."""
    found = db.scalar(select(Credential).where(Credential.key == key))
    if found is None:
        raise NotFound(f"There is no credential {key}.")
    found.revoked_at = found.revoked_at or now
    db.flush()


def admit(db: Session, *, authorization: str, now: datetime) -> Caller:
    """The caller behind an Authorization header; raises Unauthenticated.

    Whoever remembers the answer asks again when a credential has changed, and compares
    `expires_at` each time.
    """
    key, secret = _basic(authorization)
    return verify_secret(db, key=key, secret=secret, now=now)


def verify_secret(db: Session, *, key: str, secret: str, now: datetime) -> Caller:
    """The caller who has this key and its secret; raises Unauthenticated.

    Unknown, wrong, expired and revoked are one answer.
    """
    found = None
    if key.isascii() and key.isalnum():
        found = db.scalar(_BY_KEY, {"key": key})
    known = found.secret_sha256 if found else bytes(32)
    if (
        not hmac.compare_digest(known, _digest(secret))
        or found is None
        or found.revoked_at is not None
        or (found.expires_at is not None and found.expires_at <= now)
    ):
        raise Unauthenticated("The key or secret is not valid.")
    return Caller(
        tenant_id=found.tenant_id,
        key=found.key,
        name=found.name,
        scopes=frozenset(found.scopes),
        authority=found.authority,
        expires_at=found.expires_at,
        per_minute=found.per_minute,
        credential_id=found.id,
    )


def holds(caller: Caller, scope: str) -> bool:
    """Whether the caller has the scope, by name or by one that holds it."""
    return not caller.scopes.isdisjoint(_HOLDERS[scope])


def require_scope(caller: Caller, scope: str) -> None:
    """Nothing, or MissingScope."""
    if not holds(caller, scope):
        raise MissingScope(f"This needs the scope {scope}.", scope=scope)


def _basic(header: str) -> tuple[str, str]:
    """Key and secret of a Basic header; raises Unauthenticated for anything else."""
    kind, _, given = header.strip().partition(" ")
    try:
        if kind.lower() != "basic":
            raise ValueError
        text = base64.b64decode(given.strip(), validate=True).decode()
    except ValueError:
        detail = "Send the key and secret of a credential (Basic)."
        raise Unauthenticated(detail) from None
    key, _, secret = text.partition(":")
    return key, secret


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
