"""Signed, stateless cursors: where a reader is, and whose cursor it is.

A cursor is the signed content itself, so it holds across restarts and on every
server, for as long as the secret key is kept (xAPI 1.0.3 Communication 2.1.3 asks for
24 hours). It cannot be altered, and only the caller that it was given to can use it.
"""

import base64
import binascii
import hashlib
import hmac
from functools import cache
from typing import Any

import orjson

from statements.errors import InvalidParameter

_TAG_BYTES = 16
_MAX_LENGTH = 12_000


def write_cursor(content: dict[str, Any], *, secret: str, caller: str) -> str:
    """The cursor as text that fits into a URL; `content` must be JSON.

    Raises InvalidParameter for content so long that the cursor would be refused.
    """
    body = orjson.dumps(content)
    cursor = (
        base64.urlsafe_b64encode(_tag(body, secret, caller) + body)
        .rstrip(b"=")
        .decode()
    )
    if len(cursor) > _MAX_LENGTH:
        raise InvalidParameter("The filter is too long to be paged.")
    return cursor


def read_cursor(cursor: str, *, secret: str, caller: str) -> dict[str, Any]:
    """The content; raises InvalidParameter for anything we did not give this caller."""
    try:
        if len(cursor) > _MAX_LENGTH:
            raise ValueError
        data = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True
        )
    except (ValueError, binascii.Error) as error:
        raise InvalidParameter("The cursor is not one of ours.") from error
    tag, body = data[:_TAG_BYTES], data[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(body, secret, caller)):
        raise InvalidParameter("The cursor is not one of ours, or not for this caller.")
    content: dict[str, Any] = orjson.loads(body)
    return content


@cache
def _key(secret: str) -> bytes:
    return hashlib.sha256(f"cursor\0{secret}".encode()).digest()


def _tag(body: bytes, secret: str, caller: str) -> bytes:
    signed = hmac.digest(_key(secret), caller.encode() + b"\0" + body, "sha256")
    return signed[:_TAG_BYTES]
