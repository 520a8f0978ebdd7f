"""What became of launches: a list, each one with its log, and the log played again.

For authors (without names), training managers (their agency's learners) and operators.
"""

import csv
import io
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.db import reading
from lrs.rules.terms import ONE_DAY, start_of_day
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import find_courses
from player import history, refused
from player.calls import MARKS, Call, Step, advance
from player.history import STATES, Line, NoReplay, Sought, Wanted
from player.runtimes import runtime_of
from player.tables import SideEntry
from player.urls import course_iri
from player.views.history import call_json
from portal import words
from portal.access import may, reaches_of, require, roles_for
from portal.users import User, actor_of, find_people, get_user
from portal.views.pages import page_blueprint, render
from portal.views.signin import signed_in
from portal.views.statements import readable
from statements.actors import ifi
from statements.errors import Invalid, InvalidParameter, NotFound
from statements.scalars import format_timestamp

BLUEPRINT = page_blueprint("launches_seen")

PAGE = 50
CALLS = 200
# as many steps are made again at most, to show one
MOST_STEPS = 20_000
MOST_EXPORTED = 100_000
MOST_PEOPLE = 20_000
FIELDS = ("course", "package", "learner", "q", "since", "until")
TONES = {"open": "open", "finished": "done", "suspended": "ask"}
COLUMNS = ("seq", "at", "function", "arguments", "result", "error", "times")


def names_are_shown() -> bool:
    """Whether this person knows learners by name: their managers and operators."""
    me = signed_in().principal
    return may(me, "learners.view") or may(me, "users.manage")


def _is_named(user: User) -> bool:
    """Whether this person may know this learner by name.

    Who is an author as well as a manager sees more launches than names.
    """
    me = signed_in().principal
    return may(me, "users.manage") or may(
        me, "learners.view", owner=user.id, agency=user.agency_id
    )


def _people(db: Session, form: Mapping[str, str]) -> set[str] | None:
    """The learners that are meant and may be seen, by IFI; None for all."""
    me, everyone = (
        signed_in(),
        "any" in reaches_of(signed_in().principal, "launches.view"),
    )
    if form["learner"]:
        user = get_user(db, user_id=_id(form["learner"]))
        if not _is_named(user):
            raise NotFound
        require(me.principal, "launches.view", owner=user.id, agency=user.agency_id)
        return {_ifi(user.id)}
    if everyone and not form["q"]:
        return None
    if not names_are_shown():
        return set()
    knows_all = may(me.principal, "users.manage")
    if not knows_all and me.agency_id is None:
        return set()
    agency = None if knows_all else me.agency_id
    found = find_people(db, agency_id=agency, text=form["q"], limit=MOST_PEOPLE)
    return {_ifi(person.user.id) for person in found}


def _ifi(user_id: uuid.UUID) -> str:
    return ifi(actor_of(user_id, portal_url=parts().config.portal_url)) or ""


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidParameter("That is not an id.") from None


def _day(text: str, *, after: bool = False) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        zone = parts().config.timezone
        return start_of_day(day + ONE_DAY if after else day, zone)
    except (ValueError, OverflowError):
        raise InvalidParameter("A day is written as 2026-03-02.") from None


def _after() -> tuple[datetime, uuid.UUID] | None:
    """Where the page before ended."""
    text = request.args.get("after")
    if text is None:
        return None
    at, _, key = text.partition("~")
    try:
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC), uuid.UUID(key)
    except (ValueError, OverflowError):
        raise InvalidParameter("This page cannot be gone to; begin again.") from None


@BLUEPRINT.get("/history")
@allow("role", *roles_for("launches.view"))
def find() -> str:
    config = parts().config
    form = {name: request.args.get(name, "").strip()[:200] for name in FIELDS}
    problem, rows, more = "", [], ""
    with reading(parts().engine) as db:
        courses = [(str(one.id), one.title) for one in find_courses(db)]
        try:
            course = form["course"]
            lines = history.find_launches(
                db,
                wanted=Wanted(
                    course=course_iri(config, _id(course)) if course else None,
                    package=_id(form["package"]) if form["package"] else None,
                    people=_people(db, form),
                    since=_day(form["since"]),
                    until=_day(form["until"], after=True),
                    after=_after(),
                ),
                limit=PAGE + 1,
            )
            rows = _rows(db, lines[:PAGE])
            if len(lines) > PAGE:
                last = lines[PAGE - 1].launch
                given = {name: value for name, value in form.items() if value}
                given["after"] = f"{last.opened_at.isoformat()}~{last.id}"
                more = f"/history?{urlencode(given)}"
        except Invalid as error:
            problem = error.detail
    return render(
        "history/launches.html",
        form=form,
        courses=courses,
        names=names_are_shown(),
        launches=rows,
        more=more,
        problem=problem,
    )


