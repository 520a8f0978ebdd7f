"""Launches seen by managers, authors and operators: lists, logs, exports, replay."""

from __future__ import annotations

import csv
import io
import re
import uuid
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lrs.db import reading, writing
from packages.courses import get_package
from player import launches
from player.refused import keep_refused
from player.tables import Launch
from player.urls import course_iri
from portal.releases import find_versions
from portal.users import actor_of
from statements.build import build_statement
from statements.errors import Forbidden
from statements.prepare import prepare
from tests.player.sample import Player
from tests.portal.views.text import text_of

CALLS = [
    [1, "LMSInitialize", [""], "true", 0, 1],
    [2, "LMSGetValue", ["cmi.core.student_name"], "Officer, Sworn", 0, 1],
    [3, "LMSSetValue", ["cmi.core.lesson_status", "incomplete"], "true", 0, 1],
    [4, "LMSSetValue", ["cmi.core.lesson_status", "splendid"], "false", 405, 3],
    [5, "LMSGetValue", ["cmi.core.lesson_status"], "completed", 0, 1],
    [6, "LMSGetValue", ["=HYPERLINK(1)"], "", 401, 1],
    [7, "", [], "", 0, 40],
]
SUSPECT = "LMSSetValue"


@dataclass
class Seen:
    """A lesson and a pre-test that an officer opened, and a stranger's launch."""

    lesson: uuid.UUID
    pretest: uuid.UUID
    other: uuid.UUID
    package: uuid.UUID


@pytest.fixture
def seen(world) -> Seen:
    parts, now = world.parts, world.now
    with writing(parts.engine) as db:
        [version] = find_versions(db, course_id=world.course_id)
        package = get_package(db, package_id=version.package_id)
        officer = actor_of(world.cast.officer.id, portal_url=parts.config.portal_url)

        def play(unit: int, actor: dict, **calls: object) -> uuid.UUID:
            page = Player(db, parts.config, package, now)
            page.launch_id = launches.open_launch(
                db,
                config=parts.config,
                package=package,
                unit=unit,
                course_iri=course_iri(parts.config, world.course_id),
                revision="1",
                actor=actor,
                registration=page.registration,
                mode="Normal",
                mastery={},
                return_url="",
                course_title="Reports That Hold Up",
                now=now,
            ).launch_id
            page.start()
            page.send(page.entry("initialize"))
            last = page.entry("set", ("cmi.core.score.raw", "37"))
            page.send({**last, **calls})
            return page.launch_id

        return Seen(
            lesson=play(1, officer, calls=CALLS),
            pretest=play(0, officer, calls=CALLS),
            other=play(1, {"mbox": "mailto:someone@elsewhere.example"}),
            package=package.id,
        )


def test_the_list_shows_names_to_managers_and_operators_alone(
    world, caller, seen
) -> None:
    name = world.cast.officer.name
    manager = text_of(caller(world.cast.manager).get("/history"))
    assert name in manager
    assert "another system" not in manager
    operator = text_of(caller(world.cast.operator).get("/history"))
    assert name in operator
    assert "someone@elsewhere.example" in operator
    author = text_of(caller(world.cast.author).get("/history"))
    assert name not in author
    assert f"Learner {str(world.cast.officer.id)[:8]}" in author
    assert "A learner of another system" in author
    assert "someone@" not in author


def test_who_has_no_part_in_it_sees_nothing(world, caller, seen) -> None:
    for person in (world.cast.officer, world.cast.analyst):
        browser = caller(person)
        for path in ("", f"/{seen.lesson}", f"/{seen.lesson}/replay"):
            assert browser.get(f"/history{path}").status_code == 403
    manager = caller(world.cast.manager)
    assert manager.get(f"/history/{seen.other}").status_code == 404
    assert manager.get(f"/history/{uuid.uuid4()}").status_code == 404


