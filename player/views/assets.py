"""The player's own scripts and styles, the same files on both sites.

Each site names what it serves; nothing else of the folder can be reached.
"""

import hashlib
from functools import cache
from pathlib import Path

from flask import Response, request

from player.views.ranges import is_known

_FOLDER = Path(__file__).parent.parent / "static"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = (_FOLDER / name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()}"'


def asset(name: str) -> Response:
    """The file of that name, or 304; asked for again each time, as we do not rename."""
    body, etag = _read(name)
    headers = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if is_known(request.headers.get("If-None-Match"), etag):
        return Response(status=304, headers=headers)
    return Response(body, content_type=_TYPES[Path(name).suffix], headers=headers)
