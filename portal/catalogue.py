"""The catalogue: published courses with the offer in force, and who may take them."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules.tables import Offer
from lrs.rules.terms import in_force
from lrs.tables import MAIN_TENANT, key_of
from packages.courses import Course, CourseVersion
from player.urls import course_iri
from portal import words
from portal.access import POSITIONS
from statements.errors import NotFound

TRANSFERS = {
    "credit": "Credit goes to the training profile by itself",
    "completion": "The completion goes to the training profile, without credit",
    "none": "Nothing is sent to the training profile",
    "roster": "Credit needs a roster from your agency",
}
RULES = {
    "cops.certificate": "Post-test and Honor Code",
    "post.credit": "All parts finished",
    "none": "The package itself",
}
POLICIES = {
    "cops.certificate": "All parts, at least 80% in the post-test, the Honor Code",
    "post.credit": "All parts",
    "none": "What the package itself asks",
}
PLURALS = {
    "sworn": "sworn officers",
    "dispatcher": "dispatchers",
    "npo": "non-peace officers",
    "community": "community members",
}


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A published course as it is offered now."""

    course_id: uuid.UUID
    course_version_id: uuid.UUID
    package_id: uuid.UUID
    title: str
    description: str
    number: int
    published_at: datetime | None
    policy: str
    hours: Decimal | None
    credit: Decimal | None
    transfer: str
    audience: tuple[str, ...]
    objectives: tuple[str, ...] = ()
    provider: str = ""
    contact: str = ""
    approvals: tuple[dict[str, str], ...] = ()

    @property
    def revision(self) -> str:
        """The version as statements name it."""
        return str(self.number)

    @property
    def hours_text(self) -> str:
        """The estimated length in words."""
        return words.hours_text(self.hours)

    @property
    def credit_text(self) -> str:
        """The credit in words."""
        return words.credit_text(self.credit)

    @property
    def approval_lines(self) -> list[str]:
        """`Arizona POST, 24-113, March 2, 2026`, one for each approval."""
        return approval_lines(self.approvals)

    @property
    def transfer_text(self) -> str:
        """Where the record goes, in words."""
        return TRANSFERS.get(self.transfer, "")

    @property
    def policy_text(self) -> str:
        """What completing takes, in words."""
        return POLICIES.get(self.policy, self.policy)

    @property
    def audience_text(self) -> str:
        """Who may take it, in words."""
        return audience_text(self.audience)

    def refusal_for(self, position: str) -> str:
        """Why a person of this position may not take it; empty when they may."""
        return refusal(self.audience, position)


def audience_text(audience: Sequence[str]) -> str:
    """`Sworn officers and dispatchers`; `Everyone` where nobody is left out."""
    if not audience or set(audience) >= POSITIONS.keys():
        return "Everyone"
    text = listed(PLURALS[name] for name in POSITIONS if name in audience)
    return text[:1].upper() + text[1:]


def approval_lines(approvals: Iterable[Mapping[str, str]]) -> list[str]:
    """Who approved, under which number, on which day; one line each."""
    return [
        ", ".join(
            part
            for part in (
                one["authority"],
                one["reference"],
                words.day_text(date.fromisoformat(one["day"])),
            )
            if part
        )
        for one in approvals
    ]


def refusal(audience: Sequence[str], position: str) -> str:
    """Why a course for this audience is closed to a position; empty when it is not."""
    if not audience or position in audience:
        return ""
    names = listed(PLURALS[name] for name in POSITIONS if name in audience)
    return (
        f"It is for {names} only, and your profile says {POSITIONS[position].lower()}."
    )


class NotListed(NotFound):
    """There is no such course in the catalog."""


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    found = list(names)
    return " and ".join(part for part in (", ".join(found[:-1]), *found[-1:]) if part)


# a course has one published version at most (packages/courses.py)
_PUBLISHED = (
    select(Course, CourseVersion)
    .join(CourseVersion, CourseVersion.course_id == Course.id)
    .where(Course.tenant_id == MAIN_TENANT, CourseVersion.state == "published")
)


def find_listings(db: Session, *, config: Config, now: datetime) -> Sequence[Listing]:
    """All published courses that have an offer in force, by title."""
    rows = db.execute(_PUBLISHED).all()
    found = [
        listing
        for course, version in rows
        if (listing := _listing(db, config, course, version, now)) is not None
    ]
    return sorted(found, key=lambda listing: listing.title.casefold())


def get_listing(
    db: Session, *, config: Config, course_id: uuid.UUID, now: datetime
) -> Listing:
    """The course as offered now; raises NotFound."""
    row = db.execute(_PUBLISHED.where(Course.id == course_id)).first()
    listing = None if row is None else _listing(db, config, row[0], row[1], now)
    if listing is None:
        raise NotListed
    return listing


def offer_at(
    db: Session, *, config: Config, course_id: uuid.UUID, now: datetime
) -> Offer | None:
    """The offer of a course in force at an instant."""
    key = key_of(course_iri(config, course_id))
    offers = db.scalars(
        select(Offer)
        .where(Offer.tenant_id == MAIN_TENANT, Offer.course_key == key)
        .order_by(Offer.number)
    ).all()
    return in_force(offers, now)


def _listing(
    db: Session, config: Config, course: Course, version: CourseVersion, now: datetime
) -> Listing | None:
    offer = offer_at(db, config=config, course_id=course.id, now=now)
    if offer is None:
        return None
    return Listing(
        course_id=course.id,
        course_version_id=version.id,
        package_id=version.package_id,
        title=course.title,
        description=course.description or "",
        number=version.number,
        published_at=version.published_at,
        policy=offer.policy,
        hours=offer.hours,
        credit=offer.credit,
        transfer=offer.transfer,
        audience=tuple(offer.audience),
        objectives=tuple(course.objectives),
        provider=course.provider,
        contact=course.contact,
        approvals=tuple(offer.approvals),
    )
