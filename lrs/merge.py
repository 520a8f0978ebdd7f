"""JSON objects merged member by member, without making their text anew.

xAPI 1.0.3 Communication 2.2 (JSON procedure): only top-level members are merged. Each
value keeps its bytes, so numbers come back as they were sent, whatever their size.
"""

import json
from collections.abc import Iterator
from typing import NoReturn

from statements.errors import Invalid


def merge(old: dict[str, bytes], posted: dict[str, bytes]) -> bytes:
    """The text of an object with members set; each keeps the bytes it came with."""
    return b"{" + b",".join({**old, **posted}.values()) + b"}"


def members(data: bytes) -> dict[str, bytes]:
    """The top-level members of a JSON object by name, each with its bytes.

    Raises Invalid for anything else. Of members with one name the last counts.
    """
    try:
        return dict(_spans(data.decode()))
    except RecursionError as error:
        raise Invalid("is nested too deeply") from error
    except (ValueError, IndexError) as error:
        raise Invalid("is not a JSON object") from error


def _spans(text: str) -> Iterator[tuple[str, bytes]]:
    """Name and text of each member of an object; ValueError or IndexError if none."""
    at = _expect(text, _skip(text, 0), "{")
    if text[_skip(text, at)] == "}":
        at = _skip(text, at)
    else:
        while True:
            start = _skip(text, at)
            _expect(text, start, '"')
            name, end = _VALUE.raw_decode(text, start)
            at = _skip(text, _expect(text, _skip(text, end), ":"))
            _, end = _VALUE.raw_decode(text, at)
            yield name, text[start:end].encode()
            at = _skip(text, end)
            if text[at] != ",":
                break
            at += 1
    if text[_expect(text, at, "}") :].strip(_SPACE):
        raise ValueError


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _expect(text: str, at: int, mark: str) -> int:
    if text[at] != mark:
        raise ValueError
    return at + 1


def _refuse(_constant: str) -> NoReturn:
    raise ValueError


_SPACE = " \t\n\r"
# numbers are only skipped: made into Python's they might be refused as too long;
# NaN and Infinity are not JSON
_VALUE = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)
