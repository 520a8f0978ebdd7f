"""Units of `tincan.xml`: launched with an address and a key, they report by statements.

The launch of the tools: `endpoint`, `auth`, `actor`, `registration`, `activity_id` and
`grouping` in the unit's address. The key is good for this launch's learner and
registration. `activity_id` is our IRI of the unit, so that what it keeps and says is
apart from other courses and behind the pre-test wall where it must be; units that use
the name of their package instead are understood as well.

What the statements say of the unit is put into the attempt in the transaction that
stores them, and said by the player under the unit's own IRI where the unit has not.
"""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid5

import orjson
from sqlalchemy import ForeignKey, LargeBinary, String, Text, Uuid, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.config import Config
from lrs.credentials import Bounds, Caller, digest
from lrs.db import Base, UtcDateTime
from lrs.sessions import (
    DocumentCall,
    Further,
    SessionKey,
    bounded_caller,
    bounds_of,
    issue_key,
)
from lrs.tables import Statement as Stored
from player import refused, sittings, tokens, urls, xapi_results
from player.cmi5.launch_url import launch_url, plain_url
from player.sittings import Sitting
from player.tables import Launch, Registration
from player.translate import Moment
from player.xapi_results import Result
from statements import actors, vocabulary
from statements.build import activity, build_statement, score
from statements.errors import DomainError, Forbidden, Unauthenticated
from statements.prepare import Prepared, prepare

KIND = "xapi"
# a page that closes sends its last statements while the player ends the launch
GRACE = timedelta(minutes=2)
# a unit that says nothing for longer was not at work
LONGEST_SILENCE = timedelta(hours=2)
OVER = "The launch that this key was for is over."
# what rules take for a result where the unit says it of its own IRI
_HEARD = frozenset(
    vocabulary.verb(name)
    for name in ("completed", "passed", "failed", "scored", "terminated", "suspended")
)


class XapiKey(Base):
    """A key that a launch's unit was given; each start of the launch gives another."""

    __tablename__ = "xapi_key"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    launch_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("launch.id"), index=True)
    activity: Mapped[str] = mapped_column(Text)
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


# --- the launch -------------------------------------------------------------------------


def start(db: Session, sitting: Sitting, now: datetime) -> dict[str, Any]:
    """A key for the unit, and the address that tells it."""
    issued = issue_key(KIND)
    launch = sitting.launch
    db.add(
        XapiKey(
            key=issued.key,
            launch_id=launch.id,
            activity=sitting.subject.unit_iri,
            secret_sha256=issued.sha256,
            made_at=now,
        )
    )
    # from here on its time counts
    launch.received_at = now
    return {"entry": address(sitting, issued)}


def end(db: Session, sitting: Sitting, now: datetime) -> None:
    """Nothing is left to be done: what the unit said is kept as it said it."""
    del db, sitting, now


def address(sitting: Sitting, key: SessionKey) -> str:
    """The unit's own address with the parameters of the launch."""
    config, launch, unit = sitting.config, sitting.launch, sitting.unit
    said = {
        "endpoint": f"{config.portal_url}/xapi/",
        "auth": f"Basic {key.token}",
        "actor": orjson.dumps(_named(launch.actor)).decode(),
        "registration": str(_registration(launch)),
        "activity_id": sitting.subject.unit_iri,
        "grouping": launch.course_iri,
    }
    origin = urls.content_origin(config, launch.label)
    return launch_url(plain_url(origin, unit), said)


def _named(actor: dict[str, Any]) -> dict[str, Any]:
    """The learner by the identifier alone: the unit writes it into its statements."""
    kept = {name: value for name, value in actor.items() if name != "name"}
    return {"objectType": "Agent", **kept}


def _registration(launch: Launch) -> UUID:
    """The registration that the unit works in; to look at a unit has one of its own."""
    if launch.mode == "Normal":
        return launch.registration
    return uuid5(launch.id, "looked at")


# --- what the record store asks ---------------------------------------------------------


