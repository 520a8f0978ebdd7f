from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
import pytest

from lrs import sessions
from lrs.credentials import Bounds, digest
from lrs.db import writing
from lrs.rules.catalogue import set_role
from lrs.rules.log import VOUCHED_ACCOUNTS
from lrs.sessions import DocumentCall, Further, bounded_caller, issue_key
from lrs.views.express import StoreApp
from statements.build import agent, build_statement
from statements.errors import DomainError, Forbidden, Unauthenticated
from statements.prepare import prepare
from tests.lrs.views.conftest import Own, application, own, shared_app, statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from lrs.credentials import Caller
    from statements.prepare import Prepared

__all__ = ["own", "shared_app"]
PORTAL = "https://portal.example"
UNIT = f"{PORTAL}/units/1"
ME = {"account": {"homePage": PORTAL, "name": "me"}}
OTHER = {"account": {"homePage": PORTAL, "name": "other"}}
REGISTRATION = uuid.UUID("0f0e1c2d-0000-4000-8000-000000000001")
ELSEWHERE = uuid.UUID("0f0e1c2d-0000-4000-8000-000000000002")
PLAYER = agent(PORTAL, "player")


@dataclass
class Fake:
    """One session, as open as a test says, and what it was asked."""

    tenant: int
    issued: sessions.SessionKey = field(default_factory=lambda: issue_key("fake"))
    is_open: bool = True
    refusal: Forbidden | None = None
    follows: bool = False
    completes: bool = False
    records: bool = True
    asked: list[Any] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)

    def admit(self, db: Session, *, key: str, secret: str, now: datetime) -> Caller:
        is_right = hmac.compare_digest(digest(secret), self.issued.sha256)
        if not self.is_open or key != self.issued.key or not is_right:
            raise Unauthenticated("There is no such session.")
        return bounded_caller(
            tenant=self.tenant,
            key=key,
            launch_id=uuid.uuid4(),
            bounds=Bounds(
                kind="fake",
                launch_id=uuid.uuid4(),
                registration=REGISTRATION,
                ifi=f"account::{PORTAL}|me",
                activity=UNIT,
                completes=self.completes,
                records=self.records,
            ),
            portal_url=PORTAL,
        )

    def keep_refused(
        self,
        db: Session,
        *,
        caller: Caller,
        statements: Sequence[Prepared],
        refusal: DomainError,
        now: datetime,
    ) -> None:
        self.kept.append((refusal.detail, [one.id for one in statements]))

    def before_statements(
        self,
        db: Session,
        *,
        caller: Caller,
        statements: Sequence[Prepared],
        now: datetime,
    ) -> Sequence[Further]:
        self._refuse([one.id for one in statements])
        if not self.follows:
            return []
        one = build_statement(
            id=uuid.uuid4(), actor=ME, verb="completed", object=UNIT, timestamp=now
        )
        return [Further([prepare(one, now=now)], PLAYER)]

    def before_document(
        self, db: Session, *, caller: Caller, call: DocumentCall, now: datetime
    ) -> None:
        self._refuse(
            (call.method, call.document_id, call.content and call.content.data)
        )

    def before_query(self, db: Session, *, caller: Caller, now: datetime) -> None:
        self._refuse("query")

    def _refuse(self, what: Any) -> None:
        self.asked.append(what)
        if self.refusal is not None:
            raise self.refusal


@pytest.fixture
def fake(own: Own) -> Fake:
    return Fake(own.tenant)


@pytest.fixture
def unit(own: Own, fake: Fake) -> Own:
    """The client of a launched unit, of a record store that knows such."""
    app = application(own.parts)
    app.extensions["rollcall_sessions"] = {"fake": fake}
    issued = replace(own.issued, key=fake.issued.key, secret=fake.issued.secret)
    return replace(own, app=app, issued=issued)


def mine(**members: Any) -> dict[str, Any]:
    return statement(actor=ME, context={"registration": str(REGISTRATION)}, **members)


