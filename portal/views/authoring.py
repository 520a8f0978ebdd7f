"""The author's first page, and that of a package: what was found, what becomes of it."""

import uuid
from datetime import datetime
from typing import Any

from flask import flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from lrs.config import Config
from lrs.db import reading, writing
from lrs.jobs import enqueue
from lrs.problems import status_of
from lrs.rules.terms import day_of, start_of_day
from lrs.tables import MAIN_TENANT
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import (
    Course,
    CourseVersion,
    Package,
    delete_package,
    find_courses,
    find_packages,
    find_uses,
    find_versions,
    get_course,
    get_package,
    manifest_of,
)
from packages.hosts import needed_hosts
from packages.manifest import Manifest, standard_text
from packages.roles import propose_roles
from portal import doctor, releases, words
from portal.access import POSITIONS, roles_for
from portal.audit import record_act
from portal.catalogue import POLICIES, TRANSFERS, offer_at
from portal.checklist import NotReady
from portal.schemas import PublishForm, load_form
from portal.views.pages import clock, page_blueprint, render
from portal.views.roles import form_values, read_parts, read_roles
from portal.views.signin import signed_in
from statements.errors import Conflict, Invalid, NotFound

BLUEPRINT = page_blueprint("authoring")

# packages on one page
PAGE = 50
# where the form that publishes tells what is wrong with them
FIELDS = frozenset({"title", "hours", "credit", "effective"})
STATUSES = {
    "queued": ("open", "Waiting"),
    "importing": ("open", "Importing"),
    "imported": ("done", "Ready"),
    "rejected": ("bad", "Cannot be used"),
    "cancelled": ("", "Cancelled"),
}


@BLUEPRINT.get("/authoring")
@allow("role", *roles_for("packages.manage"))
def show_packages() -> str:
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        after = request.args.get("after", "")
        last = own_package(db, parse_id(after)) if after else None
        found = find_packages(
            db, after=(last.created_at, last.id) if last else None, limit=PAGE + 1
        )
        rows = [_package(package) for package in found[:PAGE]]
        courses = [_course(db, config, course, now) for course in find_courses(db)]
    return render(
        "authoring/packages.html",
        packages=rows,
        courses=courses,
        is_first=last is None,
        older=rows[-1]["id"] if len(found) > PAGE else None,
    )


def _package(package: Package) -> dict[str, Any]:
    is_cancelled = package.status == "rejected" and doctor.was_cancelled(
        package.findings
    )
    status = "cancelled" if is_cancelled else package.status
    tone, text = STATUSES[status]
    return {
        "id": package.id,
        "title": package.title,
        "filename": package.filename,
        "sha256": package.sha256,
        "status": status,
        "status_text": text,
        "tone": tone,
        "progress": package.progress,
        "standard_text": standard_text(package.standard, package.edition),
        "size_text": words.size_text(package.size),
        "created_text": words.instant_in(package.created_at, parts().config.timezone),
    }


def _course(
    db: Session, config: Config, course: Course, now: datetime
) -> dict[str, Any]:
    versions = find_versions(db, course_id=course.id)
    current = next((one for one in versions if one.state == "published"), None)
    tone, text = course_state(db, config, course, versions, now)
    drafts = [one for one in versions if one.state == "draft"]
    learners = sum(releases.learners_on(db, course_id=course.id).values())
    return {
        "id": course.id,
        "title": course.title,
        "tone": tone,
        "state": text,
        "version": f"Version {current.number}" if current else "",
        "drafts": len(drafts),
        "learners": learners,
    }


def course_state(
    db: Session,
    config: Config,
    course: Course,
    versions: Any,
    now: datetime,
) -> tuple[str, str]:
    """Tone and words of where a course stands."""
    states = {version.state for version in versions}
    if "published" in states:
        if offer_at(db, config=config, course_id=course.id, now=now) is None:
            return "open", "Published, offered later"
        return "done", "In the catalog"
    if "retired" in states:
        return "", "Out of the catalog"
    return "ask", "Not published"


def own_package(db: Session, package_id: uuid.UUID) -> Package:
    """The package, if of the portal's own tenant and not deleted; else NotFound."""
    package = get_package(db, package_id=package_id)
    if package.tenant_id != MAIN_TENANT or package.status == "deleted":
        raise NotFound
    return package