@dataclass(frozen=True)
class XapiSessions:
    """The launches of xAPI, as the record store asks for them."""

    config: Config

    def admit(self, db: Session, *, key: str, secret: str, now: datetime) -> Caller:
        """The unit of a launch that goes on; raises Unauthenticated."""
        row = db.execute(
            select(XapiKey.secret_sha256, XapiKey.activity, Launch)
            .join(Launch, Launch.id == XapiKey.launch_id)
            .where(XapiKey.key == key)
        ).first()
        known = bytes(32) if row is None else row.secret_sha256
        if not hmac.compare_digest(known, digest(secret)) or row is None:
            raise Unauthenticated(OVER)
        launch: Launch = row.Launch
        _check_open(db, launch, now)
        return bounded_caller(
            tenant=launch.tenant_id,
            key=key,
            launch_id=launch.id,
            bounds=Bounds(
                kind=KIND,
                launch_id=launch.id,
                registration=_registration(launch),
                ifi=launch.actor_ifi,
                activity=row.activity,
                completes=True,
                records=launch.mode == "Normal",
            ),
            portal_url=self.config.portal_url,
            expires_at=_end_of(launch),
        )

    def before_statements(
        self,
        db: Session,
        *,
        caller: Caller,
        statements: Sequence[Prepared],
        now: datetime,
    ) -> Sequence[Further]:
        """What the player says by what the unit has said; raises Forbidden."""
        sitting = self._sit_down(db, caller, now=now)
        for one in statements:
            _check(one, bounds_of(caller), self.config)
        if sitting.launch.mode != "Normal":
            return []
        new = _new_ones(db, sitting.launch, statements)
        if new:
            _take(sitting, new, now=now)
            moment = Moment(seq=sitting.launch.place, at=sitting.launch.event_at)
            sittings.complete_course(db, sitting, moment)
        said = [prepare(one, now=now) for one in sitting.statements]
        return [Further(said, sittings.authority(self.config))]

    def keep_refused(
        self,
        db: Session,
        *,
        caller: Caller,
        statements: Sequence[Prepared],
        refusal: DomainError,
        now: datetime,
    ) -> None:
        """Keep it with the launch, where those who support learners find it."""
        refused.keep_refused(
            db,
            launch_id=bounds_of(caller).launch_id,
            statements=statements,
            refusal=refusal,
            now=now,
        )

    def before_document(
        self, db: Session, *, caller: Caller, call: DocumentCall, now: datetime
    ) -> None:
        """Nothing; Forbidden for writing, where nothing is recorded, what would stay."""
        sitting = self._sit_down(db, caller, now=now)
        is_kept = call.context.registration is None and call.method != "GET"
        if is_kept and sitting.launch.mode != "Normal":
            raise Forbidden(
                f"This launch is for {sitting.launch.mode}: nothing that lasts is kept.",
                requirement="documents of such a launch are those of its registration",
            )

    def before_query(self, db: Session, *, caller: Caller, now: datetime) -> None:
        """Nothing while the launch goes on."""
        self._sit_down(db, caller, now=now)

    def _sit_down(self, db: Session, caller: Caller, *, now: datetime) -> Sitting:
        launch_id = bounds_of(caller).launch_id
        sitting = sittings.sit_down(db, config=self.config, launch_id=launch_id)
        _check_open(db, sitting.launch, now)
        sitting.subject = replace(sitting.subject, profile="")
        return sitting


def _end_of(launch: Launch) -> datetime:
    """Until when the key is good: as long as the launch's first token."""
    return max(launch.expires_at, launch.opened_at + tokens.LIFETIME)


def _check_open(db: Session, launch: Launch, now: datetime) -> None:
    """Nothing while the launch goes on or has just ended; raises Unauthenticated."""
    if now >= _end_of(launch):
        raise Unauthenticated(OVER)
    if launch.ended_at is None:
        return
    row = db.get(Registration, (launch.tenant_id, launch.registration))
    is_last = row is not None and row.launch_id == launch.id
    if not is_last or now - launch.ended_at >= GRACE:
        raise Unauthenticated(OVER)


def _check(one: Prepared, bounds: Bounds, config: Config) -> None:
    """Nothing, or Forbidden for what is not this unit's to say."""
    statement = one.statement
    if one.references.voids is not None:
        raise Forbidden(
            "A launched unit voids nothing.", requirement="no statement voids another"
        )
    actor = statement["actor"]
    if actors.is_group(actor) or actors.ifi(actor) != bounds.ifi:
        raise Forbidden(
            "This key is for one launch: the actor is its learner.",
            requirement="the actor of a statement is the actor of the launch",
        )
    if UUID(statement["context"]["registration"]) != bounds.registration:
        raise Forbidden(
            "This key is for one launch: the registration is its own.",
            requirement="the registration of a statement is that of the launch",
        )
    if vocabulary.extension("revision") in statement["context"].get("extensions", {}):
        raise Forbidden(
            "This key is for one launch: which revision of the course it is of, the "
            "portal knows.",
            requirement="no statement names a revision of the course",
        )
    about = str(statement["object"].get("id", ""))
    is_own = about == bounds.activity or about.startswith(f"{bounds.activity}/")
    if about.startswith(f"{config.portal_url}/") and not is_own:
        raise Forbidden(
            "This key is for one launch: of what is ours, it is about its unit.",
            requirement="no statement is about other courses and units of this portal",
        )


def _new_ones(
    db: Session, launch: Launch, statements: Sequence[Prepared]
) -> list[Prepared]:
    """Those not stored yet, in the order of their timestamps."""
    ids = [one.id for one in statements]
    known = set(
        db.scalars(
            select(Stored.statement_id).where(
                Stored.tenant_id == launch.tenant_id, Stored.statement_id.in_(ids)
            )
        )
    )
    new = [one for one in statements if one.id not in known]
    return sorted(new, key=lambda one: one.timestamp)