def of(client: Own, method: str, path: str, body: bytes | None = None, **query: Any):
    wanted = {
        name: orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
        for name, value in query.items()
        if value is not None
    }
    headers = {"If-None-Match": "*"} if method == "PUT" else {}
    return client.call(method, path, body=body, headers=headers, **wanted)


def state(
    client: Own, method: str, body: bytes | None = None, **query: Any
) -> TestResponse:
    given = {
        "activityId": UNIT,
        "agent": ME,
        "registration": REGISTRATION,
        "stateId": "a",
    } | query
    return of(client, method, "/xapi/activities/state", body, **given)


def test_a_key_says_its_kind_and_is_no_credentials() -> None:
    issued = issue_key("fake")
    known: Any = {"fake": object()}
    assert issued.key.startswith("fake.")
    assert sessions.kind_of(known, f"Basic {issued.token}") == "fake"
    assert sessions.kind_of(known, f"basic  {issued.token} ") == "fake"
    assert sessions.kind_of({}, f"Basic {issued.token}") is None
    assert issue_key("fake").secret != issued.secret


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="nothing"),
        pytest.param("Bearer fake.x:y", id="bearer"),
        pytest.param("Basic !!!", id="no base64"),
        pytest.param("Basic a2V5OnNlY3JldA==", id="a credential's"),
        pytest.param("Basic b3RoZXIueDp5", id="another kind"),
    ],
)
def test_other_headers_are_of_no_kind(authorization: str) -> None:
    known: Any = {"fake": object()}
    assert sessions.kind_of(known, authorization) is None


def test_a_unit_stores_under_the_units_authority_and_what_follows_under_the_players(
    own: Own, unit: Own, fake: Fake
) -> None:
    fake.follows = True
    sent = mine()
    answer = unit.store(sent)
    assert answer == [sent["id"]]
    found = own.get().get_json()["statements"]
    assert [one["authority"] for one in found] == [
        PLAYER,
        agent(PORTAL, "unit"),
    ]
    assert found[1]["authority"]["account"]["name"] in VOUCHED_ACCOUNTS


def test_nothing_is_stored_of_what_is_refused(own: Own, unit: Own, fake: Fake) -> None:
    fake.refusal = Forbidden("Not now.", requirement="9.3.0.0-1")
    answer = unit.post(mine())
    assert answer.status_code == 403
    assert answer.get_json()["requirement"] == "9.3.0.0-1"
    assert own.found() == []
    # whoever launched may keep it
    [(detail, [_])] = fake.kept
    assert detail == "Not now."


def test_a_put_is_asked_about_too(unit: Own, fake: Fake) -> None:
    sent = mine()
    body = orjson.dumps(sent)
    answer = of(unit, "PUT", "/xapi/statements", body, statementId=sent["id"])
    assert answer.status_code == 204
    assert fake.asked == [[uuid.UUID(sent["id"])]]


def test_an_ended_session_is_a_stranger_at_once(unit: Own, fake: Fake) -> None:
    assert unit.post(mine()).status_code == 200
    fake.is_open = False
    assert unit.post(mine()).status_code == 401
    assert unit.get().status_code == 401
    assert state(unit, "GET").status_code == 401


def test_where_nothing_is_launched_the_key_is_nobodys(own: Own, unit: Own) -> None:
    alone = replace(unit, app=own.app)
    assert isinstance(alone.app, StoreApp)
    assert alone.get().status_code == 401
    assert alone.post(mine()).status_code == 401


def test_a_unit_voids_nothing(own: Own, unit: Own) -> None:
    (target,) = unit.store(mine())
    voiding = mine(
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": target},
    )
    answer = unit.post(voiding)
    assert answer.status_code == 403
    assert answer.get_json()["section"] == "cmi5 6.3"
    assert own.found() == [target]


