from datetime import timedelta

import pytest

from lrs.db import writing
from portal import enrolments, honor
from statements.errors import Invalid
from statements.vocabulary import extension
from tests.portal.log import statements_of


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
