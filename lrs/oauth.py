"""Tokens of OAuth 2: given out for a credential, taken back, forgotten.

RFC 6749 3.3, 4.4; RFC 7009. The grant is that of client credentials: the key is the
client's id. A token is opaque, kept by its digest, and dies with its credential.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lrs.credentials import SCOPES, Caller, Token, digest, holds
from lrs.db import writing
from lrs.parts import Parts
from lrs.tenants import touch
from statements.errors import Invalid

LIFETIME = timedelta(hours=1)


class InvalidScope(Invalid):
    """The scope is unknown, or more than the credential holds."""


@dataclass(frozen=True)
class IssuedToken:
    """A new token, which is not to be had again."""

    token: str
    scopes: list[str]
    seconds: int


def allowed_scopes(caller: Caller, wanted: Collection[str]) -> list[str]:
    """What a token may do: what was asked for, or all that the credential may.

    Raises InvalidScope for what the credential does not hold (RFC 6749 3.3).
    """
    if any(scope not in SCOPES or not holds(caller, scope) for scope in wanted):
        raise InvalidScope
    return sorted(set(wanted) or caller.scopes)


def issue_token(
    db: Session, *, caller: Caller, scopes: Collection[str], now: datetime
) -> IssuedToken:
    """A token for the caller's credential; it lasts an hour, never longer than that."""
    expires_at = now + LIFETIME
    if caller.expires_at is not None:
        expires_at = min(expires_at, caller.expires_at)
    issued = IssuedToken(
        token=secrets.token_urlsafe(32),
        scopes=allowed_scopes(caller, scopes),
        seconds=int((expires_at - now).total_seconds()),
    )
    db.add(
        Token(
            tenant_id=caller.tenant_id,
            sha256=digest(issued.token),
            credential_id=caller.credential_id,
            scopes=issued.scopes,
            created_at=now,
            expires_at=expires_at,
        )
    )
    db.flush()
    return issued


def find_token(db: Session, *, token: str) -> Token | None:
    """The token, alive or not."""
    return db.scalar(select(Token).where(Token.sha256 == digest(token)))


def revoke_token(db: Session, *, token: str) -> None:
    """The token is refused from now on; unknown ones are so already.

    It is deleted: what is random is not given out again.
    """
    found = find_token(db, token=token)
    if found is not None:
        touch(db, tenant=found.tenant_id)
        db.delete(found)
        db.flush()


def forget_expired(parts: Parts, now: datetime) -> None:
    """Periodic: tokens that are over are deleted."""
    with writing(parts.engine) as db:
        db.execute(delete(Token).where(Token.expires_at <= now))
