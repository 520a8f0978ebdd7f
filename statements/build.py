"""Our own statements: acts in the portal, SCORM translated, duties of cmi5.

Built by the `tincan` library, which knows the classes of xAPI 1.0.x; the result, the
context's extensions, the timestamp and UUIDs are set beside it, because it rewrites
durations, drops null extensions and refuses UUIDs newer than version 5.
"""

from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import tincan

from statements import scalars
from statements.vocabulary import verb as verb_iri

VERSION = "1.0.3"


def build_statement(
    *,
    id: UUID,
    actor: dict[str, Any],
    verb: str,
    object: dict[str, Any] | str,
    timestamp: datetime,
    result: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A statement as JSON values, not yet checked: `prepare` does that.

    `verb` is a short name of vocabulary.toml, `object` an object or the IRI of an
    activity. Decimals in `result` become numbers of the same spelling.
    """
    # the library changes what it is given
    actor, context, object = deepcopy((actor, context or {}, object))
    aside = {
        name: _plain(context.pop(name))
        for name in ("registration", "extensions")
        if context.get(name)
    }
    target = {"id": object} if isinstance(object, str) else object
    built: dict[str, Any] = {"id": str(id)} | tincan.Statement(
        {
            "actor": actor,
            "verb": {"id": verb_iri(verb), "display": {"en-US": verb}},
            "object": {"objectType": "Activity", **target},
        }
        | ({"context": context} if context else {})
    ).as_version(VERSION)
    if aside:
        built["context"] = aside | built.get("context", {})
    if result:
        built["result"] = _plain(result)
    built["timestamp"] = scalars.format_timestamp(timestamp)
    return built


def agent(home_page: str, name: str) -> dict[str, Any]:
    """An Agent by account: a pseudonym on a home page."""
    return {"objectType": "Agent", "account": {"homePage": home_page, "name": name}}


def activity(
    iri: str,
    *,
    type: str | None = None,
    name: str | None = None,
    description: str | None = None,
    language: str = "en-US",
    **definition: Any,
) -> dict[str, Any]:
    """An activity; `type` is the IRI of an activity type, texts are in `language`."""
    texts = {"name": name, "description": description}
    definition |= {member: {language: text} for member, text in texts.items() if text}
    if type:
        definition["type"] = type
    return {"objectType": "Activity", "id": iri} | (
        {"definition": _plain(definition)} if definition else {}
    )


def score(
    *,
    scaled: Decimal | None = None,
    raw: Decimal | None = None,
    min: Decimal | None = None,
    max: Decimal | None = None,
) -> dict[str, Any]:
    """The members of a score that are known."""
    members = {"scaled": scaled, "raw": raw, "min": min, "max": max}
    return {name: value for name, value in members.items() if value is not None}


def _plain(value: Any) -> Any:
    """The value with decimals as JSON numbers that read back as the same decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
