"""Whether a unit may send a statement now, and why not.

cmi5 7.1, 9.3 (order). Pure: a session as it stands and statements in; nothing, or
IllegalRequest with the number of the requirement, out. Where order counts it is that in
which statements come; a timestamp may contradict it by as much as clocks do (`SKEW`).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from player.cmi5.documents import PREFERENCES
from player.cmi5.rules_asked import (
    VERBS,
    IllegalRequest,
    SessionState,
    check_query,
    is_cmi5_defined,
    over,
    refused,
    verb_of,
)
from player.cmi5.rules_documents import check_document
from player.cmi5.rules_table import ALLOWED_RULES, DEFINED_RULES, GENERAL, Rule
from statements.prepare import Prepared

__all__ = [
    "VERBS",
    "IllegalRequest",
    "SessionState",
    "check_document",
    "check_query",
    "check_statements",
    "is_cmi5_defined",
]
SKEW = timedelta(minutes=1)


def check_statements(
    state: SessionState, statements: Sequence[Prepared], *, stored: Collection[UUID]
) -> None:
    """Nothing, or IllegalRequest for the first statement that may not be stored.

    `stored` are the ids that the record store knows already: repeated while the session
    goes on they are no new statements, whatever was said since. After `terminated` only
    the request that brought it may be repeated.
    """
    if "terminated" in state.said:
        if not _repeats_the_end(statements, stored):
            raise over()
        return
    for index, one in enumerate(statements):
        path = "$" if len(statements) == 1 else f"$[{index}]"
        if one.id in stored:
            continue
        check_query(state)
        _check(state, one, path)
        state = _after(state, one)


def _check(state: SessionState, one: Prepared, path: str) -> None:
    # what was sent: id and timestamp are set where they are missing
    sent = one.received
    rules: list[Rule] = [*GENERAL, *_order(state, one)]
    if is_cmi5_defined(sent):
        rules += DEFINED_RULES
    else:
        rules += ALLOWED_RULES
    for rule in rules:
        if rule.is_broken(state, sent):
            raise refused(rule.requirement, rule.detail, path=path)


def _after(state: SessionState, one: Prepared) -> SessionState:
    """The session once a statement is stored."""
    latest = max(state.last_at or one.timestamp, one.timestamp)
    state = replace(state, last_at=latest)
    if not is_cmi5_defined(one.received):
        return state
    verb = verb_of(one.received)
    if verb == "initialized":
        state = replace(state, initialized_at=one.timestamp)
    said, before = state.said | {verb}, state.said_before | {verb}
    return replace(state, said=said, said_before=before)


def _repeats_the_end(statements: Sequence[Prepared], stored: Collection[UUID]) -> bool:
    """Whether it is the request that ended the session, sent once more.

    Whether it is the same to the letter the record store tells.
    """
    ends = [
        one
        for one in statements
        if is_cmi5_defined(one.received) and verb_of(one.received) == "terminated"
    ]
    return bool(ends) and all(one.id in stored for one in statements)


def _order(state: SessionState, one: Prepared) -> list[Rule]:
    """What depends on when the statement comes (7.1.1, 7.1.2, 9.3, 11)."""
    sent = one.received
    if is_cmi5_defined(sent) and verb_of(sent) == "initialized":
        return [
            Rule(
                "11.0.0.0-3",
                f"Before `initialized` the unit reads {PREFERENCES} from the profile of "
                "its agent.",
                lambda state, _: not state.knows_preferences,
            )
        ]
    start, last = state.initialized_at, state.last_at
    is_end = is_cmi5_defined(sent) and verb_of(sent) == "terminated"
    return [
        Rule(
            "9.3.0.0-4",
            "The first statement of a session is `initialized`.",
            lambda state, _: (
                "initialized" not in state.said
                or (start is not None and one.timestamp < start - SKEW)
            ),
        ),
        Rule(
            "9.3.0.0-5",
            "The last statement of a session is `terminated`.",
            lambda *_: is_end and last is not None and one.timestamp < last - SKEW,
        ),
    ]
