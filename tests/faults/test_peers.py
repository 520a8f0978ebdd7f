"""Weak spots seen in other record stores, by reading: each is a test here.

The first line of each says what goes wrong there; the test shows that it does not here.
What concerns forwarding of statements is not here: statements are not forwarded yet.
"""

from __future__ import annotations

import hashlib
import random
import socket
import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
import pytest
import time_machine
from sqlalchemy import text

import wsgi
from lrs.clock import STEP
from lrs.credentials import revoke_credential
from lrs.db import reading, writing
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT
from statements.prepare import prepare
from statements.scalars import parse_timestamp
from statements.vocabulary import VOIDED
from tests.faults.callers import STATEMENTS, at_once, share_out
from tests.lrs.views.conftest import statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.callers import Caller, Running

STATE = "/xapi/activities/state"
PROFILE = "/xapi/agents/profile"
ACTIVITY = "http://example.org/activities/course"
AGENT = '{"mbox":"mailto:officer@example.org"}'
AUTHORITY = {"account": {"homePage": "https://lrs.example", "name": "peers"}}
SECRET_DETAIL = "a detail of the inside"


def voiding(target: str) -> dict[str, Any]:
    """Give a statement that voids another."""
    return statement(
        verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": target}
    )


def through(answer: Any) -> datetime:
    """Give the instant up to which an answer is complete."""
    return parse_timestamp(answer.headers["X-Experience-API-Consistent-Through"])


@contextmanager
def broken_insert(running: Running, statement_id: str) -> Iterator[None]:
    """Make the database itself fail where this statement is inserted."""
    id = uuid.UUID(statement_id)
    if running.kind == "sqlite":
        trigger = (
            "CREATE TRIGGER broken BEFORE INSERT ON statement "
            f"WHEN hex(NEW.statement_id) = '{id.hex.upper()}' "
            f"OR NEW.statement_id = '{id.hex}' "
            f"BEGIN SELECT RAISE(ABORT, '{SECRET_DETAIL}'); END"
        )
        make, undo = [trigger], ["DROP TRIGGER broken"]
    else:
        function = (
            "CREATE FUNCTION break_it() RETURNS trigger AS $$ BEGIN "
            f"RAISE EXCEPTION '{SECRET_DETAIL}'; END $$ LANGUAGE plpgsql"
        )
        trigger = (
            "CREATE TRIGGER broken BEFORE INSERT ON statement FOR EACH ROW "
            f"WHEN (NEW.statement_id = '{id}') EXECUTE FUNCTION break_it()"
        )
        make = [function, trigger]
        undo = ["DROP TRIGGER broken ON statement", "DROP FUNCTION break_it"]

    def run(commands: list[str]) -> None:
        with writing(running.parts.engine) as db:
            for command in commands:
                db.execute(text(command))

    run(make)
    try:
        yield
    finally:
        run(undo)


def test_peer_adl_lrs_1(running: Running) -> None:
    """ADL LRS: a fault half-way commits the first part of a batch.

    Here nothing of it is there, and lists of others that came at the same moment are.
    """
    caller = running.caller(running.tenant())
    batch = [statement() for _ in range(20)]
    others = [[statement() for _ in range(5)] for _ in range(30)]
    with broken_insert(running, batch[-3]["id"]):
        work = [*others[:15], batch, *others[15:]]
        statuses = [answer.status for answer in share_out(caller, 8, work)]
    assert statuses == [200] * 15 + [500] + [200] * 15
    found = {one["id"] for one in caller.walk(limit="500")}
    assert found == {one["id"] for part in others for one in part}
    assert caller.post(batch).status == HTTPStatus.OK
    caller.close()


def test_peer_adl_lrs_2(running: Running) -> None:
    """ADL LRS: the body of an answer of 500 is the text of the exception."""
    caller = running.caller(running.tenant())
    one = statement()
    with broken_insert(running, one["id"]):
        answer = caller.post(one)
    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
    said = answer.body.decode()
    for word in (SECRET_DETAIL, "Traceback", "INSERT", "sqlite", "psycopg", ".py"):
        assert word not in said
    assert caller.post(one).status == HTTPStatus.OK
    caller.close()


