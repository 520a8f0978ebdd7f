"""The author's pages of a version: its parts, its servers, what changes, publishing."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from lrs.db import reading, writing
from lrs.problems import status_of
from lrs.views.access import allow
from lrs.views.application import parts
from packages.changes import compare
from packages.courses import (
    CourseVersion,
    find_versions,
    get_numbered,
    get_package,
    manifest_of,
)
from packages.hosts import allow_hosts, find_allowed, needed_hosts
from packages.manifest import standard_text
from player.urls import course_iri
from portal import checklist, releases, words
from portal.access import roles_for
from portal.assessments import known_roles
from portal.audit import record_act
from portal.views.authoring import own_course
from portal.views.courses import STATES
from portal.views.pages import clock, page_blueprint, render
from portal.views.roles import form_values, read_parts, read_roles
from portal.views.signin import signed_in
from statements.errors import Conflict, DomainError, Invalid

BLUEPRINT = page_blueprint("versions")

MOST_SHOWN = 200
# larger numbers are no versions, and no database takes them
PLACE = "/authoring/courses/<uuid:course_id>/versions/<int(max=999999999):number>"


def _address(course_id: uuid.UUID, number: int) -> str:
    return f"/authoring/courses/{course_id}/versions/{number}"


def _version(db: Session, course_id: uuid.UUID, number: int) -> CourseVersion:
    """The version, if of a course of the portal's own; else NotFound."""
    course = own_course(db, course_id)
    return get_numbered(db, course_id=course.id, number=number)


@BLUEPRINT.get(PLACE)
@allow("role", *roles_for("packages.manage"))
def show(course_id: uuid.UUID, number: int) -> str:
    return _page(course_id, number)


def _page(
    course_id: uuid.UUID,
    number: int,
    *,
    given: dict[str, Any] | None = None,
    sent: Sequence[str] | None = None,
    problem: str = "",
    place: str = "",
) -> str:
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        course = own_course(db, course_id)
        version = _version(db, course_id, number)
        package = get_package(db, package_id=version.package_id)
        versions = find_versions(db, course_id=course.id)
        items = checklist.check(
            db, config=config, course=course, version=version, now=now
        )
        tone, state = STATES[version.state]
        known = known_roles(
            db, config=config, course_id=course.id, revision=str(number)
        )
        allowed = sent
        if allowed is None:
            allowed = [row.host for row in find_allowed(db, version_id=version.id)]
        needed = needed_hosts(package)
        values: dict[str, Any] = {"units": []}
        if package.status == "imported":
            values = form_values(
                manifest_of(package),
                given=given if place == "roles" else None,
                known=known,
                course_iri=course_iri(config, course.id),
            )
        return render(
            "authoring/version.html",
            course=course,
            version=version,
            package=package,
            standard=standard_text(package.standard, package.edition),
            tone=tone,
            state=state,
            learners=releases.learners_on(db, course_id=course.id).get(version.id, 0),
            others=[one.number for one in versions if one.number != number],
            current=next(
                (one.number for one in versions if one.state == "published"), None
            ),
            missing=[one for one in items if one.is_required and not one.is_met],
            hosts=[(host, host in allowed) for host in needed],
            more_hosts="\n".join(host for host in allowed if host not in needed),
            problem=problem,
            place=place,
            **values,
        )


@BLUEPRINT.get(f"{PLACE}/<any(roles, hosts, publish, retire, discard):act>")
@allow("role", *roles_for("packages.manage"))
def show_after(course_id: uuid.UUID, number: int, act: str) -> BaseResponse:
    """To the version's page, which a refusal shows under this address."""
    del act
    return redirect(_address(course_id, number))


@BLUEPRINT.post(f"{PLACE}/roles")
@allow("role", *roles_for("courses.publish"))
def confirm(course_id: uuid.UUID, number: int) -> BaseResponse | tuple[str, int]:
    given = request.form.to_dict()
    try:
        with writing(parts().engine) as db:
            releases.confirm_roles(
                db,
                config=parts().config,
                version=_version(db, course_id, number),
                roles=read_roles(given),
                parts=read_parts(given),
                by=signed_in().id,
                now=clock(),
            )
    except (Invalid, Conflict) as error:
        return _refused(course_id, number, error, place="roles", given=given)
    flash("Confirmed. Scores of a pre-test are shown to nobody.", "done")
    return redirect(_address(course_id, number))


