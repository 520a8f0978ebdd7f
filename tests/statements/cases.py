"""Statements to test with, and a way to change one place of them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

ID = "ec531277-b57b-4c15-8d91-d292c5b2b8f7"
OTHER_ID = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"
AGENT = {"objectType": "Agent", "mbox": "mailto:officer@example.org"}
OTHER_AGENT = {"mbox": "mailto:dispatcher@example.org"}
GROUP = {
    "objectType": "Group",
    "account": {"homePage": "http://example.org", "name": "patrol"},
    "member": [AGENT, OTHER_AGENT],
}
VERB = {
    "id": "http://adlnet.gov/expapi/verbs/answered",
    "display": {"en-US": "answered"},
}
ACTIVITY = {
    "objectType": "Activity",
    "id": "http://example.org/activities/question",
    "definition": {
        "name": {"en-US": "Question"},
        "description": {"en-US": "Which comes first?"},
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "moreInfo": "http://example.org/more",
        "interactionType": "choice",
        "correctResponsesPattern": ["a"],
        "choices": [
            {"id": "a", "description": {"en-US": "Safety"}},
            {"id": "b", "description": {"en-US": "Speed"}},
        ],
        "extensions": {"http://example.org/x": None},
    },
}
REFERENCE = {"objectType": "StatementRef", "id": OTHER_ID}
RESULT = {
    "score": {"scaled": 0.8, "raw": 8, "min": 0, "max": 10},
    "success": True,
    "completion": False,
    "response": "a",
    "duration": "PT1M3.5S",
    "extensions": {"http://example.org/x": {"deep": [1, None]}},
}
CONTEXT = {
    "registration": ID,
    "instructor": AGENT,
    "team": GROUP,
    "contextActivities": {
        "parent": [{"id": "http://example.org/p"}],
        "grouping": {"id": "http://example.org/g"},
        "category": [{"id": "http://example.org/c"}],
        "other": [],
    },
    "revision": "2",
    "platform": "Rollcall",
    "language": "en-US",
    "statement": REFERENCE,
    "extensions": {},
}
ATTACHMENT = {
    "usageType": "http://example.org/usage",
    "display": {"en-US": "policy"},
    "description": {"en-US": "the agency's policy"},
    "contentType": "application/pdf",
    "length": 0,
    "sha2": "a" * 64,
    "fileUrl": "http://example.org/policy.pdf",
}
FULL = {
    "id": ID,
    "actor": AGENT,
    "verb": VERB,
    "object": ACTIVITY,
    "result": RESULT,
    "context": CONTEXT,
    "timestamp": "2026-03-02T17:00:00Z",
    "stored": "2026-03-02T17:00:01Z",
    "authority": AGENT,
    "version": "1.0.3",
    "attachments": [ATTACHMENT],
}
SMALL: dict[str, Any] = {
    "actor": {"mbox": "mailto:officer@example.org"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    "object": {"id": "http://example.org/activities/course"},
}
SUB_STATEMENT = {
    "objectType": "SubStatement",
    "actor": GROUP,
    "verb": VERB,
    "object": ACTIVITY,
    "result": RESULT,
    "context": CONTEXT,
    "timestamp": "2026-03-02T17:00:00Z",
    "attachments": [ATTACHMENT],
}
INTERACTIONS = {
    "true-false": {},
    "choice": {"choices": [{"id": "a"}]},
    "fill-in": {},
    "long-fill-in": {},
    "matching": {"source": [{"id": "a"}], "target": [{"id": "a"}]},
    "performance": {"steps": [{"id": "a"}]},
    "sequencing": {"choices": [{"id": "a"}]},
    "likert": {"scale": [{"id": "a"}]},
    "numeric": {},
    "other": {},
}
GONE = object()


def change(statement: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy in which `path` (`context.team.member.0`) is `value`, or is not there."""
    made = deepcopy(statement)
    place: Any = made
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    key: Any = int(last) if isinstance(place, list) else last
    if value is GONE:
        del place[key]
    else:
        place[key] = value
    return made
