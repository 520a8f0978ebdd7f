"""The learner's pages: active courses, catalogue, course, launch, Honor Code, credit."""

import re
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from lrs.config import Config
from lrs.db import reading, writing
from lrs.rules.catalogue import get_course_rows
from lrs.rules.explain import NOW_AND_EVER
from lrs.tables import MAIN_TENANT
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import Course, get_course, get_package, get_version, manifest_of
from player.launches import open_first
from player.urls import course_iri, unit_iri
from portal import catalogue, enrolments, honor, offers, users, words
from portal.access import Principal, require, roles_for
from portal.certificates import find_certificates
from portal.documents import find_documents
from portal.enrolments import Enrolment
from portal.standings import Standing, standing_of, standings_of
from portal.training import CreditChart, credit_of
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in
from statements.errors import Conflict, NotEligible, NotFound

BLUEPRINT = page_blueprint("learning")

UNIT = re.compile(r"[0-9]{1,5}")


class NotNow(Conflict):
    """The course cannot be opened at present."""


def term_words(config: Config, now: datetime) -> dict[str, str]:
    """The current term as pages name it."""
    term = enrolments.current_term(config, now)
    return {"label": term.id, "end_text": words.day_text(term.last_day)}


def own_enrolment(
    db: Session, principal: Principal, enrolment_id: uuid.UUID
) -> Enrolment:
    """The enrolment, if it is the person's own; else NotFound."""
    enrolment = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
    require(principal, "courses.learn", owner=enrolment.user_id)
    return enrolment


@BLUEPRINT.get("/my/courses")
@allow("role", *roles_for("courses.learn"))
def dashboard() -> str:
    config, me, now = parts().config, signed_in(), clock()
    with reading(parts().engine) as db:
        found = enrolments.find_enrolments(db, user_id=me.id)
        certificates = find_certificates(db, user_ids=[me.id])
        shown = standings_of(db, config=config, enrolments=found, now=now)
        credit = credit_of(db, config=config, user_ids=[me.id], now=now)[me.id]
        term = term_words(config, now)
        return render(
            "learning/dashboard.html",
            term=term,
            active=[
                one
                for one in shown
                if one.term == term["label"]
                and not (one.is_done and one.certificate_id)
            ],
            certificates=certificates,
            credit=CreditChart(credit[0]) if credit else None,
        )


@BLUEPRINT.get("/courses")
@allow("role", *roles_for("courses.browse"))
def show_catalogue() -> str:
    config, me, now = parts().config, signed_in(), clock()
    term = term_words(config, now)
    with reading(parts().engine) as db:
        mine = {
            row.course_id: row
            for row in enrolments.find_enrolments(db, user_id=me.id)
            if row.term == term["label"]
        }
        cards = []
        for listing in catalogue.find_listings(db, config=config, now=now):
            enrolment = mine.get(listing.course_id)
            standing = (
                standings_of(db, config=config, enrolments=[enrolment], now=now)[0]
                if enrolment
                else None
            )
            cards.append(
                {
                    "listing": listing,
                    "standing": standing,
                    "refusal": listing.refusal_for(me.position),
                }
            )
    return render("learning/catalogue.html", cards=cards, term=term)


@BLUEPRINT.get("/courses/<uuid:course_id>")
@allow("role", *roles_for("courses.browse"))
def course_page(course_id: uuid.UUID) -> str:
    config, me, now = parts().config, signed_in(), clock()
    with reading(parts().engine) as db:
        return render(
            "learning/course.html", **_course_page(db, config, me, course_id, now)
        )