# --- what statements bring about --------------------------------------------------------


def _take(sitting: Sitting, new: Sequence[Prepared], *, now: datetime) -> None:
    """Put what the statements say into the attempt, and say what follows."""
    launch, attempt = sitting.launch, sitting.attempt
    silence = min(now - launch.received_at, LONGEST_SILENCE)
    launch.elapsed += max(silence // timedelta(milliseconds=1), 0)
    launch.received_at = now
    known = Result(
        completion=cast("Any", attempt.completion),
        success=cast("Any", attempt.success),
        score=None if attempt.scaled is None else {"scaled": attempt.scaled},
    )
    for one in new:
        is_late = one.timestamp < launch.event_at
        launch.event_at = max(launch.event_at, min(one.timestamp, now))
        if not xapi_results.is_about(one.statement, _names(sitting)):
            continue
        after = xapi_results.add(known, one.statement)
        if is_late:
            # an older result that was held up takes nothing back
            after = replace(
                after,
                success=after.success if known.success == "unknown" else known.success,
                score=known.score or after.score,
            )
        sitting.say(*_following(sitting, one, known, after, at=min(one.timestamp, now)))
        known = after
    sittings.record_outcome(
        sitting,
        completion="incomplete" if known.completion == "unknown" else known.completion,
        success=known.success,
        scaled=known.scaled,
        seconds=_spent(launch, known),
        at=now,
    )
    attempt.suspended = known.completion != "completed"


def _names(sitting: Sitting) -> list[str]:
    """The activities that mean the unit: ours, and the one that its package names."""
    names = [sitting.subject.unit_iri, sitting.unit.identifier]
    if len(sitting.manifest.units) == 1 and sitting.manifest.identifier:
        names.append(sitting.manifest.identifier)
    return names


def _spent(launch: Launch, known: Result) -> Decimal:
    """Seconds to add: what the unit reports of this launch, or what has passed.

    Units that report since the beginning of the course say more than has passed.
    """
    passed = Decimal(launch.elapsed).scaleb(-3)
    launch.counted = max(launch.counted, known.seconds or Decimal(0))
    seat = min(launch.counted, passed) if launch.counted else passed
    seat = max(seat, launch.counted_seat)
    more, launch.counted_seat = seat - launch.counted_seat, seat
    return more


def _following(
    sitting: Sitting, one: Prepared, before: Result, after: Result, *, at: datetime
) -> Iterator[dict[str, Any]]:
    """What the player says of the unit after one of its statements.

    Only what rules would not hear from the statement itself: a unit that speaks of its
    own IRI by the verbs they know has said it.
    """
    said = one.statement.get("result") or {}
    verb = one.statement["verb"]["id"]
    is_heard = (
        one.statement["object"]["id"] == sitting.subject.unit_iri and verb in _HEARD
    )
    told = xapi_results.add(Result(), one.statement)
    result = _result(after, told)
    if told.success != "unknown":
        is_said = "success" in said or verb == vocabulary.verb(told.success)
        if not (is_heard and is_said):
            yield _statement(sitting, one, told.success, result, at)
    elif told.score is not None and not is_heard:
        yield _statement(sitting, one, "scored", {"score": result["score"]}, at)
    is_new = after.completion == "completed" and before.completion != "completed"
    says_it = is_heard and (
        verb == vocabulary.verb("completed") or said.get("completion") is True
    )
    if is_new and not says_it:
        yield _statement(sitting, one, "completed", result, at)


def _result(known: Result, told: Result) -> dict[str, Any]:
    """What is known by now, with the score that the statement itself tells."""
    result: dict[str, Any] = {"completion": known.completion == "completed"}
    if known.success != "unknown":
        result["success"] = known.success == "passed"
    if told.score is not None:
        members = dict(told.score)
        scaled = members.pop("scaled", told.scaled)
        result["score"] = score(scaled=scaled, **members)
    return result


def _statement(
    sitting: Sitting, one: Prepared, verb: str, result: dict[str, Any], at: datetime
) -> dict[str, Any]:
    """What the player says; its id is the same whenever the same is said again."""
    subject, unit = sitting.subject, sitting.unit
    made = hmac.digest(subject.key, f"{one.id} {verb}".encode(), "sha256")
    course = activity(
        subject.course_iri,
        type=vocabulary.activity_type("course"),
        name=subject.course_title or None,
        language="und",
    )
    return build_statement(
        id=UUID(bytes=made[:16], version=4),
        actor=subject.actor,
        verb=verb,
        object=activity(
            subject.unit_iri,
            type=unit.activity_type or vocabulary.activity_type("lesson"),
            name=subject.unit_title or None,
            language="und",
        ),
        timestamp=at,
        result=result,
        context={
            "registration": str(subject.registration),
            "revision": subject.revision,
            "contextActivities": {"grouping": [course]},
            "statement": {"objectType": "StatementRef", "id": str(one.id)},
        },
    )
