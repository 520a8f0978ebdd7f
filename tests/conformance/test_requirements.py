"""Each requirement of the table holds, in each version that asks for it."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import event

import wsgi
from lrs.config import Config
from lrs.credentials import create_credential
from lrs.db import make_engine, writing
from lrs.parts import Parts
from lrs.storage import make_storage
from lrs.tenants import create_tenant
from tests.conformance import table
from tests.conformance.page import PAGE, page
from tests.conformance.table import Requirement
from tests.conftest import ROOT, cloned_postgres, postgres_url, sqlite_url
from tests.statements import cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.servers import Servers

# and what is returned in another form: lists in contextActivities, instants in UTC
SET_BY_SERVER = {"context", "stored", "authority", "timestamp"}
REQUIREMENTS = table.requirements()
AGENT = '{"mbox":"mailto:officer@example.org"}'
ACTIVITY = "http://example.org/activities/course"
SUB = cases.SMALL | {
    "object": {
        "objectType": "SubStatement",
        "actor": cases.OTHER_AGENT,
        "verb": cases.VERB,
        "object": {"id": "http://example.org/activities/inner"},
    }
}
STATEMENTS: dict[str, dict[str, Any]] = {
    "full": {**cases.FULL},
    "small": cases.SMALL,
    "sub": SUB,
    "group": cases.SMALL | {"actor": cases.GROUP},
    "ref": cases.SMALL | {"object": cases.REFERENCE},
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parts(
    request: pytest.FixtureRequest,
    servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Parts]:
    """Give the parts of an installation that the tests share, each a tenant."""
    folder = tmp_path_factory.mktemp("conformance")
    url = (
        sqlite_url(servers, folder)
        if request.param == "sqlite"
        else postgres_url(servers, cloned_postgres(servers))
    )
    config = Config(data=folder, database_url=url, secret_key="of the tests")
    engine = make_engine(url)

    # what is tried here is what is answered, not what outlives a power cut
    @event.listens_for(engine, "connect")
    def _hurry(connection: Any, _record: Any) -> None:
        is_sqlite = engine.dialect.name == "sqlite"
        off = "PRAGMA synchronous=OFF" if is_sqlite else "SET synchronous_commit = off"
        connection.execute(off)
        connection.commit()

    yield Parts(config, engine, make_storage(config))
    engine.dispose()


@pytest.fixture(scope="module")
def app(parts: Parts) -> Flask:
    """Give the record store's application."""
    return wsgi.create_lrs_app(parts)


