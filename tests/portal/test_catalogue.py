import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from lrs.db import reading, writing
from packages.courses import current_version, retire_version
from portal import catalogue


def listings(world, now=None):
    with reading(world.parts.engine) as db:
        return catalogue.find_listings(
            db, config=world.parts.config, now=now or world.now
        )


def test_a_published_course_with_its_offer(world) -> None:
    [listing] = listings(world)
    assert listing.course_id == world.course_id
    assert (listing.hours, listing.credit) == (Decimal(1), Decimal(1))
    assert listing.audience_text == "Sworn officers and dispatchers"
    assert listing.revision == "1"


def test_not_before_the_offer_begins_and_not_once_retired(world) -> None:
    assert listings(world, world.now - timedelta(days=61)) == []
    with writing(world.parts.engine) as db:
        version = current_version(db, course_id=world.course_id)
        assert version is not None
        retire_version(db, version_id=version.id)
    assert listings(world) == []


def test_what_is_not_listed(world) -> None:
    with reading(world.parts.engine) as db, pytest.raises(catalogue.NotListed):
        catalogue.get_listing(
            db, config=world.parts.config, course_id=uuid.uuid4(), now=world.now
        )


@pytest.mark.parametrize(
    ("audience", "position", "refused"),
    [
        ([], "community", False),
        (["sworn"], "sworn", False),
        (["sworn"], "dispatcher", True),
        (["sworn", "dispatcher"], "npo", True),
    ],
)
def test_refusals(audience, position, refused) -> None:
    assert bool(catalogue.refusal(audience, position)) is refused


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_lists_in_words(names, text) -> None:
    assert catalogue.listed(names) == text


@pytest.mark.parametrize(
    ("audience", "text"),
    [
        ((), "Everyone"),
        (("community", "npo", "dispatcher", "sworn"), "Everyone"),
        (("dispatcher", "sworn"), "Sworn officers and dispatchers"),
        (("community",), "Community members"),
    ],
)
def test_audiences(audience, text: str) -> None:
    assert catalogue.audience_text(audience) == text


def test_approvals_are_lines() -> None:
    lines = catalogue.approval_lines(
        [
            {"authority": "Arizona POST", "reference": "24-1", "day": "2026-03-02"},
            {"authority": "POST", "reference": "", "day": "2025-12-31"},
        ]
    )
    assert lines == ["Arizona POST, 24-1, March 2, 2026", "POST, December 31, 2025"]
