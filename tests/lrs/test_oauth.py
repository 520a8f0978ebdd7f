from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.credentials import (
    Caller,
    Token,
    admit,
    create_credential,
    holds,
    revoke_credential,
    verify_secret,
)
from lrs.db import reading, writing
from lrs.oauth import (
    LIFETIME,
    InvalidScope,
    allowed_scopes,
    find_token,
    forget_expired,
    issue_token,
    revoke_token,
)
from lrs.parts import Parts
from lrs.tables import MAIN_TENANT, Tenant
from statements.errors import InvalidToken

SECOND = timedelta(seconds=1)


def caller(db: Session, now: datetime, *scopes: str, **members: Any) -> Caller:
    made = create_credential(
        db,
        tenant=MAIN_TENANT,
        name="LMS",
        home_page="http://localhost:8000",
        now=now,
        scopes=scopes or ("all",),
        **members,
    )
    return verify_secret(db, key=made.key, secret=made.secret, now=now)


def bearer(db: Session, token: str, now: datetime) -> Caller:
    return admit(db, authorization=f"Bearer {token}", now=now)


def test_a_token_speaks_for_its_credential(db: Session, now: datetime) -> None:
    one = caller(db, now, "state", "statements/write", per_minute=30)
    issued = issue_token(db, caller=one, scopes=(), now=now)
    assert issued.seconds == 3600
    assert issued.scopes == ["state", "statements/write"]
    found = bearer(db, issued.token, now)
    assert (found.key, found.name, found.credential_id) == (
        one.key,
        one.name,
        one.credential_id,
    )
    assert found.authority == one.authority
    assert found.per_minute == 30
    assert found.expires_at == now + LIFETIME
    for header in (f"bearer {issued.token}", f" BEARER  {issued.token} "):
        assert admit(db, authorization=header, now=now) == found


def test_a_token_may_do_less_than_its_credential(db: Session, now: datetime) -> None:
    one = caller(db, now, "all")
    issued = issue_token(db, caller=one, scopes=["statements/read"], now=now)
    found = bearer(db, issued.token, now)
    assert holds(found, "statements/read/mine")
    assert not holds(found, "statements/write")


@pytest.mark.parametrize(
    ("own", "wanted", "given"),
    [
        (["all"], [], ["all"]),
        (["all"], ["state", "define", "state"], ["define", "state"]),
        (["all/read"], ["statements/read"], ["statements/read"]),
        (["statements/read"], ["statements/read/mine"], ["statements/read/mine"]),
        (["statements/write"], ["statements/read/mine"], None),
        (["all"], ["pretest/read"], None),
        (["all", "pretest/read"], ["pretest/read"], ["pretest/read"]),
        (["all"], ["everything"], None),
        (["statements/read"], ["all/read"], None),
        (["all"], ["statements/write", "everything"], None),
    ],
)
def test_no_token_may_do_more(
    db: Session, now: datetime, own: list[str], wanted: list[str], given: Any
) -> None:
    one = caller(db, now, *own)
    if given is None:
        with pytest.raises(InvalidScope):
            allowed_scopes(one, wanted)
    else:
        assert allowed_scopes(one, wanted) == given


def test_a_token_is_kept_as_a_digest(db: Session, now: datetime) -> None:
    issued = issue_token(db, caller=caller(db, now), scopes=(), now=now)
    row = db.scalars(select(Token)).one()
    kept = [getattr(row, column.name) for column in row.__table__.columns]
    assert issued.token not in str(kept)
    assert issued.token.encode() not in kept


def test_a_token_ends_after_an_hour(db: Session, now: datetime) -> None:
    issued = issue_token(db, caller=caller(db, now), scopes=(), now=now)
    bearer(db, issued.token, now + LIFETIME - SECOND)
    with pytest.raises(InvalidToken):
        bearer(db, issued.token, now + LIFETIME)


def test_a_token_ends_with_its_credential(db: Session, now: datetime) -> None:
    ends = now + timedelta(minutes=20)
    issued = issue_token(
        db, caller=caller(db, now, expires_at=ends), scopes=(), now=now
    )
    assert issued.seconds == 1200
    assert bearer(db, issued.token, ends - SECOND).expires_at == ends
    with pytest.raises(InvalidToken):
        bearer(db, issued.token, ends)


def test_a_token_dies_with_its_credential(db: Session, now: datetime) -> None:
    one, other = caller(db, now), caller(db, now)
    mine, theirs = (
        issue_token(db, caller=each, scopes=(), now=now).token for each in (one, other)
    )
    revoke_credential(db, key=one.key, now=now)
    with pytest.raises(InvalidToken):
        bearer(db, mine, now)
    bearer(db, theirs, now)


def test_a_token_can_be_taken_back(db: Session, now: datetime) -> None:
    one = caller(db, now)
    first, second = (
        issue_token(db, caller=one, scopes=(), now=now).token for _ in range(2)
    )
    revision = select(Tenant.revision).where(Tenant.id == MAIN_TENANT)
    before = db.scalars(revision).one()
    revoke_token(db, token=first)
    assert db.scalars(revision).one() == before + 1
    assert find_token(db, token=first) is None
    with pytest.raises(InvalidToken):
        bearer(db, first, now)
    bearer(db, second, now)
    revoke_token(db, token="unknown")


@pytest.mark.parametrize("token", ["", "unknown", "a\0b", "\udcff", "x" * 9000])
def test_what_is_no_token_is_refused(db: Session, now: datetime, token: str) -> None:
    with pytest.raises(InvalidToken):
        bearer(db, token, now)


def test_tokens_that_are_over_are_forgotten(parts: Parts, now: datetime) -> None:
    with writing(parts.engine) as db:
        one = caller(db, now)
        over, alive = (
            issue_token(db, caller=one, scopes=(), now=at).token
            for at in (now - LIFETIME, now - LIFETIME + SECOND)
        )
    for _ in range(2):
        forget_expired(parts, now)
        with reading(parts.engine) as db:
            assert find_token(db, token=over) is None
            assert find_token(db, token=alive) is not None
