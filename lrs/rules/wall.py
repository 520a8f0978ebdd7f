"""The pre-test wall: which statements an ordinary reader never sees.

A pre-test score appears nowhere for anyone. Statements that refer to a pre-test are
hidden whole, never stripped, and so are scores that would give it away: of a course
that has a pre-test, and of a unit that one is part of (unless the unit itself is the
confirmed post-test). A score on a statement that refers to such a one, in any number
of steps, would give it away too; a reference without a score is shown. What a
sub-statement refers to is not followed: with a score it is hidden where there is a
pre-test at all. A proposed test that nobody confirmed counts as a pre-test. Evaluated
when reading, so a late confirmation works backwards.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    column,
    exists,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from lrs.arrays import uuids
from lrs.rules.catalogue import chunks
from lrs.rules.tables import ActivityRole
from lrs.tables import QUOTED, Indirect, Reference, Statement, key_of
from statements.references import LAUNCH, has_score, references

SCOPE = "pretest/read"


@dataclass(frozen=True)
class Wall:
    """Keys of the activities behind the wall, and of those whose score is.

    `activities`: whatever refers to them is hidden. `scores`: statements about them
    are hidden where they carry a score.
    """

    tenant: int
    activities: frozenset[uuid.UUID]
    scores: frozenset[uuid.UUID]

    def is_hidden(self, statement: dict[str, Any]) -> bool:
        """Whether a statement is hidden, seen by itself.

        What it refers to by StatementRef is not: with a database, ask `condition`.
        """
        about_it = references(statement)
        found = {
            (usage.removeprefix("sub_"), key_of(iri))
            for usage, iri in about_it.activities
        }
        if about_it.sub_target is not None:
            found.add(("object", key_of(QUOTED)))
        if any(key in self.activities for _, key in found):
            return True
        about = {key for usage, key in found if usage == "object"}
        return bool(about & self.scores) and has_score(statement)

    def hides_activity(self, iri: str) -> bool:
        """Whether documents and run-time data of an activity are hidden."""
        return key_of(iri) in self.activities

    def hides_score_of(self, iri: str) -> bool:
        """Whether scores of an activity are hidden."""
        return key_of(iri) in self.activities | self.scores

    def condition(
        self, db: Session, row: type[Statement] = Statement
    ) -> ColumnElement[bool]:
        """SQL: this row of `Statement`, or of an alias of it, is hidden."""
        if not self.activities:
            return literal(value=False)
        dialect = db.get_bind().dialect.name
        keys = {"wall_activities": self.activities, "wall_scores": self.scores}
        values: dict[str, Any] = (
            {name: sorted(found) for name, found in keys.items()}
            if dialect == "postgresql"
            else hidden_values(self, dialect)
        )
        return hidden(row, dialect, values)


def hidden(
    row: type[Statement], dialect: str, values: Mapping[str, Any] | None = None
) -> ColumnElement[bool]:
    """SQL, written once for all walls: this row is hidden by `hidden_values`.

    Or by `values`, where SQLAlchemy runs it (`Wall.condition`).

    What a statement refers to by StatementRef counts where it carries a score: that
    would be the score of what it refers to. Without one it tells nothing.
    """

    def refers(
        to: type[Reference | Indirect], name: str, usages: Collection[str] = ()
    ) -> ColumnElement[bool]:
        # an alias: the query around it may look at the same table itself
        reference = aliased(to)
        value = (values or {}).get(name)
        if dialect == "postgresql":
            is_one: Any = reference.ref_key == any_(
                bindparam(name, value, required=False, type_=ARRAY(Uuid()))
            )
        else:
            # the name is ours
            listed = text(f"SELECT value FROM json_each(:{name})")  # noqa: S608
            listed = listed.bindparams(bindparam(name, value, required=False))
            is_one = reference.ref_key.in_(listed.columns(column("value", Uuid())))
        found = exists().where(
            reference.tenant_id == row.tenant_id, reference.seq == row.seq, is_one
        )
        return found.where(reference.usage.in_(usages)) if usages else found

    about = ("object", "sub_object", LAUNCH)
    tells = or_(
        refers(Reference, "wall_scores", about),
        # only what refers to another statement has any
        refers(Indirect, "wall_activities"),
        refers(Indirect, "wall_scores", about),
    )
    return or_(refers(Reference, "wall_activities"), and_(row.has_score, tells))


def hidden_values(wall: Wall, dialect: str) -> dict[str, Any]:
    """What `hidden` is run with by the driver."""
    keys = {"wall_activities": wall.activities, "wall_scores": wall.scores}
    if dialect == "postgresql":
        return {name: uuids(key.bytes for key in found) for name, found in keys.items()}
    return {
        name: orjson.dumps([key.hex for key in found]).decode()
        for name, found in keys.items()
    }


def pretest_wall(db: Session, *, tenant: int) -> Wall:
    """The wall of a tenant as it stands now."""
    suspects = db.execute(
        _newest_roles(tenant).where(
            (ActivityRole.role == "pretest") | ActivityRole.proposed
        )
    ).all()
    activities = {row.activity_key for row in suspects}
    units = {row.unit_key for row in suspects if row.unit_key is not None}
    confirmed = [
        row
        for part in chunks(sorted(activities | units))
        for row in db.execute(
            _newest_roles(tenant).where(
                ActivityRole.activity_key.in_(part), ~ActivityRole.proposed
            )
        )
    ]
    cleared = {
        (row.course_key, row.activity_key) for row in confirmed if row.role != "pretest"
    }
    behind = [
        row
        for row in suspects
        # a proposed post-test that another revision confirmed is one
        if row.role == "pretest" or (row.course_key, row.activity_key) not in cleared
    ]
    posttests = {row.activity_key for row in confirmed if row.role == "posttest"}
    around = {row.unit_key for row in behind if row.unit_key is not None}
    quoted = {key_of(QUOTED)} if behind else set()
    return Wall(
        tenant,
        frozenset(row.activity_key for row in behind),
        frozenset({row.course_key for row in behind} | (around - posttests) | quoted),
    )


def _newest_roles(tenant: int) -> Select[uuid.UUID, uuid.UUID | None, uuid.UUID, str]:
    """The row that counts of each course, revision and activity."""
    newer = aliased(ActivityRole)
    return select(
        ActivityRole.activity_key,
        ActivityRole.unit_key,
        ActivityRole.course_key,
        ActivityRole.role,
    ).where(
        ActivityRole.tenant_id == tenant,
        ~exists().where(
            newer.tenant_id == ActivityRole.tenant_id,
            newer.course_key == ActivityRole.course_key,
            newer.activity_key == ActivityRole.activity_key,
            newer.revision == ActivityRole.revision,
            newer.number > ActivityRole.number,
        ),
    )
