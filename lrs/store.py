"""The one write path of the statement log.

`seq` and `stored` are given from the tenant's clock row as the last step of the
caller's transaction: the order of commits is then the order of numbers, without
gaps, and no reader that remembers the last number can miss a row (a `bigserial` and
`now()` lose about a third under load, measured). On PostgreSQL the lock on that row
is taken inside the one statement that inserts everything, so it is held for one
round trip and the commit. Everything that follows it there depends on it, so writers
that share activities cannot deadlock. On SQLite the immediate transaction is the lock.

Semantics (xAPI 1.0.3 Communication 2.1, Data 2.3.2): the same statement under a known
id succeeds and stores nothing, another one is a conflict, a list is all or nothing.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from psycopg.errors import UniqueViolation
from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lrs.activities import changed_definitions, merge_received
from lrs.rules.wall import pretest_wall
from lrs.tables import Activity, Actor, Authority, Clock, Reference, Statement, key_of
from statements.actors import ifis
from statements.compare import same_statement
from statements.errors import Forbidden, Invalid, StatementConflict
from statements.prepare import Prepared
from statements.references import activity_of, actor_of, has_score

MICROSECOND = timedelta(microseconds=1)


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
    _refuse_repeats(statements)
    body = orjson.dumps(authority, option=orjson.OPT_SORT_KEYS).decode()
    new = _new_ones(db, tenant, statements, key_of(body))
    _check_voiding(db, tenant, new, key_of(body), may_void_any=may_void_any)
    if db.get_bind().dialect.name == "sqlite":
        if new:
            _insert_sqlite(
                db, _Rows(db, tenant, new, body, now, voids_any=may_void_any)
            )
    else:
        while new:
            db.execute(text("SAVEPOINT store"))
            rows = _Rows(db, tenant, new, body, now, voids_any=may_void_any)
            try:
                db.execute(INSERT_POSTGRESQL, rows.arrays())
                break
            except IntegrityError as error:
                if not isinstance(error.orig, UniqueViolation):
                    raise
                # another writer committed one of these ids meanwhile: look again
                db.execute(text("ROLLBACK TO SAVEPOINT store"))
                new = _new_ones(db, tenant, new, key_of(body))
    return [statement.id for statement in statements]


def _refuse_repeats(statements: Sequence[Prepared]) -> None:
    seen: set[uuid.UUID] = set()
    for index, statement in enumerate(statements):
        if statement.id in seen:
            raise Invalid(
                f"Two statements of the list have the id {statement.id}.",
                path=f"$[{index}].id",
                requirement="statement ids within a batch are distinct",
            )
        seen.add(statement.id)


def _new_ones(
    db: Session, tenant: int, statements: Sequence[Prepared], authority_key: uuid.UUID
) -> list[Prepared]:
    """Those whose id is unknown; a known id with other content is a conflict.

    So is any content where another authority's statement is behind the pre-test wall:
    guessing it right must not be told from guessing it wrong.
    """
    stored = {
        row.statement_id: row
        for row in db.execute(
            select(
                Statement.statement_id, Statement.payload, Statement.authority_key
            ).where(
                Statement.tenant_id == tenant,
                Statement.statement_id.in_([one.id for one in statements]),
            )
        )
    }
    known = {id: orjson.loads(row.payload) for id, row in stored.items()}
    foreign = [id for id, row in stored.items() if row.authority_key != authority_key]
    wall = pretest_wall(db, tenant=tenant) if foreign else None
    hidden = {id for id in foreign if wall is not None and wall.is_hidden(known[id])}
    for one in statements:
        if one.id in known and (
            one.id in hidden or not same_statement(known[one.id], one.received)
        ):
            raise StatementConflict(
                f"A different statement with the id {one.id} is already stored.",
                id=str(one.id),
            )
    return [one for one in statements if one.id not in known]


def _check_voiding(
    db: Session,
    tenant: int,
    statements: Sequence[Prepared],
    authority_key: uuid.UUID,
    *,
    may_void_any: bool,
) -> None:
    """Refuse voiding of another authority's statement, where it is already here."""
    targets = [one.references.voids for one in statements if one.references.voids]
    if may_void_any or not targets:
        return
    foreign = db.scalar(
        select(Statement.statement_id).where(
            Statement.tenant_id == tenant,
            Statement.statement_id.in_(targets),
            Statement.authority_key != authority_key,
        )
    )
    if foreign is not None:
        raise Forbidden(f"Statement {foreign} has another authority; it stays.")


