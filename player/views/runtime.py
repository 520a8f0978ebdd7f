"""The run-time of a launch, on the portal's host: start, entries, token, units, end.

The caller holds a launch token (`Authorization: Bearer …`), which opens one launch.
For entries alone the token of a newer launch of the same registration, or of the same
learner and package, is good too: after a crash the leftovers of the older launch are
sent by the newer one's page. A
token begets only tokens that expire when it does; for a longer life the same person
must be signed in to the portal.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

import orjson
from flask import Blueprint, Flask, Response, current_app, g, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import RequestEntityTooLarge

from lrs.db import reading, writing
from lrs.problems import BEARER
from lrs.views.access import Allowed, allow, set_guard
from lrs.views.application import parts
from lrs.views.callers import problem_response
from player import entries, launches, tokens
from player.sittings import get_launch
from statements.actors import ifi
from statements.errors import DomainError, Invalid, LaunchClosed, TooLarge
from statements.scalars import format_timestamp

BLUEPRINT = Blueprint("runtime", __name__)

LARGEST_BODY = 8 * 1024 * 1024
# what a scope means here: which tokens the guard lets in beside the launch's own
SUCCESSOR = "successor"
EXPIRED = "expired"


@BLUEPRINT.record
def _set_guard(state: BlueprintSetupState) -> None:
    set_guard(cast("Flask", state.app), "launch", _admit)


@BLUEPRINT.errorhandler(DomainError)
def _refused(error: DomainError) -> Response:
    """Without the challenge of the record store: browsers ask for a password by it."""
    response = problem_response(error)
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = BEARER
    return response


def _admit(allowed: Allowed) -> None:
    """The guard: a launch token of the launch in the address."""
    launch_id: UUID = (request.view_args or {})["launch_id"]
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = tokens.parse_token(
        parts().config, text.strip() if scheme.lower() == "bearer" else ""
    )
    if token.launch_id != launch_id and not (
        allowed.scope == SUCCESSOR and _is_successor(token.launch_id, launch_id)
    ):
        raise tokens.InvalidToken
    if datetime.now(UTC) >= token.expires and allowed.scope != EXPIRED:
        raise tokens.TokenExpired
    g.token_expires = token.expires


def _is_successor(newer_id: UUID, older_id: UUID) -> bool:
    """Whether a launch is of the same registration as an older one (so one learner's).

    Or of the same learner and package (the label says so) in another registration: both
    share a content host, so each finds there what the other could not send. Raises
    LaunchClosed when the newer one has itself ended.
    """
    with reading(parts().engine) as db:
        newer = get_launch(db, launch_id=newer_id)
        older = get_launch(db, launch_id=older_id)
        is_one_learners = newer.tenant_id == older.tenant_id and (
            newer.registration == older.registration or newer.label == older.label
        )
        if not is_one_learners or newer.opened_at <= older.opened_at:
            return False
        if newer.ended_at is not None:
            raise LaunchClosed("This launch is over; open the unit again.")
        return True


def _until(launch_id: UUID) -> datetime:
    """How long the launch may go on: its learner, signed in, gives it a new life."""
    with reading(parts().engine) as db:
        actor_ifi = get_launch(db, launch_id=launch_id).actor_ifi
    if _is_signed_in(actor_ifi):
        return datetime.now(UTC) + tokens.LIFETIME
    expires: datetime = g.token_expires
    return expires


def _is_signed_in(actor_ifi: str) -> bool:
    """Whether the learner launched is signed in to the portal.

    The portal tells who is signed in by `extensions["rollcall_actor"]`, a function
    that gives the actor or None; without a portal nobody is.
    """
    signed_in = current_app.extensions.get("rollcall_actor")
    actor = signed_in() if signed_in is not None else None
    return actor is not None and ifi(actor) == actor_ifi


def _body() -> Any:
    request.max_content_length = LARGEST_BODY
    try:
        return orjson.loads(request.get_data())
    except RequestEntityTooLarge:
        raise TooLarge(f"At most {LARGEST_BODY} bytes are taken at once.") from None
    except orjson.JSONDecodeError:
        raise Invalid("The body is not JSON.") from None


def _json(value: object, status: int = 200) -> Response:
    return Response(
        orjson.dumps(value),
        status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@BLUEPRINT.post("/launches/<uuid:launch_id>/start")
@allow("launch")
def start(launch_id: UUID) -> Response:
    with writing(parts().engine) as db:
        payload = launches.start(
            db,
            config=parts().config,
            launch_id=launch_id,
            now=datetime.now(UTC),
            until=g.token_expires,
        )
    return _json(payload)


@BLUEPRINT.post("/launches/<uuid:launch_id>/entries")
@allow("launch", scope=SUCCESSOR)
def receive(launch_id: UUID) -> Response:
    body = _body()
    with writing(parts().engine) as db:
        receipt = entries.receive(
            db,
            config=parts().config,
            launch_id=launch_id,
            body=body,
            now=datetime.now(UTC),
            until=g.token_expires,
        )
    if receipt.problem is not None:
        raise receipt.problem
    return _json(receipt.answer)


@BLUEPRINT.post("/launches/<uuid:launch_id>/token")
@allow("launch", scope=EXPIRED)
def renew(launch_id: UUID) -> Response:
    until = _until(launch_id)
    if until <= datetime.now(UTC):
        raise tokens.TokenExpired
    with writing(parts().engine) as db:
        token, expires = launches.renew(
            db, config=parts().config, launch_id=launch_id, until=until
        )
    return _json({"token": token, "expires": format_timestamp(expires)})


@BLUEPRINT.post("/launches/<uuid:launch_id>/units")
@allow("launch")
def open_unit(launch_id: UUID) -> Response:
    body = _body()
    unit = body.get("unit") if isinstance(body, dict) else None
    if not isinstance(unit, int) or isinstance(unit, bool):
        raise Invalid("Give the index of the unit as `unit`.")
    until = _until(launch_id)
    with writing(parts().engine) as db:
        opened = launches.open_unit(
            db,
            config=parts().config,
            launch_id=launch_id,
            unit=unit,
            now=datetime.now(UTC),
            until=until,
        )
    return _json({"launch": str(opened.launch_id), "url": opened.url}, 201)


@BLUEPRINT.post("/launches/<uuid:launch_id>/close")
@allow("launch")
def close(launch_id: UUID) -> Response:
    with writing(parts().engine) as db:
        launches.end(
            db, config=parts().config, launch_id=launch_id, now=datetime.now(UTC)
        )
    return Response(status=204)
