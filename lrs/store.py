"""The one write path of the statement log.

`seq` and `stored` are given from the tenant's clock row as the last step of the
caller's transaction: the order of commits is then the order of numbers, without
gaps, and no reader that remembers the last number can miss a row (a `bigserial` and
`now()` lose about a third under load, measured). On PostgreSQL the lock on that row
is taken inside the one statement that inserts everything, so it is held for one
round trip and the commit. Everything that follows it there depends on it, so writers
that share activities cannot deadlock. On SQLite the immediate transaction is the lock.
The rows of many requests may go in together (lrs/commit.py).

Semantics (xAPI 1.0.3 Communication 2.1, Data 2.3.2): the same statement under a known
id succeeds and stores nothing, another one is a conflict, a list is all or nothing.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple

import orjson
from psycopg.errors import UniqueViolation
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from lrs import arrays
from lrs.activities import merge_definition, merge_received
from lrs.clock import glance
from lrs.direct import Driver, driver_of
from lrs.rules.wall import pretest_wall
from lrs.tables import PLAIN, QUOTED, Statement, key_bytes, key_of, name_of_data
from statements.actors import ifis
from statements.compare import same_statement
from statements.errors import (
    Forbidden,
    Invalid,
    StatementConflict,
    TooLarge,
    Unavailable,
)
from statements.prepare import Prepared
from statements.references import activity_of, actor_of, has_score, references
from statements.text import open_ended, stored_end

MICROSECOND = timedelta(microseconds=1)
# how often a writer looks again because others came in between
LOOKS = 100
# what a write may add because statements refer to each other
MAX_LINKS = 20_000
MAX_INDIRECT = 200_000


@dataclass(frozen=True, kw_only=True)
class Write:
    """What one request stores under one authority: all of it or nothing.

    `authority` is JSON text as it is written into statements. Without `may_define`
    the definitions of activities stay as they are. Where `revision` is given, it must
    be the tenant's, or the writer is not who they were.
    """

    tenant: int
    statements: Sequence[Prepared]
    authority: str
    now: datetime
    may_void_any: bool = False
    may_define: bool = True
    revision: int | None = None


class Stale(Exception):
    """What was remembered of the writer may no longer be true."""


def store_statements(
    db: Session,
    *,
    tenant: int,
    statements: Sequence[Prepared],
    authority: dict[str, Any],
    now: datetime,
    may_void_any: bool = False,
) -> list[uuid.UUID]:
    """Store what is new; the ids of all, in the order given.

    Call it last in the transaction. Raises StatementConflict for a known id with
    other content, Invalid for an id twice in the list, Forbidden for voiding what
    the authority may not void; then nothing of the list is stored.
    """
    write = Write(
        tenant=tenant,
        statements=statements,
        authority=authority_text(authority),
        now=now,
        may_void_any=may_void_any,
    )
    store_write(db, write)
    return [statement.id for statement in statements]


def store_write(db: Session, write: Write) -> datetime | None:
    """Store what is new of a write inside a transaction; raises as above.

    The instant of the last statement, if any was new.
    """
    refuse_repeats(write.statements)
    driver = driver_of(db)
    if write.revision is not None:
        check_revision(driver, write)
    is_postgresql = driver.dialect == "postgresql"
    for _ in range(LOOKS):
        new = _new_ones(db, write)
        if not new:
            return None
        _check_voiding(db, write, new)
        if is_postgresql:
            db.execute(text("SAVEPOINT store"))
        try:
            done = insert(driver, [Rows(write, new)], alone=True)
        except UniqueViolation:
            done = None
        if done is not None and not done.met:
            return done.stored
        # another writer committed one of these ids meanwhile: look again
        if is_postgresql:
            db.execute(text("ROLLBACK TO SAVEPOINT store"))
    raise Unavailable("Too many write at once; try again.")


def check_revision(driver: Driver, write: Write) -> None:
    """Nothing, or Stale."""
    if glance(driver, tenant=write.tenant).revision != write.revision:
        raise Stale


def authority_text(authority: dict[str, Any]) -> str:
    """An authority as it is written into statements, and told from others by."""
    return orjson.dumps(authority, option=orjson.OPT_SORT_KEYS).decode()


def refuse_repeats(statements: Sequence[Prepared]) -> None:
    """Nothing, or Invalid where two statements of a list have one id."""
    if len(statements) == 1:
        return
    seen: set[uuid.UUID] = set()
    for index, statement in enumerate(statements):
        if statement.id in seen:
            raise Invalid(
                f"Two statements of the list have the id {statement.id}.",
                path=f"$[{index}].id",
                requirement="statement ids within a batch are distinct",
                section="Communication 2.1.2; 2.0 4.1.6.1",
            )
        seen.add(statement.id)


def _new_ones(db: Session, write: Write) -> list[Prepared]:
    """Those whose id is unknown; a known id with other content is a conflict.

    So is any content where another authority's statement is behind the pre-test wall:
    guessing it right must not be told from guessing it wrong.
    """
    driver = driver_of(db)
    ids = [one.id.bytes for one in write.statements]
    given: Any = arrays.uuids(ids)
    if driver.dialect == "sqlite":
        given = orjson.dumps([id.hex() for id in ids]).decode()
    rows = driver.rows(_KNOWN[driver.dialect], {"tenant": write.tenant, "ids": given})
    known = {uuid.UUID(id): orjson.loads(payload) for id, payload, _ in rows}
    keys = {uuid.UUID(id): uuid.UUID(key) for id, _, key in rows}
    own = key_of(write.authority)
    foreign = [id for id, key in keys.items() if key != own]
    hidden: set[uuid.UUID] = set()
    if foreign:
        wall = pretest_wall(db, tenant=write.tenant)
        hidden.update(
            db.scalars(
                select(Statement.statement_id).where(
                    Statement.tenant_id == write.tenant,
                    Statement.statement_id.in_(foreign),
                    wall.condition(db, Statement),
                )
            )
        )
    for one in write.statements:
        if one.id in known and (
            one.id in hidden or not same_statement(known[one.id], one.received)
        ):
            raise StatementConflict(
                f"A different statement with the id {one.id} is already stored.",
                id=str(one.id),
            )
    return [one for one in write.statements if one.id not in known]


# an id at a time: a planner without statistics would else read the whole tenant
_KNOWN = {
    "postgresql": """
