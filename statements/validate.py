"""Whether a decoded statement follows xAPI 1.0.3 or 2.0.0.

xAPI 1.0.3 Data 2 and 4; xAPI 2.0 4.2. The table of shapes (shapes.toml) is compiled
once per version: each shape is written out as one function, property by property, with
the conditions of scalars in place, since calls are what checking costs. The rules that
look at several properties are below. A check that fails raises at once; the path to
the place is put together while that error passes upward, so a valid statement pays
nothing for it.
"""

import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from statements import scalars
from statements.errors import InvalidStatement
from statements.text import MAX_DEPTH, is_deeper
from statements.vocabulary import VOIDED

Check = Callable[[Any], None]
_IsValid = Callable[[str], bool]
_TABLE: dict[str, Any] = tomllib.loads(
    files("statements").joinpath("shapes.toml").read_text(encoding="utf-8")
)
_VERSIONS = ("1.0.3", "2.0.0")
_SHOWN = 60
# texts that come back: one that was seen to be valid needs no second look; a memory
# that is full is emptied, and a long text is not kept
_KNOWN: dict[str, set[str]] = {name: set() for name in ("iri", "mbox", "language")}
_MEMORY, _LONGEST = 10_000, 500


class _BrokenError(Exception):
    """A requirement is broken; `path` is gathered from the inside outward."""

    def __init__(self, requirement: str, *inside: str | int) -> None:
        super().__init__(requirement)
        self.requirement = requirement
        self.section: str | None = None
        self.path: list[str | int] = list(reversed(inside))

    def inside(self, name: str | None, section: str) -> "_BrokenError":
        """The same error as seen from around the place."""
        if name is not None:
            self.path.append(name)
        self.section = self.section or section
        return self


def check_statement(statement: Any, *, version: str) -> None:
    """Nothing, or InvalidStatement with `path`, `requirement` and `section`.

    `version` is the version that the request speaks; a statement that says it is of
    2.0 may use what 2.0 brought under either.
    """
    own = statement.get("version") if type(statement) is dict else None
    says_new = type(own) is str and own.startswith("2")
    _run("statement", statement, "2.0.0" if says_new else version)


def check_actor(actor: Any, *, version: str) -> None:
    """The same for an Agent or Group that stands alone, as in a parameter."""
    _run("actor", actor, version)


def forget() -> None:
    """Know no text any more that was seen to be valid: for measuring."""
    for known in _KNOWN.values():
        known.clear()


def _run(name: str, value: Any, version: str) -> None:
    version = _VERSIONS[version[0] == "2"]
    try:
        _check(name, version)(value)
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
            or _TABLE["shape"]["statement"]["sections"][_VERSIONS.index(version)]
        )
        raise InvalidStatement(
            f"{path}: {broken.requirement} (xAPI {version}, {section}).",
            path=path,
            requirement=broken.requirement,
            section=section,
        ) from None


def _remembering(is_valid: _IsValid, known: set[str]) -> _IsValid:
    """The same answer; what is valid is known afterwards."""

    def check(text: str) -> bool:
        if not is_valid(text):
            return False
        if len(known) >= _MEMORY:
            known.clear()
        if len(text) <= _LONGEST:
            known.add(text)
        return True

    return check


_KNOWN_IRIS, _KNOWN_LANGUAGES = _KNOWN["iri"], _KNOWN["language"]
_is_iri = _remembering(scalars.is_iri, _KNOWN_IRIS)
_is_mbox = _remembering(scalars.is_mbox, _KNOWN["mbox"])
_is_language = _remembering(scalars.is_language, _KNOWN_LANGUAGES)
_TEXTS: dict[str, tuple[_IsValid, str]] = {
    "iri": (_is_iri, "an absolute IRI"),
    "uuid": (scalars.is_uuid, "a UUID"),
    "mbox": (_is_mbox, "a mailto IRI such as mailto:a@example.org"),
    "sha1": (scalars.is_sha1, "a SHA-1 in hexadecimal"),
    "sha2": (scalars.is_sha2, "a SHA-2 in hexadecimal"),
    "language": (_is_language, "an RFC 5646 language tag"),
    "duration": (scalars.is_duration, "an ISO 8601 duration"),
    "media_type": (scalars.is_media_type, "an Internet media type"),
    "version": (scalars.is_version, "1.0.x or 2.0.x"),
}
_TIMESTAMPS: dict[str, tuple[_IsValid, str]] = {
    "1.0.3": (scalars.is_timestamp, "an ISO 8601 timestamp with an offset"),
    "2.0.0": (
        scalars.is_rfc3339,
        "an RFC 3339 timestamp such as 2026-03-02T17:00:00Z",
    ),
}
# the condition that `item` has to meet, and what is wanted
_CONDITIONS = {
    "chosen": ("True", "what the choice found"),
    "string": ("type(item) is str", "a string"),
    "boolean": ("type(item) is bool", "a boolean"),
    "number": ("type(item) is float or type(item) is int", "a number"),
    "length": ("type(item) is int and item >= 0", "a whole number of octets"),
}


