from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from statements.errors import Invalid, InvalidStatement
from statements.prepare import prepare

ID = "EC531277-b57b-4c15-8d91-d292c5b2b8f7"
STATEMENT = {
    "actor": {"mbox": "mailto:officer@example.org"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    "object": {"id": "http://example.org/course"},
}
NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


def test_what_is_missing_is_stamped() -> None:
    made = prepare(STATEMENT, now=NOW)
    assert made.timestamp == NOW
    assert made.version == "1.0.0"
    assert orjson.loads(made.raw) == made.statement
    assert UUID(made.statement["id"]) == made.id
    assert made.statement["timestamp"] == "2026-03-02T17:00:00.000000Z"
    assert made.received == STATEMENT


def test_a_statement_under_2_0_says_so() -> None:
    assert prepare(STATEMENT, now=NOW, version="2.0.0").version == "2.0.0"
    given = {**STATEMENT, "version": "1.0.3"}
    assert prepare(given, now=NOW, version="2.0.0").version == "1.0.3"


def test_received_bytes_are_kept() -> None:
    raw = b' { "verb":{"id":"http://example.org/v"}, "id":"' + ID.encode() + b'",'
    raw += b'"actor" : {"mbox":"mailto:a@example.org"},"version":"1.0.0",'
    raw += b'"object":{"id":"http:\\/\\/example.org\\/a"},'
    raw += b'"timestamp":"2026-03-02T09:00:00-08:00","result":{"score":{"raw":1.50}}} '
    made = prepare(orjson.loads(raw), raw, now=NOW)
    assert made.raw == raw
    assert made.timestamp == NOW


def test_authority_and_stored_of_the_sender_are_taken_out() -> None:
    given = {
        **STATEMENT,
        "stored": "2001-01-01T00:00:00Z",
        "authority": {"mbox": "mailto:forger@example.org"},
    }
    made = prepare(given, orjson.dumps(given), now=NOW)
    assert b"forger" not in made.raw
    assert not {"stored", "authority"} & orjson.loads(made.raw).keys()
    assert not any(usage == "authority" for usage, _ in made.references.actors)


def test_what_cannot_be_stored_is_refused() -> None:
    with pytest.raises(Invalid):
        prepare({**STATEMENT, "result": {"response": "\0"}}, now=NOW)
    with pytest.raises(InvalidStatement):
        prepare({}, now=NOW)
