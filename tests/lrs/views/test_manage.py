from __future__ import annotations

import logging
import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lrs.credentials import Issued, create_credential, get_credential
from lrs.db import reading, writing
from lrs.tables import MAIN_TENANT
from lrs.tenants import create_tenant
from statements.errors import Conflict
from tests.lrs.views.conftest import Lrs

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

PATH = "/api/v1/credentials"
SCOPES = ["all", "credentials/write"]


@pytest.fixture
def keeper(lrs: Lrs) -> Lrs:
    """A caller who may make and revoke credentials."""
    return lrs.with_scopes(SCOPES)


def make(lrs: Lrs, **members: Any) -> TestResponse:
    return lrs.call(
        "POST", PATH, body={"name": "LMS", "scopes": ["statements/write"]} | members
    )


def test_a_credential_is_made_used_shown_and_revoked(keeper: Lrs) -> None:
    answer = make(keeper, name=" LMS ", per_minute=60)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    new = Lrs(
        keeper.app,
        keeper.parts,
        Issued(uuid.UUID(body["id"]), body["key"], body.pop("secret")),
    )
    assert new.call("GET", PATH).status_code == 403
    place = answer.headers["Location"]
    shown = keeper.call("GET", place).get_json()
    used = shown.pop("last_used_at")
    assert body.pop("last_used_at") is None
    assert used is not None
    assert shown == body
    assert shown["name"] == "LMS"
    assert shown["scopes"] == ["statements/write"]
    assert (shown["per_minute"], shown["expires_at"]) == (60, None)
    for _ in range(2):
        assert keeper.call("DELETE", place).status_code == 204
    assert new.call("GET", PATH).status_code == 401
    assert keeper.call("GET", place).get_json()["revoked_at"] is not None


def test_a_credential_may_end(keeper: Lrs) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    body = make(keeper, expires_at=ends.isoformat()).get_json()
    with reading(keeper.parts.engine) as db:
        found = get_credential(db, credential_id=uuid.UUID(body["id"]))
        assert found.expires_at == ends


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (b"{", "JSON"),
        (b"[]", ""),
        ({}, "name"),
        ({"name": "", "scopes": ["all"]}, "name"),
        ({"name": "x" * 201, "scopes": ["all"]}, "name"),
        ({"name": "a\0b", "scopes": ["all"]}, "name"),
        ({"name": 3, "scopes": ["all"]}, "name"),
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": [3]}, "scopes"),
        ({"name": "x", "scopes": "all"}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scope everything"),
        ({"name": "x", "scopes": ["all"], "per_minute": 0}, "per_minute"),
        ({"name": "x", "scopes": ["all"], "per_minute": "9"}, "per_minute"),
        ({"name": "x", "scopes": ["all"], "expires_at": "soon"}, "expires_at"),
        (
            {"name": "x", "scopes": ["all"], "expires_at": "2099-01-01T00:00:00"},
            "expires_at",
        ),
        (
            {"name": "x", "scopes": ["all"], "expires_at": "2020-01-01T00:00:00Z"},
            "expired",
        ),
        ({"name": "x", "scopes": ["all"], "secret": "mine"}, "secret"),
    ],
)
def test_what_makes_none_is_named(keeper: Lrs, given: Any, named: str) -> None:
    answer = keeper.call("POST", PATH, body=given)
    assert answer.status_code == 400
    assert named in answer.get_json()["detail"]
    assert len(keeper.call("GET", PATH).get_json()["credentials"]) == 2


def test_a_body_that_is_too_large_is_refused(keeper: Lrs) -> None:
    assert make(keeper, name="x" * 100_000).status_code == 413


def test_nobody_gives_what_they_do_not_hold(lrs: Lrs) -> None:
    narrow = lrs.with_scopes(["statements/read", "credentials/write"])
    for scopes, status in [
        (["statements/read"], 201),
        (["statements/read/mine", "credentials/read"], 201),
        (["statements/write"], 403),
        (["statements/read", "pretest/read"], 403),
        (["all"], 403),
    ]:
        assert make(narrow, scopes=scopes).status_code == status, scopes