class Talk:
    """Says the lines of a requirement to a record store of its own."""

    def __init__(self, parts: Parts, app: Flask, given: Requirement, version: str):
        """Speak `version` to a new tenant."""
        self.parts, self.app, self.version = parts, app, version
        with writing(parts.engine) as db:
            self.tenant = create_tenant(db, name=uuid.uuid4().hex).id
        space = uuid.uuid5(uuid.NAMESPACE_URL, f"{given.id} {version}")
        self.kept = {str(n): str(uuid.uuid5(space, str(n))) for n in range(1, 10)}
        self.kept |= {"agent": AGENT, "activity": ACTIVITY, "version": version}
        self.secrets: dict[str, str] = {}
        self.refused: list[Any] = []
        self.accepted: dict[str, dict[str, Any]] = {}

    def say(self, line: str) -> None:
        """Say a line; fails where the answer is another."""
        if match := re.fullmatch(r"(refused|accepted) (\w+)(?: (.+))?", line):
            self.post(match[1], match[2], self.filled(match[3] or "{}"))
            return
        request = table.read_line(self.filled(line))
        answer = self.send(request)
        assert answer.status_code == request.status, answer.get_data(as_text=True)
        for name, pattern in request.wanted_headers.items():
            got = answer.headers.get(name)
            if pattern == "-":
                assert got is None, f"{name}: {got}"
                continue
            assert got is not None, f"no {name}"
            assert table.found(pattern, got, self.kept), f"{name}: {got}"
        if not request.wanted:
            return
        body = answer.get_data()
        if request.wanted.startswith("raw "):
            assert body.decode() == request.wanted.removeprefix("raw ")
        elif request.wanted.startswith("hex "):
            assert body == bytes.fromhex(request.wanted.removeprefix("hex "))
        elif request.wanted == "nothing":
            assert body == b""
        else:
            wanted = orjson.loads(request.wanted)
            assert table.matches(orjson.loads(body), wanted, self.kept), body.decode()

    def post(self, how: str, name: str, changes: str) -> None:
        """Post a statement that must be refused, or taken; `end` looks what is there."""
        given = self.statement(name, orjson.loads(changes))
        if given.get("id", cases.ID) == cases.ID:
            given["id"] = str(uuid.uuid4())
        answer = self.open("POST", "statements", {}, orjson.dumps(given))
        if how == "refused":
            assert answer.status_code == 400, answer.get_data(as_text=True)
            assert orjson.loads(answer.get_data())["detail"]
            self.refused.append(given["id"])
            return
        assert answer.status_code == 200, answer.get_data(as_text=True)
        self.accepted[given["id"]] = given

    def end(self) -> None:
        """Look that nothing refused is stored and what was taken is read back."""
        if not self.refused and not self.accepted:
            return
        answer = self.open("GET", "statements?limit=500", {}, b"")
        found = {
            one["id"]: one for one in orjson.loads(answer.get_data())["statements"]
        }
        assert not [one for one in self.refused if one in found]
        for statement_id, given in self.accepted.items():
            read = found[statement_id]
            for member in given.keys() - SET_BY_SERVER:
                assert read[member] == given[member]

    def filled(self, line: str) -> str:
        """Give the line with what its <names> stand for."""
        return re.sub(r"<(\w+)>", lambda match: self.kept.get(match[1], match[0]), line)

    def statement(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Give the statement of this name with changes."""
        made = STATEMENTS[name]
        for path, value in changes.items():
            made = cases.change(made, path, cases.GONE if value == "<gone>" else value)
        return {**made}

    def body(self, text: str) -> bytes:
        """Give the bytes that a line names."""
        word, _, rest = text.partition(" ")
        if word == "raw":
            return rest.encode()
        if word == "hex":
            return bytes.fromhex(rest)
        if word == "multipart":
            return self.multipart(orjson.loads(rest))
        if word == "many":
            listed = [self.statement("small", one) for one in orjson.loads(rest)]
            return orjson.dumps(listed)
        if word in STATEMENTS:
            return orjson.dumps(self.statement(word, orjson.loads(rest or "{}")))
        return text.encode()

    def multipart(self, given: dict[str, Any]) -> bytes:
        """Give a statement with an attachment and its data, in parts.

        `data` is the data, `changes` are made to the statement, `headers` to the
        headers of the part (null leaves one out).
        """
        data = given.get("data", "").encode()
        sha2 = hashlib.sha256(data).hexdigest()
        attachment = {
            "usageType": "http://example.org/usage",
            "display": {"en": "data"},
            "contentType": "text/plain",
            "length": len(data),
            "sha2": sha2,
        }
        made = self.statement("small", {"attachments": [attachment]})
        for path, value in given.get("changes", {}).items():
            made = cases.change(made, path, cases.GONE if value == "<gone>" else value)
        first = {"Content-Type": "application/json"} | given.get("first", {})
        headers = {
            "Content-Type": "text/plain",
            "Content-Transfer-Encoding": "binary",
            "X-Experience-API-Hash": sha2,
        } | given.get("headers", {})
        parts = [(first, orjson.dumps(made))]
        if "data" in given:
            parts.append((headers, data))
        body = b""
        for named, content in parts:
            lines = [f"{name}: {item}" for name, item in named.items() if item]
            head = "\r\n".join(["--part", *lines, "", ""])
            body += head.encode() + content + b"\r\n"
        return body + b"--part--\r\n"

    def send(self, request: table.Request) -> TestResponse:
        """Send what a line says."""
        return self.open(
            request.method, request.address, request.headers, self.body(request.body)
        )

    def open(
        self, method: str, address: str, headers: dict[str, str], body: bytes
    ) -> TestResponse:
        """Send a request as the caller that it names."""
        sent = {"X-Experience-API-Version": self.version, **headers}
        caller = sent.pop("as", "all")
        if caller != "nobody":
            sent.setdefault("Authorization", self.authorization(caller))
        if body:
            kind = "multipart/mixed; boundary=part"
            is_multipart = body.startswith(b"--part")
            sent.setdefault(
                "Content-Type", kind if is_multipart else "application/json"
            )
        sent = {name: value for name, value in sent.items() if value != "none"}
        path, _, query = address.partition("?")
        pairs = [one.partition("=")[::2] for one in query.split("&")] if query else []
        return self.app.test_client(use_cookies=False).open(
            path if path.startswith("/") else f"/xapi/{path}",
            method=method,
            query_string=table.encoded(pairs),
            headers=sent,
            data=body,
        )

    def authorization(self, scopes: str) -> str:
        """Give the header of a credential with these scopes, made when first used."""
        if scopes not in self.secrets:
            with writing(self.parts.engine) as db:
                made = create_credential(
                    db,
                    tenant=self.tenant,
                    name=scopes,
                    home_page="http://localhost:8000",
                    now=datetime.now(UTC),
                    scopes=[one.strip() for one in scopes.split(",")],
                )
            pair = base64.b64encode(f"{made.key}:{made.secret}".encode()).decode()
            self.secrets[scopes] = f"Basic {pair}"
        return self.secrets[scopes]


CASES = [
    pytest.param(one, version, id=f"{one.id}-{version}")
    for one in REQUIREMENTS
    for version in one.versions
    if one.lines
]


@pytest.mark.parametrize(("given", "version"), CASES)
def test_requirement(
    parts: Parts, app: Flask, given: Requirement, version: str
) -> None:
    """Every line of it is answered as it says."""
    talk = Talk(parts, app, given, version)
    for line in given.lines:
        try:
            talk.say(line)
        except AssertionError as error:
            message = f"{given.text}\n{line}\n{error}"
            raise AssertionError(message) from error
    talk.end()


def test_every_requirement_is_whole() -> None:
    """Ids differ, each has a section and is tested, and the tests named are there."""
    ids = [one.id for one in REQUIREMENTS]
    assert len(set(ids)) == len(ids)
    wrong = [one.id for one in REQUIREMENTS if not one.versions]
    wrong += [one.id for one in REQUIREMENTS if not one.lines and not one.tests]
    for one in REQUIREMENTS:
        for name in one.tests:
            file, _, function = name.partition("::")
            path = ROOT / file
            if not path.is_file() or f"def {function}(" not in path.read_text():
                wrong.append(f"{one.id}: {name}")
    assert wrong == []


def test_the_page_is_up_to_date() -> None:
    """docs/conformance.md is what `python -m tests.conformance.page` writes."""
    assert PAGE.read_text("utf-8") == page()


WRONG: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"b": 1}),
    ({"a": 1}, {"a": "<gone>"}),
    ({"a": 1}, {"a": True}),
    ({"a": "xyz"}, {"a": "~x"}),
    ([1, 2], [1]),
    ([], [1]),
    (None, []),
]


@pytest.mark.parametrize(("got", "wanted"), WRONG)
def test_another_answer_is_told(got: Any, wanted: Any) -> None:
    """The comparison of answers can fail."""
    assert not table.matches(got, wanted, {})
