from __future__ import annotations

import base64
import re
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from lrs.credentials import (
    LATEST,
    SCOPES,
    create_credential,
    find_credentials,
    get_credential,
    revoke_credential,
)
from lrs.db import reading, writing
from lrs.limits import last_uses
from lrs.tables import MAIN_TENANT
from lrs.tenants import create_tenant
from portal.audit import AuditEntry
from portal.views import credentials
from portal.views.credentials import GROUPS, PRESUMED
from tests.portal.views.text import text_of

PATH = "/admin/credentials"


@pytest.fixture
def engine(sqlite_engine):
    return sqlite_engine


def made(parts, now, **members):
    given = {"tenant": MAIN_TENANT, "name": "Academy LMS", "now": now}
    given["home_page"] = parts.config.portal_url
    with writing(parts.engine) as db:
        return create_credential(db, **given | members)


def form(**members):
    return {
        "id": str(uuid.uuid4()),
        "name": "Academy LMS",
        "scopes": ["statements/write", "statements/read"],
        **members,
    }


def listed(parts):
    with reading(parts.engine) as db:
        found = find_credentials(db)
        db.expunge_all()
        return found


def acts(parts, action):
    with reading(parts.engine) as db:
        return list(db.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def shown(page: str, name: str) -> str:
    return re.search(rf'id="{name}" value="([^"]*)"', page)[1]


def test_every_scope_is_offered_once() -> None:
    offered = [scope for _, scopes in GROUPS for scope in scopes]
    assert sorted(offered) == sorted(SCOPES)


def test_a_credential_is_made_and_its_secret_shown_once(parts, cast, caller) -> None:
    browser = caller(cast.operator)
    page = browser.get(f"{PATH}/new").get_data(as_text=True)
    for scope in SCOPES:
        checked = f'value="{scope}" checked' in page
        assert checked == (scope in PRESUMED), scope
    answer = browser.post(f"{PATH}/new", form(per_minute=" 120 "))
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    page = answer.get_data(as_text=True)
    key, secret = shown(page, "key"), shown(page, "secret")
    pair = base64.b64encode(f"{key}:{secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {pair}",
        "X-Experience-API-Version": "1.0.3",
        "Accept": "application/json",
    }
    assert browser.get("/xapi/statements", headers=headers).status_code == 200
    (one,) = listed(parts)
    assert (one.name, one.per_minute, one.expires_at) == ("Academy LMS", 120, None)
    assert one.scopes == ["statements/read", "statements/write"]
    for path in (PATH, f"{PATH}/{one.id}"):
        text = text_of(browser.get(path))
        assert key in text
        assert secret not in text
        assert "120 a minute" in text
    (entry,) = acts(parts, "credential.made")
    assert entry.user_id == cast.operator.id
    assert entry.subject_id == str(one.id)
    assert secret not in str(entry.detail)


def test_the_same_form_makes_one(parts, cast, caller) -> None:
    browser, fields = caller(cast.operator), form()
    assert browser.post(f"{PATH}/new", fields).status_code == 201
    again = browser.post(f"{PATH}/new", fields)
    (one,) = listed(parts)
    assert again.headers["Location"] == f"{PATH}/{one.id}"
    assert "not shown again" in text_of(browser.get(again.headers["Location"]))
    assert len(acts(parts, "credential.made")) == 1


def test_the_last_day_is_whole_in_the_portals_zone(parts, cast, caller) -> None:
    browser = caller(cast.operator)
    assert browser.post(f"{PATH}/new", form(expires_at="2099-06-30")).status_code == 201
    (one,) = listed(parts)
    assert one.expires_at.isoformat() == "2099-07-01T07:00:00+00:00"
    assert "After June 30, 2099" in text_of(browser.get(f"{PATH}/{one.id}"))
    noon = form(expires_at="2099-06-30T12:00:00-07:00")
    assert browser.post(f"{PATH}/new", noon).status_code == 201
    assert "June 30, 2099, 12:00 p.m." in text_of(browser.get(PATH))


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_last_end_of_all_is_shown_in_every_zone(zone: str) -> None:
    assert "9999" in credentials._end(LATEST, zone)


REFUSED = [
    ({"name": " "}, "needs a name"),
    ({"name": "x" * 201}, "at most 200"),
    ({"scopes": []}, "needs a scope"),
    ({"scopes": ["everything"]}, "There is no scope everything"),
    ({"expires_at": "soon"}, "Give the last day"),
    ({"expires_at": "2020-01-01"}, "expired already"),
    ({"per_minute": "0"}, "from 1 to 1,000,000"),
    ({"per_minute": "-5"}, "from 1 to 1,000,000"),
    ({"per_minute": "٣"}, "from 1 to 1,000,000"),
    ({"per_minute": "9" * 5000}, "from 1 to 1,000,000"),
    ({"tenant": "nowhere"}, "There is no tenant"),
]


def test_what_cannot_be_made_is_said_and_the_form_kept(parts, cast, caller) -> None:
    browser = caller(cast.operator)
    for wrong, words in REFUSED:
        answer = browser.post(f"{PATH}/new", form(**{"name": "Kept name"} | wrong))
        assert answer.status_code == 400, wrong
        assert words in text_of(answer), wrong
        page = answer.get_data(as_text=True)
        if "name" not in wrong:
            assert 'value="Kept name"' in page
        if "scopes" not in wrong:
            assert 'value="statements/read" checked' in page
    assert browser.post(f"{PATH}/new", form(id="x")).status_code == 400
    assert listed(parts) == []
    assert acts(parts, "credential.made") == []


def test_a_credential_is_revoked_after_a_question(parts, cast, caller, now) -> None:
    issued = made(parts, now)
    browser = caller(cast.operator)
    page = f"{PATH}/{issued.id}/revoke"
    assert "cannot be taken back" in text_of(browser.get(page))
    with reading(parts.engine) as db:
        assert get_credential(db, credential_id=issued.id).revoked_at is None
    for _ in range(2):
        answer = browser.post(page)
        assert answer.headers["Location"] == PATH
    assert "refused from now on" in text_of(browser.get(PATH))
    with reading(parts.engine) as db:
        assert get_credential(db, credential_id=issued.id).revoked_at is not None
    (entry,) = acts(parts, "credential.revoked")
    assert entry.user_id == cast.operator.id
    assert "was revoked on" in text_of(browser.get(page))
    assert "Revoke it" not in text_of(browser.get(f"{PATH}/{issued.id}"))


def test_the_list_tells_open_from_past(parts, cast, caller, now) -> None:
    browser = caller(cast.operator)
    assert "Make one for each system" in text_of(browser.get(PATH))
    made(parts, now, name="Open one", scopes=sorted(SCOPES))
    made(parts, now, name="Expired one", expires_at=now + timedelta(hours=1))
    gone = made(parts, now, name="Revoked one")
    with writing(parts.engine) as db:
        revoke_credential(db, key=gone.key, now=now)
    text = text_of(browser.get(PATH))
    front, back = text.split("Revoked and expired (2)")
    assert "Open one" in front
    assert f"{len(SCOPES) - 3} more" in front
    assert "Never" in front
    for name in ("Expired one", "Revoked one"):
        assert name in back
        assert name not in front
    assert "Record store" not in text


def test_other_record_stores_are_offered_where_there_are_any(
    parts, cast, caller
) -> None:
    browser = caller(cast.operator)
    assert 'name="tenant"' not in browser.get(f"{PATH}/new").get_data(as_text=True)
    with writing(parts.engine) as db:
        academy = create_tenant(db, name="academy").id
    assert 'name="tenant"' in browser.get(f"{PATH}/new").get_data(as_text=True)
    assert browser.post(f"{PATH}/new", form(tenant="academy")).status_code == 201
    (one,) = listed(parts)
    assert one.tenant_id == academy
    assert "Record store academy" in text_of(browser.get(PATH))


def test_what_is_not_there_is_not_found(cast, caller) -> None:
    browser = caller(cast.operator)
    for path in (f"{PATH}/{uuid.uuid4()}", f"{PATH}/{uuid.uuid4()}/revoke"):
        assert browser.get(path).status_code == 404
    assert browser.post(f"{PATH}/{uuid.uuid4()}/revoke").status_code == 404


def test_only_operators_make_and_revoke(parts, cast, caller, now) -> None:
    issued = made(parts, now)
    for person in (cast.officer, cast.manager, cast.author, cast.auditor):
        browser = caller(person)
        assert browser.post(f"{PATH}/new", form()).status_code == 403
        for path in (f"{PATH}/{issued.id}", f"{PATH}/{issued.id}/revoke"):
            assert browser.get(path).status_code == 403
        assert browser.post(f"{PATH}/{issued.id}/revoke").status_code == 403
    (one,) = listed(parts)
    assert one.revoked_at is None


def test_a_use_is_shown(parts, cast, caller, now) -> None:
    issued = made(parts, now)
    pair = base64.b64encode(f"{issued.key}:{issued.secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {pair}",
        "X-Experience-API-Version": "1.0.3",
        "Accept": "application/json",
    }
    browser = caller(cast.operator)
    assert "Never" in text_of(browser.get(PATH))
    assert browser.get("/xapi/statements", headers=headers).status_code == 200
    with reading(parts.engine) as db:
        assert issued.id in last_uses(db, credentials=[issued.id])
