"""Headers of the content site: on every answer, whatever its status (F21, T5)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from lrs.db import writing
from lrs.parts import Parts
from lrs.storage import ObjectMissing, StorageUnavailable, make_storage
from packages.courses import add_version, create_course
from packages.hosts import allow_hosts
from player.views.protection import Protection
from tests.player.opened import Open, open_on
from wsgi import create_application, create_content_app

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lrs.config import Config

CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("content_headers.toml").read_text(encoding="utf-8")
)["case"]
EVERYWHERE = {
    "Content-Security-Policy": (
        "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
        "connect-src 'self' data: blob: http://localhost:8000/xapi/ "
        "http://localhost:8000/cmi5/fetch/; "
        "frame-src 'self' data: blob: http://localhost:8000/cmi5/return/; "
        "frame-ancestors 'self' http://localhost:8000; "
        "base-uri 'self'; form-action 'self'; object-src 'none'; "
        "sandbox allow-scripts allow-same-origin allow-forms allow-popups "
        "allow-modals allow-downloads"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Origin-Agent-Cluster": "?1",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "unload=*, camera=(), microphone=(), geolocation=(), payment=(), usb=(), "
        "serial=(), hid=(), display-capture=()"
    ),
}
VALUES = {
    "{number}": r"[0-9]+",
    "{tag}": r'"[0-9a-f]{64}(-gzip)?"',
    "{parts}": r"multipart/byteranges; boundary=[0-9a-f]{32}",
}
FAILURES = {
    "unavailable": StorageUnavailable(),
    "missing": ObjectMissing(key="a"),
    "broken": RuntimeError("a fault"),
}


@pytest.fixture
def opened(sqlite_engine: Engine, config: Config) -> Open:
    """Give an open launch on SQLite and files."""
    return open_on(Parts(config, sqlite_engine, make_storage(config)))


def ask(parts: Parts, origin: str, case: dict[str, Any]) -> Any:
    client = Client(create_application(parts))
    return client.open(
        case["path"],
        method=case.get("method", "GET"),
        base_url=origin,
        headers=case.get("send", {}),
    )


@pytest.mark.parametrize("case", [pytest.param(one, id=one["name"]) for one in CASES])
def test_every_answer_has_these_headers_and_no_others(
    opened: Open, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, origin = opened.site.parts, opened.host
    if "label" in case:
        scheme, _, host = origin.partition("://")
        base = host.partition(".")[2]
        origin = f"{scheme}://{case['label']}{'.' if case['label'] else ''}{base}"
    if "storage" in case:

        def fail(*_: Any, **__: Any) -> Any:
            raise FAILURES[case["storage"]]

        monkeypatch.setattr(parts.storage, "open", fail)
    answer = ask(parts, origin, case)
    assert answer.status_code == case["status"], answer.text
    found = dict(answer.headers)
    assert len(found) == len(list(answer.headers)), "a header stands twice"
    found.pop("X-Request-ID", None)
    expected = EVERYWHERE | case["headers"]
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert re.fullmatch(VALUES.get(value, re.escape(value)), found[name]), name


def test_every_route_is_in_the_table(opened: Open) -> None:
    app = create_content_app(opened.site.parts)
    routes = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert routes == {case["route"] for case in CASES if "route" in case}


def test_a_fault_tells_nothing_of_itself(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise FAILURES["broken"]

    monkeypatch.setattr(opened.site.parts.storage, "open", fail)
    answer = ask(opened.site.parts, opened.host, {"path": "/film.mp4"})
    assert answer.status_code == 500
    assert "fault" not in answer.text
    assert "Traceback" not in answer.text


def directives(policy: str) -> dict[str, set[str]]:
    found = {}
    for part in policy.split("; "):
        name, _, sources = part.partition(" ")
        found[name] = set(sources.split())
    return found


def test_allowed_hosts_are_in_the_policy_at_once(opened: Open) -> None:
    parts, now = opened.site.parts, datetime.now(UTC)
    with writing(parts.engine) as db:
        course = create_course(db, title="Course", created_by="tests", now=now)
        version = add_version(
            db, course_id=course.id, package_id=opened.package.id, now=now
        ).id

    def found(path: str) -> dict[str, set[str]]:
        answer = ask(parts, opened.host, {"path": path})
        return directives(answer.headers["Content-Security-Policy"])

    for hosts in (["cdn.example:8443", "fonts.example"], ["fonts.example"], []):
        with writing(parts.engine) as db:
            allow_hosts(db, version_id=version, hosts=hosts, by="author", now=now)
        for path in ("/unit 0/page.html", "/lib/app.js", "/__player/shell"):
            for name in ("default-src", "connect-src", "frame-src"):
                sources = found(path)[name]
                assert {one for one in sources if ".example" in one} == set(hosts)
        # where nothing of the package is shown, nothing is allowed
        assert "fonts.example" not in found("/nothing")["default-src"]


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("portal.example", True),
        ("portal.example:443", True),
        ("content-example.net", True),
        ("a.content-example.net", True),
        ("a.content-example.net:443", True),
        ("cdn.example", False),
        ("xcontent-example.net", False),
        ("portal.example:8443", False),
    ],
)
def test_no_author_lets_a_package_reach_the_portal_or_other_learners(
    config: Config, host: str, *, ours: bool
) -> None:
    config = replace(
        config,
        portal_url="https://portal.example",
        content_url="https://content-example.net",
    )
    protection = Protection(config)
    assert protection.is_ours(host) is ours
    allowed = directives(protection.policy(("a.example", host)))["default-src"]
    assert "a.example" in allowed
    assert (host in allowed) is not ours


def test_media_may_come_from_the_s3_server_where_it_is_set(config: Config) -> None:
    assert "media-src" not in directives(Protection(config).policy())
    config = replace(config, s3_media_url="https://s3.example")
    found = directives(Protection(config).policy(("cdn.example",)))
    assert found["media-src"] == {
        "'self'",
        "data:",
        "blob:",
        "https://s3.example",
        "cdn.example",
    }
    assert "https://s3.example" not in found["default-src"] | found["connect-src"]
