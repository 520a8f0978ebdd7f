"""A package on the server alone: launched, its units' calls run and sent, and on."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from lrs.db import writing
from packages.courses import manifest_of
from player import cmi, entries, launches
from tests.player.scorm_2004 import agreement, build, cases
from tests.player.scorm_2004.api import Api
from tests.player.site import Site

if TYPE_CHECKING:
    from lrs.parts import Parts
    from tests.player.scorm_2004.cases import Case, Visit

# all cases are versions of one course: what is global to the system outlives each
COURSE = uuid.UUID(int=2004)
# as many changes as the browser hands over at once
MOST_CHANGES = 1000


@dataclass
class Course:
    """A case's package and one learner's registration for it."""

    site: Site
    package: Any
    registration: uuid.UUID = field(default_factory=uuid.uuid4)

    @classmethod
    def of(cls, parts: Parts, case: Case) -> Course:
        site = Site(parts, 0)
        return cls(site, site.add(build.package(case), f"{case.name}.zip"))

    @property
    def units(self) -> dict[int, int]:
        """Which unit an activity is, by the activity's number."""
        return {
            cases.number_of(unit.identifier): unit.index
            for unit in manifest_of(self.package).units
        }

    def launch(self, activity: int) -> uuid.UUID:
        """A launch as the portal makes one."""
        opened = self.site.launch(
            self.package,
            unit=self.units[activity],
            registration=self.registration,
            course=COURSE,
        )
        return opened.launch_id

    def choose(self, launch_id: uuid.UUID, activity: int) -> uuid.UUID:
        """A launch as the menu of the player page makes one."""
        with writing(self.site.parts.engine) as db:
            opened = launches.open_unit(
                db,
                config=self.site.parts.config,
                launch_id=launch_id,
                unit=self.units[activity],
                now=datetime.now(UTC),
            )
            return opened.launch_id

    def play(self, launch_id: uuid.UUID, visit: Visit) -> dict[str, Any]:
        """Run a visit's commands; what the server answers to its end.

        Fails where a command disagrees or the server refuses what the API took.
        """
        config = self.site.parts.config
        with writing(self.site.parts.engine) as db:
            payload = launches.start(
                db, config=config, launch_id=launch_id, now=datetime.now(UTC)
            )
        edition = manifest_of(self.package).edition
        run = Api(
            cmi.elements_of("scorm_2004", edition=edition), payload.get("values", {})
        )
        wrong = [
            said
            for command in visit.commands
            if (said := agreement.disagreement(command, *run.run(command)))
        ]
        assert not wrong, wrong[:20]
        run.close()
        now = datetime.now(UTC)
        body = {"entries": _entries(run.log, payload, now), "sent": _written(now)}
        with writing(self.site.parts.engine) as db:
            receipt = entries.receive(
                db, config=config, launch_id=launch_id, body=body, now=now
            )
        assert receipt.problem is None
        assert receipt.answer["findings"] == []
        return receipt.answer


def _entries(
    log: list[tuple[str, list[tuple[str, str]]]], payload: dict[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """The numbered entries of what the API did; sets in a row are one."""
    gathered: list[tuple[str, list[tuple[str, str]]]] = []
    for kind, changes in log:
        goes_on = gathered and gathered[-1][0] == "set" and kind != "initialize"
        if goes_on and len(gathered[-1][1]) < MOST_CHANGES:
            gathered[-1] = (kind, [*gathered[-1][1], *changes])
        else:
            gathered.append((kind, list(changes)))
    made = []
    prev = payload["prev"]
    names = ("uuid", "seq", "kind", "changes", "at", "mono", "prev")
    for seq, (kind, changes) in enumerate(gathered, payload["committed_seq"] + 1):
        row = [str(uuid.uuid4()), seq, kind, [list(one) for one in changes]]
        row += [_written(now), seq, prev]
        prev = hashlib.sha256(orjson.dumps(row)).hexdigest()
        made.append(dict(zip(names, row, strict=True)))
    return made


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
