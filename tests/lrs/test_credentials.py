from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.credentials import (
    APART,
    SCOPES,
    Credential,
    create_credential,
    find_credential,
    holds,
    require_scope,
    revoke_credential,
)
from lrs.tables import MAIN_TENANT
from statements.errors import Invalid, MissingScope, NotFound, Unauthenticated

HOME = "http://localhost:8000"


def test_a_key_is_found_with_its_secret_only(db: Session, now: datetime) -> None:
    made = create_credential(
        db, tenant=MAIN_TENANT, name="External LMS", home_page=HOME, now=now
    )
    found = find_credential(db, key=made.key, secret=made.secret, now=now)
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
            find_credential(db, key=key, secret=secret, now=now)


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
    find_credential(db, key=made.key, secret=made.secret, now=before)
    with pytest.raises(Unauthenticated):
        find_credential(
            db, key=made.key, secret=made.secret, now=now + timedelta(hours=1)
        )
    revoke_credential(db, key=made.key, now=now)
    with pytest.raises(Unauthenticated):
        find_credential(db, key=made.key, secret=made.secret, now=before)


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
    credential = Credential(scopes=[own])
    assert holds(credential, wanted) is expected
    if expected:
        require_scope(credential, wanted)
    else:
        with pytest.raises(MissingScope):
            require_scope(credential, wanted)


def test_no_scope_but_its_own_reaches_behind_the_wall() -> None:
    for scope, held in SCOPES.items():
        assert not held & APART, scope
