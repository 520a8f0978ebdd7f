"""The author's page of a course: checklist, what it says, how it is offered, versions."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import flash, redirect, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from lrs.config import Config
from lrs.db import reading, writing
from lrs.problems import status_of
from lrs.rules.tables import Offer
from lrs.rules.terms import day_of, in_force, start_of_day
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import (
    CourseVersion,
    Package,
    find_packages,
    find_versions,
    get_package,
)
from packages.manifest import standard_text
from player.launches import PLAYABLE
from portal import checklist, offers, releases, words
from portal.access import POSITIONS, roles_for
from portal.audit import find_acts, record_act
from portal.catalogue import POLICIES, TRANSFERS, approval_lines, audience_text
from portal.documents import ACCEPT, AUDIENCES, find_documents
from portal.schemas import ApprovalForm, CourseForm, OfferForm, load_form
from portal.users import User
from portal.views.authoring import (
    course_state,
    own_course,
    own_package,
    parse_id,
    tell_added,
)
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in
from statements.errors import Conflict, Invalid

BLUEPRINT = page_blueprint("courses")

# packages that can be chosen from; older ones are added on their own page
MOST_CHOICES = 500
STATES = {
    "draft": ("ask", "Draft"),
    "published": ("done", "Published"),
    "retired": ("", "Retired"),
}
ACTS = {
    "course.created": "Course begun",
    "course.changed": "Description changed",
    "course.offered": "Offer added",
    "course.published": "Published",
    "course.retired": "Taken out of the catalog",
    "version.added": "Version added",
    "version.discarded": "Draft discarded",
    "roles.confirmed": "Parts confirmed",
    "hosts.allowed": "Other servers changed",
    "document.added": "Document added",
    "document.removed": "Document taken away",
}


@BLUEPRINT.post("/authoring/courses")
@allow("role", *roles_for("courses.publish"))
def begin() -> BaseResponse:
    """A course before it has a package."""
    values = load_form(CourseForm(), request.form.to_dict())
    with writing(parts().engine) as db:
        course_id = releases.start_course(
            db, package=None, title=values["title"], by=signed_in().id, now=clock()
        ).id
    return redirect(f"/authoring/courses/{course_id}")


@BLUEPRINT.get("/authoring/courses/<uuid:course_id>")
@allow("role", *roles_for("packages.manage"))
def show(course_id: uuid.UUID) -> str:
    return course_page(course_id)


def course_page(
    course_id: uuid.UUID, *, document: Mapping[str, str] | None = None
) -> str:
    """The page; `document` is what was sent of one that is refused, with `problem`."""
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        course = own_course(db, course_id)
        versions = find_versions(db, course_id=course.id)
        subject = subject_of(versions)
        items = checklist.check(
            db, config=config, course=course, version=subject, now=now
        )
        found = offers.find_offers(db, config=config, course_id=course.id)
        present = in_force(list(found)[::-1], now)
        tone, state = course_state(db, config, course, versions, now)
        taken = {version.package_id for version in versions}
        return render(
            "authoring/course.html",
            course=course,
            tone=tone,
            state=state,
            in_catalog=state == "In the catalog",
            subject=subject,
            items=[_item(course.id, subject, item) for item in items],
            is_ready=all(item.is_met for item in items if item.is_required),
            offer=_offer(config, present, present, now) if present else None,
            coming=[
                _offer(config, row, present, now)
                for row in found
                if row.effective_from > now
            ],
            versions=_versions(db, config, course.id, versions),
            packages=[
                (str(one.id), _choice(config, one))
                for one in find_packages(db, status="imported", limit=MOST_CHOICES)
                if one.id not in taken and one.standard in PLAYABLE
            ],
            documents=find_documents(db, course_id=course.id),
            document=document or {},
            audiences=list(AUDIENCES.items()),
            accept=ACCEPT,
            acts=_acts(db, config, course.id),
        )


def subject_of(versions: Sequence[CourseVersion]) -> CourseVersion | None:
    """The version that an author works on: the newest draft, else the published one."""
    for state in ("draft", "published", "retired"):
        for version in versions:
            if version.state == state:
                return version
    return None


def _choice(config: Config, package: Package) -> str:
    """A package to choose: what it is called, its file, and when it was uploaded."""
    day = words.day_in(package.created_at, config.timezone)
    return f"{package.title or package.filename} ({package.filename}, {day})"


def _item(
    course_id: uuid.UUID, version: CourseVersion | None, item: checklist.Item
) -> dict[str, Any]:
    course = f"/authoring/courses/{course_id}"
    number = "" if version is None else f"{version.number}"
    package = "" if version is None else f"/authoring/packages/{version.package_id}"
    places = {
        "about": f"{course}/about",
        "offers": f"{course}/offers",
        "documents": f"{course}#documents",
        "versions": f"{course}#versions",
        "version": f"{course}/versions/{number}",
        "package": package,
    }
    if item.is_met:
        tone, mark = "done", "check"
    else:
        tone, mark = ("bad", "cross") if item.is_required else ("", "clock")
    return {
        "title": item.title,
        "text": item.text,
        "is_met": item.is_met,
        "is_required": item.is_required,
        "mark": mark,
        "tone": tone,
        "href": places[item.place],
    }


def _versions(
    db: Session,
    config: Config,
    course_id: uuid.UUID,
    versions: Sequence[CourseVersion],
) -> list[dict[str, Any]]:
    learners = releases.learners_on(db, course_id=course_id)
    rows = []
    for version in versions:
        package = get_package(db, package_id=version.package_id)
        tone, text = STATES[version.state]
        rows.append(
            {
                "number": version.number,
                "title": package.title or package.filename,
                "filename": package.filename,
                "standard": standard_text(package.standard, package.edition),
                "tone": tone,
                "state": text,
                "learners": learners.get(version.id, 0),
                "added": words.day_in(version.created_at, config.timezone),
                "published": words.day_in(version.published_at, config.timezone)
                if version.published_at
                else "",
            }
        )
    return rows


def _acts(db: Session, config: Config, course_id: uuid.UUID) -> list[dict[str, str]]:
    acts = find_acts(db, subject_id=course_id, limit=12)
    ids = {act.user_id for act in acts if act.user_id is not None}
    names = {
        user.id: user.name for user in db.scalars(select(User).where(User.id.in_(ids)))
    }
    return [
        {
            "text": ACTS.get(act.action, act.action),
            "number": str(act.detail.get("version", "")),
            "who": names.get(act.user_id, "") if act.user_id else "",
            "when": words.instant_in(act.at, config.timezone),
        }
        for act in acts
    ]


@BLUEPRINT.get("/authoring/courses/<uuid:course_id>/about")
@allow("role", *roles_for("packages.manage"))
def about(course_id: uuid.UUID) -> str:
    with reading(parts().engine) as db:
        course = own_course(db, course_id)
        form = {
            "title": course.title,
            "description": course.description,
            "objectives": "\n".join(course.objectives),
            "provider": course.provider,
            "contact": course.contact,
        }
        return render("authoring/about.html", course=course, form=form, problem="")


@BLUEPRINT.post("/authoring/courses/<uuid:course_id>/about")
@allow("role", *roles_for("courses.publish"))
def keep_about(course_id: uuid.UUID) -> BaseResponse | tuple[str, int]:
    given = request.form.to_dict()
    try:
        values = load_form(CourseForm(), given)
    except Invalid as error:
        with reading(parts().engine) as db:
            course = own_course(db, course_id)
            page = render(
                "authoring/about.html",
                course=course,
                form=given,
                problem=error.detail,
                field=error.extra.get("field", ""),
            )
        return page, 400
    lines = (values["objectives"] or "").splitlines()
    with writing(parts().engine) as db:
        course = own_course(db, course_id)
        course.title = values["title"]
        course.description = values["description"] or ""
        course.objectives = [text for line in lines if (text := line.strip(" \t•-*"))]
        course.provider = values["provider"] or ""
        course.contact = values["contact"] or ""
        record_act(
            db,
            user_id=signed_in().id,
            action="course.changed",
            subject="course",
            subject_id=course.id,
            detail={"title": course.title},
            now=clock(),
        )
    flash("Kept. The catalog shows it at once.", "done")
    return redirect(f"/authoring/courses/{course_id}")


@BLUEPRINT.post("/authoring/courses/<uuid:course_id>/versions")
@allow("role", *roles_for("courses.publish"))
def add_version(course_id: uuid.UUID) -> BaseResponse:
    me, now = signed_in(), clock()
    with writing(parts().engine) as db:
        course = own_course(db, course_id)
        package = own_package(db, parse_id(request.form.get("package", "")))
        version = releases.add(
            db, course_id=course.id, package_id=package.id, by=me.id, now=now
        )
        number = version.number
        tell_added(version)
    return redirect(f"/authoring/courses/{course_id}/versions/{number}")


@BLUEPRINT.get("/authoring/courses/<uuid:course_id>/offers")
@allow("role", *roles_for("packages.manage"))
def show_offers(course_id: uuid.UUID) -> str:
    return _offers_page(course_id)


def _offers_page(
    course_id: uuid.UUID,
    form: dict[str, Any] | None = None,
    problem: str = "",
    field: str = "",
) -> str:
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        course = own_course(db, course_id)
        found = offers.find_offers(db, config=config, course_id=course.id)
        present = in_force(list(found)[::-1], now)
        return render(
            "authoring/offers.html",
            course=course,
            offers=[_offer(config, row, present, now) for row in found],
            form=form or _first_offer(config, next(iter(found), None), now),
            problem=problem,
            field=field,
            zone=config.timezone,
            policies=list(POLICIES.items()),
            transfers=list(TRANSFERS.items()),
            positions=list(POSITIONS.items()),
            mandates=list(offers.mandate_choices().items()),
        )


def _offer(
    config: Config, row: Offer, present: Offer | None, now: datetime
) -> dict[str, Any]:
    """An offer in words, and whether it is in force, to come, or over."""
    if present is not None and row.number == present.number:
        state, tone = "In force", "done"
    elif row.effective_from > now:
        state, tone = "To come", "open"
    else:
        state, tone = "Replaced", ""
    mandates = offers.mandate_choices()
    return {
        "state": state,
        "tone": tone,
        "from": words.day_in(row.effective_from, row.zone),
        "recorded": words.instant_in(row.recorded_at, config.timezone),
        "policy": POLICIES.get(row.policy, row.policy),
        "hours": words.hours_text(row.hours) or "Not said",
        "credit": words.credit_text(row.credit),
        "transfer": TRANSFERS.get(row.transfer, row.transfer),
        "audience": audience_text(row.audience),
        "mandates": [mandates.get(one, one) for one in row.mandates],
        "approvals": approval_lines(row.approvals),
    }


def _first_offer(config: Config, last: Offer | None, now: datetime) -> dict[str, Any]:
    """The form as the last offer has it, from today on."""
    form: dict[str, Any] = {
        "hours": "",
        "credit": "",
        "policy": "post.credit",
        "transfer": "credit",
        "audience": list(POSITIONS),
        "mandates": [],
        "effective": day_of(now, config.timezone).isoformat(),
        "approvals": [],
    }
    if last is not None:
        form |= {
            "hours": "" if last.hours is None else words.plain(last.hours),
            "credit": "" if last.credit is None else words.plain(last.credit),
            "policy": last.policy,
            "transfer": last.transfer,
            "audience": last.audience or list(POSITIONS),
            "mandates": list(last.mandates),
            "approvals": list(last.approvals),
        }
    return form | {"approvals": _approval_rows(form["approvals"])}


def _approval_rows(approvals: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    empty = {"authority": "", "reference": "", "day": ""}
    rows = [dict(one) for one in approvals]
    return [*rows, empty]


@BLUEPRINT.post("/authoring/courses/<uuid:course_id>/offers")
@allow("role", *roles_for("courses.publish"))
def add_offer(course_id: uuid.UUID) -> BaseResponse | tuple[str, int]:
    config, now = parts().config, clock()
    given: dict[str, Any] = request.form.to_dict()
    given["audience"] = request.form.getlist("audience")
    given["mandates"] = request.form.getlist("mandates")
    rows = _sent_approvals()
    try:
        values = load_form(OfferForm(), given)
        effective = start_of_day(values["effective"], config.timezone)
        audience = values["audience"]
        terms = offers.Terms(
            policy=values["policy"],
            effective_from=effective,
            hours=values["hours"],
            credit=values["credit"],
            transfer=values["transfer"],
            audience=() if set(audience) == set(POSITIONS) else audience,
            mandates=values["mandates"],
            approvals=_approvals(rows),
        )
        with writing(parts().engine) as db:
            course = own_course(db, course_id)
            offers.make_offer(
                db,
                config=config,
                course=course,
                terms=terms,
                by=signed_in().id,
                now=now,
            )
    except (Invalid, Conflict) as error:
        blank = dict.fromkeys(("hours", "credit", "policy", "transfer"), "")
        form = blank | {"effective": ""} | given | {"approvals": _approval_rows(rows)}
        field = str(error.extra.get("field", ""))
        return _offers_page(course_id, form, error.detail, field), status_of(error)
    day = words.day_in(effective, config.timezone)
    flash(f"Kept. It is in force from {day} on; what was earned before stays.", "done")
    return redirect(f"/authoring/courses/{course_id}/offers")


def _sent_approvals() -> list[dict[str, str]]:
    """The rows of the form in which anything stands."""
    columns = [
        request.form.getlist(f"approval-{name}")
        for name in ("authority", "reference", "day")
    ]
    rows = [
        {"authority": authority.strip(), "reference": reference.strip(), "day": day}
        for authority, reference, day in zip(*columns, strict=False)
    ]
    return [row for row in rows[:20] if any(row.values())]


def _approvals(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The approvals, read; raises Invalid."""
    read = [load_form(ApprovalForm(), row) for row in rows]
    return [
        {
            "authority": one["authority"],
            "reference": one["reference"] or "",
            "day": one["day"].isoformat(),
        }
        for one in read
    ]