SELECT CAST(found.statement_id AS text), found.payload,
    CAST(found.authority_key AS text)
FROM unnest(%(ids)s) AS given (id), LATERAL (
    SELECT statement_id, payload, authority_key FROM statement
    WHERE tenant_id = %(tenant)s AND statement_id = given.id LIMIT 1
) AS found
""",
    "sqlite": """
SELECT s.statement_id, s.payload, s.authority_key
FROM json_each(:ids) AS given CROSS JOIN statement AS s
WHERE s.tenant_id = :tenant AND s.statement_id = given.value
""",
}


def _check_voiding(db: Session, write: Write, new: Sequence[Prepared]) -> None:
    """Refuse voiding of another authority's statement, where it is already here."""
    targets = [one.references.voids for one in new if one.references.voids]
    if write.may_void_any or not targets:
        return
    foreign = db.scalar(
        select(Statement.statement_id).where(
            Statement.tenant_id == write.tenant,
            Statement.statement_id.in_(targets),
            Statement.authority_key != key_of(write.authority),
        )
    )
    if foreign is not None:
        raise Forbidden(f"Statement {foreign} has another authority; it stays.")


@lru_cache(maxsize=1000)
def _own_references(authority: str) -> tuple[str, ...]:
    """What every statement of an authority refers to by it."""
    return tuple(ifis(orjson.loads(authority)))


