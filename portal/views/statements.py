"""The analyst's page: finding statements, each readable and as stored.

What is behind the pre-test wall is never found (`Filter.behind_wall` is not set).
"""

import uuid
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import request
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.db import reading
from lrs.query import Filter, Found, find_statements, get_statement, last_seq
from lrs.rules.terms import ONE_DAY, start_of_day
from lrs.tables import MAIN_TENANT
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import find_courses
from player.urls import course_iri
from portal import words
from portal.access import roles_for
from portal.views.pages import page_blueprint, render
from statements.errors import Invalid, InvalidParameter
from statements.vocabulary import VERBS

BLUEPRINT = page_blueprint("statements")

PAGE = 25
# beyond what a place in the record can be, and what a database takes as a number
LAST = 1 << 63
FIELDS = ("verb", "activity", "registration", "since", "until")


@BLUEPRINT.get("/statements")
@allow("role", *roles_for("statements.find"))
def find() -> str:
    config = parts().config
    form = {name: request.args.get(name, "").strip() for name in FIELDS}
    problem, rows, more = "", [], ""
    with reading(parts().engine) as db:
        try:
            after, newest = _place(db)
            page = find_statements(
                db,
                tenant=MAIN_TENANT,
                filter=_filter(config, form),
                limit=PAGE,
                after=after,
                newest=newest,
            )
            rows = [readable(config, found) for found in page.found]
            if page.has_more:
                given = {name: value for name, value in form.items() if value}
                place = {"after": page.found[-1].seq, "newest": newest}
                more = f"/statements?{urlencode({**given, **place})}"
        except Invalid as error:
            problem = error.detail
        courses = [
            (course.title, course_iri(config, course.id)) for course in find_courses(db)
        ]
    return render(
        "statements/find.html",
        form=form,
        problem=problem,
        statements=rows,
        more=more,
        verbs=sorted(VERBS.items()),
        courses=courses,
    )


def _place(db: Session) -> tuple[int | None, int]:
    """Where the page begins, and how far this reading reaches."""
    try:
        after = int(request.args["after"]) if "after" in request.args else None
        newest = int(request.args.get("newest", 0))
        if not 0 <= (after or 0) < LAST or not 0 <= newest < LAST:
            raise ValueError
    except ValueError:
        raise InvalidParameter("This page cannot be gone to; begin again.") from None
    return after, newest or last_seq(db, tenant=MAIN_TENANT)


def _filter(config: Config, form: dict[str, str]) -> Filter:
    try:
        registration = uuid.UUID(form["registration"]) if form["registration"] else None
    except ValueError:
        raise InvalidParameter("A registration is a UUID.") from None
    return Filter(
        verb=form["verb"] or None,
        activity=form["activity"] or None,
        related_activities=True,
        registration=registration,
        since=_day(config, form["since"]),
        until=_day(config, form["until"], after=True),
    )


def _day(config: Config, text: str, *, after: bool = False) -> datetime | None:
    """The start of a day, or of the one after it."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return start_of_day(day + ONE_DAY if after else day, config.timezone)
    except (ValueError, OverflowError):
        raise InvalidParameter("A day is written as 2026-03-02.") from None


@BLUEPRINT.get("/statements/<uuid:statement_id>")
@allow("role", *roles_for("statements.find"))
def show(statement_id: uuid.UUID) -> str:
    config = parts().config
    with reading(parts().engine) as db:
        found = get_statement(db, tenant=MAIN_TENANT, statement_id=statement_id)
    item = readable(config, found)
    statement = item["statement"]
    return render(
        "statements/statement.html",
        item=item,
        facts=_facts(config, statement, found),
        raw=orjson.dumps(
            statement,
            option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z,
        ).decode(),
    )


def readable(config: Config, found: Found) -> dict[str, Any]:
    """The statement as a sentence."""
    statement = orjson.loads(found.payload)
    return {
        "id": statement["id"],
        "when": words.moment_in(found.stored, config.timezone),
        "actor": _actor(statement["actor"]),
        "verb": _text(statement["verb"].get("display"))
        or _tail(statement["verb"]["id"]),
        "object": _object(statement["object"]),
        "result": _result(statement.get("result") or {}),
        "statement": statement,
    }


def _actor(actor: dict[str, Any]) -> str:
    if actor.get("name"):
        return str(actor["name"])
    if "account" in actor:
        return f"Learner {str(actor['account']['name'])[:8]}"
    return str(actor.get("mbox", "mailto:a learner")).removeprefix("mailto:")


def _object(value: dict[str, Any]) -> str:
    kind = value.get("objectType", "Activity")
    if kind == "Activity":
        definition = value.get("definition") or {}
        return _text(definition.get("name")) or _tail(value["id"])
    if kind in {"Agent", "Group"}:
        return _actor(value)
    return f"the statement {str(value.get('id', ''))[:8]}"


def _text(texts: dict[str, str] | None) -> str:
    """One language of a language map, English first."""
    if not texts:
        return ""
    for tag, text in texts.items():
        if tag.lower().startswith("en"):
            return text
    return next(iter(texts.values()))


def _tail(iri: str) -> str:
    return iri.rstrip("/").rpartition("/")[2] or iri


def _result(result: dict[str, Any]) -> str:
    found = []
    score = result.get("score") or {}
    if "scaled" in score:
        found.append(f"{score['scaled'] * 100:g}%")
    if "success" in result:
        found.append("passed" if result["success"] else "not passed")
    if "completion" in result:
        found.append("complete" if result["completion"] else "not complete")
    if isinstance(result.get("response"), str):
        found.append(f"“{result['response'][:60]}”")
    return ", ".join(found)


def _facts(
    config: Config, statement: dict[str, Any], found: Found
) -> list[tuple[str, str]]:
    context = statement.get("context") or {}
    facts = [
        ("Statement", str(statement["id"])),
        ("Happened", str(statement.get("timestamp", ""))),
        ("Stored", words.instant_in(found.stored, config.timezone)),
        ("Result", _result(statement.get("result") or {})),
        ("Registration", str(context.get("registration", ""))),
        ("Revision", str(context.get("revision", ""))),
        ("Activity", str(statement["object"].get("id", ""))),
    ]
    return [(name, value) for name, value in facts if value]
