"""When a unit may send a statement."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from player.cmi5.rules import (
    VERBS,
    IllegalRequest,
    SessionState,
    check_query,
    check_statements,
)
from tests.player.cmi5.said import ALLOWED, NOW, changed, ready, says, session

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.player.cmi5.said import Statement


def refusal(
    state: SessionState, *statements: Statement, stored: Collection[uuid.UUID] = ()
) -> str:
    """The requirement by which the statements are refused, "" where they are not."""
    try:
        check_statements(state, ready(*statements), stored=stored)
    except IllegalRequest as error:
        return str(error.extra["requirement"])
    return ""


def ids(*statements: Statement) -> set[uuid.UUID]:
    return {uuid.UUID(one["id"]) for one in statements}


@pytest.mark.parametrize("verb", [*VERBS.values(), ALLOWED])
def test_a_legal_statement_is_let_in(verb: str) -> None:
    said = "" if verb == "initialized" else "initialized"
    assert refusal(session(said), says(verb)) == ""


ORDER = [
    # said in the session, said before it, sent, refused by
    ("", "", "completed", "9.3.0.0-4"),
    ("", "", ALLOWED, "9.3.0.0-4"),
    ("", "", "terminated", "9.3.0.0-4"),
    ("initialized", "", "initialized", "9.3.2.0-3"),
    ("initialized completed", "", "completed", "9.3.0.0-2"),
    ("initialized passed", "", "passed", "9.3.0.0-2"),
    ("initialized failed", "", "failed", "9.3.0.0-2"),
    ("initialized failed", "", "passed", "9.3.0.0-3"),
    ("initialized passed", "", "failed", "9.3.0.0-3"),
    ("initialized passed", "", "completed", ""),
    ("initialized", "completed", "completed", "9.3.0.0-6"),
    ("initialized", "passed", "passed", "9.3.0.0-7"),
    ("initialized", "passed", "failed", "9.3.0.0-8"),
    ("initialized", "failed", "failed", ""),
    ("initialized", "failed", "passed", ""),
    ("initialized", "passed", "completed", ""),
    ("initialized", "initialized terminated", "terminated", ""),
    ("initialized terminated", "", "completed", "9.3.0.0-5"),
    ("initialized terminated", "", ALLOWED, "9.3.0.0-5"),
    ("initialized terminated", "", "terminated", "9.3.0.0-5"),
    ("initialized terminated", "", "initialized", "9.3.0.0-5"),
]


@pytest.mark.parametrize(
    ("said", "before", "sent", "requirement"),
    ORDER,
    ids=[f"{sent[-11:]} after {said or 'nothing'}; {b}" for said, b, sent, _ in ORDER],
)
def test_order(said: str, before: str, sent: str, requirement: str) -> None:
    assert refusal(session(said, before=before), says(sent)) == requirement


def test_preferences_are_read_before_initialized() -> None:
    state = session("", knows_preferences=False)
    assert refusal(state, says("initialized")) == "11.0.0.0-3"
    assert refusal(state, says(ALLOWED)) == "9.3.0.0-4"


def test_a_list_is_a_session_on_its_way() -> None:
    whole = [says(verb) for verb in ("initialized", "completed", "terminated")]
    assert refusal(session(""), *whole) == ""
    assert refusal(session(""), *whole[1:], whole[0]) == "9.3.0.0-4"
    assert refusal(session(""), *whole, says(ALLOWED)) == "9.3.0.0-5"
    assert refusal(session(""), whole[0], says("initialized")) == "9.3.2.0-3"


def test_the_place_in_a_list_is_told() -> None:
    with pytest.raises(IllegalRequest) as refused:
        check_statements(
            session(""),
            ready(says("initialized"), changed(ALLOWED, lambda one: one.pop("id"))),
            stored=(),
        )
    assert refused.value.extra["path"] == "$[1]"
    assert refused.value.extra["section"] == "cmi5 9.1"


@pytest.mark.parametrize(
    ("sent", "seconds", "requirement"),
    [
        pytest.param(ALLOWED, -59, "", id="as clocks do"),
        pytest.param(ALLOWED, -61, "9.3.0.0-4", id="before initialized"),
        pytest.param("terminated", 59, "", id="terminated a little before"),
        pytest.param("terminated", 39, "9.3.0.0-5", id="terminated before the last"),
    ],
)
def test_timestamps_do_not_contradict_the_order(
    sent: str, seconds: int, requirement: str
) -> None:
    state = session(last_at=NOW + timedelta(seconds=100))
    said = says(sent, at=NOW + timedelta(seconds=seconds))
    assert refusal(state, said) == requirement


def test_what_is_stored_may_be_repeated_while_the_session_goes_on() -> None:
    said = says("completed")
    state = session("initialized completed")
    assert refusal(state, said, stored=ids(said)) == ""
    assert refusal(state, said, says("terminated"), stored=ids(said)) == ""
    assert refusal(state, says("completed"), stored=ids(said)) == "9.3.0.0-2"


def test_after_the_end_only_the_end_may_be_repeated() -> None:
    state = session("initialized completed terminated")
    end, other = says("terminated"), says("completed")
    both = ids(end, other)
    assert refusal(state, end, stored=ids(end)) == ""
    assert refusal(state, other, end, stored=both) == ""
    assert refusal(state, other, stored=both) == "9.3.0.0-5"
    assert refusal(state, end, says(ALLOWED), stored=both) == "9.3.0.0-5"
    assert refusal(state, says("terminated"), stored=ids(end)) == "9.3.0.0-5"
    # the category makes it the end, not the verb
    plain = changed("terminated", lambda one: one["context"].pop("contextActivities"))
    assert refusal(state, plain, stored=ids(plain)) == "9.3.0.0-5"


def test_nothing_is_found_after_the_end() -> None:
    check_query(session("initialized"))
    with pytest.raises(IllegalRequest) as refused:
        check_query(session("initialized terminated"))
    assert refused.value.extra["requirement"] == "9.3.0.0-5"
