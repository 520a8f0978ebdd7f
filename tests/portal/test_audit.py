from datetime import timedelta

from portal.audit import find_acts, record_act
from tests.people import make_cast


def test_acts_are_found_newest_first_and_by_subject(db, now) -> None:
    cast = make_cast(db, now)
    for place, subject_id in enumerate(("one", "two", "one")):
        record_act(
            db,
            user_id=cast.operator.id,
            action=f"act.{place}",
            subject="thing",
            subject_id=subject_id,
            detail={"place": place},
            now=now + timedelta(seconds=place),
        )
    db.flush()
    assert [act.action for act in find_acts(db)] == ["act.2", "act.1", "act.0"]
    assert [act.detail for act in find_acts(db, subject_id="one")] == [
        {"place": 2},
        {"place": 0},
    ]
    assert len(find_acts(db, limit=1)) == 1