def test_peer_adl_lrs_3(running: Running) -> None:
    """ADL LRS: a retry after a lost answer is refused with 409."""
    caller = running.caller(running.tenant())
    one = statement()
    for _ in range(3):
        assert caller.post(one).status == HTTPStatus.OK
        put = caller.call("PUT", body=one, statementId=one["id"])
        assert put.status == HTTPStatus.NO_CONTENT
    assert len(caller.walk()) == 1
    caller.close()


def test_peer_adl_lrs_4(running: Running) -> None:
    """ADL LRS: stored is the application's clock, which may step back."""
    tenant = running.tenant()
    caller = running.caller(tenant)
    ids = []
    for step in (0, -3600, 5, -86400 * 365, 1):
        now = datetime.now(UTC) + timedelta(seconds=step)
        made = [prepare(statement(), now=now)]
        with writing(running.parts.engine) as db:
            ids += store_statements(
                db, tenant=tenant, statements=made, authority=AUTHORITY, now=now
            )
    found = caller.walk(ascending="true")
    assert [one["id"] for one in found] == [str(one) for one in ids]
    stored = [one["stored"] for one in found]
    assert stored == sorted(set(stored))
    caller.close()


def test_peer_adl_lrs_5(running: Running) -> None:
    """ADL LRS: a void that comes before its target is lost."""
    caller = running.caller(running.tenant())
    targets = [statement() for _ in range(5)]
    assert caller.post([voiding(one["id"]) for one in targets]).status == HTTPStatus.OK
    assert caller.post(targets).status == HTTPStatus.OK
    for one in targets:
        assert caller.get(statementId=one["id"]).status == HTTPStatus.NOT_FOUND
        assert caller.get(voidedStatementId=one["id"]).status == HTTPStatus.OK
    caller.close()


def test_peer_adl_lrs_6(running: Running) -> None:
    """ADL LRS: Consistent-Through is a guess, now less three seconds.

    Here it does not pass a write that is under way, however long that takes.
    """
    tenant = running.tenant()
    caller = running.caller(tenant)
    assert caller.post(statement()).status == HTTPStatus.OK
    now = datetime.now(UTC)
    with writing(running.parts.engine) as db:
        made = [prepare(statement(), now=now)]
        store_statements(
            db, tenant=tenant, statements=made, authority=AUTHORITY, now=now
        )
        time.sleep(0.4)
        promised = through(caller.get())
        assert len(caller.walk()) == 1
    (late,) = caller.walk(since=promised.isoformat())
    assert late["id"] == str(made[0].id)
    # with nothing under way it is the present
    asked = datetime.now(UTC)
    assert through(caller.get()) >= asked - STEP
    caller.close()


def increments(caller: Caller, path: str, query: dict[str, str]) -> Counter[int]:
    """Let eight threads add one to a number twelve times each, by its ETag."""
    caller.call("PUT", path, body={"n": 0}, headers={"If-None-Match": "*"}, **query)

    def run(_: int) -> Counter[int]:
        mine, statuses = caller.again(), Counter[int]()
        done = 0
        while done < 12:
            read = mine.call("GET", path, **query)
            tag = {"If-Match": read.headers["ETag"]}
            body = {"n": read.json["n"] + 1}
            status = mine.call("PUT", path, body=body, headers=tag, **query).status
            statuses[status] += 1
            done += status == HTTPStatus.NO_CONTENT
        mine.close()
        return statuses

    return sum(at_once(8, run), Counter[int]())


@pytest.mark.parametrize("name", ["adl_lrs_7", "lrsql_2"])
def test_peer_lost_updates(running: Running, name: str) -> None:
    """ADL LRS, lrsql: the ETag is compared before the write, not in it."""
    caller = running.caller(running.tenant())
    if name == "adl_lrs_7":
        path = STATE
        query = {"activityId": ACTIVITY, "agent": AGENT, "stateId": "s"}
    else:
        path, query = PROFILE, {"agent": AGENT, "profileId": "p"}
    statuses = increments(caller, path, query)
    assert set(statuses) <= {204, 412}
    assert caller.call("GET", path, **query).json == {"n": statuses[204]} == {"n": 96}
    caller.close()