class _Rows:
    """The rows of one write, all but the numbers that the clock gives."""

    def __init__(
        self,
        db: Session,
        tenant: int,
        statements: Sequence[Prepared],
        authority: str,
        now: datetime,
        *,
        voids_any: bool,
    ) -> None:
        self.tenant, self.now, self.authority = tenant, now, authority
        self.statements = [
            _row(one, key_of(authority), voids_any=voids_any) for one in statements
        ]
        self.references: list[tuple[uuid.UUID, int, str]] = []
        actors: dict[uuid.UUID, str] = {}
        activities: dict[uuid.UUID, str] = {}
        by = {("authority", ifi) for ifi in ifis(orjson.loads(authority))}
        for index, one in enumerate(statements):
            for names, known in (
                (one.references.actors | by, actors),
                (one.references.activities, activities),
            ):
                for usage, name in names:
                    key = key_of(name)
                    known[key] = name
                    self.references.append((key, index, usage))
        self.actors = sorted(actors.items())
        received = [pair for one in statements for pair in one.references.definitions]
        self.received = merge_received(received)
        definitions = changed_definitions(db, tenant=tenant, received=received)
        self.activities = [
            (key, iri, definitions.get(iri)) for key, iri in sorted(activities.items())
        ]

    def arrays(self) -> dict[str, Any]:
        """The rows column by column, for `unnest`."""
        columns = {
            name: [row[name] for row in self.statements] for name in self.statements[0]
        }
        return columns | {
            "tenant": self.tenant,
            "now": self.now,
            "count": len(self.statements),
            "authority": self.authority,
            "the_authority_key": key_of(self.authority),
            "ref_key": [key for key, _, _ in self.references],
            "ref_index": [index for _, index, _ in self.references],
            "ref_usage": [usage for _, _, usage in self.references],
            "known_actor_key": [key for key, _ in self.actors],
            "known_ifi": [ifi for _, ifi in self.actors],
            "known_activity_key": [key for key, _, _ in self.activities],
            "known_iri": [iri for _, iri, _ in self.activities],
            "known_definition": [
                # as received: what is stored is merged under the lock
                None
                if definition is None
                else orjson.dumps(self.received[iri]).decode()
                for _, iri, definition in self.activities
            ],
        }


def _row(one: Prepared, authority_key: uuid.UUID, *, voids_any: bool) -> dict[str, Any]:
    """The columns of a statement but tenant, seq and stored."""
    references = one.references
    actor, activity = actor_of(one.statement), activity_of(one.statement)
    registration = one.statement.get("context", {}).get("registration")
    return {
        "statement_id": one.id,
        "timestamp": one.timestamp,
        "actor_key": None if actor is None else key_of(actor),
        "verb_key": key_of(one.statement["verb"]["id"]),
        "activity_key": None if activity is None else key_of(activity),
        "registration": None if registration is None else uuid.UUID(registration),
        "target_id": references.target,
        "voids_id": references.voids,
        "voids_any": voids_any and references.voids is not None,
        "has_score": has_score(one.statement),
        "version": one.version,
        "authority_key": authority_key,
        "payload": one.raw,
    }