def test_a_unit_reads_the_statements_of_its_registration_alone(
    own: Own, unit: Own, fake: Fake
) -> None:
    own.store(
        statement(actor=OTHER, context={"registration": str(ELSEWHERE)}), statement()
    )
    (foreign, _) = own.found(ascending="true")
    (theirs,) = own.store(
        statement(actor=ME, context={"registration": str(REGISTRATION)})
    )
    (mine_,) = unit.store(mine())
    assert unit.found() == [mine_, theirs]
    assert unit.found(registration=str(REGISTRATION)) == [mine_, theirs]
    assert unit.get(statementId=theirs).status_code == 200
    assert unit.get(statementId=foreign).status_code == 404
    assert unit.get(registration=str(ELSEWHERE)).status_code == 403
    page = unit.get(limit="1").get_json()
    assert [one["id"] for one in page["statements"]] == [mine_]
    path, _, cursor = page["more"].partition("?cursor=")
    again = unit.get(path, cursor=cursor).get_json()
    assert [one["id"] for one in again["statements"]] == [theirs]
    assert again["more"] == ""
    fake.refusal = Forbidden("Not yet.")
    assert unit.get().status_code == 403


def test_what_others_say_of_a_units_statements_is_not_the_units_to_read(
    own: Own, unit: Own
) -> None:
    (mine_,) = unit.store(mine())
    target = {"objectType": "StatementRef", "id": mine_}
    elsewhere = {"registration": str(ELSEWHERE)}
    own.store(statement(actor=OTHER, object=target))
    own.store(statement(actor=OTHER, object=target, context=elsewhere))
    (ours,) = unit.store(mine(object=target))
    assert unit.found() == [ours, mine_]
    assert unit.found(verb=mine()["verb"]["id"]) == [ours, mine_]
    assert unit.found(ascending="true", limit="2") == [mine_, ours]
    assert len(own.found(registration=str(REGISTRATION))) == 4


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({}, 204, id="its own"),
        pytest.param({"registration": None}, 204, id="of no registration"),
        pytest.param({"activityId": "https://elsewhere.example"}, 204, id="a part"),
        pytest.param({"activityId": f"{UNIT}/attempts/1"}, 204, id="in the unit"),
        pytest.param({"activityId": f"{PORTAL}/units"}, 204, id="around the unit"),
        pytest.param({"activityId": f"{PORTAL}/units/12"}, 403, id="another unit"),
        pytest.param({"agent": OTHER}, 403, id="another learner"),
        pytest.param({"registration": ELSEWHERE}, 403, id="another registration"),
    ],
)
def test_state_is_that_of_the_launch(
    own: Own, unit: Own, query: dict[str, Any], status: int
) -> None:
    assert state(unit, "PUT", b"{}", **query).status_code == status
    expected = 200 if status == 204 else 404
    assert state(own, "GET", **query).status_code == expected
    if status == 403:
        for method in ("GET", "DELETE", "POST"):
            body = b"{}" if method == "POST" else None
            assert state(unit, method, body, **query).status_code == 403


def test_all_state_is_removed_of_its_registration_alone(own: Own, unit: Own) -> None:
    elsewhere = {"registration": ELSEWHERE}
    assert state(own, "PUT", b"{}", **elsewhere).status_code == 204
    for agent_ in (ME, OTHER):
        query = {"stateId": None, "registration": None, "agent": agent_}
        assert state(unit, "DELETE", **query).status_code == 403
    assert state(unit, "DELETE", stateId=None).status_code == 204
    assert state(own, "GET", **elsewhere).status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        pytest.param("/xapi/agents/profile", {"agent": ME}, 204, id="own agent"),
        pytest.param("/xapi/agents/profile", {"agent": OTHER}, 403, id="other agent"),
        pytest.param(
            "/xapi/activities/profile", {"activityId": UNIT}, 204, id="own unit"
        ),
        pytest.param(
            "/xapi/activities/profile",
            {"activityId": "https://elsewhere.example"},
            403,
            id="other unit",
        ),
    ],
)
def test_profiles_are_those_of_the_launch(
    unit: Own, path: str, query: dict[str, Any], status: int
) -> None:
    answer = of(unit, "PUT", path, b"{}", profileId="p", **query)
    assert answer.status_code == status


