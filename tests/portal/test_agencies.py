from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

import pytest

from lrs.db import reading, writing
from portal.agencies import (
    DuplicateAgency,
    create_agency,
    find_agencies,
    find_agency,
    get_agency,
    slug_of,
)
from statements.errors import Invalid, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

NAME = "Élan Valley Police"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Harbor City Police Department", "harbor-city-police-department"),
        (NAME, "elan-valley-police"),
        ("  A & B  ", "a-b"),
        ("警察", ""),
        ("x" * 200, "x" * 80),
    ],
)
def test_short_names(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_an_agency_is_found_by_id_short_name_or_name(
    db: Session, now: datetime
) -> None:
    made = create_agency(db, name=f"  {NAME} ", now=now)
    assert made.name == NAME
    for name in (str(made.id), "elan-valley-police", NAME, f" {NAME} "):
        found = find_agency(db, name=name)
        assert found is not None
        assert found.id == made.id
    assert get_agency(db, agency_id=made.id) is made
    assert find_agency(db, name="Elsewhere") is None
    assert find_agency(db, name=str(uuid.uuid4())) is None
    with pytest.raises(NotFound):
        get_agency(db, agency_id=uuid.uuid4())


def test_a_name_without_letters_of_ours_gets_a_short_name(
    db: Session, now: datetime
) -> None:
    made = create_agency(db, name="警察", now=now)
    assert made.slug.startswith("agency-")


@pytest.mark.parametrize(
    "name", [NAME, NAME.upper(), NAME.lower(), "Elan-Valley Police"]
)
def test_a_name_is_taken_once_whatever_its_case(
    db: Session, now: datetime, name: str
) -> None:
    create_agency(db, name=NAME, now=now)
    with pytest.raises(DuplicateAgency):
        create_agency(db, name=name, now=now)
    assert [one.name for one in find_agencies(db)] == [NAME]


def test_other_alphabets_have_capitals_too(db: Session, now: datetime) -> None:
    made = create_agency(db, name="Полиция гавани", now=now)
    for name in ("ПОЛИЦИЯ ГАВАНИ", "полиция  гавани"):
        assert find_agency(db, name=name) is made
        with pytest.raises(DuplicateAgency):
            create_agency(db, name=name, now=now)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_a_name_that_is_none_is_refused(db: Session, now: datetime, name: str) -> None:
    with pytest.raises(Invalid):
        create_agency(db, name=name, now=now)


def test_of_two_that_make_it_at_once_one_is_told_that_it_is_there(
    engine: Engine, now: datetime
) -> None:
    answers: list[str] = []
    barrier = threading.Barrier(4)

    def make() -> None:
        barrier.wait()
        try:
            with writing(engine) as db:
                create_agency(db, name=NAME, now=now)
            answers.append("made")
        except DuplicateAgency:
            answers.append("there")

    makers = [threading.Thread(target=make) for _ in range(4)]
    for one in makers:
        one.start()
    for one in makers:
        one.join()
    assert sorted(answers) == ["made", "there", "there", "there"]
    with reading(engine) as db:
        assert len(find_agencies(db)) == 1
