"""Finding statements: by id, by filters, page by page.

xAPI 1.0.3 Communication 2.1.3, 2.1.4; xAPI 2.0 4.1.6.1. Pages go by `seq`, which is
one order with `stored` and with the commits, so a page never shifts while others
write. A statement matches by itself or because it refers (StatementRef, in any number
of steps) to one that does; `since` and `until` hold for the statement itself.

SQLAlchemy writes each command once, by the shape of what is asked (which filters are
given, not their values); from then on the driver runs it with the values. Building a
select anew for each request took ten times as long as running it.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    Select,
    Subquery,
    Uuid,
    and_,
    bindparam,
    column,
    exists,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.orm import Session, aliased

from lrs.arrays import longs
from lrs.clock import Glance, as_glance, glance_column
from lrs.db import UtcDateTime
from lrs.direct import Driver, driver_of
from lrs.rules.wall import Wall, hidden, hidden_values, pretest_wall
from lrs.tables import Activity, Clock, Indirect, Reference, Statement, key_of
from statements.errors import NotFound, Unavailable
from statements.references import ACTIVITIES, ACTORS, DIRECT_ACTORS
from statements.text import stored_of

Row = type[Statement]
# both databases limit the parameters of one command
MAX_KEYS = 10_000
# statements that refer, of which what they refer to is followed at a time
CANDIDATES = 500
PATIENCE_SECONDS = 5.0
_VOIDING, _TARGET, _STEP = (aliased(Statement) for _ in range(3))
_AGENT, _ACTIVITY = aliased(Reference), aliased(Reference)
_DIALECTS: dict[str, Dialect] = {
    "postgresql": PGDialect_psycopg(),  # type: ignore[no-untyped-call]
    "sqlite": SQLiteDialect_pysqlite(paramstyle="named"),
}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a reader asks for; None means anything.

    `agent` is an IFI. `authority` limits to what was stored under that authority.
    Where `confined`, what only refers to a statement of the registration is not found.
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
    confined: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether a statement may match only through what it refers to."""
        return any((self.agent, self.verb, self.activity, self.registration))


class Found(NamedTuple):
    """A stored statement: its text, and a bit for each version it reads as it is in.

    A glance may stand behind these; see `find_statements`.
    """

    seq: int
    payload: bytes
    plain: int

    @property
    def stored(self) -> datetime:
        """The instant it was stored."""
        return stored_of(self.payload)


@dataclass(frozen=True)
class Page:
    """Statements in order, and whether there are more after the last.

    `seen` is how things stood with the tenant at the same moment, if that was asked
    for and anything was found.
    """

    found: list[Found]
    has_more: bool
    seen: Glance | None = None


def last_seq(db: Session, *, tenant: int) -> int:
    """The number of the newest statement; 0 when there is none."""
    return db.scalars(select(Clock.seq).where(Clock.tenant_id == tenant)).one()


def get_statement(
    db: Session | Driver,
    *,
    tenant: int,
    statement_id: uuid.UUID,
    is_voided: bool = False,
    filter: Filter | None = None,
    wall: Wall | None = None,
) -> Found:
    """The statement of this id if it is, or is not, voided; raises NotFound.

    `wall` as in `find_statements`.
    """
    reader = _Reader(db, tenant, filter or Filter(), wall)
    found = reader.run("voided" if is_voided else "one", statement_id=statement_id)
    if not found:
        kind = "voided statement" if is_voided else "statement"
        raise NotFound(f"There is no {kind} with the id {statement_id}.")
    return found[0]