@BLUEPRINT.post(f"{PLACE}/hosts")
@allow("role", *roles_for("courses.publish"))
def allow_servers(course_id: uuid.UUID, number: int) -> BaseResponse | tuple[str, int]:
    me, now = signed_in(), clock()
    hosts = [*request.form.getlist("host"), *request.form.get("more", "").split()]
    try:
        with writing(parts().engine) as db:
            version = _version(db, course_id, number)
            kept = allow_hosts(
                db, version_id=version.id, hosts=hosts, by=str(me.id), now=now
            )
            record_act(
                db,
                user_id=me.id,
                action="hosts.allowed",
                subject="course",
                subject_id=course_id,
                detail={"version": number, "hosts": list(kept)},
                now=now,
            )
    except Invalid as error:
        return _refused(course_id, number, error, place="hosts", sent=hosts)
    flash("Kept. It holds for every launch at once.", "done")
    return redirect(_address(course_id, number))


@BLUEPRINT.post(f"{PLACE}/publish")
@allow("role", *roles_for("courses.publish"))
def publish(course_id: uuid.UUID, number: int) -> BaseResponse | tuple[str, int]:
    try:
        with writing(parts().engine) as db:
            releases.release(
                db,
                config=parts().config,
                version=_version(db, course_id, number),
                by=signed_in().id,
                now=clock(),
            )
    except Conflict as error:
        return _refused(course_id, number, error, place="publish")
    flash(f"Version {number} is published. Who began before stays on theirs.", "done")
    return redirect(f"/authoring/courses/{course_id}")


@BLUEPRINT.post(f"{PLACE}/retire")
@allow("role", *roles_for("courses.publish"))
def retire(course_id: uuid.UUID, number: int) -> BaseResponse | tuple[str, int]:
    try:
        with writing(parts().engine) as db:
            version = _version(db, course_id, number)
            releases.retire(db, version=version, by=signed_in().id, now=clock())
    except Conflict as error:
        return _refused(course_id, number, error)
    flash("The course is out of the catalog. Who is enrolled goes on.", "done")
    return redirect(f"/authoring/courses/{course_id}")


@BLUEPRINT.post(f"{PLACE}/discard")
@allow("role", *roles_for("courses.publish"))
def discard(course_id: uuid.UUID, number: int) -> BaseResponse | tuple[str, int]:
    try:
        with writing(parts().engine) as db:
            version = _version(db, course_id, number)
            releases.discard(db, version=version, by=signed_in().id, now=clock())
    except Conflict as error:
        return _refused(course_id, number, error)
    flash(f"The draft of version {number} is discarded.", "done")
    return redirect(f"/authoring/courses/{course_id}")


def _refused(
    course_id: uuid.UUID,
    number: int,
    error: DomainError,
    *,
    place: str = "",
    given: dict[str, Any] | None = None,
    sent: Sequence[str] | None = None,
) -> tuple[str, int]:
    """The page again, with the reason and what was sent."""
    page = _page(
        course_id, number, given=given, sent=sent, problem=error.detail, place=place
    )
    return page, status_of(error)


@BLUEPRINT.get(f"{PLACE}/changes/<int(max=999999999):before>")
@allow("role", *roles_for("packages.manage"))
def changes(course_id: uuid.UUID, number: int, before: int) -> str:
    """What learners get with a version instead of another."""
    with reading(parts().engine) as db:
        course = own_course(db, course_id)
        newer = _version(db, course_id, number)
        older = _version(db, course_id, before)
        found = compare(
            db,
            before=get_package(db, package_id=older.package_id),
            after=get_package(db, package_id=newer.package_id),
        )
        learners = releases.learners_on(db, course_id=course.id)
        versions = find_versions(db, course_id=course.id)
        sizes = [sum(getattr(one, side) or 0 for one in found.files) for side in SIDES]
        return render(
            "authoring/changes.html",
            course=course,
            newer=newer,
            older=older,
            found=found,
            files=found.files[:MOST_SHOWN],
            left_out=max(0, len(found.files) - MOST_SHOWN),
            grown=sizes[1] - sizes[0],
            staying=[
                (one.number, words.count_text(learners[one.id], "learner"))
                for one in versions
                if one.id != newer.id and learners.get(one.id)
            ],
            kinds=KINDS,
        )


SIDES = ("before", "after")
KINDS = {
    "added": ("done", "New"),
    "removed": ("bad", "Gone"),
    "changed": ("ask", "Changed"),
}
