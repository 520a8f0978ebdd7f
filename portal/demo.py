"""The demo: two invented agencies, everybody's sign-in, three courses, a credential.

It fills an empty installation only. People are named by their role. One password
serves all of them; it is made from the installation's own secret, so no two
installations share it and it can be printed again at every start.
"""

import hashlib
import hmac
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.credentials import Credential, create_credential
from lrs.db import reading, writing
from lrs.parts import Parts
from lrs.rules.terms import start_of_day
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, Clock
from packages.courses import Package, get_package
from packages.intake import import_package, receive_package
from packages.samples import build_samples
from portal.access import ROLES
from portal.agencies import Agency, create_agency
from portal.assessments import PartRole
from portal.enrolments import current_term
from portal.history import Past, replay_past
from portal.releases import Publication, publish
from portal.users import User, create_user, find_user
from statements.build import activity, agent, build_statement
from statements.prepare import prepare
from statements.vocabulary import activity_type

HARBOR = "Harbor City Police Department"
ALDER = "Alder Ridge Sheriff\u2019s Office"

SIGNS = "23456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True)
class DemoUser:
    """A person of the demo."""

    email: str
    name: str
    role: str
    agency: str = ""
    position: str = "sworn"


USERS = (
    DemoUser("learner@harbor-city.example", "Learner, Harbor City", "learner", HARBOR),
    DemoUser(
        "manager@harbor-city.example",
        "Training manager, Harbor City",
        "training_manager",
        HARBOR,
    ),
    DemoUser(
        "administrator@harbor-city.example",
        "LP administrator, Harbor City",
        "lp_administrator",
        HARBOR,
    ),
    DemoUser(
        "learner@alder-ridge.example",
        "Learner, Alder Ridge",
        "learner",
        ALDER,
        "dispatcher",
    ),
    DemoUser(
        "manager@alder-ridge.example",
        "Training manager, Alder Ridge",
        "training_manager",
        ALDER,
    ),
    DemoUser("author@rollcall.example", "Course author", "author", "", "npo"),
    DemoUser("analyst@rollcall.example", "Analyst", "analyst", "", "npo"),
    DemoUser("auditor@rollcall.example", "Auditor", "auditor", "", "npo"),
    DemoUser("operator@rollcall.example", "Operator", "operator", "", "npo"),
)


@dataclass(frozen=True, kw_only=True)
class DemoCourse:
    """How a sample package is offered."""

    sample: str
    hours: str
    credit: str
    policy: str
    transfer: str
    roles: dict[int, str] = field(default_factory=dict)
    parts: tuple[PartRole, ...] = ()
    audience: tuple[str, ...] = ()


COURSES = (
    DemoCourse(
        sample="report-writing",
        hours="1",
        credit="1",
        policy="cops.certificate",
        transfer="credit",
        roles={0: "pretest", 4: "posttest"},
    ),
    DemoCourse(
        sample="first-on-scene",
        hours="1",
        credit="1",
        policy="cops.certificate",
        transfer="credit",
        roles={0: "posttest"},
        parts=(PartRole(unit=0, kind="objectives", part="pretest", role="pretest"),),
        audience=("sworn", "npo"),
    ),
    DemoCourse(
        sample="calm-voice",
        hours="0.25",
        credit="0",
        policy="cops.certificate",
        transfer="completion",
        roles={0: "posttest"},
    ),
)