class Listener(threading.Thread):
    """Counts who connects to a port of this machine."""

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.count = 0
        self.over = threading.Event()

    def run(self) -> None:
        """Accept until told to stop."""
        while not self.over.is_set():
            try:
                connection, _ = self.socket.accept()
            except TimeoutError:
                continue
            self.count += 1
            connection.close()
        self.socket.close()


def test_peer_adl_lrs_8(running: Running) -> None:
    """ADL LRS: every activity IRI that a client posts is fetched."""
    listener = Listener()
    listener.start()
    caller = running.caller(running.tenant())
    there = f"http://127.0.0.1:{listener.port}"
    one = statement(
        verb={"id": f"{there}/verb"},
        actor={"account": {"homePage": f"{there}/home", "name": "x"}},
        object={"id": f"{there}/a", "definition": {"moreInfo": f"{there}/more"}},
        attachments=[
            {
                "usageType": f"{there}/usage",
                "display": {},
                "contentType": "text/plain",
                "length": 1,
                "sha2": "a" * 64,
                "fileUrl": f"{there}/file",
            }
        ],
    )
    try:
        assert caller.post(one).status == HTTPStatus.OK
        assert caller.walk(format="canonical")
        answer = caller.call("GET", "/xapi/activities", activityId=f"{there}/a")
        assert answer.status == HTTPStatus.OK
        time.sleep(0.3)
    finally:
        listener.over.set()
        listener.join()
    assert listener.count == 0
    caller.close()


def test_peer_adl_lrs_9(running: Running) -> None:
    """ADL LRS: after a wrong password the request goes on as if it were signed in."""
    caller = running.caller(running.tenant())
    right = dict(caller.headers)
    pages = [STATEMENTS, STATE, PROFILE, "/xapi/agents", "/xapi/activities"]
    for given in ("Basic eDp4", "Basic", "Bearer x", "", "Basic " + "A" * 5000):
        caller.headers = right | {"Authorization": given}
        for page in pages:
            answer = caller.call("GET", page)
            assert answer.status == HTTPStatus.UNAUTHORIZED, (given, page)
    # the right key with another's secret, and a right pair cut short
    caller.headers = right | {"Authorization": right["Authorization"][:-4]}
    assert caller.get().status == HTTPStatus.UNAUTHORIZED
    caller.headers = right
    assert caller.get().status == HTTPStatus.OK
    caller.close()


def first_more(caller: Caller) -> str:
    """Store three statements; the address of the second page."""
    assert caller.post([statement() for _ in range(3)]).status == HTTPStatus.OK
    more: str = caller.get(limit="1").json["more"]
    return more


def test_peer_adl_lrs_10(running: Running) -> None:
    """ADL LRS: `more` is a list kept for a day in a cache, not tied to the caller."""
    tenant = running.tenant()
    caller, other = running.caller(tenant), running.caller(tenant)
    stranger = running.caller(running.tenant())
    more = first_more(caller)
    assert caller.call("GET", more).status == HTTPStatus.OK
    for one in (other, stranger):
        assert one.call("GET", more).status == HTTPStatus.BAD_REQUEST
    for place in range(len(STATEMENTS) + 10, len(more), 7):
        changed = (
            more[:place] + ("A" if more[place] != "A" else "B") + more[place + 1 :]
        )
        answer = caller.call("GET", changed)
        assert answer.status in {400, 200}
        if answer.status == HTTPStatus.OK:
            # the last characters of base64 may hold bits that say nothing
            assert answer.json == caller.call("GET", more).json
    for one in (caller, other, stranger):
        one.close()