class Rows:
    """The rows of one write, all but the numbers that the clock gives."""

    def __init__(self, write: Write, statements: Sequence[Prepared] = ()) -> None:
        """Lay out the statements of a write, or those of them that are given."""
        self.write = write
        self.statements = [_row(one, write) for one in (statements or write.statements)]
        # key, index of the statement, usage
        self.references: list[tuple[bytes, int, str]] = []
        self.actors: dict[bytes, str] = {}
        self.activities: dict[bytes, str] = {}
        received: list[tuple[str, dict[str, Any]]] = []
        own = _own_references(write.authority)
        for index, one in enumerate(statements or write.statements):
            found = one.references
            for usage, name in found.actors:
                key = key_bytes(name)
                self.actors[key] = name
                self.references.append((key, index, usage))
            for name in own:
                if ("authority", name) not in found.actors:
                    key = key_bytes(name)
                    self.actors[key] = name
                    self.references.append((key, index, "authority"))
            for usage, name in found.activities:
                key = key_bytes(name)
                self.activities[key] = name
                self.references.append((key, index, usage))
            for sha2 in found.attachments:
                key = key_bytes(name_of_data(sha2))
                self.references.append((key, index, "attachment"))
            if found.sub_target is not None:
                self.references.append((key_bytes(QUOTED), index, "sub_object"))
            received += found.definitions
        self.definitions = merge_received(received) if write.may_define else {}


# the columns of a statement but tenant, seq and stored, with their kind of array
_COLUMNS: dict[str, Any] = {
    "statement_id": arrays.uuids,
    "timestamp": arrays.instants,
    "actor_key": arrays.uuids,
    "verb_key": arrays.uuids,
    "activity_key": arrays.uuids,
    "registration": arrays.uuids,
    "target_id": arrays.uuids,
    "voids_id": arrays.uuids,
    "voids_any": arrays.booleans,
    "has_score": arrays.booleans,
    "plain": arrays.integers,
    "version": arrays.texts,
    "authority_key": arrays.uuids,
    "payload": arrays.blobs,
}


_TARGET = list(_COLUMNS).index("target_id")


def _row(one: Prepared, write: Write) -> tuple[Any, ...]:
    """The values of `_COLUMNS`; ids and keys as bytes, the payload without its end."""
    statement, references = one.statement, one.references
    actor, activity = actor_of(statement), activity_of(statement)
    context = statement.get("context")
    registration = None if context is None else context.get("registration")
    voids = references.voids
    return (
        one.id.bytes,
        one.timestamp,
        None if actor is None else key_bytes(actor),
        key_bytes(statement["verb"]["id"]),
        None if activity is None else key_bytes(activity),
        None if registration is None else uuid.UUID(registration).bytes,
        None if references.target is None else references.target.bytes,
        None if voids is None else voids.bytes,
        write.may_void_any and voids is not None,
        has_score(statement),
        one.is_plain_1 * PLAIN["1.0.3"] | one.is_plain_2 * PLAIN["2.0.0"],
        one.version,
        key_bytes(write.authority),
        open_ended(one.raw, write.authority.encode()),
    )


class Inserted(NamedTuple):
    """The ids that were met; else the instant of the last statement inserted."""

    met: list[uuid.UUID]
    stored: datetime | None


def insert(driver: Driver, writes: Sequence[Rows], *, alone: bool = False) -> Inserted:
    """Insert the rows of writes to one tenant unless an id of them is known.

    If ids were met, nothing was inserted. On SQLite the caller has begun an immediate
    transaction. On PostgreSQL it may be the command's own; then ids that others refer
    to already are met as well, and no statement may refer to another. `alone`, inside
    a transaction, takes both. Raises Stale.
    """
    if driver.dialect != "postgresql":
        return _insert_sqlite(driver, writes)
    packed = _packed(writes) | {"alone": alone}
    for _ in range(LOOKS):
        found = driver.rows(INSERT_POSTGRESQL, packed)
        # an instant says that all is in; no row, that the look came too early
        if found:
            break
        if writes[0].write.revision is not None:
            check_revision(driver, writes[0].write)
    else:
        raise Unavailable("Too many write at once; try again.")
    met = [id for id, _ in found if id is not None]
    if alone and not met:
        _link(driver, writes)
    return Inserted(met, found[-1][1])


def refers(rows: Rows) -> bool:
    """Whether a statement of the write refers to another."""
    return any(row[_TARGET] is not None for row in rows.statements)


