from __future__ import annotations

import contextlib
import hashlib
import threading
import uuid
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
import pytest
from flask import Response, request
from playwright.sync_api import Error
from werkzeug.serving import make_server

from lrs import documents
from lrs.credentials import SCOPES
from lrs.db import writing
from lrs.documents import JSON
from lrs.rules.catalogue import set_role
from lrs.views import xapi
from tests.lrs.views.conftest import Own, application, new_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from werkzeug.test import TestResponse

STATE, AGENTS, ACTIVITIES = (
    "/xapi/activities/state",
    "/xapi/agents/profile",
    "/xapi/activities/profile",
)
ACTIVITY = "https://agency.example/courses/1"
AGENT = '{"objectType":"Agent","mbox":"mailto:officer@agency.example"}'
REGISTRATION = "ec531277-b57b-4c15-8d91-d292c5b2b8f7"
# what names a document of each resource, and by which parameter
ADDRESSES: dict[str, dict[str, str]] = {
    STATE: {"activityId": ACTIVITY, "agent": AGENT, "stateId": "a"},
    AGENTS: {"agent": AGENT, "profileId": "a"},
    ACTIVITIES: {"activityId": ACTIVITY, "profileId": "a"},
}
ID = {STATE: "stateId", AGENTS: "profileId", ACTIVITIES: "profileId"}
OLD, NEW = b'{"v": 1}', b'{"v": 2}'
CONCURRENCY = {"1.0.3": "Communication 3.1", "2.0.0": "4.1.4"}
MERGE = {"1.0.3": "Communication 2.2", "2.0.0": "4.1.6"}
RESOURCES = pytest.mark.parametrize("path", ADDRESSES)
VERSIONS = pytest.mark.parametrize("version", xapi.VERSIONS)


@pytest.fixture
def lrs(own: Own) -> Own:
    return own


def tag(data: bytes) -> str:
    return f'"{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"'


def send(
    lrs: Own,
    method: str,
    path: str,
    body: bytes | None = None,
    /,
    headers: dict[str, str] | None = None,
    **query: Any,
) -> TestResponse:
    """A request for the document; a parameter that is None is left out."""
    given = {**ADDRESSES[path], **query}
    wanted = {name: value for name, value in given.items() if value is not None}
    return lrs.call(method, path, body=body, headers=headers, **wanted)


def create(lrs: Own, path: str, body: bytes = OLD, **query: str) -> None:
    answer = send(lrs, "PUT", path, body, {"If-None-Match": "*"}, **query)
    assert answer.status_code == 204, answer.text


@VERSIONS
@RESOURCES
def test_a_document_from_first_to_last(lrs: Own, path: str, version: str) -> None:
    lrs = lrs.speaking(version)
    before = datetime.now(UTC).replace(microsecond=0)
    assert send(lrs, "GET", path).status_code == 404
    answer = send(lrs, "PUT", path, OLD, {"If-None-Match": "*"})
    assert (answer.status_code, answer.data) == (204, b"")
    # what was written is what is stored: it can be written again without reading
    assert answer.headers["ETag"] == tag(OLD)
    for method in ("GET", "HEAD"):
        got = send(lrs, method, path)
        assert got.status_code == 200
        assert got.data == (OLD if method == "GET" else b"")
        assert got.headers["ETag"] == tag(OLD)
        assert got.headers["Content-Type"] == "application/json"
        assert got.headers["Content-Length"] == str(len(OLD))
        changed = parsedate_to_datetime(got.headers["Last-Modified"])
        assert before <= changed <= datetime.now(UTC)
        assert got.headers["X-Experience-API-Version"] == version
    answer = send(lrs, "POST", path, b'{"w": 1.50}')
    assert answer.status_code == 204
    # it would tell what was there before
    assert "ETag" not in answer.headers
    merged = send(lrs, "GET", path)
    assert merged.data == b'{"v": 1,"w": 1.50}'
    assert merged.headers["ETag"] == tag(merged.data)
    listed = send(lrs, "GET", path, **{ID[path]: None})
    assert listed.get_json() == ["a"]
    assert send(lrs, "DELETE", path).status_code == 204
    assert send(lrs, "GET", path).status_code == 404
    assert send(lrs, "GET", path, **{ID[path]: None}).get_json() == []
    assert send(lrs, "DELETE", path).status_code == 204