def test_peer_adl_lrs_11(running: Running) -> None:
    """ADL LRS: attachments go through a decoding as text."""
    caller = running.caller(running.tenant())
    data = bytes(range(256)) * 40 + b"\r\n--part\r\n\xff"
    attachment = {
        "usageType": "http://example.org/usage",
        "display": {"en": "bytes"},
        "contentType": "application/octet-stream",
        "length": len(data),
        "sha2": hashlib.sha256(data).hexdigest(),
    }
    made = statement(attachments=[attachment])
    boundary = b"a-boundary-of-its-own"
    body = b"".join(
        [
            b"--" + boundary + b"\r\nContent-Type: application/json\r\n\r\n",
            orjson.dumps(made),
            b"\r\n--" + boundary + b"\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: "
            + str(attachment["sha2"]).encode()
            + b"\r\n\r\n",
            data,
            b"\r\n--" + boundary + b"--\r\n",
        ]
    )
    kind = {"Content-Type": f"multipart/mixed; boundary={boundary.decode()}"}
    answer = caller.call("POST", body=body, headers=kind)
    assert answer.status == HTTPStatus.OK, answer.body
    read = caller.get(statementId=made["id"], attachments="true")
    assert read.body.count(data) == 1
    caller.close()


def test_peer_adl_lrs_12(running: Running) -> None:
    """ADL LRS: debugging pages are on and any Host is believed."""
    caller = running.caller(running.tenant())
    first_more(caller)
    caller.headers["Host"] = "evil.example"
    answer = caller.get(limit="1")
    assert b"evil.example" not in answer.body
    for path in (
        "/xapi/nothing",
        "/xapi/statements/x",
        "/console",
        "/xapi/?__debugger__",
    ):
        answer = caller.call("GET", path)
        assert answer.status in {400, 404, 421}
        assert b"Traceback" not in answer.body
        assert b"evil.example" not in answer.body
    caller.close()


def test_peer_ralph_1(running: Running) -> None:
    """Ralph: it looks for an id and then writes, with nothing unique in between."""
    caller = running.caller(running.tenant())
    for _ in range(10):
        one = statement()
        answers = share_out(caller, 8, [one] * 8)
        assert Counter(answer.status for answer in answers) == {200: 8}
    assert len(caller.walk()) == 10
    caller.close()


def test_peer_ralph_2(running: Running) -> None:
    """Ralph: voidedStatementId is not there, attachments is passed over."""
    caller = running.caller(running.tenant())
    one = statement()
    assert caller.post([one, voiding(one["id"])]).status == HTTPStatus.OK
    assert caller.get(voidedStatementId=one["id"]).json["id"] == one["id"]
    answer = caller.get(attachments="true")
    assert answer.headers["Content-Type"].startswith("multipart/mixed")
    caller.close()


def test_peer_ralph_3(running: Running) -> None:
    """Ralph: there are no document resources and no Consistent-Through."""
    caller = running.caller(running.tenant())
    state = {"activityId": ACTIVITY, "agent": AGENT, "stateId": "s"}
    assert caller.call("PUT", STATE, body={"a": 1}, **state).status == 204
    assert caller.call("GET", STATE, **state).json == {"a": 1}
    for path, query in (
        (PROFILE, {"agent": AGENT, "profileId": "p"}),
        ("/xapi/activities/profile", {"activityId": ACTIVITY, "profileId": "p"}),
    ):
        assert caller.call("POST", path, body={"a": 1}, **query).status == 204
        assert caller.call("GET", path, **query).json == {"a": 1}
    assert through(caller.get())
    caller.close()


def test_peer_ralph_4(running: Running) -> None:
    """Ralph: since and until compare the client's timestamp, not stored."""
    caller = running.caller(running.tenant())
    old = statement(timestamp="2001-01-01T00:00:00Z")
    future = statement(timestamp="2090-01-01T00:00:00Z")
    assert caller.post([old, future]).status == HTTPStatus.OK
    assert caller.walk(until="2010-01-01T00:00:00Z") == []
    assert caller.walk(since="2080-01-01T00:00:00Z") == []
    assert len(caller.walk(since="2010-01-01T00:00:00Z")) == 2
    caller.close()


def test_peer_ralph_5(running: Running) -> None:
    """Ralph: a page is kept for a minute, against the day that is asked for.

    Here the next page is there days later, in another process than the first.
    """
    caller = running.caller(running.tenant())
    more = first_more(caller)
    newer = statement()
    assert caller.post(newer).status == HTTPStatus.OK
    headers = {**caller.headers, "X-Experience-API-Version": "1.0.3"}
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3), tick=True):
        app = wsgi.create_lrs_app(running.parts)
        answer = app.test_client(use_cookies=False).get(more, headers=headers)
    assert answer.status_code == HTTPStatus.OK, answer.text
    found = [one["id"] for one in orjson.loads(answer.data)["statements"]]
    assert len(found) == 1
    assert newer["id"] not in found
    caller.close()


