"""What the browser's journal sends: numbered entries, applied exactly once.

One transaction: lock the registration; drop what is already here; refuse a gap with
the number expected; check every change again by the element table; log; translate;
store the statements last. A repeat of anything is harmless. What cannot be applied
(a launch that a newer one has ended, a number already taken by something else) is
kept aside, so these refusals are returned, not raised: the transaction commits.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from lrs.config import Config
from player import cmi, sittings
from player.calls import Row, read_calls
from player.sittings import Sitting, Superseded
from player.tables import Entry, Launch, SideEntry
from player.translate import Moment
from statements import scalars
from statements.errors import Conflict, DomainError, Invalid, NotFound, TooLarge

# "log" brings calls of the run-time and nothing else
KINDS = ("initialize", "set", "commit", "terminate", "log")
MOST_ENTRIES = 200
MOST_CHANGES = 20_000
LARGEST_NUMBER = 2**53
# characters that are kept aside of a launch, and what an entry counts beside its own:
# far beyond what a browser has waiting after days without the network
MOST_ASIDE = 64 * 2**20
EACH_ASIDE = 1000


class InvalidEntries(Invalid):
    """The entries do not have the agreed shape; nothing of them is saved."""


class Gap(Conflict):
    """Entries are missing before this one."""


class EntryConflict(Conflict):
    """Another entry has this number; the later one is kept aside."""


@dataclass(frozen=True)
class Sent:
    """One entry as sent, its shape checked."""

    uuid: UUID
    seq: int
    kind: str
    changes: tuple[tuple[str, str], ...]
    at: datetime
    mono: int
    prev: str
    hash: str
    calls: list[Row] | None = None


@dataclass
class Receipt:
    """What is answered; `problem` is to be raised once the transaction is committed."""

    answer: dict[str, Any]
    problem: DomainError | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)


def receive(
    db: Session,
    *,
    config: Config,
    launch_id: UUID,
    body: object,
    now: datetime,
    until: datetime | None = None,
) -> Receipt:
    """Apply what a launch sent; content is served up to `until`, as before by default.

    Raises InvalidEntries, NotFound, TooLarge.
    """
    sent_at, received = parse_entries(body)
    sitting = sittings.sit_down(db, config=config, launch_id=launch_id)
    try:
        sittings.take_over(db, sitting, now=now)
    except Superseded as fence:
        _keep_aside(db, sitting.launch, received, reason=fence.code, now=now)
        return _receipt(db, sitting, [], fence)
    problem, findings = _apply_all(db, sitting, received, sent_at=sent_at, now=now)
    launch = sitting.launch
    if received:
        launch.received_at = now
        sittings.stay_open(launch, now=now, until=until or launch.expires_at)
    moment = Moment(seq=launch.place, at=launch.event_at)
    sittings.settle(db, sitting, moment=moment, now=now)
    receipt = _receipt(db, sitting, findings, problem)
    if any(one.kind == "terminate" for one in received):
        receipt.answer["next"] = sittings.next_of(db, sitting)
    return receipt


def commit_tail(
    db: Session, *, config: Config, label: str, body: object, now: datetime
) -> Receipt:
    """As `receive`, for the content host: the label stands for the token.

    `body` names the launch; NotFound unless it has that label.
    """
    text = body.get("launch") if isinstance(body, dict) else None
    if not isinstance(text, str) or not scalars.is_uuid(text):
        raise InvalidEntries("The launch is missing.")
    launch = sittings.get_launch(db, launch_id=UUID(text))
    if launch.label != label:
        raise NotFound("There is no such launch here.")
    return receive(db, config=config, launch_id=launch.id, body=body, now=now)


def _receipt(
    db: Session,
    sitting: Sitting,
    findings: list[dict[str, Any]],
    problem: DomainError | None,
) -> Receipt:
    attempt = sitting.attempt
    answer = {
        "committed_seq": sitting.launch.last_seq,
        "completion": sittings.completion_of_unit(db, sitting),
        "success": attempt.success,
        "findings": findings,
        "next": None,
    }
    return Receipt(answer=answer, problem=problem)


def _apply_all(
    db: Session,
    sitting: Sitting,
    received: Sequence[Sent],
    *,
    sent_at: datetime | None,
    now: datetime,
) -> tuple[DomainError | None, list[dict[str, Any]]]:
    """Apply the new ones in order, up to the first that cannot be."""
    launch = sitting.launch
    known = _known(db, launch, received)
    findings: list[dict[str, Any]] = []
    for place, one in enumerate(received):
        expected = launch.last_seq + 1
        if one.seq > expected:
            return Gap(expected_seq=expected), findings
        if one.seq < expected:
            if known.get(one.seq) == one.uuid:
                continue
            # what follows it was said by the same browser, which then lets go of it
            rest = received[place:]
            _keep_aside(db, launch, rest, reason="entry_conflict", now=now)
            return EntryConflict(expected_seq=expected, seq=one.seq), findings
        refused = _apply(db, sitting, one, sent_at=sent_at, now=now)
        known[one.seq] = one.uuid
        findings.extend({"seq": one.seq, **finding} for finding in refused)
    return None, findings


def _known(db: Session, launch: Launch, received: Sequence[Sent]) -> dict[int, UUID]:
    """The uuids under which the numbers received are already logged."""
    numbers = [one.seq for one in received if one.seq <= launch.last_seq]
    if not numbers:
        return {}
    rows = db.execute(
        select(Entry.seq, Entry.uuid).where(
            Entry.launch_id == launch.id, Entry.seq.in_(numbers)
        )
    )
    return {row.seq: row.uuid for row in rows}


def _apply(
    db: Session,
    sitting: Sitting,
    one: Sent,
    *,
    sent_at: datetime | None,
    now: datetime,
) -> list[dict[str, Any]]:
    """Apply one entry and log it; the changes refused."""
    launch = sitting.launch
    launch.event_at = moment_of(
        one.at, sent_at=sent_at, now=now, earliest=launch.event_at
    )
    moment = Moment(seq=one.seq, at=launch.event_at)
    opening = None
    if one.kind == "initialize":
        sittings.renew_attempt(db, sitting, at=moment.at)
        sittings.open_session(sitting, moment)
        opening = dict(sitting.attempt.values)
    else:
        if launch.mono is not None and (launch.live or one.kind != "log"):
            launch.elapsed += max(0, one.mono - launch.mono)
        if not launch.live and _goes_on(db, launch, one):
            sittings.go_on(sitting, moment)
    launch.mono = one.mono
    values, refused = _changed(sitting, one)
    places = {refusal.place for refusal in refused}
    accepted = [
        change for place, change in enumerate(one.changes) if place not in places
    ]
    if one.kind == "terminate" and launch.live:
        sittings.close(
            sitting, moment, values=values, changed=accepted, terminated=True
        )
    elif accepted:
        sittings.progress(sitting, moment, values, accepted)
    findings = [
        {"name": _printable(refusal.name), "code": refusal.code} for refusal in refused
    ]
    db.add(
        Entry(
            launch_id=launch.id,
            seq=one.seq,
            uuid=one.uuid,
            kind=one.kind,
            changes=[list(change) for change in accepted],
            findings=findings,
            calls=one.calls,
            opening=opening,
            client_at=one.at,
            event_at=launch.event_at,
            received_at=now,
            mono=one.mono,
            hash=one.hash,
            is_chained=one.prev == launch.last_hash,
        )
    )
    launch.last_seq, launch.last_hash = one.seq, one.hash
    return findings


def _goes_on(db: Session, launch: Launch, one: Sent) -> bool:
    """Whether an entry belongs to a session after all that is not live any more.

    Content that was silent for long may have nothing to say but that it ends now.
    """
    if one.changes or one.kind not in {"terminate", "log"}:
        return True
    if one.kind == "log":
        return False
    db.flush()
    last = db.scalars(
        select(Entry.kind)
        .where(Entry.launch_id == launch.id, Entry.kind != "log")
        .order_by(Entry.seq.desc())
        .limit(1)
    ).first()
    return last not in {None, "terminate"}


def _changed(sitting: Sitting, one: Sent) -> tuple[cmi.Model, list[cmi.Refusal]]:
    """The model after an entry's changes, and those that its table does not allow."""
    table, values = sitting.runtime.elements, sitting.attempt.values
    if table is None:
        raise InvalidEntries("This unit has no run-time model.")
    return cmi.apply_changes(table, values, one.changes)