def _link(driver: Driver, writes: Sequence[Rows]) -> None:
    """Let statements be found by what they refer to, where one of both is new."""
    tenant = writes[0].write.tenant
    new = [row[0] for rows in writes for row in rows.statements]
    ids: Any = arrays.uuids(new)
    if driver.dialect == "sqlite":
        ids = orjson.dumps([id.hex() for id in new]).decode()
    values = {"tenant": tenant, "ids": ids, "limit": MAX_LINKS + 1}
    is_referred, led_to, payload_of = _LINKS[driver.dialect]
    if not any(map(refers, writes)) and not driver.rows(is_referred, values)[0][0]:
        return
    pairs: list[tuple[int, int]] = driver.rows(led_to, values)
    if len(pairs) > MAX_LINKS:
        raise _TooManyLinks
    targets = sorted({target for _, target in pairs})
    keys_of: dict[int, set[tuple[bytes, str]]] = {}
    for target in targets:
        ((payload,),) = driver.rows(payload_of, {"tenant": tenant, "seq": target})
        keys_of[target] = set(_found_by(orjson.loads(payload)))
    if sum(len(keys_of[target]) for _, target in pairs) > MAX_INDIRECT:
        raise _TooManyLinks
    found = {
        (key, seq, usage) for seq, target in pairs for key, usage in keys_of[target]
    }
    if driver.dialect == "sqlite":
        driver.connection.executemany(
            _sqlite_insert("indirect", "ref_key", "seq", "usage") + _UNLESS_THERE,
            [(tenant, key.hex(), seq, usage) for key, seq, usage in sorted(found)],
        )
        return
    keys, numbers, usages = zip(*sorted(found), strict=True) if found else ((), (), ())
    driver.rows(
        _INSERT_INDIRECT,
        {
            "tenant": tenant,
            "keys": arrays.uuids(keys),
            "numbers": arrays.longs(numbers),
            "usages": arrays.texts(usages),
        },
    )


class _TooManyLinks(TooLarge):
    """More statements refer to each other than one request may add; send fewer."""


def _found_by(statement: dict[str, Any]) -> Iterator[tuple[bytes, str]]:
    """The keys that a filter finds a statement by, and their usages."""
    about = references(statement)
    for usage, name in (*about.actors, *about.activities):
        yield key_bytes(name), usage
    if about.sub_target is not None:
        yield key_bytes(QUOTED), "sub_object"
    yield key_bytes(statement["verb"]["id"]), "verb"
    registration = statement.get("context", {}).get("registration")
    if registration is not None:
        yield uuid.UUID(registration).bytes, "registration"


def _merged(writes: Sequence[Rows]) -> tuple[dict[bytes, str], dict[bytes, str], Any]:
    """Actors, activities and definitions of all writes, each once, in one order."""
    actors: dict[bytes, str] = {}
    activities: dict[bytes, str] = {}
    for rows in writes:
        actors |= rows.actors
        activities |= rows.activities
    received = chain.from_iterable(rows.definitions.items() for rows in writes)
    definitions = (
        writes[0].definitions if len(writes) == 1 else merge_received(received)
    )
    return dict(sorted(actors.items())), dict(sorted(activities.items())), definitions


def _references(writes: Sequence[Rows]) -> Iterable[tuple[bytes, int, str]]:
    """The references of all writes, statements numbered through."""
    offset = 0
    for rows in writes:
        for key, index, usage in rows.references:
            yield key, offset + index, usage
        offset += len(rows.statements)


def _packed(writes: Sequence[Rows]) -> dict[str, Any]:
    """The rows column by column, for `unnest`."""
    rows = list(chain.from_iterable(one.statements for one in writes))
    columns = zip(*rows, strict=True)
    packed: dict[str, Any] = {
        name: pack(values)
        for (name, pack), values in zip(_COLUMNS.items(), columns, strict=True)
    }
    actors, activities, definitions = _merged(writes)
    keys, indexes, usages = zip(*_references(writes), strict=True)
    authorities = {rows.write.authority for rows in writes}
    packed |= {
        "tenant": writes[0].write.tenant,
        "now": max(one.write.now for one in writes),
        "count": len(rows),
        "refers": any(row[_TARGET] is not None for row in rows),
        "largest": _largest(rows),
        "revision": writes[0].write.revision,
        "the_authority": arrays.texts(authorities),
        "the_authority_key": arrays.uuids(map(key_bytes, authorities)),
        "ref_key": arrays.uuids(keys),
        "ref_index": arrays.integers(indexes),
        "ref_usage": arrays.texts(usages),
        "known_actor_key": arrays.uuids(actors),
        "known_ifi": arrays.texts(actors.values()),
        "known_activity_key": arrays.uuids(activities),
        "known_iri": arrays.texts(activities.values()),
        "known_definition": arrays.texts(
            orjson.dumps(definitions[iri]).decode() if iri in definitions else None
            for iri in activities.values()
        ),
    }
    return packed


