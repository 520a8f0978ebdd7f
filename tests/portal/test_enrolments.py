from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from lrs.tables import Statement, key_of
from portal import enrolments, honor
from portal.users import get_user
from statements.errors import AlreadyEnrolled, Invalid, NotEligible
from statements.vocabulary import VERBS, extension


def statements_of(parts, verb: str) -> list[dict]:
    import orjson

    with reading(parts.engine) as db:
        return [
            orjson.loads(row.payload)
            for row in db.scalars(
                select(Statement)
                .where(Statement.verb_key == key_of(VERBS[verb]))
                .order_by(Statement.seq)
            )
        ]


def test_enrolling_is_a_statement_with_the_facts_of_the_moment(world) -> None:
    officer = world.cast.officer
    enrolment_id = world.enrol(officer)
    [statement] = statements_of(world.parts, "registered")
    with reading(world.parts.engine) as db:
        row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
    assert row.term == "2026"
    assert statement["actor"]["account"]["name"] == str(officer.id)
    assert "Officer" not in str(statement["actor"])
    context = statement["context"]
    assert context["registration"] == str(row.registration)
    assert context["revision"] == "1"
    assert context["extensions"][extension("position")] == "sworn"
    assert context["extensions"][extension("agency")] == str(world.cast.harbor.id)
    assert statement["object"]["id"].endswith(f"/activities/{world.course_id}")


def test_once_in_a_term(world) -> None:
    world.enrol(world.cast.officer)
    with pytest.raises(AlreadyEnrolled):
        world.enrol(world.cast.officer)
    assert len(statements_of(world.parts, "registered")) == 1


def test_another_term_is_another_registration(world) -> None:
    first = world.enrol(world.cast.officer)
    second = world.enrol(world.cast.officer, datetime(2027, 1, 1, 8, tzinfo=UTC))
    with reading(world.parts.engine) as db:
        rows = [
            enrolments.get_enrolment(db, enrolment_id=one) for one in (first, second)
        ]
    assert [row.term for row in rows] == ["2026", "2027"]
    assert rows[0].registration != rows[1].registration


@pytest.mark.parametrize(
    ("instant", "term"),
    [
        (datetime(2027, 1, 1, 7, 59, 59, tzinfo=UTC), "2026"),
        (datetime(2027, 1, 1, 8, 0, 0, tzinfo=UTC), "2027"),
    ],
)
def test_terms_end_at_midnight_of_the_portal(config, instant, term) -> None:
    assert enrolments.current_term(config, instant).id == term


def test_audience(world) -> None:
    world.enrol(world.cast.dispatcher)
    with pytest.raises(NotEligible, match="sworn officers and dispatchers"):
        world.enrol(world.cast.civilian)
    assert len(statements_of(world.parts, "registered")) == 1


def test_dropping_keeps_the_registration(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    with writing(world.parts.engine) as db:
        row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
        enrolments.drop(db, config=world.parts.config, enrolment=row, now=world.now)
        registration = row.registration
    with reading(world.parts.engine) as db:
        assert enrolments.find_enrolments(db, user_id=world.cast.officer.id) == []
    with pytest.raises(enrolments.AlreadyDropped), writing(world.parts.engine) as db:
        row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
        enrolments.drop(db, config=world.parts.config, enrolment=row, now=world.now)
    assert world.enrol(world.cast.officer) == enrolment_id
    with reading(world.parts.engine) as db:
        row = enrolments.find_enrolment(db, registration=registration)
        assert row is not None
        assert row.dropped_at is None
    assert len(statements_of(world.parts, "registered")) == 2
    assert len(statements_of(world.parts, "withdrew")) == 1


def test_the_honor_code_is_versioned_text() -> None:
    [text] = honor.versions()
    assert text.version == "2023-01-01"
    assert text.body.startswith("I hereby attest that I have completed the full")
    assert text.body.endswith("detailed in the course description.")
    assert "By clicking “yes” I confirm" in text.body


def test_attesting_is_a_statement_with_the_version(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    world.attest(enrolment_id)
    world.attest(enrolment_id)  # the same click, sent twice
    [statement] = statements_of(world.parts, "attested")
    [text] = honor.versions()
    assert statement["result"]["extensions"][extension("honor_code")] == {
        "version": text.version,
        "sha256": text.sha256,
    }
    world.attest(enrolment_id, world.now + timedelta(days=1))
    assert len(statements_of(world.parts, "attested")) == 2


@pytest.mark.parametrize(
    ("version", "answer", "error"),
    [("2023-01-01", "no", Invalid), ("2022-01-01", "yes", honor.OtherHonorCode)],
)
def test_refused_attestations(world, version, answer, error) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    with pytest.raises(error), writing(world.parts.engine) as db:
        honor.attest(
            db,
            config=world.parts.config,
            enrolment=enrolments.get_enrolment(db, enrolment_id=enrolment_id),
            version=version,
            answer=answer,
            now=world.now,
        )
    assert statements_of(world.parts, "attested") == []


def test_the_position_counts_at_the_moment_of_the_act(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    with writing(world.parts.engine) as db:
        get_user(db, user_id=world.cast.officer.id).position = "npo"
    world.attest(enrolment_id)
    [enrolled] = statements_of(world.parts, "registered")
    [attested] = statements_of(world.parts, "attested")
    assert enrolled["context"]["extensions"][extension("position")] == "sworn"
    assert attested["context"]["extensions"][extension("position")] == "npo"
