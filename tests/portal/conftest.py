"""An installation with people, a published course, and clients that sign in."""

from __future__ import annotations

import io
import re
import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import wsgi
from lrs.db import writing
from lrs.jobs import follow, run_due
from lrs.tables import MAIN_TENANT
from packages.courses import get_package
from packages.intake import import_package, receive_package
from packages.samples import build_sample
from player.urls import course_iri, unit_iri
from portal import catalogue, enrolments, honor, users
from portal.acts import portal_authority
from portal.releases import Publication, publish
from statements.build import build_statement
from statements.prepare import prepare
from tests.people import PASSWORD, Cast, make_cast

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask
    from flask.testing import FlaskClient

    from lrs.parts import Parts

UNITS = ("pretest", "lesson-1", "lesson-2", "lesson-3", "posttest")


@pytest.fixture
def cast(parts: Parts, now: datetime) -> Cast:
    with writing(parts.engine) as db:
        people = make_cast(db, now)
        db.flush()
        db.expunge_all()
    return people


@dataclass(frozen=True)
class World:
    """What a test does in the portal, and how it moves time on."""

    parts: Parts
    cast: Cast
    course_id: uuid.UUID
    now: datetime

    def work(self, now: datetime | None = None) -> None:
        """Let the rules and the jobs catch up."""
        for _ in range(3):
            follow(self.parts, wsgi.WORK.followers, now or self.now)
            run_due(self.parts, wsgi.WORK.handlers, now or self.now)

    def enrol(self, user: users.User, now: datetime | None = None) -> uuid.UUID:
        now = now or self.now
        config = self.parts.config
        with writing(self.parts.engine) as db:
            listing = catalogue.get_listing(
                db, config=config, course_id=self.course_id, now=now
            )
            row = enrolments.enrol(
                db,
                config=config,
                user=users.get_user(db, user_id=user.id),
                listing=listing,
                now=now,
            )
            return row.id

    def finish(
        self, enrolment_id: uuid.UUID, *, scaled: str, now: datetime | None = None
    ) -> None:
        """What the player would have recorded of all units."""
        now = now or self.now
        from lrs.store import store_statements

        with writing(self.parts.engine) as db:
            row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
            course = course_iri(self.parts.config, self.course_id)
            acts: list[tuple[str, str, dict[str, Any]]] = [
                ("completed", slug, {"completion": True}) for slug in UNITS[:-1]
            ]
            passed = float(scaled) >= 0.8
            acts.append(
                (
                    "passed" if passed else "failed",
                    UNITS[-1],
                    {
                        "completion": True,
                        "success": passed,
                        "score": {"scaled": float(scaled)},
                    },
                )
            )
            store_statements(
                db,
                tenant=MAIN_TENANT,
                statements=[
                    prepare(
                        build_statement(
                            id=uuid.uuid4(),
                            actor=users.actor_of(
                                row.user_id, portal_url=self.parts.config.portal_url
                            ),
                            verb=verb,
                            object=unit_iri(course, slug),
                            timestamp=now + timedelta(seconds=place),
                            result=result,
                            context={
                                "registration": str(row.registration),
                                "revision": row.revision,
                            },
                        ),
                        now=now,
                    )
                    for place, (verb, slug, result) in enumerate(acts)
                ],
                authority=portal_authority(self.parts.config),
                now=now + timedelta(seconds=10),
            )

    def attest(self, enrolment_id: uuid.UUID, now: datetime | None = None) -> None:
        now = now or self.now + timedelta(minutes=1)
        with writing(self.parts.engine) as db:
            row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
            text = honor.text_at(now, zone=self.parts.config.timezone)
            honor.attest(
                db,
                config=self.parts.config,
                enrolment=row,
                version=text.version,
                answer="yes",
                now=now,
            )

    def complete(self, user: users.User, *, scaled: str = "0.9") -> uuid.UUID:
        """Everything up to the certificate; the enrolment."""
        enrolment_id = self.enrol(user)
        self.finish(enrolment_id, scaled=scaled)
        self.attest(enrolment_id)
        self.work(self.now + timedelta(minutes=2))
        return enrolment_id


def import_sample(parts: Parts, name: str, now: datetime) -> uuid.UUID:
    return import_file(parts, name, build_sample(name), now)


def import_file(parts: Parts, name: str, data: bytes, now: datetime) -> uuid.UUID:
    with writing(parts.engine) as db:
        package = receive_package(
            parts,
            db,
            filename=f"{name}.zip",
            data=io.BytesIO(data),
            created_by="test",
            now=now,
        )
        package_id = package.id
    import_package(parts, {"package": str(package_id)}, now)
    return package_id


@pytest.fixture
def world(parts: Parts, cast: Cast, now: datetime) -> World:
    package_id = import_sample(parts, "report-writing", now)
    with writing(parts.engine) as db:
        version = publish(
            db,
            config=parts.config,
            package=get_package(db, package_id=package_id),
            publication=Publication(
                title="Reports That Hold Up",
                roles={0: "pretest", 4: "posttest"},
                policy="cops.certificate",
                hours=Decimal(1),
                credit=Decimal(1),
                transfer="credit",
                audience=("sworn", "dispatcher"),
                effective_from=now - timedelta(days=60),
            ),
            by=cast.author.id,
            now=now - timedelta(days=1),
        )
        course_id = version.course_id
    return World(parts, cast, course_id, now)


@pytest.fixture
def app(parts: Parts) -> Flask:
    return wsgi.create_app(parts)


@dataclass
class Caller:
    """A browser without scripts: cookies, forms with their tokens, an Origin."""

    client: FlaskClient
    origin: str

    def get(self, path: str, **options: Any) -> Any:
        headers = {"Accept": "text/html", **options.pop("headers", {})}
        return self.client.get(path, headers=headers, **options)

    def token(self, path: str) -> str:
        page = self.get(path).get_data(as_text=True)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        return found[1] if found else ""

    def post(
        self, path: str, fields: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        data = dict(fields or {})
        if "csrf_token" not in data:
            data["csrf_token"] = self.token(options.pop("page", "/account"))
        headers = {"Accept": "text/html", "Origin": self.origin}
        headers |= options.pop("headers", {})
        return self.client.post(path, data=data, headers=headers, **options)

    def sign_in(self, email: str, password: str = PASSWORD) -> Any:
        return self.post(
            "/sign-in", {"email": email, "password": password}, page="/sign-in"
        )


@pytest.fixture
def caller(app: Flask, parts: Parts):
    """Make a browser, signed in as a person where one is given."""

    def make(user: users.User | None = None) -> Caller:
        made = Caller(app.test_client(use_cookies=True), origin=parts.config.portal_url)
        if user is not None:
            answer = made.sign_in(user.email)
            assert answer.status_code == 302, answer.get_data(as_text=True)
        return made

    return make