def _course_page(
    db: Session, config: Config, me: Any, course_id: uuid.UUID, now: datetime
) -> dict[str, Any]:
    found = enrolments.find_enrolments(db, user_id=me.id, course_id=course_id)
    term = term_words(config, now)
    current = next((row for row in found if row.term == term["label"]), None)
    listing = _find_listing(db, config, course_id, now)
    if listing is None and not found:
        raise catalogue.NotListed
    course = get_course(db, course_id=course_id)
    shown = standings_of(db, config=config, enrolments=found, now=now)
    standing = next((one for one in shown if current and one.id == current.id), None)
    return {
        "course": course,
        "listing": listing,
        "standing": standing,
        "term": term,
        "documents": [
            document
            for document in find_documents(db, course_id=course_id)
            if found or document.audience == "everyone"
        ],
        "refusal": (
            "It is not in the catalog at present."
            if listing is None
            else listing.refusal_for(me.position)
        ),
        "earlier": [one for one in shown if standing is None or one.id != standing.id],
    }


def _find_listing(
    db: Session, config: Config, course_id: uuid.UUID, now: datetime
) -> catalogue.Listing | None:
    try:
        return catalogue.get_listing(db, config=config, course_id=course_id, now=now)
    except NotFound:
        return None


@BLUEPRINT.post("/courses/<uuid:course_id>/enrol")
@allow("role", *roles_for("courses.enrol"))
def enrol(course_id: uuid.UUID) -> Response:
    config, me, now = parts().config, signed_in(), clock()
    with writing(parts().engine) as db:
        listing = catalogue.get_listing(db, config=config, course_id=course_id, now=now)
        user = users.get_user(db, user_id=me.id)
        enrolments.enrol(db, config=config, user=user, listing=listing, now=now)
        title = listing.title
    flash(f"You are enrolled in {title}.", "done")
    return redirect(f"/courses/{course_id}")


@BLUEPRINT.post("/enrolments/<uuid:enrolment_id>/drop")
@allow("role", *roles_for("courses.learn"))
def drop(enrolment_id: uuid.UUID) -> Response:
    config, now = parts().config, clock()
    with writing(parts().engine) as db:
        enrolment = own_enrolment(db, signed_in().principal, enrolment_id)
        title = enrolment.course_title
        [standing] = standings_of(db, config=config, enrolments=[enrolment], now=now)
        if standing.is_done:
            raise NotNow("A completed course stays as it is; it cannot be dropped.")
        enrolments.drop(db, config=config, enrolment=enrolment, now=now)
    flash(f"You have dropped {title}. What you did stays on record.", "done")
    return redirect("/my/courses")


@BLUEPRINT.post("/enrolments/<uuid:enrolment_id>/launch")
@allow("role", *roles_for("courses.learn"))
def launch(enrolment_id: uuid.UUID) -> Response:
    config, me, now = parts().config, signed_in(), clock()
    chosen = request.form.get("unit", "")
    with writing(parts().engine) as db:
        enrolment = own_enrolment(db, me.principal, enrolment_id)
        certificate = find_certificates(db, enrolment_ids=[enrolment.id])
        standing = standing_of(
            db,
            config=config,
            enrolment=enrolment,
            certificate=certificate[0] if certificate else None,
            now=now,
        )
        if not (standing.may_launch or standing.may_review):
            raise NotNow(standing.next)
        offer = catalogue.offer_at(
            db, config=config, course_id=enrolment.course_id, now=now
        )
        if standing.may_launch and offer is not None:
            refusal = catalogue.refusal(offer.audience, me.position)
            if refusal:
                raise NotEligible(refusal)
        version = get_version(db, version_id=enrolment.course_version_id)
        package = get_package(db, package_id=version.package_id)
        opened = open_first(
            db,
            config=config,
            package=package,
            units=[int(chosen)] if UNIT.fullmatch(chosen) else next_units(standing),
            course_iri=course_iri(config, enrolment.course_id),
            revision=enrolment.revision,
            actor=users.actor_of(me.id, portal_url=config.portal_url),
            registration=enrolment.registration,
            mode="Normal" if standing.may_launch else "Review",
            mastery=mastery_of(
                db, config, enrolment, offer.policy if offer else "", now
            ),
            return_url=f"{config.portal_url}/courses/{enrolment.course_id}",
            now=now,
            learner_name=me.name,
            course_title=enrolment.course_title,
        )
    return redirect(opened.url)


