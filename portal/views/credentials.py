"""The operator's pages of credentials: which there are, a new one, an end to one.

A secret is shown in the answer that makes it and never again; the form names the
credential before it is made, so that loading the answer again makes no second one.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from lrs.credentials import (
    MAX_PER_MINUTE,
    MEANINGS,
    Credential,
    create_credential,
    end_of,
    find_credentials,
    get_credential,
    revoke_credential,
    state_of,
)
from lrs.db import reading, writing
from lrs.limits import last_uses
from lrs.rules.terms import day_of, start_of_day
from lrs.tenants import find_tenant, find_tenants
from lrs.views.access import allow
from lrs.views.application import parts
from portal import words
from portal.access import roles_for
from portal.audit import record_act
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in
from statements.errors import Conflict, Invalid, NotFound

BLUEPRINT = page_blueprint("credentials_pages")

# the scopes as people choose them
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Statements", ("statements/write", "statements/read/mine", "statements/read")),
    (
        "Documents and definitions",
        (
            "state",
            "state/read",
            "profile",
            "profile/read",
            "define",
            "activities/read",
            "agents/read",
        ),
    ),
    (
        "Packages and launches",
        (
            "packages/read",
            "packages/write",
            "launches/read",
            "launches/write",
            "registrations/read",
            "registrations/write",
        ),
    ),
    ("Everything", ("all/read", "all")),
    (
        "Apart, never a part of everything",
        (
            "pretest/read",
            "statements/void",
            "credentials/read",
            "credentials/write",
        ),
    ),
)
# what xAPI presumes of a client that names no scope
PRESUMED = ("statements/write", "statements/read/mine")
STATES = {
    "open": ("done", "Open"),
    "expired": ("", "Expired"),
    "revoked": ("bad", "Revoked"),
}
SHOWN_SCOPES = 3


@BLUEPRINT.get("/admin/credentials")
@allow("role", *roles_for("credentials.manage"))
def show_credentials() -> str:
    with reading(parts().engine) as db:
        rows = _rows(db, find_credentials(db))
    return render(
        "admin/credentials.html",
        open=[row for row in rows if row["state"] == "open"],
        past=[row for row in rows if row["state"] != "open"],
    )


@BLUEPRINT.get("/admin/credentials/new")
@allow("role", *roles_for("credentials.manage"))
def new_credential() -> str:
    return _form({"id": str(uuid.uuid4()), "scopes": PRESUMED})


def _form(form: dict[str, Any], problem: str = "", field: str = "") -> str:
    with reading(parts().engine) as db:
        tenants = [(one.name, one.name) for one in find_tenants(db)]
    return render(
        "admin/credential_new.html",
        form=form,
        problem=problem,
        field=field,
        tenants=tenants,
        groups=GROUPS,
        meanings=MEANINGS,
        largest=MAX_PER_MINUTE,
        zone=parts().config.timezone,
    )


@BLUEPRINT.post("/admin/credentials/new")
@allow("role", *roles_for("credentials.manage"))
def add_credential() -> tuple[str, int] | Response:
    form, now = request.form, clock()
    scopes = form.getlist("scopes")
    chosen = _chosen_id(form.get("id", ""))
    try:
        with writing(parts().engine) as db:
            issued = create_credential(
                db,
                tenant=find_tenant(db, name=form.get("tenant") or "main").id,
                name=form.get("name", ""),
                home_page=parts().config.portal_url,
                now=now,
                scopes=scopes,
                expires_at=_last_day(form.get("expires_at", "").strip()),
                per_minute=_limit(form.get("per_minute", "").strip()),
                credential_id=chosen,
            )
            (row,) = _rows(db, [get_credential(db, credential_id=issued.id)])
            record_act(
                db,
                user_id=signed_in().id,
                action="credential.made",
                subject="credential",
                subject_id=issued.id,
                detail={"name": row["name"], "scopes": sorted(set(scopes))},
                now=now,
            )
    except (Invalid, NotFound) as error:
        given = form.to_dict() | {"scopes": scopes}
        return _form(given, error.detail, str(error.extra.get("field", ""))), 400
    except Conflict as error:
        flash(error.detail, "ask")
        return redirect(f"/admin/credentials/{chosen}")
    page = render(
        "admin/credential_made.html",
        credential=row,
        secret=issued.secret,
        address=f"{parts().config.portal_url}/xapi",
    )
    return page, 201


@BLUEPRINT.get("/admin/credentials/<uuid:credential_id>")
@allow("role", *roles_for("credentials.manage"))
def show_credential(credential_id: uuid.UUID) -> str:
    return _page("admin/credential.html", credential_id)


@BLUEPRINT.get("/admin/credentials/<uuid:credential_id>/revoke")
@allow("role", *roles_for("credentials.manage"))
def confirm_revoking(credential_id: uuid.UUID) -> str:
    return _page("admin/credential_revoke.html", credential_id)


def _page(template: str, credential_id: uuid.UUID) -> str:
    with reading(parts().engine) as db:
        (row,) = _rows(db, [get_credential(db, credential_id=credential_id)])
    return render(template, credential=row, meanings=MEANINGS)


@BLUEPRINT.post("/admin/credentials/<uuid:credential_id>/revoke")
@allow("role", *roles_for("credentials.manage"))
def revoke(credential_id: uuid.UUID) -> Response:
    now = clock()
    with writing(parts().engine) as db:
        credential = get_credential(db, credential_id=credential_id)
        if credential.revoked_at is None:
            revoke_credential(db, key=credential.key, now=now)
            record_act(
                db,
                user_id=signed_in().id,
                action="credential.revoked",
                subject="credential",
                subject_id=credential_id,
                detail={"name": credential.name},
                now=now,
            )
        name = credential.name
    flash(f"The credential of {name} is refused from now on.", "done")
    return redirect("/admin/credentials")


def _rows(db: Session, credentials: list[Credential]) -> list[dict[str, Any]]:
    """Credentials as the pages show them."""
    zone, now = parts().config.timezone, clock()
    used = last_uses(db, credentials=[one.id for one in credentials])
    tenants = {one.id: one.name for one in find_tenants(db)}
    return [
        {
            "id": one.id,
            "name": one.name,
            "key": one.key,
            "tenant": tenants[one.tenant_id],
            "is_one_of_many": len(tenants) > 1,
            "scopes": [scope for scope in MEANINGS if scope in one.scopes],
            "scopes_text": _scopes_text(one.scopes),
            "per_minute": one.per_minute,
            "made": words.day_in(one.created_at, zone),
            "ends": _end(one.expires_at, zone),
            "revoked": _moment(one.revoked_at, zone),
            "used": _used(used.get(one.id), zone),
            "state": (state := state_of(one, now=now)),
            "tone": STATES[state][0],
            "state_text": STATES[state][1],
        }
        for one in credentials
    ]


def _scopes_text(scopes: list[str]) -> str:
    """The first scopes, and how many more there are."""
    named = [scope for scope in MEANINGS if scope in scopes]
    rest = len(named) - SHOWN_SCOPES
    more = [f"{rest} more"] if rest > 0 else []
    return ", ".join(named[:SHOWN_SCOPES] + more)


def _moment(instant: datetime | None, zone: str) -> str:
    return "" if instant is None else words.instant_in(instant, zone)


def _end(instant: datetime | None, zone: str) -> str:
    """The last day where it is whole, else the instant."""
    if instant is None:
        return ""
    if instant == start_of_day(day_of(instant, zone), zone):
        return f"After {words.day_in(instant - timedelta(seconds=1), zone)}"
    return words.instant_in(instant, zone)


def _used(instant: datetime | None, zone: str) -> str:
    """To the minute; what is more exact would not be true."""
    return "Never" if instant is None else words.instant_in(instant, zone)


def _last_day(given: str) -> datetime | None:
    return end_of(given, zone=parts().config.timezone) if given else None


def _limit(given: str) -> int | None:
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > len("1000000"):
        raise Invalid(
            f"A limit is a number of requests from 1 to {MAX_PER_MINUTE:,}.",
            field="per_minute",
        )
    return int(given)


def _chosen_id(given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError:
        raise Invalid("The form is not one of ours; load the page again.") from None
