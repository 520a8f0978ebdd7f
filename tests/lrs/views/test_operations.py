from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from lrs.storage import StorageUnavailable
from lrs.views.alone import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from lrs.parts import Parts


@pytest.fixture
def client(parts: Parts) -> FlaskClient:
    return create_app(parts).test_client()


def test_it_lives_whatever_is_broken(
    client: FlaskClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_storage(parts, monkeypatch)
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json) == (200, {"status": "live"})


def test_it_is_ready_with_database_and_storage(client: FlaskClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ready",
        "checks": {"database": "ok", "storage": "ok"},
    }
    assert answer.headers["Cache-Control"] == "no-store"


def break_storage(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(_self: object, _prefix: str) -> Iterator[str]:
        raise StorageUnavailable("bucket-name does not answer")
        yield

    monkeypatch.setattr(type(parts.storage), "keys", keys)


def test_what_is_broken_is_named_and_its_reason_only_logged(
    client: FlaskClient,
    parts: Parts,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    break_storage(parts, monkeypatch)
    with caplog.at_level(logging.ERROR, "rollcall.doctor"):
        answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json == {
        "status": "not ready",
        "checks": {"database": "ok", "storage": "failed"},
    }
    assert "bucket-name" not in answer.text
    assert [vars(record)["detail"] for record in caplog.records] == [
        "bucket-name does not answer"
    ]


def test_the_metrics_are_in_the_prometheus_format(client: FlaskClient) -> None:
    client.get("/nothing/here")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert 'rollcall_statements{tenant="1"} 0' in lines
    known = [
        line
        for line in lines
        if line.startswith("rollcall_requests_total")
        and '{method="GET",route="none",site="lrs",status="404"}' in line
    ]
    assert len(known) == 1


def test_the_metrics_say_nothing_about_persons(client: FlaskClient) -> None:
    client.get("/xapi/statements?agent=mailto:somebody@example.org")
    client.get("/somebody@example.org")
    assert "somebody" not in client.get("/metrics").text