# xAPI 1.0.3 Communication 3.1; xAPI 2.0 4.1.4: a PUT that says nothing about what is
# there, for a document that is not and for one that is
BARE = {
    (STATE, "1.0.3"): (204, 204),
    (STATE, "2.0.0"): (204, 409),
    (AGENTS, "1.0.3"): (400, 409),
    (AGENTS, "2.0.0"): (204, 409),
    (ACTIVITIES, "1.0.3"): (400, 409),
    (ACTIVITIES, "2.0.0"): (204, 409),
}


@pytest.mark.parametrize(("path", "version"), BARE)
def test_a_put_without_precondition(lrs: Own, path: str, version: str) -> None:
    lrs = lrs.speaking(version)
    new, old = BARE[path, version]
    answer = send(lrs, "PUT", path, OLD)
    assert answer.status_code == new
    if new == 400:
        assert answer.get_json()["section"] == CONCURRENCY[version]
        assert "If-None-Match: *" in answer.get_json()["detail"]
        create(lrs, path)
    answer = send(lrs, "PUT", path, NEW)
    assert answer.status_code == old
    if old == 409:
        assert answer.get_json()["code"] == "document_exists"
        assert answer.get_json()["section"] == CONCURRENCY[version]
        assert "Check its present state" in answer.get_json()["detail"]
        assert "If-Match" in answer.get_json()["detail"]
    assert send(lrs, "GET", path).data == (NEW if old == 204 else OLD)


@VERSIONS
@RESOURCES
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_wrong_if_match_is_412_everywhere(
    lrs: Own, path: str, version: str, method: str
) -> None:
    lrs = lrs.speaking(version)
    body = None if method == "DELETE" else b'{"w":2}'
    for there in (False, True):
        if there:
            create(lrs, path)
        for wrong in (tag(b"other"), f"W/{tag(OLD)}", '"a", "b"', '"1234"'):
            answer = send(lrs, method, path, body, {"If-Match": wrong})
            assert answer.status_code == 412
            assert answer.get_json()["section"] == CONCURRENCY[version]
    answer = send(lrs, method, path, body, {"If-None-Match": "*"})
    assert answer.status_code == 412
    assert send(lrs, "GET", path).data == OLD
    right = {"If-Match": f'"x", {tag(OLD)}'}
    assert send(lrs, method, path, body, right).status_code == 204
    after = {"PUT": b'{"w":2}', "POST": b'{"v": 1,"w":2}', "DELETE": None}[method]
    got = send(lrs, "GET", path)
    assert (got.data if got.status_code == 200 else None) == after
    assert send(lrs, method, path, body, right).status_code == 412


@RESOURCES
def test_a_malformed_precondition_is_told(lrs: Own, path: str) -> None:
    create(lrs, path)
    for method in ("GET", "PUT", "POST", "DELETE"):
        body = NEW if method.startswith("P") else None
        answer = send(lrs, method, path, body, {"If-Match": '"a'})
        assert answer.status_code == 400
        assert answer.get_json()["code"] == "malformed_precondition"
        assert answer.get_json()["section"] == CONCURRENCY["1.0.3"]
    assert send(lrs, "GET", path).data == OLD


@RESOURCES
def test_who_has_it_already_is_told_so(lrs: Own, path: str) -> None:
    create(lrs, path)
    listed = {ID[path]: None}
    for query in ({}, listed):
        first = send(lrs, "GET", path, **query)
        same = {"If-None-Match": first.headers["ETag"]}
        again = send(lrs, "GET", path, None, same, **query)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert first.headers["Cache-Control"] == "private, no-cache"
        other = {"If-Match": '"x"'}
        assert send(lrs, "GET", path, None, other, **query).status_code == 412


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text/html; charset=utf-8", b"<script>alert(1)</script>"),
        ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" onload="a()"/>'),
        ("application/xhtml+xml", b"<html/>"),
        ("application/octet-stream", bytes(range(256)) * 5),
        ('Text/X;  A="\xe4";b', b"\xff\xfe"),
        ("application/x-www-form-urlencoded", b"a=1&b=%20"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
        ("application/json", b"[1, "),
        ("text/plain", b""),
    ],
)
@RESOURCES
def test_content_is_never_a_page_and_comes_back_as_sent(
    lrs: Own, path: str, kind: str, data: bytes
) -> None:
    headers = {"Content-Type": kind, "If-None-Match": "*"}
    assert send(lrs, "PUT", path, data, headers).status_code == 204
    got = send(lrs, "GET", path)
    assert (got.data, got.headers["Content-Type"]) == (data, kind)
    assert got.headers["ETag"] == tag(data)
    assert got.headers["Content-Disposition"] == "attachment"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    policy = got.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy


