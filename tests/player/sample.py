"""A course to launch: packages, a learner, and a browser's journal in a few lines."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from lrs.tables import MAIN_TENANT, Statement
from packages.courses import Package
from packages.manifest import Manifest, Unit
from player import entries, launches
from statements.vocabulary import VERBS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from lrs.config import Config

LEARNER = {
    "objectType": "Agent",
    "account": {
        "homePage": "http://localhost:8000",
        "name": "5d2f4c1e-0000-4000-8000-000000000001",
    },
}
OTHER = {"objectType": "Agent", "mbox": "mailto:other@example.org"}
SHORT_NAMES = {iri: name for name, iri in VERBS.items()}
COURSE = "http://localhost:8000/activities/course"


def make_unit(index: int, **facts: Any) -> Unit:
    """A unit, a SCO unless told otherwise."""
    given: dict[str, Any] = {
        "index": index,
        "identifier": f"ITEM-{index}",
        "slug": f"ITEM-{index}",
        "kind": "sco",
        "title": f"Lesson {index + 1}",
        "launch": f"lesson {index}/index.html",
        "parameters": "?a=1",
    }
    return Unit(**given | facts)


def add_package(db: Session, *units: Unit, now: datetime, **facts: Any) -> Package:
    """An imported package of these units (one SCO by default)."""
    given: dict[str, Any] = {
        "standard": "scorm_12",
        "edition": "1.2",
        "identifier": "COURSE",
        "title": "A course",
        "units": units or (make_unit(0),),
    }
    manifest = Manifest(**given | facts)
    package = Package(
        id=uuid.uuid4(),
        tenant_id=MAIN_TENANT,
        filename="course.zip",
        sha256="0" * 64,
        size=1,
        status="imported",
        progress=1.0,
        standard=manifest.standard,
        edition=manifest.edition,
        title=manifest.title,
        manifest=manifest.to_json(),
        findings=[],
        created_at=now,
        created_by="author",
    )
    db.add(package)
    db.flush()
    return package


@dataclass
class Player:
    """One player page: opens a launch, numbers entries, sends them."""

    db: Session
    config: Config
    package: Package
    now: datetime
    registration: uuid.UUID = field(default_factory=uuid.uuid4)
    launch_id: uuid.UUID = field(default_factory=uuid.uuid4)
    seq: int = 0
    prev: str = ""
    mono: int = 1000
    log: list[dict[str, Any]] = field(default_factory=list)

    def open(
        self,
        unit: int = 0,
        *,
        mode: launches.Mode = "Normal",
        mastery: Mapping[int, Decimal] | None = None,
        actor: dict[str, Any] | None = None,
        **more: Any,
    ) -> Player:
        """Open a launch; the numbering begins anew."""
        opened = launches.open_launch(
            self.db,
            config=self.config,
            package=self.package,
            unit=unit,
            course_iri=COURSE,
            revision="1",
            actor=actor or LEARNER,
            registration=self.registration,
            mode=mode,
            mastery=mastery or {},
            return_url="",
            now=self.now,
            **more,
        )
        self.launch_id, self.seq, self.prev = opened.launch_id, 0, ""
        return self

    def again(self, unit: int = 0, **more: Any) -> Player:
        """Another page of the same learner and registration, opened a minute later."""
        page = Player(
            db=self.db,
            config=self.config,
            package=self.package,
            now=self.now + timedelta(minutes=1),
            registration=self.registration,
        )
        return page.open(unit, **more)

    def start(self) -> dict[str, Any]:
        """Start; the payload."""
        return launches.start(
            self.db, config=self.config, launch_id=self.launch_id, now=self.now
        )

    def entry(
        self, kind: str = "set", *changes: tuple[str, str], after: float = 10
    ) -> dict[str, Any]:
        """The next entry, `after` seconds on."""
        self.seq += 1
        self.now += timedelta(seconds=after)
        self.mono += int(after * 1000)
        at = self.now.isoformat().replace("+00:00", "Z")
        row: list[Any] = [
            str(uuid.uuid4()),
            self.seq,
            kind,
            [list(change) for change in changes],
            at,
            self.mono,
            self.prev,
        ]
        self.prev = hashlib.sha256(orjson.dumps(row)).hexdigest()
        names = ("uuid", "seq", "kind", "changes", "at", "mono", "prev")
        made = dict(zip(names, row, strict=True))
        self.log.append(made)
        return made

    def send(
        self, *sent: dict[str, Any], launch_id: uuid.UUID | None = None
    ) -> entries.Receipt:
        """Send entries now."""
        return entries.receive(
            self.db,
            config=self.config,
            launch_id=launch_id or self.launch_id,
            body={
                "entries": list(sent),
                "sent": self.now.isoformat().replace("+00:00", "Z"),
            },
            now=self.now,
        )

    def do(self, kind: str, **changes: str) -> entries.Receipt:
        """Make one entry and send it; `lesson_status="passed"` is under `cmi.core.`."""
        return self.send(self.entry(kind, *named(changes)))

    def sit(self, *, after: float = 10, **changes: str) -> entries.Receipt:
        """One whole session: initialize, changes, terminate."""
        return self.send(
            self.entry("initialize"),
            self.entry("set", *named(changes), after=after),
            self.entry("terminate"),
        )

    def told(self) -> list[dict[str, Any]]:
        """All statements of the registration, in order."""
        rows = self.db.scalars(
            select(Statement.payload)
            .where(Statement.registration == self.registration)
            .order_by(Statement.seq)
        )
        return [orjson.loads(row) for row in rows]

    def verbs(self) -> list[str]:
        """The verbs of all statements of the registration, in order."""
        return [SHORT_NAMES[one["verb"]["id"]] for one in self.told()]


def named(changes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Short names as full ones: `raw`, `exit`, `lesson_status`, `suspend_data` …"""
    full = {
        "raw": "cmi.core.score.raw",
        "min": "cmi.core.score.min",
        "max": "cmi.core.score.max",
        "suspend_data": "cmi.suspend_data",
        "comments": "cmi.comments",
    }
    return [
        (full.get(name, f"cmi.core.{name}"), value) for name, value in changes.items()
    ]
