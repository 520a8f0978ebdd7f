"""Callers with a credential: the guard of `@allow("credential", scope=…)`.

Basic authentication with a key and secret of ours (xAPI 1.0.3 Communication 4.0; xAPI
2.0 4.1.2). It runs before the body is read.
"""

import base64
from datetime import UTC, datetime
from typing import cast

import orjson
from flask import Flask, Response, g, request

from lrs import problems
from lrs.credentials import Credential, find_credential, require_scope
from lrs.db import reading
from lrs.views.access import Allowed, set_guard
from lrs.views.application import parts
from statements.errors import DomainError, Unauthenticated


def install(app: Flask) -> None:
    """Let this application know callers with a credential."""
    set_guard(app, "credential", check_credential)


def check_credential(allowed: Allowed) -> None:
    """Let a valid key with the wanted scope pass; raises a DomainError."""
    key, secret = _basic(request.headers.get("Authorization", ""))
    with reading(parts().engine) as db:
        found = find_credential(
            db,
            key=key,
            secret=secret,
            now=datetime.now(UTC),
        )
        db.expunge(found)
    g.credential = found
    if allowed.scope:
        require_scope(found, allowed.scope)


def _basic(header: str) -> tuple[str, str]:
    """Key and secret of a Basic header; raises Unauthenticated for anything else."""
    kind, _, given = header.strip().partition(" ")
    try:
        if kind.lower() != "basic":
            raise ValueError
        text = base64.b64decode(given.strip(), validate=True).decode()
    except ValueError:
        detail = "Send the key and secret of a credential (Basic)."
        raise Unauthenticated(detail) from None
    key, _, secret = text.partition(":")
    return key, secret


def current_credential() -> Credential:
    """The credential that this request was let in with."""
    return cast("Credential", g.credential)


def problem_response(error: DomainError) -> Response:
    """The error as `application/problem+json`."""
    return Response(
        orjson.dumps(problems.problem(error)),
        status=problems.status_of(error),
        headers=problems.headers_of(error),
        content_type=problems.MEDIA_TYPE,
    )
