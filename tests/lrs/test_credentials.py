import base64
import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.credentials import (
    APART,
    SCOPES,
    Caller,
    Credential,
    admit,
    create_credential,
    holds,
    require_scope,
    revoke_credential,
    verify_secret,
)
from lrs.tables import MAIN_TENANT
from statements.errors import Invalid, MissingScope, NotFound, Unauthenticated

HOME = "http://localhost:8000"


def caller(*scopes: str) -> Caller:
    return Caller(
        tenant_id=MAIN_TENANT,
        key="k",
        name="External LMS",
        scopes=frozenset(scopes),
        authority={},
        expires_at=None,
        per_minute=None,
        credential_id=uuid.uuid4(),
    )


def basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


def test_a_header_becomes_a_caller(db: Session, now: datetime) -> None:
    later = now + timedelta(days=1)
    made = create_credential(
        db,
        tenant=MAIN_TENANT,
        name="External LMS",
        home_page=HOME,
        now=now,
        scopes=("state",),
        expires_at=later,
        per_minute=60,
    )
    row = db.scalars(select(Credential).where(Credential.key == made.key)).one()
    pair = f"{made.key}:{made.secret}".encode()
    for kind in ("Basic", "basic", " BASIC "):
        header = basic(pair).replace("Basic", kind)
        assert admit(db, authorization=header, now=now) == Caller(
            tenant_id=MAIN_TENANT,
            key=made.key,
            name="External LMS",
            scopes=frozenset({"state"}),
            authority=row.authority,
            expires_at=later,
            per_minute=60,
            credential_id=row.id,
        )
    for header in ("", "Basic", basic(pair + b"x"), basic(pair)[6:], "Basic !!!"):
        with pytest.raises(Unauthenticated):
            admit(db, authorization=header, now=now)


def test_a_key_is_found_with_its_secret_only(db: Session, now: datetime) -> None:
    made = create_credential(
        db, tenant=MAIN_TENANT, name="External LMS", home_page=HOME, now=now
    )
    found = verify_secret(db, key=made.key, secret=made.secret, now=now)
    assert found.name == "External LMS"
    assert found.authority["account"] == {"homePage": HOME, "name": made.key}
    for key, secret in [
        (made.key, ""),
        (made.key, made.secret + "x"),
        ("", ""),
        ("unknown", made.secret),
        (made.key + "\0", made.secret),
        ("\udcff", "\udcff"),
    ]:
        with pytest.raises(Unauthenticated):
            verify_secret(db, key=key, secret=secret, now=now)


def test_the_secret_is_not_kept(db: Session, now: datetime) -> None:
    made = create_credential(
        db, tenant=MAIN_TENANT, name="External LMS", home_page=HOME, now=now
    )
    row = db.scalar(select(Credential).where(Credential.key == made.key))
    assert row is not None
    kept = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    assert made.secret not in str(kept)


def test_expired_and_revoked_keys_are_refused(db: Session, now: datetime) -> None:
    made = create_credential(
        db,
        tenant=MAIN_TENANT,
        name="short",
        home_page=HOME,
        now=now,
        expires_at=now + timedelta(hours=1),
    )
    before = now + timedelta(minutes=59)
    verify_secret(db, key=made.key, secret=made.secret, now=before)
    with pytest.raises(Unauthenticated):
        verify_secret(
            db, key=made.key, secret=made.secret, now=now + timedelta(hours=1)
        )
    revoke_credential(db, key=made.key, now=now)
    with pytest.raises(Unauthenticated):
        verify_secret(db, key=made.key, secret=made.secret, now=before)


def test_names_and_scopes_are_checked(db: Session, now: datetime) -> None:
    for name, scopes in [(" ", ("all",)), ("LMS", ("everything",))]:
        with pytest.raises(Invalid):
            create_credential(
                db,
                tenant=MAIN_TENANT,
                name=name,
                home_page=HOME,
                now=now,
                scopes=scopes,
            )
    with pytest.raises(NotFound):
        revoke_credential(db, key="unknown", now=now)


@pytest.mark.parametrize(
    ("own", "wanted", "expected"),
    [
        ("all", "statements/write", True),
        ("all", "all/read", True),
        ("all", "pretest/read", False),
        ("all", "statements/void", False),
        ("all/read", "statements/read", True),
        ("all/read", "statements/write", False),
        ("statements/read", "statements/read/mine", True),
        ("statements/read/mine", "statements/read", False),
        ("statements/write", "statements/read/mine", False),
        ("pretest/read", "pretest/read", True),
        ("pretest/read", "statements/read", False),
    ],
)
def test_what_a_scope_holds(*, own: str, wanted: str, expected: bool) -> None:
    one = caller(own)
    assert holds(one, wanted) is expected
    if expected:
        require_scope(one, wanted)
    else:
        with pytest.raises(MissingScope):
            require_scope(one, wanted)


def test_no_scope_but_its_own_reaches_behind_the_wall() -> None:
    for scope, held in SCOPES.items():
        assert not held & APART, scope
