"""Statement text: decoding, cutting a batch into statements, setting members.

The bytes of a statement are kept as received (xAPI 1.0.3 Data 2.2: no other
serialisation may be returned), so what the server sets is written into the text
instead of the text being made anew from decoded objects.
"""

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from statements.errors import Invalid, InvalidStatement
from statements.scalars import format_timestamp, parse_timestamp

MAX_DEPTH = 64
_JSON_SPACE = b" \t\n\r"
_CLOSING = ord("}")
# a backslash that is no escaped backslash itself, and NUL behind it
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
# the end of an object and the start of the next one, if this is not inside a string
_BETWEEN = re.compile(rb"\}[ \t\n\r]*+,[ \t\n\r]*+\{")
# everything up to and including the next brace that stands outside a string
_TO_BRACE = re.compile(rb'[^"{}]*+(?:"(?:[^"\\]++|\\.)*+"[^"{}]*+)*+([{}])', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKET_OR_END = re.compile(
    rb'[^"{}\[\],]*+(?:"(?:[^"\\]++|\\.)*+"[^"{}\[\],]*+)*+([{}\[\],])', re.DOTALL
)


def load(body: bytes) -> Any:
    """The decoded JSON value; raises Invalid.

    Refused as well are the character NUL, which databases do not store in text, and a
    name that stands twice in one object, which readers understand differently.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not valid JSON: {error}.") from error
    if b"\\" in body and _NUL.search(body):
        raise Invalid("The character U+0000 cannot be stored.")
    _refuse_repeated_names(value, body)
    return value


def _refuse_repeated_names(value: Any, body: bytes) -> None:
    """Raise Invalid where an object of the body has a name twice (Data 2.2).

    Of two such members only the last is in the decoded value. So the text has more
    quotation marks than the value written out has, however both are spelled, unless
    some of them are spelled as U+0022.
    """
    try:
        plain = orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise Invalid("The body is nested too deep.") from error
    if plain == body or (
        plain.count(b'"') == body.count(b'"') and b"\\u0022" not in body
    ):
        return
    try:
        json.loads(body, object_pairs_hook=_distinct, parse_int=str, parse_float=str)
    except ValueError as error:
        raise Invalid(f"The body is not valid JSON: {error}.") from error


def _distinct(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise Invalid(
                f"An object has the name {name[:60]!r} twice.",
                requirement="a property is used no more than once",
                section="Data 2.2",
            )
        seen.add(name)


def split_statements(body: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """Every statement of a request body with its own bytes, in order.

    The body is one statement or a list of statements (xAPI 1.0.3 Communication
    2.1.2). Raises Invalid.
    """
    body = body.strip(_JSON_SPACE)
    if body.startswith(b"[") and (found := _split(body)):
        return found
    value = load(body)
    if isinstance(value, dict):
        return [(value, body)]
    if not isinstance(value, list):
        raise Invalid("The body must be a statement or a list of statements.")
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise InvalidStatement(
                f"$[{index}]: every item of the list must be a statement.",
                path=f"$[{index}]",
                requirement="every item of the list must be a statement",
                section="Communication 2.1.2",
            )
    return list(zip(value, _objects(body), strict=True))


def _split(body: bytes) -> list[tuple[dict[str, Any], bytes]] | None:
    """The same for a list of objects; None if that is not what it is, or not surely.

    A list is cut where as many braces were closed as opened. Braces in strings count
    too, so a cut may be wrong; but no proper part of a JSON object is one itself, so
    where every part decodes the cuts were right, and the whole needs no decoding.
    """
    if not body.endswith(b"]"):
        return None
    start = counted = body.find(b"{")
    if body[1:start].strip(_JSON_SPACE) or (b"\\" in body and _NUL.search(body)):
        return None
    parts, depth = [], 0
    for match in _BETWEEN.finditer(body):
        end = match.start() + 1
        depth += body.count(b"{", counted, end) - body.count(b"}", counted, end)
        counted = end
        if depth == 0:
            parts.append(body[start:end])
            start = counted = match.end() - 1
    parts.append(body[start:-1])
    try:
        values = [orjson.loads(part) for part in parts]
    except orjson.JSONDecodeError:
        return None
    _refuse_repeated_names(values, body)
    return [
        (value, part.rstrip(_JSON_SPACE))
        for value, part in zip(values, parts, strict=True)
    ]


def splice(raw: bytes, members: Mapping[str, Any]) -> bytes:
    """The text of an object with top-level members set, or removed where None.

    Everything else stays byte for byte. `raw` must be one valid JSON object.
    """
    spans = [(start, end) for name, start, end in _members(raw) if name not in members]
    kept = [raw[start:end] for start, end in spans]
    added = {name: value for name, value in members.items() if value is not None}
    return append(b"{" + b",".join(kept) + b"}", added)


def without(raw: bytes, names: Collection[str], kept: dict[str, Any]) -> bytes:
    """The text of an object without some members; `kept` is what it says then.

    Where they stand is guessed first, and the guess found right by decoding: a fifth
    of what it costs to find every member.
    """
    left = raw
    for name in names:
        if match := _member(name).search(left):
            head = left[: match.start()].rstrip(_JSON_SPACE)
            tail = left[match.end() :].lstrip(_JSON_SPACE)
            if tail.startswith(b","):
                tail = tail[1:]
            else:
                head = head.removesuffix(b",")
            left = head + tail
    try:
        is_right = orjson.loads(left) == kept
    except orjson.JSONDecodeError:
        is_right = False
    return left if is_right else splice(raw, dict.fromkeys(names))


@cache
def _member(name: str) -> re.Pattern[bytes]:
    """A member with a string, or with an object not nested deep, if no text has braces."""
    space = rb"[ \t\n\r]*+"
    value = rb"\{[^{}]*+\}"
    for _ in range(6):
        value = rb"\{[^{}]*+(?:%b[^{}]*+)*\}" % value
    key = re.escape(orjson.dumps(name))
    return re.compile(rb'%b%b:%b(?:"[^"\\]*+"|%b)' % (key, space, space, value))


def append(raw: bytes, members: Mapping[str, Any]) -> bytes:
    """As `splice`, for members that the object is known not to have: one copy."""
    if not members:
        return raw
    separator = b"," if b":" in raw else b""
    return _open(raw) + separator + orjson.dumps(members)[1:]


def open_ended(raw: bytes, authority: bytes) -> bytes:
    """The text of a statement with its authority, up to the instant it is stored at.

    Whoever has the instant, as `stored_end` writes it, puts that behind. `authority` is
    JSON text; the statement has neither yet, and is never empty.
    """
    return b"".join((_open(raw), b',"authority":', authority, b',"stored":"'))


def stored_end(instant: datetime) -> bytes:
    """How the text of a stored statement ends: always as long."""
    return f'{format_timestamp(instant)}"}}'.encode()


def stored_of(raw: bytes) -> datetime:
    """The instant at the end of a stored statement's text."""
    return parse_timestamp(raw[-29:-2].decode())


def _open(raw: bytes) -> bytes:
    """The text of an object without its last brace."""
    return raw[:-1] if raw[-1] == _CLOSING else raw[: raw.rindex(b"}")]


def _objects(body: bytes) -> list[bytes]:
    """The bytes of each object at the first level of a valid JSON array."""
    found: list[bytes] = []
    depth = start = 0
    for match in _TO_BRACE.finditer(body):
        if body[match.start(1)] == ord("{"):
            if depth == 0:
                start = match.start(1)
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                found.append(body[start : match.end()])
    return found


def _members(raw: bytes) -> list[tuple[str, int, int]]:
    """Name, start and end of every top-level member of a valid JSON object."""
    found: list[tuple[str, int, int]] = []
    depth = 0
    start = raw.index(b"{") + 1
    for match in _BRACKET_OR_END.finditer(raw):
        mark = raw[match.start(1) : match.end()]
        if mark in b"{[":
            depth += 1
            continue
        if mark in b"}]":
            depth -= 1
        if depth == (0 if mark == b"}" else 1) and mark in b",}":
            text = raw[start : match.start(1)]
            if key := _STRING.search(text):
                lead = len(text) - len(text.lstrip(_JSON_SPACE))
                end = start + len(text.rstrip(_JSON_SPACE))
                found.append((orjson.loads(key[0]), start + lead, end))
            start = match.end()
    return found


def is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested deeper than so many levels."""
    level = [value]
    for _ in range(levels):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True
