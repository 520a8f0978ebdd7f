"""HACP over HTTP: on a package's own site, and from other servers on the portal's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from lrs.db import reading
from lrs.parts import Parts
from lrs.storage import make_storage
from player import tokens, urls
from player.launches import get_launch, start
from player.views import hacp
from tests.player.packages import aicc
from tests.player.site import Site, applications

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

    from lrs.config import Config

EXTERNAL = "https://units.example.org/start.asp"


@dataclass
class Open:
    """A launch of an AICC unit, and clients of both sites."""

    portal: FlaskClient
    content: FlaskClient
    host: str
    sid: str

    def inside(self, **more: Any) -> TestResponse:
        url = "/__player/hacp"
        return self.content.post(url, **{"base_url": self.host, **more})

    def outside(self, **more: Any) -> TestResponse:
        return self.portal.post("/hacp", **more)

    def form(self, command: str = "GetParam", **more: str) -> dict[str, str]:
        return {"command": command, "session_id": self.sid, "version": "3.5", **more}


@pytest.fixture
def opened(sqlite_engine: Engine, config: Config) -> Open:
    parts = Parts(config, sqlite_engine, make_storage(config))
    site = Site(parts, 0)
    package = site.add(aicc({"One": "<p>One</p>", "Two": EXTERNAL}))
    launch = site.launch(package)
    portal, content = applications(parts)
    with reading(parts.engine) as db:
        label = get_launch(db, launch_id=launch.launch_id).label
    return Open(
        portal.test_client(),
        content.test_client(),
        urls.content_origin(config, label),
        tokens.aicc_session(config, launch_id=launch.launch_id),
    )


def test_both_sites_answer(opened: Open) -> None:
    for ask in (opened.inside, opened.outside):
        site = "https://x.example"
        answer = ask(data=opened.form(), headers={"Origin": site})
        assert answer.status_code == 200
        assert answer.content_type == "text/plain; charset=utf-8"
        assert answer.headers["Access-Control-Allow-Origin"] == site
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Set-Cookie" not in answer.headers
        assert answer.text.startswith("error=0\r\n")
        assert "Student_Name=Officer, Sworn\r\n" in answer.text
    assert "Content-Security-Policy" in opened.inside(data={}).headers


def test_any_form_is_read(opened: Open) -> None:
    data = "[Core]\r\nLesson_Location=für\r\n"
    put = opened.form("PutParam", aicc_data=data)
    plain = "&".join(f"{name}={value}" for name, value in put.items())
    for more in (
        {"data": put},
        {"data": put, "content_type": "multipart/form-data"},
        {"data": plain.encode(), "content_type": "text/plain;charset=UTF-8"},
        {"data": plain.encode("latin-1"), "content_type": None},
        {"query_string": put},
    ):
        assert opened.inside(**more).text.startswith("error=0"), more
    asked = opened.content.get(
        "/__player/hacp", base_url=opened.host, query_string=opened.form()
    )
    assert "Lesson_Location=für\r\n" in asked.text


def test_refusals_have_status_200(opened: Open) -> None:
    assert opened.outside(data={}).text.startswith("error=1\r\n")
    assert opened.outside(data=opened.form("Put")).text.startswith("error=1\r\n")
    other = {**opened.form(), "session_id": "x"}
    assert opened.outside(data=other).text.startswith("error=3\r\n")
    strange = opened.inside(
        data=opened.form(), base_url=opened.host.replace("://", "://0")
    )
    assert strange.text.startswith("error=3\r\n")


def test_a_session_stays_on_its_own_site(opened: Open) -> None:
    label = opened.host.partition("://")[2].partition(".")[0]
    elsewhere = opened.host.replace(label, "0" * 32)
    answer = opened.inside(data=opened.form(), base_url=elsewhere)
    assert answer.text.startswith("error=3\r\n")


def test_browsers_of_other_sites_may_ask(opened: Open) -> None:
    answer = opened.portal.options("/hacp", headers={"Origin": "https://x.example"})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://x.example"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]


def test_a_body_has_an_end(opened: Open) -> None:
    put = opened.form("PutParam", aicc_data="x" * hacp.LARGEST)
    for ask in (opened.inside, opened.outside):
        assert ask(data=put).status_code == 413


def test_the_address_is_that_of_the_site(sqlite_engine: Engine, config: Config) -> None:
    from datetime import UTC, datetime

    from lrs.db import writing

    site = Site(Parts(config, sqlite_engine, make_storage(config)), 0)
    package = site.add(aicc({"One": "<p>One</p>", "Two": EXTERNAL}))
    opened = site.launch(package, unit=1)
    with writing(sqlite_engine) as db:
        now = datetime.now(UTC)
        told = start(db, config=config, launch_id=opened.launch_id, now=now)
    assert told["entry"].startswith(f"{EXTERNAL}?aicc_sid=")
    assert told["own_window"]
