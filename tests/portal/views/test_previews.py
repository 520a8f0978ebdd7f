"""The preview's page: opened by an author for the author alone, framing one origin.

That nothing is recorded, tests/player/test_previews.py and tests/journeys show.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lrs.db import reading, writing
from packages.courses import get_package
from player import previews
from player.tables import Preview
from tests.portal.conftest import import_sample
from tests.portal.views.text import text_of

if TYPE_CHECKING:
    from lrs.parts import Parts


@pytest.fixture
def engine(sqlite_engine):
    """One database is enough here: what differs between the two is tested elsewhere."""
    return sqlite_engine


@pytest.fixture
def browser(cast, caller):
    return caller(cast.author)


@pytest.fixture
def package(parts: Parts, cast, now) -> uuid.UUID:
    return import_sample(parts, "report-writing", now)


def begin(browser: Any, package: uuid.UUID, unit: str = "1") -> Any:
    return browser.post(f"/authoring/packages/{package}/previews", {"unit": unit})


def test_the_page_frames_the_label_alone(parts, browser, package, caller, cast) -> None:
    place = begin(browser, package).headers["Location"]
    answer = browser.get(place)
    text = text_of(answer)
    assert "Preview: nothing is recorded" in text
    assert "What the unit reports" in text
    found = re.search(r'id="preview">(.*?)</script>', answer.get_data(as_text=True))
    assert found is not None
    data = json.loads(found[1])
    label = place.rpartition("/")[2]
    assert data["content"].startswith(f"http://{label}.{parts.config.content_host}")
    assert data["start"]["values"]["cmi.core.entry"] == "ab-initio"
    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-src {data['content']};" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    # it would contradict the policy
    assert "X-Frame-Options" not in answer.headers
    # another author's preview is not there
    assert caller(cast.manager).get(place).status_code == 403
    assert browser.get(f"/authoring/previews/{'0' * 32}").status_code == 404


def test_the_way_to_the_units_beside_it(browser, package) -> None:
    for unit, names in (("0", ["Next"]), ("2", ["Previous", "Next"])):
        place = begin(browser, package, unit).headers["Location"]
        text = text_of(browser.get(place))
        found = [name for name in ("Previous", "Next") if f">{name}<" in text]
        assert found == names, unit


def test_a_standard_without_run_time_is_said(parts, browser, package) -> None:
    with writing(parts.engine) as db:
        row = get_package(db, package_id=package)
        row.standard, row.edition = "xapi", "1.0"
        row.manifest = {**(row.manifest or {}), "standard": "xapi", "edition": "1.0"}
    text = text_of(browser.get(f"/authoring/packages/{package}"))
    assert 'name="role-0"' in text
    place = begin(browser, package).headers["Location"]
    text = text_of(browser.get(place))
    assert "Units of xAPI 1.0 report to a record store" in text
    assert "What the unit reports" not in text


def is_open(parts: Parts, place: str) -> bool:
    with reading(parts.engine) as db:
        return db.get(Preview, place.rpartition("/")[2]) is not None


def test_nothing_stays_open_after_the_author(
    parts, browser, package, caller, cast
) -> None:
    operator = caller(cast.operator)
    account = f"/admin/users/{cast.author.id}"
    fields = {"name": cast.author.name, "roles": "learner", "position": "sworn"}
    for end in (
        lambda: browser.post("/sign-out"),
        lambda: operator.post(account, fields),
        lambda: operator.post(f"{account}/close"),
    ):
        with writing(parts.engine) as db:
            place = previews.open_preview(
                db,
                package=get_package(db, package_id=package),
                unit=1,
                opened_by=str(cast.author.id),
                now=datetime.now(UTC),
            ).label
        assert is_open(parts, place)
        assert end().status_code == 302
        assert not is_open(parts, place)


def test_that_of_a_deleted_package_is_not_there(browser, package) -> None:
    place = begin(browser, package).headers["Location"]
    assert browser.post(f"/authoring/packages/{package}/delete").status_code == 302
    assert browser.get(place).status_code == 404


def test_what_cannot_be_previewed(browser, package, caller, cast) -> None:
    for unit in ("99", "-1", "x", "", "²", "1" * 5000):
        assert begin(browser, package, unit).status_code == 409, unit
    assert begin(browser, uuid.uuid4()).status_code == 404
    assert begin(caller(cast.manager), package).status_code == 403