def test_another_agency_s_launches_are_not_there(world, caller, seen) -> None:
    from portal.users import User

    with writing(world.parts.engine) as db:
        db.get_one(User, world.cast.officer.id).agency_id = None
    manager = caller(world.cast.manager)
    assert str(seen.lesson) not in text_of(manager.get("/history"))
    for path in ("", "/log.csv", "/log.json", "/replay"):
        assert manager.get(f"/history/{seen.lesson}{path}").status_code == 404
    answer = manager.get(f"/history?learner={world.cast.officer.id}")
    assert answer.status_code == 404


def test_an_author_who_is_a_manager_too_names_the_own_agency_alone(
    world, caller, seen
) -> None:
    from portal.users import User, UserRole

    manager, officer = world.cast.manager, world.cast.officer
    with writing(world.parts.engine) as db:
        db.add(UserRole(user_id=manager.id, role="author"))
    both = caller(manager)
    assert officer.name in text_of(both.get("/history"))
    assert str(seen.lesson) in text_of(both.get(f"/history?q={officer.name}"))
    with writing(world.parts.engine) as db:
        db.get_one(User, officer.id).agency_id = None
    listed = text_of(both.get("/history"))
    assert str(seen.lesson) in listed
    assert str(seen.other) in listed
    for secret in (officer.name, "someone@"):
        assert secret not in listed
        assert secret not in text_of(both.get(f"/history/{seen.lesson}"))
    assert str(seen.lesson) not in text_of(both.get(f"/history?q={officer.name}"))
    assert both.get(f"/history?learner={officer.id}").status_code == 404


FILTERS = {
    "": 3,
    "since=2020-01-01": 3,
    "until=2020-01-01": 0,
    "q=Officer": 2,
    "q=nobody-has-this": 0,
    "q=%00": 0,
    "package={package}": 3,
    "package=00000000-0000-4000-8000-000000000000": 0,
    "learner={officer}": 2,
    "course={course}": 3,
}
UNREADABLE = [
    "since=x",
    "course=1",
    "package=1",
    "learner=1",
    "after=x",
    "after=2026~1",
    "after=9999-12-31T23:59:59-14:00~00000000-0000-4000-8000-000000000000",
]


def test_filters(world, caller, seen) -> None:
    operator = caller(world.cast.operator)
    ids = {
        "package": seen.package,
        "officer": world.cast.officer.id,
        "course": world.course_id,
    }
    found = {
        query: text_of(operator.get(f"/history?{query.format(**ids)}")).count(
            '<th scope="row">'
        )
        for query in FILTERS
    }
    assert found == FILTERS
    for query in UNREADABLE:
        answer = operator.get(f"/history?{query}")
        assert answer.status_code == 200, query
        assert "This filter cannot be used" in text_of(answer), query


