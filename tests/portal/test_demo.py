import json
from datetime import timedelta

from sqlalchemy import func, select

import wsgi
from lrs.credentials import verify_secret
from lrs.db import reading, writing
from lrs.jobs import follow, run_due
from lrs.tables import Statement
from packages.courses import Package
from portal import demo
from portal.access import ROLES
from portal.agencies import create_agency
from portal.certificates import Certificate
from portal.users import User


def count(parts, table) -> int:
    with reading(parts.engine) as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


def test_fills_an_empty_installation_once(parts, now) -> None:
    later = now + timedelta(days=90)
    filled = demo.fill(parts, now=later)
    assert filled is not None
    assert filled.credential is not None
    key, secret = filled.credential
    with reading(parts.engine) as db:
        assert verify_secret(db, key=key, secret=secret, now=later).scopes == {"all"}
    before = (count(parts, User), count(parts, Statement), count(parts, Package))
    again = demo.fill(parts, now=later + timedelta(days=1))
    assert again is not None
    assert (again.password, again.credential) == (filled.password, None)
    assert (count(parts, User), count(parts, Statement), count(parts, Package)) == (
        before
    )
    for _ in range(3):
        follow(parts, wsgi.WORK.followers, later)
        run_due(parts, wsgi.WORK.handlers, later)
    with reading(parts.engine) as db:
        issued = {
            (row.learner_name, row.course_title)
            for row in db.scalars(select(Certificate))
        }
    assert issued == {
        ("Officer on nights, Harbor City", "Reports That Hold Up"),
        ("Officer on nights, Harbor City", "A Calm Voice"),
        ("Deputy, Alder Ridge", "First on the Scene"),
    }


def test_one_user_of_each_role_in_words_and_json(parts, now) -> None:
    filled = demo.fill(parts, now=now)
    assert filled is not None
    assert {user.role for user in demo.USERS} == ROLES.keys()
    text = filled.as_text()
    for part in (parts.config.portal_url, filled.password, *filled.credential):
        assert part in text
    assert {user["role"] for user in filled.as_json()["users"]} == ROLES.keys()
    json.dumps(filled.as_json())


def test_leaves_other_data_alone(parts, now, cast) -> None:
    del cast
    with writing(parts.engine) as db:
        create_agency(db, name="Another", now=now)
    assert demo.fill(parts, now=now) is None
    assert count(parts, Package) == 0


def test_the_password_is_the_installations_own(config) -> None:
    from dataclasses import replace

    first = demo.demo_password(config)
    assert first == demo.demo_password(config)
    assert first != demo.demo_password(replace(config, secret_key="another"))
    assert len(first) >= 14
