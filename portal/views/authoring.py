"""The author's pages: upload a package, see what was found, confirm roles, publish."""

import re
import uuid
from datetime import datetime
from typing import Any

from flask import flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from lrs.config import Config
from lrs.db import reading, writing
from lrs.rules.terms import day_of, start_of_day
from lrs.tables import MAIN_TENANT
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import (
    Package,
    find_courses,
    find_packages,
    get_package,
    manifest_of,
)
from packages.manifest import Manifest, standard_text
from packages.roles import propose_roles
from portal import offers, words
from portal.access import POSITIONS, roles_for
from portal.catalogue import POLICIES, TRANSFERS, offer_at
from portal.schemas import PublishForm, load_form
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in
from statements.errors import Conflict, Invalid, NotFound

BLUEPRINT = page_blueprint("authoring")

STATUSES = {
    "queued": ("open", "Waiting"),
    "importing": ("open", "Importing"),
    "imported": ("done", "Ready"),
    "rejected": ("bad", "Cannot be used"),
}
SEVERITIES = {
    "error": ("bad", "Stops the import"),
    "warning": ("ask", "Look at this"),
    "repair": ("open", "Mended"),
    "info": ("", "For your information"),
}
PARTS_OFFERED = 3


@BLUEPRINT.get("/authoring")
@allow("role", *roles_for("packages.manage"))
def show_packages() -> str:
    with reading(parts().engine) as db:
        rows = [_package(package) for package in find_packages(db)]
    return render("authoring/packages.html", packages=rows)


def _package(package: Package) -> dict[str, Any]:
    tone, text = STATUSES[package.status]
    return {
        "id": package.id,
        "title": package.title,
        "filename": package.filename,
        "status": package.status,
        "status_text": text,
        "tone": tone,
        "progress": package.progress,
        "standard_text": standard_text(package.standard, package.edition),
        "size_text": size_text(package.size),
        "created_text": words.instant_in(package.created_at, parts().config.timezone),
    }


def size_text(size: int) -> str:
    """A number of bytes as people say it."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000 or unit == "MB":
            break
        size = round(size / 1000)
    return f"{size:,} {unit}"


def _own(package: Package) -> Package:
    """The package, if of the portal's own tenant."""
    if package.tenant_id != MAIN_TENANT:
        raise NotFound
    return package


@BLUEPRINT.get("/authoring/packages/<uuid:package_id>")
@allow("role", *roles_for("packages.manage"))
def show_package(package_id: uuid.UUID) -> str:
    return _package_page(package_id)


def _package_page(
    package_id: uuid.UUID, form: dict[str, Any] | None = None, problem: str = ""
) -> str:
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        package = _own(get_package(db, package_id=package_id))
        values: dict[str, Any] = {}
        if package.status == "imported":
            values = _publishing(db, config, package, form, now)
        return render(
            "authoring/package.html",
            package=_package(package),
            findings=[_finding(finding) for finding in package.findings],
            published=_published(db, config, package, now),
            problem=problem,
            zone=config.timezone,
            **values,
        )


def _finding(finding: dict[str, Any]) -> dict[str, Any]:
    tone, text = SEVERITIES.get(finding["severity"], ("", finding["severity"]))
    return {**finding, "tone": tone, "severity_text": text}


def _published(
    db: Session, config: Config, package: Package, now: datetime
) -> dict[str, Any] | None:
    known = offers.published_as(db, package=package)
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
        "units": _unit_rows(manifest, form),
        "inner": _inner_rows(form),
        "guesses": [one.part for one in propose_roles(manifest) if one.part][:6],
        "unit_choices": [(str(unit.index), unit.title) for unit in manifest.units],
        "role_choices": list(offers.ROLES.items()),
        "part_role_choices": list(offers.PART_ROLES.items()),
        "part_kinds": list(offers.PART_KINDS.items()),
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


def _unit_rows(manifest: Manifest, form: dict[str, Any] | None) -> list[dict[str, Any]]:
    proposed = {one.unit: one for one in propose_roles(manifest) if one.part is None}
    rows = []
    for unit in manifest.units:
        proposal = proposed.get(unit.index)
        role = proposal.role if proposal else "unit"
        given = (form or {}).get(f"role-{unit.index}")
        rows.append(
            {
                "key": unit.index,
                "title": unit.title,
                "role": given or role,
                "why": proposal.why if proposal else "",
            }
        )
    return rows


def _inner_rows(form: dict[str, Any] | None) -> list[dict[str, Any]]:
    given = form or {}
    return [
        {
            name: given.get(f"part-{place}-{name}", "")
            for name in ("unit", "kind", "part", "role")
        }
        | {"place": place}
        for place in range(PARTS_OFFERED)
    ]


@BLUEPRINT.post("/authoring/packages/<uuid:package_id>/publish")
@allow("role", *roles_for("courses.publish"))
def publish(package_id: uuid.UUID) -> BaseResponse | tuple[str, int]:
    config, now = parts().config, clock()
    given: dict[str, Any] = request.form.to_dict()
    given["audience"] = request.form.getlist("audience")
    try:
        values = load_form(PublishForm(), given)
        with writing(parts().engine) as db:
            package = _own(get_package(db, package_id=package_id))
            version = offers.publish(
                db,
                config=config,
                package=package,
                publication=_publication(config, given, values),
                by=signed_in().id,
                now=now,
            )
            course_id = version.course_id
            is_open = _is_open(db, config, course_id, now)
    except offers.AlreadyPublished:
        return _second_click(package_id)
    except (Invalid, Conflict) as error:
        blank = {name: given.get(name, "") for name in ("course", "hours", "credit")}
        return _package_page(package_id, blank | given, error.detail), 400
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
        package = _own(get_package(db, package_id=package_id))
        known = offers.published_as(db, package=package)
        if known is None:
            raise offers.AlreadyPublished
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
) -> offers.Publication:
    roles = {
        int(found[1]): str(value)
        for name, value in given.items()
        if (found := re.fullmatch(r"role-(\d{1,5})", name))
    }
    audience = values["audience"]
    return offers.Publication(
        title=values["title"],
        description=values["description"] or "",
        course_id=values["course"],
        roles=roles,
        parts=_inner_parts(given),
        policy=values["policy"],
        hours=values["hours"],
        credit=values["credit"],
        transfer=values["transfer"],
        audience=() if set(audience) == set(POSITIONS) else audience,
        effective_from=start_of_day(values["effective"], config.timezone),
    )


def _inner_parts(given: dict[str, Any]) -> list[offers.PartRole]:
    """Tests inside a unit, where the author named some."""
    found = []
    for row in _inner_rows(given):
        if str(row["part"]).strip():
            unit = str(row["unit"])
            found.append(
                offers.PartRole(
                    unit=int(unit) if re.fullmatch(r"\d{1,5}", unit) else -1,
                    kind=str(row["kind"]),
                    part=str(row["part"]),
                    role=str(row["role"]),
                )
            )
    return found
