"""Finding statements: by id, by filters, page by page.

xAPI 1.0.3 Communication 2.1.3, 2.1.4; xAPI 2.0 4.1.6.1. Pages go by `seq`, which is
one order with `stored` and with the commits, so a page never shifts while others
write. A statement matches by itself or because it refers (StatementRef, in any number
of steps) to one that does; `since` and `until` hold for the statement itself.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    exists,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased

from lrs.rules.wall import pretest_wall
from lrs.tables import Activity, Authority, Clock, Reference, Statement, key_of
from statements.errors import NotFound
from statements.references import DIRECT_ACTORS

Row = type[Statement]
# what must hold of a row, so that the reader may know of it
Readable = Callable[[Row], list[ColumnElement[bool]]]
# both databases limit the parameters of one command
MAX_KEYS = 10_000
# made once: an alias is dear to make, and statements with the same ones are compiled once
_VOIDING, _FIRST, _TARGET, _STEP = (aliased(Statement) for _ in range(4))
_AGENT, _ACTIVITY = aliased(Reference), aliased(Reference)
_LAST_SEQ = select(Clock.seq).where(Clock.tenant_id == bindparam("tenant"))
_A_TARGET = (
    select(Statement.seq)
    .where(Statement.tenant_id == bindparam("tenant"), Statement.target_id.is_not(None))
    .limit(1)
)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a reader asks for; None means anything.

    `agent` is an IFI. `authority` limits to what was stored under that authority.
    """

    agent: str | None = None
    verb: str | None = None
    activity: str | None = None
    registration: uuid.UUID | None = None
    related_agents: bool = False
    related_activities: bool = False
    since: datetime | None = None
    until: datetime | None = None
    authority: uuid.UUID | None = None
    behind_wall: bool = False


@dataclass(frozen=True)
class Found:
    """A stored statement: its text lacks `stored` and `authority`."""

    seq: int
    stored: datetime
    payload: bytes
    authority: str


@dataclass(frozen=True)
class Page:
    """Statements in order, and whether there are more after the last."""

    found: list[Found]
    has_more: bool


def last_seq(db: Session, *, tenant: int) -> int:
    """The number of the newest statement; 0 when there is none."""
    return db.execute(_LAST_SEQ, {"tenant": tenant}).scalar_one()


def get_statement(
    db: Session,
    *,
    tenant: int,
    statement_id: uuid.UUID,
    is_voided: bool = False,
    filter: Filter | None = None,
) -> Found:
    """The statement of this id if it is, or is not, voided; raises NotFound."""
    given = filter or Filter()
    voided = is_voided_condition(Statement)
    readable = _readable(db, tenant, given)
    row = db.execute(
        _found(tenant).where(
            Statement.statement_id == statement_id,
            voided if is_voided else ~voided,
            *readable(Statement),
        )
    ).first()
    if row is None:
        kind = "voided statement" if is_voided else "statement"
        raise NotFound(f"There is no {kind} with the id {statement_id}.")
    return Found(*row)


def find_statements(
    db: Session,
    *,
    tenant: int,
    filter: Filter,
    limit: int,
    ascending: bool = False,
    after: int | None = None,
    newest: int | None = None,
) -> Page:
    """A page of statements that are not voided.

    `after` is the `seq` of the last statement of the page before, `newest` the highest
    that this reading may reach.
    """
    low, high = _bounds(db, tenant, filter)
    if newest is not None:
        high = newest if high is None else min(high, newest)
    if after is not None and ascending:
        low = after if low is None else max(low, after)
    elif after is not None:
        high = after - 1 if high is None else min(high, after - 1)
    readable = _readable(db, tenant, filter)
    within = _Window(tenant, low, high, ascending, limit + 1, readable)
    rows = _fetch(db, within, _direct(filter, within).subquery())
    if _is_narrow(filter) and _has_targets(db, tenant):
        is_whole = after is None and filter.since is None and filter.until is None
        if len(rows) > limit:
            # of those that refer, only what comes before the end of this page matters
            chosen = _referring(filter, within.up_to(rows[-1].seq))
        elif is_whole and filter.authority is None:
            chosen = _referrers(filter, within)
        else:
            chosen = _referring(filter, within)
        seen = {row.seq for row in rows}
        rows += [
            row for row in _fetch(db, within, chosen.subquery()) if row.seq not in seen
        ]
        rows.sort(key=lambda row: row.seq, reverse=not ascending)
    return Page(rows[:limit], len(rows) > limit)


