"""Whether a decoded statement follows xAPI 1.0.3 or 2.0.0.

xAPI 1.0.3 Data 2 and 4; xAPI 2.0 4.2. The table of shapes (shapes.toml) is compiled
once per version into plain functions; the rules that look at several properties are
below. A check that fails raises at once; the path to the place is put together while
that error passes upward, so a valid statement pays nothing for it.
"""

import tomllib
from collections.abc import Callable, Collection
from functools import cache
from importlib.resources import files
from typing import Any

from statements import scalars
from statements.actors import IFI_KINDS
from statements.errors import InvalidStatement
from statements.vocabulary import VOIDED

Check = Callable[[Any], None]
_TABLE: dict[str, Any] = tomllib.loads(
    files("statements").joinpath("shapes.toml").read_text(encoding="utf-8")
)
# an identifier seen to be an IRI needs no second look; cleared when it grows large
_KNOWN_IRIS: set[str] = set()
_KNOWN_IRIS_LIMIT = 20_000
_SHOWN = 60


class _BrokenError(Exception):
    """A requirement is broken; `path` is gathered from the inside outward."""

    def __init__(self, requirement: str, *inside: str | int) -> None:
        super().__init__(requirement)
        self.requirement = requirement
        self.section: str | None = None
        self.path: list[str | int] = list(reversed(inside))


def check_statement(statement: Any, *, version: str) -> None:
    """Nothing, or InvalidStatement with `path`, `requirement` and `section`.

    `version` is the version that the request speaks; a statement that says it is of
    2.0 may use what 2.0 brought under either.
    """
    is_new = version.startswith("2")
    if not is_new and type(statement) is dict:
        own = statement.get("version")
        is_new = type(own) is str and own.startswith("2")
    _run("statement", statement, "2.0.0" if is_new else "1.0.3")


def check_actor(actor: Any, *, version: str) -> None:
    """The same for an Agent or Group that stands alone, as in a parameter."""
    _run("actor", actor, "2.0.0" if version.startswith("2") else "1.0.3")


def _run(name: str, value: Any, version: str) -> None:
    try:
        _compiled(version)[name](value)
    except _BrokenError as broken:
        path = "$" + "".join(
            f"[{step}]"
            if type(step) is int
            else f".{step}"
            if str(step).isidentifier()
            else f"[{step!r}]"
            for step in reversed(broken.path)
        )
        section = (
            broken.section
            or _TABLE["shape"]["statement"]["sections"][version == "2.0.0"]
        )
        raise InvalidStatement(
            f"{path}: {broken.requirement} (xAPI {version}, {section}).",
            path=path,
            requirement=broken.requirement,
            section=section,
        ) from None


@cache
def _compiled(version: str) -> dict[str, Check]:
    """Every shape and choice of this version as a function."""
    checks = dict(_SCALARS)
    checks["timestamp"] = (
        _text("an RFC 3339 timestamp such as 2026-03-02T17:00:00Z", scalars.is_rfc3339)
        if version == "2.0.0"
        else _text("an ISO 8601 timestamp with an offset", scalars.is_timestamp)
    )
    for name, values in _TABLE["enumeration"].items():
        checks[name] = _one_of(frozenset(values))
    entries = {**_TABLE["shape"], **_TABLE["choice"]}

    def resolve(name: str) -> None:
        if name in checks:
            return
        entry = entries[name]
        for needed in _needs(entry, version):
            resolve(needed)
        make = _choice if "options" in entry else _shape
        checks[name] = make(entry, checks, version)

    for name in entries:
        resolve(name)
    return checks


def _properties(entry: dict[str, Any], version: str) -> dict[str, dict[str, Any]]:
    listed = {
        name: {"type": given} if isinstance(given, str) else given
        for name, given in entry["properties"].items()
    }
    return {
        name: given
        for name, given in listed.items()
        if given.get("since", "1.0.3") <= version
    }


def _needs(entry: dict[str, Any], version: str) -> set[str]:
    if "options" in entry:
        return set(entry["options"].values())
    return {
        given["type"].rpartition("|")[0] or given["type"].strip("[]+")
        for given in _properties(entry, version).values()
    }


