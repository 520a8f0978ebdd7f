"""A unit of `tincan.xml`, from its address to what is known of it; over HTTP."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
import pytest
from sqlalchemy import select, update

from lrs.db import reading, writing
from lrs.rules.catalogue import set_role
from lrs.rules.wall import pretest_wall
from lrs.tables import MAIN_TENANT, Statement
from player import launches, tokens, xapi_launch
from player.tables import Attempt, Launch, Registration
from statements.vocabulary import EXTENSIONS, VERBS
from tests.player.sample import (
    COURSE,
    LEARNER,
    OTHER,
    SHORT_NAMES,
    add_package,
    make_unit,
)
from wsgi import create_lrs_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from lrs.parts import Parts
    from packages.courses import Package

OWN = "http://publisher.example/course"
UNIT = f"{COURSE}/units/ITEM-0"
XAPI: dict[str, Any] = {"kind": "activity", "identifier": OWN, "mastery_score": None}


@dataclass
class Lms:
    """The record store, and a package of xAPI that learners take."""

    parts: Parts
    package: Package = field(init=False)
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        units = make_unit(0, **XAPI), make_unit(1, **XAPI | {"identifier": f"{OWN}/2"})
        with writing(self.parts.engine) as db:
            self.package = add_package(
                db, *units, now=datetime.now(UTC), standard="xapi", identifier=""
            )
            db.flush()
            db.expunge(self.package)
        self.client = create_lrs_app(self.parts).test_client()

    def launch(self, unit: int = 0, **more: Any) -> Unit:
        """Open and start a launch, now or `ago`."""
        now = datetime.now(UTC) - more.pop("ago", timedelta(0))
        given: dict[str, Any] = {
            "registration": uuid.uuid4(),
            "mode": "Normal",
            "actor": {**LEARNER, "name": "Sworn Officer"},
        } | more
        with writing(self.parts.engine) as db:
            opened = launches.open_launch(
                db,
                config=self.parts.config,
                package=self.package,
                unit=unit,
                course_iri=COURSE,
                revision="1",
                mastery={},
                return_url="",
                now=now,
                **given,
            )
        with writing(self.parts.engine) as db:
            told = launches.start(
                db, config=self.parts.config, launch_id=opened.launch_id, now=now
            )
        return Unit(self, opened.launch_id, told["entry"], given["registration"])


@dataclass
class Unit:
    """A launched unit, with the address that it was given."""

    lms: Lms
    launch_id: uuid.UUID
    entry: str
    registration: uuid.UUID

    @property
    def given(self) -> dict[str, str]:
        query = parse_qs(urlsplit(self.entry).query)
        return {name: value for name, (value,) in query.items()}

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": self.given["auth"],
            "X-Experience-API-Version": "1.0.3",
        }

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = self.headers | more.pop("headers", {})
        return self.lms.client.open(
            f"/xapi/{path}", method=method, headers=headers, **more
        )

    def statement(self, verb: str, about: str = "", **result: Any) -> dict[str, Any]:
        """One as units send them."""
        return {
            "id": str(uuid.uuid4()),
            "actor": orjson.loads(self.given["actor"]),
            "verb": {"id": VERBS.get(verb, verb)},
            "object": {"id": about or self.given["activity_id"]},
            "context": {"registration": self.given["registration"]},
            "timestamp": datetime.now(UTC).isoformat(),
        } | ({"result": result} if result else {})

    def post(self, *sent: dict[str, Any]) -> TestResponse:
        return self.call("POST", "statements", json=list(sent))

    def say(self, verb: str, about: str = "", **result: Any) -> dict[str, Any]:
        sent = self.statement(verb, about, **result)
        answer = self.post(sent)
        assert answer.status_code == 200, answer.text
        assert answer.json == [sent["id"]]
        return sent

    def told(self) -> list[tuple[str, str, str]]:
        """Account, verb and object of all statements of the registration."""
        with reading(self.lms.parts.engine) as db:
            rows = db.scalars(
                select(Statement.payload)
                .where(Statement.registration == self.registration)
                .order_by(Statement.seq)
            )
            found = [orjson.loads(row) for row in rows]
        return [
            (
                one["authority"]["account"]["name"],
                SHORT_NAMES.get(one["verb"]["id"], one["verb"]["id"]),
                one["object"]["id"],
            )
            for one in found
        ]

    def players(self) -> list[tuple[str, str]]:
        """Verb and object of what the player said itself."""
        return [(verb, about) for who, verb, about in self.told() if who == "player"]

    @property
    def attempt(self) -> Attempt:
        with reading(self.lms.parts.engine) as db:
            launch = db.get_one(Launch, self.launch_id)
            found = db.get_one(Attempt, launch.attempt_id)
            db.expunge(found)
            return found

    def change(self, **values: Any) -> None:
        """Move the launch in time."""
        with writing(self.lms.parts.engine) as db:
            mine = update(Launch).where(Launch.id == self.launch_id)
            db.execute(mine.values(**values))

    def end(self) -> None:
        parts = self.lms.parts
        with writing(parts.engine) as db:
            now = datetime.now(UTC)
            launches.end(db, config=parts.config, launch_id=self.launch_id, now=now)


@pytest.fixture
def lms(parts: Parts) -> Lms:
    return Lms(parts)


@pytest.fixture
def unit(lms: Lms) -> Unit:
    return lms.launch()


def test_the_address(unit: Unit) -> None:
    entry = urlsplit(unit.entry)
    assert entry.path == "/lesson%200/index.html"
    assert entry.netloc.endswith(unit.lms.parts.config.content_host)
    given = unit.given
    assert orjson.loads(given.pop("actor")) == LEARNER
    assert given.pop("auth").startswith("Basic ")
    assert given == {
        "a": "1",
        "endpoint": f"{unit.lms.parts.config.portal_url}/xapi/",
        "registration": str(unit.registration),
        "activity_id": UNIT,
        "grouping": COURSE,
    }


def test_a_unit_that_speaks_of_the_activity_it_was_given(unit: Unit) -> None:
    unit.say("initialized")
    unit.say("responded", f"{UNIT}/question-1", success=True)
    unit.say("passed", success=True, score={"scaled": 0.9}, completion=True)
    unit.say("terminated", duration="PT5M")
    attempt = unit.attempt
    assert (attempt.completion, attempt.success) == ("completed", "passed")
    assert attempt.scaled == Decimal("0.9")
    assert attempt.started
    # all that the rules need was said by the unit
    assert unit.players() == []
    other = unit.lms.launch(1, registration=unit.registration)
    other.say("completed")
    assert unit.players() == [("completed", COURSE)]
    with reading(unit.lms.parts.engine) as db:
        row = db.get_one(Registration, (MAIN_TENANT, unit.registration))
        assert row.completed_at is not None


def test_a_unit_that_speaks_of_the_activity_of_its_package(unit: Unit) -> None:
    unit.say("http://publisher.example/read", "http://publisher.example/other")
    assert (unit.attempt.completion, unit.players()) == ("incomplete", [])
    sent = unit.say("passed", OWN, score={"raw": 8, "max": 10})
    assert unit.players() == [("passed", UNIT), ("completed", UNIT)]
    with reading(unit.lms.parts.engine) as db:
        rows = db.scalars(
            select(Statement.payload).where(
                Statement.registration == unit.registration,
            )
        )
        said = {one["verb"]["id"]: one for one in map(orjson.loads, rows)}
    passed = said[VERBS["completed"]]
    assert passed["result"] == {
        "completion": True,
        "success": True,
        "score": {"scaled": 0.8, "raw": 8, "max": 10},
    }
    assert passed["context"]["statement"]["id"] == sent["id"]
    assert "category" not in passed["context"]["contextActivities"]


FOLLOWING: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("completed", {}, "", []),
    ("completed", {}, OWN, ["completed"]),
    ("completed", {"completion": False}, OWN, []),
    ("passed", {}, "", ["completed"]),
    ("passed", {"completion": True}, "", []),
    ("failed", {"score": {"scaled": 0.1}}, "", []),
    ("failed", {"score": {"scaled": 0.1}}, OWN, ["failed"]),
    ("scored", {"score": {"scaled": 0.1}}, "", []),
    ("scored", {"score": {"scaled": 0.1}}, OWN, ["scored"]),
    ("scored", {"score": {"scaled": 0.1}}, f"{OWN}/question", []),
    ("progressed", {"score": {"scaled": 0.5}}, OWN, []),
    ("progressed", {"completion": True}, "", ["completed"]),
    ("terminated", {"success": True, "completion": True}, "", []),
    ("terminated", {"success": True, "completion": True}, OWN, ["passed", "completed"]),
    ("http://adlnet.gov/expapi/verbs/mastered", {}, "", ["passed", "completed"]),
]


def test_what_the_player_adds(lms: Lms) -> None:
    for verb, result, about, wanted in FOLLOWING:
        unit = lms.launch()
        unit.say(verb, about, **result)
        assert [said for said, _ in unit.players()] == wanted, (verb, result, about)


def test_what_is_repeated_counts_once(unit: Unit) -> None:
    first = unit.say("failed", OWN, score={"scaled": 0.3})
    unit.say("passed", OWN, score={"scaled": 0.9})
    before = unit.told()
    assert unit.post(first).status_code == 200
    assert unit.told() == before
    assert unit.attempt.success == "passed"


def test_an_older_result_that_was_held_up_takes_nothing_back(unit: Unit) -> None:
    older = unit.statement("failed", score={"scaled": 0.3})
    unit.say("passed", score={"scaled": 0.9})
    assert unit.post(older).status_code == 200
    attempt = unit.attempt
    assert (attempt.success, attempt.scaled) == ("passed", Decimal("0.9"))
    assert attempt.completion == "completed"


def test_a_score_is_of_the_result_that_told_it(unit: Unit) -> None:
    unit.say("failed", OWN, score={"scaled": 0.3})
    other = unit.lms.launch(registration=unit.registration)
    other.say("passed", OWN)
    with reading(unit.lms.parts.engine) as db:
        rows = db.scalars(
            select(Statement.payload).where(
                Statement.registration == unit.registration, Statement.has_score
            )
        )
        assert {orjson.loads(row)["verb"]["id"] for row in rows} == {VERBS["failed"]}


def test_time_is_what_the_unit_reports_or_what_has_passed(unit: Unit) -> None:
    now = datetime.now(UTC)
    unit.change(received_at=now - timedelta(minutes=10))
    unit.say("initialized")
    assert 600 <= unit.attempt.seconds < 700
    unit.change(received_at=now - timedelta(days=2))
    unit.say("completed", duration="P3D")
    assert 7800 <= unit.attempt.seconds < 8000
    other = unit.lms.launch(registration=unit.registration)
    other.change(received_at=now - timedelta(minutes=10))
    other.say("terminated", duration="PT2M")
    assert 7920 <= unit.attempt.seconds < 8120


def forged(unit: Unit, **members: Any) -> dict[str, Any]:
    return unit.statement("passed") | members


GROUP = {"objectType": "Group", "member": [LEARNER], "mbox": "mailto:g@e.org"}
FORGED: list[tuple[str, dict[str, Any]]] = [
    ("another person", {"actor": OTHER}),
    ("a group", {"actor": GROUP}),
    ("another registration", {"context": {"registration": str(uuid.UUID(int=5))}}),
    ("a revision", {"context": {"extensions": {EXTENSIONS["revision"]: "0"}}}),
    ("another unit", {"object": {"id": f"{COURSE}/units/ITEM-1"}}),
    ("the course", {"object": {"id": COURSE}}),
    (
        "voiding",
        {
            "verb": {"id": VERBS["voided"]},
            "object": {"objectType": "StatementRef", "id": str(uuid.UUID(int=7))},
        },
    ),
]


def test_what_is_not_the_units_to_say_is_refused(unit: Unit) -> None:
    for name, members in FORGED:
        answer = unit.post(unit.statement("passed"), forged(unit, **members))
        assert answer.status_code == 403, name
        assert answer.json["requirement"], name
    assert unit.told() == []
    assert unit.attempt.completion == "unknown"


def test_a_statement_without_registration_gets_the_launchs(unit: Unit) -> None:
    bare = unit.statement("passed", score={"scaled": 0.9})
    del bare["context"]
    # one that the text must keep as it is written
    body = orjson.dumps(bare).replace(b"0.9", b"0.900")
    context = {"contextActivities": {"other": [{"id": OWN}]}}
    other = unit.statement("completed") | {"context": context}
    for data in (body, body, orjson.dumps(other)):
        answer = unit.call(
            "POST", "statements", data=data, content_type="application/json"
        )
        assert answer.status_code == 200, answer.text
    assert [verb for _, verb, _ in unit.told()] == ["passed", "completed", "completed"]
    with reading(unit.lms.parts.engine) as db:
        wanted = Statement.statement_id == uuid.UUID(bare["id"])
        payload = db.scalars(select(Statement.payload).where(wanted)).one()
    assert b"0.900" in payload
    assert unit.attempt.completion == "completed"


def test_a_key_is_good_while_its_launch_goes_on(unit: Unit) -> None:
    wrong = unit.given["auth"][:-6] + "AAAA=="
    answer = unit.call("GET", "statements", headers={"Authorization": wrong})
    assert answer.status_code == 401
    unit.end()
    # what a closing page sends comes together with the end
    unit.say("terminated")
    ended = datetime.now(UTC) - xapi_launch.GRACE
    unit.change(ended_at=ended)
    assert unit.post(unit.statement("passed")).status_code == 401
    assert unit.call("GET", "statements").status_code == 401


def test_a_newer_launch_takes_the_key_away(unit: Unit) -> None:
    newer = unit.lms.launch(registration=unit.registration)
    assert unit.post(unit.statement("passed")).status_code == 401
    newer.say("passed")


def test_a_key_has_an_end(lms: Lms) -> None:
    unit = lms.launch(ago=tokens.LIFETIME + timedelta(minutes=1))
    unit.change(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert unit.post(unit.statement("passed")).status_code == 401


def test_each_start_gives_a_key_and_all_are_good(unit: Unit) -> None:
    parts = unit.lms.parts
    with writing(parts.engine) as db:
        again = launches.start(
            db, config=parts.config, launch_id=unit.launch_id, now=datetime.now(UTC)
        )
    other = Unit(unit.lms, unit.launch_id, again["entry"], unit.registration)
    assert other.given["auth"] != unit.given["auth"]
    unit.say("initialized")
    other.say("completed")


def test_the_alternate_syntax(unit: Unit) -> None:
    sent = unit.statement("completed")
    form = {
        **unit.headers,
        "Content-Type": "application/json",
        "statementId": sent["id"],
        "content": orjson.dumps(sent).decode(),
    }
    answer = unit.lms.client.post(
        "/xapi/statements",
        query_string={"method": "PUT"},
        data=urlencode(form),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 204, answer.text
    assert unit.attempt.completion == "completed"


def state(unit: Unit, method: str, **more: Any) -> int:
    query = {
        "activityId": UNIT,
        "agent": unit.given["actor"],
        "registration": unit.given["registration"],
        "stateId": "bookmark",
    } | more
    query = {name: value for name, value in query.items() if value}
    headers = {"If-None-Match": "*"} if method == "PUT" else {}
    answer = unit.call(
        method,
        "activities/state",
        query_string=query,
        headers=headers,
        data=b"page 3" if method == "PUT" else None,
        content_type="text/plain" if method == "PUT" else None,
    )
    return answer.status_code


def test_documents_are_those_of_the_learner_and_registration(unit: Unit) -> None:
    assert state(unit, "PUT") == 204
    assert state(unit, "GET") == 200
    assert state(unit, "PUT", activityId=OWN) == 204
    assert state(unit, "PUT", registration="") == 204
    assert state(unit, "PUT", registration=str(uuid.UUID(int=5))) == 403
    other = orjson.dumps(OTHER).decode()
    assert state(unit, "GET", agent=other) == 403


@pytest.mark.parametrize("mode", ["Browse", "Review"])
def test_to_look_at_a_unit_leaves_no_record(unit: Unit, mode: str) -> None:
    assert state(unit, "PUT") == 204
    seen = unit.lms.launch(registration=unit.registration, mode=mode)
    assert seen.given["registration"] != str(unit.registration)
    assert state(seen, "GET") == 404
    assert state(seen, "PUT") == 204
    assert state(seen, "PUT", registration="") == 403
    seen.say("passed", score={"scaled": 1})
    assert unit.told() == seen.told() == []
    assert unit.attempt.completion == "unknown"
    forged_ = seen.statement("passed") | {"actor": OTHER}
    assert seen.post(forged_).status_code == 403


def test_a_unit_reads_its_own_registration(unit: Unit) -> None:
    sent = unit.say("completed")
    other = unit.lms.launch()
    other.say("completed")
    found = unit.call("GET", "statements").json["statements"]
    assert [one["id"] for one in found] == [sent["id"]]


def test_a_pretests_scores_are_hidden_whatever_they_are_about(unit: Unit) -> None:
    parts = unit.lms.parts
    with writing(parts.engine) as db:
        set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=COURSE,
            activity_iri=UNIT,
            role="pretest",
            now=datetime.now(UTC),
        )
    unit.say("scored", "http://publisher.example/test", score={"scaled": 0.3})
    unit.say("passed", OWN, score={"scaled": 0.9})
    other = unit.lms.launch(1)
    other.say("scored", "http://publisher.example/quiz", score={"scaled": 0.3})
    with reading(parts.engine) as db:
        wall = pretest_wall(db, tenant=MAIN_TENANT)
        shown = db.scalars(
            select(Statement.registration).where(~wall.condition(db))
        ).all()
    assert shown == [other.registration]