def _largest(rows: Iterable[tuple[Any, ...]]) -> int:
    """The length of the longest payload."""
    return max(len(row[-1]) for row in rows)


# as lrs.activities.merge_definition does
_MERGE = """COALESCE(
            NULLIF({old}, CAST('null' AS jsonb)), CAST('{{}}' AS jsonb)
        ) || {new} || (
            SELECT COALESCE(jsonb_object_agg(
                member, ({old} -> member) || ({new} -> member)
            ), CAST('{{}}' AS jsonb))
            FROM unnest(ARRAY['name', 'description', 'extensions']) AS m (member)
            WHERE jsonb_typeof({old} -> member) = 'object'
                AND jsonb_typeof({new} -> member) = 'object'
        )"""
# One statement, so the clock row is locked for one round trip. Every insert reads
# from `tick`, so none starts before the lock is held. Whether a definition changes is
# judged by what was committed before; what it becomes, by the row as it is.
# the names of columns are ours
INSERT_POSTGRESQL = f"""
WITH known AS (
    SELECT found.statement_id FROM unnest(%(statement_id)s) AS given (id), LATERAL (
        SELECT statement_id FROM statement
        WHERE tenant_id = %(tenant)s AND statement_id = given.id LIMIT 1
    ) AS found
), referred AS (
    SELECT found.target_id FROM unnest(%(statement_id)s) AS given (id), LATERAL (
        SELECT target_id FROM statement
        WHERE tenant_id = %(tenant)s AND target_id = given.id LIMIT 1
    ) AS found
    WHERE NOT %(alone)s
), tick AS (
    UPDATE clock
    SET seq = seq + %(count)s,
        referring = CASE WHEN %(refers)s THEN seq + %(count)s ELSE referring END,
        largest = GREATEST(largest, %(largest)s),
        stored = GREATEST(%(now)s, stored + interval '1 microsecond')
            + (%(count)s - 1) * interval '1 microsecond'
    WHERE tenant_id = %(tenant)s
        AND NOT EXISTS (SELECT FROM known) AND NOT EXISTS (SELECT FROM referred)
        AND (CAST(%(revision)s AS bigint) IS NULL OR EXISTS (
            SELECT FROM tenant WHERE id = %(tenant)s AND revision = %(revision)s
        ))
        AND (%(alone)s OR referring = (
            SELECT referring FROM clock AS before WHERE tenant_id = %(tenant)s
        ))
    RETURNING seq - %(count)s AS seq,
        stored - %(count)s * interval '1 microsecond' AS stored
), rows AS (
    INSERT INTO statement (tenant_id, seq, stored, {", ".join(_COLUMNS)})
    SELECT %(tenant)s, tick.seq + n, tick.stored + n * interval '1 microsecond',
        {", ".join(f"r.{name}" for name in _COLUMNS if name != "payload")},
        r.payload || convert_to(to_char(
            (tick.stored + n * interval '1 microsecond') AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS.US'
        ) || 'Z"}}', 'UTF8')
    FROM tick, unnest({", ".join(f"%({name})s" for name in _COLUMNS)})
        WITH ORDINALITY AS r ({", ".join(_COLUMNS)}, n)
), known_authority AS (
    INSERT INTO authority (tenant_id, authority_key, body)
    SELECT %(tenant)s, key, body
    FROM tick, unnest(%(the_authority_key)s, %(the_authority)s) AS a (key, body)
    ON CONFLICT DO NOTHING
), known_actor AS (
    INSERT INTO actor (tenant_id, actor_key, ifi)
    SELECT %(tenant)s, actor_key, ifi
    FROM tick, unnest(%(known_actor_key)s, %(known_ifi)s) AS a (actor_key, ifi)
    ON CONFLICT DO NOTHING
), known_activity AS (
    INSERT INTO activity (tenant_id, activity_key, iri, definition)
    SELECT %(tenant)s, a.activity_key, a.iri, a.definition
    FROM tick, (
        SELECT activity_key, iri, CAST(definition AS jsonb) AS definition
        FROM unnest(%(known_activity_key)s, %(known_iri)s, %(known_definition)s)
            AS u (activity_key, iri, definition)
    ) AS a LEFT JOIN activity AS e
        ON e.tenant_id = %(tenant)s AND e.activity_key = a.activity_key
    WHERE e.activity_key IS NULL OR (
        a.definition IS NOT NULL AND e.definition IS DISTINCT FROM
        {_MERGE.format(old="e.definition", new="a.definition")}
    )
    ON CONFLICT (tenant_id, activity_key) DO UPDATE
    SET definition = {_MERGE.format(old="activity.definition", new="excluded.definition")}
    WHERE excluded.definition IS NOT NULL
), known_reference AS (
    INSERT INTO reference (tenant_id, ref_key, seq, usage)
    SELECT %(tenant)s, ref_key, tick.seq + 1 + i, usage
    FROM tick, unnest(%(ref_key)s, %(ref_index)s, %(ref_usage)s)
        AS r (ref_key, i, usage)
)
SELECT statement_id, CAST(NULL AS timestamptz) FROM known
UNION ALL SELECT target_id, NULL FROM referred
UNION ALL SELECT NULL, stored + %(count)s * interval '1 microsecond' FROM tick
"""  # noqa: S608
# those of the new statements, and all that lead to them; then what each of these leads
# to. CROSS JOIN keeps SQLite to the order written: from the few to the many
_LINK = """
WITH RECURSIVE up (seq, statement_id, target_id) AS (
    SELECT s.seq, s.statement_id, s.target_id
    FROM {ids} CROSS JOIN statement AS s
    WHERE s.tenant_id = {tenant} AND s.statement_id = given.id
    UNION
    SELECT s.seq, s.statement_id, s.target_id
    FROM up CROSS JOIN statement AS s
    WHERE s.tenant_id = {tenant} AND s.target_id = up.statement_id
), down (seq, target_id) AS (
    SELECT seq, target_id FROM up WHERE target_id IS NOT NULL
    UNION
    SELECT down.seq, s.target_id
    FROM down CROSS JOIN statement AS s
    WHERE s.tenant_id = {tenant} AND s.statement_id = down.target_id
        AND s.target_id IS NOT NULL
)
SELECT down.seq, s.seq FROM down CROSS JOIN statement AS s
WHERE s.tenant_id = {tenant} AND s.statement_id = down.target_id
LIMIT {limit}
"""
_PAYLOAD_OF = "SELECT payload FROM statement WHERE tenant_id = {tenant} AND seq = {seq}"
_INSERT_INDIRECT = """
INSERT INTO indirect (tenant_id, ref_key, seq, usage)
SELECT %(tenant)s, key, number, usage
FROM unnest(%(keys)s, %(numbers)s, %(usages)s) AS r (key, number, usage)
ON CONFLICT DO NOTHING RETURNING 1
"""
_REFERRED = """
SELECT EXISTS (
    SELECT 1 FROM {ids} CROSS JOIN statement AS s
    WHERE s.tenant_id = {tenant} AND s.target_id = given.id
)
"""
_SPELLINGS = {
    "postgresql": {
        "tenant": "%(tenant)s",
        "ids": "unnest(%(ids)s) AS given (id)",
        "limit": "%(limit)s",
        "seq": "%(seq)s",
    },
    "sqlite": {
        "tenant": ":tenant",
        "ids": "(SELECT value AS id FROM json_each(:ids)) AS given",
        "limit": ":limit",
        "seq": ":seq",
    },
}
_LINKS = {
    dialect: (
        _REFERRED.format(**spelling),
        _LINK.format(**spelling),
        _PAYLOAD_OF.format(**spelling),
    )
    for dialect, spelling in _SPELLINGS.items()
}


