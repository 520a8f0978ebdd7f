"""Sessions: the fetch address works once, and the time of an abandoned one."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lrs.credentials import digest
from player import tokens
from player.cmi5.sessions import UNKNOWN, USED, fetch
from tests.player.cmi5.opened import Course

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


@pytest.fixture
def course(db: Session, config: Config, now: datetime) -> Course:
    return Course(db, config, now)


def test_the_first_who_asks_gets_the_authorization(course: Course) -> None:
    launch_id = course.launch(0)
    token = tokens.fetch_token(course.config, launch_id=launch_id)
    found = fetch(course.db, config=course.config, token=token, now=course.now)
    assert isinstance(found, dict)
    key, _, secret = base64.b64decode(found["auth-token"]).decode().partition(":")
    session = course.session(launch_id)
    assert key.startswith("cmi5.")
    assert (session.key, session.secret_sha256) == (key, digest(secret))
    assert session.fetched_at == course.now
    for _ in range(2):
        again = fetch(course.db, config=course.config, token=token, now=course.now)
        assert again == USED
    assert course.session(launch_id).key == key


def expire(course: Course, launch_id: object) -> None:
    course.now += timedelta(hours=13)


def supersede(course: Course, launch_id: object) -> None:
    course.launch(0)


@pytest.mark.parametrize("over", [Course.end, expire, supersede])
def test_nobody_gets_it_when_the_launch_is_over(
    course: Course, over: Callable[..., None]
) -> None:
    launch_id = course.launch(0)
    over(course, launch_id)
    token = tokens.fetch_token(course.config, launch_id=launch_id)
    found = fetch(course.db, config=course.config, token=token, now=course.now)
    assert found == USED
    assert course.session(launch_id).fetched_at is None


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: "x" * 76,
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token + "a",
        lambda token: token.replace(token[:4], "0000", 1),
    ],
    ids=["empty", "letters", "other end", "longer", "other launch"],
)
def test_what_we_did_not_make_is_unknown(
    course: Course, change: Callable[[str], str]
) -> None:
    token = tokens.fetch_token(course.config, launch_id=course.launch(0))
    found = fetch(course.db, config=course.config, token=change(token), now=course.now)
    assert found == UNKNOWN


@pytest.mark.parametrize(
    ("last", "duration"),
    [(None, "PT0S"), (90.5, "PT1M30.5S"), (-60, "PT0S"), (7200, "PT2M")],
    ids=["silent", "heard", "clock behind", "clock ahead"],
)
def test_the_time_of_an_abandoned_session(
    course: Course, last: float | None, duration: str
) -> None:
    launch_id = course.launch(0)
    if last is not None:
        session = course.session(launch_id)
        session.last_at = session.launched_at + timedelta(seconds=last)
        course.db.flush()
    course.now += timedelta(minutes=1)
    course.end(launch_id)
    assert course.told()[-1]["result"] == {"duration": duration}