END = datetime(2099, 6, 30, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 201),
        ({"expires_at": END.isoformat(), "per_minute": 10}, 201),
        ({"expires_at": (END - timedelta(days=1)).isoformat()}, 201),
        ({"expires_at": (END + timedelta(seconds=1)).isoformat()}, 403),
        ({"per_minute": 9}, 201),
        ({"per_minute": 11}, 403),
    ],
)
def test_nobody_gives_more_time_or_requests_than_they_have(
    lrs: Lrs, asked: dict[str, Any], status: int
) -> None:
    with writing(lrs.parts.engine) as db:
        issued = create_credential(
            db,
            tenant=MAIN_TENANT,
            name="for a while",
            home_page=lrs.parts.config.portal_url,
            now=datetime.now(UTC),
            scopes=SCOPES,
            expires_at=END,
            per_minute=10,
        )
    answer = make(replace(lrs, issued=issued), **asked)
    assert answer.status_code == status
    if status == 201:
        made = answer.get_json()
        assert datetime.fromisoformat(made["expires_at"]) <= END
        assert made["per_minute"] <= 10


@pytest.mark.parametrize(
    ("ends", "per_minute", "asked", "status"),
    [
        # a token of an hour gives away what its credential has
        (END, 10, {}, 201),
        (END, 10, {"expires_at": (END + timedelta(seconds=1)).isoformat()}, 403),
        (END, 10, {"per_minute": 11}, 403),
        (END, None, {"per_minute": 1_000_000}, 201),
        (None, 10, {"expires_at": "2200-01-01T00:00:00Z"}, 201),
        (None, None, {}, 201),
        (None, None, {"expires_at": END.isoformat(), "per_minute": 5}, 201),
        (None, None, {"scopes": ["pretest/read"]}, 403),
    ],
)
def test_a_token_makes_what_its_credential_may(
    lrs: Lrs,
    ends: datetime | None,
    per_minute: int | None,
    asked: dict[str, Any],
    status: int,
) -> None:
    with writing(lrs.parts.engine) as db:
        issued = create_credential(
            db,
            tenant=MAIN_TENANT,
            name="maker",
            home_page=lrs.parts.config.portal_url,
            now=datetime.now(UTC),
            scopes=["statements/read", "credentials/write"],
            expires_at=ends,
            per_minute=per_minute,
        )
    bought = lrs.app.test_client().post(
        "/xapi/oauth/token",
        data={"grant_type": "client_credentials"},
        headers=replace(lrs, issued=issued).headers(),
    )
    bearer = {"Authorization": f"Bearer {bought.get_json()['access_token']}"}
    body = {"name": "made", "scopes": ["statements/read"], **asked}
    answer = lrs.call("POST", PATH, body=body, headers=bearer)
    assert answer.status_code == status, answer.get_json()
    if status == 201:
        made = answer.get_json()
        wanted = asked.get("expires_at", ends and ends.isoformat())
        told = made["expires_at"]
        assert (told and datetime.fromisoformat(told)) == (
            wanted and datetime.fromisoformat(wanted)
        )
        assert made["per_minute"] == asked.get("per_minute", per_minute)


def test_an_end_beyond_the_end_of_time_is_refused(keeper: Lrs) -> None:
    answer = make(keeper, expires_at="9999-12-31T23:59:59-01:00")
    assert (answer.status_code, answer.get_json()["field"]) == (400, "expires_at")


