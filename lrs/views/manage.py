"""The management API of credentials, for other systems.

A credential with the scope `credentials/write` makes others for its own tenant, none
of which may do more than it may itself, and revokes any of them. Secrets are told once.
"""

import logging
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import orjson
from flask import Blueprint, Flask, Response, request, url_for
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from lrs.credentials import (
    MAX_NAME,
    MAX_PER_MINUTE,
    SCOPES,
    Credential,
    create_credential,
    find_credentials,
    get_credential,
    holds,
    revoke_credential,
)
from lrs.cursors import read_cursor, write_cursor
from lrs.db import reading, writing
from lrs.limits import last_uses
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.application import parts
from statements.errors import (
    DomainError,
    Forbidden,
    Invalid,
    InvalidParameter,
    MissingScope,
    TooLarge,
)
from statements.scalars import format_timestamp

BLUEPRINT = Blueprint("credentials", __name__, url_prefix="/api/v1")
BLUEPRINT.record_once(lambda state: callers.install(cast("Flask", state.app)))

LARGEST_BODY = 64 * 1024
PAGE = 100
log = logging.getLogger("rollcall.credentials")


class CredentialBody(Schema):
    """Body of POST /credentials."""

    class Meta:
        """Unknown members are mistakes."""

        unknown = RAISE

    name = fields.String(required=True, validate=validate.Length(1, MAX_NAME))
    scopes = fields.List(fields.String(), required=True, validate=validate.Length(1))
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)
    per_minute = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, MAX_PER_MINUTE),
    )


@BLUEPRINT.errorhandler(DomainError)
def _refused(error: DomainError) -> Response:
    return callers.problem_response(error)


@BLUEPRINT.get("/credentials")
@allow("credential", scope="credentials/read")
def list_credentials() -> Response:
    caller = callers.current_credential()
    after = _position()
    with reading(parts().engine) as db:
        found = find_credentials(
            db, tenant=caller.tenant_id, after=after, limit=PAGE + 1
        )
        shown = _shown(db, found[:PAGE])
    more = None
    if len(found) > PAGE:
        last = found[PAGE - 1]
        more = write_cursor(
            {"at": last.created_at.isoformat(), "id": str(last.id)},
            secret=parts().config.secret_key,
            caller=_cursor_owner(),
        )
    return _json({"credentials": shown, "cursor": more})


@BLUEPRINT.post("/credentials")
@allow("credential", scope="credentials/write")
def create() -> Response:
    caller, body = callers.current_credential(), _load(CredentialBody())
    for scope in body["scopes"]:
        if scope in SCOPES and not holds(caller, scope):
            raise MissingScope(
                f"Only who holds the scope {scope} may give it.", scope=scope
            )
    with writing(parts().engine) as db:
        _keep_within(body, get_credential(db, credential_id=caller.credential_id))
        issued = create_credential(
            db,
            tenant=caller.tenant_id,
            home_page=parts().config.portal_url,
            now=datetime.now(UTC),
            **body,
        )
        (shown,) = _shown(db, [get_credential(db, credential_id=issued.id)])
    _log("a credential was made", issued.key)
    answer = _json(shown | {"secret": issued.secret}, 201)
    answer.headers["Location"] = url_for(".show", credential_id=issued.id)
    return answer


def _keep_within(body: dict[str, Any], maker: Credential) -> None:
    """Give what is made the end and the limit of its maker where none is asked for.

    Raises Forbidden for a later end or a higher limit.
    """
    for name, own in (
        ("expires_at", maker.expires_at),
        ("per_minute", maker.per_minute),
    ):
        if own is None:
            continue
        body[name] = own if body[name] is None else body[name]
        if body[name] > own:
            message = (
                f"{name}: no more than that of the credential that makes it, {own}."
            )
            raise Forbidden(message, field=name)


@BLUEPRINT.get("/credentials/<uuid:credential_id>")
@allow("credential", scope="credentials/read")
def show(credential_id: UUID) -> Response:
    with reading(parts().engine) as db:
        (shown,) = _shown(db, [_own(db, credential_id)])
    return _json(shown)


@BLUEPRINT.delete("/credentials/<uuid:credential_id>")
@allow("credential", scope="credentials/write")
def revoke(credential_id: UUID) -> Response:
    with writing(parts().engine) as db:
        key = _own(db, credential_id).key
        revoke_credential(db, key=key, now=datetime.now(UTC))
    _log("a credential was revoked", key)
    return Response(status=204)


def _log(what: str, key: str) -> None:
    caller = callers.current_credential()
    log.warning(
        what, extra={"tenant": caller.tenant_id, "credential": caller.key, "key": key}
    )


def _own(db: Session, credential_id: UUID) -> Credential:
    """The credential, if it is the caller's tenant's; raises NotFound."""
    tenant = callers.current_credential().tenant_id
    return get_credential(db, credential_id=credential_id, tenant=tenant)


def _position() -> tuple[datetime, UUID] | None:
    """Where the page before ended."""
    if unknown := sorted(request.args.keys() - {"cursor"}):
        raise InvalidParameter(f"There is no parameter {unknown[0][:80]!r} here.")
    given = request.args.get("cursor")
    if given is None:
        return None
    position = read_cursor(
        given, secret=parts().config.secret_key, caller=_cursor_owner()
    )
    return datetime.fromisoformat(position["at"]), UUID(position["id"])


def _cursor_owner() -> str:
    return f"credentials {callers.current_credential().key}"


def _load(schema: Schema) -> dict[str, Any]:
    """The request's JSON by a schema; raises Invalid, InvalidParameter, TooLarge."""
    request.max_content_length = LARGEST_BODY
    try:
        loaded: dict[str, Any] = schema.load(orjson.loads(request.get_data()))
    except RequestEntityTooLarge:
        raise TooLarge(f"At most {LARGEST_BODY} bytes are taken.") from None
    except orjson.JSONDecodeError:
        raise Invalid("The body is not JSON.") from None
    except ValidationError as error:
        wrong = cast("dict[str, object]", error.messages_dict)
        field = next(iter(wrong))
        raise InvalidParameter(
            f"{field}: {_words(wrong[field])}", field=field
        ) from None
    return loaded


def _words(messages: object) -> str:
    if isinstance(messages, dict):
        return " ".join(f"{name}: {_words(one)}" for name, one in messages.items())
    return " ".join(map(str, cast("list[object]", messages)))


def _shown(db: Session, credentials: list[Credential]) -> list[dict[str, Any]]:
    """The credentials as the API shows them."""
    used = last_uses(db, credentials=[one.id for one in credentials])
    return [
        {
            "id": str(one.id),
            "key": one.key,
            "name": one.name,
            "scopes": one.scopes,
            "per_minute": one.per_minute,
            "created_at": format_timestamp(one.created_at),
            "expires_at": _time(one.expires_at),
            "revoked_at": _time(one.revoked_at),
            "last_used_at": _time(used.get(one.id)),
        }
        for one in credentials
    ]


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else format_timestamp(instant)


def _json(value: object, status: int = 200) -> Response:
    return Response(
        orjson.dumps(value),
        status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
