from __future__ import annotations

import base64
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from lrs import limits
from lrs.credentials import create_credential, revoke_credential
from lrs.db import reading, writing
from lrs.limits import last_uses
from lrs.tables import MAIN_TENANT
from statements.errors import Unavailable
from tests.lrs.views.conftest import Lrs, statement
from tests.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lrs.parts import Parts


def basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


STRANGE = [
    "",
    "Basic",
    "Basic !!!!",
    "Digest username=x",
    basic(b""),
    basic(b":"),
    basic(b"key"),
    basic(b"\xff\xfe:\xff"),
    basic(b"a\0b:c"),
    basic(b"k" * 5000 + b":s"),
    "Basic " + "ä",
]


def test_strangers_are_told_how_to_come_in(lrs: Lrs) -> None:
    for method, header in product(("GET", "POST", "PUT"), STRANGE):
        answer = lrs.call(
            method,
            body=statement() if method != "GET" else None,
            headers={"Authorization": header},
        )
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert answer.get_json()["code"] == "unauthenticated"
    assert lrs.found() == []


def test_a_wrong_secret_is_refused(lrs: Lrs) -> None:
    wrong = basic(f"{lrs.issued.key}:{lrs.issued.secret}x".encode())
    assert lrs.call("GET", headers={"Authorization": wrong}).status_code == 401


def test_a_revoked_key_is_refused_at_once(lrs: Lrs) -> None:
    assert lrs.get().status_code == 200
    with writing(lrs.parts.engine) as db:
        revoke_credential(db, key=lrs.issued.key, now=datetime.now(UTC))
    assert lrs.get().status_code == 401


def test_a_revoked_key_is_told_before_what_else_is_wrong(lrs: Lrs) -> None:
    assert lrs.get().status_code == 200
    assert lrs.get(limit="x").status_code == 400
    assert lrs.post({}).status_code == 400
    with writing(lrs.parts.engine) as db:
        revoke_credential(db, key=lrs.issued.key, now=datetime.now(UTC))
    kinds = [{}, {"Content-Type": "text/plain"}]
    answers = [lrs.get(limit="x"), lrs.get(statementId="x"), lrs.post({})]
    answers += [lrs.call("POST", body=b"{", headers=kind) for kind in kinds]
    answers += [lrs.call("PUT", body=statement(), statementId="x")]
    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert all("WWW-Authenticate" in answer.headers for answer in answers)


def test_a_wrong_request_is_told_without_a_database(
    lrs: Lrs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lrs.get().status_code == 200

    def away(*_words: Any, **_named: Any) -> None:
        raise Unavailable

    monkeypatch.setattr("lrs.remembered.Remembered.glance", away)
    assert lrs.get(limit="x").status_code == 400


def test_the_body_of_a_stranger_is_not_read(lrs: Lrs) -> None:
    answer = lrs.call("POST", body=b"{", headers={"Authorization": ""})
    assert answer.status_code == 401


def with_credential(lrs: Lrs, **members: Any) -> Lrs:
    with writing(lrs.parts.engine) as db:
        issued = create_credential(
            db,
            tenant=MAIN_TENANT,
            name="LMS",
            home_page=lrs.parts.config.portal_url,
            now=datetime.now(UTC),
            **members,
        )
    return replace(lrs, issued=issued)


def test_a_credential_ends_although_it_is_remembered(lrs: Lrs) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    short = with_credential(lrs, expires_at=ends)
    assert short.get().status_code == 200
    with time_machine.travel(ends):
        assert short.get().status_code == 401


def last_use(lrs: Lrs) -> datetime | None:
    with reading(lrs.parts.engine) as db:
        return last_uses(db, credentials=[lrs.issued.id]).get(lrs.issued.id)


def test_the_last_use_is_noted_not_each(lrs: Lrs) -> None:
    assert last_use(lrs) is None
    before = datetime.now(UTC)
    assert lrs.get().status_code == 200
    noted = last_use(lrs)
    assert noted is not None
    assert before <= noted <= datetime.now(UTC)
    assert lrs.get().status_code == 200
    assert last_use(lrs) == noted


def test_nothing_is_refused_for_a_note_that_cannot_be_written(
    lrs: Lrs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_words: Any, **_named: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(limits, "note_use", fail)
    assert lrs.get().status_code == 200
    assert last_use(lrs) is None


def test_what_comes_over_the_limit_is_told_to_wait(lrs: Lrs) -> None:
    small = with_credential(lrs, per_minute=2)
    (kept,) = small.store(statement())
    assert small.get().status_code == 200
    for method, body in (("POST", statement()), ("PUT", statement()), ("GET", None)):
        answer = small.call(method, body=body)
        assert answer.status_code == 429
        problem = answer.get_json()
        assert problem["code"] == "too_many"
        assert problem["per_minute"] == 2
        wait = int(answer.headers["Retry-After"])
        assert wait == problem["retry_after"]
        assert 1 <= wait <= 30
        assert answer.headers["X-Experience-API-Version"] == "1.0.3"
    assert lrs.found() == [kept]


# Over several processes


@pytest.fixture
def served(parts: Parts, tmp_path: Path) -> Iterator[Served]:
    """The record store alone, answered for by two processes."""
    url = parts.config.database_url
    settings = {"DATA": str(tmp_path), "DATABASE_URL": url, "WORKERS": "2"}
    served = Served(settings, tmp_path / "log")
    served.command = [sys.executable, "-m", "lrs", "serve"]
    served.start("--no-worker")
    yield served
    served.stop()


def ask(served: Served, key: str, secret: str) -> int:
    """The status of a request over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    headers = {"Authorization": basic(f"{key}:{secret}".encode())}
    headers["X-Experience-API-Version"] = "1.0.3"
    try:
        connection.request("GET", "/xapi/statements?limit=1", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def ask_at_once(served: Served, key: str, secret: str, times: int) -> list[int]:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(ask(served, key, secret)))
        for _ in range(times)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_revocation_and_a_limit_hold_in_every_process(
    parts: Parts, served: Served
) -> None:
    def make(per_minute: int | None) -> tuple[str, str]:
        with writing(parts.engine) as db:
            issued = create_credential(
                db,
                tenant=MAIN_TENANT,
                name="LMS",
                home_page=served.portal,
                now=datetime.now(UTC),
                per_minute=per_minute,
            )
        return issued.key, issued.secret

    free = make(None)
    assert set(ask_at_once(served, *free, 16)) == {200}
    began = time.monotonic()
    limited = ask_at_once(served, *make(6), 16)
    filled = int((time.monotonic() - began) / 10)
    assert set(limited) == {200, 429}
    assert 6 <= limited.count(200) <= 6 + filled
    with writing(parts.engine) as db:
        revoke_credential(db, key=free[0], now=datetime.now(UTC))
    assert set(ask_at_once(served, *free, 16)) == {401}