def test_a_form_sent_twice_at_once_makes_one(lrs: Lrs) -> None:
    chosen, told = uuid.uuid4(), []
    start = threading.Barrier(2, timeout=120)

    def send() -> None:
        start.wait()
        try:
            with writing(lrs.parts.engine) as db:
                create_credential(
                    db,
                    tenant=MAIN_TENANT,
                    name="twice",
                    home_page="https://lrs.example",
                    now=datetime.now(UTC),
                    credential_id=chosen,
                )
                time.sleep(0.2)
        except Conflict:
            told.append("conflict")
        else:
            told.append("made")

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["conflict", "made"]


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        (["all"], 403, 403),
        (["all/read"], 403, 403),
        (["credentials/read"], 200, 403),
        (["credentials/write"], 200, 201),
    ],
)
def test_who_may_see_and_make_credentials(
    lrs: Lrs, scopes: list[str], reads: int, writes: int
) -> None:
    one = lrs.with_scopes(scopes)
    assert one.call("GET", PATH).status_code == reads
    assert make(one, scopes=["credentials/read"]).status_code == writes
    place = f"{PATH}/{one.issued.id}"
    assert one.call("GET", place).status_code == reads
    gone = {403: 403, 201: 204}[writes]
    assert one.call("DELETE", place).status_code == gone
    assert lrs.call("GET", PATH, headers={"Authorization": ""}).status_code == 401


def test_other_tenants_credentials_are_not_there(lrs: Lrs) -> None:
    with writing(lrs.parts.engine) as db:
        academy = create_tenant(db, name="academy").id
    stranger = lrs.with_scopes(SCOPES, tenant=academy)
    listed = stranger.call("GET", PATH).get_json()["credentials"]
    assert [one["key"] for one in listed] == [stranger.issued.key]
    for method in ("GET", "DELETE"):
        assert stranger.call(method, f"{PATH}/{lrs.issued.id}").status_code == 404
        assert stranger.call(method, f"{PATH}/{uuid.uuid4()}").status_code == 404
    assert lrs.get().status_code == 200


def test_the_list_goes_on_by_cursor(keeper: Lrs) -> None:
    made = [make(keeper, name=f"LMS {n}").get_json()["key"] for n in range(3)]
    seen, cursor = [], None
    for size in (2, 2, 1):
        place = {"cursor": cursor} if cursor else {}
        page = keeper.call("GET", PATH, limit="2", **place)
        body = page.get_json()
        assert len(body["credentials"]) == size
        seen += [one["key"] for one in body["credentials"]]
        last, cursor = cursor, body["cursor"]
    assert cursor is None
    assert seen[:3] == made[::-1]
    assert len(set(seen)) == 5
    other = keeper.with_scopes(SCOPES)
    assert other.call("GET", PATH, cursor=str(last)).status_code == 400
    assert keeper.call("GET", PATH, cursor="x").status_code == 400
    for wrong in ({"page": "2"}, {"limit": "0"}, {"limit": "x"}, {"limit": "501"}):
        assert keeper.call("GET", PATH, **wrong).status_code == 400


def test_who_made_and_revoked_is_logged(
    keeper: Lrs, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "rollcall.credentials"):
        body = make(keeper).get_json()
        keeper.call("DELETE", f"{PATH}/{body['id']}")
    records = [vars(one) for one in caplog.records]
    assert [(one["msg"], one["credential"], one["key"]) for one in records] == [
        ("a credential was made", keeper.issued.key, body["key"]),
        ("a credential was revoked", keeper.issued.key, body["key"]),
    ]
    assert body["secret"] not in str(records)


def test_a_token_manages_as_its_credential_does(keeper: Lrs) -> None:
    form = {"grant_type": "client_credentials", "scope": "credentials/read"}
    answer = keeper.app.test_client().post(
        "/xapi/oauth/token",
        data=form,
        headers={"Authorization": keeper.headers()["Authorization"]},
    )
    bearer = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    listed = replace(keeper).call("GET", PATH, headers=bearer)
    assert listed.status_code == 200
    assert keeper.call("POST", PATH, body={}, headers=bearer).status_code == 403
