import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch

import pytest
from argon2 import PasswordHasher

from lrs.db import reading, writing
from portal import users
from portal.agencies import DuplicateAgency, create_agency, find_agency, slug_of
from statements.errors import Invalid
from tests.people import PASSWORD, make_cast


def test_people_have_roles_agency_and_an_opaque_actor(db, now) -> None:
    cast = make_cast(db, now)
    person = users.person_with(db, user=cast.manager)
    assert person.roles == {"learner", "training_manager"}
    assert person.agency is cast.harbor
    actor = users.actor_of(cast.manager.id, portal_url="https://portal.example")
    assert actor == {
        "objectType": "Agent",
        "account": {
            "homePage": "https://portal.example",
            "name": str(cast.manager.id),
        },
    }


def test_passwords_are_argon2id_in_one_spelling(db, now) -> None:
    cast = make_cast(db, now)
    stored = cast.officer.password
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert PasswordHasher().verify(stored, PASSWORD)
    composed, split = "caf\u00e9 at the harbor", "cafe\u0301 at the harbor"
    assert users.normal_password(composed) == users.normal_password(split)


@pytest.mark.parametrize("password", ["short", "elevenchars", "x" * 129])
def test_password_lengths(password: str) -> None:
    with pytest.raises(Invalid):
        users.hash_password(password)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Officer@Example.ORG ", "officer@example.org"),
        ("a.b+c@d-e.example", "a.b+c@d-e.example"),
    ],
)
def test_addresses_have_one_spelling(given: str, kept: str) -> None:
    assert users.normal_email(given) == kept


@pytest.mark.parametrize(
    "given", ["", "officer", "a@b", "a b@c.org", "a@b@c.org", "<a@b.org>", "x" * 260]
)
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(Invalid):
        users.normal_email(given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"roles": ["sheriff"]},
        {"position": "captain"},
        {"name": " "},
        {"roles": ["training_manager"], "agency": None},
    ],
)
def test_refused_users(db, now, wrong) -> None:
    values = {
        "email": "new@example.org",
        "name": "New",
        "password": PASSWORD,
        "roles": ["learner"],
        "agency": None,
        "position": "sworn",
        "now": now,
    }
    with pytest.raises(Invalid):
        users.create_user(db, **(values | wrong))


def test_an_address_is_used_once(db, now) -> None:
    cast = make_cast(db, now)
    with pytest.raises(users.DuplicateUser):
        users.create_user(
            db,
            email=cast.officer.email.upper(),
            name="Twin",
            password=PASSWORD,
            roles=["learner"],
            agency=None,
            position="sworn",
            now=now,
        )


def test_accents_are_one_letter_however_typed(db, now) -> None:
    made = users.create_user(
        db,
        email="rene\u0301@example.org",
        name="E\u0301lodie Rene\u0301",
        password=PASSWORD,
        roles=["learner"],
        agency=None,
        position="npo",
        now=now,
    )
    for email in ("ren\u00e9@example.org", " RENE\u0301@Example.org"):
        assert users.find_user(db, email=email) is made
    for text in ("\u00e9lodie", "E\u0301LODIE", "ren\u00c9@"):
        assert [one.user for one in users.find_people(db, text=text)] == [made]


def test_closing_an_account_ends_its_sessions(db, now) -> None:
    officer = make_cast(db, now).officer
    before = officer.uniquifier
    users.set_active(officer, active=False)
    assert not officer.active
    assert officer.uniquifier != before


def test_people_are_found_by_agency_and_text(db, now) -> None:
    cast = make_cast(db, now)
    harbor = users.find_people(db, agency_id=cast.harbor.id)
    assert {person.user.name for person in harbor} == {
        "Civilian",
        "Dispatcher",
        "Officer",
        "Training manager",
    }
    [found] = users.find_people(db, agency_id=cast.harbor.id, text="PATCH")
    assert found.user is cast.dispatcher
    assert users.find_people(db, text="100%") == []


def test_ten_tries_then_one_each_half_minute(db, now) -> None:
    key = "email:officer@example.org"
    assert [users.take_try(db, key=key, now=now) for _ in range(12)] == (
        [True] * 10 + [False] * 2
    )
    later = now + timedelta(seconds=31)
    assert [users.take_try(db, key=key, now=later) for _ in range(2)] == [True, False]
    users.forget_tries(db, email_key=key, address_key="address:none")
    assert users.take_try(db, key=key, now=later)


def test_a_station_shares_an_address_and_gets_back_what_was_right(db, now) -> None:
    key = "address:192.0.2.1"
    for _ in range(200):
        assert users.take_try(db, key=key, now=now, tries=users.ADDRESS_TRIES)
        users.forget_tries(db, email_key="email:none", address_key=key)
    wrong = [
        users.take_try(db, key=key, now=now, tries=users.ADDRESS_TRIES)
        for _ in range(61)
    ]
    assert wrong == [True] * 60 + [False]


def test_agencies_by_id_short_name_and_name(db, now) -> None:
    harbor = make_cast(db, now).harbor
    for name in (str(harbor.id), harbor.slug, "harbor city POLICE department"):
        assert find_agency(db, name=name) is harbor
    assert find_agency(db, name="nobody") is None
    with pytest.raises(DuplicateAgency):
        create_agency(db, name="Harbor  City Police department", now=now)
    with pytest.raises(Invalid):
        create_agency(db, name="  ", now=now)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Peñasquitos P.D.", "penasquitos-p-d"), ("Полиция", ""), ("A  &  B", "a-b")],
)
def test_short_names(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def at_once(act: Callable[[int], str]) -> list[str]:
    """What four tell who do it at the same moment."""
    barrier = threading.Barrier(4)

    def start(place: int) -> str:
        barrier.wait()
        return act(place)

    with ThreadPoolExecutor(4) as pool:
        return sorted(pool.map(start, range(4)))


def test_the_first_tries_of_an_address_at_once(engine, now) -> None:
    def take(_: int) -> str:
        with writing(engine) as db:
            return str(users.take_try(db, key="address:192.0.2.1", now=now, tries=3))

    assert at_once(take) == ["False", "True", "True", "True"]


def test_an_address_is_used_once_at_once(engine, now) -> None:
    hashed = users.hash_password(PASSWORD)

    def create(place: int) -> str:
        try:
            with writing(engine) as db:
                users.create_user(
                    db,
                    email="new@example.org",
                    name=f"New {place}",
                    password=PASSWORD,
                    roles=["learner"],
                    agency=None,
                    position="sworn",
                    now=now,
                )
        except users.DuplicateUser:
            return "refused"
        return "created"

    with patch.object(users, "hash_password", lambda _: hashed):
        assert at_once(create) == ["created"] + ["refused"] * 3
    with reading(engine) as db:
        assert len(users.find_people(db)) == 1