def _shape(entry: dict[str, Any], checks: dict[str, Check], version: str) -> Check:
    """An object: known properties only, the required ones, then the cross rules."""
    place = int(version == "2.0.0")
    own_section = entry["sections"][place]
    members: dict[str, Check] = {}
    sections: dict[str, str] = {}
    for name, given in _properties(entry, version).items():
        members[name] = _typed(given["type"], checks)
        sections[name] = given.get("sections", entry["sections"])[place]
    required = frozenset(entry.get("required", ()))
    rules = tuple(_RULES[name] for name in entry.get("rules", ()))

    def check(value: Any) -> None:
        name = None
        try:
            if type(value) is not dict:
                _refuse(value, "an object")
            for name, item in value.items():
                member = members.get(name)
                if member is None:
                    raise _BrokenError("is not a property known here")
                member(item)
            name = None
            if not required <= value.keys():
                missing = min(required - value.keys())
                raise _BrokenError(f'"{missing}" is required')
            for rule in rules:
                rule(value)
        except _BrokenError as broken:
            if name is not None:
                broken.path.append(name)
            if broken.section is None:
                broken.section = sections.get(str(name), own_section)
            raise

    return check


def _choice(entry: dict[str, Any], checks: dict[str, Check], version: str) -> Check:
    """An object whose shape follows from its objectType."""
    del version
    options = {kind: checks[name] for kind, name in entry["options"].items()}
    default = checks[entry["default"]] if "default" in entry else None
    rules = tuple(_RULES[name] for name in entry.get("rules", ()))
    allowed = " or ".join(f'"{kind}"' for kind in options)

    def check(value: Any) -> None:
        if type(value) is not dict:
            _refuse(value, "an object")
        kind = value.get("objectType")
        chosen = options.get(kind) if type(kind) is str else None
        if chosen is None:
            if "objectType" in value or default is None:
                raise _BrokenError(f"must be {allowed}", "objectType")
            chosen = default
        chosen(value)
        for rule in rules:
            rule(value)

    return check


def _typed(spelling: str, checks: dict[str, Check]) -> Check:
    """The check of a type as shapes.toml spells it."""
    single, either, _ = spelling.partition("|")
    if either:
        one, many = checks[single], _list_of(checks[single], least=0)
        return lambda value: (many if type(value) is list else one)(value)
    if spelling.startswith("["):
        least = 1 if spelling.endswith("+") else 0
        return _list_of(checks[spelling.strip("[]+")], least=least)
    return checks[spelling]


def _list_of(one: Check, *, least: int) -> Check:
    def check(value: Any) -> None:
        if type(value) is not list:
            _refuse(value, "a list")
        if len(value) < least:
            raise _BrokenError("must not be an empty list")
        index = 0
        try:
            for index, item in enumerate(value):  # noqa: B007 - read on failure
                one(item)
        except _BrokenError as broken:
            broken.path.append(index)
            raise

    return check


def _one_of(values: Collection[str]) -> Check:
    allowed = " or ".join(f'"{value}"' for value in sorted(values))

    def check(value: Any) -> None:
        if type(value) is not str or value not in values:
            _refuse(value, allowed)

    return check


def _text(wanted: str, is_valid: Callable[[str], bool]) -> Check:
    def check(value: Any) -> None:
        if type(value) is not str or not is_valid(value):
            _refuse(value, wanted)

    return check


def _refuse(value: Any, wanted: str) -> None:
    names = {dict: "an object", list: "a list", bool: "a boolean", type(None): "null"}
    shown = names.get(type(value)) or repr(value)[:_SHOWN]
    raise _BrokenError(f"must be {wanted}, not {shown}")


def _check_iri(value: Any) -> None:
    if type(value) is str:
        if value in _KNOWN_IRIS:
            return
        if scalars.is_iri(value):
            if len(_KNOWN_IRIS) >= _KNOWN_IRIS_LIMIT:
                _KNOWN_IRIS.clear()
            _KNOWN_IRIS.add(value)
            return
    _refuse(value, "an absolute IRI")


def _check_string(value: Any) -> None:
    if type(value) is not str:
        _refuse(value, "a string")


def _check_boolean(value: Any) -> None:
    if type(value) is not bool:
        _refuse(value, "a boolean")


def _check_number(value: Any) -> None:
    if type(value) is not float and type(value) is not int:
        _refuse(value, "a number")


def _check_scaled(value: Any) -> None:
    _check_number(value)
    if not -1 <= value <= 1:
        _refuse(value, "between -1 and 1")


def _check_length(value: Any) -> None:
    if type(value) is not int or value < 0:
        _refuse(value, "a whole number of octets")


def _check_language_map(value: Any) -> None:
    if type(value) is not dict:
        _refuse(value, "a language map")
    for tag, item in value.items():
        if tag not in _KNOWN_TAGS and not scalars.is_language(tag):
            raise _BrokenError("must be an RFC 5646 language tag", tag[:_SHOWN])
        if type(item) is not str:
            raise _BrokenError("must be a string", tag)


