"""Statements as a reader asks for them: exact, ids, canonical.

xAPI 1.0.3 Communication 2.1.3; xAPI 2.0 4.1.6.1. `exact` needs nothing from here but
what 2.0 adds: timestamps in UTC and lists in contextActivities.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from statements import scalars, text
from statements.references import references

Definitions = Callable[[str], Mapping[str, Any] | None]
_IDENTIFIERS = ("objectType", "mbox", "mbox_sha1sum", "openid", "account")
_LANGUAGE_MAPS = frozenset({"display", "name", "description"})


def plain_versions(statement: dict[str, Any]) -> tuple[bool, bool]:
    """Whether `exact` returns the text of a valid statement as it is: in 1.0.3, in 2.0.0.

    Asked when a statement is stored, so that a reader need not look at its text.
    """
    is_plain_1, is_plain_2 = _plain_versions(statement)
    target = statement["object"]
    if is_plain_1 and target.get("objectType") == "SubStatement":
        is_plain_1, is_inside_plain_2 = _plain_versions(target)
        is_plain_2 = is_plain_2 and is_inside_plain_2
    return is_plain_1, is_plain_1 and is_plain_2


def _plain_versions(part: dict[str, Any]) -> tuple[bool, bool]:
    listed = part["context"].get("contextActivities") if "context" in part else None
    has_lists = not listed or dict not in map(type, listed.values())
    return has_lists, has_lists and part.get("timestamp", "Z")[-1] == "Z"


def to_version(statement: dict[str, Any], *, version: str) -> dict[str, Any]:
    """The statement as this version of xAPI returns it.

    contextActivities come back as lists in both; 2.0 returns instants in UTC.
    """
    parts = [statement]
    if statement["object"].get("objectType") == "SubStatement":
        parts.append(statement["object"])
    for part in parts:
        listed = part.get("context", {}).get("contextActivities", {})
        for usage, value in listed.items():
            if isinstance(value, dict):
                listed[usage] = [value]
        is_utc = part.get("timestamp", "Z").endswith("Z")
        if version.startswith("2") and not is_utc:
            instant = scalars.parse_timestamp(part["timestamp"])
            part["timestamp"] = scalars.format_timestamp(instant)
    return statement


def exact(raw: bytes, *, version: str) -> bytes:
    """The text as this version returns it; the same bytes if nothing has to change.

    Members that need no change keep their bytes in any case.
    """
    before = orjson.loads(raw)
    if plain_versions(before)[version.startswith("2")]:
        return raw
    after = to_version(orjson.loads(raw), version=version)
    kept = {name: item for name, item in after.items() if item == before[name]}
    changed = {name: item for name, item in after.items() if name not in kept}
    return text.append(text.without(raw, changed, kept), changed)


def ids(statement: dict[str, Any]) -> dict[str, Any]:
    """Only what identifies actors, verbs and activities."""
    return _part(statement, _identifier_only)


def canonical(
    statement: dict[str, Any],
    *,
    definitions: Definitions,
    languages: Sequence[str],
) -> dict[str, Any]:
    """Activities as the store knows them, and one entry in every language map.

    `languages` are the reader's, best first (RFC 4647 lookup).
    """

    def activity(value: dict[str, Any]) -> dict[str, Any]:
        known = definitions(value["id"])
        return {**value, "definition": dict(known)} if known else value

    kept = _part(statement, activity, whole=True)
    return {
        name: one_language(item, languages) if name != "authority" else item
        for name, item in kept.items()
    }


def activity_iris(statement: dict[str, Any]) -> set[str]:
    """The IRIs of all activities of a statement, a sub-statement's too."""
    return {iri for _, iri in references(statement).activities}


def one_language(value: Any, languages: Sequence[str]) -> Any:
    """The value with one entry in each language map inside it, but in extensions."""
    if isinstance(value, list):
        return [one_language(item, languages) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: item
        if name == "extensions"
        else choose_language(item, languages)
        if name in _LANGUAGE_MAPS and isinstance(item, dict)
        else one_language(item, languages)
        for name, item in value.items()
    }


def choose_language(
    texts: Mapping[str, str], languages: Sequence[str]
) -> dict[str, str]:
    """The entry that suits best: exact, then shorter tags, then longer ones, else any."""
    tags = {tag.lower(): tag for tag in texts}
    for wanted in languages:
        subtags = wanted.lower().split("-")
        for length in range(len(subtags), 0, -1):
            head = "-".join(subtags[:length])
            found = head if head in tags else None
            found = found or next((t for t in tags if t.startswith(f"{head}-")), None)
            if found:
                return {tags[found]: texts[tags[found]]}
    for default in ("en-us", "en", "und"):
        if default in tags:
            return {tags[default]: texts[tags[default]]}
    return dict(list(texts.items())[:1])


def _part(
    part: dict[str, Any],
    activity: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    whole: bool = False,
) -> dict[str, Any]:
    """A statement or sub-statement with every activity (and, unless whole, actor) cut."""

    def actor(value: dict[str, Any]) -> dict[str, Any]:
        return value if whole else _actor(value)

    out = dict(part)
    for name in ("actor", "authority"):
        if name in out:
            out[name] = actor(out[name])
    if not whole:
        out["verb"] = {"id": out["verb"]["id"]}
    target = out["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        out["object"] = activity(target)
    elif kind == "SubStatement":
        out["object"] = _part(target, activity, whole=whole)
    elif kind in {"Agent", "Group"}:
        out["object"] = actor(target)
    if "context" in out:
        out["context"] = _context(out["context"], activity, actor)
    return out


def _context(
    context: dict[str, Any],
    activity: Callable[[dict[str, Any]], dict[str, Any]],
    actor: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    out = dict(context)
    for name in ("instructor", "team"):
        if name in out:
            out[name] = actor(out[name])
    if "contextActivities" in out:
        out["contextActivities"] = {
            usage: [
                activity(one)
                for one in ([listed] if isinstance(listed, dict) else listed)
            ]
            for usage, listed in out["contextActivities"].items()
        }
    for name, member in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in out:
            out[name] = [{**one, member: actor(one[member])} for one in out[name]]
    return out


def _identifier_only(activity: dict[str, Any]) -> dict[str, Any]:
    return {"id": activity["id"]}


def _actor(actor: dict[str, Any]) -> dict[str, Any]:
    """The identifier; an anonymous Group is its members' identifiers."""
    out = {name: actor[name] for name in _IDENTIFIERS if name in actor}
    if len(out) <= ("objectType" in out) and "member" in actor:
        out["member"] = [_actor(one) for one in actor["member"]]
    return out