def test_peer_ralph_6(running: Running) -> None:
    """Ralph: what was checked once is kept with the password in the clear.

    Here no secret is in the database or in the log, and a revoked key is refused at
    once, in every process that has seen it.
    """
    caller = running.caller(running.tenant())
    for _ in range(12):
        with_another = caller.again()
        assert with_another.get().status == HTTPStatus.OK
        with_another.close()
    log = running.served.log.read_text()
    token = caller.headers["Authorization"].removeprefix("Basic ")
    assert caller.secret not in log
    assert token not in log
    with writing(running.parts.engine) as db:
        rows = repr(db.execute(text("SELECT * FROM credential")).all())
        assert caller.secret not in rows
        assert caller.key in rows
        revoke_credential(db, key=caller.key, now=datetime.now(UTC))
    for _ in range(12):
        with_another = caller.again()
        assert with_another.get().status == HTTPStatus.UNAUTHORIZED
        with_another.close()
    caller.close()


def test_peer_lrsql_1(running: Running) -> None:
    """lrsql: stored is chosen long before the commit, so that readers pass over rows.

    A reader that remembers the last stored it saw, beside eight writers, misses none.
    """
    tenant = running.tenant()
    caller = running.caller(tenant)
    over = threading.Event()
    seen: list[str] = []

    def follow() -> None:
        mine, last = caller.again(), "2001-01-01T00:00:00Z"
        while True:
            finishing = over.is_set()
            page = mine.get(since=last, ascending="true", limit="20").json["statements"]
            seen.extend(one["id"] for one in page)
            if page:
                last = page[-1]["stored"]
            elif finishing:
                mine.close()
                return

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    chance = random.Random(4)  # noqa: S311 - repeatable
    work = [[statement() for _ in range(chance.randint(1, 9))] for _ in range(160)]
    answers = share_out(caller, 8, work)
    over.set()
    follower.join(timeout=300)
    assert {answer.status for answer in answers} == {200}
    sent = [one["id"] for part in work for one in part]
    assert sorted(seen) == sorted(sent)
    caller.close()


def test_peer_lrsql_3(running: Running) -> None:
    """lrsql: a void before its target is marked nowhere, and a page does not tell."""
    caller = running.caller(running.tenant())
    one, other = statement(), statement()
    assert caller.post(voiding(one["id"])).status == HTTPStatus.OK
    assert caller.post([one, other]).status == HTTPStatus.OK
    found = {read["id"] for read in caller.walk()}
    assert one["id"] not in found
    assert other["id"] in found
    answer = caller.get(agent=AGENT, limit="1")
    assert answer.json["statements"][0]["id"] == other["id"]
    caller.close()


def test_peer_lrsql_4(running: Running) -> None:
    """lrsql: what follows statements drops them when its channel is full.

    Here followers read the log itself: a burst leaves nothing out and no number free.
    """
    tenant = running.tenant()
    caller = running.caller(tenant)
    work = [[statement() for _ in range(100)] for _ in range(20)]
    assert {answer.status for answer in share_out(caller, 8, work)} == {200}
    with reading(running.parts.engine) as db:
        rows = db.execute(
            text("SELECT seq FROM statement WHERE tenant_id = :t ORDER BY seq"),
            {"t": tenant},
        )
        assert [row.seq for row in rows] == list(range(1, 2001))
    caller.close()


def test_peer_lrsql_5(running: Running) -> None:
    """lrsql: a database that is busy is a fault.

    Here a writer waits for one that takes its time, and is told to come again when that
    takes too long; readers never wait.
    """
    tenant = running.tenant()
    caller = running.caller(tenant)
    reader = caller.again()
    first = statement()
    assert caller.post(first).status == HTTPStatus.OK
    for seconds, expected in ((1.0, HTTPStatus.OK), (120.0, 503)):
        answers: list[Any] = []
        with writing(running.parts.engine) as db:
            db.execute(
                text("UPDATE clock SET seq = seq WHERE tenant_id = :t"), {"t": tenant}
            )

            def write(found: list[Any]) -> None:
                found.append(caller.post(statement()))

            waiting = threading.Thread(target=write, args=(answers,))
            waiting.start()
            assert reader.get(statementId=first["id"]).status == HTTPStatus.OK
            waiting.join(timeout=seconds)
        waiting.join()
        (answer,) = answers
        assert answer.status == expected, answer.body
        if expected != HTTPStatus.OK:
            assert int(answer.headers["Retry-After"]) > 0
    assert caller.post(statement()).status == HTTPStatus.OK
    caller.close()
    reader.close()