def moment_of(
    at: datetime, *, sent_at: datetime | None, now: datetime, earliest: datetime
) -> datetime:
    """When it happened by the server's clock.

    The browser's clock may be years off: only the time between the event and the
    sending is taken from it. Never after now, never before what came before.
    """
    if sent_at is None:
        return max(earliest, min(at, now))
    ago = max(sent_at - at, timedelta(0))
    return earliest if ago >= now - earliest else now - ago


def _keep_aside(
    db: Session, launch: Launch, late: Sequence[Sent], *, reason: str, now: datetime
) -> None:
    """Keep entries that cannot be applied; each once, however often it is sent.

    What was applied already is no tail: it is not kept again. Of a launch no more than
    MOST_ASIDE is kept.
    """
    taken = _taken_aside(db, launch)
    for one in late:
        if not _is_tail(db, launch, one):
            continue
        changes = [[_printable(name), _storable(value)] for name, value in one.changes]
        taken += EACH_ASIDE + sum(len(text) for change in changes for text in change)
        if taken > MOST_ASIDE:
            return
        db.add(
            SideEntry(
                launch_id=launch.id,
                uuid=one.uuid,
                seq=one.seq,
                kind=one.kind,
                changes=changes,
                client_at=one.at,
                received_at=now,
                reason=reason,
            )
        )
        db.flush()


