"""Which documents a unit may use."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from lrs.documents import ACTIVITY_PROFILE, AGENT_PROFILE, JSON, STATE, Content, Context
from lrs.sessions import DocumentCall
from player.cmi5.rules import IllegalRequest, check_document
from tests.player.cmi5.said import session

DATA, PREFERENCES = "LMS.LaunchData", "cmi5LearnerPreferences"
GOOD = {"languagePreference": "en-US,fr-FR, de", "audioPreference": "on"}


def call(
    kind: str, method: str, name: str | None, body: object = None, type: str = JSON
) -> DocumentCall:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    content = None if method in {"GET", "DELETE"} else Content(raw, type)
    return DocumentCall(method, Context(tenant=1, kind=kind), name, content)


def preferences(method: str, **members: Any) -> DocumentCall:
    return call(AGENT_PROFILE, method, PREFERENCES, members)


LEGAL = {
    "read launch data": call(STATE, "GET", DATA),
    "list state": call(STATE, "GET", None),
    "own state": call(STATE, "PUT", "bookmark", 1),
    "delete own state": call(STATE, "DELETE", "bookmark"),
    "read preferences": call(AGENT_PROFILE, "GET", PREFERENCES),
    "list profile": call(AGENT_PROFILE, "GET", None),
    "both": preferences("PUT", **GOOD),
    "more": preferences("PUT", **GOOD, size="large"),
    "with a character set": call(
        AGENT_PROFILE, "PUT", PREFERENCES, GOOD, "application/json; charset=utf-8"
    ),
    "one, merged": preferences("POST", audioPreference="off"),
    "activity profile": call(ACTIVITY_PROFILE, "PUT", "anything", 1),
}


@pytest.mark.parametrize("asked", LEGAL.values(), ids=LEGAL)
def test_legal(asked: DocumentCall) -> None:
    check_document(session(), asked)


LAUNCH_DATA_STAYS, ONE_PROFILE = "10.2.1.0-5", "11.0.0.0-4"
AN_OBJECT, LANGUAGES = "11.0.0.0-5", "11.1.0.0-1"
ILLEGAL: dict[str, tuple[str, DocumentCall]] = {
    "replaced": (LAUNCH_DATA_STAYS, call(STATE, "PUT", DATA, {})),
    "merged": (LAUNCH_DATA_STAYS, call(STATE, "POST", DATA, {})),
    "deleted": (LAUNCH_DATA_STAYS, call(STATE, "DELETE", DATA)),
    "all deleted": (LAUNCH_DATA_STAYS, call(STATE, "DELETE", None)),
    "another read": (ONE_PROFILE, call(AGENT_PROFILE, "GET", "other")),
    "another written": (ONE_PROFILE, call(AGENT_PROFILE, "PUT", "other", GOOD)),
    "removed": (AN_OBJECT, call(AGENT_PROFILE, "DELETE", PREFERENCES)),
    "text": (AN_OBJECT, call(AGENT_PROFILE, "PUT", PREFERENCES, GOOD, "text/plain")),
    "no JSON": (AN_OBJECT, call(AGENT_PROFILE, "PUT", PREFERENCES, b"just text")),
    "a list": (AN_OBJECT, call(AGENT_PROFILE, "PUT", PREFERENCES, [GOOD])),
    "twice the same": (
        AN_OBJECT,
        call(AGENT_PROFILE, "PUT", PREFERENCES, b'{"a":1,"a":2}'),
    ),
    "no language": (AN_OBJECT, preferences("PUT", audioPreference="on")),
    "no audio": (AN_OBJECT, preferences("PUT", languagePreference="en")),
    "loud": (AN_OBJECT, preferences("PUT", **GOOD | {"audioPreference": "loud"})),
    "audio null": (AN_OBJECT, preferences("POST", audioPreference=None)),
    "audio list": (AN_OBJECT, preferences("POST", audioPreference=["on"])),
    "no language in it": (LANGUAGES, preferences("POST", languagePreference="")),
    "no tags": (LANGUAGES, preferences("POST", languagePreference="no tags at all")),
    "a comma more": (LANGUAGES, preferences("POST", languagePreference="en,")),
    "languages in a list": (LANGUAGES, preferences("POST", languagePreference=["en"])),
}


@pytest.mark.parametrize(("requirement", "asked"), ILLEGAL.values(), ids=ILLEGAL)
def test_illegal(requirement: str, asked: DocumentCall) -> None:
    with pytest.raises(IllegalRequest) as refused:
        check_document(session(), asked)
    assert refused.value.extra["requirement"] == requirement


@pytest.mark.parametrize("asked", LEGAL.values(), ids=LEGAL)
def test_nothing_after_the_end(asked: DocumentCall) -> None:
    with pytest.raises(IllegalRequest) as refused:
        check_document(session("initialized terminated"), asked)
    assert refused.value.extra["requirement"] == "9.3.0.0-5"