def find_statements(
    db: Session | Driver,
    *,
    tenant: int,
    filter: Filter,
    limit: int,
    ascending: bool = False,
    after: int | None = None,
    newest: int | None = None,
    wall: Wall | None = None,
    refers: Callable[[], bool] | None = None,
    glances: bool = False,
    most_bytes: int | None = None,
) -> Page:
    """A page of statements that are not voided.

    `after` is the `seq` of the last statement of the page before, `newest` the highest
    that this reading may reach. `wall` is the pre-test wall where the caller has it at
    hand; else it is looked up, which takes a session. So is `refers`: whether any
    statement of the tenant refers to another. With `most_bytes` the page ends with
    the statement that reaches it: adding lengths up takes half as long as reading, so
    only who may meet large statements asks for it.
    """
    reader = _Reader(db, tenant, filter, wall, most_bytes)
    within = reader.window(
        ascending=ascending, limit=limit + 1, after=after, newest=newest
    )
    rows = reader.rows("direct", within, glances=glances)
    found = reader.found(rows)
    seen = as_glance(tenant, rows[0][3]) if glances and rows else None
    if seen is not None and within.high is None:
        # what the next command finds, too, was there at that moment
        within = within.below(seen.seq)
    if filter.is_narrow and (
        refers() if refers else has_references(reader.driver, tenant=tenant)
    ):
        # of those that refer, only what comes before the end of this page matters
        is_whole = len(found) <= limit and not reader.is_cut
        end = within if is_whole else within.up_to(found[-1].seq)
        direct = {one.seq for one in found}
        found += [one for one in reader.referring(end) if one.seq not in direct]
        found.sort(reverse=not ascending)
    if reader.is_cut:
        found = reader.cut(found)
    return Page(found[:limit], len(found) > limit or reader.is_cut, seen)


def has_references(driver: Driver, *, tenant: int) -> bool:
    """Whether any statement refers to another; once one does, that stays so."""
    return bool(_command(driver.dialect, _A_TARGET).rows(driver, {"tenant": tenant}))


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


@dataclass(frozen=True, slots=True)
class _Window:
    """Which numbers a page is looked for in, from which end, and how many."""

    low: int | None
    high: int | None
    ascending: bool
    limit: int

    def above(self, low: int) -> "_Window":
        """The part of the window with higher numbers than this."""
        return _Window(low, self.high, self.ascending, self.limit)

    def below(self, high: int) -> "_Window":
        """The part of the window up to this number."""
        return _Window(self.low, high, self.ascending, self.limit)

    def up_to(self, seq: int) -> "_Window":
        """The part of the window that a page ending with this number takes."""
        return self.below(seq) if self.ascending else self.above(seq - 1)

    def behind(self, seq: int) -> "_Window":
        """The part of the window that comes after this number."""
        return self.above(seq) if self.ascending else self.below(seq - 1)