def next_units(standing: Standing) -> list[int]:
    """What to go on with: units that are not finished first, then the others."""
    units = sorted(standing.units, key=lambda unit: unit.is_done)
    return [unit.index for unit in units] or [0]


def mastery_of(
    db: Session, config: Config, enrolment: Enrolment, policy: str, now: datetime
) -> dict[int, Decimal]:
    """The policy's threshold for each unit that is the confirmed post-test."""
    threshold = offers.threshold_at(policy, now, zone=config.timezone)
    if threshold is None:
        return {}
    course = course_iri(config, enrolment.course_id)
    rows = get_course_rows(db, tenant=MAIN_TENANT, course_iri=course)
    tests = {
        role.iri
        for role in rows.shape(enrolment.revision, NOW_AND_EVER).roles
        if role.confirmed and role.role == "posttest"
    }
    version = get_version(db, version_id=enrolment.course_version_id)
    manifest = manifest_of(get_package(db, package_id=version.package_id))
    return {
        unit.index: threshold
        for unit in manifest.units
        if unit_iri(course, unit.slug) in tests
    }


@BLUEPRINT.get("/enrolments/<uuid:enrolment_id>/attest")
@allow("role", *roles_for("courses.learn"))
def honor_code(enrolment_id: uuid.UUID) -> str | Response:
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        enrolment = own_enrolment(db, signed_in().principal, enrolment_id)
        [standing] = standings_of(db, config=config, enrolments=[enrolment], now=now)
        if standing.action != "attest":
            return redirect(f"/courses/{enrolment.course_id}")
        offer = catalogue.offer_at(
            db, config=config, course_id=enrolment.course_id, now=now
        )
        return render(
            "learning/attest.html",
            course={"id": enrolment.course_id, "title": enrolment.course_title},
            text=honor.text_at(now, zone=config.timezone),
            hours_text=words.hours_text(offer.hours if offer else None),
        )


@BLUEPRINT.post("/enrolments/<uuid:enrolment_id>/attest")
@allow("role", *roles_for("courses.learn"))
def attest(enrolment_id: uuid.UUID) -> Response:
    config, now = parts().config, clock()
    with writing(parts().engine) as db:
        enrolment = own_enrolment(db, signed_in().principal, enrolment_id)
        course_id = enrolment.course_id
        [standing] = standings_of(db, config=config, enrolments=[enrolment], now=now)
        if standing.action == "attest":
            honor.attest(
                db,
                config=config,
                enrolment=enrolment,
                version=request.form.get("version", ""),
                answer=request.form.get("answer", ""),
                now=now,
            )
    return redirect(f"/courses/{course_id}")


@BLUEPRINT.get("/my/credit")
@allow("role", *roles_for("credit.view"))
def my_credit() -> str:
    config, me, now = parts().config, signed_in(), clock()
    with reading(parts().engine) as db:
        return render(
            "learning/credit.html",
            learner=None,
            zone=config.timezone,
            cycles=credit_pages(db, config, me.id, now),
        )


def credit_pages(
    db: Session, config: Config, user_id: uuid.UUID, now: datetime
) -> list[dict[str, Any]]:
    """The chart and the awards of each cycle, for the credit page."""
    return [
        {
            "chart": CreditChart(credit),
            "awards": [
                {
                    "title": _title_of(db, entry.course_iri),
                    "day": words.day_in(entry.at, entry.zone),
                    "policy": catalogue.RULES.get(entry.policy, entry.policy),
                    "hours_text": words.plain(entry.credit),
                }
                for entry in credit.entries
            ],
        }
        for credit in credit_of(db, config=config, user_ids=[user_id], now=now)[user_id]
    ]


def _title_of(db: Session, iri: str) -> str:
    """The title of one of our courses by its IRI; else the IRI itself."""
    try:
        course = db.get(Course, uuid.UUID(iri.rpartition("/")[2]))
    except ValueError:
        course = None
    return course.title if course else iri
