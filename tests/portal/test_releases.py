"""Versions on their way: nothing is published before the checklist holds."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from lrs.rules.tables import Structure
from packages import courses
from packages.courses import get_package
from portal import assessments, checklist, documents, offers, releases
from portal.audit import AuditEntry
from portal.checklist import NotReady
from portal.offers import NoPostTest, Terms
from statements.errors import Conflict, Invalid
from tests.packages.make import Item
from tests.packages.make import course as course_of
from tests.player.cmi5.sample import au, manifest_with
from tests.player.packages import aicc, tincan
from tests.portal.conftest import import_file, import_sample

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from lrs.parts import Parts
    from tests.people import Cast

ROLES = {0: "pretest", 1: "unit", 2: "unit", 3: "unit", 4: "posttest"}


class Workplace:
    """A course with a package as its draft, and what an author does to it."""

    def __init__(self, parts: Parts, cast: Cast, now: datetime) -> None:
        self.parts, self.by, self.now = parts, cast.author.id, now
        self.package = import_sample(parts, "report-writing", now)
        with writing(parts.engine) as db:
            package = get_package(db, package_id=self.package)
            self.course: uuid.UUID = releases.start_course(
                db, package=package, title="Reports", by=self.by, now=now
            ).id

    def act(self, what: Any, number: int = 1, **values: Any) -> None:
        with writing(self.parts.engine) as db:
            version = courses.get_numbered(db, course_id=self.course, number=number)
            what(db, version=version, by=self.by, now=self.now, **values)

    def confirm(self, roles: dict[int, str] = ROLES, number: int = 1) -> None:
        config = self.parts.config
        what = releases.confirm_roles
        self.act(what, number, config=config, roles=roles, parts=())

    def offer(self, policy: str = "cops.certificate", **change: Any) -> None:
        values: dict[str, Any] = {"hours": Decimal(2), "effective_from": self.now}
        with writing(self.parts.engine) as db:
            offers.make_offer(
                db,
                config=self.parts.config,
                course=courses.get_course(db, course_id=self.course),
                terms=Terms(policy=policy, **(values | change)),
                by=self.by,
                now=self.now,
            )

    def release(self, number: int = 1) -> None:
        self.act(releases.release, number, config=self.parts.config)

    def unmet(self, number: int = 1, *, required: bool = True) -> set[str]:
        with reading(self.parts.engine) as db:
            items = checklist.check(
                db,
                config=self.parts.config,
                course=courses.get_course(db, course_id=self.course),
                version=courses.get_numbered(db, course_id=self.course, number=number),
                now=self.now,
            )
        return {
            item.key
            for item in items
            if not item.is_met and item.is_required is required
        }

    def states(self) -> list[str]:
        with reading(self.parts.engine) as db:
            found = courses.find_versions(db, course_id=self.course)
            return [version.state for version in found]

    def next_version(self) -> int:
        package = import_sample(self.parts, "calm-voice", self.now)
        with writing(self.parts.engine) as db:
            return releases.add(
                db, course_id=self.course, package_id=package, by=self.by, now=self.now
            ).number


@pytest.fixture
def place(parts: Parts, cast: Cast, now: datetime) -> Workplace:
    return Workplace(parts, cast, now)


def test_from_a_draft_to_the_catalog_and_back(place: Workplace) -> None:
    assert place.unmet() == {"roles", "offer"}
    with pytest.raises(NotReady) as refused:
        place.release()
    assert refused.value.extra["missing"] == ["roles", "offer"]
    assert (
        "5 parts are not confirmed yet. Some look like tests." in refused.value.detail
    )
    assert place.states() == ["draft"]
    place.offer()
    assert place.unmet() == {"roles", "posttest"}
    place.confirm(ROLES | {4: "unit"})
    assert place.unmet() == {"posttest"}
    place.confirm()
    assert place.unmet() == set()
    assert place.unmet(required=False) == {"documents"}
    place.release()
    place.release()
    assert place.states() == ["published"]

    second = place.next_version()
    assert place.unmet(second) == {"roles", "posttest"}
    with reading(place.parts.engine) as db:
        units = len(
            courses.manifest_of(
                get_package(
                    db,
                    package_id=courses.get_numbered(
                        db, course_id=place.course, number=second
                    ).package_id,
                )
            ).units
        )
    place.confirm(dict.fromkeys(range(units), "posttest"), second)
    place.release(second)
    assert place.states() == ["published", "retired"]
    place.release(1)
    assert place.states() == ["retired", "published"]
    place.act(releases.retire, 1)
    assert place.states() == ["retired", "retired"]
    for what in (releases.retire, releases.discard):
        with pytest.raises(Conflict):
            place.act(what, 1)
    with reading(place.parts.engine) as db:
        order = select(AuditEntry.action).order_by(AuditEntry.at, AuditEntry.id)
        acts = list(db.scalars(order))
        revisions = sorted(db.scalars(select(Structure.revision)))
    assert acts.count("course.published") == 3
    assert set(acts) == {
        "course.created",
        "version.added",
        "course.offered",
        "roles.confirmed",
        "course.published",
        "course.retired",
    }
    assert revisions == ["1", "1", "2"]


def test_offers_to_come_are_on_the_list(place: Workplace) -> None:
    place.confirm(ROLES | {4: "unit"})
    later = place.now + timedelta(days=30)
    place.offer("none")
    assert place.unmet() == set()
    place.offer(effective_from=later, credit=Decimal(1), hours=None)
    assert place.unmet() == {"posttest", "hours"}
    place.offer("none", effective_from=later)
    assert place.unmet() == set()


def test_what_is_published_gives_no_credit_without_hours(place: Workplace) -> None:
    place.confirm()
    place.offer()
    place.release()
    with pytest.raises(Invalid, match="hours"):
        place.offer(credit=Decimal(1), hours=None)
    place.offer(credit=Decimal(0), hours=None)


def test_what_was_discarded_is_not_published(place: Workplace) -> None:
    place.confirm()
    place.offer()
    with writing(place.parts.engine) as db:
        version = courses.get_numbered(db, course_id=place.course, number=1)
    place.act(releases.discard, 1)
    with (
        pytest.raises(courses.CourseNotFound),
        writing(place.parts.engine) as db,
    ):
        releases.release(
            db,
            config=place.parts.config,
            version=db.merge(version, load=False),
            by=place.by,
            now=place.now,
        )
    assert place.states() == []


def test_a_draft_is_discarded_and_its_number_stays_taken(place: Workplace) -> None:
    place.act(releases.discard, 1)
    assert place.states() == []
    assert place.next_version() == 2
    with writing(place.parts.engine) as db:
        package = get_package(db, package_id=place.package)
        courses.delete_package(db, package=package)
        assert package.status == "deleted"
        with pytest.raises(courses.CourseNotFound):
            courses.get_numbered(db, course_id=place.course, number=1)


def test_a_discarded_package_comes_back_as_the_same_version(place: Workplace) -> None:
    place.act(releases.discard, 1)
    with writing(place.parts.engine) as db:
        again = releases.add(
            db,
            course_id=place.course,
            package_id=place.package,
            by=place.by,
            now=place.now,
        )
        assert (again.number, again.state) == (1, "draft")


WRONG = [
    ("one is not said", {0: "pretest"}, "Say what"),
    ("no such role", ROLES | {1: "king"}, "no role"),
]


@pytest.mark.parametrize(("name", "roles", "told"), WRONG)
def test_roles_that_cannot_be(
    place: Workplace, name: str, roles: dict[int, str], told: str
) -> None:
    with pytest.raises(Invalid, match=told):
        place.confirm(roles)
    assert "roles" in place.unmet(), name


def test_a_published_version_keeps_its_post_test(place: Workplace) -> None:
    place.offer(policy="post.credit")
    place.confirm(ROLES | {4: "unit"})
    place.release()
    # nobody could fulfil it
    with pytest.raises(NoPostTest):
        place.offer()
    place.confirm()
    place.offer()
    with pytest.raises(NoPostTest):
        place.confirm(ROLES | {4: "unit"})


PAGES = (
    Item("a", "Lesson", "a.html", kind="asset"),
    Item("b", "Post-test", "b.html", kind="asset"),
)


def test_a_page_that_reports_nothing_is_no_post_test(place: Workplace) -> None:
    place.confirm()
    place.offer()
    place.release()
    pages = import_file(place.parts, "pages", course_of(*PAGES), place.now)
    with writing(place.parts.engine) as db:
        number = releases.add(
            db, course_id=place.course, package_id=pages, by=place.by, now=place.now
        ).number
    place.confirm({0: "unit", 1: "posttest"}, number)
    assert place.unmet(number) == {"posttest"}
    with pytest.raises(NotReady, match="“Post-test” cannot give one"):
        place.release(number)
    # a rule that asks for all parts alone
    place.offer("post.credit")
    place.release(number)
    with pytest.raises(NoPostTest, match="“Post-test” cannot give one"):
        place.offer()


NAMED = [
    ({0: "unit", 1: "posttest"}, (), "“Post-test” cannot give one"),
    ({0: "posttest", 1: "posttest"}, (), "the parts named as it cannot"),
    (
        {0: "unit", 1: "unit"},
        [assessments.PartRole(unit=0, kind="objectives", part="q", role="posttest")],
        "“q” cannot give one",
    ),
    ({0: "unit", 1: "unit"}, (), "say which part is the post-test"),
]


@pytest.mark.parametrize(("roles", "inside", "told"), NAMED)
def test_pages_alone_are_not_published_at_once_under_a_rule_with_a_score(
    parts: Parts,
    cast: Cast,
    now: datetime,
    roles: dict[int, str],
    inside: Any,
    told: str,
) -> None:
    pages = import_file(parts, "pages", course_of(*PAGES), now)
    said: dict[str, Any] = {
        "title": "Pages",
        "roles": roles,
        "parts": inside,
        "effective_from": now,
        "hours": Decimal(1),
    }

    def publish(policy: str) -> None:
        with writing(parts.engine) as db:
            releases.publish(
                db,
                config=parts.config,
                package=get_package(db, package_id=pages),
                publication=releases.Publication(**said, policy=policy),
                by=cast.author.id,
                now=now,
            )

    with pytest.raises(NoPostTest, match=told):
        publish("cops.certificate")
    publish("post.credit")


def test_credit_asks_for_the_length(place: Workplace) -> None:
    place.confirm()
    place.offer(hours=None, credit=Decimal(0))
    assert place.unmet() == set()
    assert "hours" in place.unmet(required=False)
    place.offer(hours=None, credit=Decimal(2))
    assert place.unmet() == {"hours"}
    place.offer(hours=Decimal("2.5"), credit=Decimal(2))
    assert place.unmet() == set()


def test_an_offer_to_come_is_enough(place: Workplace) -> None:
    place.confirm()
    place.offer(effective_from=place.now + timedelta(days=30))
    assert place.unmet() == set()
    with reading(place.parts.engine) as db:
        items = checklist.check(
            db,
            config=place.parts.config,
            course=courses.get_course(db, course_id=place.course),
            version=None,
            now=place.now,
        )
    texts = {item.key: item.text for item in items}
    assert texts["offer"].startswith("From ")
    assert [item.key for item in items if not item.is_met and item.is_required] == [
        "imported"
    ]


def test_another_standard_is_looked_at_and_not_published(place: Workplace) -> None:
    place.confirm()
    place.offer()
    with writing(place.parts.engine) as db:
        get_package(db, package_id=place.package).standard = None
    assert place.unmet() == {"playable"}
    with pytest.raises(NotReady, match="This kind of package"):
        place.release()


def test_what_it_loads_from_elsewhere_is_advised(place: Workplace) -> None:
    from packages.hosts import allow_hosts

    with writing(place.parts.engine) as db:
        get_package(db, package_id=place.package).needed_hosts = ["cdn.example.org"]
    assert "hosts" in place.unmet(required=False)
    with writing(place.parts.engine) as db:
        version = courses.get_numbered(db, course_id=place.course, number=1)
        allow_hosts(
            db,
            version_id=version.id,
            hosts=["cdn.example.org"],
            by="a",
            now=place.now,
        )
    assert "hosts" not in place.unmet(required=False)


def test_known_roles_are_those_of_the_version(place: Workplace) -> None:
    place.confirm()
    with reading(place.parts.engine) as db:
        one, two = (
            assessments.known_roles(
                db, config=place.parts.config, course_id=place.course, revision=revision
            )
            for revision in ("1", "2")
        )
    assert [known.role for known in one.values() if known.confirmed].count("unit") == 3
    assert two == {}


def test_documents_and_words_meet_the_advice(place: Workplace) -> None:
    import io

    with writing(place.parts.engine) as db:
        course = courses.get_course(db, course_id=place.course)
        course.description, course.objectives = "", []
    assert place.unmet(required=False) >= {"described", "documents"}
    with writing(place.parts.engine) as db:
        courses.get_course(db, course_id=place.course).objectives = ["Write"]
        documents.add_document(
            place.parts.storage,
            db,
            course_id=place.course,
            title="",
            filename="a.pdf",
            data=io.BytesIO(b"%PDF-1.4"),
            audience="enrolled",
            by=place.by,
            now=place.now,
        )
    assert not place.unmet(required=False) & {"described", "documents"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (("", ""), ["Completed", "Completed"]),
        (("Passed", "NotApplicable"), ["Passed", "NotApplicable"]),
        # else the course would be complete on enrolling
        (("NotApplicable", "NotApplicable"), ["CompletedOrPassed"] * 2),
    ],
    ids=["other standards", "criteria", "none"],
)
def test_units_count_by_the_criteria_of_the_course(
    given: tuple[str, ...], found: list[str]
) -> None:
    units = [au(place, move_on=one) for place, one in enumerate(given)]
    manifest = manifest_with(*units)
    assert [releases.criterion(manifest, unit) for unit in units] == found


@pytest.mark.parametrize("made", [aicc, tincan], ids=["aicc", "xapi"])
def test_other_standards_are_published_too(
    parts: Parts, cast: Cast, now: datetime, made: Any
) -> None:
    place = Workplace(parts, cast, now)
    data = made({"Lesson": "<p>One</p>", "Final test": "<p>Two</p>"})
    place.package = import_file(parts, "other", data, now)
    with writing(parts.engine) as db:
        package = get_package(db, package_id=place.package)
        place.course = releases.start_course(
            db, package=package, title="Other", by=place.by, now=now
        ).id
    place.confirm({0: "unit", 1: "posttest"})
    place.offer()
    place.release()
    assert place.states() == ["published"]