class _Reader:
    """One reading: its filter and what its commands are run with."""

    def __init__(
        self,
        db: Session | Driver,
        tenant: int,
        filter: Filter,
        wall: Wall | None,
        most_bytes: int | None = None,
    ) -> None:
        if filter.behind_wall:
            wall = None
        elif wall is None:
            if not isinstance(db, Session):
                message = "a reading without a session needs the wall"
                raise TypeError(message)
            wall = pretest_wall(db, tenant=tenant)
        self.driver = db if isinstance(db, Driver) else driver_of(db)
        self.tenant = tenant
        self.filter = filter
        self.most_bytes = most_bytes
        self._ends: list[int] = []
        self.is_walled = wall is not None and bool(wall.activities)
        self.values: dict[str, Any] = {
            "tenant": tenant,
            "agent": filter.agent and key_of(filter.agent),
            "verb": filter.verb and key_of(filter.verb),
            "activity": filter.activity and key_of(filter.activity),
            "registration": filter.registration,
            "authority": filter.authority,
            "most_bytes": most_bytes,
        }
        if wall is not None and self.is_walled:
            self.values |= hidden_values(wall, self.driver.dialect)
        if self.driver.dialect == "sqlite":
            self.values = {name: _plain(one) for name, one in self.values.items()}

    def window(
        self,
        *,
        ascending: bool,
        limit: int,
        after: int | None,
        newest: int | None,
    ) -> _Window:
        """`since`, `until`, the page before and the first one, as numbers."""
        since, until = self.filter.since, self.filter.until
        low = None if since is None else self._newest_at(since)
        high = None if until is None else self._newest_at(until)
        if newest is not None:
            high = newest if high is None else min(high, newest)
        if after is not None and ascending:
            low = after if low is None else max(low, after)
        elif after is not None:
            high = after - 1 if high is None else min(high, after - 1)
        return _Window(low, high, ascending, limit)

    def _newest_at(self, instant: datetime) -> int:
        """The last number up to an instant: a look-up instead of a second order."""
        values = {"tenant": self.tenant, "instant": _bound(instant, self.driver)}
        found = _command(self.driver.dialect, _NEWEST_AT).rows(self.driver, values)
        return found[0][0] if found else 0

    @property
    def is_cut(self) -> bool:
        """Whether something found ended for its bytes."""
        return bool(self._ends)

    def found(self, rows: Sequence[Any]) -> list[Found]:
        """The rows up to the one that reaches the most bytes; the others are bare."""
        if self.most_bytes is None:
            return _found(rows)
        kept = _found(row for row in rows if row[1] is not None)
        if len(kept) < len(rows):
            self._ends.append(kept[-1].seq)
        return kept

    def cut(self, found: Sequence[Found]) -> list[Found]:
        """Those, in order, after which nothing that was found ended too early."""
        last = next(at for at, one in enumerate(found) if one.seq in self._ends)
        return list(found[: last + 1])

    @property
    def is_told_by_one(self) -> bool:
        """Whether one thing is asked for, by a reader who may know of everything."""
        filter = self.filter
        asked = (filter.agent, filter.verb, filter.activity, filter.registration)
        is_one = sum(one is not None for one in asked) == 1
        is_free = filter.authority is None and not filter.confined
        return is_one and is_free and not self.is_walled

    def referring(self, within: _Window) -> list[Found]:
        """The first statements inside the window that refer to one that matches.

        They are candidates as long as nobody has followed what they refer to: it may
        be several statements that match together, or one that must not be known.
        """
        found: list[Found] = []
        if self.is_told_by_one:
            return self.found(self.rows("indirect", within))
        end = time.monotonic() + PATIENCE_SECONDS
        ends = len(self._ends)
        wanted, within = within.limit, replace(within, limit=CANDIDATES)
        while True:
            numbers = [seq for (seq,) in self.rows("candidates", within)]
            if numbers:
                found += self._followed(within, numbers)
            if self.most_bytes and sum(len(one.payload) for one in found) >= (
                self.most_bytes
            ):
                self._ends.append(found[-1].seq)
            is_cut = len(self._ends) > ends
            if is_cut or len(numbers) < CANDIDATES or len(found) >= wanted:
                return found
            if time.monotonic() > end:
                raise Unavailable("This takes too long; ask for a shorter time.")
            within = within.behind(numbers[-1])

    def _followed(self, within: _Window, numbers: Sequence[int]) -> list[Found]:
        """Those of the candidates that lead to a statement that matches."""
        led = self.rows("chain", within, self._numbers(numbers))
        targets = sorted({target for _, target in led if target is not None})
        if not targets:
            return []
        matching = self.rows("matching", within, self._numbers(targets))
        hits = {seq for (seq,) in matching}
        chosen = sorted({seq for seq, target in led if target in hits})
        if not chosen:
            return []
        return self.found(self.rows("numbers", within, self._numbers(chosen)))

    def _numbers(self, numbers: Sequence[int]) -> dict[str, Any]:
        is_sqlite = self.driver.dialect == "sqlite"
        return {"numbers": str(list(numbers)) if is_sqlite else longs(numbers)}

    def run(
        self,
        kind: str,
        within: _Window | None = None,
        statement_id: uuid.UUID | None = None,
    ) -> list[Found]:
        """The statements that a kind of command finds, in order."""
        within = within or _Window(None, None, ascending=False, limit=1)
        more = {"statement_id": _bound(statement_id, self.driver)}
        return _found(self.rows(kind, within, more))

    def rows(
        self,
        kind: str,
        within: _Window,
        more: Mapping[str, Any] | None = None,
        *,
        glances: bool = False,
    ) -> list[Any]:
        """What a kind of command finds."""
        filter = self.filter
        shape = _Shape(
            dialect=self.driver.dialect,
            kind=kind,
            agent=filter.agent is not None,
            verb=filter.verb is not None,
            activity=filter.activity is not None,
            registration=filter.registration is not None,
            related_agents=filter.related_agents,
            related_activities=filter.related_activities,
            authority=filter.authority is not None,
            confined=filter.confined,
            low=within.low is not None,
            high=within.high is not None,
            ascending=within.ascending,
            walled=self.is_walled,
            glances=glances,
            bounded=self.most_bytes is not None,
        )
        values = {
            **self.values,
            "low": within.low,
            "high": within.high,
            "limit": within.limit,
            **(more or {}),
        }
        return _shaped(shape).rows(self.driver, values)


