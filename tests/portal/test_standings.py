from datetime import UTC, datetime, timedelta

import pytest

from lrs.db import reading
from portal.enrolments import get_enrolment
from portal.standings import standings_of


def standing(world, enrolment_id, now=None):
    now = now or world.now + timedelta(minutes=1)
    with reading(world.parts.engine) as db:
        row = get_enrolment(db, enrolment_id=enrolment_id)
        [found] = standings_of(db, config=world.parts.config, enrolments=[row], now=now)
    return found


def test_from_start_to_certificate(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    fresh = standing(world, enrolment_id)
    assert (fresh.status, fresh.action, fresh.action_label) == (
        "Not started",
        "launch",
        "Start",
    )
    assert fresh.units[0].title == "Pre-test"
    world.finish(enrolment_id, scaled="0.79")
    below = standing(world, enrolment_id)
    assert (below.status, below.action) == ("Below the pass mark", "launch")
    assert "79%" in below.next
    world.finish(enrolment_id, scaled="0.80", now=world.now + timedelta(seconds=20))
    waiting = standing(world, enrolment_id)
    assert (waiting.status, waiting.action) == ("One step left", "attest")
    assert waiting.may_review
    assert not waiting.may_launch
    world.attest(enrolment_id)
    done = standing(world, enrolment_id)
    assert (done.status, done.is_done, done.is_waiting) == ("Completed", True, True)
    world.work()
    done = standing(world, enrolment_id)
    assert done.certificate_id is not None
    assert (done.action, done.is_waiting, done.may_drop) == (
        "certificate",
        False,
        False,
    )
    assert [line.met for line in done.reasons] == [True] * len(done.reasons)


def test_after_the_term(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    later = datetime(2027, 1, 2, tzinfo=UTC)
    found = standing(world, enrolment_id, later)
    assert (found.status, found.action, found.may_launch) == ("Session over", "", False)
    assert "2026 session ended on December 31, 2026" in found.next


@pytest.mark.parametrize("scaled", ["0.79", "0.9"])
def test_no_score_but_the_post_tests(world, scaled) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    world.finish(enrolment_id, scaled=scaled)
    found = standing(world, enrolment_id)
    assert {unit.score for unit in found.units if unit.title != "Post-test"} == {""}
