"""A unit of cmi5 that speaks HTTP to the portal's host, as content on any site does."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from lrs.db import writing
from player import launches
from player.cmi5 import sessions
from player.sittings import get_launch
from tests.player.cmi5.opened import add_course, say
from tests.player.cmi5.sample import ACTOR, COURSE, nested
from wsgi import create_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from lrs.parts import Parts
    from packages.courses import Package
    from packages.manifest import Manifest
    from player.outcomes import Mode

DURATION = {"duration": "PT1M"}
# results as the verbs need them
RESULTS: dict[str, dict[str, Any] | None] = {
    "initialized": None,
    "completed": {**DURATION, "completion": True},
    "passed": {**DURATION, "success": True},
    "failed": {**DURATION, "success": False},
    "terminated": DURATION,
}


@dataclass
class Lms:
    """The portal with one course of cmi5."""

    parts: Parts
    manifest: Manifest = field(default_factory=nested)
    client: FlaskClient = field(init=False)
    package: Package = field(init=False)

    def __post_init__(self) -> None:
        """Import the course."""
        self.client = create_app(self.parts).test_client()
        with writing(self.parts.engine) as db:
            self.package = add_course(db, self.manifest, now=datetime.now(UTC))
            db.flush()
            db.expunge(self.package)

    def launch(
        self,
        unit: int = 0,
        *,
        registration: uuid.UUID | None = None,
        mode: Mode = "Normal",
        actor: dict[str, Any] | None = None,
    ) -> Unit:
        """Launch a unit; nothing has run in it yet."""
        with writing(self.parts.engine) as db:
            opened = launches.open_launch(
                db,
                config=self.parts.config,
                package=self.package,
                unit=unit,
                course_iri=COURSE,
                revision="3",
                actor=actor or ACTOR,
                registration=registration or uuid.uuid4(),
                mode=mode,
                mastery={},
                return_url="https://school.example/back",
                now=datetime.now(UTC),
            )
            launch = get_launch(db, launch_id=opened.launch_id)
            address = sessions.address_of(
                self.parts.config, launch, self.manifest.units[unit]
            )
        return Unit(self, opened.launch_id, address)


@dataclass
class Unit:
    """A unit that was launched with this address."""

    lms: Lms
    launch_id: uuid.UUID
    address: str
    token: str = ""
    launch_data: dict[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, str]:
        """The launch parameters."""
        return dict(parse_qsl(urlsplit(self.address).query))

    @property
    def actor(self) -> dict[str, Any]:
        """The actor it was given."""
        found: dict[str, Any] = orjson.loads(self.given["actor"])
        return found

    @property
    def registration(self) -> uuid.UUID:
        """The registration it was given."""
        return uuid.UUID(self.given["registration"])

    def fetch(self) -> dict[str, str]:
        """What the fetch address answers."""
        answer = self.lms.client.post(urlsplit(self.given["fetch"]).path)
        assert answer.status_code == 200
        assert answer.content_type == "application/json"
        found: dict[str, str] = answer.json
        return found

    def ask(
        self, method: str, resource: str, *, body: Any = None, **query: str
    ) -> TestResponse:
        """A request to the endpoint with the authorization."""
        headers = {
            "Authorization": f"Basic {self.token}",
            "X-Experience-API-Version": "1.0.3",
        }
        if method in {"PUT", "POST"}:
            headers["Content-Type"] = "application/json"
        path = urlsplit(self.given["endpoint"]).path
        return self.lms.client.open(
            path + resource,
            method=method,
            query_string=query,
            headers=headers,
            data=None if body is None else orjson.dumps(body),
        )

    def state(self, method: str, state_id: str, body: Any = None) -> TestResponse:
        """A request for a state document of its own."""
        return self.ask(
            method,
            "activities/state",
            body=body,
            stateId=state_id,
            activityId=self.given["activityId"],
            agent=self.given["actor"],
            registration=self.given["registration"],
        )

    def profile(self, method: str, profile_id: str, body: Any = None) -> TestResponse:
        """A request for a document of the learner's profile."""
        return self.ask(
            method,
            "agents/profile",
            body=body,
            profileId=profile_id,
            agent=self.given["actor"],
        )

    def begin(self) -> Unit:
        """Authorization, launch data, preferences: all but `initialized`."""
        self.token = self.fetch()["auth-token"]
        self.launch_data = self.state("GET", "LMS.LaunchData").json
        assert self.profile("GET", "cmi5LearnerPreferences").status_code == 200
        return self

    def statement(self, verb: str, **changes: Any) -> dict[str, Any]:
        """A cmi5 defined statement that is as it should be, but for the changes."""
        made = say(
            verb,
            self.launch_data,
            actor=self.actor,
            registration=self.given["registration"],
            activity=self.given["activityId"],
            at=datetime.now(UTC),
            result=RESULTS[verb],
        )
        return made | changes

    def send(self, *statements: dict[str, Any]) -> TestResponse:
        """Send statements as one request."""
        body = list(statements) if len(statements) != 1 else statements[0]
        return self.ask("POST", "statements", body=body)

    def say(self, *verbs: str) -> Unit:
        """Send statements one by one; each is taken."""
        for verb in verbs:
            answer = self.send(self.statement(verb))
            assert answer.status_code == 200, answer.text
        return self

    def again(self, unit: int = 0, **more: Any) -> Unit:
        """Another launch in the same registration."""
        return self.lms.launch(unit, registration=self.registration, **more)

    def copy(self) -> Unit:
        """The same unit with the same authorization."""
        return replace(self)