_UNLESS_THERE = " ON CONFLICT DO NOTHING"


def _insert_sqlite(driver: Driver, writes: Sequence[Rows]) -> Inserted:
    """The same rows, command by command, under the immediate transaction."""
    tenant = writes[0].write.tenant
    many = driver.connection.executemany
    rows = list(chain.from_iterable(one.statements for one in writes))
    if writes[0].write.revision is not None:
        check_revision(driver, writes[0].write)
    known = driver.rows(
        "SELECT s.statement_id FROM json_each(?) AS given CROSS JOIN statement AS s "
        "WHERE s.tenant_id = ? AND s.statement_id = given.value",
        (orjson.dumps([row[0].hex() for row in rows]).decode(), tenant),
    )
    if known:
        return Inserted([uuid.UUID(id) for (id,) in known], None)
    ((seq, before),) = driver.rows(
        "SELECT seq, stored FROM clock WHERE tenant_id = ?", (tenant,)
    )
    last = datetime.fromisoformat(before).replace(tzinfo=UTC)
    first = max(*(one.write.now for one in writes), last + MICROSECOND)
    driver.rows(
        "UPDATE clock SET seq = ?, stored = ?, largest = max(largest, ?) "
        "WHERE tenant_id = ?",
        (
            seq + len(rows),
            _text(first + (len(rows) - 1) * MICROSECOND),
            _largest(rows),
            tenant,
        ),
    )
    many(
        _sqlite_insert("statement", "seq", "stored", *_COLUMNS),
        [
            (
                tenant,
                seq + 1 + index,
                _text(first + index * MICROSECOND),
                *map(_sqlite_value, row[:-1]),
                row[-1] + stored_end(first + index * MICROSECOND),
            )
            for index, row in enumerate(rows)
        ],
    )
    actors, activities, definitions = _merged(writes)
    many(
        _sqlite_insert("authority", "authority_key", "body") + _UNLESS_THERE,
        [
            (tenant, key_bytes(text).hex(), text)
            for text in {one.write.authority for one in writes}
        ],
    )
    many(
        _sqlite_insert("actor", "actor_key", "ifi") + _UNLESS_THERE,
        [(tenant, key.hex(), ifi) for key, ifi in actors.items()],
    )
    _define_sqlite(driver, tenant, activities, definitions)
    many(
        _sqlite_insert("reference", "ref_key", "seq", "usage"),
        [
            (tenant, key.hex(), seq + 1 + index, usage)
            for key, index, usage in _references(writes)
        ],
    )
    _link(driver, writes)
    return Inserted([], first + (len(rows) - 1) * MICROSECOND)