def test_older_launches_are_on_the_next_page(
    world, caller, seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.views import launches as pages

    monkeypatch.setattr(pages, "PAGE", 2)
    browser = caller(world.cast.operator)
    first = browser.get("/history").get_data(as_text=True)
    address = first.split('href="/history?after=')[1].split('"')[0]
    second = text_of(browser.get(f"/history?after={address.replace('&amp;', '&')}"))
    assert second.count('<th scope="row">') == 1


def test_a_log_is_readable_and_tells_no_name(world, caller, seen) -> None:
    author = caller(world.cast.author)
    page = text_of(author.get(f"/history/{seen.lesson}"))
    assert "LMSSetValue(cmi.core.lesson_status, splendid)" in page
    assert "3 times" in page
    assert "405" in page
    assert "40 more calls are not kept" in page
    assert "(session begins)" in page
    assert world.cast.officer.name not in page
    assert "Officer, Sworn" not in page
    errors = text_of(author.get(f"/history/{seen.lesson}?errors=1&function=set"))
    assert "splendid" in errors
    assert "incomplete)" not in errors
    none = text_of(author.get(f"/history/{seen.lesson}?element=nothing"))
    assert "No calls" in none
    assert author.get(f"/history/{seen.lesson}?from=x").status_code == 400


def test_a_log_leaves_as_a_table_that_no_spreadsheet_runs(world, caller, seen) -> None:
    author = caller(world.cast.author)
    answer = author.get(f"/history/{seen.lesson}/log.csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["function"] for row in rows][:3] == [
        "(session begins)",
        "LMSInitialize",
        "LMSGetValue",
    ]
    assert rows[4]["arguments"] == "cmi.core.lesson_status | splendid"
    assert rows[6]["arguments"] == "'=HYPERLINK(1)"
    document = author.get(f"/history/{seen.lesson}/log.json?errors=1").get_json()
    assert [one["error"] for one in document["calls"]] == [405, 401]


def test_the_log_is_played_again_step_by_step(world, caller, seen) -> None:
    author = caller(world.cast.author)
    place = f"/history/{seen.lesson}/replay"
    first = text_of(author.get(place))
    assert "Step 1 of 8" in first
    assert "1 answer would be different now" in first
    changed = text_of(author.get(f"{place}?step=4"))
    assert "cmi.core.lesson_status <span" in changed
    assert "incomplete" in changed
    differs = text_of(author.get(f"{place}?step=6"))
    assert ">different</span>" in differs
    assert "Step 8 of 8" in text_of(author.get(f"{place}?step=999999999"))
    assert author.get(f"{place}?step=-1").status_code == 400
    assert author.get(f"{place}?step={'9' * 40}").status_code == 400


def test_a_pretest_tells_nobody_its_values(world, caller, seen) -> None:
    for person in (world.cast.author, world.cast.manager, world.cast.operator):
        browser = caller(person)
        page = text_of(browser.get(f"/history/{seen.pretest}"))
        assert "Values are hidden" in page
        assert "splendid" not in page
        # by itself: ids and times may have these figures too
        called = page.split("What the unit called")[1]
        assert re.search(r"[\s(>]37[\s,)<]", called) is None
        assert b"splendid" not in browser.get(f"/history/{seen.pretest}/log.csv").data
        assert b"splendid" not in browser.get(f"/history/{seen.pretest}/log.json").data
        assert browser.get(f"/history/{seen.pretest}/replay").status_code == 409


def test_a_launch_that_said_nothing_has_no_replay(world, caller, seen) -> None:
    with reading(world.parts.engine) as db:
        registration = db.get_one(Launch, seen.lesson).registration
        package = get_package(db, package_id=seen.package)
    actor = actor_of(world.cast.officer.id, portal_url=world.parts.config.portal_url)
    with writing(world.parts.engine) as db:
        silent = launches.open_launch(
            db,
            config=world.parts.config,
            package=package,
            unit=2,
            course_iri=course_iri(world.parts.config, world.course_id),
            revision="1",
            actor=actor,
            registration=registration,
            mode="Browse",
            mastery={},
            return_url="",
            now=world.now + timedelta(days=1),
        ).launch_id
    browser = caller(world.cast.author)
    assert browser.get(f"/history/{silent}/replay").status_code == 409
    page = text_of(browser.get(f"/history/{silent}"))
    assert "has not called its run-time" in page
    assert "Opened, not begun" in page
    assert "Browse" in page


def test_a_refused_statement_is_explained_except_of_a_pretest(
    world, caller, seen
) -> None:
    found = {}
    for launch_id in (seen.lesson, seen.pretest):
        said = build_statement(
            id=uuid.uuid4(),
            actor=actor_of(
                world.cast.officer.id, portal_url=world.parts.config.portal_url
            ),
            verb="passed",
            object="https://publisher.example/unit",
            timestamp=world.now,
        )
        with writing(world.parts.engine) as db:
            keep_refused(
                db,
                launch_id=launch_id,
                statements=[prepare(said, now=world.now)],
                refusal=Forbidden("It is below the score.", requirement="9.3.4.0-2"),
                now=world.now,
            )
        found[launch_id] = text_of(
            caller(world.cast.operator).get(f"/history/{launch_id}")
        )
    assert "It is below the score. (9.3.4.0-2)" in found[seen.lesson]
    assert "It is below" not in found[seen.pretest]
    assert "The unit may not send it" in found[seen.pretest]