def test_documents_are_asked_about_with_their_content(unit: Own, fake: Fake) -> None:
    state(unit, "PUT", b'{"a":1}')
    state(unit, "POST", b'{"b":1}')
    state(unit, "GET")
    state(unit, "HEAD")
    state(unit, "DELETE")
    state(unit, "DELETE", stateId=None)
    assert fake.asked == [
        ("PUT", "a", b'{"a":1}'),
        ("POST", "a", b'{"b":1}'),
        ("GET", "a", None),
        ("GET", "a", None),
        ("DELETE", "a", None),
        ("DELETE", None, None),
    ]


def test_a_refused_document_stays_as_it_was(unit: Own, fake: Fake) -> None:
    state(unit, "PUT", b'{"a":1}')
    fake.refusal = Forbidden("Read it only.")
    assert state(unit, "POST", b'{"a":2}').status_code == 403
    assert state(unit, "DELETE").status_code == 403
    assert state(unit, "GET").status_code == 403
    fake.refusal = None
    assert state(unit, "GET").get_json() == {"a": 1}


def test_a_unit_reads_its_own_state_behind_the_wall(own: Own, unit: Own) -> None:
    with writing(own.parts.engine) as db:
        set_role(
            db,
            tenant=own.tenant,
            course_iri="https://portal.example/courses/1",
            activity_iri=UNIT,
            role="pretest",
            now=datetime.now(UTC),
        )
    assert state(unit, "PUT", b'{"page":2}').status_code == 204
    assert state(unit, "GET").get_json() == {"page": 2}
    # nobody else's, and of every registration no list
    assert state(own, "GET").status_code == 404
    assert state(unit, "GET", registration=None).status_code == 404


def test_a_unit_names_its_own_activities_and_none_of_the_installation(
    own: Own, unit: Own
) -> None:
    name = {"definition": {"name": {"en": "Forged"}}}
    theirs = "https://publisher.example/question-1"
    unit.store(mine(object={"id": UNIT, **name}), mine(object={"id": theirs, **name}))
    assert "definition" not in own.get("/xapi/activities", activityId=UNIT).get_json()
    found = own.get("/xapi/activities", activityId=theirs).get_json()
    assert found["definition"] == name["definition"]


def test_a_registration_may_be_completed(unit: Own, fake: Fake) -> None:
    bare = statement(actor=ME)
    fake.completes = True
    for _ in range(2):
        # the repeat is the same statement
        assert unit.store(bare) == [bare["id"]]
    (found,) = unit.get().get_json()["statements"]
    assert found["context"] == {"registration": str(REGISTRATION)}


def test_a_launch_may_leave_no_record(own: Own, unit: Own, fake: Fake) -> None:
    fake.records = False
    sent = mine()
    assert unit.store(sent) == [sent["id"]]
    assert len(fake.asked) == 1
    assert own.found() == []


def test_what_a_unit_says_of_anything_is_behind_its_wall(own: Own, unit: Own) -> None:
    with writing(own.parts.engine) as db:
        set_role(
            db,
            tenant=own.tenant,
            course_iri="https://portal.example/courses/1",
            activity_iri=UNIT,
            role="pretest",
            now=datetime.now(UTC),
        )
    scored = {"result": {"score": {"scaled": 0.5}}}
    unit.store(mine(object={"id": "https://publisher.example/quiz"}, **scored))
    assert own.found() == []
    assert unit.found() == []


def test_a_unit_manages_nothing(unit: Own) -> None:
    assert unit.get("/api/v1/credentials").status_code == 403
    form = urlencode({"grant_type": "client_credentials"}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = unit.call("POST", "/xapi/oauth/token", body=form, headers=kind)
    assert answer.status_code == 401
