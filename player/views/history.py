"""The management API of what became of launches, and of what units reported in them."""

from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from lrs.credentials import holds
from lrs.db import reading
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.api import (
    Answered,
    Blueprint,
    Instant,
    PageQuery,
    Uuid,
    Whole,
    cursor_to,
    position,
    text,
)
from lrs.views.application import parts
from player import history
from player.calls import Call
from player.history import STATES, Line, Sought, Wanted
from player.views.manage import COMPLETIONS, MODES, SUCCESSES

BLUEPRINT = Blueprint(
    "history",
    __name__,
    description="What became of launches, and what units reported in them.",
)

LIST = "launches"
LOG = "log"
LONGEST_NAME = 255


class LaunchesQuery(PageQuery):
    """Which launches."""

    registration = Uuid(metadata={"description": "Those of this registration."})
    package = Uuid(metadata={"description": "Those of this package."})


class LaunchLine(Answered):
    """A launch, and what its attempt amounts to now."""

    launch = Uuid()
    registration = Uuid()
    package = Uuid()
    unit = Whole(metadata={"description": "Its index in the package."})
    title = text("What the unit is called.")
    standard = text("What the unit speaks.")
    mode = fields.String(metadata={"enum": MODES})
    actor = fields.Dict(metadata={"description": "The learner: an Agent of xAPI."})
    opened_at = Instant()
    heard_at = Instant(metadata={"description": "When it last said something."})
    ended_at = Instant(allow_none=True)
    state = fields.String(
        metadata={
            "enum": list(STATES),
            "description": " ".join(f"{key}: {said}." for key, said in STATES.items()),
        }
    )
    completion = fields.String(metadata={"enum": COMPLETIONS})
    success = fields.String(metadata={"enum": SUCCESSES})
    scaled = fields.Float(allow_none=True, metadata={"minimum": -1, "maximum": 1})
    total_seconds = fields.Float(metadata={"minimum": 0})
    hidden = fields.Boolean(
        metadata={"description": "It may be a pre-test: its results are not told."}
    )
    entries = Whole(metadata={"description": "How often it reported."})
    findings = Whole(metadata={"description": "In how many something was refused."})
    set_aside = Whole(metadata={"description": "What came too late to count."})


class LaunchesAnswer(Answered):
    """A page of launches."""

    launches = fields.List(fields.Nested(LaunchLine))
    cursor = text("Leads on; null ends.", allow_none=True)


class LogQuery(PageQuery):
    """Which calls."""

    function = text("Part of the function's name.", longest=LONGEST_NAME)
    element = text("Part of the element's name.", longest=LONGEST_NAME)
    errors = fields.String(
        validate=validate.OneOf(["true", "false"]),
        load_default="false",
        metadata={"description": "Only calls that were refused."},
    )


class CallAnswer(Answered):
    """A call that a unit made of its run-time; without a function, calls left out."""

    seq = Whole(metadata={"description": "The entry that it came with."})
    at = Instant()
    function = text("What was called.")
    arguments = fields.List(fields.String())
    result = text("What was answered.")
    error = Whole(metadata={"description": "The error code of it; 0 is none."})
    times = Whole(metadata={"description": "How often in a row."})


class LogAnswer(Answered):
    """A page of a log."""

    calls = fields.List(fields.Nested(CallAnswer))
    cursor = text("Leads on; null ends.", allow_none=True)


@BLUEPRINT.get("/launches")
@BLUEPRINT.arguments(LaunchesQuery, location="query")
@BLUEPRINT.response(200, LaunchesAnswer)
@allow("credential", scope="launches/read")
def list_launches(query: dict[str, Any]) -> dict[str, Any]:
    """The launches of the caller's record store, newest first.

    Results of what may be a pre-test are told to callers with `pretest/read` alone.
    """
    size, after = query["limit"], None
    place = position(query.get("cursor"), of=LIST)
    if place is not None:
        after = (datetime.fromisoformat(place["at"]), UUID(place["id"]))
    caller = callers.current_credential()
    with reading(parts().engine) as db:
        found = history.find_launches(
            db,
            tenant=caller.tenant_id,
            wanted=Wanted(
                registration=query.get("registration"),
                package=query.get("package"),
                after=after,
            ),
            limit=size + 1,
            sees_pretests=holds(caller, "pretest/read"),
        )
        shown = [line_json(one) for one in found[:size]]
    more = None
    if len(found) > size:
        last = found[size - 1].launch
        more = cursor_to(
            {"at": last.opened_at.isoformat(), "id": str(last.id)}, of=LIST
        )
    return {"launches": shown, "cursor": more}


@BLUEPRINT.get("/launches/<uuid:launch_id>")
@BLUEPRINT.response(200, LaunchLine)
@allow("credential", scope="launches/read")
def show_a_launch(launch_id: UUID) -> dict[str, Any]:
    """One launch: whose, of what, how it ended, what its attempt amounts to now."""
    caller = callers.current_credential()
    with reading(parts().engine) as db:
        return line_json(
            history.get_line(
                db,
                launch_id=launch_id,
                tenant=caller.tenant_id,
                sees_pretests=holds(caller, "pretest/read"),
            )
        )


@BLUEPRINT.get("/launches/<uuid:launch_id>/log")
@BLUEPRINT.arguments(LogQuery, location="query")
@BLUEPRINT.response(200, LogAnswer)
@allow("credential", scope="launches/read")
def show_a_log(query: dict[str, Any], launch_id: UUID) -> dict[str, Any]:
    """The calls that a unit made of its run-time, in order.

    Units of cmi5 and xAPI make none: their statements are in the record store.
    """
    of, size = f"{LOG} {launch_id}", query["limit"]
    place = position(query.get("cursor"), of=of)
    start = 0 if place is None else int(place["at"])
    sought = Sought(
        function=query.get("function", ""),
        element=query.get("element", ""),
        errors=query["errors"] == "true",
    )
    caller = callers.current_credential()
    with reading(parts().engine) as db:
        line = history.get_line(
            db,
            launch_id=launch_id,
            tenant=caller.tenant_id,
            sees_pretests=holds(caller, "pretest/read"),
        )
        log = history.log_of(db, line, sought=sought)
        found = list(islice(log, start, start + size + 1))
    more = cursor_to({"at": start + size}, of=of) if len(found) > size else None
    return {"calls": [call_json(one) for one in found[:size]], "cursor": more}


def line_json(line: Line) -> dict[str, Any]:
    """A launch as the API shows it."""
    launch = line.launch
    return {
        "launch": launch.id,
        "registration": launch.registration,
        "package": launch.package_id,
        "unit": launch.unit,
        "title": line.title,
        "standard": launch.standard,
        "mode": launch.mode,
        "actor": launch.actor,
        "opened_at": launch.opened_at,
        "heard_at": max(launch.opened_at, launch.event_at),
        "ended_at": launch.ended_at,
        "state": line.state,
        "completion": line.completion,
        "success": line.success,
        "scaled": line.scaled,
        "total_seconds": line.seconds,
        "hidden": line.is_hidden,
        "entries": line.entries,
        "findings": line.findings,
        "set_aside": line.aside,
    }


def call_json(call: Call) -> dict[str, Any]:
    """A call as the API and the exports show it."""
    return {
        "seq": call.seq,
        "at": call.at,
        "function": call.function,
        "arguments": list(call.arguments),
        "result": call.result,
        "error": call.error,
        "times": call.times,
    }
