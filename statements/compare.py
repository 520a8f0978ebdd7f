"""Whether two statements are the same under the immutability exceptions.

xAPI 1.0.3 Data 2.3.1, 4.6; xAPI 2.0 4.2.4. Both are put into one form: what the
server may set or change is left out, what may be spelt in several ways gets one
spelling. Not on the hot path: only statements with an id already stored come here.
"""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from statements import actors, scalars

_Form = Callable[[Any], Any]


def same_statement(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether the second says what the first says; both must be valid.

    Ignored: `id` where only one has it, `authority`, `stored`, `version`, the
    `timestamp` unless both have one, activity definitions, a verb's `display`, the
    order of a Group's members, the case of case-insensitive values, one object
    against a list of one in contextActivities, durations beyond 0.01 s.
    """
    one, other = _statement(first), _statement(second)
    for name in ("timestamp", "id"):
        if name not in one or name not in other:
            one.pop(name, None)
            other.pop(name, None)
    return one == other


def _statement(value: dict[str, Any]) -> dict[str, Any]:
    forms: dict[str, _Form] = {
        "id": str.lower,
        "actor": _actor,
        "verb": lambda verb: verb["id"],
        "object": _object,
        "result": _result,
        "context": _context,
        "timestamp": scalars.parse_timestamp,
        "attachments": lambda items: [_attachment(item) for item in items],
    }
    return {name: form(value[name]) for name, form in forms.items() if value.get(name)}


def _actor(value: dict[str, Any]) -> dict[str, Any]:
    kind = value.get("objectType", "Agent")
    form = {"objectType": kind, "ifi": actors.ifi(value), "name": value.get("name")}
    if value.get("member"):
        # members are a set: sorting by a spelling of each gives one order
        form["member"] = sorted((_actor(one) for one in value["member"]), key=repr)
    return form


def _object(value: dict[str, Any]) -> Any:
    kind = value.get("objectType", "Activity")
    if kind == "Activity":
        return ("Activity", value["id"])
    if kind == "StatementRef":
        return ("StatementRef", value["id"].lower())
    if kind == "SubStatement":
        return ("SubStatement", _statement(value))
    return _actor(value)


def _result(value: dict[str, Any]) -> dict[str, Any]:
    form = {name: _plain(item) for name, item in value.items()}
    if "duration" in value:
        form["duration"] = _duration(value["duration"])
    return form


def _context(value: dict[str, Any]) -> dict[str, Any]:
    forms: dict[str, _Form] = {
        "registration": str.lower,
        "language": str.lower,
        "instructor": _actor,
        "team": _actor,
        "statement": _object,
        "contextActivities": _context_activities,
        "contextAgents": lambda items: [_context_actor(item) for item in items],
        "contextGroups": lambda items: [_context_actor(item) for item in items],
    }
    return {
        name: forms[name](item) if name in forms else _plain(item)
        for name, item in value.items()
    }


def _context_activities(value: dict[str, Any]) -> dict[str, list[Any]]:
    return {
        usage: [one["id"] for one in (listed if isinstance(listed, list) else [listed])]
        for usage, listed in value.items()
        if listed != []
    }


def _context_actor(value: dict[str, Any]) -> Any:
    who = value.get("agent") or value.get("group")
    return (_actor(who or {}), value.get("relevantTypes"))


def _attachment(value: dict[str, Any]) -> dict[str, Any]:
    form = {name: _plain(item) for name, item in value.items()}
    form["sha2"] = value["sha2"].lower()
    return form


def _duration(text: str) -> Any:
    """The spelling without what lies beyond 0.01 s (truncated, never rounded)."""
    head, point, tail = text.replace(",", ".").partition(".")
    if not point or not tail.endswith("S"):
        return head + point + tail
    seconds = Decimal(f"0.{tail[:-1]}").quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    return f"{head}.{str(seconds)[2:]}S".replace(".00S", "S")


def _plain(value: Any) -> Any:
    """Any JSON value such that `1` equals `1.0` but `true` does not equal `1`."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