# One statement, so the clock row is locked for one round trip. Every insert reads
# from `tick`, so none starts before the lock is held.
INSERT_POSTGRESQL = text("""
WITH tick AS (
    UPDATE clock
    SET seq = seq + :count,
        stored = GREATEST(CAST(:now AS timestamptz), stored + interval '1 microsecond')
            + (:count - 1) * interval '1 microsecond'
    WHERE tenant_id = :tenant
    RETURNING seq - :count AS seq, stored - :count * interval '1 microsecond' AS stored
), rows AS (
    INSERT INTO statement (
        tenant_id, seq, stored, statement_id, timestamp, actor_key, verb_key,
        activity_key, registration, target_id, voids_id, voids_any, has_score, version,
        authority_key, payload)
    SELECT :tenant, tick.seq + n, tick.stored + n * interval '1 microsecond',
        statement_id, timestamp, actor_key, verb_key, activity_key, registration,
        target_id, voids_id, voids_any, has_score, version, authority_key, payload
    FROM tick, unnest(
        CAST(:statement_id AS uuid[]), CAST(:timestamp AS timestamptz[]),
        CAST(:actor_key AS uuid[]), CAST(:verb_key AS uuid[]),
        CAST(:activity_key AS uuid[]), CAST(:registration AS uuid[]),
        CAST(:target_id AS uuid[]), CAST(:voids_id AS uuid[]),
        CAST(:voids_any AS boolean[]), CAST(:has_score AS boolean[]),
        CAST(:version AS text[]),
        CAST(:authority_key AS uuid[]), CAST(:payload AS bytea[])
    ) WITH ORDINALITY AS r (
        statement_id, timestamp, actor_key, verb_key, activity_key, registration,
        target_id, voids_id, voids_any, has_score, version, authority_key, payload, n)
), known_authority AS (
    INSERT INTO authority (tenant_id, authority_key, body)
    SELECT :tenant, :the_authority_key, :authority FROM tick
    ON CONFLICT DO NOTHING
), known_actor AS (
    INSERT INTO actor (tenant_id, actor_key, ifi)
    SELECT :tenant, actor_key, ifi
    FROM tick, unnest(
        CAST(:known_actor_key AS uuid[]), CAST(:known_ifi AS text[])
    ) AS a (actor_key, ifi)
    ON CONFLICT DO NOTHING
), known_activity AS (
    INSERT INTO activity (tenant_id, activity_key, iri, definition)
    SELECT :tenant, activity_key, iri, CAST(definition AS jsonb)
    FROM tick, unnest(
        CAST(:known_activity_key AS uuid[]), CAST(:known_iri AS text[]),
        CAST(:known_definition AS text[])
    ) AS a (activity_key, iri, definition)
    ON CONFLICT (tenant_id, activity_key) DO UPDATE
    -- as lrs.activities.merge_definition does; the row is the latest, being locked
    SET definition = COALESCE(
            NULLIF(activity.definition, CAST('null' AS jsonb)), CAST('{}' AS jsonb)
        ) || excluded.definition || (
            SELECT COALESCE(jsonb_object_agg(
                member, (activity.definition -> member) || (excluded.definition -> member)
            ), CAST('{}' AS jsonb))
            FROM unnest(ARRAY['name', 'description', 'extensions']) AS m (member)
            WHERE jsonb_typeof(activity.definition -> member) = 'object'
                AND jsonb_typeof(excluded.definition -> member) = 'object'
        )
    WHERE excluded.definition IS NOT NULL
)
INSERT INTO reference (tenant_id, ref_key, seq, usage)
SELECT :tenant, ref_key, tick.seq + 1 + i, usage
FROM tick, unnest(
    CAST(:ref_key AS uuid[]), CAST(:ref_index AS integer[]), CAST(:ref_usage AS text[])
) AS r (ref_key, i, usage)
""")


def _insert_sqlite(db: Session, rows: _Rows) -> None:
    """The same rows, statement by statement, under the immediate transaction."""
    tenant, count = rows.tenant, len(rows.statements)
    clock = db.execute(
        select(Clock.seq, Clock.stored).where(Clock.tenant_id == tenant)
    ).one()
    stored = max(rows.now, clock.stored + MICROSECOND)
    db.execute(
        update(Clock)
        .where(Clock.tenant_id == tenant)
        .values(seq=clock.seq + count, stored=stored + (count - 1) * MICROSECOND)
    )
    db.execute(
        insert(Statement),
        [
            {
                **row,
                "tenant_id": tenant,
                "seq": clock.seq + 1 + index,
                "stored": stored + index * MICROSECOND,
            }
            for index, row in enumerate(rows.statements)
        ],
    )
    db.execute(
        sqlite_insert(Authority).on_conflict_do_nothing(),
        {
            "tenant_id": tenant,
            "authority_key": key_of(rows.authority),
            "body": rows.authority,
        },
    )
    if rows.actors:
        db.execute(
            sqlite_insert(Actor).on_conflict_do_nothing(),
            [
                {"tenant_id": tenant, "actor_key": k, "ifi": ifi}
                for k, ifi in rows.actors
            ],
        )
    if rows.activities:
        new = sqlite_insert(Activity)
        db.execute(
            new.on_conflict_do_update(
                index_elements=[Activity.tenant_id, Activity.activity_key],
                set_={"definition": new.excluded.definition},
                where=new.excluded.definition.is_not(None),
            ),
            [
                {
                    "tenant_id": tenant,
                    "activity_key": key,
                    "iri": iri,
                    "definition": definition,
                }
                for key, iri, definition in rows.activities
            ],
        )
    if rows.references:
        db.execute(
            insert(Reference),
            [
                {
                    "tenant_id": tenant,
                    "ref_key": key,
                    "seq": clock.seq + 1 + index,
                    "usage": usage,
                }
                for key, index, usage in rows.references
            ],
        )