def _found(rows: Iterable[Any]) -> list[Found]:
    """The rows by their names: as they are, for copies would cost as much as reading."""
    return [tuple.__new__(Found, row) for row in rows]


def _bound(value: Any, driver: Driver) -> Any:
    return _plain(value) if driver.dialect == "sqlite" else value


def _plain(value: Any) -> Any:
    """A value as SQLAlchemy keeps it in SQLite."""
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        bound = UtcDateTime().process_bind_param(value, _DIALECTS["sqlite"])
        return bound.isoformat(" ", "microseconds") if bound else None
    return value


# The commands


_TENANT: BindParameter[int] = bindparam("tenant", required=False, type_=BigInteger())
_NEWEST_AT = (
    select(Statement.seq)
    .where(
        Statement.tenant_id == _TENANT,
        Statement.stored <= bindparam("instant", required=False, type_=UtcDateTime()),
    )
    .order_by(Statement.stored.desc())
    .limit(1)
)
_A_TARGET = (
    select(Statement.seq)
    .where(Statement.tenant_id == _TENANT, Statement.target_id.is_not(None))
    .limit(1)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shape:
    """What makes a difference to the text of a command."""

    dialect: str
    kind: str
    agent: bool
    verb: bool
    activity: bool
    registration: bool
    related_agents: bool
    related_activities: bool
    authority: bool
    confined: bool
    low: bool
    high: bool
    ascending: bool
    walled: bool
    glances: bool
    bounded: bool

    @property
    def is_many(self) -> bool:
        """Whether several things are asked for, of which one index tells one."""
        return sum((self.agent, self.verb, self.activity, self.registration)) > 1


@dataclass(frozen=True)
class _Command:
    """The text of a command, and the values in it that are always the same.

    Which index is the one of few rows depends on the values of several filters:
    PostgreSQL then plans anew each time, which takes half a millisecond, where one plan
    for all values took up to seventy (measured, a million statements).
    """

    text: str
    constants: dict[str, Any]
    is_planned_anew: bool = False

    def rows(self, driver: Driver, values: Mapping[str, Any]) -> list[Any]:
        """What it finds with these values."""
        return driver.rows(
            self.text,
            {**self.constants, **values},
            is_planned_anew=self.is_planned_anew,
        )


@lru_cache(maxsize=4096)
def _shaped(shape: _Shape) -> _Command:
    """The command of this shape."""
    command = _compiled(shape.dialect, _KINDS[shape.kind](shape))
    return replace(command, is_planned_anew=shape.is_many)


@lru_cache(maxsize=100)
def _command(dialect: str, command: Select[Any]) -> _Command:
    return _compiled(dialect, command)


def _compiled(dialect: str, command: Select[Any]) -> _Command:
    compiled = command.compile(
        dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True}
    )
    given = compiled.params.items()
    return _Command(str(compiled), {k: v for k, v in given if v is not None})


def _key(name: str) -> BindParameter[uuid.UUID]:
    return bindparam(name, required=False, type_=Uuid())


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, required=False, type_=BigInteger())


def _columns(shape: _Shape, row: Row) -> tuple[Any, ...]:
    columns = row.seq, row.payload, row.plain
    return (*columns, glance_column(_TENANT)) if shape.glances else columns


def _readable(shape: _Shape, row: Row) -> list[ColumnElement[bool]]:
    """What the reader may know of at all: the own ones, nothing behind the wall.

    It holds for the statements found and for those through which they are: a
    reference must not tell what the statement it leads to would.
    """
    found: list[ColumnElement[bool]] = []
    if shape.authority:
        found.append(row.authority_key == _key("authority"))
    if shape.confined:
        found.append(row.registration == _key("registration"))
    if shape.walled:
        found.append(~hidden(row, shape.dialect))
    return found


def _inside(shape: _Shape, chosen: Select[Any], seq: Any) -> Select[Any]:
    """Only rows inside the window."""
    if shape.low:
        chosen = chosen.where(seq > _number("low"))
    if shape.high:
        chosen = chosen.where(seq <= _number("high"))
    return chosen


