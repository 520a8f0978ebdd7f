"""Callers with a credential: the guard of `@allow("credential", scope=…)`.

Basic authentication with a key and secret of ours (xAPI 1.0.3 Communication 4.0; xAPI
2.0 4.1.2). It runs before the body is read.
"""

from datetime import UTC, datetime
from typing import cast

import orjson
from flask import Flask, Response, g, request

from lrs import problems
from lrs.credentials import Caller, admit, require_scope
from lrs.db import reading
from lrs.views.access import Allowed, set_guard
from lrs.views.application import parts
from statements.errors import DomainError


def install(app: Flask) -> None:
    """Let this application know callers with a credential."""
    set_guard(app, "credential", check_credential)


def check_credential(allowed: Allowed) -> None:
    """Let a valid key with the wanted scope pass; raises a DomainError."""
    with reading(parts().engine) as db:
        caller = admit(
            db,
            authorization=request.headers.get("Authorization", ""),
            now=datetime.now(UTC),
        )
    g.credential = caller
    if allowed.scope:
        require_scope(caller, allowed.scope)


def current_credential() -> Caller:
    """The caller that this request was let in as."""
    return cast("Caller", g.credential)


def problem_response(error: DomainError) -> Response:
    """The error as `application/problem+json`."""
    return Response(
        orjson.dumps(problems.problem(error)),
        status=problems.status_of(error),
        headers=problems.headers_of(error),
        content_type=problems.MEDIA_TYPE,
    )
