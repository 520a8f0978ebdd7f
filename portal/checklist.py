"""What must hold before a version is published, and what an author might still mend.

The same list is shown on the course's page and asked before every publication.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules.tables import Offer
from lrs.rules.terms import in_force
from packages.courses import Course, CourseVersion, Package, get_package, manifest_of
from packages.hosts import find_allowed, needed_hosts
from packages.manifest import standard_text
from packages.roles import propose_roles
from player.launches import PLAYABLE
from player.urls import course_iri, unit_iri
from portal import words
from portal.assessments import confirmed_posttests, known_roles
from portal.documents import find_documents
from portal.offers import find_offers, silent_text, threshold_at
from statements.errors import Conflict

Place = Literal["about", "offers", "documents", "versions", "version", "package"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of the list; `place` is where it is mended.

    What is not required is advice: the version can be published without it.
    """

    key: str
    title: str
    text: str
    is_met: bool
    is_required: bool = True
    place: Place


# what a field of the form that publishes in one go mends
_FIELDS = frozenset({"title", "hours"})


class NotReady(Conflict):
    """The version cannot be published yet."""

    @property
    def field(self) -> str:
        """The field of the form that mends it, where it is one alone."""
        missing = self.extra["missing"]
        return missing[0] if len(missing) == 1 and missing[0] in _FIELDS else ""


def check(
    db: Session,
    *,
    config: Config,
    course: Course,
    version: CourseVersion | None,
    now: datetime,
) -> list[Item]:
    """The list for a version of a course, in the order in which an author works."""
    if version is None:
        missing = Item(
            key="imported",
            title="A package is its content",
            text="Add an imported package as a version.",
            is_met=False,
            place="versions",
        )
        return [missing, *_of_course(db, config, course, now)]
    package = get_package(db, package_id=version.package_id)
    return [
        *_of_package(package),
        *_of_roles(db, config, course, version, package, now),
        *_of_course(db, config, course, now),
        *_of_hosts(db, version, package),
    ]


def require_ready(items: Sequence[Item], *, but: frozenset[str] = frozenset()) -> None:
    """Pass when all that is required is met; else raise NotReady with the reasons."""
    missing = [
        item
        for item in items
        if item.is_required and not item.is_met and item.key not in but
    ]
    if missing:
        reasons = " ".join(_reason(item) for item in missing)
        raise NotReady(reasons, missing=[item.key for item in missing])


def _reason(item: Item) -> str:
    """What is missing, as it reads without the list around it."""
    return item.text if item.key in _FIELDS else f"{item.title}: {item.text}"


def _of_package(package: Package) -> list[Item]:
    imported = package.status == "imported"
    playable = package.standard in PLAYABLE
    name = standard_text(package.standard, package.edition)
    return [
        Item(
            key="imported",
            title="A package is its content",
            text=package.title or package.filename
            if imported
            else "The package is not there any more; add another one.",
            is_met=imported,
            place="package",
        ),
        Item(
            key="playable",
            title="Learners can take it",
            text=f"{name} runs in the player."
            if playable
            else f"{name or 'This kind of package'} can be looked at, but the player "
            "does not run it for learners yet.",
            is_met=playable,
            place="package",
        ),
    ]


def _of_roles(
    db: Session,
    config: Config,
    course: Course,
    version: CourseVersion,
    package: Package,
    now: datetime,
) -> list[Item]:
    if package.status != "imported":
        return []
    manifest = manifest_of(package)
    known = known_roles(
        db, config=config, course_id=course.id, revision=str(version.number)
    )
    iri = course_iri(config, course.id)
    units = [known.get(unit_iri(iri, unit.slug)) for unit in manifest.units]
    waiting = sum(role is None or not role.confirmed for role in units)
    proposed = sum(one.part is None for one in propose_roles(manifest))
    items = [
        Item(
            key="roles",
            title="What each part is, is confirmed",
            text=_waiting_text(waiting, proposed) if waiting else "All parts.",
            is_met=not waiting,
            place="version",
        )
    ]
    asked = (
        threshold_at(offer.policy, max(offer.effective_from, now), zone=config.timezone)
        for offer in _open_offers(db, config, course, now)
    )
    if any(threshold is not None for threshold in asked):
        tests = list(confirmed_posttests(known, manifest, iri))
        found = [title for title, scores in tests if scores]
        items.append(
            Item(
                key="posttest",
                title="The post-test is named",
                text=", ".join(found)
                or silent_text([title for title, _ in tests])
                or "The rule of the offer asks for a post-test score: say which part "
                "is the post-test.",
                is_met=bool(found),
                place="version",
            )
        )
    return items


def _waiting_text(waiting: int, proposed: int) -> str:
    parts = "1 part is" if waiting == 1 else f"{waiting} parts are"
    looks = " Some look like tests." if proposed else ""
    return f"{parts} not confirmed yet.{looks}"


def _of_course(
    db: Session, config: Config, course: Course, now: datetime
) -> list[Item]:
    found = _open_offers(db, config, course, now)
    offer = next(iter(found), None)
    hours = None if offer is None else offer.hours
    is_unsaid = any(one.credit and one.hours is None for one in found)
    documents = find_documents(db, course_id=course.id)
    described = bool(course.description.strip() or course.objectives)
    return [
        Item(
            key="title",
            title="It has a title",
            text=course.title or "Give the course a title.",
            is_met=bool(course.title.strip()),
            place="about",
        ),
        Item(
            key="described",
            title="It says what it is about",
            text="Description and objectives are in the catalog."
            if described
            else "Learners choose by description and objectives.",
            is_met=described,
            is_required=False,
            place="about",
        ),
        Item(
            key="offer",
            title="It is offered",
            text=_offer_text(config, offer, now),
            is_met=offer is not None,
            place="offers",
        ),
        Item(
            key="hours",
            title="Its length is said",
            text="Say the estimated hours: the course gives credit."
            if is_unsaid
            else words.hours_text(hours) or "Learners plan by the estimated hours.",
            is_met=hours is not None and not is_unsaid,
            is_required=is_unsaid,
            place="offers",
        ),
        Item(
            key="documents",
            title="Documents are there",
            text=words.count_text(len(documents), "document")
            if documents
            else "None; add handouts where the course has some.",
            is_met=bool(documents),
            is_required=False,
            place="documents",
        ),
    ]


def _open_offers(
    db: Session, config: Config, course: Course, now: datetime
) -> list[Offer]:
    """The offer in force, if there is one, then those that will be, in that order."""
    offers = find_offers(db, config=config, course_id=course.id)[::-1]
    coming = {one.effective_from for one in offers if one.effective_from > now}
    found = (in_force(offers, instant) for instant in (now, *sorted(coming)))
    return [one for one in found if one is not None]


def _offer_text(config: Config, offer: Offer | None, now: datetime) -> str:
    if offer is None:
        return "Say under which rule, for whom and from when it is offered."
    day = words.day_in(offer.effective_from, offer.zone or config.timezone)
    return f"{'Since' if offer.effective_from <= now else 'From'} {day}"


def _of_hosts(db: Session, version: CourseVersion, package: Package) -> list[Item]:
    needed = needed_hosts(package)
    if not needed:
        return []
    allowed = {row.host for row in find_allowed(db, version_id=version.id)}
    blocked = [host for host in needed if host not in allowed]
    return [
        Item(
            key="hosts",
            title="Other servers that it loads from are allowed",
            text=f"Blocked: {', '.join(blocked[:5])}{' and more' * (len(blocked) > 5)}."
            if blocked
            else ", ".join(needed[:5]),
            is_met=not blocked,
            is_required=False,
            place="version",
        )
    ]