def _cut(shape: _Shape, chosen: Select[Any], seq: Any) -> Select[Any]:
    """The first rows inside the window."""
    chosen = _inside(shape, chosen, seq)
    chosen = chosen.order_by(seq.asc() if shape.ascending else seq.desc())
    return chosen.limit(_number("limit"))


def _fetched(shape: _Shape, chosen: Select[Any]) -> Select[Any]:
    """The statements of the numbers chosen, in order."""
    numbers = chosen.subquery()
    if shape.bounded:
        numbers = _added_up(shape, numbers)
    order = numbers.c.seq.asc() if shape.ascending else numbers.c.seq.desc()
    on = [Statement.tenant_id == _TENANT, Statement.seq == numbers.c.seq]
    if shape.bounded:
        on.append(numbers.c.before < _number("most_bytes"))
    # each number is there; an outer join keeps SQLite from beginning with the table
    join = numbers.outerjoin(Statement, and_(*on))
    return select(*_columns(shape, Statement)).select_from(join).order_by(order)


def _numbered(shape: _Shape, seq: Any) -> list[Any]:
    """The number, and the length where lengths are added up."""
    # known without reading what is as long
    length = func.length if shape.dialect == "sqlite" else func.octet_length
    sizes = [length(Statement.payload).label("size")] if shape.bounded else []
    return [seq.label("seq"), *sizes]


def _added_up(shape: _Shape, numbers: Subquery) -> Subquery:
    """The numbers, each with the bytes of all before it."""
    order = numbers.c.seq.asc() if shape.ascending else numbers.c.seq.desc()
    before = func.sum(numbers.c.size).over(order_by=order, rows=(None, -1))
    return select(numbers.c.seq, func.coalesce(before, 0).label("before")).subquery()


def _one(shape: _Shape) -> Select[Any]:
    """The statement of an id that is not voided, or that is."""
    voided = is_voided_condition(Statement)
    return select(*_columns(shape, Statement)).where(
        Statement.tenant_id == _TENANT,
        Statement.statement_id == _key("statement_id"),
        voided if shape.kind == "voided" else ~voided,
        *_readable(shape, Statement),
    )


def _matching(shape: _Shape, row: Row) -> tuple[Select[Any], Any]:
    """A select over the rows that match by themselves, and the column of their seq."""
    chosen: Select[Any] = select(row.seq).select_from(row)
    chosen = chosen.where(row.tenant_id == _TENANT)
    seq: Any = row.seq
    is_related = shape.activity and shape.related_activities
    actors = ACTORS if shape.related_agents else DIRECT_ACTORS
    for name, is_given, reference, usages in (
        ("agent", shape.agent, _AGENT, actors),
        ("activity", is_related, _ACTIVITY, ACTIVITIES),
    ):
        if not is_given:
            continue
        chosen = chosen.join(
            reference,
            and_(reference.tenant_id == row.tenant_id, reference.seq == row.seq),
        ).where(
            reference.tenant_id == _TENANT,
            reference.ref_key == _key(name),
            reference.usage.in_(sorted(usages)),
        )
        seq = reference.seq
    # SQLite keeps no statistics: of two indexes it is left the one of fewer statements
    is_left = shape.dialect != "sqlite" or not shape.registration
    if shape.activity and not shape.related_activities:
        activity = row.activity_key if is_left else func.trim(row.activity_key)
        chosen = chosen.where(activity == _key("activity"))
        is_left = shape.dialect != "sqlite"
    if shape.verb:
        verb = row.verb_key if is_left else func.trim(row.verb_key)
        chosen = chosen.where(verb == _key("verb"))
    if shape.registration:
        chosen = chosen.where(row.registration == _key("registration"))
    return chosen, seq


def _direct(shape: _Shape) -> Select[Any]:
    chosen, seq = _matching(shape, Statement)
    visible = (~is_voided_condition(Statement), *_readable(shape, Statement))
    chosen = chosen.where(*visible)
    is_doubled = shape.agent or (shape.activity and shape.related_activities)
    if not (is_doubled or shape.bounded):
        return _cut(shape, chosen.with_only_columns(*_columns(shape, Statement)), seq)
    # one statement may refer to the same thing in several usages
    chosen = chosen.with_only_columns(*_numbered(shape, seq)).distinct()
    return _fetched(shape, _cut(shape, chosen, seq))