def _check_extensions(value: Any) -> None:
    if type(value) is not dict:
        _refuse(value, "an object")
    for name in value:
        try:
            _check_iri(name)
        except _BrokenError:
            raise _BrokenError("must be named by an IRI", name[:_SHOWN]) from None


_KNOWN_TAGS = frozenset({"en", "en-US", "en-GB", "es", "es-US", "und"})
_SCALARS: dict[str, Check] = {
    "iri": _check_iri,
    "irl": _check_iri,
    "uri": _check_iri,
    "string": _check_string,
    "boolean": _check_boolean,
    "number": _check_number,
    "scaled": _check_scaled,
    "length": _check_length,
    "language_map": _check_language_map,
    "extensions": _check_extensions,
    "uuid": _text("a UUID", scalars.is_uuid),
    "mbox": _text("a mailto IRI such as mailto:a@example.org", scalars.is_mbox),
    "sha1": _text("a SHA-1 in hexadecimal", scalars.is_sha1),
    "sha2": _text("a SHA-2 in hexadecimal", scalars.is_sha2),
    "language": _text("an RFC 5646 language tag", scalars.is_language),
    "duration": _text("an ISO 8601 duration", scalars.is_duration),
    "media_type": _text("an Internet media type", scalars.is_media_type),
    "version": _text("1.0.x or 2.0.x", scalars.is_version),
}


def _identifiers(actor: dict[str, Any]) -> int:
    return sum(kind in actor for kind in IFI_KINDS)


def _one_identifier(agent: dict[str, Any]) -> None:
    if _identifiers(agent) != 1:
        raise _BrokenError(
            "an Agent needs exactly one of mbox, mbox_sha1sum, openid, account"
        )


def _identified_or_members(group: dict[str, Any]) -> None:
    count = _identifiers(group)
    if count > 1:
        raise _BrokenError(
            "a Group has at most one of mbox, mbox_sha1sum, openid, account"
        )
    if count == 0 and not group.get("member"):
        raise _BrokenError("a Group without an identifier needs members")


def _authority_of_two(authority: dict[str, Any]) -> None:
    if authority.get("objectType") != "Group":
        return
    members = authority.get("member", ())
    if _identifiers(authority) or len(members) != 2:
        raise _BrokenError(
            "an authority is an Agent, or an anonymous Group of two Agents"
        )


def _voided_refers(statement: dict[str, Any]) -> None:
    if (
        statement["verb"]["id"] == VOIDED
        and statement["object"].get("objectType") != "StatementRef"
    ):
        broken = _BrokenError(
            'a voiding statement needs an object of type "StatementRef"', "object"
        )
        broken.section = "Data 2.3.2; 2.0 4.2.5"
        raise broken


def _context_fits_object(statement: dict[str, Any]) -> None:
    context = statement.get("context")
    if context is None or statement["object"].get("objectType", "Activity") == (
        "Activity"
    ):
        return
    for name in ("revision", "platform"):
        if name in context:
            raise _BrokenError(
                "is for statements whose object is an Activity", "context", name
            )


def _score_range(score: dict[str, Any]) -> None:
    low, high, raw = score.get("min"), score.get("max"), score.get("raw")
    if low is not None and high is not None and low >= high:
        raise _BrokenError('"min" must be less than "max"')
    if raw is not None and (
        (low is not None and raw < low) or (high is not None and raw > high)
    ):
        raise _BrokenError('must be between "min" and "max"', "raw")


def _interaction(definition: dict[str, Any]) -> None:
    kind = definition.get("interactionType")
    if kind is None:
        if "correctResponsesPattern" in definition or any(
            name in definition for name in _COMPONENTS
        ):
            raise _BrokenError('an interaction needs an "interactionType"')
        return
    for name, kinds in _COMPONENTS.items():
        if name not in definition:
            continue
        if kind not in kinds:
            raise _BrokenError(f'is not for the interaction type "{kind}"', name)
        ids = [item["id"] for item in definition[name]]
        if len(set(ids)) != len(ids):
            raise _BrokenError("the ids of a list of components must differ", name)


_COMPONENTS: dict[str, list[str]] = _TABLE["interaction"]
_RULES: dict[str, Check] = {
    "voided_refers": _voided_refers,
    "context_fits_object": _context_fits_object,
    "one_identifier": _one_identifier,
    "identified_or_members": _identified_or_members,
    "authority_of_two": _authority_of_two,
    "score_range": _score_range,
    "interaction": _interaction,
}
