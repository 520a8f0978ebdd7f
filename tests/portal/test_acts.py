from lrs.db import writing
from portal.acts import portal_authority, record_own_act
from portal.enrolments import get_enrolment
from tests.portal.log import statements_of


def test_an_act_names_course_term_and_platform(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    with writing(world.parts.engine) as db:
        row = get_enrolment(db, enrolment_id=enrolment_id)
        stored = record_own_act(
            db, config=world.parts.config, enrolment=row, verb="withdrew", now=world.now
        )
    [statement] = statements_of(world.parts, "withdrew")
    assert statement["id"] == str(stored)
    assert statement["context"]["platform"] == "Rollcall"
    assert statement["object"]["definition"]["name"] == {
        "en-US": "Reports That Hold Up"
    }
    assert "2026" in statement["context"]["extensions"].values()


def test_the_portal_is_the_authority(world) -> None:
    world.enrol(world.cast.officer)
    authority = portal_authority(world.parts.config)
    assert authority["account"]["homePage"] == world.parts.config.portal_url