def _candidates(shape: _Shape) -> Select[Any]:
    """The first numbers inside the window of statements that may match indirectly."""
    return _cut(shape, _candidates_of(shape).distinct(), Indirect.seq)


def _candidates_of(shape: _Shape) -> Select[Any]:
    """Numbers of statements that may match by what they refer to (`Indirect`).

    By one filter, the one that fewest statements match; the others are looked at when
    what they refer to is followed.
    """
    chosen: Select[Any] = select(Indirect.seq).where(Indirect.tenant_id == _TENANT)
    usages: Iterable[str]
    if shape.registration:
        name, usages = "registration", ["registration"]
    elif shape.agent:
        name, usages = "agent", ACTORS if shape.related_agents else DIRECT_ACTORS
    elif shape.activity:
        name, usages = (
            "activity",
            ACTIVITIES if shape.related_activities else ["object"],
        )
    else:
        name, usages = "verb", ["verb"]
    return chosen.where(
        Indirect.ref_key == _key(name), Indirect.usage.in_(sorted(usages))
    )


def _indirect(shape: _Shape) -> Select[Any]:
    """The statements that match by what they refer to, where candidates are all right."""
    chosen = _candidates_of(shape).join(
        Statement,
        and_(Statement.tenant_id == _TENANT, Statement.seq == Indirect.seq),
    )
    chosen = chosen.where(~is_voided_condition(Statement))
    chosen = chosen.with_only_columns(*_numbered(shape, Indirect.seq)).distinct()
    return _fetched(shape, _cut(shape, chosen, Indirect.seq))


def _chain(shape: _Shape) -> Select[Any]:
    """Pairs of the numbers and of those that they lead to, as far as may be known."""
    columns: tuple[Any, ...] = (Statement.seq, Statement.target_id)
    refers: Select[Any] = select(*columns)
    refers = refers.where(
        Statement.tenant_id == _TENANT,
        Statement.seq.in_(_numbers(shape.dialect)),
        ~is_voided_condition(Statement),
        *_readable(shape, Statement),
    )
    chain = refers.cte("chain", recursive=True)
    chain = chain.union(
        select(chain.c.seq, _STEP.target_id)
        .join(chain, chain.c.target_id == _STEP.statement_id)
        .where(
            _STEP.tenant_id == _TENANT,
            _STEP.target_id.is_not(None),
            *_readable(shape, _STEP),
        )
    )
    # an outer join: SQLite would else begin with all statements of the tenant
    to = and_(
        _TARGET.tenant_id == _TENANT,
        _TARGET.statement_id == chain.c.target_id,
        *_readable(shape, _TARGET),
    )
    pairs: tuple[Any, ...] = (chain.c.seq, _TARGET.seq)
    return select(*pairs).select_from(chain.outerjoin(_TARGET, to))


def _matching_numbers(shape: _Shape) -> Select[Any]:
    """Of the numbers, those of statements that match by themselves."""
    chosen, seq = _matching(shape, Statement)
    numbers = _numbers(shape.dialect)
    chosen = chosen.where(Statement.seq.in_(numbers), seq.in_(numbers))
    return chosen.with_only_columns(Statement.seq).distinct()


def _of_numbers(shape: _Shape) -> Select[Any]:
    """The statements of the numbers."""
    given = Statement.tenant_id == _TENANT, Statement.seq.in_(_numbers(shape.dialect))
    if shape.bounded:
        return _fetched(shape, select(*_numbered(shape, Statement.seq)).where(*given))
    return select(*_columns(shape, Statement)).where(*given)


def _numbers(dialect: str) -> Any:
    """The numbers handed to a command, as a select."""
    if dialect == "postgresql":
        given = bindparam("numbers", required=False, type_=ARRAY(BigInteger()))
        return select(func.unnest(given))
    listed = text("SELECT value FROM json_each(:numbers)")
    listed = listed.bindparams(bindparam("numbers", required=False))
    return listed.columns(column("value", BigInteger()))


_KINDS: Mapping[str, Callable[[_Shape], Select[Any]]] = {
    "one": _one,
    "voided": _one,
    "direct": _direct,
    "candidates": _candidates,
    "indirect": _indirect,
    "chain": _chain,
    "matching": _matching_numbers,
    "numbers": _of_numbers,
}
