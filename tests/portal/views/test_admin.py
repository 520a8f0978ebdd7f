from __future__ import annotations

import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from portal.audit import AuditEntry
from portal.users import find_user, roles_of
from tests.people import PASSWORD
from tests.portal.views.text import text_of


@pytest.fixture
def engine(sqlite_engine):
    return sqlite_engine


def acts(parts, action: str) -> list[AuditEntry]:
    with reading(parts.engine) as db:
        return list(
            db.scalars(select(AuditEntry).where(AuditEntry.action == action)).all()
        )


NEW = {
    "name": "New officer",
    "email": "new@example.org",
    "password": "another good password",
    "agency": "harbor-city-police-department",
    "position": "sworn",
    "role": "training_manager",
}


def test_adding_a_user_who_then_signs_in(parts, cast, caller) -> None:
    browser = caller(cast.operator)
    assert browser.post("/admin/users/new", NEW).headers["Location"] == "/admin/users"
    with reading(parts.engine) as db:
        user = find_user(db, email="new@example.org")
        assert user is not None
        assert user.agency_id == cast.harbor.id
        assert roles_of(db, user_id=user.id) == {"learner", "training_manager"}
    [entry] = acts(parts, "user.added")
    assert entry.user_id == cast.operator.id
    assert caller().sign_in(NEW["email"], NEW["password"]).status_code == 302


REFUSED = [
    ({"email": "officer@example.org"}, "There is already a user"),
    ({"email": "nobody"}, "Give an e-mail address"),
    ({"password": "short"}, "Choose a password"),
    ({"agency": ""}, "belongs to an agency"),
    ({"role": "sheriff"}, "There is no role"),
]


def test_what_cannot_be_added_is_said_beside_the_field(parts, cast, caller) -> None:
    browser = caller(cast.operator)
    for change, told in REFUSED:
        answer = browser.post("/admin/users/new", NEW | change)
        assert answer.status_code == 400, change
        page = text_of(answer)
        assert told in page, change
        assert "New officer" in page
        assert "another good password" not in page
    assert acts(parts, "user.added") == []


def test_closing_and_opening(parts, cast, caller) -> None:
    browser = caller(cast.operator)
    path = f"/admin/users/{cast.officer.id}"
    assert browser.post(f"{path}/close").status_code == 302
    assert "do not match" in text_of(caller().sign_in(cast.officer.email))
    assert browser.post(f"{path}/open").status_code == 302
    assert caller().sign_in(cast.officer.email, PASSWORD).status_code == 302
    assert len(acts(parts, "user.closed") + acts(parts, "user.opened")) == 2
    own = f"/admin/users/{cast.operator.id}/close"
    assert browser.post(own).status_code == 409


def test_correcting_a_user_ends_sessions_where_permissions_change(
    parts, cast, caller
) -> None:
    browser, officer = caller(cast.operator), caller(cast.officer)
    path = f"/admin/users/{cast.officer.id}"
    form = {
        "name": "Sergeant",
        "agency": cast.harbor.slug,
        "position": "dispatcher",
        "roles": [],
    }
    assert browser.post(path, form).headers["Location"] == path
    assert "Sergeant" in text_of(officer.get("/account"))
    assert browser.post(path, form | {"roles": ["training_manager"]}).status_code == 302
    assert officer.get("/account").status_code == 302
    assert caller(cast.officer).get("/agency/learners").status_code == 200
    assert browser.post(path, form).status_code == 302
    assert caller(cast.officer).get("/agency/learners").status_code == 403
    assert len(acts(parts, "user.changed")) == 3
    wrong = browser.post(path, form | {"roles": ["training_manager"], "agency": ""})
    assert wrong.status_code == 400
    assert "belongs to an agency" in text_of(wrong)
    own = f"/admin/users/{cast.operator.id}"
    assert browser.post(own, form).status_code == 409


def test_a_new_password_by_hand(parts, cast, caller) -> None:
    browser, officer = caller(cast.operator), caller(cast.officer)
    path = f"/admin/users/{cast.officer.id}"
    short = browser.post(f"{path}/password", {"password": "short"})
    assert short.status_code == 400
    assert "Choose a password" in text_of(short)
    new = {"password": "a quite different one"}
    assert browser.post(f"{path}/password", new).headers["Location"] == path
    assert officer.get("/account").status_code == 302
    assert "do not match" in text_of(caller().sign_in(cast.officer.email))
    assert caller().sign_in(cast.officer.email, new["password"]).status_code == 302
    [entry] = acts(parts, "user.password_set")
    assert "different" not in str(entry.detail)
    assert "user.password_set" in text_of(browser.get(path))


def test_agencies(parts, cast, caller) -> None:
    browser = caller(cast.operator)
    assert "None yet" in text_of(browser.get("/admin/agencies"))
    fields = {"name": "Mill Creek Marshals"}
    assert browser.post("/admin/agencies", fields).status_code == 302
    assert "mill-creek-marshals" in text_of(browser.get("/admin/agencies"))
    again = browser.post("/admin/agencies", fields)
    assert again.status_code == 400
    assert "There is already an agency" in text_of(again)


def test_health_names_what_failed(parts, cast, caller, now) -> None:
    from lrs.jobs import enqueue

    with writing(parts.engine) as db:
        job = enqueue(db, "package.import", {}, run_at=now)
        job.failure = "Traceback\n  File x\nKeyError: 'package'\n"
        job.tries = 3
    page = text_of(caller(cast.operator).get("/admin/health"))
    assert "package.import" in page
    assert "KeyError" in page
    assert "Traceback" not in page


def test_the_log_names_who_did_what(parts, cast, caller) -> None:
    caller(cast.operator).post("/admin/agencies", {"name": "Mill Creek Marshals"})
    page = text_of(caller(cast.auditor).get("/admin/audit"))
    assert "agency.added" in page
    assert "Operator" in page