def definitions(
    db: Session, *, tenant: int, iris: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """The merged definition of each activity that has one."""
    keys = [key_of(iri) for iri in iris]
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(keys), MAX_KEYS):
        rows = db.execute(
            select(Activity.iri, Activity.definition).where(
                Activity.tenant_id == tenant,
                Activity.activity_key.in_(keys[start : start + MAX_KEYS]),
            )
        )
        found |= {iri: definition for iri, definition in rows if definition}
    return found


def is_voided_condition(row: Row) -> ColumnElement[bool]:
    """Whether this row is voided, whichever of the two statements came first."""
    return and_(
        row.voids_id.is_(None),
        exists().where(
            _VOIDING.tenant_id == row.tenant_id,
            _VOIDING.voids_id == row.statement_id,
            or_(_VOIDING.authority_key == row.authority_key, _VOIDING.voids_any),
        ),
    )


@dataclass(frozen=True)
class _Window:
    """Which numbers a page is looked for in, from which end, and how many."""

    tenant: int
    low: int | None
    high: int | None
    ascending: bool
    limit: int
    readable: Readable

    def up_to(self, seq: int) -> "_Window":
        """The part of the window that a page ending with this number takes."""
        if self.ascending:
            return replace(self, high=seq)
        return replace(self, low=seq - 1)

    def inside(self, chosen: Select[Any], seq: Any) -> Select[Any]:
        """Only rows inside the window."""
        if self.low is not None:
            chosen = chosen.where(seq > self.low)
        if self.high is not None:
            chosen = chosen.where(seq <= self.high)
        return chosen

    def cut(self, chosen: Select[Any], seq: Any) -> Select[Any]:
        """The first rows inside the window."""
        chosen = self.inside(chosen, seq)
        chosen = chosen.order_by(seq.asc() if self.ascending else seq.desc())
        return chosen.limit(self.limit)


def _fetch(db: Session, within: _Window, chosen: Subquery) -> list[Found]:
    """The chosen statements themselves, in order."""
    order = Statement.seq.asc() if within.ascending else Statement.seq.desc()
    rows = db.execute(
        _found(within.tenant)
        .join(chosen, chosen.c.seq == Statement.seq)
        .order_by(order)
    )
    return [Found(*row) for row in rows]


def _found(tenant: int) -> Select[Any]:
    columns: tuple[Any, ...] = (
        Statement.seq,
        Statement.stored,
        Statement.payload,
        Authority.body,
    )
    chosen: Select[Any] = select(*columns)
    return chosen.join(
        Authority,
        and_(
            Authority.tenant_id == Statement.tenant_id,
            Authority.authority_key == Statement.authority_key,
        ),
    ).where(Statement.tenant_id == tenant)


def _is_narrow(filter: Filter) -> bool:
    """Whether a statement may match only through what it refers to."""
    return any((filter.agent, filter.verb, filter.activity, filter.registration))


def _has_targets(db: Session, tenant: int) -> bool:
    return db.execute(_A_TARGET, {"tenant": tenant}).first() is not None


def _bounds(db: Session, tenant: int, filter: Filter) -> tuple[int | None, int | None]:
    """`since` and `until` as numbers: one look-up each instead of a second order."""

    def newest_at(instant: datetime) -> int:
        return (
            db.execute(
                select(Statement.seq)
                .where(Statement.tenant_id == tenant, Statement.stored <= instant)
                .order_by(Statement.stored.desc())
                .limit(1)
            ).scalar()
            or 0
        )

    return (
        None if filter.since is None else newest_at(filter.since),
        None if filter.until is None else newest_at(filter.until),
    )


