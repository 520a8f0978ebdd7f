"""What the guard only presumes of a caller, the command that answers confirms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lrs.credentials import revoke_credential
from lrs.db import writing
from lrs.rules.catalogue import set_role
from lrs.tables import MAIN_TENANT
from lrs.tenants import touch
from tests.lrs.views.conftest import Lrs, issue, statement

VERB = "http://example.org/verbs/watched"


def warm(lrs: Lrs) -> dict[str, Any]:
    """Let the process remember caller and wall, and show that it answers."""
    kept = statement(verb={"id": VERB})
    for _ in range(2):
        assert lrs.post(kept).status_code == 200
        assert lrs.get().status_code == 200
        assert lrs.found(verb=VERB) == [kept["id"]]
    return kept


def revoke(lrs: Lrs) -> None:
    with writing(lrs.parts.engine) as db:
        revoke_credential(db, key=lrs.issued.key, now=datetime.now(UTC))


CALLS = {
    "a page": {"method": "GET"},
    "a page by a filter": {"method": "GET", "verb": VERB},
    "a page with nothing on it": {"method": "GET", "verb": "urn:x-nothing"},
    "one": {"method": "GET", "statementId": "kept"},
    "a new one": {"method": "POST", "body": statement()},
    "the same again": {"method": "POST", "body": "kept"},
    "one that refers": {
        "method": "POST",
        "body": statement(object={"objectType": "StatementRef", "id": "kept"}),
    },
}


@pytest.mark.parametrize("name", CALLS)
def test_who_was_revoked_is_refused_by_every_call(lrs: Lrs, name: str) -> None:
    kept = warm(lrs)
    call = dict(CALLS[name])
    if call.get("body") == "kept":
        call["body"] = kept
    elif isinstance(call.get("body"), dict) and "objectType" in call["body"]["object"]:
        call["body"] = call["body"] | {
            "object": {"objectType": "StatementRef", "id": kept["id"]}
        }
    if "statementId" in call:
        call["statementId"] = kept["id"]
    assert lrs.call(**call).status_code == 200
    count = len(lrs.with_scopes(["all"]).found())
    if call["method"] == "POST":
        call["body"] = call["body"] if name == "the same again" else fresh(call["body"])
    revoke(lrs)
    for _ in range(2):
        assert lrs.call(**call).status_code == 401
    assert len(lrs.with_scopes(["all"]).found()) == count


def fresh(body: Any) -> Any:
    return body | {"id": statement()["id"]}


def test_a_change_that_concerns_others_costs_one_look(lrs: Lrs) -> None:
    warm(lrs)
    with writing(lrs.parts.engine) as db:
        touch(db, tenant=MAIN_TENANT)
    one = statement()
    assert lrs.post(one).status_code == 200
    with writing(lrs.parts.engine) as db:
        touch(db, tenant=MAIN_TENANT)
    assert one["id"] in lrs.found()


def test_a_wall_that_moved_hides_at_once(lrs: Lrs) -> None:
    kept = warm(lrs)
    reader = Lrs(lrs.app, lrs.parts, issue(lrs.parts, ["statements/read"]))
    assert reader.found() == [kept["id"]]
    assert reader.found() == [kept["id"]]
    with writing(lrs.parts.engine) as db:
        set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri="http://example.org/activities/whole",
            activity_iri=kept["object"]["id"],
            role="pretest",
            now=datetime.now(UTC),
        )
    assert reader.found() == []
    assert reader.get(statementId=kept["id"]).status_code == 404


def test_an_answer_names_an_instant_that_holds(lrs: Lrs) -> None:
    warm(lrs)
    header = "X-Experience-API-Consistent-Through"
    posted = lrs.post(statement())
    through = datetime.fromisoformat(posted.headers[header])
    body = lrs.get().get_json()
    newest = datetime.fromisoformat(body["statements"][0]["stored"])
    assert through == newest
    assert datetime.fromisoformat(lrs.get().headers[header]) >= newest