def _define_sqlite(
    driver: Driver,
    tenant: int,
    activities: dict[bytes, str],
    definitions: dict[str, dict[str, Any]],
) -> None:
    keys = orjson.dumps([key.hex() for key in activities]).decode()
    found = driver.rows(
        "SELECT a.iri, a.definition FROM json_each(?) AS given CROSS JOIN activity AS a "
        "WHERE a.tenant_id = ? AND a.activity_key = given.value",
        (keys, tenant),
    )
    known = {iri: None if body is None else orjson.loads(body) for iri, body in found}
    changed = []
    for key, iri in activities.items():
        received = definitions.get(iri)
        merged = (
            known.get(iri)
            if received is None
            else merge_definition(known.get(iri), received)
        )
        if iri not in known or merged != known[iri]:
            body = None if merged is None else authority_text(merged)
            changed.append((tenant, key.hex(), iri, body))
    driver.connection.executemany(
        "INSERT INTO activity (tenant_id, activity_key, iri, definition) "
        "VALUES (?, ?, ?, ?) ON CONFLICT (tenant_id, activity_key) "
        "DO UPDATE SET definition = excluded.definition",
        changed,
    )


@cache
def _sqlite_insert(table: str, *columns: str) -> str:
    names = ("tenant_id", *columns)
    # only names of ours
    return (
        f"INSERT INTO {table} ({', '.join(names)}) "  # noqa: S608
        f"VALUES ({', '.join('?' * len(names))})"
    )


def _text(instant: datetime) -> str:
    """An instant as SQLAlchemy keeps it in SQLite."""
    return instant.replace(tzinfo=None).isoformat(" ", "microseconds")


def _sqlite_value(value: Any) -> Any:
    if type(value) is bytes:
        return value.hex()
    return _text(value.astimezone(UTC)) if type(value) is datetime else value