def own_course(db: Session, course_id: uuid.UUID) -> Course:
    """The course, if of the portal's own tenant; else NotFound."""
    course = get_course(db, course_id=course_id)
    if course.tenant_id != MAIN_TENANT:
        raise NotFound
    return course


@BLUEPRINT.get("/authoring/packages/<uuid:package_id>")
@allow("role", *roles_for("packages.manage"))
def show_package(package_id: uuid.UUID) -> str:
    return _package_page(package_id)


def _package_page(
    package_id: uuid.UUID,
    form: dict[str, Any] | None = None,
    problem: str = "",
    field: str = "",
) -> str:
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        package = own_package(db, package_id)
        uses = find_uses(db, package_id=package.id)
        values: dict[str, Any] = {"tree": [], "facts": []}
        if package.manifest is not None and package.status == "imported":
            values = _publishing(db, config, package, form, now)
        return render(
            "authoring/package.html",
            package=_package(package),
            groups=doctor.group_findings(package.findings),
            found=len(package.findings),
            needed=needed_hosts(package),
            uses=[_use(course, version) for course, version in uses],
            published=_published(db, config, package, now),
            problem=problem,
            field=field if field in FIELDS else "",
            zone=config.timezone,
            **values,
        )


def _use(course: Course, version: CourseVersion) -> dict[str, Any]:
    return {
        "href": f"/authoring/courses/{course.id}/versions/{version.number}",
        "title": course.title,
        "number": version.number,
        "state": version.state,
    }


def _published(
    db: Session, config: Config, package: Package, now: datetime
) -> dict[str, Any] | None:
    known = releases.published_as(db, package=package)
    if known is None:
        return None
    course, version = known
    return {
        "course_id": course.id,
        "title": course.title,
        "number": version.number,
        "is_open": _is_open(db, config, course.id, now),
    }


def _publishing(
    db: Session,
    config: Config,
    package: Package,
    form: dict[str, Any] | None,
    now: datetime,
) -> dict[str, Any]:
    manifest = manifest_of(package)
    courses = [(str(course.id), course.title) for course in find_courses(db)]
    return {
        "form": form or _first_form(config, package, manifest, now),
        **form_values(manifest, given=form),
        "tree": doctor.tree_of(manifest),
        "facts": doctor.facts_of(manifest),
        "courses": [("", "A new course"), *courses] if courses else [],
        "policies": list(POLICIES.items()),
        "transfers": list(TRANSFERS.items()),
        "positions": list(POSITIONS.items()),
    }


def _first_form(
    config: Config, package: Package, manifest: Manifest, now: datetime
) -> dict[str, Any]:
    has_posttest = any(
        one.role == "posttest" and one.part is None for one in propose_roles(manifest)
    )
    return {
        "course": "",
        "title": package.title or manifest.title,
        "description": manifest.description,
        "hours": "",
        "credit": "",
        "policy": "cops.certificate" if has_posttest else "post.credit",
        "transfer": "credit",
        "audience": list(POSITIONS),
        "effective": day_of(now, config.timezone).isoformat(),
    }


@BLUEPRINT.get("/authoring/packages/<uuid:package_id>/<any(publish, delete):act>")
@allow("role", *roles_for("packages.manage"))
def show_after(package_id: uuid.UUID, act: str) -> BaseResponse:
    """To the package's page, which a refusal shows under this address."""
    del act
    return redirect(f"/authoring/packages/{package_id}")


@BLUEPRINT.post("/authoring/packages/<uuid:package_id>/publish")
@allow("role", *roles_for("courses.publish"))
def publish(package_id: uuid.UUID) -> BaseResponse | tuple[str, int]:
    config, now = parts().config, clock()
    given: dict[str, Any] = request.form.to_dict()
    given["audience"] = request.form.getlist("audience")
    try:
        values = load_form(PublishForm(), given)
        with writing(parts().engine) as db:
            package = own_package(db, package_id)
            if values["course"] is not None:
                own_course(db, values["course"])
            releases.check_named(manifest_of(package), read_roles(given))
            version = releases.publish(
                db,
                config=config,
                package=package,
                publication=_publication(config, given, values),
                by=signed_in().id,
                now=now,
            )
            course_id = version.course_id
            is_open = _is_open(db, config, course_id, now)
    except releases.AlreadyPublished:
        return _second_click(package_id)
    except (Invalid, Conflict) as error:
        blank = {name: given.get(name, "") for name in ("course", "hours", "credit")}
        field = str(error.extra.get("field", ""))
        if isinstance(error, NotReady):
            field = error.field
        return _package_page(package_id, blank | given, error.detail, field), 400
    opens = start_of_day(values["effective"], config.timezone)
    if opens > now:
        day = words.day_in(opens, config.timezone)
        told = "The offer is in force" if is_open else "Learners can enroll"
        flash(f"Published. {told} from {day} on.", "done")
    else:
        flash("Published. Learners can enroll now.", "done")
    return redirect(
        f"/courses/{course_id}" if is_open else f"/authoring/packages/{package_id}"
    )