def _is_tail(db: Session, launch: Launch, one: Sent) -> bool:
    """Whether an entry is neither applied nor kept aside already."""
    applied = db.get(Entry, (launch.id, one.seq))
    if applied is not None and applied.uuid == one.uuid:
        return False
    return db.get(SideEntry, (launch.id, one.uuid)) is None


def _taken_aside(db: Session, launch: Launch) -> int:
    """How many characters are kept aside of a launch, every entry counting for some."""
    size = func.length(cast(SideEntry.changes, Text)) + EACH_ASIDE
    found = db.scalar(select(func.sum(size)).where(SideEntry.launch_id == launch.id))
    return int(found or 0)


def _printable(name: str) -> str:
    return _storable(name[:255])


def _storable(text: str) -> str:
    """The text without NUL, which PostgreSQL cannot keep."""
    return text.replace("\x00", "\ufffd")


def parse_entries(body: object) -> tuple[datetime | None, list[Sent]]:
    """When it was sent, by the sender's clock, and the entries.

    Raises InvalidEntries with `findings`, TooLarge.
    """
    if not isinstance(body, dict) or not isinstance(body.get("entries"), list):
        raise InvalidEntries
    entries = body["entries"]
    if len(entries) > MOST_ENTRIES:
        raise TooLarge(f"At most {MOST_ENTRIES} entries are taken at once.")
    findings = []
    parsed = []
    for place, entry in enumerate(entries):
        try:
            parsed.append(_parse(entry))
        except Invalid as error:
            findings.append({"entry": place, "message": error.detail})
    if findings:
        raise InvalidEntries(findings=findings)
    sent = body.get("sent")
    return (None if sent is None else _instant(sent, "sent")), parsed


def _parse(entry: object) -> Sent:
    if not isinstance(entry, dict):
        raise InvalidEntries("An entry is an object.")
    given = [
        entry.get(name)
        for name in ("uuid", "seq", "kind", "changes", "at", "mono", "prev")
    ]
    uuid, seq, kind, changes, at, mono, prev = given
    if not isinstance(uuid, str) or not scalars.is_uuid(uuid):
        raise InvalidEntries("uuid is not a UUID.")
    if kind not in KINDS:
        raise InvalidEntries(f"kind is none of {', '.join(KINDS)}.")
    if kind == "log" and changes:
        raise InvalidEntries("A log changes nothing.")
    if not isinstance(prev, str) or len(prev) > 64:
        raise InvalidEntries("prev is not a hash.")
    return Sent(
        uuid=UUID(uuid),
        seq=_whole(seq, "seq", least=1),
        kind=kind,
        changes=_changes(changes),
        at=_instant(at, "at"),
        mono=_whole(mono, "mono", least=0),
        prev=prev,
        hash=hashlib.sha256(orjson.dumps(given)).hexdigest(),
        # beside what is numbered and hashed: a beacon leaves them out
        calls=read_calls(entry.get("calls")),
    )


def _changes(changes: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(changes, list) or len(changes) > MOST_CHANGES:
        raise InvalidEntries(f"changes is not a list of at most {MOST_CHANGES}.")
    for change in changes:
        if (
            not isinstance(change, list)
            or len(change) != 2
            or not all(isinstance(part, str) for part in change)
        ):
            raise InvalidEntries("A change is a pair of texts.")
    return tuple((name, value) for name, value in changes)


def _whole(value: object, name: str, *, least: int) -> int:
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not least <= value <= LARGEST_NUMBER
    ):
        raise InvalidEntries(f"{name} is not a whole number from {least}.")
    return value


def _instant(value: object, name: str) -> datetime:
    if not isinstance(value, str) or not scalars.is_rfc3339(value):
        raise InvalidEntries(f"{name} is not an RFC 3339 time.")
    return scalars.parse_timestamp(value)
