"""HACP: what an AICC unit and the server say to each other by forms (CMI001, A.5 and A.6).

A unit is told `aicc_sid` and `aicc_url` in its address and posts commands there, from
the learner's browser or from a server of its own. Each command is an entry of the
launch's log like those of the browser's journal, numbered here and with the same
checks; what follows from it is stored in the same transaction. Nothing is asked of the
unit that units in the field do not do:

- GetParam begins a session; again within one it only reads. A time of a session that
  has become less tells that the unit has begun again.
- A unit that never says GetParam has begun with what it puts.
- What comes after ExitAU, or just after the player page has ended the launch, still
  counts: browsers send all of it at once as a page closes.
- The same data again changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lrs.config import Config
from packages.manifest import Unit
from player import aicc_values, cmi, launches, sittings, tokens, urls
from player.aicc_log import COMMANDS, FIRST_NUMBER, Said, keep_aside, log_command
from player.aicc_text import Request
from player.cmi5.launch_url import launch_url, plain_url
from player.sittings import Sitting, Superseded
from player.tables import Entry, Launch
from player.translate import Moment

VERSION = "4.0"
ERRORS = (
    "Successful",
    "Invalid Command",
    "Invalid AU-password",
    "Invalid Session ID",
)
INVALID_COMMAND, INVALID_PASSWORD, INVALID_SESSION = 1, 2, 3
PATH = "/__player/hacp"
LONGEST_SILENCE = timedelta(hours=2)
# the player ends the launch while the unit's page still sends its last words
GRACE = timedelta(minutes=2)
SESSION_TIME = "cmi.core.session_time"
STATUS = "cmi.core.lesson_status"


def address(config: Config, *, launch: Launch, unit: Unit) -> str:
    """The unit's own address with `aicc_sid` and `aicc_url` in its query.

    A unit of the package asks its own site; one on another server asks the portal's.
    """
    origin = urls.content_origin(config, launch.label)
    asked = f"{config.portal_url}/hacp" if unit.is_external else f"{origin}{PATH}"
    said = {
        "aicc_sid": tokens.aicc_session(config, launch_id=launch.id),
        "aicc_url": asked,
    }
    return launch_url(plain_url(origin, unit), said)


def start(db: Session, sitting: Sitting, now: datetime) -> dict[str, Any]:
    """Where the unit is: its address tells it where to ask."""
    del db, now
    launch, unit = sitting.launch, sitting.unit
    return {"entry": address(sitting.config, launch=launch, unit=unit)}


def end(db: Session, sitting: Sitting, now: datetime) -> None:
    """Nothing is left to be done: a session still live has been suspended."""
    del db, sitting, now


def answer(code: int, data: str = "") -> str:
    """What a command is answered with; `data` only by GetParam."""
    lines = [f"error={code}", f"error_text={ERRORS[code]}", f"version={VERSION}"]
    if data:
        # the groups begin on a line of their own: units look for it
        lines.append(f"aicc_data=\r\n{data}")
    return "".join(f"{line}\r\n" for line in lines)


def receive(
    db: Session,
    *,
    config: Config,
    request: Request,
    now: datetime,
    label: str | None = None,
) -> str:
    """Apply a command and answer it; every refusal is an answer too.

    On a content host, `label` is its label: only launches under it are heard there.
    """
    if request.command not in COMMANDS:
        return answer(INVALID_COMMAND)
    launch_id = tokens.read_aicc_session(config, request.session_id)
    launch = None if launch_id is None else db.get(Launch, launch_id)
    if launch is None or label not in {None, launch.label}:
        return answer(INVALID_SESSION)
    sitting = sittings.sit_down(db, config=config, launch_id=launch.id)
    if sitting.manifest.standard != "aicc":
        return answer(INVALID_SESSION)
    said = Said(sitting, request, now)
    password = sitting.unit.entitlement_key
    if password and request.password not in {"", password}:
        return answer(INVALID_PASSWORD)
    if now >= _end_of(launch):
        keep_aside(db, said, reason="expired")
        return answer(INVALID_SESSION)
    if not _has_just_ended(sitting, now):
        try:
            sittings.take_over(db, sitting, now=now)
        except Superseded as fence:
            keep_aside(db, said, reason=fence.code)
            return answer(INVALID_SESSION)
    elif request.command == "getparam":
        return answer(INVALID_SESSION)
    told = _apply(db, said)
    sittings.stay_open(launch, now=now, until=_end_of(launch))
    moment = Moment(seq=launch.place, at=launch.event_at)
    sittings.settle(db, sitting, moment=moment, now=now)
    return answer(0, told)


def _has_just_ended(sitting: Sitting, now: datetime) -> bool:
    """Whether the launch has ended a moment ago, and nothing has come after it."""
    launch = sitting.launch
    is_last = sitting.registration.launch_id == launch.id
    ended = launch.ended_at
    return ended is not None and is_last and now - ended < GRACE


def _end_of(launch: Launch) -> datetime:
    """Until when commands are heard: as long as the launch's first token is good."""
    return max(launch.expires_at, launch.opened_at + tokens.LIFETIME)


