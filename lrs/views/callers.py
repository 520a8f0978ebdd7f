"""Callers with a credential: the guard of `@allow("credential", scope=…)`.

Basic authentication with a key and secret of ours, or a bearer token of OAuth 2 (xAPI
1.0.3 Communication 4.0; xAPI 2.0 4.1.8; RFC 6750). It runs before the body is read.
"""

from datetime import UTC, datetime
from typing import cast

import orjson
from flask import Flask, Response, g, request

from lrs import problems, sessions
from lrs.clock import Glance
from lrs.credentials import Caller, require_scope
from lrs.db import reading, writing
from lrs.limits import Noted, note_use_in_passing, spend
from lrs.views.access import Allowed, set_guard
from lrs.views.application import parts, process
from lrs.views.application import sessions as known_sessions
from statements.errors import DomainError, Unavailable

_NOTED = Noted()


def install(app: Flask) -> None:
    """Let this application know callers with a credential."""
    set_guard(app, "credential", check_credential)


def check_credential(allowed: Allowed) -> None:
    """Let a valid credential or token with the wanted scope pass; raises a DomainError.

    A request over the limit knows no caller: it is refused as cheaply as a stranger's.
    """
    now = datetime.now(UTC)
    authorization, remembered = _authorization(), process().remembered
    presumed = remembered.presumed(authorization, now=now) if allowed.presumes else None
    g.scope, g.glance, g.presumed = allowed.scope, None, None
    if presumed is None:
        caller, g.glance = _admit(authorization, now)
    else:
        caller, g.presumed = presumed
    count(caller, now=now)
    g.credential = caller
    if allowed.scope:
        require_scope(caller, allowed.scope)


def _authorization() -> str:
    return request.headers.get("Authorization", "")


def _admit(authorization: str, now: datetime) -> tuple[Caller, Glance]:
    """The caller, as remembered or looked up; of a launch, looked up each time."""
    remembered, known = process().remembered, known_sessions()
    if sessions.kind_of(known, authorization) is None:
        return remembered.caller(authorization, now=now)
    with reading(parts().engine) as db:
        caller = sessions.admit(db, known, authorization=authorization, now=now)
    return caller, remembered.glance(caller.tenant_id)


def count(caller: Caller, *, now: datetime) -> None:
    """Count this request of the caller's; raises TooMany over the limit.

    Nothing is refused because its note could not be written. A launch has its own.
    """
    if caller.bounds is not None:
        return
    if caller.per_minute is not None:
        with writing(parts().engine) as db:
            spend(db, caller=caller, now=now)
    elif _NOTED.is_due(caller, now):
        note_use_in_passing(parts().engine, caller=caller, now=now)


def is_noted(caller: Caller, now: datetime) -> bool:
    """Whether this request of the caller's needs no note and counts for no limit."""
    return caller.per_minute is None and _NOTED.is_fresh(caller, now)


def current_credential() -> Caller:
    """The caller that this request was let in as."""
    return cast("Caller", g.credential)


def current_glance() -> Glance:
    """How things stood with the caller's tenant when the request was let in.

    A caller who was only presumed is looked at first; raises as the guard does.
    """
    if g.glance is None:
        now = datetime.now(UTC)
        caller, seen = _admit(_authorization(), now)
        if g.scope:
            require_scope(caller, g.scope)
        g.credential, g.glance, g.presumed = caller, seen, None
    return cast("Glance", g.glance)


def heard_first(error: DomainError) -> DomainError:
    """What a caller who was only presumed hears: that it may not come in, or the error.

    Where the database cannot be asked it is the error.
    """
    if getattr(g, "presumed", None) is None:
        return error
    try:
        current_glance()
    except Unavailable:
        return error
    except DomainError as refused:
        g.credential = g.presumed = None
        return refused
    return error


def readmit() -> None:
    """Look at the caller again; raises as the guard does."""
    g.glance = None
    current_glance()


def known_revision() -> int:
    """The revision under which the caller is known, presumed or confirmed."""
    presumed = presumed_revision()
    return current_glance().revision if presumed is None else presumed


def presumed_revision() -> int | None:
    """The revision under which the caller is remembered; None once it is confirmed."""
    return cast("int | None", g.presumed)


def confirm(seen: Glance) -> bool:
    """Whether the database, as seen now, still has the revision that was presumed."""
    if seen.revision != g.presumed:
        return False
    g.glance, g.presumed = seen, None
    return True


def problem_response(error: DomainError) -> Response:
    """The error as `application/problem+json`."""
    return Response(
        orjson.dumps(problems.problem(error)),
        status=problems.status_of(error),
        headers=problems.headers_of(error),
        content_type=problems.MEDIA_TYPE,
    )