def _rows(db: Session, lines: Iterable[Line]) -> list[dict[str, Any]]:
    lines, zone = list(lines), parts().config.timezone
    names = _names(db, lines)
    return [
        {
            "id": line.launch.id,
            "when": words.moment_in(line.launch.opened_at, zone),
            "learner": names[line.launch.id],
            "course": line.launch.course_title,
            "unit": line.title,
            "mode": "" if line.launch.mode == "Normal" else line.launch.mode,
            "state": STATES[line.state],
            "tone": TONES.get(line.state, ""),
            "result": _result(line),
            "time": _time_text(line),
            "findings": line.findings,
            "aside": line.aside,
        }
        for line in lines
    ]


def _names(db: Session, lines: Iterable[Line]) -> dict[uuid.UUID, str]:
    """What to call the learner of each launch, as far as this person may know."""
    home = parts().config.portal_url
    shown = may(signed_in().principal, "users.manage")
    ids: dict[uuid.UUID, uuid.UUID | None] = {}
    actors = {}
    for line in lines:
        account = line.launch.actor.get("account", {})
        own = account.get("homePage") == home
        actors[line.launch.id] = line.launch.actor
        try:
            ids[line.launch.id] = uuid.UUID(account["name"]) if own else None
        except ValueError:
            ids[line.launch.id] = None
    users = {
        user.id: user.name
        for user in db.scalars(select(User).where(User.id.in_(set(ids.values()))))
        if _is_named(user)
    }
    names = {}
    for key, user_id in ids.items():
        if user_id is None:
            named = actors[key].get("name") or str(actors[key].get("mbox", ""))[7:]
            names[key] = (shown and named) or "A learner of another system"
        elif user_id in users:
            names[key] = users[user_id]
        else:
            names[key] = f"Learner {str(user_id)[:8]}"
    return names


def _result(line: Line) -> str:
    """What the attempt amounts to now, in a few words."""
    if line.is_hidden:
        return "Complete" if line.completion == "completed" else ""
    found = {"completed": "Complete", "incomplete": "Not complete"}
    verdict = {"passed": "passed", "failed": "not passed"}.get(line.success, "")
    texts = [found.get(line.completion, ""), verdict, words.percent_text(line.scaled)]
    return ", ".join(text for text in texts if text)


