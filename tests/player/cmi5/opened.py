"""A course of cmi5 in the database, launched, and what its units could say."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from lrs import documents
from lrs.documents import AGENT_PROFILE, STATE, Context
from lrs.tables import MAIN_TENANT, Statement
from player import launches, urls
from player.cmi5.tables import Cmi5Session
from player.tables import Attempt, Launch, Registration
from statements import vocabulary
from statements.actors import ifi
from tests.player.cmi5.sample import ACTOR, COURSE, nested
from tests.player.sample import SHORT_NAMES, add_package

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy.orm import Session

    from lrs.config import Config
    from packages.courses import Package
    from packages.manifest import Manifest
    from player.outcomes import Mode

CMI5 = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
MOVE_ON = "https://w3id.org/xapi/cmi5/context/categories/moveon"
SESSION = "https://w3id.org/xapi/cmi5/context/extensions/sessionid"
MASTERY = "https://w3id.org/xapi/cmi5/context/extensions/masteryscore"


def add_course(db: Session, manifest: Manifest, *, now: datetime) -> Package:
    """The course as an imported package."""
    return add_package(
        db,
        *manifest.units,
        now=now,
        standard="cmi5",
        edition="1.0",
        identifier=manifest.identifier,
        blocks=manifest.blocks,
        language=manifest.language,
    )


@dataclass
class Course:
    """A course and one registration of it."""

    db: Session
    config: Config
    now: datetime
    manifest: Manifest = field(default_factory=nested)
    registration: uuid.UUID = field(default_factory=uuid.uuid4)
    package: Package = field(init=False)

    def __post_init__(self) -> None:
        """Import it."""
        self.package = add_course(self.db, self.manifest, now=self.now)

    def launch(
        self,
        unit: int = 0,
        *,
        mode: Mode = "Normal",
        actor: dict[str, Any] | None = None,
        mastery: dict[int, Decimal] | None = None,
        registration: uuid.UUID | None = None,
    ) -> uuid.UUID:
        """Launch a unit, a minute after what came before; the launch."""
        self.now += timedelta(minutes=1)
        return launches.open_launch(
            self.db,
            config=self.config,
            package=self.package,
            unit=unit,
            course_iri=COURSE,
            revision="3",
            actor=actor or ACTOR,
            registration=registration or self.registration,
            mode=mode,
            mastery=mastery or {},
            return_url="",
            now=self.now,
        ).launch_id

    def start(self, launch_id: uuid.UUID) -> dict[str, Any]:
        """What the player page is told."""
        return launches.start(
            self.db, config=self.config, launch_id=launch_id, now=self.now
        )

    def end(self, launch_id: uuid.UUID) -> None:
        """End the launch, a minute later."""
        self.now += timedelta(minutes=1)
        launches.end(self.db, config=self.config, launch_id=launch_id, now=self.now)

    def session(self, launch_id: uuid.UUID) -> Cmi5Session:
        """Its session, as the database has it."""
        self.db.flush()
        return self.db.get_one(Cmi5Session, launch_id, populate_existing=True)

    def launch_row(self, launch_id: uuid.UUID) -> Launch:
        """Its launch."""
        return self.db.get_one(Launch, launch_id, populate_existing=True)

    def attempt(self, launch_id: uuid.UUID) -> Attempt:
        """Its attempt."""
        return self.db.get_one(
            Attempt, self.launch_row(launch_id).attempt_id, populate_existing=True
        )

    def row(self) -> Registration:
        """The registration's row."""
        return self.db.get_one(Registration, (MAIN_TENANT, self.registration))

    def told(self) -> list[dict[str, Any]]:
        """All statements of the registration, in order."""
        rows = self.db.scalars(
            select(Statement.payload)
            .where(Statement.registration == self.registration)
            .order_by(Statement.seq)
        )
        return [orjson.loads(row) for row in rows]

    def verbs(self) -> list[str]:
        """Their verbs."""
        return [SHORT_NAMES[one["verb"]["id"]] for one in self.told()]

    def activity(self, unit: int) -> str:
        """The IRI of a unit."""
        return urls.unit_iri(COURSE, self.manifest.units[unit].slug)

    def document(self, document_id: str, unit: int | None = None) -> Any:
        """A document as JSON: of the unit's state, or else of the learner's profile."""
        context = Context(
            tenant=MAIN_TENANT,
            kind=AGENT_PROFILE if unit is None else STATE,
            ifi=ifi(ACTOR),
            activity=None if unit is None else self.activity(unit),
            registration=None if unit is None else self.registration,
        )
        found = documents.get_document(
            self.db, context=context, document_id=document_id
        )
        assert found.content_type == "application/json"
        return orjson.loads(found.data)


def say(
    verb: str,
    launch_data: dict[str, Any],
    *,
    actor: dict[str, Any],
    registration: str,
    activity: str,
    at: datetime,
    result: dict[str, Any] | None = None,
    extensions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A cmi5 defined statement as a sound unit sends it."""
    context = orjson.loads(orjson.dumps(launch_data["contextTemplate"]))
    categories = [{"id": CMI5}]
    if result and ("success" in result or "completion" in result):
        categories.append({"id": MOVE_ON})
    context["registration"] = registration
    context["contextActivities"]["category"] = categories
    context["extensions"] |= extensions or {}
    return {
        "id": str(uuid.uuid4()),
        "actor": actor,
        "verb": {"id": vocabulary.verb(verb), "display": {"en": verb}},
        "object": {"objectType": "Activity", "id": activity},
        "context": context,
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        **({"result": result} if result else {}),
    }
