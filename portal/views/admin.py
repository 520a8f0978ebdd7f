"""The operator's pages: users, agencies, health, and the log."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from lrs.db import reading, writing
from lrs.jobs import Follower, Job
from lrs.tables import MAIN_TENANT, Clock
from lrs.views.access import allow
from lrs.views.application import parts
from player.launches import end_person
from player.previews import end_previews
from portal import agencies, users, words
from portal.access import POSITIONS, ROLES, roles_for
from portal.audit import AuditEntry, find_acts, record_act
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in
from statements.errors import Conflict, Invalid

BLUEPRINT = page_blueprint("admin")


@BLUEPRINT.get("/admin/users")
@allow("role", *roles_for("users.manage"))
def show_users() -> str:
    text = request.args.get("q", "")[:100]
    with reading(parts().engine) as db:
        people = users.find_people(db, text=text)
        return render(
            "admin/users.html",
            people=people,
            text=text,
            roles=ROLES,
            limit=users.LIST_LIMIT,
        )


@BLUEPRINT.get("/admin/users/new")
@allow("role", *roles_for("users.manage"))
def new_user() -> str:
    return _user_form({"position": "sworn", "role": "learner"})


def _user_form(form: dict[str, Any], problem: str = "", field: str = "") -> str:
    with reading(parts().engine) as db:
        known = [("", "None"), *((a.slug, a.name) for a in agencies.find_agencies(db))]
    return render(
        "admin/user_new.html",
        form=form,
        problem=problem,
        field=field,
        agencies=known,
        positions=POSITIONS.items(),
        roles=ROLES.items(),
    )


@BLUEPRINT.post("/admin/users/new")
@allow("role", *roles_for("users.manage"))
def add_user() -> str | tuple[str, int] | Response:
    form, now = request.form, clock()
    try:
        with writing(parts().engine) as db:
            wanted = form.get("agency", "")
            agency = agencies.find_agency(db, name=wanted) if wanted else None
            user = users.create_user(
                db,
                email=form.get("email", ""),
                name=form.get("name", ""),
                password=form.get("password", ""),
                roles=[form.get("role", "")],
                agency=agency,
                position=form.get("position", ""),
                now=now,
            )
            record_act(
                db,
                user_id=signed_in().id,
                action="user.added",
                subject="user",
                subject_id=user.id,
                detail={"role": form.get("role", "")},
                now=now,
            )
            name = user.name
    except (Invalid, Conflict) as error:
        field = str(error.extra.get("field", ""))
        return _user_form(form.to_dict(), error.detail, field), 400
    flash(f"{name} can sign in now.", "done")
    return redirect("/admin/users")


@BLUEPRINT.get("/admin/users/<uuid:user_id>")
@allow("role", *roles_for("users.manage"))
def show_user(user_id: uuid.UUID) -> str:
    return _user_page(user_id)


def _user_page(
    user_id: uuid.UUID,
    form: dict[str, Any] | None = None,
    problem: str = "",
    field: str = "",
) -> str:
    with reading(parts().engine) as db:
        person = users.person_with(db, user=users.get_user(db, user_id=user_id))
        known = [("", "None"), *((a.slug, a.name) for a in agencies.find_agencies(db))]
        return render(
            "admin/user.html",
            person=person,
            form=form
            or {
                "name": person.user.name,
                "agency": person.agency.slug if person.agency else "",
                "position": person.user.position,
                "roles": person.roles,
            },
            problem=problem,
            field=field,
            agencies=known,
            positions=POSITIONS.items(),
            roles=ROLES.items(),
            acts=_act_rows(db, find_acts(db, subject_id=user_id, limit=20)),
        )


@BLUEPRINT.post("/admin/users/<uuid:user_id>")
@allow("role", *roles_for("users.manage"))
def change_user(user_id: uuid.UUID) -> tuple[str, int] | Response:
    form, now = request.form, clock()
    roles = frozenset(form.getlist("roles"))
    if user_id == signed_in().id and "operator" not in roles:
        message = "You cannot take the operator's role from yourself."
        raise Conflict(message)
    try:
        with writing(parts().engine) as db:
            wanted = form.get("agency", "")
            users.change_user(
                db,
                user=users.get_user(db, user_id=user_id),
                name=form.get("name", ""),
                roles=roles,
                agency=agencies.find_agency(db, name=wanted) if wanted else None,
                position=form.get("position", ""),
            )
            if "author" not in roles:
                end_previews(db, opened_by=str(user_id))
            record_act(
                db,
                user_id=signed_in().id,
                action="user.changed",
                subject="user",
                subject_id=user_id,
                detail={"roles": sorted(roles), "agency": wanted},
                now=now,
            )
    except Invalid as error:
        given = form.to_dict() | {"roles": roles}
        field = str(error.extra.get("field", ""))
        return _user_page(user_id, given, error.detail, field), 400
    flash("The changes are kept.", "done")
    return redirect(f"/admin/users/{user_id}")


@BLUEPRINT.post("/admin/users/<uuid:user_id>/password")
@allow("role", *roles_for("users.manage"))
def set_password(user_id: uuid.UUID) -> tuple[str, int] | Response:
    try:
        with writing(parts().engine) as db:
            user = users.get_user(db, user_id=user_id)
            users.set_password(user, password=request.form.get("password", ""))
            record_act(
                db,
                user_id=signed_in().id,
                action="user.password_set",
                subject="user",
                subject_id=user_id,
                now=clock(),
            )
    except Invalid as error:
        return _user_page(user_id, None, error.detail, "password"), 400
    flash("The new password holds from now on. Hand it over in person.", "done")
    return redirect(f"/admin/users/{user_id}")


@BLUEPRINT.post("/admin/users/<uuid:user_id>/<any(open, close):act>")
@allow("role", *roles_for("users.manage"))
def set_active(user_id: uuid.UUID, act: str) -> Response:
    if user_id == signed_in().id:
        message = "You cannot close your own account."
        raise Conflict(message)
    with writing(parts().engine) as db:
        user = users.get_user(db, user_id=user_id)
        users.set_active(user, active=act == "open")
        record_act(
            db,
            user_id=signed_in().id,
            action="user.opened" if act == "open" else "user.closed",
            subject="user",
            subject_id=user_id,
            now=clock(),
        )
        name = user.name
        if act == "close":
            actor = users.actor_of(user.id, portal_url=parts().config.portal_url)
            end_person(db, config=parts().config, actor=actor, now=clock())
            end_previews(db, opened_by=str(user.id))
    done = "is open again" if act == "open" else "is closed, and signed out everywhere"
    flash(f"The account of {name} {done}.", "done")
    return redirect("/admin/users")


@BLUEPRINT.get("/admin/agencies")
@allow("role", *roles_for("agencies.manage"))
def show_agencies() -> str:
    return _agencies()


def _agencies(name: str = "", problem: str = "") -> str:
    with reading(parts().engine) as db:
        grouped = select(users.User.agency_id, func.count()).group_by(
            users.User.agency_id
        )
        counts = {key: count for key, count in db.execute(grouped)}  # noqa: C416 - rows
        administered = set(
            db.scalars(
                select(users.User.agency_id)
                .join(users.UserRole, users.UserRole.user_id == users.User.id)
                .where(users.UserRole.role == "lp_administrator", users.User.active)
            )
        )
        rows = [
            {
                "name": agency.name,
                "slug": agency.slug,
                "users": counts.get(agency.id, 0),
                "has_administrator": agency.id in administered,
            }
            for agency in agencies.find_agencies(db)
        ]
    return render(
        "admin/agencies.html", agencies=rows, form={"name": name}, problem=problem
    )


@BLUEPRINT.post("/admin/agencies")
@allow("role", *roles_for("agencies.manage"))
def add_agency() -> tuple[str, int] | Response:
    name, now = request.form.get("name", ""), clock()
    try:
        with writing(parts().engine) as db:
            agency = agencies.create_agency(db, name=name, now=now)
            record_act(
                db,
                user_id=signed_in().id,
                action="agency.added",
                subject="agency",
                subject_id=agency.id,
                now=now,
            )
    except (Invalid, Conflict) as error:
        return _agencies(name, error.detail), 400
    flash("The agency is added.", "done")
    return redirect("/admin/agencies")


@BLUEPRINT.get("/admin/health")
@allow("role", *roles_for("health.view"))
def show_health() -> str:
    with reading(parts().engine) as db:
        return render("admin/health.html", **_health(db))


def _health(db: Session) -> dict[str, Any]:
    zone = parts().config.timezone
    seq = db.scalar(select(Clock.seq).where(Clock.tenant_id == MAIN_TENANT)) or 0
    read = db.scalar(
        select(func.min(Follower.seq)).where(Follower.tenant_id == MAIN_TENANT)
    )
    waiting = db.scalar(
        select(func.count()).select_from(Job).where(Job.done_at.is_(None))
    )
    failing = db.scalars(
        select(Job)
        .where(Job.done_at.is_(None), Job.failure.is_not(None))
        .order_by(Job.created_at)
        .limit(50)
    )
    engine = parts().engine.dialect.name
    facts = [
        ("Statements", f"{seq:,}"),
        ("Not yet judged by the rules", f"{seq - (read or 0):,}"),
        ("Jobs waiting", f"{waiting:,}"),
        ("Database", "PostgreSQL" if engine == "postgresql" else "SQLite"),
        ("Storage", "S3" if parts().config.storage_url.startswith("s3:") else "Files"),
        ("Zone", zone),
    ]
    jobs = [
        {
            "kind": job.kind,
            "since": words.instant_in(job.created_at, zone),
            "tries": job.tries,
            "failure": (job.failure or "").strip().rpartition("\n")[2][:200],
        }
        for job in failing
    ]
    return {"facts": facts, "jobs": jobs}


@BLUEPRINT.get("/admin/audit")
@allow("role", *roles_for("audit.view"))
def show_audit() -> str:
    with reading(parts().engine) as db:
        return render("admin/audit.html", acts=_act_rows(db, find_acts(db)))


def _act_rows(db: Session, acts: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    """Acts as the pages show them, with the names of who did them."""
    zone = parts().config.timezone
    ids = {act.user_id for act in acts if act.user_id is not None}
    names = {
        user.id: user.name
        for user in db.scalars(select(users.User).where(users.User.id.in_(ids)))
    }
    return [
        {
            "when": words.moment_in(act.at, zone),
            "who": _who(names, act.user_id),
            "action": act.action,
            "subject": act.subject,
            "subject_id": act.subject_id,
        }
        for act in acts
    ]


def _who(names: dict[uuid.UUID, str], user_id: uuid.UUID | None) -> str:
    return names.get(user_id, "The portal") if user_id else "The portal"