def _time_text(line: Line) -> str:
    minutes, seconds = divmod(int(line.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def seen_line(db: Session, launch_id: uuid.UUID) -> Line:
    """The launch, if this person may see it; raises NotFound."""
    line = history.get_line(db, launch_id=launch_id)
    me, account = signed_in().principal, line.launch.actor.get("account", {})
    agency = None
    if account.get("homePage") == parts().config.portal_url:
        try:
            agency = db.scalar(
                select(User.agency_id).where(User.id == uuid.UUID(account["name"]))
            )
        except ValueError:
            agency = None
    # an owner that nobody is: without an agency, only who reaches all may see it
    require(me, "launches.view", agency=agency, owner=line.launch.id)
    return line


def _sought() -> tuple[Sought, dict[str, str]]:
    form = {
        name: request.args.get(name, "").strip()[:200]
        for name in ("function", "element", "errors")
    }
    sought = Sought(
        function=form["function"], element=form["element"], errors=form["errors"] == "1"
    )
    return sought, form


def _number(name: str, most: int) -> int:
    """A number of the address; raises InvalidParameter."""
    text = request.args.get(name, "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InvalidParameter("This page cannot be gone to; begin again.")
    return min(int(text), most)


@BLUEPRINT.get("/history/<uuid:launch_id>")
@allow("role", *roles_for("launches.view"))
def show(launch_id: uuid.UUID) -> str:
    config = parts().config
    sought, form = _sought()
    start = _number("from", MOST_EXPORTED)
    with reading(parts().engine) as db:
        line = seen_line(db, launch_id)
        [row] = _rows(db, [line])
        log = history.log_of(db, line, sought=sought)
        found = list(islice(log, start, start + CALLS + 1))
        aside = history.side_entries(db, launch_id=launch_id, limit=CALLS)
        has_model = runtime_of(line.launch.standard).elements is not None
        said = [] if has_model else history.statements_of(db, line)
        given = {name: value for name, value in form.items() if value}
        here = f"/history/{launch_id}"
        more = {**given, "from": start + CALLS}
        return render(
            "history/launch.html",
            launch=row,
            facts=_facts(line),
            has_model=has_model,
            can_replay=has_model and not line.is_log_hidden and line.entries > 0,
            is_hidden=line.is_log_hidden,
            calls=[_call(call, config.timezone) for call in found[:CALLS]],
            statements=[readable(config, one) for one in said],
            aside=[
                {
                    "when": words.moment_in(one.received_at, config.timezone),
                    "number": one.seq,
                    "kind": one.kind,
                    "reason": _why(one, is_hidden=line.is_log_hidden),
                    "changes": 0 if line.is_log_hidden else len(one.changes),
                }
                for one in aside
            ],
            form=form,
            more=f"{here}?{urlencode(more)}" if len(found) > CALLS else "",
            query=urlencode(given),
            start=start,
        )


def _why(one: SideEntry, *, is_hidden: bool) -> str:
    """Why it does not count; of a statement that was refused, what was wrong with it."""
    told = dict(one.changes) if one.kind == refused.KIND else {}
    if is_hidden or "detail" not in told:
        return ASIDE.get(one.reason, one.reason)
    rule = f" ({told['requirement']})" if told.get("requirement") else ""
    return f"{told['detail']}{rule}"


ASIDE = {
    "illegal_request": "The unit may not send it",
    "forbidden": "The unit may not send it",
    "superseded": "A newer launch had taken over",
    "entry_conflict": "Its number was taken by something else",
}


def _facts(line: Line) -> list[tuple[str, str]]:
    launch, zone = line.launch, parts().config.timezone
    ended = launch.ended_at
    facts = [
        ("Opened", words.moment_in(launch.opened_at, zone)),
        (
            "Last heard of",
            words.moment_in(max(launch.opened_at, launch.event_at), zone),
        ),
        ("Closed", words.moment_in(ended, zone) if ended else ""),
        ("Mode", launch.mode),
        ("Time in the unit, all launches", _time_text(line)),
        ("Result at present", _result(line)),
        ("Reports", str(line.entries or "")),
        ("Reports with something refused", str(line.findings or "")),
        ("Kept aside", str(line.aside or "")),
        ("Registration", str(launch.registration)),
        ("Launch", str(launch.id)),
    ]
    return [(name, value) for name, value in facts if value]


def _call(call: Call, zone: str) -> dict[str, Any]:
    local = words.moment_in(call.at, zone)
    return {
        "time": local.rpartition(", ")[2],
        "function": call.function,
        "arguments": call.arguments,
        "result": call.result,
        "error": call.error,
        "times": call.times,
        "is_mark": call.function in MARKS.values(),
    }


@BLUEPRINT.get("/history/<uuid:launch_id>/log.<any(csv, json):form>")
@allow("role", *roles_for("launches.view"))
def export(launch_id: uuid.UUID, form: str) -> Response:
    sought, _ = _sought()
    with reading(parts().engine) as db:
        line = seen_line(db, launch_id)
        log = islice(history.log_of(db, line, sought=sought), MOST_EXPORTED)
        rows = [call_json(call) for call in log]
    if form == "json":
        option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
        body, kind = orjson.dumps({"calls": rows}, option=option), "application/json"
    else:
        body, kind = _csv(rows), "text/csv; charset=utf-8"
    name = f"launch-{launch_id}.{form}"
    disposition = f'attachment; filename="{name}"'
    return Response(body, mimetype=kind, headers={"Content-Disposition": disposition})


def _csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(COLUMNS)
    for row in rows:
        texts = {**row, "at": format_timestamp(row["at"])}
        texts["arguments"] = " | ".join(row["arguments"])
        writer.writerow([_cell(str(texts[name])) for name in COLUMNS])
    return b"\xef\xbb\xbf" + made.getvalue().encode()


def _cell(text: str) -> str:
    """The text; spreadsheets take what begins like a formula for one."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@BLUEPRINT.get("/history/<uuid:launch_id>/replay")
@allow("role", *roles_for("launches.view"))
def play_again(launch_id: uuid.UUID) -> str:
    wanted = _number("step", MOST_STEPS)
    with reading(parts().engine) as db:
        line = seen_line(db, launch_id)
        [row] = _rows(db, [line])
        shown, total = None, 0
        differences: list[int] = []
        refusals: list[int] = []
        values: dict[str, str] = {}
        for place, step in enumerate(
            islice(history.steps_of(db, line), MOST_STEPS), start=1
        ):
            total = place
            if place <= max(wanted, 1):
                shown = step
                advance(values, step)
            if step.differs:
                differences.append(place)
            if step.call.error:
                refusals.append(place)
        if shown is None:
            raise NoReplay("This launch has reported nothing yet.")
    at = min(max(wanted, 1), total)
    return render(
        "history/replay.html",
        launch=row,
        step=_call(shown.call, parts().config.timezone),
        expected=_expected(shown),
        differs=shown.differs,
        values=[
            {"name": name, "value": value, "is_new": name in shown.changed}
            for name, value in sorted(values.items())
            if value or name in shown.changed
        ],
        gone=[name for name, value in shown.changed.items() if value is None],
        at=at,
        total=total,
        differences=differences,
        next_difference=next((n for n in differences if n > at), None),
        next_refusal=next((n for n in refusals if n > at), None),
    )


def _expected(step: Step) -> str:
    """What the server answers to the call now; empty where it cannot tell."""
    if step.expected is None:
        return ""
    value, code = step.expected
    return f"{value or '(nothing)'}, error {code}" if code else value or "(nothing)"