HOSTILE = [
    "' OR '1'='1",
    "'; DROP TABLE statement; --",
    '" OR ""="',
    "1 UNION SELECT secret_sha256 FROM credential",
    "%' AND 1=CAST((SELECT version()) AS int) AND '%'='",
    "\\'; SELECT pg_sleep(5); --",
    "admin'/*",
    "${jndi:ldap://127.0.0.1/x}",
    "{{7*7}}",
    "$where",
    '{"$gt": ""}',
    '{"$ne": null}',
    "[$regex]=.*",
    "%00",
    "\u0000",
    "\ud7ff" * 50,
    "a" * 5000,
    "../../etc/passwd",
    "(((((((((((((((((((a*)*)*)*)*)*)*)*",
    "-1",
    "99999999999999999999999999",
    "1e309",
    "NaN",
    "true;",
    "\r\nSet-Cookie: x=1",
]
PARAMETERS = [
    "statementId",
    "voidedStatementId",
    "agent",
    "verb",
    "activity",
    "registration",
    "related_activities",
    "related_agents",
    "since",
    "until",
    "limit",
    "format",
    "attachments",
    "ascending",
    "cursor",
    "$where",
    "pipeline",
    "[$gt]",
]


def test_peer_learning_locker_1(running: Running) -> None:
    """Learning Locker: a query of the database straight from the address.

    Here every parameter is refused, or found to match nothing, and nothing changes.
    """
    tenant = running.tenant()
    caller = running.caller(tenant)
    kept = [statement() for _ in range(3)]
    assert caller.post(kept).status == HTTPStatus.OK
    tried = 0
    for name in PARAMETERS:
        for hostile in HOSTILE:
            form = f'{{"mbox":"mailto:{hostile}@x.org"}}'
            for value in {hostile, f"http://x.org/{quote(hostile)}", form}:
                answer = caller.get(**{name: value})
                tried += 1
                assert answer.status in {200, 400, 404}, (name, value, answer.body)
                if answer.status == HTTPStatus.OK and name != "limit":
                    assert answer.json["statements"] == [], (name, value)
                assert "Set-Cookie" not in answer.headers
    assert tried >= 500
    found = {one["id"] for one in caller.walk()}
    assert found == {one["id"] for one in kept}
    caller.close()


def test_peer_learning_locker_2(running: Running) -> None:
    """Learning Locker: an answer may take as long and grow as large as it likes."""
    caller = running.caller(running.tenant())
    work = [[statement() for _ in range(100)] for _ in range(6)]
    assert {answer.status for answer in share_out(caller, 4, work)} == {200}
    for limit in ("0", "100000", "999999999"):
        page = caller.get(limit=limit).json
        assert len(page["statements"]) == 500
        assert page["more"]
    caller.close()


TOKENS = 200


def test_peer_tokens_are_refused(running: Running) -> None:
    """Whatever stands where a credential should: 401 and nothing else."""
    caller = running.caller(MAIN_TENANT)
    chance = random.Random(16)  # noqa: S311 - repeatable
    right = caller.headers["Authorization"]
    parts = ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9", "e30", "", "x", right[6:]]
    for _ in range(TOKENS):
        kind = chance.choice(["Bearer", "Basic", "bearer", "Digest", "Token", ""])
        token = ".".join(chance.choices(parts, k=chance.randint(1, 4)))
        if kind == "Basic" and token == right[6:]:
            continue
        caller.headers["Authorization"] = f"{kind} {token}"
        answer = caller.get()
        assert answer.status == HTTPStatus.UNAUTHORIZED, caller.headers
        assert "WWW-Authenticate" in answer.headers
    caller.close()
