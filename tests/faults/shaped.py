"""Statements made at random from the shapes of the specification, and broken at random.

`shaped` gives a valid one, `broken` one with a few changes that know what they change,
`mangled` its bytes with some of them changed. The same seed gives the same statements.
"""

from __future__ import annotations

import base64
import random
import string
import tomllib
import uuid
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import statements
from tests.statements.mutations import KEYS, VALUES, mutated, places

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE: dict[str, Any] = tomllib.loads(
    files(statements).joinpath("shapes.toml").read_text(encoding="utf-8")
)
IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")
TAGS = ["en", "en-US", "de-Latn-DE-1996", "zh-Hant", "x-own", "es-419", "i-klingon"]
LETTERS = string.ascii_letters + " äß漢🚨\"\\/\n\t<>&'%_\u2028\u200b"
MEDIA = ["application/pdf", "text/plain; charset=utf-8", "application/octet-stream"]
DURATIONS = ["PT0S", "P1Y2M3DT4H5M6.789S", "P4W", "PT1M3,5S", "PT16559.14S"]
OPTIONAL = 0.4


def uuid_of(chance: random.Random) -> str:
    """Give a random UUID."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _iri(chance: random.Random) -> str:
    forms = (
        "http://example.org/{}",
        "https://example.org:8443/a/{}?b=c&d=%20#e",
        "urn:uuid:{}",
        "tag:example.org,2026:{}",
        "http://ex.org/ä/{}",
        "HTTP://EXAMPLE.org/{}",
    )
    return chance.choice(forms).format(chance.randrange(50))


def _timestamp(chance: random.Random) -> str:
    instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(
        microseconds=chance.randrange(10**15)
    )
    forms = (
        instant.isoformat(),
        instant.strftime("%Y-%m-%dT%H:%M:%SZ"),
        instant.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z",
        instant.strftime("%Y-%m-%dT%H:%M:%S.5-08:00"),
        instant.strftime("%Y-%m-%dT%H:%M:%S+14:00"),
    )
    return chance.choice(forms)


def _language_map(chance: random.Random) -> dict[str, str]:
    tags = chance.sample(TAGS, chance.randint(0, 3))
    return {tag: _text(chance) for tag in tags}


def _text(chance: random.Random) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randint(0, 12)))


def _anything(chance: random.Random, depth: int = 3) -> Any:
    kind = chance.randrange(7 if depth else 5)
    if kind == 5:
        return [_anything(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    if kind == 6:
        count = chance.randint(0, 3)
        return {_text(chance): _anything(chance, depth - 1) for _ in range(count)}
    return (None, True, chance.uniform(-9, 9), chance.randrange(10**9), _text(chance))[
        kind
    ]


SCALARS: dict[str, Callable[[random.Random], Any]] = {
    "iri": _iri,
    "irl": _iri,
    "uri": _iri,
    "string": _text,
    "boolean": lambda chance: chance.random() < 0.5,
    "number": lambda chance: chance.choice([0, 7, 2.5, 1e-7, 12345678901234]),
    "scaled": lambda chance: chance.choice([-1, 0, 0.8, 1, 0.123456789012345]),
    "length": lambda chance: chance.randrange(10**6),
    "language_map": _language_map,
    "extensions": lambda chance: {
        _iri(chance): _anything(chance) for _ in range(chance.randint(0, 3))
    },
    "uuid": lambda chance: chance.choice([uuid_of(chance), uuid_of(chance).upper()]),
    "mbox": lambda chance: f"mailto:Person{chance.randrange(20)}@example.org",
    "sha1": lambda chance: f"{chance.getrandbits(160):040x}",
    "sha2": lambda chance: f"{chance.getrandbits(256):064X}",
    "language": lambda chance: chance.choice(TAGS),
    "duration": lambda chance: chance.choice(DURATIONS),
    "media_type": lambda chance: chance.choice(MEDIA),
    "version": lambda chance: chance.choice(["1.0.0", "1.0", "1.0.3", "2.0.0"]),
    "timestamp": _timestamp,
    # an objectType, which the choice that led to it sets
    "chosen": lambda _: "",
}


def shaped(chance: random.Random, version: str) -> dict[str, Any]:
    """Give a statement that is valid in `version`."""
    made: dict[str, Any] = _made(chance, "statement", version)
    # data is sent another way, and what is not listed here follows from the rest
    made.pop("authority", None)
    if version.startswith("2"):
        made["version"] = "2.0.0"
    elif made.get("version", "1").startswith("2"):
        made["version"] = "1.0.3"
    made["id"] = uuid_of(chance)
    return made


def _made(chance: random.Random, name: str, version: str) -> Any:
    single, either, _ = name.partition("|")
    if either:
        name = chance.choice([single, f"[{single}]"])
    if name.startswith("["):
        inner, least = name.strip("[]+"), int(name.endswith("+"))
        count = chance.randint(least, 2)
        return [_made(chance, inner, version) for _ in range(count)]
    if name in TABLE["enumeration"]:
        return chance.choice(TABLE["enumeration"][name])
    if name in TABLE["choice"]:
        entry = TABLE["choice"][name]
        kind = chance.choice(sorted(entry["options"]))
        made = _made(chance, entry["options"][kind], version)
        if entry.get("default") != entry["options"][kind] or chance.random() < 0.5:
            made["objectType"] = kind
        return made
    if name in TABLE["shape"]:
        return _shape(chance, name, version)
    return SCALARS[name](chance)


def _shape(chance: random.Random, name: str, version: str) -> dict[str, Any]:
    entry = TABLE["shape"][name]
    required = entry.get("required", ())
    made = {}
    for member, given in entry["properties"].items():
        listed = {"type": given} if isinstance(given, str) else given
        if listed.get("since", "1.0.3") > version:
            continue
        if member in required or chance.random() < OPTIONAL:
            made[member] = _made(chance, listed["type"], version)
    if name in FITTING:
        FITTING[name](chance, made)
    if "objectType" in entry["properties"] and name not in CHOSEN:
        made.pop("objectType", None)
    return made


def _one_identifier(chance: random.Random, agent: dict[str, Any]) -> None:
    for kind in IDENTIFIERS:
        agent.pop(kind, None)
    kind = chance.choice(IDENTIFIERS)
    named = TABLE["shape"]["agent"]["properties"][kind]["type"]
    agent[kind] = _made(chance, named, "1.0.3")


def _group(chance: random.Random, group: dict[str, Any]) -> None:
    for kind in IDENTIFIERS:
        group.pop(kind, None)
    if not group.get("member") or chance.random() < 0.5:
        _one_identifier(chance, group)


def _score(chance: random.Random, score: dict[str, Any]) -> None:
    del chance
    if {"raw", "min", "max"} & score.keys():
        score |= {"min": 0, "raw": 7.5, "max": 10}


def _definition(chance: random.Random, definition: dict[str, Any]) -> None:
    for lists in TABLE["interaction"]:
        definition.pop(lists, None)
    kind = definition.get("interactionType")
    if kind is None:
        definition.pop("correctResponsesPattern", None)
    for lists, kinds in TABLE["interaction"].items():
        if kind in kinds and chance.random() < 0.7:
            definition[lists] = [
                {"id": f"{number} {_text(chance)}"} for number in range(3)
            ]


def _context(_: random.Random, statement: dict[str, Any]) -> None:
    """Keep what goes with any object: its kind is chosen later."""
    for member in ("revision", "platform"):
        if statement["object"].get("objectType", "Activity") != "Activity":
            statement.get("context", {}).pop(member, None)


def _attachment(_: random.Random, attachment: dict[str, Any]) -> None:
    attachment["fileUrl"] = "https://example.org/data"


FITTING = {
    "agent": _one_identifier,
    "group": _group,
    "score": _score,
    "definition": _definition,
    "statement": _context,
    "sub_statement": _context,
    "attachment": _attachment,
}
# shapes whose objectType says nothing but what it must
CHOSEN = {"activity", "statement_ref", "context_agent", "context_group"}


def broken(chance: random.Random, version: str) -> Any:
    """Give a statement with one to three changes somewhere in it."""
    if chance.random() < 0.3:
        return mutated(chance)
    made: Any = shaped(chance, version)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(places(made))
        if not path:
            continue
        parent = made
        for step in path[:-1]:
            parent = parent[step]
        _change(chance, made, parent, path[-1])
    return made


def _change(chance: random.Random, whole: Any, parent: Any, last: Any) -> None:
    act = chance.randrange(8)
    value = parent[last]
    if act == 0:
        del parent[last]
    elif act == 1 and isinstance(parent, dict):
        parent[chance.choice(KEYS)] = parent.pop(last)
    elif act == 2 and isinstance(parent, dict):
        parent[chance.choice(KEYS)] = deepcopy(chance.choice(VALUES))
    elif act == 3:
        other = whole
        for step in chance.choice(places(whole)):
            other = other[step]
        parent[last] = deepcopy(other)
    elif act == 4:
        parent[last] = chance.choice(list(SCALARS.values()))(chance)
    elif act == 5 and isinstance(value, str):
        parent[last] = _near(chance, value)
    elif act == 6:
        parent[last] = [value] if chance.random() < 0.5 else {"x": value}
    else:
        parent[last] = deepcopy(chance.choice(VALUES))


def _near(chance: random.Random, text: str) -> str:
    """Give a spelling that is nearly the same."""
    place = chance.randint(0, len(text))
    forms = (
        text[:place] + chance.choice(" \0\n-:@%é") + text[place:],
        text[:place] + text[place + 1 :],
        text.swapcase(),
        f" {text}",
        f"{text}\n",
        text * 2,
        text[::-1],
        base64.b64encode(text.encode()).decode(),
    )
    return chance.choice(forms)


TOKENS = [
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\\u0000",
    b"\\ud800",
    b"\\",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"1e400",
    b"-0",
    b"NaN",
    b"null",
    b"0x1",
    b"1" * 400,
    b"0." + b"3" * 400,
    b"//",
    b"\x00",
    b"\r\n",
    b'"id":1,',
    b"[" * 300,
]


def mangled(chance: random.Random, raw: bytes) -> bytes:
    """Give the bytes with one or two places changed: no longer JSON, mostly."""
    for _ in range(chance.randint(1, 2)):
        place = chance.randint(0, len(raw))
        end = min(len(raw), place + chance.choice([0, 0, 1, 2, 20]))
        act = chance.randrange(4)
        if act == 0:
            raw = raw[:place] + chance.choice(TOKENS) + raw[end:]
        elif act == 1:
            raw = raw[:place] + raw[end:]
        elif act == 2:
            raw = raw[:place]
        else:
            raw = raw[:end] + raw[place:]
    return raw
