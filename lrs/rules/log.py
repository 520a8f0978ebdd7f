"""The statement log as the rules read it: observations, and what voids them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.orm import Session

from lrs.rules.facts import Observation, read_observation
from lrs.tables import Authority, Statement, key_of

CHUNK = 400
# accounts under which this installation itself records; credentials have hex digits
OWN_ACCOUNTS = frozenset({"portal", "player"})
# whose results count as this installation's own, though it does not act in its name
VOUCHED_ACCOUNTS = OWN_ACCOUNTS | {"unit"}


@dataclass(frozen=True)
class LogRow:
    """A stored statement that may matter."""

    seq: int
    stored: datetime
    actor_key: uuid.UUID | None
    registration: uuid.UUID | None
    authority_key: uuid.UUID
    voids_id: uuid.UUID | None
    observation: Observation | None


@dataclass(frozen=True)
class Seen:
    """An observation, and since which statement it is voided."""

    observation: Observation
    voided_seq: int | None

    def stands(self, seq: int) -> bool:
        """Whether it was there, and not voided, right after statement `seq`."""
        return self.observation.seq <= seq and (
            self.voided_seq is None or self.voided_seq > seq
        )


class LogReader:
    """Reads the log of a tenant up to `last_seq`; remembers what it has read."""

    def __init__(self, db: Session, *, tenant: int, verbs: Collection[str]) -> None:
        self.db, self.tenant, self.verbs = db, tenant, frozenset(verbs)
        self.verb_keys = [key_of(verb) for verb in sorted(self.verbs)]
        self.last_seq = 0
        self._observed: dict[tuple[uuid.UUID, uuid.UUID | None], list[Seen]] = {}
        # registrations of which everything is read
        self._complete: set[uuid.UUID | None] = set()
        self._accounts: dict[uuid.UUID, str] = {}

    def rows(
        self, first: int, *conditions: ColumnElement[bool], last: int | None = None
    ) -> list[LogRow]:
        """What may matter from statement `first` on, in order; voiding included."""
        matters = Statement.verb_key.in_(self.verb_keys) | Statement.voids_id.is_not(
            None
        )
        return self._read(
            Statement.seq >= first,
            Statement.seq <= (self.last_seq if last is None else last),
            matters,
            *conditions,
        )

    def find(self, statement_id: uuid.UUID) -> LogRow | None:
        """The row of a statement, if it is there by now."""
        rows = self._read(
            Statement.statement_id == statement_id, Statement.seq <= self.last_seq
        )
        return rows[0] if rows else None

    def prefetch(self, registrations: Collection[uuid.UUID]) -> None:
        """Read at once all observations in these registrations."""
        wanted = sorted(set(registrations) - self._complete)
        for start in range(0, len(wanted), CHUNK):
            self._remember(
                self._read(
                    Statement.registration.in_(wanted[start : start + CHUNK]),
                    Statement.verb_key.in_(self.verb_keys),
                    Statement.seq <= self.last_seq,
                )
            )
        self._complete |= set(wanted)

    def observed(
        self, actor_key: uuid.UUID, registration: uuid.UUID | None
    ) -> Sequence[Seen]:
        """All observations about an identifier in a registration (or in none)."""
        key = (actor_key, registration)
        if key not in self._observed and registration not in self._complete:
            same = (
                Statement.registration.is_(None)
                if registration is None
                else Statement.registration == registration
            )
            self._observed[key] = []
            self._remember(
                self._read(
                    Statement.actor_key == actor_key,
                    same,
                    Statement.verb_key.in_(self.verb_keys),
                    Statement.seq <= self.last_seq,
                )
            )
        return self._observed.get(key, ())

    def _remember(self, rows: Sequence[LogRow]) -> None:
        voided = self._voided(rows)
        found: dict[tuple[uuid.UUID, uuid.UUID | None], list[Seen]] = {}
        for row in rows:
            if row.observation is not None and row.actor_key is not None:
                seen = Seen(row.observation, voided.get(row.seq))
                found.setdefault((row.actor_key, row.registration), []).append(seen)
        self._observed |= found

    def _voided(self, rows: Sequence[LogRow]) -> dict[int, int]:
        """Seq -> seq of the first statement that rightly voids it."""
        by_id: dict[uuid.UUID | None, LogRow] = {}
        ids: list[uuid.UUID] = []
        for row in rows:
            if row.observation is not None:
                ids.append(row.observation.evidence.id)
                by_id[ids[-1]] = row
        found: dict[int, int] = {}
        for start in range(0, len(ids), CHUNK):
            for target, seq, authority, voids_any in self.db.execute(
                select(
                    Statement.voids_id,
                    Statement.seq,
                    Statement.authority_key,
                    Statement.voids_any,
                )
                .where(
                    Statement.tenant_id == self.tenant,
                    Statement.voids_id.in_(ids[start : start + CHUNK]),
                    Statement.seq <= self.last_seq,
                )
                .order_by(Statement.seq)
            ):
                row = by_id[target]
                if voids_any or authority == row.authority_key:
                    # a voiding statement may come before what it voids
                    found.setdefault(row.seq, seq)
        return found

    def _read(self, *conditions: ColumnElement[bool]) -> list[LogRow]:
        found = self.db.execute(
            select(
                Statement.seq,
                Statement.stored,
                Statement.actor_key,
                Statement.registration,
                Statement.authority_key,
                Statement.voids_id,
                Statement.payload,
            )
            .where(Statement.tenant_id == self.tenant, *conditions)
            .order_by(Statement.seq)
        )
        return [self._row(row) for row in found]

    def _account(self, authority_key: uuid.UUID) -> str:
        """The account of an authority; that of another system is its key."""
        if authority_key not in self._accounts:
            body = self.db.scalars(
                select(Authority.body).where(
                    Authority.tenant_id == self.tenant,
                    Authority.authority_key == authority_key,
                )
            ).one()
            account = orjson.loads(body).get("account", {})
            self._accounts[authority_key] = str(account.get("name", ""))
        return self._accounts[authority_key]

    def _row(self, row: Row[*tuple[Any, ...]]) -> LogRow:
        account = self._account(row.authority_key)
        observation = read_observation(
            orjson.loads(row.payload),
            row.payload,
            row.stored,
            row.seq,
            verbs=self.verbs,
            own=account in OWN_ACCOUNTS,
            vouched=account in VOUCHED_ACCOUNTS,
        )
        return LogRow(
            seq=row.seq,
            stored=row.stored,
            actor_key=row.actor_key,
            registration=row.registration,
            authority_key=row.authority_key,
            voids_id=row.voids_id,
            observation=observation,
        )