def _is_open(db: Session, config: Config, course_id: uuid.UUID, now: datetime) -> bool:
    """Whether the course has a page in the catalog already."""
    offer = offer_at(db, config=config, course_id=course_id, now=now)
    return offer is not None


def _second_click(package_id: uuid.UUID) -> BaseResponse:
    """To the course that the package became a moment ago."""
    with reading(parts().engine) as db:
        package = own_package(db, package_id)
        known = releases.published_as(db, package=package)
        if known is None:
            raise releases.AlreadyPublished
        is_open = _is_open(db, parts().config, known[0].id, clock())
    flash(
        "It was published already. To change how it is offered, choose this course "
        "at “Publish as” on the package's page.",
        "ask",
    )
    return redirect(
        f"/courses/{known[0].id}" if is_open else f"/authoring/packages/{package_id}"
    )


def _publication(
    config: Config, given: dict[str, Any], values: dict[str, Any]
) -> releases.Publication:
    audience = values["audience"]
    return releases.Publication(
        title=values["title"],
        description=values["description"] or "",
        course_id=values["course"],
        roles=read_roles(given),
        parts=read_parts(given),
        policy=values["policy"],
        hours=values["hours"],
        credit=values["credit"],
        transfer=values["transfer"],
        audience=() if set(audience) == set(POSITIONS) else audience,
        effective_from=start_of_day(values["effective"], config.timezone),
    )


@BLUEPRINT.post("/authoring/packages/<uuid:package_id>/course")
@allow("role", *roles_for("courses.publish"))
def work_on_course(package_id: uuid.UUID) -> BaseResponse:
    """The package as a draft: of a course that there is, or of a new one."""
    me, now = signed_in(), clock()
    chosen = request.form.get("course", "")
    with writing(parts().engine) as db:
        package = own_package(db, package_id)
        if chosen:
            course_id = own_course(db, parse_id(chosen)).id
            version = releases.add(
                db, course_id=course_id, package_id=package.id, by=me.id, now=now
            )
            tell_added(version)
        else:
            title = package.title or package.filename
            course_id = releases.start_course(
                db, package=package, title=title[:200], by=me.id, now=now
            ).id
            flash("The course is a draft. Nobody sees it yet.", "done")
    return redirect(f"/authoring/courses/{course_id}")


def tell_added(version: CourseVersion) -> None:
    """Say what became of a package that was added to a course."""
    if version.state == "draft":
        flash(
            f"Version {version.number} is a draft. Confirm what its parts are.", "done"
        )
    else:
        flash(f"This package is version {version.number} of the course already.", "ask")


def parse_id(text: str) -> uuid.UUID:
    """The id in a form's field; raises NotFound."""
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound from error


@BLUEPRINT.post("/authoring/packages/<uuid:package_id>/delete")
@allow("role", *roles_for("packages.manage"))
def delete(package_id: uuid.UUID) -> BaseResponse | tuple[str, int]:
    me, now = signed_in(), clock()
    try:
        with writing(parts().engine) as db:
            package = own_package(db, package_id)
            name = package.title or package.filename
            delete_package(db, package=package)
            enqueue(db, "package.delete", {"package": str(package_id)}, run_at=now)
            record_act(
                db,
                user_id=me.id,
                action="package.deleted",
                subject="package",
                subject_id=package_id,
                detail={"sha256": package.sha256},
                now=now,
            )
    except Conflict as error:
        return _package_page(package_id, problem=error.detail), status_of(error)
    flash(f"{name} is deleted. Records of it are kept.", "done")
    return redirect("/authoring")
