"""Statement text: decoding, cutting a batch into statements, setting members.

The bytes of a statement are kept as received (xAPI 1.0.3 Data 2.2: no other
serialisation may be returned), so what the server sets is written into the text
instead of the text being made anew from decoded objects.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from statements.errors import Invalid, InvalidStatement

MAX_DEPTH = 64
_JSON_SPACE = b" \t\n\r"
_CLOSING = ord("}")
# everything up to and including the next brace that stands outside a string
_TO_BRACE = re.compile(rb'[^"{}]*+(?:"(?:[^"\\]++|\\.)*+"[^"{}]*+)*+([{}])', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKET_OR_END = re.compile(
    rb'[^"{}\[\],]*+(?:"(?:[^"\\]++|\\.)*+"[^"{}\[\],]*+)*+([{}\[\],])', re.DOTALL
)


def load(body: bytes) -> Any:
    """The decoded JSON value; raises Invalid.

    Refused as well: nesting deeper than 64, and the character NUL, which databases
    do not store in text.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not valid JSON: {error}.") from error
    is_suspect = body.count(b"{") + body.count(b"[") > MAX_DEPTH
    if is_suspect and is_deeper(value, MAX_DEPTH):
        raise Invalid(f"The body is nested deeper than {MAX_DEPTH} levels.")
    if b"\\u0000" in body and _holds_nul(value):
        raise Invalid("The character U+0000 cannot be stored.")
    return value


def split_statements(body: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """Every statement of a request body with its own bytes, in order.

    The body is one statement or a list of statements (xAPI 1.0.3 Communication
    2.1.2). Raises Invalid.
    """
    value = load(body)
    if isinstance(value, dict):
        return [(value, body.strip(_JSON_SPACE))]
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


def splice(raw: bytes, members: Mapping[str, Any]) -> bytes:
    """The text of an object with top-level members set, or removed where None.

    Everything else stays byte for byte. `raw` must be one valid JSON object.
    """
    spans = [(start, end) for name, start, end in _members(raw) if name not in members]
    kept = [raw[start:end] for start, end in spans]
    kept.extend(_encode(members))
    return b"{" + b",".join(kept) + b"}"


def append(raw: bytes, members: Mapping[str, Any]) -> bytes:
    """As `splice`, for members that the object is known not to have: one copy."""
    added = b",".join(_encode(members))
    head = raw[: raw.rindex(b"}")].rstrip(_JSON_SPACE)
    separator = b"" if head.endswith(b"{") or not added else b","
    return head + separator + added + b"}"


def complete(raw: bytes, stored: bytes, authority: bytes) -> bytes:
    """The text of a stored statement with what the server alone says about it.

    `stored` is the instant as `format_timestamp` writes it, `authority` JSON text; a
    stored statement has neither, and is never empty.
    """
    head = raw[:-1] if raw[-1] == _CLOSING else raw[: raw.rindex(b"}")]
    return b"".join((head, b',"stored":"', stored, b'","authority":', authority, b"}"))


def _encode(members: Mapping[str, Any]) -> list[bytes]:
    return [
        orjson.dumps(name)
        + b":"
        + (value if isinstance(value, bytes) else orjson.dumps(value))
        for name, value in members.items()
        if value is not None
    ]


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


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))