# Learners with some weeks behind them, so that managers and analysts see data.
PAST = (
    Past(
        "nights@harbor-city.example",
        "Officer on nights, Harbor City",
        HARBOR,
        "sworn",
        "report-writing",
        47,
        scaled="0.90",
    ),
    Past(
        "nights@harbor-city.example",
        "Officer on nights, Harbor City",
        HARBOR,
        "sworn",
        "calm-voice",
        33,
        scaled="1",
    ),
    Past(
        "dispatch@harbor-city.example",
        "Dispatcher, Harbor City",
        HARBOR,
        "dispatcher",
        "report-writing",
        26,
        scaled="0.79",
    ),
    Past(
        "deputy@alder-ridge.example",
        "Deputy, Alder Ridge",
        ALDER,
        "sworn",
        "first-on-scene",
        19,
        scaled="0.85",
    ),
    Past(
        "traffic@harbor-city.example",
        "Traffic officer, Harbor City",
        HARBOR,
        "sworn",
        "report-writing",
        12,
        parts=3,
    ),
    Past(
        "traffic@harbor-city.example",
        "Traffic officer, Harbor City",
        HARBOR,
        "sworn",
        "first-on-scene",
        5,
        scaled="0.95",
        attested=False,
    ),
)
OPENED_DAYS_AGO = 60


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What to tell the person who started the demo."""

    portal_url: str
    password: str
    credential: tuple[str, str] | None

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "portal": self.portal_url,
            "xapi": f"{self.portal_url}/xapi",
            "password": self.password,
            "users": [{"email": user.email, "role": user.role} for user in USERS],
            "credential": None
            if self.credential is None
            else {"key": self.credential[0], "secret": self.credential[1]},
        }

    def as_text(self) -> str:
        """For people."""
        width = max(len(user.email) for user in USERS)
        lines = [
            "",
            f"  Portal   {self.portal_url}",
            f"  xAPI     {self.portal_url}/xapi",
            "",
            f"  Sign in with any of these; the password of all is  {self.password}",
            "",
            *(
                f"    {user.email:<{width}}  {ROLES[user.role]}"
                + (f", {user.agency}" if user.agency else "")
                for user in USERS
            ),
            "",
        ]
        if self.credential is not None:
            key, secret = self.credential
            lines += [
                "  An external LMS posts and reads statements with this credential",
                "  (the secret is shown this once):",
                f"    key     {key}",
                f"    secret  {secret}",
                "",
            ]
        return "\n".join(lines) + "\n"


def demo_password(config: Config) -> str:
    """The password of all demo users of this installation."""
    digest = hmac.digest(config.secret_key.encode(), b"demo password", hashlib.sha256)
    signs = [SIGNS[byte % len(SIGNS)] for byte in digest[:12]]
    return "-".join("".join(signs[at : at + 4]) for at in range(0, 12, 4))


def fill(parts: Parts, *, now: datetime) -> Filled | None:
    """The demo, filled in or found there; None where other data is.

    Packages are imported first; everything that makes the demo visible then appears
    in one transaction, so a start that is broken off is repeated by the next one.
    """
    config = parts.config
    with reading(parts.engine) as db:
        known = find_user(db, email=USERS[0].email) is not None
        empty = _is_empty(db)
    if known:
        return Filled(
            portal_url=config.portal_url,
            password=demo_password(config),
            credential=None,
        )
    if not empty:
        return None
    opened = max(_year_start(config, now), now - timedelta(days=OPENED_DAYS_AGO))
    packages = _import_samples(parts, now=opened)
    with writing(parts.engine) as db:
        agencies = {
            name: create_agency(db, name=name, now=opened) for name in (HARBOR, ALDER)
        }
        people = _people(db, config=config, agencies=agencies, now=opened)
        issued = create_credential(
            db,
            tenant=MAIN_TENANT,
            name="Records system of Alder Ridge",
            home_page=config.portal_url,
            now=opened,
        )
        author = next(user for user in people if user.email.startswith("author@"))
        courses = {
            course.sample: _publish(
                db, config, course, package_id, by=author.id, now=opened
            )
            for course, package_id in zip(COURSES, packages, strict=True)
        }
        _replay_past(db, config, agencies, courses, opened=opened, now=now)
        _post_from_outside(db, issued.key, now=now)
    return Filled(
        portal_url=config.portal_url,
        password=demo_password(config),
        credential=(issued.key, issued.secret),
    )


def _is_empty(db: Session) -> bool:
    """Neither users nor credentials nor statements."""
    users = db.scalar(select(User.id).limit(1))
    credentials = db.scalar(select(Credential.id).limit(1))
    seq = db.scalar(select(Clock.seq).where(Clock.tenant_id == MAIN_TENANT))
    return users is None and credentials is None and not seq


def _import_samples(parts: Parts, *, now: datetime) -> list[uuid.UUID]:
    """The sample courses as imported packages, in the order of COURSES."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {path.stem: path for path in build_samples(Path(folder))}
        found = []
        for course in COURSES:
            with writing(parts.engine) as db, paths[course.sample].open("rb") as file:
                package = receive_package(
                    parts,
                    db,
                    filename=f"{course.sample}.zip",
                    data=file,
                    created_by="demo",
                    now=now,
                )
                package_id = package.id
            import_package(parts, {"package": str(package_id)}, now)
            found.append(package_id)
    return found


