from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from lrs.db import reading
from lrs.tables import Statement
from portal.enrolments import find_enrolments
from statements.vocabulary import VERBS
from tests.portal.views.text import text_of


@pytest.fixture
def browser(world, caller):
    world.complete(world.cast.officer)
    return caller(world.cast.analyst)


def test_readable_newest_first_without_names(world, browser) -> None:
    page = text_of(browser.get("/statements"))
    short = str(world.cast.officer.id)[:8]
    assert f"Learner {short} <b>attested</b> Reports That Hold Up" in page
    assert "90%, passed, complete" in page
    assert "Officer" not in page.replace("Analyst", "")
    assert page.index("attested") < page.index("<b>registered")


def test_pretests_are_hidden_from_list_and_address(world, browser) -> None:
    page = text_of(browser.get("/statements"))
    assert "posttest" in page
    assert "pretest" not in page
    with reading(world.parts.engine) as db:
        hidden = next(
            row.statement_id
            for row in db.scalars(select(Statement))
            if b"units/pretest" in row.payload
        )
    assert browser.get(f"/statements/{hidden}").status_code == 404


def test_filters(world, browser) -> None:
    with reading(world.parts.engine) as db:
        [row] = find_enrolments(db, user_id=world.cast.officer.id)
    course = f"{world.parts.config.portal_url}/activities/{world.course_id}"

    def count(query: str) -> int:
        return text_of(browser.get(f"/statements?{query}")).count("rc-sentence")

    assert count(f"verb={VERBS['attested']}") == 1
    assert count(f"registration={row.registration}") == 6
    assert count("registration=00000000-0000-4000-8000-000000000000") == 0
    assert count(f"activity={course}") == 2
    assert count("since=2026-03-02") == 6
    assert count("since=2026-03-03") == 0
    assert count("until=2026-03-01") == 0
    assert count("until=2026-03-02") == 6


@pytest.mark.parametrize(
    "query",
    [
        "registration=x",
        "since=yesterday",
        "until=9999-12-31",
        "after=x",
        f"after={9**99}",
        f"newest={9**99}",
        "newest=-1",
    ],
)
def test_filters_that_cannot_be_used(browser, query: str) -> None:
    answer = browser.get(f"/statements?{query}")
    assert answer.status_code == 200
    assert "This filter cannot be used" in text_of(answer)


def test_pages_go_on_where_the_last_ended(world, browser, monkeypatch) -> None:
    monkeypatch.setattr("portal.views.statements.PAGE", 2)
    seen: list[str] = []
    path = "/statements"
    for _ in range(10):
        page = text_of(browser.get(path))
        seen += re.findall(r'href="/statements/([0-9a-f-]{36})"', page)
        more = re.search(r'href="(/statements\?[^"]*after=[^"]*)"', page)
        if more is None:
            break
        path = more[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 6


def test_one_statement_with_its_json(world, browser) -> None:
    page = text_of(browser.get("/statements"))
    path = re.search(r'href="(/statements/[0-9a-f-]{36})"', page)[1]
    shown = text_of(browser.get(path))
    assert "As stored" in shown
    assert "&#34;authority&#34;" in shown
    assert str(world.cast.officer.id) in shown


def test_what_others_wrote_cannot_run(world, browser, now) -> None:
    from uuid import uuid4

    from lrs.db import writing
    from lrs.store import store_statements
    from lrs.tables import MAIN_TENANT
    from portal.acts import portal_authority
    from statements.prepare import prepare

    attack = "<script>alert(1)</script>"
    statement = {
        "id": str(uuid4()),
        "actor": {"name": attack, "mbox": "mailto:a@example.org"},
        "verb": {"id": "http://example.org/verb", "display": {"en": attack}},
        "object": {
            "id": "http://example.org/activity",
            "definition": {"name": {"en": attack}},
        },
        "result": {"response": attack},
    }
    with writing(world.parts.engine) as db:
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(statement, now=now)],
            authority=portal_authority(world.parts.config),
            now=now,
        )
    for path in ("/statements", f"/statements/{statement['id']}"):
        assert "<script>alert" not in text_of(browser.get(path))
