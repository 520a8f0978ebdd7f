"""What a process remembers is true: a change elsewhere is seen at the next request."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import lrs.remembered
from lrs.credentials import Issued, create_credential, revoke_credential
from lrs.db import writing
from lrs.process import make_process
from lrs.rules.catalogue import set_role
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT
from statements.errors import Unauthenticated
from statements.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Engine

    from lrs.remembered import Remembered

QUIZ = "https://lrs.example/activities/quiz"


@pytest.fixture
def remembered(engine: Engine) -> Iterator[Remembered]:
    process = make_process(engine)
    yield process.remembered
    process.direct.close()


def issue(engine: Engine, now: datetime, expires_at: datetime | None = None) -> Issued:
    with writing(engine) as db:
        return create_credential(
            db,
            tenant=MAIN_TENANT,
            name="LMS",
            home_page="https://lrs.example",
            now=now,
            expires_at=expires_at,
        )


def basic(issued: Issued, secret: str | None = None) -> str:
    pair = f"{issued.key}:{secret or issued.secret}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.fixture
def admissions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often a header is looked at in the database."""
    seen: list[str] = []
    admit = lrs.remembered.admit

    def counted(*given: object, authorization: str, now: datetime) -> object:
        seen.append(authorization)
        return admit(*given, authorization=authorization, now=now)  # type: ignore[arg-type]

    monkeypatch.setattr(lrs.remembered, "admit", counted)
    return seen


def test_a_caller_is_looked_up_once(
    engine: Engine, remembered: Remembered, now: datetime, admissions: list[str]
) -> None:
    issued = issue(engine, now)
    for _ in range(3):
        caller, seen = remembered.caller(basic(issued), now=now)
        assert (caller.key, seen.tenant, seen.seq) == (issued.key, MAIN_TENANT, 0)
    assert len(admissions) == 1


def test_a_revoked_one_is_refused_at_once(
    engine: Engine, remembered: Remembered, now: datetime
) -> None:
    issued = issue(engine, now)
    remembered.caller(basic(issued), now=now)
    with writing(engine) as db:
        revoke_credential(db, key=issued.key, now=now)
    with pytest.raises(Unauthenticated):
        remembered.caller(basic(issued), now=now)


def test_a_wrong_secret_is_refused_beside_the_right_one(
    engine: Engine, remembered: Remembered, now: datetime
) -> None:
    issued = issue(engine, now)
    remembered.caller(basic(issued), now=now)
    for header in (basic(issued, "wrong"), "", "Basic", "Bearer x", "\udcff"):
        with pytest.raises(Unauthenticated):
            remembered.caller(header, now=now)


def test_time_runs_out_for_the_remembered_too(
    engine: Engine, remembered: Remembered, now: datetime
) -> None:
    end = now + timedelta(hours=1)
    issued = issue(engine, now, expires_at=end)
    remembered.caller(basic(issued), now=end - timedelta(microseconds=1))
    with pytest.raises(Unauthenticated):
        remembered.caller(basic(issued), now=end)


def test_no_more_is_remembered_than_there_is_room_for(
    engine: Engine,
    remembered: Remembered,
    now: datetime,
    admissions: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lrs.remembered, "MAX_CALLERS", 2)
    issued = [issue(engine, now) for _ in range(3)]
    for one in (*issued, issued[2], issued[0]):
        remembered.caller(basic(one), now=now)
    assert admissions == [basic(one) for one in (*issued, issued[0])]


def test_a_role_set_elsewhere_moves_the_wall(
    engine: Engine, remembered: Remembered, now: datetime
) -> None:
    before = remembered.glance(MAIN_TENANT)
    assert not remembered.wall(before).hides_activity(QUIZ)
    assert remembered.wall(before) is remembered.wall(before)
    with writing(engine) as db:
        set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri="https://lrs.example/activities/course",
            activity_iri=QUIZ,
            role="pretest",
            now=now,
        )
    assert remembered.wall(remembered.glance(MAIN_TENANT)).hides_activity(QUIZ)


def test_the_first_that_refers_is_noticed(
    engine: Engine, remembered: Remembered, now: datetime
) -> None:
    process = make_process(engine)
    with process.direct.driver() as driver:
        assert not remembered.refers(driver, MAIN_TENANT)
        statement = {
            "actor": {"mbox": "mailto:learner@example.org"},
            "verb": {"id": "http://example.org/verbs/commented"},
            "object": {
                "objectType": "StatementRef",
                "id": "7f7a0c4f-4d3e-4d0f-8d63-1c1f3a5c2b11",
            },
        }
        with writing(engine) as db:
            store_statements(
                db,
                tenant=MAIN_TENANT,
                statements=[prepare(statement, now=now)],
                authority={"account": {"homePage": "https://a.example", "name": "a"}},
                now=now,
            )
        assert remembered.refers(driver, MAIN_TENANT)
    process.direct.close()