def _people(
    db: Session, *, config: Config, agencies: Mapping[str, Agency], now: datetime
) -> list[User]:
    password = demo_password(config)
    return [
        create_user(
            db,
            email=user.email,
            name=user.name,
            password=password,
            roles=[user.role],
            agency=agencies.get(user.agency),
            position=user.position,
            now=now,
        )
        for user in USERS
    ]


def _publish(
    db: Session,
    config: Config,
    course: DemoCourse,
    package_id: uuid.UUID,
    *,
    by: uuid.UUID,
    now: datetime,
) -> uuid.UUID:
    """The course, published."""
    package: Package = get_package(db, package_id=package_id)
    description = str((package.manifest or {}).get("description") or "")
    version = publish(
        db,
        config=config,
        package=package,
        publication=Publication(
            title=package.title,
            description=description,
            roles=course.roles,
            parts=course.parts,
            policy=course.policy,
            hours=Decimal(course.hours),
            credit=Decimal(course.credit),
            transfer=course.transfer,
            audience=course.audience,
            effective_from=_year_start(config, now),
        ),
        by=by,
        now=now,
    )
    return version.course_id


def _replay_past(
    db: Session,
    config: Config,
    agencies: Mapping[str, Agency],
    courses: Mapping[str, uuid.UUID],
    *,
    opened: datetime,
    now: datetime,
) -> None:
    """What lies between the opening and now; nothing in the first days of a year."""
    password = demo_password(config)
    for past in PAST:
        at = now - timedelta(days=past.days_ago)
        if at <= opened:
            continue
        user = find_user(db, email=past.email) or create_user(
            db,
            email=past.email,
            name=past.name,
            password=password,
            roles=["learner"],
            agency=agencies[past.agency],
            position=past.position,
            now=opened,
        )
        replay_past(
            db,
            config=config,
            past=past,
            user=user,
            course_id=courses[past.sample],
            now=at,
        )


def _year_start(config: Config, now: datetime) -> datetime:
    return start_of_day(date(int(current_term(config, now).id), 1, 1), config.timezone)


def _post_from_outside(db: Session, key: str, *, now: datetime) -> None:
    """What the external system had posted before: a briefing that some attended."""
    home = "https://records.alder-ridge.example"
    briefing = activity(
        f"{home}/briefings/night-patrol",
        type=activity_type("meeting"),
        name="Night patrol briefing",
    )
    quiz = activity(
        f"{home}/courses/radio-procedure",
        type=activity_type("course"),
        name="Radio procedure, refresher",
    )
    acts: Sequence[tuple[str, str, Any, dict[str, Any] | None]] = (
        ("D-1042", "attended", briefing, None),
        ("D-1043", "attended", briefing, None),
        ("D-1042", "initialized", quiz, None),
        (
            "D-1042",
            "passed",
            quiz,
            {
                "success": True,
                "completion": True,
                "score": {"scaled": Decimal("0.9")},
            },
        ),
        (
            "D-1043",
            "failed",
            quiz,
            {"success": False, "score": {"scaled": Decimal("0.6")}},
        ),
    )
    statements = [
        prepare(
            build_statement(
                id=uuid.uuid4(),
                actor=agent(home, name),
                verb=verb,
                object=target,
                timestamp=now - timedelta(hours=len(acts) - place),
                result=result,
            ),
            now=now,
        )
        for place, (name, verb, target, result) in enumerate(acts)
    ]
    store_statements(
        db,
        tenant=MAIN_TENANT,
        statements=statements,
        authority=_authority(db, key),
        now=now,
    )


def _authority(db: Session, key: str) -> dict[str, Any]:
    found = db.scalars(select(Credential).where(Credential.key == key)).one()
    return found.authority
