"""What a unit of cmi5 may do at the record store, and what its statements bring about.

The record store asks before it stores anything of a session (lrs/sessions.py); the rules
themselves are in `player/cmi5/rules.py`. What a statement causes (a unit is completed, a
block satisfied, the session over) is written in the same transaction.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.credentials import Bounds, Caller, digest
from lrs.sessions import DocumentCall, Further, bounded_caller, bounds_of
from lrs.tables import Statement
from player import refused, sittings
from player.cmi5 import rules, satisfaction, sessions
from player.cmi5.documents import PREFERENCES
from player.cmi5.duties import scope_of
from player.cmi5.rules import SessionState
from player.cmi5.tables import Cmi5Session
from player.outcomes import Completion, Success
from player.sittings import Sitting
from player.tables import Launch
from statements.errors import DomainError, Unauthenticated
from statements.prepare import Prepared, prepare
from statements.scalars import parse_duration

VERDICTS: dict[str, Success] = {"passed": "passed", "failed": "failed"}
# criteria that a pass alone meets: then nothing is left to do in the unit
ENOUGH = frozenset({"Passed", "CompletedOrPassed"})
OVER = "The session of this launch is over, or there is none."


@dataclass(frozen=True)
class Cmi5Sessions:
    """The sessions of cmi5, as the record store asks for them."""

    config: Config

    def admit(self, db: Session, *, key: str, secret: str, now: datetime) -> Caller:
        """The unit of an open session; raises Unauthenticated for anything else.

        A session that has ended itself is still known while its launch is open.
        """
        row = db.execute(
            select(Cmi5Session, Launch)
            .join(Launch, Launch.id == Cmi5Session.launch_id)
            .where(Cmi5Session.key == key)
        ).first()
        known = bytes(32) if row is None else row.Cmi5Session.secret_sha256
        if not hmac.compare_digest(known, digest(secret)) or row is None:
            raise Unauthenticated(OVER)
        session, launch = row.Cmi5Session, row.Launch
        if _is_over(session, launch, now):
            raise Unauthenticated(OVER)
        return bounded_caller(
            tenant=launch.tenant_id,
            key=key,
            launch_id=launch.id,
            bounds=Bounds(
                kind=sessions.KIND,
                launch_id=launch.id,
                registration=launch.registration,
                ifi=launch.actor_ifi,
                activity=session.activity,
            ),
            portal_url=self.config.portal_url,
            expires_at=launch.expires_at,
        )

    def before_statements(
        self,
        db: Session,
        *,
        caller: Caller,
        statements: Sequence[Prepared],
        now: datetime,
    ) -> Sequence[Further]:
        """What is satisfied by the statements; raises Forbidden by the rules."""
        sitting, session = self._sit_down(db, caller, now=now)
        stored = _stored_ids(db, sitting, statements)
        state = _state_of(db, sitting, session)
        rules.check_statements(state, statements, stored=stored)
        new = [one for one in statements if one.id not in stored]
        caused = False
        for one in new:
            caused |= _take(sitting, session, one, now=now)
        db.flush()
        if not caused or sitting.launch.mode != "Normal":
            return []
        said = satisfaction.newly_satisfied(
            db,
            scope_of(sitting),
            row=sitting.registration,
            session_id=session.session_id,
            now=now,
        )
        authority = sittings.authority(self.config)
        return [Further([prepare(one, now=now) for one in said], authority)]

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
        """Nothing, or Forbidden by the rules; that preferences were read is noted."""
        sitting, session = self._sit_down(db, caller, now=now)
        rules.check_document(_state_of(db, sitting, session), call)
        if (
            call.method == "GET"
            and call.document_id == PREFERENCES
            and session.preferences_at is None
        ):
            session.preferences_at = now

    def before_query(self, db: Session, *, caller: Caller, now: datetime) -> None:
        """Nothing, or Forbidden once the session has ended."""
        sitting, session = self._sit_down(db, caller, now=now)
        rules.check_query(_state_of(db, sitting, session))

    def _sit_down(
        self, db: Session, caller: Caller, *, now: datetime
    ) -> tuple[Sitting, Cmi5Session]:
        """The launch with its rows locked; raises Unauthenticated when it is over."""
        launch_id = bounds_of(caller).launch_id
        sitting = sittings.sit_down(db, config=self.config, launch_id=launch_id)
        session = sessions.get_session(db, launch_id=launch_id)
        if _is_over(session, sitting.launch, now):
            raise Unauthenticated(OVER)
        return sitting, session


def _is_over(session: Cmi5Session, launch: Launch, now: datetime) -> bool:
    """Whether nobody may come with the session any more."""
    is_closed = launch.ended_at is not None or launch.expires_at <= now
    return is_closed or session.abandoned_at is not None


def _stored_ids(
    db: Session, sitting: Sitting, statements: Sequence[Prepared]
) -> set[UUID]:
    """The ids among them that the record store knows."""
    ids = [one.id for one in statements]
    return set(
        db.scalars(
            select(Statement.statement_id).where(
                Statement.tenant_id == sitting.launch.tenant_id,
                Statement.statement_id.in_(ids),
            )
        )
    )


def _state_of(db: Session, sitting: Sitting, session: Cmi5Session) -> SessionState:
    """The session as the rules see it."""
    launch = sitting.launch
    same_unit = db.scalars(
        select(Cmi5Session).where(
            Cmi5Session.tenant_id == launch.tenant_id,
            Cmi5Session.registration == launch.registration,
            Cmi5Session.activity == session.activity,
        )
    )
    return SessionState(
        actor=launch.actor,
        registration=launch.registration,
        activity=session.activity,
        session_id=session.session_id,
        launch_data=session.launch_data,
        knows_preferences=session.preferences_at is not None,
        said=_said(session),
        said_before=frozenset().union(*map(_said, same_unit)),
        initialized_at=session.initialized_at,
        last_at=session.last_at,
    )


def _said(session: Cmi5Session) -> frozenset[str]:
    """The verbs of the session's own statements."""
    names = rules.VERBS.values()
    return frozenset(
        name for name in names if getattr(session, f"{name}_at") is not None
    )


def _take(
    sitting: Sitting, session: Cmi5Session, one: Prepared, *, now: datetime
) -> bool:
    """Keep what a statement says; whether it may satisfy something."""
    said, at = one.statement, one.timestamp
    session.last_at = max(session.last_at or at, at)
    if not rules.is_cmi5_defined(said):
        return False
    verb = rules.VERBS[said["verb"]["id"]]
    setattr(session, f"{verb}_at", at)
    result = said.get("result") or {}
    if verb == "initialized" and sitting.attempt.completion == "unknown":
        sittings.record_outcome(sitting, completion="incomplete", at=now)
    elif verb == "terminated":
        session.ended_at = now
        seconds = parse_duration(result["duration"])
        sittings.record_outcome(sitting, seconds=seconds, at=now)
        sittings.stay_open(sitting.launch, now=now, until=sitting.launch.expires_at)
    elif verb == "completed":
        sittings.record_outcome(sitting, completion="completed", at=now)
    elif verb in VERDICTS:
        sittings.record_outcome(
            sitting,
            completion=_completion(sitting, verb),
            success=VERDICTS[verb],
            scaled=_scaled(result),
            at=now,
        )
    return verb in {"completed", "passed"}


def _completion(sitting: Sitting, verb: str) -> Completion | None:
    is_done = verb == "passed" and sitting.unit.move_on in ENOUGH
    return "completed" if is_done else None


def _scaled(result: dict[str, Any]) -> Decimal | None:
    scaled = result.get("score", {}).get("scaled")
    return None if scaled is None else Decimal(str(scaled))