def _readable(db: Session, tenant: int, filter: Filter) -> Readable:
    """What the reader may know of at all: the own ones, nothing behind the wall.

    It holds for the statements found and for those through which they are: a
    reference must not tell what the statement it leads to would.
    """
    wall = None if filter.behind_wall else pretest_wall(db, tenant=tenant)

    def conditions(row: Row) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if filter.authority is not None:
            found.append(row.authority_key == filter.authority)
        if wall is not None and wall.activities:
            found.append(~wall.condition(row))
        return found

    return conditions


def _matching(filter: Filter, tenant: int, row: Row) -> tuple[Select[Any], Any]:
    """A select over the rows that match by themselves, and the column of their seq."""
    chosen: Select[Any] = select(row.seq).select_from(row)
    chosen = chosen.where(row.tenant_id == tenant)
    seq: Any = row.seq
    related_activity = filter.activity if filter.related_activities else None
    for name, reference in ((filter.agent, _AGENT), (related_activity, _ACTIVITY)):
        if name is None:
            continue
        chosen = chosen.join(
            reference,
            and_(reference.tenant_id == row.tenant_id, reference.seq == row.seq),
        ).where(reference.tenant_id == tenant, reference.ref_key == key_of(name))
        if reference is _AGENT and not filter.related_agents:
            chosen = chosen.where(reference.usage.in_(sorted(DIRECT_ACTORS)))
        seq = reference.seq
    if filter.activity is not None and not filter.related_activities:
        chosen = chosen.where(row.activity_key == key_of(filter.activity))
    if filter.verb is not None:
        chosen = chosen.where(row.verb_key == key_of(filter.verb))
    if filter.registration is not None:
        chosen = chosen.where(row.registration == filter.registration)
    return chosen, seq


def _direct(filter: Filter, within: _Window) -> Select[Any]:
    chosen, seq = _matching(filter, within.tenant, Statement)
    chosen = chosen.with_only_columns(seq.label("seq"))
    if filter.agent or filter.related_activities:
        # one statement may refer to the same thing in several usages
        chosen = chosen.distinct()
    visible = (~is_voided_condition(Statement), *within.readable(Statement))
    return within.cut(chosen.where(*visible), seq)


def _referrers(filter: Filter, within: _Window) -> Select[Any]:
    """Statements that refer, through any number of others, to one that matches.

    From those that match upward: for filters that few statements match.
    """
    hits, _ = _matching(filter, within.tenant, _TARGET)
    hits = hits.with_only_columns(_TARGET.statement_id).join(
        _FIRST,
        and_(
            _FIRST.tenant_id == _TARGET.tenant_id,
            _FIRST.target_id == _TARGET.statement_id,
        ),
    )
    hit = hits.where(*within.readable(_TARGET)).cte("hit", recursive=True)
    hit = hit.union(
        select(_STEP.statement_id)
        .join(hit, hit.c.statement_id == _STEP.target_id)
        .where(_STEP.tenant_id == within.tenant, *within.readable(_STEP))
    )
    chosen = select(Statement.seq).where(
        Statement.tenant_id == within.tenant,
        Statement.target_id.in_(select(hit.c.statement_id)),
        ~is_voided_condition(Statement),
        *within.readable(Statement),
    )
    return within.cut(chosen, Statement.seq)


def _referring(filter: Filter, within: _Window) -> Select[Any]:
    """The same from those that refer downward: for windows that hold few of them."""
    columns: tuple[Any, ...] = (Statement.seq, Statement.target_id)
    refers: Select[Any] = select(*columns)
    refers = refers.where(
        Statement.tenant_id == within.tenant,
        Statement.target_id.is_not(None),
        ~is_voided_condition(Statement),
        *within.readable(Statement),
    )
    chain = within.inside(refers, Statement.seq).cte("chain", recursive=True)
    chain = chain.union(
        select(chain.c.seq, _STEP.target_id)
        .join(chain, chain.c.target_id == _STEP.statement_id)
        .where(
            _STEP.tenant_id == within.tenant,
            _STEP.target_id.is_not(None),
            *within.readable(_STEP),
        )
    )
    hits, _ = _matching(filter, within.tenant, _TARGET)
    hits = hits.join(chain, chain.c.target_id == _TARGET.statement_id)
    hits = hits.where(*within.readable(_TARGET))
    return within.cut(hits.with_only_columns(chain.c.seq).distinct(), chain.c.seq)