SCRIPT = "fetch('/ran')"
PAGES = {
    "text/html": f"<!doctype html><title>x</title><script>{SCRIPT}</script>",
    "image/svg+xml": (
        f'<svg xmlns="http://www.w3.org/2000/svg"><script>{SCRIPT}</script></svg>'
    ),
    "application/xhtml+xml": (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title>'
        f"<script>{SCRIPT}</script></head></html>"
    ),
    "text/xml": (
        f'<a xmlns:h="http://www.w3.org/1999/xhtml"><h:script>{SCRIPT}</h:script></a>'
    ),
}


@pytest.fixture
def site(own: Own) -> Iterator[tuple[str, list[str]]]:
    """A site with the record store; its address, and the paths it was asked for.

    What is asked for with `&bare` has lost the headers that keep it from running.
    """
    app, asked = application(own.parts), []

    @app.before_request
    def note() -> None:
        asked.append(request.path)

    @app.after_request
    def strip(answer: Response) -> Response:
        if request.headers.get("X-Bare"):
            for name in ("Content-Disposition", "Content-Security-Policy"):
                answer.headers.pop(name, None)
        return answer

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kind", PAGES)
def test_a_browser_runs_nothing_of_a_document(
    own: Own, site: tuple[str, list[str]], browser: Browser, kind: str
) -> None:
    address, asked = site
    body = PAGES[kind].encode()
    assert send(own, "PUT", STATE, body, {"Content-Type": kind}).status_code == 204
    url = f"{address}{STATE}?{urlencode(ADDRESSES[STATE])}"
    for is_bare in (False, True):
        headers = own.headers(**({"X-Bare": "1"} if is_bare else {}))
        context = browser.new_context(extra_http_headers=headers)
        page = context.new_page()
        if is_bare:
            # the control: without its headers the document would have run
            page.goto(url, wait_until="networkidle")
            assert "/ran" in asked
        else:
            with page.expect_download() as download, contextlib.suppress(Error):
                page.goto(url)
            assert Path(download.value.path()).read_bytes() == body
            frame = f'<iframe src="{url}"></iframe><object data="{url}"></object>'
            page.set_content(frame, wait_until="networkidle")
            assert asked.count(STATE) >= 3
            assert "/ran" not in asked
        context.close()


def test_a_document_without_a_type_is_octets(lrs: Own) -> None:
    answer = lrs.app.test_client().put(
        STATE, data=b"x", query_string=ADDRESSES[STATE], headers=lrs.headers()
    )
    assert answer.status_code == 204
    got = send(lrs, "GET", STATE)
    assert got.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "json"}, {"Content-Type": "a/b/c"}, {"Content-Encoding": "gzip"}],
)
def test_what_could_not_be_told_again_is_refused(
    lrs: Own, headers: dict[str, str]
) -> None:
    assert send(lrs, "PUT", STATE, OLD, headers).status_code == 400
    assert send(lrs, "GET", STATE).status_code == 404


def test_megabytes_are_kept(lrs: Own) -> None:
    big = bytes(range(256)) * 4096 * 8
    headers = {"Content-Type": "video/mp4"}
    assert send(lrs, "PUT", STATE, big, headers).status_code == 204
    assert send(lrs, "GET", STATE).data == big
    too_big = b"x" * (xapi.MAX_BODY + 1)
    assert send(lrs, "PUT", STATE, too_big, headers).status_code == 413
    assert send(lrs, "GET", STATE).data == big