_CONTAINERS = frozenset({dict, list})


class _Compiler:
    """The checks of one version by the name of their type, made as they are needed."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.place = _VERSIONS.index(version)
        self.entries = {**_TABLE["shape"], **_TABLE["choice"]}
        self.conditions = dict(_CONDITIONS)
        # what the source of a check may name
        self.names: dict[str, Any] = {"refuse": _refuse, "Broken": _BrokenError}
        texts = {**_TEXTS, "timestamp": _TIMESTAMPS[version]}
        for name, (is_valid, wanted) in texts.items():
            test = f"is_{name}(item)"
            if name in _KNOWN:
                test = f"(item in known_{name} or {test})"
                self.names[f"known_{name}"] = _KNOWN[name]
            self.names[f"is_{name}"] = is_valid
            self.conditions[name] = (f"type(item) is str and {test}", wanted)
        for name, values in _TABLE["enumeration"].items():
            allowed = " or ".join(f'"{value}"' for value in sorted(values))
            one_of = " or ".join(f"item == {value!r}" for value in values)
            self.conditions[name] = (one_of, allowed)
        self.checks: dict[str, Check] = dict(_FUNCTIONS)

    def check(self, spelling: str) -> Check:
        """The check of a type as shapes.toml spells it."""
        if spelling not in self.checks:
            self.checks[spelling] = self._make(spelling)
        return self.checks[spelling]

    def _make(self, spelling: str) -> Check:
        if spelling.startswith("["):
            least = 1 if spelling.endswith("+") else 0
            return _list_of(self.check(spelling.strip("[]+")), least=least)
        if spelling in self.conditions:
            return self._written("item", self._test(spelling), {})
        entry = self.entries[spelling]
        return self._choice(entry) if "options" in entry else self._shape(entry)

    def _written(self, given: str, lines: list[str], names: dict[str, Any]) -> Check:
        """The function of one argument that has these lines."""
        source = "\n    ".join([f"def check({given}):", *lines])
        space = {**self.names, **names}
        exec(compile(source, "<shapes.toml>", "exec"), space)  # noqa: S102 - our table
        made: Check = space["check"]
        return made

    def _test(self, spelling: str) -> list[str]:
        """The lines that check `item`."""
        if spelling in self.conditions:
            condition, wanted = self.conditions[spelling]
            return [f"if not ({condition}):", f"    refuse(item, {wanted!r})"]
        one, either, many = spelling.partition("|")
        name = self._name(one)
        if either:
            name = f"({self._name(many)} if type(item) is list else {name})"
        return [f"{name}(item)"]

    def _name(self, spelling: str) -> str:
        """The name by which the source of a check calls another one."""
        name = "check_" + spelling.replace("[", "list_").strip("]+")
        self.names[name] = self.check(spelling)
        return name

    def _shape(self, entry: dict[str, Any]) -> Check:
        """An object: known properties only, the required ones, then the cross rules."""
        own_section = entry["sections"][self.place]
        sections: dict[str, str] = {}
        required = frozenset(entry.get("required", ()))
        members: list[str] = []
        for name, spelt in entry["properties"].items():
            given = {"type": spelt} if isinstance(spelt, str) else spelt
            if given.get("since", "1.0.3") <= self.version:
                sections[name] = given.get("sections", entry["sections"])[self.place]
                members += [
                    f"if {name!r} in value:",
                    "    left -= 1",
                    f"    name = {name!r}",
                    "    item = value[name]",
                    *(f"    {line}" for line in self._test(given["type"])),
                ]
            if name in required:
                members += ["else:", f"    name = None; missing({name!r})"]
        rules = [f"{name}(value)" for name in entry.get("rules", ())]
        names = {
            **_RULES,
            "missing": _missing,
            "unknown": lambda value: next(one for one in value if one not in sections),
            "place": lambda broken, name: broken.inside(
                name, sections.get(name, own_section)
            ),
        }
        body = [
            "if type(value) is not dict: refuse(value, 'an object')",
            "left = len(value)",
            *members,
            "name = None",
            "if left:",
            "    name = unknown(value)",
            "    raise Broken('is not a property known here')",
            *rules,
        ]
        lines = [
            "name = None",
            "try:",
            *(f"    {line}" for line in body),
            "except Broken as broken:",
            "    raise place(broken, name)",
        ]
        return self._written("value", lines, names)

    def _choice(self, entry: dict[str, Any]) -> Check:
        """An object whose shape follows from its objectType."""
        options = {kind: self.check(name) for kind, name in entry["options"].items()}
        default = self.check(entry["default"]) if "default" in entry else None
        rules = tuple(_RULES[name] for name in entry.get("rules", ()))
        allowed = " or ".join(f'"{kind}"' for kind in options)

        def check(value: Any) -> None:
            if type(value) is not dict:
                _refuse(value, "an object")
            chosen = default
            if "objectType" in value:
                kind = value["objectType"]
                chosen = options.get(kind) if type(kind) is str else None
            if chosen is None:
                raise _BrokenError(f"must be {allowed}", "objectType")
            chosen(value)
            for rule in rules:
                rule(value)

        return check


_compiler = cache(_Compiler)


@cache
def _check(name: str, version: str) -> Check:
    return _compiler(version).check(name)


def _list_of(one: Check, *, least: int) -> Check:
    def check(value: Any) -> None:
        if type(value) is not list:
            _refuse(value, "a list")
        if len(value) < least:
            raise _BrokenError("must not be an empty list")
        item = None
        try:
            for item in value:
                one(item)
        except _BrokenError as broken:
            at = next(at for at, other in enumerate(value) if other is item)
            broken.path.append(at)
            raise

    return check


def _refuse(value: Any, wanted: str) -> None:
    names = {dict: "an object", list: "a list", bool: "a boolean", type(None): "null"}
    shown = names.get(type(value)) or repr(value)[:_SHOWN]
    raise _BrokenError(f"must be {wanted}, not {shown}")


def _missing(name: str) -> None:
    raise _BrokenError(f'"{name}" is required')


def _check_scaled(value: Any) -> None:
    if type(value) is not float and type(value) is not int:
        _refuse(value, "a number")
    if not -1 <= value <= 1:
        _refuse(value, "between -1 and 1")


def _check_language_map(value: Any) -> None:
    if type(value) is not dict:
        _refuse(value, "a language map")
    for tag, text in value.items():
        if tag not in _KNOWN_LANGUAGES and not _is_language(tag):
            raise _BrokenError("must be an RFC 5646 language tag", tag[:_SHOWN])
        if type(text) is not str:
            raise _BrokenError("must be a string", tag)


def _check_extensions(value: Any) -> None:
    if type(value) is not dict:
        _refuse(value, "an object")
    for name, item in value.items():
        if name not in _KNOWN_IRIS and not _is_iri(name):
            raise _BrokenError("must be named by an IRI", name[:_SHOWN])
        if type(item) in _CONTAINERS and is_deeper(item, MAX_DEPTH):
            raise _BrokenError(f"must not be deeper than {MAX_DEPTH} levels", name)


def _identifiers(actor: dict[str, Any]) -> int:
    return (
        ("mbox" in actor)
        + ("account" in actor)
        + ("mbox_sha1sum" in actor)
        + ("openid" in actor)
    )


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
    if "context" not in statement:
        return
    context, target = statement["context"], statement["object"]
    if target.get("objectType", "Activity") == "Activity":
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
    if "interactionType" not in definition:
        if not _OF_INTERACTIONS.isdisjoint(definition):
            raise _BrokenError('an interaction needs an "interactionType"')
        return
    kind = definition["interactionType"]
    for name, kinds in _COMPONENTS.items():
        if name not in definition:
            continue
        if kind not in kinds:
            raise _BrokenError(f'is not for the interaction type "{kind}"', name)
        ids = [item["id"] for item in definition[name]]
        if len(set(ids)) != len(ids):
            raise _BrokenError("the ids of a list of components must differ", name)


_COMPONENTS: dict[str, list[str]] = _TABLE["interaction"]
_OF_INTERACTIONS = frozenset({"correctResponsesPattern", *_COMPONENTS})
_FUNCTIONS: dict[str, Check] = {
    "scaled": _check_scaled,
    "language_map": _check_language_map,
    "extensions": _check_extensions,
}
_RULES: dict[str, Check] = {
    "voided_refers": _voided_refers,
    "context_fits_object": _context_fits_object,
    "one_identifier": _one_identifier,
    "identified_or_members": _identified_or_members,
    "authority_of_two": _authority_of_two,
    "score_range": _score_range,
    "interaction": _interaction,
}
