from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import Schema
from werkzeug.datastructures import MultiDict

from lrs.views import parameters
from lrs.views.parameters import MAX_QUERY, NoQuery, PutQuery, StatementQuery, load
from statements.errors import InvalidParameter

ID = "ec531277-b57b-4c15-8d91-d292c5b2b8f7"
OFFICER = "mbox::mailto:officer@example.org"


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("statementId", ID, "statement_id", uuid.UUID(ID)),
        ("voidedStatementId", ID.upper(), "voided_statement_id", uuid.UUID(ID)),
        ("agent", '{"mbox":"mailto:officer@example.org"}', "agent", OFFICER),
        (
            "agent",
            '{"objectType":"Group","mbox":"mailto:officer@example.org"}',
            "agent",
            OFFICER,
        ),
        ("verb", "http://example.org/v", "verb", "http://example.org/v"),
        ("activity", "tag:a,2026:b", "activity", "tag:a,2026:b"),
        ("registration", ID, "registration", uuid.UUID(ID)),
        ("related_agents", "true", "related_agents", True),
        ("related_activities", "false", "related_activities", False),
        (
            "since",
            "2026-03-02T17:00:00Z",
            "since",
            datetime(2026, 3, 2, 17, tzinfo=UTC),
        ),
        # a plus that nobody encoded
        (
            "until",
            "2026-03-02T18:00:00 01:00",
            "until",
            datetime(2026, 3, 2, 17, tzinfo=UTC),
        ),
        ("limit", "0", "limit", 0),
        ("limit", "100000", "limit", 100_000),
        ("format", "canonical", "format", "canonical"),
        ("attachments", "true", "attachments", True),
        ("ascending", "true", "ascending", True),
        ("cursor", "x", "cursor", "x"),
    ],
)
def test_accepted(name: str, text: str, key: str, value: Any) -> None:
    assert load(StatementQuery, MultiDict({name: text}))[key] == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("statementId", "x"),
        ("statementId", ""),
        ("statementid", ID),
        ("registration", "x"),
        ("agent", "officer"),
        ("agent", "{}"),
        ("agent", "[]"),
        ("agent", '{"mbox":"officer@example.org"}'),
        ("agent", '{"objectType":"Group","member":[{"mbox":"mailto:a@b.org"}]}'),
        (
            "agent",
            '{"account":{"homePage":"http://example.org","name":"\\u0000"}}',
        ),
        ("verb", "did"),
        ("verb", ""),
        ("activity", "course"),
        ("related_agents", "True"),
        ("related_agents", "1"),
        ("related_activities", ""),
        ("since", "yesterday"),
        ("until", "2026-02-30T00:00:00Z"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "many"),
        ("limit", ""),
        ("format", "Exact"),
        ("attachments", "yes"),
        ("ascending", "TRUE"),
        ("Agent", '{"mbox":"mailto:officer@example.org"}'),
        ("unknown", "1"),
    ],
)
def test_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        load(StatementQuery, MultiDict({name: text}))
    assert caught.value.extra["parameter"] == name
    assert name in caught.value.detail


@pytest.mark.parametrize(
    ("schema", "name", "text", "says"),
    [
        (StatementQuery, "Agent", "{}", "it is spelled agent"),
        (StatementQuery, "statementid", ID, "it is spelled statementId"),
        (PutQuery, "statementid", ID, "it is required"),
        (NoQuery, "colour", "red", "there are none."),
        (StatementQuery, "Cursor", "x", "there are activity, agent, ascending"),
        (StatementQuery, "agent", "{", "Not JSON"),
        (StatementQuery, "agent", '{"mbox":"a@b.org"}', r"\$\.mbox "),
        (StatementQuery, "agent", "[" * 100 + "]" * 100, "agent: "),
    ],
)
def test_what_would_be_right_is_said(
    schema: type[Schema], name: str, text: str, says: str
) -> None:
    with pytest.raises(InvalidParameter, match=says) as caught:
        load(schema, MultiDict({name: text}))
    assert "xAPI" not in caught.value.detail


def test_a_parameter_is_given_once() -> None:
    given = MultiDict([("limit", "1"), ("limit", "1")])
    with pytest.raises(InvalidParameter):
        load(StatementQuery, given)


def test_what_put_needs() -> None:
    assert load(PutQuery, MultiDict({"statementId": ID})) == {
        "statement_id": uuid.UUID(ID)
    }
    for given in ({}, {"statementId": ID, "format": "ids"}):
        with pytest.raises(InvalidParameter, match=r"required|there are statementId"):
            load(PutQuery, MultiDict(given))


def test_nothing_means_nothing() -> None:
    assert load(NoQuery, MultiDict()) == {}
    with pytest.raises(InvalidParameter):
        load(NoQuery, MultiDict({"a": "1"}))


def test_only_short_parameters_are_remembered() -> None:
    parameters._loaded.cache_clear()
    for length, kept in ((1_900, 1), (2_100, 1)):
        name = "x" * length
        activity = f"http://example.org/{name}"
        assert load(StatementQuery, MultiDict({"activity": activity}))
        assert parameters._loaded.cache_info().currsize == kept


def test_a_filter_too_long_for_pages_is_refused() -> None:
    for length, is_long in ((MAX_QUERY - 200, False), (MAX_QUERY, True)):
        account = f'{{"homePage":"http://example.org","name":"{"x" * length}"}}'
        asked = MultiDict({"agent": f'{{"account":{account}}}', "limit": "1"})
        if is_long:
            with pytest.raises(InvalidParameter, match=r"agent: .* cannot be paged"):
                load(StatementQuery, asked)
        else:
            assert load(StatementQuery, asked)["limit"] == 1