def _apply(db: Session, said: Said) -> str:
    """Apply a command to the launch; the data of the answer."""
    launch = said.sitting.launch
    if launch.live:
        silence = min(said.now - launch.received_at, LONGEST_SILENCE)
        launch.elapsed += max(silence // timedelta(milliseconds=1), 0)
    launch.received_at = said.now
    launch.event_at = max(launch.event_at, said.now)
    if said.request.command == "getparam":
        return _get(db, said)
    if said.request.command == "exitau":
        moment = _next(launch)
        if launch.live:
            _leave(said.sitting, moment, said.sitting.attempt.values)
        log_command(db, said, "terminate")
        return ""
    _put(db, said)
    return ""


def _next(launch: Launch) -> Moment:
    """The moment of one more command."""
    launch.commands += 1
    return Moment(seq=launch.place, at=launch.event_at)


def _get(db: Session, said: Said) -> str:
    launch, attempt = said.sitting.launch, said.sitting.attempt
    moment, kind = _next(launch), "commit"
    if not launch.live:
        sittings.open_session(said.sitting, moment)
        kind = "initialize"
    log_command(db, said, kind)
    told = said.sitting.runtime.learner(*launches.learner_of(launch))
    sessions = select(func.count(Launch.id)).where(
        Launch.attempt_id == attempt.id, Launch.opened_at <= launch.opened_at
    )
    return aicc_values.answer(
        attempt.values | told,
        course=said.sitting.manifest.identifier,
        attempt=db.scalars(sessions).one(),
    )


def _put(db: Session, said: Said) -> None:
    """Apply what was put, in a session that is begun or taken up where there is none."""
    sitting, changes = said.sitting, said.changes
    launch, attempt = sitting.launch, sitting.attempt
    is_late = launch.ended_at is not None or (not launch.live and _is_left(db, launch))
    moment = _next(launch)
    if launch.commands == 1 or _has_begun_again(attempt.values, changes):
        sittings.open_session(sitting, moment)
        log_command(db, said, "initialize", is_implied=True)
        moment = _next(launch)
    elif not launch.live:
        sittings.go_on(sitting, moment)
    table = sitting.runtime.elements
    values, refused = (
        ({}, []) if table is None else cmi.apply_changes(table, attempt.values, changes)
    )
    codes = {refusal.place: refusal.code for refusal in refused}
    accepted = [one for place, one in enumerate(changes) if place not in codes]
    if is_late:
        _leave(sitting, moment, values, accepted)
    elif accepted:
        sittings.progress(sitting, moment, values, accepted)
    outcomes = [codes.get(place, 0) for place in range(len(changes))]
    kind = "terminate" if is_late else "commit"
    log_command(db, said, kind, list(zip(changes, outcomes, strict=True)))


def _leave(
    sitting: Sitting,
    moment: Moment,
    values: Mapping[str, str],
    changed: Sequence[aicc_values.Change] = (),
) -> None:
    """End the session as the unit asks.

    A unit that puts no status is not complete for it, as one of SCORM 1.2 would be: the
    status is the unit's to put, and may be on its way.
    """
    latest = dict(values)
    is_new = latest.get(STATUS) == "not attempted"
    if is_new and latest.get("cmi.core.lesson_mode") == "normal":
        latest[STATUS] = "incomplete"
    sittings.close(sitting, moment, values=latest, changed=changed, terminated=True)


def _is_left(db: Session, launch: Launch) -> bool:
    """Whether the unit has left by ExitAU, and was not only silent for long."""
    number = FIRST_NUMBER + launch.commands - 1
    last = db.get(Entry, (launch.id, number))
    return last is not None and last.kind == "terminate"


def _has_begun_again(values: cmi.Model, changes: list[aicc_values.Change]) -> bool:
    """Whether the time of the session has become less."""
    told = [text for name, text in changes if name == SESSION_TIME]
    known = aicc_values.seconds_of(values.get(SESSION_TIME, ""))
    seconds = aicc_values.seconds_of(told[-1]) if told else None
    return known is not None and seconds is not None and seconds < known
