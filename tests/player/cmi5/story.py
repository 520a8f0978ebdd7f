"""One course of cmi5 from its import to `satisfied`, and what was answered on the way."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from lrs.db import reading, writing
from lrs.tables import MAIN_TENANT, Statement
from packages.check import check_package
from player import launches, registrations
from statements import vocabulary
from tests.packages.make import package
from tests.packages.test_cmi5 import PAGE, au, block, course_structure
from tests.player.cmi5.said import MASTERY, RESULTS, SCORE
from tests.player.cmi5.unit import Lms, Unit

if TYPE_CHECKING:
    from uuid import UUID

    from lrs.parts import Parts
    from packages.manifest import Manifest
    from tests.player.cmi5.said import Change

COURSE_ID = "https://example.com/course"
OUTER, INNER, FREE = (f"https://example.com/block/{name}" for name in "oif")
AU = [f"https://example.com/au/{number}" for number in range(5)]
ALLOWED = "https://verbs.example/read"
SHORT = {iri: name for name, iri in vocabulary.VERBS.items()}
FIRST = (
    'moveOn="CompletedAndPassed" masteryScore="0.8" launchMethod="OwnWindow" '
    'activityType="http://adlnet.gov/expapi/activities/assessment"'
)
STRUCTURE = course_structure(
    block(
        OUTER,
        au(
            AU[0],
            url="index.html?lang=en#start",
            title=" First ",
            attributes=FIRST,
            inside="<launchParameters> a=1 </launchParameters>"
            "<entitlementKey> key-1 </entitlementKey>",
        )
        + block(INNER, au(AU[1], title="Second", attributes='moveOn="Completed"')),
        title="Outer",
    )
    + au(AU[2], url="https://example.com/a/?x=1", title="Third")
    + block(FREE, au(AU[3], title="Free", attributes='moveOn="NotApplicable"'))
    + au(AU[4], title="Waived", attributes='moveOn="CompletedOrPassed"'),
    identifier=COURSE_ID,
)


def imported(text: str = STRUCTURE, *files: str) -> Manifest:
    """What the import makes of a course structure in a zip file."""
    pages: dict[str, str | bytes] = dict.fromkeys(files or ("index.html",), PAGE)
    data = package({"cmi5.xml": text.encode(), **pages})
    return check_package(io.BytesIO(data), filename="course.zip").manifest


@dataclass
class Story:
    """The portal, its units by name, and what was answered and told."""

    lms: Lms
    units: dict[str, Unit] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    _ready: dict[Any, Unit] = field(default_factory=dict)

    def told(self, registration: UUID | None = None) -> list[dict[str, Any]]:
        """All statements of a registration, or of the one of the story, in order."""
        wanted = registration or self.units["first"].registration
        with reading(self.lms.parts.engine) as db:
            rows = db.scalars(
                select(Statement.payload)
                .where(Statement.registration == wanted)
                .order_by(Statement.seq)
            )
            return [orjson.loads(row) for row in rows]

    def said(self, verb: str) -> list[dict[str, Any]]:
        """Those of the story with a verb."""
        return [
            one for one in self.told() if one["verb"]["id"] == vocabulary.verb(verb)
        ]

    def verbs(self, registration: UUID | None = None) -> list[str]:
        """Their verbs, in order."""
        return [
            SHORT.get(one["verb"]["id"], "other") for one in self.told(registration)
        ]

    def ready(self, said: tuple[str, ...], earlier: tuple[str, ...], mode: Any) -> Unit:
        """A unit to be refused: it said so much, and in a session before it that."""
        known = (said, earlier, mode)
        if known not in self._ready:
            before = self.open(*earlier).registration if earlier else None
            self._ready[known] = self.open(*said, mode=mode, registration=before)
        return self._ready[known]

    def open(self, *said: str, **more: Any) -> Unit:
        """A unit of a new registration that has said so much."""
        unit = self.lms.launch(more.pop("unit", 0), **more).begin()
        for verb in said:
            answer = send(unit, verb)
            assert answer.status_code == 200, answer.text
        return unit


def made(unit: Unit, verb: str, change: Change | None = None) -> dict[str, Any]:
    """A legal statement of the unit with a change; with a score where one is allowed."""
    if verb in RESULTS:
        result = copy.deepcopy(RESULTS[verb])
        said = unit.statement(verb)
        said.pop("result", None)
        said |= {"result": result} if result else {}
        if "score" in result:
            given = unit.launch_data.get("masteryScore")
            if given is not None:
                said["context"]["extensions"][MASTERY] = given
    else:
        said = unit.statement("initialized")
        said["verb"] = {"id": verb}
        del said["context"]["contextActivities"]["category"]
    if change is not None:
        change(said)
    return said


def send(unit: Unit, verb: str, change: Change | None = None) -> Any:
    """The answer to such a statement."""
    return unit.send(made(unit, verb, change))


def play(parts: Parts) -> Story:
    """The whole of it."""
    story = Story(Lms(parts, imported()))
    _first(story)
    _second(story)
    _others(story)
    return story


def start(story: Story, unit: Unit) -> dict[str, Any]:
    """What the player page is told when it starts a launch."""
    with writing(story.lms.parts.engine) as db:
        return launches.start(
            db,
            config=story.lms.parts.config,
            launch_id=unit.launch_id,
            now=datetime.now(UTC),
        )


def _first(story: Story) -> None:
    """A session in good order, with what is refused in each of its moments."""
    answers = story.answers
    unit = story.units["first"] = story.lms.launch(0)
    answers["launched"] = story.verbs()
    answers["start"] = start(story, unit)
    answers["without a token"] = unit.send({})
    unit.token = "Y21pNS4wMDpwdXJlIGd1ZXNz"
    answers["guessed token"] = unit.send({})
    answers["fetched"] = unit.fetch()
    unit.token = answers["fetched"]["auth-token"]
    answers["fetched again"] = unit.fetch()
    answers["data"] = unit.state("GET", "LMS.LaunchData")
    unit.launch_data = answers["data"].json
    answers["before preferences"] = send(unit, "initialized")
    answers["preferences"] = unit.profile("GET", "cmi5LearnerPreferences")
    answers["before initialized"] = send(unit, ALLOWED)
    answers["initialized"] = send(unit, "initialized")
    answers["allowed"] = send(unit, ALLOWED)
    answers["completed"] = send(unit, "completed")
    answers["after completed"] = story.verbs()
    answers["passed"] = send(unit, "passed")
    answers["sent"] = made(unit, ALLOWED)
    answers["once"] = unit.send(answers["sent"])
    answers["end"] = made(unit, "terminated")
    answers["terminated"] = unit.send(answers["end"])
    answers["end again"] = unit.send(answers["end"])
    answers["sent after the end"] = unit.send(answers["sent"])
    answers["allowed after the end"] = send(unit, ALLOWED)
    answers["state after the end"] = unit.state("GET", "LMS.LaunchData")
    answers["fetched after the end"] = unit.fetch()


def _second(story: Story) -> None:
    """A session that is broken off, and the one that follows it."""
    first, answers = story.units["first"], story.answers
    lost = story.units["lost"] = first.again(1).begin()
    for verb in ("initialized", ALLOWED):
        send(lost, verb)
    next_one = story.units["second"] = first.again(1).begin()
    answers["abandoned"] = send(lost, "completed")
    answers["state of the abandoned"] = lost.state("GET", "LMS.LaunchData")
    for verb in ("initialized", "completed", "terminated"):
        send(next_one, verb)
    answers["blocks satisfied"] = story.verbs()


def _others(story: Story) -> None:
    """A waiver, twice; a unit that is failed, then passed: the course is satisfied."""
    first, answers = story.units["first"], story.answers
    for _ in range(2):
        with writing(story.lms.parts.engine) as db:
            registrations.waive(
                db,
                config=story.lms.parts.config,
                tenant=MAIN_TENANT,
                registration=first.registration,
                unit=4,
                reason="Tested Out",
                now=datetime.now(UTC),
            )
    failed = story.units["failed"] = first.again(2)
    answers["start elsewhere"] = start(story, failed)
    failed.begin()
    for verb in ("initialized", "failed", "terminated"):
        send(failed, verb)
    answers["after failed"] = story.verbs()
    passed = story.units["passed"] = first.again(2).begin()
    for verb in ("initialized", "passed", "terminated"):
        send(passed, verb)
    # whatever is said after that satisfies nothing again
    again = story.units["again"] = first.again(2).begin()
    for verb in ("initialized", "completed", "terminated"):
        send(again, verb)


__all__ = ["SCORE", "Story", "imported", "made", "play", "send", "start"]
