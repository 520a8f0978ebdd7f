"""The training manager's pages: the own agency's learners, credit, certificates."""

import uuid
from typing import Any

from flask import request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lrs.db import reading
from lrs.views.access import allow
from lrs.views.application import parts
from portal import enrolments, users
from portal.access import POSITIONS, require, roles_for
from portal.certificates import Certificate, find_certificates
from portal.enrolments import Enrolment
from portal.standings import standings_of
from portal.training import CreditChart, credit_of
from portal.views.learning import credit_pages
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in
from statements.errors import NotFound

BLUEPRINT = page_blueprint("managers")


def own_learner(db: Session, user_id: uuid.UUID) -> users.User:
    """The user, if of the manager's agency; else NotFound, as if there were none."""
    user = users.get_user(db, user_id=user_id)
    if user.agency_id is None:
        raise NotFound
    require(signed_in().principal, "learners.view", agency=user.agency_id)
    return user


def _counts(db: Session, column: Any, ids: list[uuid.UUID], *where: Any) -> Any:
    query = select(column, func.count()).where(column.in_(ids), *where).group_by(column)
    return {key: count for key, count in db.execute(query)}  # noqa: C416 - rows


@BLUEPRINT.get("/agency/learners")
@allow("role", *roles_for("learners.view"))
def learners() -> str:
    config, me, now = parts().config, signed_in(), clock()
    text = request.args.get("q", "")[:100]
    term = enrolments.current_term(config, now).id
    with reading(parts().engine) as db:
        people = (
            users.find_people(db, agency_id=me.agency_id, text=text)
            if me.agency_id
            else []
        )
        ids = [person.user.id for person in people]
        credit = credit_of(db, config=config, user_ids=ids, now=now)
        certificates = _counts(db, Certificate.user_id, ids)
        done = set(
            db.scalars(
                select(Certificate.enrolment_id).where(Certificate.user_id.in_(ids))
            )
        )
        active = _counts(
            db,
            Enrolment.user_id,
            ids,
            Enrolment.term == term,
            Enrolment.dropped_at.is_(None),
            Enrolment.id.not_in(done),
        )
        present = {
            user_id: CreditChart(cycles[0])
            for user_id, cycles in credit.items()
            if cycles
        }
        rows = [
            {
                "id": person.user.id,
                "name": person.user.name,
                "position": POSITIONS[person.user.position],
                "active": active.get(person.user.id, 0),
                "certificates": certificates.get(person.user.id, 0),
                "credit": present[person.user.id].total_text
                if person.user.id in present
                else "0",
                "is_met": person.user.id in present and present[person.user.id].is_met,
            }
            for person in people
        ]
    one = next(iter(present.values()), None)
    return render(
        "managers/learners.html",
        learners=rows,
        limit=users.LIST_LIMIT,
        text=text,
        cycle_label=one.label if one else "",
        required_text=one.required_text if one else "",
    )


@BLUEPRINT.get("/agency/learners/<uuid:user_id>")
@allow("role", *roles_for("learners.view"))
def learner(user_id: uuid.UUID) -> str:
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        user = own_learner(db, user_id)
        found = enrolments.find_enrolments(db, user_id=user_id, with_dropped=True)
        credit = credit_of(db, config=config, user_ids=[user_id], now=now)[user_id]
        return render(
            "managers/learner.html",
            learner=user,
            positions=POSITIONS,
            credit=CreditChart(credit[0]) if credit else None,
            courses=standings_of(db, config=config, enrolments=found, now=now),
            certificates=find_certificates(db, user_ids=[user_id]),
        )


@BLUEPRINT.get("/agency/learners/<uuid:user_id>/credit")
@allow("role", *roles_for("learners.view"))
def learner_credit(user_id: uuid.UUID) -> str:
    config, now = parts().config, clock()
    with reading(parts().engine) as db:
        user = own_learner(db, user_id)
        return render(
            "learning/credit.html",
            learner=user,
            zone=config.timezone,
            cycles=credit_pages(db, config, user_id, now),
        )
