import base64
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lrs.credentials import (
    APART,
    MEANINGS,
    SCOPES,
    Caller,
    Credential,
    Issued,
    admit,
    create_credential,
    end_of,
    find_credentials,
    get_credential,
    holds,
    require_scope,
    revoke_credential,
    verify_secret,
)
from lrs.rules.terms import day_of, start_of_day
from lrs.tables import MAIN_TENANT, Tenant
from lrs.tenants import create_tenant
from statements.errors import (
    Conflict,
    Invalid,
    MissingScope,
    NotFound,
    Unauthenticated,
)
from tests.conftest import NOW

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


def made(db: Session, now: datetime, **members: Any) -> Issued:
    given = {"tenant": MAIN_TENANT, "name": "External LMS", "home_page": HOME}
    return create_credential(db, **{**given, "now": now, **members})


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
    # 256 bits, and no dash that a command line would take for an option
    assert re.fullmatch("[0-9a-f]{64}", made.secret)


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


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"scopes": ("everything",)}, "scopes"),
        ({"scopes": ()}, "scopes"),
        ({"expires_at": NOW}, "expires_at"),
        ({"per_minute": 0}, "per_minute"),
        ({"per_minute": -1}, "per_minute"),
        ({"per_minute": 1_000_001}, "per_minute"),
    ],
)
def test_what_cannot_be_a_credential_is_refused(
    db: Session, now: datetime, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        made(db, now, **wrong)
    assert refused.value.extra == {"field": field}
    assert find_credentials(db) == []


def test_an_id_chosen_before_is_used_once(db: Session, now: datetime) -> None:
    chosen = uuid.uuid4()
    assert made(db, now, credential_id=chosen).id == chosen
    with pytest.raises(Conflict):
        made(db, now, credential_id=chosen)
    assert len(find_credentials(db)) == 1


def test_credentials_are_listed_by_tenant_newest_first(
    db: Session, now: datetime
) -> None:
    academy = create_tenant(db, name="academy").id
    first = made(db, now)
    other = made(db, now + timedelta(hours=1), tenant=academy)
    last = made(db, now + timedelta(hours=2))
    listed = [one.id for one in find_credentials(db, tenant=MAIN_TENANT)]
    assert listed == [last.id, first.id]
    assert [one.id for one in find_credentials(db)] == [last.id, other.id, first.id]
    assert get_credential(db, credential_id=other.id, tenant=academy).key == other.key
    for id, tenant in [(other.id, MAIN_TENANT), (uuid.uuid4(), None)]:
        with pytest.raises(NotFound):
            get_credential(db, credential_id=id, tenant=tenant)


def test_a_revoked_credential_is_revoked_once_and_for_all(
    db: Session, now: datetime
) -> None:
    issued = made(db, now)
    for days in range(2):
        revoke_credential(db, key=issued.key, now=now + timedelta(days=days))
        assert get_credential(db, credential_id=issued.id).revoked_at == now
    with pytest.raises(NotFound):
        revoke_credential(db, key="unknown", now=now)


def test_a_revocation_lets_no_process_rely_on_what_it_remembers(
    db: Session, now: datetime
) -> None:
    issued = made(db, now)
    revision = select(Tenant.revision).where(Tenant.id == MAIN_TENANT)
    before = db.scalars(revision).one()
    revoke_credential(db, key=issued.key, now=now)
    assert db.scalars(revision).one() == before + 1


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        ("2027-06-30", "2027-07-01T07:00:00Z"),
        # the day on which clocks are put back has an hour more
        ("2026-11-01", "2026-11-02T08:00:00Z"),
        ("2027-06-30T12:00:00Z", "2027-06-30T12:00:00Z"),
        ("2027-06-30T12:00:00-07:00", "2027-06-30T19:00:00Z"),
        ("2027-06-30T12:00:00", None),
        ("2027-13-30", None),
        ("9999-12-29", None),
        ("9999-12-31", None),
        ("9999-12-31T00:00:00Z", None),
        ("9999-12-31T23:00:00-12:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_the_last_day_is_whole(given: str, ends: str | None) -> None:
    zone = "America/Los_Angeles"
    if ends is None:
        with pytest.raises(Invalid):
            end_of(given, zone=zone)
    else:
        assert end_of(given, zone=zone) == datetime.fromisoformat(ends)


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


def test_no_scope_but_its_own_reaches_what_is_apart() -> None:
    for scope in SCOPES.keys() - APART:
        assert not SCOPES[scope] & APART, scope


def test_what_a_scope_holds_is_told_whole_and_in_words() -> None:
    assert SCOPES.keys() == MEANINGS.keys()
    for scope, held in SCOPES.items():
        assert scope not in held
        for one in held:
            assert one in SCOPES, scope
            assert SCOPES[one] <= held, (scope, one)


ENDS = ("America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago")


@pytest.mark.parametrize("zone", ENDS)
@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ("9999-12-27", True),
        ("9999-12-29T23:59:59Z", True),
        ("9999-12-30", False),
        ("9999-12-31", False),
        ("9999-12-31T23:59:59Z", False),
    ],
)
def test_an_end_is_a_day_in_every_zone(zone: str, given: str, *, fits: bool) -> None:
    if fits:
        start_of_day(day_of(end_of(given, zone=zone), zone), zone)
        return
    with pytest.raises(Invalid, match="end of time"):
        end_of(given, zone=zone)


def test_no_credential_ends_where_a_zone_has_no_day(db: Session, now: datetime) -> None:
    with pytest.raises(Invalid, match="end of time"):
        made(db, now, expires_at=datetime(9999, 12, 30, tzinfo=UTC))


def test_only_the_same_form_was_made_before(
    db: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = uuid.uuid4()
    made(db, now, credential_id=chosen)
    with pytest.raises(Conflict):
        made(db, now, credential_id=chosen)
    # two forms, and by a great accident one key
    monkeypatch.setattr("lrs.credentials.secrets.token_hex", lambda size: "a" * size)
    made(db, now, credential_id=uuid.uuid4())
    with pytest.raises(IntegrityError):
        made(db, now, credential_id=uuid.uuid4())
    monkeypatch.undo()
    made(db, now, credential_id=uuid.uuid4())
