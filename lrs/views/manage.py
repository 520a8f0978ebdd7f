"""The management API of credentials, for other systems.

A credential with the scope `credentials/write` makes others for its own tenant, none
of which may do more than it may itself, and revokes any of them. Secrets are told once.
"""

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import url_for
from marshmallow import fields, validate
from sqlalchemy.orm import Session

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
from lrs.db import reading, writing
from lrs.limits import last_uses
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.api import (
    LOCATION,
    Answered,
    Blueprint,
    Given,
    Instant,
    PageQuery,
    Uuid,
    Whole,
    cursor_to,
    position,
    text,
)
from lrs.views.application import parts
from statements.errors import Forbidden, MissingScope

BLUEPRINT = Blueprint(
    "credentials",
    __name__,
    description="Keys of other systems. Made by one whose scopes hold what they may.",
)

LIST = "credentials"
log = logging.getLogger("rollcall.credentials")
END = "From when on it is refused. Never later than the credential that makes it."
LIMIT = "Requests in a minute, tokens included; none sets no limit."


class CredentialBody(Given):
    """A credential to make."""

    name = text(
        "What it is called.", required=True, validate=validate.Length(1, MAX_NAME)
    )
    scopes = fields.List(
        fields.String(metadata={"enum": list(SCOPES)}),
        required=True,
        validate=validate.Length(1),
        metadata={"description": "What it may do; no more than who makes it."},
    )
    expires_at = Instant(
        load_default=None, allow_none=True, metadata={"description": END}
    )
    per_minute = Whole(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, MAX_PER_MINUTE),
        metadata={"description": LIMIT},
    )


class CredentialAnswer(Answered):
    """A credential, without its secret."""

    id = Uuid()
    key = text("What it calls itself by: the user name of Basic authentication.")
    name = text("What it is called.")
    scopes = fields.List(fields.String())
    per_minute = Whole(allow_none=True, metadata={"description": LIMIT})
    created_at = Instant()
    expires_at = Instant(allow_none=True)
    revoked_at = Instant(allow_none=True)
    last_used_at = Instant(allow_none=True, metadata={"description": "To the minute."})


class NewCredentialAnswer(CredentialAnswer):
    """A credential that was just made."""

    secret = text("Told this once.")


class CredentialsAnswer(Answered):
    """A page of credentials."""

    credentials = fields.List(fields.Nested(CredentialAnswer))
    cursor = fields.String(
        allow_none=True, metadata={"description": "Leads on; null ends."}
    )


@BLUEPRINT.get("/credentials")
@BLUEPRINT.arguments(PageQuery, location="query")
@BLUEPRINT.response(200, CredentialsAnswer)
@allow("credential", scope="credentials/read")
def list_credentials(query: dict[str, Any]) -> dict[str, Any]:
    """The credentials of the caller's record store, newest first."""
    size = query["limit"]
    place = position(query.get("cursor"), of=LIST)
    after = None
    if place is not None:
        after = (datetime.fromisoformat(place["at"]), UUID(place["id"]))
    with reading(parts().engine) as db:
        tenant = callers.current_credential().tenant_id
        found = find_credentials(db, tenant=tenant, after=after, limit=size + 1)
        shown = _shown(db, found[:size])
    more = None
    if len(found) > size:
        last = found[size - 1]
        more = cursor_to(
            {"at": last.created_at.isoformat(), "id": str(last.id)}, of=LIST
        )
    return {"credentials": shown, "cursor": more}


@BLUEPRINT.post("/credentials")
@BLUEPRINT.arguments(CredentialBody)
@BLUEPRINT.response(201, NewCredentialAnswer, headers=LOCATION)
@allow("credential", scope="credentials/write")
def create_a_credential(body: dict[str, Any]) -> tuple[dict[str, Any], int, Any]:
    """A new credential with its secret, which is told this once."""
    caller = callers.current_credential()
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
    place = url_for(".show_a_credential", credential_id=issued.id)
    return shown | {"secret": issued.secret}, 201, {"Location": place}


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
@BLUEPRINT.response(200, CredentialAnswer)
@allow("credential", scope="credentials/read")
def show_a_credential(credential_id: UUID) -> dict[str, Any]:
    """One credential."""
    with reading(parts().engine) as db:
        (shown,) = _shown(db, [_own(db, credential_id)])
    return shown


@BLUEPRINT.delete("/credentials/<uuid:credential_id>")
@BLUEPRINT.response(204)
@allow("credential", scope="credentials/write")
def revoke_a_credential(credential_id: UUID) -> None:
    """Refuse a credential and its tokens from now on; statements stay."""
    with writing(parts().engine) as db:
        key = _own(db, credential_id).key
        revoke_credential(db, key=key, now=datetime.now(UTC))
    _log("a credential was revoked", key)


def _log(what: str, key: str) -> None:
    caller = callers.current_credential()
    log.warning(
        what, extra={"tenant": caller.tenant_id, "credential": caller.key, "key": key}
    )


def _own(db: Session, credential_id: UUID) -> Credential:
    """The credential, if it is the caller's tenant's; raises NotFound."""
    tenant = callers.current_credential().tenant_id
    return get_credential(db, credential_id=credential_id, tenant=tenant)


def _shown(db: Session, credentials: list[Credential]) -> list[dict[str, Any]]:
    """The credentials as the API shows them."""
    used = last_uses(db, credentials=[one.id for one in credentials])
    names = CredentialAnswer().fields.keys() - {"last_used_at"}
    return [
        {name: getattr(one, name) for name in names}
        | {"last_used_at": used.get(one.id)}
        for one in credentials
    ]