@VERSIONS
@RESOURCES
@pytest.mark.parametrize(
    ("before", "body", "kind"),
    [
        (None, b'{"a":1}[', "application/json"),
        (None, b"text", "text/plain"),
        (("application/json", OLD), b"text", "not/json"),
        (("application/json", OLD), b'{"a":1}{', "application/json"),
        (("application/octet-stream", b"/ asdf"), b'{"a":1}', "application/json"),
        (("application/json", b"[1]"), b'{"a":1}', "application/json"),
    ],
)
def test_only_json_objects_are_merged(
    lrs: Own,
    path: str,
    version: str,
    before: tuple[str, bytes] | None,
    body: bytes,
    kind: str,
) -> None:
    lrs = lrs.speaking(version)
    if before:
        headers = {"Content-Type": before[0], "If-None-Match": "*"}
        assert send(lrs, "PUT", path, before[1], headers).status_code == 204
    answer = send(lrs, "POST", path, body, {"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.get_json()["section"] == MERGE[version]
    got = send(lrs, "GET", path)
    if before:
        assert got.data == before[1]
    else:
        assert got.status_code == 404


def test_lists_of_states(lrs: Own) -> None:
    for name, registration in (("b", None), ("a", REGISTRATION), ("c", REGISTRATION)):
        query = {"stateId": name, "registration": registration}
        assert send(lrs, "PUT", STATE, OLD, **query).status_code == 204
    everything = send(lrs, "GET", STATE, stateId=None)
    assert everything.get_json() == ["a", "b", "c"]
    assert everything.headers["Content-Type"] == "application/json"
    assert everything.headers["ETag"] == tag(everything.data)
    assert "Last-Modified" in everything.headers
    registered = {"stateId": None, "registration": REGISTRATION.upper()}
    assert send(lrs, "GET", STATE, **registered).get_json() == ["a", "c"]
    empty = send(lrs, "GET", STATE, stateId=None, since="2999-01-01T00:00:00Z")
    assert empty.get_json() == []
    assert "Last-Modified" not in empty.headers
    assert send(lrs, "DELETE", STATE, **registered).status_code == 204
    assert send(lrs, "GET", STATE, stateId=None).get_json() == ["b"]
    # a list has no version of its own that If-Match could name
    refused = send(lrs, "DELETE", STATE, None, {"If-Match": "*"}, stateId=None)
    assert refused.status_code == 400
    assert send(lrs, "DELETE", STATE, stateId=None).status_code == 204
    assert send(lrs, "GET", STATE, stateId=None).get_json() == []


@RESOURCES
def test_since(lrs: Own, path: str) -> None:
    create(lrs, path)
    many = {ID[path]: None}
    for since, found in (
        ("2020-01-01T00:00:00Z", ["a"]),
        ("2020-01-01T00:00:00+01:00", ["a"]),
        ("2999-01-01T00:00:00Z", []),
    ):
        assert send(lrs, "GET", path, since=since, **many).get_json() == found
    assert send(lrs, "GET", path, since="soon", **many).status_code == 400
    assert send(lrs, "GET", path, since="2020-01-01T00:00:00Z").status_code == 400
    for method in ("PUT", "POST", "DELETE"):
        body = None if method == "DELETE" else NEW
        answer = send(lrs, method, path, body, since="2020-01-01T00:00:00Z")
        assert answer.status_code == 400
    assert send(lrs, "GET", path).data == OLD


WRONG = [
    (STATE, {"activityId": None}),
    (STATE, {"activityId": "course"}),
    (STATE, {"agent": None}),
    (STATE, {"agent": "not JSON"}),
    (STATE, {"agent": "true"}),
    (STATE, {"agent": "[]"}),
    (STATE, {"agent": '{"name":"nobody"}'}),
    (STATE, {"agent": '{"objectType":"Group","mbox":"mailto:a@b.example"}'}),
    (STATE, {"agent": '{"mbox":"mailto:a@b.example","openid":"https://a.example"}'}),
    (STATE, {"agent": '{"account":{"homePage":"https://a.b","name":"\\u0000"}}'}),
    (STATE, {"registration": "true"}),
    (STATE, {"stateId": ""}),
    (STATE, {"stateId": "a\0b"}),
    (STATE, {"profileId": "a"}),
    (STATE, {"StateId": "a"}),
    (AGENTS, {"agent": None}),
    (AGENTS, {"agent": "true"}),
    (AGENTS, {"activityId": ACTIVITY}),
    (AGENTS, {"profileId": ""}),
    (AGENTS, {"registration": REGISTRATION}),
    (ACTIVITIES, {"activityId": None}),
    (ACTIVITIES, {"activityId": ""}),
    (ACTIVITIES, {"agent": AGENT}),
    (ACTIVITIES, {"profileId": ""}),
]


@pytest.mark.parametrize(("path", "query"), WRONG)
def test_wrong_parameters(lrs: Own, path: str, query: dict[str, str | None]) -> None:
    create(lrs, path)
    (name,) = query
    for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        body = NEW if method in {"PUT", "POST"} else None
        answer = send(lrs, method, path, body, {"If-Match": "*"}, **query)
        assert answer.status_code == 400, method
        if method != "HEAD":
            assert answer.get_json()["parameter"].lower() == name.lower()
    assert send(lrs, "GET", path).data == OLD


@RESOURCES
def test_a_document_to_write_is_named(lrs: Own, path: str) -> None:
    create(lrs, path)
    methods = ["PUT", "POST"] if path == STATE else ["PUT", "POST", "DELETE"]
    for method in methods:
        body = None if method == "DELETE" else NEW
        answer = send(lrs, method, path, body, **{ID[path]: None})
        assert answer.status_code == 400
    assert send(lrs, "GET", path).data == OLD


def test_one_agent_however_it_is_written(lrs: Own) -> None:
    create(lrs, AGENTS)
    written = '{"name": "An Officer", "mbox": "MAILTO:officer@Agency.EXAMPLE"}'
    assert send(lrs, "GET", AGENTS, agent=written).data == OLD
    other = '{"mbox": "mailto:Officer@agency.example"}'
    assert send(lrs, "GET", AGENTS, agent=other).status_code == 404


# xAPI 1.0.3 Communication 4.2: which scopes read and which write
READ_STATE = {"state", "state/read", "all/read", "all"}
READ_PROFILE = {"profile", "profile/read", "all/read", "all"}


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_scopes(lrs: Own, scope: str) -> None:
    caller = lrs.with_scopes([scope])
    for path in ADDRESSES:
        create(lrs, path)
        writes, reads = (
            ({"state", "all"}, READ_STATE)
            if path == STATE
            else ({"profile", "all"}, READ_PROFILE)
        )
        for method, allowed, status in (
            ("GET", reads, 200),
            ("HEAD", reads, 200),
            ("POST", writes, 204),
            ("PUT", writes, 204),
            ("DELETE", writes, 204),
        ):
            body = NEW if method.startswith("P") else None
            headers = {"If-Match": "*"}
            answer = send(caller, method, path, body, headers)
            assert answer.status_code == (status if scope in allowed else 403), method


@RESOURCES
def test_strangers_are_asked_who_they_are(lrs: Own, path: str) -> None:
    for method in ("GET", "PUT", "POST", "DELETE"):
        answer = send(lrs, method, path, None, {"Authorization": "Basic eDp5"})
        assert answer.status_code == 401


@RESOURCES
def test_tenants_are_apart(lrs: Own, path: str) -> None:
    other = lrs.with_scopes(["all"], new_tenant(lrs.parts))
    create(lrs, path)
    assert send(other, "GET", path).status_code == 404
    assert send(other, "GET", path, **{ID[path]: None}).get_json() == []
    create(other, path, NEW)
    assert send(other, "DELETE", path).status_code == 204
    assert send(lrs, "GET", path).data == OLD


def test_other_methods(lrs: Own) -> None:
    answer = send(lrs, "PATCH", STATE, OLD)
    assert answer.status_code == 405
    assert {"GET", "PUT", "POST", "DELETE"} <= set(answer.headers["Allow"].split(", "))


PRETEST = f"{ACTIVITY}/units/pretest"
LESSON = f"{ACTIVITY}/units/lesson"


def raise_wall(lrs: Own) -> None:
    with writing(lrs.parts.engine) as db:
        set_role(
            db,
            tenant=lrs.tenant,
            course_iri=ACTIVITY,
            activity_iri=PRETEST,
            role="pretest",
            now=datetime.now(UTC),
            proposed=True,
        )


@pytest.mark.parametrize("path", [STATE, ACTIVITIES])
def test_the_pretest_wall(
    lrs: Own, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Hidden whole: by id, in lists, and for who guesses what a document holds."""
    for activity in (PRETEST, ACTIVITY, LESSON):
        create(lrs, path, activityId=activity)
    raise_wall(lrs)
    many = {ID[path]: None}
    for activity in (PRETEST, ACTIVITY):
        for method in ("GET", "HEAD"):
            hidden = send(lrs, method, path, activityId=activity)
            assert hidden.status_code == 404
            assert "ETag" not in hidden.headers
        listed = send(lrs, "GET", path, activityId=activity, **many)
        assert listed.get_json() == []
        assert "Last-Modified" not in listed.headers
        for method in ("PUT", "POST", "DELETE"):
            body = None if method == "DELETE" else NEW
            for name in ("If-Match", "If-None-Match"):
                for guess in (tag(OLD), tag(b"other"), f'{tag(OLD)}, "x"'):
                    given = {name: guess}
                    answer = send(lrs, method, path, body, given, activityId=activity)
                    assert answer.status_code == 403
    assert send(lrs, "GET", path, activityId=LESSON).data == OLD
    assert "behind the pre-test wall" not in caplog.text
    reader = lrs.with_scopes(["all", "pretest/read"])
    # any at all is none for who does not see it
    new = {"If-Match": "*"}
    for method in ("PUT", "POST", "DELETE"):
        body = None if method == "DELETE" else NEW
        answers = [
            send(lrs, method, path, body, new, activityId=PRETEST, **{ID[path]: name})
            for name in ("a", "missing")
        ]
        assert [one.status_code for one in answers] == [412, 412]
        assert answers[0].data == answers[1].data
    # who does not see it may still write it
    assert send(lrs, "POST", path, b'{"w":1}', activityId=PRETEST).status_code == 204
    put = send(reader, "PUT", path, NEW, new, activityId=PRETEST)
    assert put.status_code == 204
    assert send(lrs, "POST", path, b'{"w":1}', activityId=PRETEST).status_code == 204
    assert caplog.text.count("behind the pre-test wall") == 1
    caplog.clear()
    got = send(reader, "GET", path, activityId=PRETEST)
    assert got.data == b'{"v": 2,"w":1}'
    assert caplog.text.count("behind the pre-test wall") == 1
    assert send(reader, "GET", path, activityId=PRETEST, **many).get_json() == ["a"]
    right = {"If-Match": got.headers["ETag"]}
    answer = send(reader, "PUT", path, OLD, right, activityId=PRETEST)
    assert answer.status_code == 204
    assert caplog.text.count("behind the pre-test wall") == 3
    assert send(reader, "GET", path, activityId=LESSON).data == OLD
    assert caplog.text.count("behind the pre-test wall") == 3


@VERSIONS
@pytest.mark.parametrize("path", [STATE, ACTIVITIES])
def test_no_refusal_tells_what_is_behind_the_wall(
    lrs: Own, path: str, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lrs = lrs.speaking(version)
    monkeypatch.setattr(documents, "MAX_CONTENT", 40)
    stored = {"text": (OLD, "text/plain"), "list": (b"[1]", JSON)}
    stored |= {"broken": (b"{", JSON), "long": (b'{"a": "%s"}' % (b"x" * 30), JSON)}
    for name, (body, kind) in stored.items():
        for activity in (PRETEST, LESSON):
            given = {"If-None-Match": "*", "Content-Type": kind}
            query: dict[str, Any] = {ID[path]: name, "activityId": activity}
            assert send(lrs, "PUT", path, body, given, **query).status_code == 204
    raise_wall(lrs)
    reader = lrs.with_scopes(["all", "pretest/read"]).speaking(version)

    def sent(caller: Own, method: str, activity: str, name: str) -> TestResponse:
        query: dict[str, Any] = {ID[path]: name, "activityId": activity}
        return send(caller, method, path, None if method == "GET" else NEW, **query)

    told = {
        (who, activity): {sent(caller, "POST", activity, name).data for name in stored}
        for who, caller in (("any", lrs), ("reader", reader))
        for activity in (PRETEST, LESSON)
    }
    assert len(told.pop(("any", PRETEST))) == 1
    assert all(len(answers) > 2 for answers in told.values())
    # as long as it takes no reading, a bare PUT is as good as any
    bare = [sent(lrs, "PUT", PRETEST, name) for name in ("new", "text")]
    expected = 204 if (path, version) == (STATE, "1.0.3") else 403
    assert [one.status_code for one in bare] == [expected] * 2
    assert bare[0].data == bare[1].data
    if expected == 403:
        assert sent(reader, "GET", PRETEST, "new").status_code == 404


def test_profiles_of_agents_have_no_wall(lrs: Own) -> None:
    create(lrs, AGENTS)
    raise_wall(lrs)
    assert send(lrs, "GET", AGENTS).data == OLD


def test_many_ids_are_listed_whole(lrs: Own) -> None:
    names = sorted(str(uuid.uuid4()) for _ in range(40))
    for name in names:
        create(lrs, ACTIVITIES, profileId=name)
    assert orjson.loads(send(lrs, "GET", ACTIVITIES, profileId=None).data) == names
